"""Time-series queries on a running FletchDB, over Flight into the client, beside DuckDB and Polars in process: medians, ratios, equal answers.

usage: measure.py --flight URL [--rows N] [--data FOLDER] [--only NAME,...] [--peers duckdb,polars] [--runs N]
--data: a folder with trades.parquet, quotes.parquet (twice the rows) and trades10k.parquet; else seeded ones are generated.
"""
import argparse
import math
import os
import statistics
import time

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.flight as flight
import pyarrow.parquet as parquet
from queries import QUERIES

THREADS = 2
DAY = 86_400_000_000_000
START = 1_704_153_600_000_000_000            # 2024-01-02


def names(count):
    return [chr(65 + i % 26) + chr(65 + i // 26 % 26) + chr(65 + i // 676) + "X" for i in range(count)]


def stamps(rng, rows):
    gaps = np.cumsum(rng.exponential(1.0, rows))
    return START + (gaps * ((DAY - rows) / (gaps[-1] + 1))).astype(np.int64) + np.arange(rows)      # strictly increasing


def series(rows, symbols, seed):
    """Times of one day, symbols of unequal shares, a random walk of each symbol's price."""
    rng = np.random.default_rng(seed)
    weights = 1.0 / np.arange(1, symbols + 1) ** 0.8
    codes = rng.choice(symbols, rows, p=weights / weights.sum()).astype(np.int32)
    steps = np.round(np.cumsum(rng.standard_normal(rows)) * 0.01, 2)
    return rng, {
        "ts": pa.array(stamps(rng, rows), pa.timestamp("ns")),
        "sym": pa.DictionaryArray.from_arrays(pa.array(codes), names(symbols)).cast(pa.utf8()),
        "price": np.round(50 + codes + steps - steps.min(), 2),
    }


def make_trades(rows, symbols, seed):
    rng, columns = series(rows, symbols, seed)
    sides = pa.DictionaryArray.from_arrays(pa.array(rng.integers(0, 2, rows).astype(np.int32)), ["B", "S"]).cast(pa.utf8())
    return pa.table({**columns, "size": 1 + np.exp(rng.normal(4.0, 1.2, rows)).astype(np.int64), "side": sides})


def make_quotes(rows):
    rng, columns = series(rows, 100, 3)
    return pa.table({"ts": columns["ts"], "sym": columns["sym"], "bid": columns["price"], "ask": columns["price"] + 0.01 * rng.integers(1, 6, rows)})


def tables(data, rows):
    if data:
        return {name: parquet.read_table(os.path.join(data, f"{name}.parquet")) for name in ("trades", "quotes", "trades10k")}
    return {"trades": make_trades(rows, 100, 1), "quotes": make_quotes(2 * rows), "trades10k": make_trades(rows, 10_000, 2)}


def put(client, name, table):
    start = time.perf_counter()
    writer, _ = client.do_put(flight.FlightDescriptor.for_path(name), table.schema)
    for batch in table.to_batches(max_chunksize=65536):
        writer.write_batch(batch)
    writer.close()
    return time.perf_counter() - start


def facts(tables):
    """What the queries' texts need of the data: a busy symbol, the rarest, and times around the middle."""
    trades = tables["trades"]
    counts = trades["sym"].cast(pa.utf8()).value_counts().sort("descending", by="counts")
    first, last = (trades["ts"][at].cast(pa.int64()).as_py() for at in (0, trades.num_rows - 1))
    span = last - first
    hour = (first + span // 2) // 3_600_000_000_000 * 3_600_000_000_000
    text = lambda ticks: f"{np.datetime64(ticks, 'ns')}"
    return {
        "sym": counts[len(counts) // 10]["values"].as_py(),
        "rare": counts[len(counts) - 1]["values"].as_py(),
        "lo": text(first + span * 2 // 5),
        "hi": text(first + span * 41 // 100),
        "hour": text(hour),
        "next": text(hour + 3_600_000_000_000),
    }


class Ours:
    def __init__(self, url):
        self.client = flight.connect(url)

    def run(self, text):
        return self.client.do_get(flight.Ticket(text.encode())).read_all()


class DuckDb:
    def __init__(self, tables):
        self.connection = duckdb.connect(config={"threads": THREADS})
        for name, table in tables.items():
            self.connection.register("incoming", table)
            self.connection.execute(f"CREATE TABLE {name} AS SELECT * FROM incoming")

    def run(self, text):
        return self.connection.sql(text).to_arrow_table()


class Polars:
    def __init__(self, tables):
        self.frames = {name: pl.from_arrow(table).lazy() for name, table in tables.items()}

    def run(self, text):
        return eval(text, {"pl": pl, "c": pl.col, **self.frames}).collect(engine="streaming").to_arrow()


def fingerprint(table):
    """Rows, and of every numeric column the sum, of every time column the sum modulo 2^61."""
    sums = []
    for column in table.columns:
        if pa.types.is_timestamp(column.type):
            sums.append(float(np.sum(column.cast(pa.timestamp("ns")).cast(pa.int64()).to_numpy() % 1_000_003)))
        elif pa.types.is_floating(column.type) or pa.types.is_integer(column.type) or pa.types.is_decimal(column.type):
            sums.append(float(np.nansum(np.array(column.cast(pa.float64()).to_pylist(), dtype=float))))
    return [table.num_rows, *sorted(sums)]


def agree(a, b):
    return len(a) == len(b) and all(math.isclose(x, y, rel_tol=1e-6, abs_tol=1e-6) for x, y in zip(a, b))


def milliseconds(peer, text):
    start = time.perf_counter()
    peer.run(text)
    return (time.perf_counter() - start) * 1000


def measure(peers, texts, runs):
    """Median milliseconds of each peer, in turns."""
    times = {name: [] for name in texts}
    for name, text in texts.items():
        first = milliseconds(peers[name], text)
        for _ in range(2 if first > 500 else 20):
            milliseconds(peers[name], text)
    for _ in range(runs):
        for name, text in texts.items():
            time.sleep(0.1)
            times[name] += [milliseconds(peers[name], text) for _ in range(1 if times[name] and times[name][0] > 500 else 5)]
    return {name: statistics.median(each) for name, each in times.items()}


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--flight", required=True)
    for flag in ("--data", "--only"):
        p.add_argument(flag)
    p.add_argument("--peers", default="duckdb,polars")
    p.add_argument("--rows", type=lambda text: int(text.replace("_", "")), default=10_000_000)
    p.add_argument("--runs", type=int, default=5)
    a = p.parse_args()
    wanted = a.only.split(",") if a.only else [query.name for query in QUERIES]
    chosen = [query for query in QUERIES if query.name in wanted]
    needed = {name for query in chosen for name in query.tables}
    rows_in = {name: table for name, table in tables(a.data, a.rows).items() if name in needed}
    ours = Ours(a.flight)
    for name, table in rows_in.items():
        print(f"DoPut {name}: {table.num_rows / put(ours.client, name, table) / 1e6:.2f} M rows/s")
    made = {"duckdb": DuckDb, "polars": Polars}
    peers = {"ours": ours, **{name: made[name](rows_in) for name in a.peers.split(",")}}
    constants = facts({"trades": rows_in.get("trades", rows_in.get("trades10k"))})
    print(f"{'query':14s} {'ours ms':>9s} " + " ".join(f"{name + ' ms':>12s}" for name in peers if name != "ours") + f" {'ours/best':>10s}  goal ms")
    for query in chosen:
        texts = {name: text.format(**constants) for name, text in query.texts().items() if name in peers}
        answers = {}
        for name in list(texts):
            try:
                answers[name] = fingerprint(peers[name].run(texts[name]))
            except Exception as error:
                print(f"{query.name}: {name} refuses: {str(error).splitlines()[0][:200]}")
                del texts[name]
        if "ours" not in texts:
            continue
        differing = [name for name in texts if not agree(answers["ours"], answers[name])]
        found = measure(peers, texts, a.runs)
        best = min((found[name] for name in found if name != "ours"), default=math.nan)
        cells = " ".join(f"{found[name]:12.2f}" if name in found else f"{'-':>12s}" for name in peers if name != "ours")
        print(f"{query.name:14s} {found['ours']:9.2f} {cells} {found['ours'] / best:10.2f}  {query.goal_ms or '':>7}", end="")
        print(f"  DIFFERS from {', '.join(differing)}: {[answers[each] for each in ['ours', *differing]]}" if differing else "", flush=True)


main()
