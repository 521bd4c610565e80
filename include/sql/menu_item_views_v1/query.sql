-- One row per dish and day. A view counts as opened if it lasted 3 seconds or more; what is shorter was
-- passed while scrolling.
WITH
clicks AS (
    SELECT
        element,
        CAST(clicked_at AS date) AS event_day,
        menu,
        time_spent_s,
        row_number() OVER (
            PARTITION BY element, CAST(clicked_at AS date) ORDER BY time_spent_s NULLS LAST
        ) AS place,
        count(time_spent_s) OVER (PARTITION BY element, CAST(clicked_at AS date)) AS timed
    FROM trusted.menu_clicks
    WHERE clicked_at >= CAST(? AS timestamp(6))
        AND clicked_at < CAST(? AS timestamp(6))
)

SELECT
    element,
    event_day,
    regexp_extract(element, '^(.*)_[0-9]+$', 1) AS section,
    count(*) AS views,
    count(*) FILTER (WHERE time_spent_s >= 3) AS views_opened,
    count(DISTINCT menu) AS menus,
    CAST(coalesce(sum(time_spent_s), 0) AS bigint) AS dwell_s,
    round(avg(CAST(time_spent_s AS double)), 6) AS dwell_avg_s,
    -- The middle value, or the mean of the two middle ones.
    avg(CAST(time_spent_s AS double)) FILTER (WHERE 2 * place BETWEEN timed AND timed + 2) AS dwell_median_s
FROM clicks
GROUP BY element, event_day
