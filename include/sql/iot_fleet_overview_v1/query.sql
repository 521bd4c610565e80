-- One row per day: the whole fleet.
WITH
devices AS (
    SELECT
        device_id,
        CAST(measured_at AS date) AS event_day,
        count(*) AS readings,
        count_if(temperature_c IS NULL OR cpu_load IS NULL OR ram_load IS NULL OR disk_load IS NULL)
            AS readings_incomplete,
        min(temperature_c) AS temperature_min_c,
        max(temperature_c) AS temperature_max_c,
        count(temperature_c) AS temperature_values,
        sum(CAST(temperature_c AS double)) AS temperature_sum_c,
        sum(cpu_load) AS cpu_load_sum,
        count(cpu_load) AS cpu_load_values
    FROM trusted.iot_device_telemetry
    WHERE measured_at >= CAST(? AS timestamp(6))
        AND measured_at < CAST(? AS timestamp(6))
    GROUP BY device_id, CAST(measured_at AS date)
),

ranked AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY event_day
            ORDER BY temperature_sum_c / temperature_values DESC NULLS LAST, device_id
        ) AS place
    FROM devices
)

SELECT
    event_day,
    count(*) AS devices,
    CAST(sum(readings) AS bigint) AS readings,
    min(readings) AS readings_fewest,
    max(readings) AS readings_most,
    CAST(sum(readings_incomplete) AS bigint) AS readings_incomplete,
    min(temperature_min_c) AS temperature_min_c,
    round(sum(temperature_sum_c) / sum(temperature_values), 6) AS temperature_avg_c,
    max(temperature_max_c) AS temperature_max_c,
    min(device_id) FILTER (WHERE place = 1 AND temperature_values > 0) AS hottest_device_id,
    round(sum(cpu_load_sum) / sum(cpu_load_values), 6) AS cpu_load_avg
FROM ranked
GROUP BY event_day
