-- One row per session, in the partition of the day on which it began, whatever day it ended on.
-- Between two readings power runs in a straight line, so energy is the sum of trapezoids; what happened
-- between readings more than 10 minutes apart is unknown and counts for nothing. Charging is time with a
-- mean of at least 100 W, idle with less. A session is read up to the end of the day after its first.
WITH
readings AS (
    SELECT
        charger_id,
        session_id,
        measured_at,
        CAST(floor(1000 * to_unixtime(measured_at)) AS bigint) AS at_ms,
        power_w,
        charge_percent
    FROM trusted.charging_telemetry
    WHERE measured_at >= CAST(? AS timestamp(6))
        AND measured_at < CAST(? AS timestamp(6))
),

sessions AS (
    SELECT
        charger_id,
        session_id,
        CAST(min(measured_at) AS date) AS event_day,
        min(at_ms) AS started_ms,
        max(at_ms) AS ended_ms,
        count(*) AS readings,
        max(power_w) AS power_peak_w,
        min(charge_percent) AS charge_lowest_percent,
        max(charge_percent) AS charge_highest_percent
    FROM readings
    GROUP BY charger_id, session_id
    HAVING min(measured_at) >= CAST(? AS timestamp(6))
        AND min(measured_at) < CAST(? AS timestamp(6))
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

spans AS (
    SELECT
        charger_id,
        session_id,
        at_ms - previous_ms AS length_ms,
        (previous_w + power_w) / 2 AS power_avg_w
    FROM steps
    WHERE at_ms - previous_ms <= 600000
),

totals AS (
    SELECT
        charger_id,
        session_id,
        sum(power_avg_w * length_ms) / 3.6E9 AS energy_kwh,
        sum(length_ms) FILTER (WHERE power_avg_w >= 100) / 1000E0 AS charging_s,
        sum(length_ms) FILTER (WHERE power_avg_w < 100) / 1000E0 AS idle_s
    FROM spans
    GROUP BY charger_id, session_id
)

SELECT
    sessions.charger_id,
    sessions.session_id,
    sessions.event_day,
    sessions.started_ms,
    sessions.ended_ms,
    sessions.readings,
    round((sessions.ended_ms - sessions.started_ms) / 1000E0, 3) AS duration_s,
    round(coalesce(totals.charging_s, 0), 3) AS charging_s,
    round(coalesce(totals.idle_s, 0), 3) AS idle_s,
    round(
        (sessions.ended_ms - sessions.started_ms) / 1000E0
        - coalesce(totals.charging_s, 0) - coalesce(totals.idle_s, 0),
        3
    ) AS unknown_s,
    round(coalesce(totals.energy_kwh, 0), 6) AS energy_kwh,
    sessions.power_peak_w,
    sessions.charge_lowest_percent,
    sessions.charge_highest_percent
FROM sessions
LEFT JOIN totals
    ON sessions.charger_id = totals.charger_id AND sessions.session_id = totals.session_id
