-- One row per anomaly. A spike is a robust z-score above 3.5; stuck are at least 10 equal readings in
-- a row over at least 10 minutes; a silence is 20 times the device's usual gap and at least 30 minutes.
-- Everything is measured against the same device on the same day.
WITH
readings AS (
    SELECT
        device_id,
        CAST(measured_at AS date) AS event_day,
        CAST(floor(1000 * to_unixtime(measured_at)) AS bigint) AS at_ms,
        temperature_c,
        row_number() OVER (
            PARTITION BY device_id, CAST(measured_at AS date)
            ORDER BY measured_at, temperature_c NULLS LAST
        ) AS place
    FROM trusted.iot_device_telemetry
    WHERE measured_at >= CAST(? AS timestamp(6))
        AND measured_at < CAST(? AS timestamp(6))
),

steps AS (
    SELECT
        device_id,
        event_day,
        place,
        at_ms,
        temperature_c,
        lag(at_ms) OVER (PARTITION BY device_id, event_day ORDER BY place) AS previous_ms,
        at_ms - lag(at_ms) OVER (PARTITION BY device_id, event_day ORDER BY place) AS gap_ms,
        CASE
            WHEN temperature_c = lag(temperature_c) OVER (PARTITION BY device_id, event_day ORDER BY place)
                THEN 0
            ELSE 1
        END AS changed
    FROM readings
),

ranked AS (
    SELECT
        device_id,
        event_day,
        place,
        at_ms,
        temperature_c,
        previous_ms,
        gap_ms,
        sum(changed) OVER (
            PARTITION BY device_id, event_day ORDER BY place
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS stretch,
        row_number() OVER (PARTITION BY device_id, event_day ORDER BY temperature_c NULLS LAST)
            AS temperature_rank,
        count(temperature_c) OVER (PARTITION BY device_id, event_day) AS temperature_values,
        row_number() OVER (PARTITION BY device_id, event_day ORDER BY gap_ms NULLS LAST) AS gap_rank,
        count(gap_ms) OVER (PARTITION BY device_id, event_day) AS gap_values
    FROM steps
),

usual AS (
    SELECT
        device_id,
        event_day,
        -- The middle value, or the mean of the two middle ones.
        avg(CAST(temperature_c AS double))
            FILTER (WHERE 2 * temperature_rank BETWEEN temperature_values AND temperature_values + 2)
            AS temperature_median_c,
        avg(CAST(gap_ms AS double)) FILTER (WHERE 2 * gap_rank BETWEEN gap_values AND gap_values + 2)
            AS gap_median_ms
    FROM ranked
    GROUP BY device_id, event_day
),

deviations AS (
    SELECT
        ranked.device_id,
        ranked.event_day,
        ranked.place,
        ranked.at_ms,
        ranked.temperature_c,
        abs(ranked.temperature_c - usual.temperature_median_c) AS deviation_c,
        row_number() OVER (
            PARTITION BY ranked.device_id, ranked.event_day
            ORDER BY abs(ranked.temperature_c - usual.temperature_median_c)
        ) AS deviation_rank,
        count(*) OVER (PARTITION BY ranked.device_id, ranked.event_day) AS deviation_values
    FROM ranked
    INNER JOIN usual ON ranked.device_id = usual.device_id AND ranked.event_day = usual.event_day
    WHERE ranked.temperature_c IS NOT NULL
),

-- Where more than half of the readings equal the median, the mean deviation takes MAD's place.
scales AS (
    SELECT
        device_id,
        event_day,
        CASE
            WHEN max(deviation_c) FILTER (WHERE 2 * deviation_rank <= deviation_values + 1) > 0
                THEN avg(deviation_c)
                    FILTER (WHERE 2 * deviation_rank BETWEEN deviation_values AND deviation_values + 2) / 0.6745
            ELSE 1.2533 * avg(deviation_c)
        END AS scale_c
    FROM deviations
    GROUP BY device_id, event_day
),

far AS (
    SELECT
        deviations.device_id,
        deviations.event_day,
        deviations.at_ms,
        deviations.temperature_c,
        deviations.deviation_c / scales.scale_c AS score,
        -- Readings that follow each other share this number.
        deviations.place - row_number() OVER (
            PARTITION BY deviations.device_id, deviations.event_day ORDER BY deviations.place
        ) AS stretch
    FROM deviations
    INNER JOIN scales
        ON deviations.device_id = scales.device_id AND deviations.event_day = scales.event_day
    WHERE scales.scale_c > 0 AND deviations.deviation_c > 3.5 * scales.scale_c
),

spikes AS (
    SELECT
        device_id,
        event_day,
        'spike' AS kind,
        min(at_ms) AS started_ms,
        max(at_ms) AS ended_ms,
        count(*) AS readings,
        max_by(temperature_c, score) AS temperature_c,
        round(max(score), 3) AS score
    FROM far
    GROUP BY device_id, event_day, stretch
),

stuck AS (
    SELECT
        device_id,
        event_day,
        'stuck' AS kind,
        min(at_ms) AS started_ms,
        max(at_ms) AS ended_ms,
        count(*) AS readings,
        min(temperature_c) AS temperature_c,
        CAST(count(*) AS double) AS score
    FROM ranked
    WHERE temperature_c IS NOT NULL
    GROUP BY device_id, event_day, stretch
    HAVING count(*) >= 10 AND max(at_ms) - min(at_ms) >= 600000
),

silences AS (
    SELECT
        ranked.device_id,
        ranked.event_day,
        'silence' AS kind,
        ranked.previous_ms AS started_ms,
        ranked.at_ms AS ended_ms,
        CAST(0 AS bigint) AS readings,
        CAST(NULL AS integer) AS temperature_c,
        round(ranked.gap_ms / greatest(usual.gap_median_ms, 1.0), 3) AS score
    FROM ranked
    INNER JOIN usual ON ranked.device_id = usual.device_id AND ranked.event_day = usual.event_day
    WHERE ranked.gap_ms >= 1800000 AND ranked.gap_ms >= 20 * usual.gap_median_ms
)

SELECT device_id, event_day, kind, started_ms, ended_ms, readings, temperature_c, score FROM spikes
UNION ALL
SELECT device_id, event_day, kind, started_ms, ended_ms, readings, temperature_c, score FROM stuck
UNION ALL
SELECT device_id, event_day, kind, started_ms, ended_ms, readings, temperature_c, score FROM silences
