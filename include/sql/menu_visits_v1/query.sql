-- One row per visit.
-- A visit is what happens at one copy of the menu without a pause of more than 30 minutes; a copy lies on one
-- table, so two parties are told apart by the pause between them. A visit belongs to the day of its first
-- click, and is read up to the end of the next day. The half hour before midnight is read to know whether
-- a click after midnight is a first one.
WITH
clicks AS (
    SELECT
        menu,
        clicked_at,
        element,
        regexp_extract(element, '^(.*)_[0-9]+$', 1) AS section,
        time_spent_s
    FROM trusted.menu_clicks
    WHERE clicked_at >= CAST(? AS timestamp(6)) - INTERVAL '30' MINUTE
        AND clicked_at < CAST(? AS timestamp(6))
),

steps AS (
    SELECT
        *,
        CASE
            WHEN to_unixtime(clicked_at) - to_unixtime(
                lag(clicked_at) OVER (PARTITION BY menu ORDER BY clicked_at)
            ) <= 1800 THEN 0
            ELSE 1
        END AS is_first
    FROM clicks
),

numbered AS (
    SELECT
        *,
        sum(is_first) OVER (
            PARTITION BY menu ORDER BY clicked_at, is_first DESC
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS visit
    FROM steps
)

SELECT
    menu,
    CAST(min(clicked_at) AS date) AS event_day,
    CAST(floor(1000 * to_unixtime(min(clicked_at))) AS bigint) AS started_ms,
    CAST(floor(1000 * to_unixtime(max(clicked_at))) AS bigint) AS ended_ms,
    count(*) AS clicks,
    count(DISTINCT element) AS dishes,
    count(DISTINCT section) AS sections,
    CAST(coalesce(sum(time_spent_s), 0) AS bigint) AS dwell_s
FROM numbered
GROUP BY menu, visit
HAVING min(clicked_at) >= CAST(? AS timestamp(6))
    AND min(clicked_at) < CAST(? AS timestamp(6))
