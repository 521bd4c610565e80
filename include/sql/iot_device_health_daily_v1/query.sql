-- One row per device and day. Every figure is exact and independent of the order of rows:
-- percentiles are nearest-rank over all readings, averages are rounded to 6 digits.
WITH
readings AS (
    SELECT
        device_id,
        CAST(measured_at AS date) AS event_day,
        measured_at,
        temperature_c,
        cpu_load,
        ram_load,
        disk_load
    FROM trusted.iot_device_telemetry
    WHERE measured_at >= CAST(? AS timestamp(6))
        AND measured_at < CAST(? AS timestamp(6))
),

-- Ranks count from 1; absent values come last, beyond the number of values.
ranked AS (
    SELECT
        device_id,
        event_day,
        temperature_c,
        cpu_load,
        ram_load,
        disk_load,
        to_unixtime(measured_at) - to_unixtime(
            lag(measured_at) OVER (PARTITION BY device_id, event_day ORDER BY measured_at)
        ) AS silence_s,
        row_number() OVER (PARTITION BY device_id, event_day ORDER BY temperature_c NULLS LAST)
            AS temperature_rank,
        row_number() OVER (PARTITION BY device_id, event_day ORDER BY cpu_load NULLS LAST) AS cpu_rank,
        row_number() OVER (PARTITION BY device_id, event_day ORDER BY ram_load NULLS LAST) AS ram_rank,
        row_number() OVER (PARTITION BY device_id, event_day ORDER BY disk_load NULLS LAST) AS disk_rank,
        count(temperature_c) OVER (PARTITION BY device_id, event_day) AS temperature_values,
        count(cpu_load) OVER (PARTITION BY device_id, event_day) AS cpu_values,
        count(ram_load) OVER (PARTITION BY device_id, event_day) AS ram_values,
        count(disk_load) OVER (PARTITION BY device_id, event_day) AS disk_values
    FROM readings
),

daily AS (
    SELECT
        device_id,
        event_day,
        count(*) AS readings,
        min(temperature_c) AS temperature_min_c,
        round(avg(CAST(temperature_c AS double)), 6) AS temperature_avg_c,
        min(temperature_c) FILTER (WHERE temperature_rank >= 0.95 * temperature_values)
            AS temperature_p95_c,
        max(temperature_c) AS temperature_max_c,
        -- The middle value, or the mean of the two middle ones.
        avg(CAST(temperature_c AS double))
            FILTER (WHERE 2 * temperature_rank BETWEEN temperature_values AND temperature_values + 2)
            AS temperature_median_c,
        min(cpu_load) AS cpu_load_min,
        round(avg(cpu_load), 6) AS cpu_load_avg,
        min(cpu_load) FILTER (WHERE cpu_rank >= 0.95 * cpu_values) AS cpu_load_p95,
        max(cpu_load) AS cpu_load_max,
        min(ram_load) AS ram_load_min,
        round(avg(ram_load), 6) AS ram_load_avg,
        min(ram_load) FILTER (WHERE ram_rank >= 0.95 * ram_values) AS ram_load_p95,
        max(ram_load) AS ram_load_max,
        min(disk_load) AS disk_load_min,
        round(avg(disk_load), 6) AS disk_load_avg,
        min(disk_load) FILTER (WHERE disk_rank >= 0.95 * disk_values) AS disk_load_p95,
        max(disk_load) AS disk_load_max,
        -- Between readings of the same day only: the time before the first and after the last
        -- reading is no silence, and a single reading has none.
        round(max(silence_s), 3) AS longest_silence_s
    FROM ranked
    GROUP BY device_id, event_day
),

deviations AS (
    SELECT
        readings.device_id,
        readings.event_day,
        abs(readings.temperature_c - daily.temperature_median_c) AS deviation_c,
        row_number() OVER (
            PARTITION BY readings.device_id, readings.event_day
            ORDER BY abs(readings.temperature_c - daily.temperature_median_c)
        ) AS deviation_rank,
        count(*) OVER (PARTITION BY readings.device_id, readings.event_day) AS deviation_values
    FROM readings
    INNER JOIN daily
        ON readings.device_id = daily.device_id AND readings.event_day = daily.event_day
    WHERE readings.temperature_c IS NOT NULL
),

spreads AS (
    SELECT
        device_id,
        event_day,
        avg(deviation_c)
            FILTER (WHERE 2 * deviation_rank BETWEEN deviation_values AND deviation_values + 2)
            AS temperature_mad_c,
        avg(deviation_c) AS mean_deviation_c
    FROM deviations
    GROUP BY device_id, event_day
),

-- Robust z-score |0.6745 (x - median) / MAD| above 3.5. Where more than half of the readings equal
-- the median, MAD is 0 and the mean deviation takes its place: |x - median| / (1.2533 mean deviation).
anomalies AS (
    SELECT
        deviations.device_id,
        deviations.event_day,
        count_if(
            CASE
                WHEN spreads.temperature_mad_c > 0
                    THEN 0.6745 * deviations.deviation_c > 3.5 * spreads.temperature_mad_c
                ELSE deviations.deviation_c > 3.5 * 1.2533 * spreads.mean_deviation_c
            END
        ) AS temperature_anomalies
    FROM deviations
    INNER JOIN spreads
        ON deviations.device_id = spreads.device_id AND deviations.event_day = spreads.event_day
    GROUP BY deviations.device_id, deviations.event_day
)

SELECT
    daily.device_id,
    daily.event_day,
    daily.readings,
    daily.temperature_min_c,
    daily.temperature_avg_c,
    daily.temperature_p95_c,
    daily.temperature_max_c,
    daily.temperature_median_c,
    spreads.temperature_mad_c,
    coalesce(anomalies.temperature_anomalies, 0) AS temperature_anomalies,
    daily.cpu_load_min,
    daily.cpu_load_avg,
    daily.cpu_load_p95,
    daily.cpu_load_max,
    daily.ram_load_min,
    daily.ram_load_avg,
    daily.ram_load_p95,
    daily.ram_load_max,
    daily.disk_load_min,
    daily.disk_load_avg,
    daily.disk_load_p95,
    daily.disk_load_max,
    daily.longest_silence_s
FROM daily
LEFT JOIN spreads
    ON daily.device_id = spreads.device_id AND daily.event_day = spreads.event_day
LEFT JOIN anomalies
    ON daily.device_id = anomalies.device_id AND daily.event_day = anomalies.event_day
