"""Questions about the flights that every door must answer as DuckDB does over the same file. (name, SQL for FletchDB, SQL for DuckDB or None)."""

QUERIES = [
    ("count", "SELECT count(*) AS n FROM flights", None),
    ("sums", "SELECT sum(delay) AS d, sum(distance) AS m, min(delay) AS lo, max(delay) AS hi, min(date) AS first, max(date) AS last FROM flights", None),
    ("average", "SELECT avg(delay) AS d, avg(distance) AS m FROM flights", None),
    ("by origin", "SELECT origin, count(*) AS n, sum(distance) AS m, avg(delay) AS d, max(delay) AS hi FROM flights GROUP BY origin ORDER BY origin", None),
    ("by route", "SELECT origin, destination, count(*) AS n, avg(delay) AS d FROM flights GROUP BY origin, destination ORDER BY n DESC, origin, destination LIMIT 50", None),
    ("late", "SELECT count(*) AS n, sum(distance) AS m FROM flights WHERE delay > 60 AND distance BETWEEN 500 AND 1500", None),
    ("text filter", "SELECT count(*) AS n FROM flights WHERE origin LIKE 'S%' AND destination IN ('LAX', 'JFK', 'ORD')", None),
    ("one day", "SELECT count(*) AS n, sum(delay) AS d FROM flights WHERE date >= '2001-03-01' AND date < '2001-03-02'",
     "SELECT count(*) AS n, sum(delay) AS d FROM flights WHERE date >= TIMESTAMP '2001-03-01' AND date < TIMESTAMP '2001-03-02'"),
    ("by month", "SELECT date_trunc('month', date) AS m, count(*) AS n, sum(delay) AS d FROM flights GROUP BY 1 ORDER BY 1", None),
    ("by hour bucket", "SELECT time_bucket(INTERVAL '1 hour', date) AS b, count(*) AS n FROM flights WHERE origin = 'ATL' GROUP BY 1 ORDER BY 1 LIMIT 100", None),
    ("having", "SELECT destination, count(*) AS n FROM flights GROUP BY destination HAVING count(*) > 50000 ORDER BY n DESC, destination", None),
    ("distinct", "SELECT DISTINCT origin FROM flights ORDER BY origin DESC LIMIT 20", None),
    ("expression", "SELECT sum(CASE WHEN delay > 0 THEN delay ELSE 0 END) AS late, sum(distance * 2 - delay) AS x, count(DISTINCT distance) AS k FROM flights", None),
    ("top", "SELECT date, delay, distance, origin, destination FROM flights ORDER BY delay DESC, date, origin, destination, distance LIMIT 25", None),
    ("join", "SELECT a.origin, a.n, b.n AS arrivals FROM (SELECT origin, count(*) AS n FROM flights GROUP BY origin) a JOIN (SELECT destination, count(*) AS n FROM flights GROUP BY destination) b ON a.origin = b.destination ORDER BY a.n DESC, a.origin LIMIT 30", None),
    ("cte", "WITH late AS (SELECT origin, delay FROM flights WHERE delay > 120) SELECT origin, count(*) AS n, max(delay) AS hi FROM late GROUP BY origin ORDER BY n DESC, origin LIMIT 10", None),
]
