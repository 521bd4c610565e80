-- One row per device and hour in which it reported. Averages are rounded to 6 digits.
WITH
readings AS (
    SELECT
        device_id,
        CAST(measured_at AS date) AS event_day,
        CAST(hour(measured_at) AS integer) AS event_hour,
        temperature_c,
        cpu_load,
        ram_load,
        disk_load,
        to_unixtime(measured_at) - to_unixtime(
            lag(measured_at) OVER (PARTITION BY device_id, CAST(measured_at AS date) ORDER BY measured_at)
        ) AS silence_s
    FROM trusted.iot_device_telemetry
    WHERE measured_at >= CAST(? AS timestamp(6))
        AND measured_at < CAST(? AS timestamp(6))
)

SELECT
    device_id,
    event_day,
    event_hour,
    count(*) AS readings,
    min(temperature_c) AS temperature_min_c,
    round(avg(CAST(temperature_c AS double)), 6) AS temperature_avg_c,
    max(temperature_c) AS temperature_max_c,
    round(avg(cpu_load), 6) AS cpu_load_avg,
    max(cpu_load) AS cpu_load_max,
    round(avg(ram_load), 6) AS ram_load_avg,
    max(ram_load) AS ram_load_max,
    round(avg(disk_load), 6) AS disk_load_avg,
    max(disk_load) AS disk_load_max,
    round(max(silence_s), 3) AS longest_silence_s
FROM readings
GROUP BY device_id, event_day, event_hour
