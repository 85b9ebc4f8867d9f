"""The questions that people with time series ask: our text, DuckDB's where it is another, and Polars' (an expression over lazy frames)."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Query:
    name: str
    ours: str
    duckdb: str | None = None
    polars: str | None = None
    tables: tuple[str, ...] = ("trades",)
    goal_ms: float | None = None

    def texts(self):
        """Text by peer; DuckDB gets ours when nothing else is said, and nothing when "" is."""
        found = {"ours": self.ours, "duckdb": self.ours if self.duckdb is None else self.duckdb, "polars": self.polars}
        return {name: text for name, text in found.items() if text}


def latest(table, goal_ms):
    return Query(
        "latest" if table == "trades" else "latest10k",
        f"SELECT sym, ts, price, size, side FROM {table} LATEST ON ts PARTITION BY sym",
        f"SELECT t.sym, t.ts, t.price, t.size, t.side FROM {table} t JOIN (SELECT sym, max(ts) ts FROM {table} GROUP BY sym) m ON t.sym = m.sym AND t.ts = m.ts",
        f"{table}.select('sym', 'ts', 'price', 'size', 'side').group_by('sym').last()",
        (table,),
        goal_ms,
    )


ASOF = "SELECT count(*) AS n, sum(t.price - q.bid) AS s FROM trades t ASOF JOIN quotes q ON t.sym = q.sym AND t.ts >= q.ts"
ASOF_POLARS = "trades.select('ts', 'sym', 'price').join_asof(quotes.select('ts', 'sym', 'bid'), on='ts', by='sym'%s).select(c.bid.count(), (c.price - c.bid).sum())"

QUERIES = [
    Query("asof", ASOF, polars=ASOF_POLARS % "", tables=("trades", "quotes"), goal_ms=150),
    Query(
        "asof_tol",
        ASOF + " TOLERANCE 100ms",
        ASOF + " WHERE epoch_ns(t.ts) - epoch_ns(q.ts) <= 100000000",
        ASOF_POLARS % ", tolerance='100ms'",
        ("trades", "quotes"),
        150,
    ),
    latest("trades", 1),
    latest("trades10k", 5),
    Query(
        "ohlcv",
        "SELECT sym, date_trunc('minute', ts) AS b, first(price ORDER BY ts) AS o, max(price) AS h, min(price) AS l, last(price ORDER BY ts) AS c, sum(size) AS v FROM trades GROUP BY 1, 2",
        polars="trades.group_by('sym', c.ts.dt.truncate('1m')).agg(c.price.first().alias('o'), c.price.max().alias('h'), c.price.min().alias('l'), c.price.last().alias('c'), c('size').sum())",
        goal_ms=40,
    ),
    Query(
        "gb_minute",
        "SELECT date_trunc('minute', ts) AS b, count(*) AS n, avg(price) AS a FROM trades GROUP BY 1",
        polars="trades.group_by(c.ts.dt.truncate('1m')).agg(pl.len(), c.price.mean())",
        goal_ms=10,
    ),
    Query(
        "vwap",
        "SELECT sym, vwap(price, size) AS p FROM trades GROUP BY sym",
        "SELECT sym, sum(price * size) / sum(size) AS p FROM trades GROUP BY sym",
        "trades.group_by('sym').agg((c.price * c('size')).sum() / c('size').sum())",
        goal_ms=15,
    ),
    Query(
        "first_last",
        "SELECT sym, first(price ORDER BY ts) AS f, last(price ORDER BY ts) AS l FROM trades GROUP BY sym",
        polars="trades.group_by('sym').agg(c.price.first().alias('f'), c.price.last().alias('l'))",
        goal_ms=15,
    ),
    Query(
        "ema",
        "SELECT sym, last(e ORDER BY ts) AS e FROM (SELECT sym, ts, ema(price, alpha => 0.1) OVER (PARTITION BY sym ORDER BY ts) AS e FROM trades) w GROUP BY sym",
        "",
        "trades.group_by('sym').agg(c.price.ewm_mean(alpha=0.1, adjust=False).last())",
        goal_ms=80,
    ),
    Query(
        "ema_aggregate",
        "SELECT sym, ema(price, alpha => 0.1) AS e FROM trades GROUP BY sym",
        "",
        "trades.group_by('sym').agg(c.price.ewm_mean(alpha=0.1, adjust=False).last())",
        goal_ms=80,
    ),
    Query(
        "ma20",
        "SELECT count(m) AS n, sum(m) AS s FROM (SELECT avg(price) OVER (PARTITION BY sym ORDER BY ts ROWS BETWEEN 19 PRECEDING AND CURRENT ROW) AS m FROM trades) w",
        polars="trades.select(c.price.rolling_mean(20, min_samples=1).over('sym').alias('m')).select(c.m.count().alias('n'), c.m.sum())",
        goal_ms=120,
    ),
    Query(
        "fill_prev",
        "SELECT count(*) AS n, sum(p) AS s FROM (SELECT ts, avg(price) AS p FROM trades WHERE sym = '{rare}' SAMPLE BY 1s FROM '{hour}' TO '{next}' FILL(PREV)) w",
        "SELECT count(*) AS n, sum(p) AS s FROM (SELECT b, last_value(a IGNORE NULLS) OVER (ORDER BY b) AS p FROM (SELECT unnest(generate_series(TIMESTAMP '{hour}', TIMESTAMP '{next}' - INTERVAL 1 SECOND, INTERVAL 1 SECOND)) AS b) g "
        "LEFT JOIN (SELECT date_trunc('second', ts) AS b, avg(price) AS a FROM trades WHERE sym = '{rare}' AND ts >= '{hour}' AND ts < '{next}' GROUP BY 1) x USING (b)) w",
        goal_ms=2,
    ),
    Query(
        "time_range",
        "SELECT count(*) AS n, avg(price) AS a FROM trades WHERE ts >= '{lo}' AND ts < '{hi}'",
        goal_ms=0.7,
    ),
    Query("slice_sym", "SELECT ts, price, size FROM trades WHERE sym = '{sym}' AND ts >= '{lo}' AND ts < '{hi}'", goal_ms=1),
    Query("point", "SELECT ts, price, size FROM trades WHERE sym = '{rare}' ORDER BY ts DESC LIMIT 1", goal_ms=0.7),
    Query(
        "window_join",
        "SELECT count(*) AS n, sum(m) AS s FROM (SELECT wj_avg(t.price) AS m FROM (SELECT * FROM quotes WHERE ts >= '{lo}' LIMIT 100000) q "
        "WINDOW JOIN trades t ON t.sym = q.sym RANGE BETWEEN 10s PRECEDING AND 10s FOLLOWING EXCLUDE PREVAILING) w",
        "",
        tables=("trades", "quotes"),
    ),
]
