-- One row per dish and day on which a visit saw the dish without opening it: it was in view, but never for
-- 3 seconds or more in that visit. A view without a time counts as not opened.
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
),

placed AS (
    SELECT *, min(clicked_at) OVER (PARTITION BY menu, visit) AS started_at
    FROM numbered
),

seen AS (
    SELECT
        element,
        section,
        CAST(started_at AS date) AS event_day,
        menu,
        visit,
        max(CASE WHEN time_spent_s >= 3 THEN 1 ELSE 0 END) AS opened
    FROM placed
    WHERE started_at >= CAST(? AS timestamp(6))
        AND started_at < CAST(? AS timestamp(6))
    GROUP BY element, section, CAST(started_at AS date), menu, visit
)

SELECT
    element,
    event_day,
    section,
    count(*) AS visits_seen,
    count_if(opened = 0) AS visits_unopened,
    round(CAST(count_if(opened = 0) AS double) / count(*), 6) AS unopened_share,
    max(opened) = 0 AS is_never_opened
FROM seen
GROUP BY element, event_day, section
HAVING count_if(opened = 0) > 0
