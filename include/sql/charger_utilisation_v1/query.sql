-- One row per charger and day on which a vehicle was plugged in. Spans between readings are cut at midnight.
-- Charging and idle mean what they mean in charging_sessions.
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
        steps.session_id,
        day.event_day,
        steps.previous_ms,
        steps.previous_w,
        (steps.power_w - steps.previous_w) / (steps.at_ms - steps.previous_ms) AS slope,
        (steps.previous_w + steps.power_w) / 2 >= 100 AS is_charging,
        greatest(steps.previous_ms, day.start_ms) AS from_ms,
        least(steps.at_ms, day.end_ms) AS until_ms
    FROM steps
    CROSS JOIN day
    WHERE steps.at_ms > steps.previous_ms
        AND steps.at_ms - steps.previous_ms <= 600000
        AND steps.at_ms > day.start_ms
        AND steps.previous_ms < day.end_ms
),

powers AS (
    SELECT
        charger_id,
        session_id,
        event_day,
        is_charging,
        until_ms - from_ms AS length_ms,
        previous_w + slope * (from_ms - previous_ms) AS from_w,
        previous_w + slope * (until_ms - previous_ms) AS until_w
    FROM pieces
)

SELECT
    charger_id,
    event_day,
    count(DISTINCT session_id) AS sessions,
    round(sum(length_ms) / 1000E0, 3) AS plugged_s,
    round(coalesce(sum(length_ms) FILTER (WHERE is_charging), 0) / 1000E0, 3) AS charging_s,
    round(coalesce(sum(length_ms) FILTER (WHERE NOT is_charging), 0) / 1000E0, 3) AS idle_s,
    round(sum(length_ms) / 86400E3, 6) AS plugged_share,
    round(coalesce(sum(length_ms) FILTER (WHERE is_charging), 0) / 86400E3, 6) AS charging_share,
    round(sum((from_w + until_w) / 2 * length_ms) / 3.6E9, 6) AS energy_kwh,
    round(max(greatest(from_w, until_w)), 3) AS power_peak_w
FROM powers
GROUP BY charger_id, event_day
