-- One row per dish that was viewed on the day or on the same weekday a week before. A day without any click
-- has no rows, so that a day that has yet to come is no slump.
WITH
current_week AS (
    SELECT element, CAST(clicked_at AS date) AS event_day, count(*) AS views
    FROM trusted.menu_clicks
    WHERE clicked_at >= CAST(? AS timestamp(6))
        AND clicked_at < CAST(? AS timestamp(6))
    GROUP BY element, CAST(clicked_at AS date)
),

week_before AS (
    SELECT element, count(*) AS views
    FROM trusted.menu_clicks
    WHERE clicked_at >= CAST(? AS timestamp(6)) - INTERVAL '7' DAY
        AND clicked_at < CAST(? AS timestamp(6)) - INTERVAL '7' DAY
    GROUP BY element
),

day AS (
    SELECT DISTINCT event_day FROM current_week
)

SELECT
    coalesce(current_week.element, week_before.element) AS element,
    day.event_day,
    coalesce(current_week.views, 0) AS views,
    coalesce(week_before.views, 0) AS views_week_before,
    coalesce(current_week.views, 0) - coalesce(week_before.views, 0) AS views_change,
    round(CAST(coalesce(current_week.views, 0) AS double) / week_before.views - 1, 6) AS views_change_share
FROM current_week
FULL OUTER JOIN week_before ON current_week.element = week_before.element
CROSS JOIN day
