-- One row per quarter of an hour in which a vehicle was plugged in, for all chargers together. Between two
-- readings power runs in a straight line, which is cut where a quarter begins; what happened between
-- readings more than 10 minutes apart is unknown. So no span lies in more than two quarters.
WITH
readings AS (
    SELECT
        charger_id,
        session_id,
        measured_at,
        CAST(floor(1000 * to_unixtime(measured_at)) AS bigint) AS at_ms,
        power_w
    FROM trusted.charging_telemetry
    WHERE measured_at >= CAST(? AS timestamp(6)) - INTERVAL '10' MINUTE
        AND measured_at < CAST(? AS timestamp(6)) + INTERVAL '10' MINUTE
),

day AS (
    SELECT
        CAST(CAST(? AS timestamp(6)) AS date) AS event_day,
        CAST(1000 * to_unixtime(CAST(? AS timestamp(6))) AS bigint) AS start_ms,
        CAST(1000 * to_unixtime(CAST(? AS timestamp(6))) AS bigint) AS end_ms
),

steps AS (
    SELECT
        charger_id,
        session_id,
        at_ms,
        power_w,
        lag(at_ms) OVER (
            PARTITION BY charger_id, session_id ORDER BY measured_at, power_w
        ) AS previous_ms,
        lag(power_w) OVER (
            PARTITION BY charger_id, session_id ORDER BY measured_at, power_w
        ) AS previous_w
    FROM readings
    WHERE power_w IS NOT NULL
),

pieces AS (
    SELECT
        steps.charger_id,
        steps.previous_ms,
        steps.previous_w,
        (steps.power_w - steps.previous_w) / (steps.at_ms - steps.previous_ms) AS slope,
        (steps.previous_w + steps.power_w) / 2 >= 100 AS is_charging,
        quarters.number AS quarter,
        greatest(steps.previous_ms, quarters.number * 900000) AS from_ms,
        least(steps.at_ms, (quarters.number + 1) * 900000) AS until_ms
    FROM steps
    CROSS JOIN UNNEST(
        sequence(steps.previous_ms / 900000, (steps.at_ms - 1) / 900000)
    ) AS quarters (number)
    WHERE steps.at_ms > steps.previous_ms AND steps.at_ms - steps.previous_ms <= 600000
),

powers AS (
    SELECT
        charger_id,
        quarter,
        is_charging,
        until_ms - from_ms AS length_ms,
        previous_w + slope * (from_ms - previous_ms) AS from_w,
        previous_w + slope * (until_ms - previous_ms) AS until_w
    FROM pieces
)

SELECT
    day.event_day,
    CAST((powers.quarter * 900000 - day.start_ms) / 60000 AS integer) AS start_minute,
    round(sum((powers.from_w + powers.until_w) / 2 * powers.length_ms) / 3.6E9, 6) AS energy_kwh,
    round(sum((powers.from_w + powers.until_w) / 2 * powers.length_ms) / 9E5, 3) AS power_avg_w,
    round(max(greatest(powers.from_w, powers.until_w)), 3) AS charger_peak_w,
    count(DISTINCT powers.charger_id) AS chargers_plugged,
    count(DISTINCT powers.charger_id) FILTER (WHERE powers.is_charging) AS chargers_charging
FROM powers
CROSS JOIN day
WHERE powers.quarter * 900000 >= day.start_ms AND powers.quarter * 900000 < day.end_ms
GROUP BY day.event_day, day.start_ms, powers.quarter
