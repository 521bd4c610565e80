-- One row per day. What the sensor reports of pollutants are grades from 1 to 5, not concentrations, and
-- grades cannot be turned back. So neither the EPA's AQI (0 to 500, from the concentration breakpoints of
-- 40 CFR part 58, appendix G, such as 9.0, 35.4, 55.4, 125.4 and 225.4 µg/m³ of PM2.5) nor an excess over
-- the WHO's 24-hour guideline values of 2021 (15 µg/m³ of PM2.5, 45 of PM10, 25 of NO2; 4 mg/m³ of CO) can
-- be computed. What is taken from them is how grades are put together:
--   24 hours: each pollutant's level of the day is the median of its grades, for these guideline values
--     are for 24 hours;
--   the worst decides: the index is the highest of the pollutants' levels, as in appendix G;
--   18 hours: a day counts as complete with 75 % of its hours, as in 40 CFR part 50, appendix N.
-- A median is the lower of the two middle grades.
WITH
readings AS (
    SELECT
        CAST(measured_at AS date) AS event_day,
        CAST(hour(measured_at) AS integer) AS event_hour,
        user_level,
        no2_level,
        co_level,
        pm2_5_level,
        pm10_level,
        aqi_level,
        eco2_ppm
    FROM trusted.air_quality
    WHERE measured_at >= CAST(? AS timestamp(6))
        AND measured_at < CAST(? AS timestamp(6))
),

grades AS (
    SELECT readings.event_day, readings.event_hour, graded.what, graded.grade
    FROM readings
    CROSS JOIN UNNEST(
        ARRAY['pm2_5', 'pm10', 'no2', 'co', 'user', 'sensor'],
        ARRAY[pm2_5_level, pm10_level, no2_level, co_level, user_level, aqi_level]
    ) AS graded (what, grade)
    WHERE graded.grade IS NOT NULL
),

ranked AS (
    SELECT
        event_day,
        event_hour,
        what,
        grade,
        row_number() OVER (PARTITION BY event_day, what ORDER BY grade) AS day_place,
        count(*) OVER (PARTITION BY event_day, what) AS day_grades,
        row_number() OVER (PARTITION BY event_day, what, event_hour ORDER BY grade) AS hour_place,
        count(*) OVER (PARTITION BY event_day, what, event_hour) AS hour_grades
    FROM grades
),

daily AS (
    SELECT event_day, what, min(grade) FILTER (WHERE 2 * day_place >= day_grades) AS level
    FROM ranked
    GROUP BY event_day, what
),

hourly AS (
    SELECT event_day, event_hour, min(grade) FILTER (WHERE 2 * hour_place >= hour_grades) AS level
    FROM ranked
    WHERE what IN ('pm2_5', 'pm10', 'no2', 'co')
    GROUP BY event_day, event_hour, what
),

worst_hours AS (
    SELECT
        event_day,
        event_hour,
        level,
        row_number() OVER (PARTITION BY event_day ORDER BY level DESC, event_hour) AS place
    FROM hourly
),

levels AS (
    SELECT
        event_day,
        max(level) FILTER (WHERE what IN ('pm2_5', 'pm10', 'no2', 'co')) AS index_level,
        max(level) FILTER (WHERE what = 'pm2_5') AS pm2_5_level,
        max(level) FILTER (WHERE what = 'pm10') AS pm10_level,
        max(level) FILTER (WHERE what = 'no2') AS no2_level,
        max(level) FILTER (WHERE what = 'co') AS co_level,
        max(level) FILTER (WHERE what = 'user') AS user_level,
        max(level) FILTER (WHERE what = 'sensor') AS sensor_level
    FROM daily
    GROUP BY event_day
),

days AS (
    SELECT
        event_day,
        count(*) AS readings,
        count(DISTINCT event_hour) AS hours_covered,
        round(avg(CAST(eco2_ppm AS double)), 6) AS eco2_avg_ppm,
        max(eco2_ppm) AS eco2_max_ppm
    FROM readings
    GROUP BY event_day
)

SELECT
    days.event_day,
    levels.index_level,
    CASE levels.index_level
        WHEN 1 THEN 'good'
        WHEN 2 THEN 'fair'
        WHEN 3 THEN 'moderate'
        WHEN 4 THEN 'poor'
        WHEN 5 THEN 'very poor'
    END AS index_category,
    CASE levels.index_level
        WHEN levels.pm2_5_level THEN 'pm2_5'
        WHEN levels.pm10_level THEN 'pm10'
        WHEN levels.no2_level THEN 'no2'
        WHEN levels.co_level THEN 'co'
    END AS dominant_pollutant,
    levels.pm2_5_level,
    levels.pm10_level,
    levels.no2_level,
    levels.co_level,
    worst_hours.level AS worst_hour_level,
    worst_hours.event_hour AS worst_hour,
    levels.user_level,
    levels.sensor_level,
    days.eco2_avg_ppm,
    days.eco2_max_ppm,
    days.readings,
    days.hours_covered,
    days.hours_covered >= 18 AS is_complete
FROM days
LEFT JOIN levels ON days.event_day = levels.event_day
LEFT JOIN worst_hours ON days.event_day = worst_hours.event_day AND worst_hours.place = 1
