-- One row per stage and day: who goes on from appetizers to entrees to desserts, and where they stop.
-- A visit reaches a stage by a click on it that does not come before the one that reached the stage above.
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

first AS (
    SELECT
        *,
        min(clicked_at) OVER (PARTITION BY menu, visit) AS started_at,
        min(CASE WHEN section = 'appetizer' THEN clicked_at END) OVER (PARTITION BY menu, visit)
            AS appetizer_at
    FROM numbered
),

second AS (
    SELECT
        *,
        min(CASE WHEN section = 'entree' AND clicked_at >= appetizer_at THEN clicked_at END)
            OVER (PARTITION BY menu, visit) AS entree_at
    FROM first
),

visits AS (
    SELECT
        menu,
        visit,
        CAST(started_at AS date) AS event_day,
        appetizer_at,
        entree_at,
        min(clicked_at) FILTER (WHERE section = 'dessert' AND clicked_at >= entree_at) AS dessert_at
    FROM second
    WHERE started_at >= CAST(? AS timestamp(6))
        AND started_at < CAST(? AS timestamp(6))
    GROUP BY menu, visit, started_at, appetizer_at, entree_at
),

days AS (
    SELECT
        event_day,
        count(*) AS visits,
        count(appetizer_at) AS appetizer,
        count(entree_at) AS entree,
        count(dessert_at) AS dessert
    FROM visits
    GROUP BY event_day
)

SELECT
    days.event_day,
    CAST(stages.stage AS integer) AS stage,
    stages.section,
    days.visits,
    stages.reached,
    stages.went_on,
    stages.reached - stages.went_on AS stopped,
    round(CAST(stages.reached AS double) / days.visits, 6) AS reached_share,
    CASE WHEN stages.reached > 0 THEN round(CAST(stages.went_on AS double) / stages.reached, 6) END
        AS went_on_share
FROM days
CROSS JOIN UNNEST(
    ARRAY[1, 2, 3],
    ARRAY['appetizer', 'entree', 'dessert'],
    ARRAY[days.appetizer, days.entree, days.dessert],
    ARRAY[days.entree, days.dessert, 0]
) AS stages (stage, section, reached, went_on)
