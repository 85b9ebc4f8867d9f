"""Measures a running FletchDB beside DuckDB (in process, two threads, the same rows) and prints medians and ratios.

usage: measure.py --http URL --flight URL --pid PID [--rows N] [--parquet FILE] [--only NAME,...]
The trades table: strictly increasing nanosecond times over one day, 100 symbols, prices, sizes; seeded.
"""
import argparse
import http.client
import json
import re
import statistics
import threading
import time
import urllib.parse

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.flight as flight
import pyarrow.parquet as parquet

WARM_UP = 30

QUERIES = {
    "sum": ("SELECT sum(price) AS s FROM trades", None),
    "filtered sum": ("SELECT count(*) AS n, sum(price) AS s FROM trades WHERE size >= 250", None),
    "group by symbol": ("SELECT sym, count(*) AS n, sum(size) AS v, avg(price) AS a FROM trades GROUP BY sym", None),
    "vwap by symbol": ("SELECT sym, sum(price * size) / sum(size) AS p FROM trades GROUP BY sym", None),
    "minute candles": ("SELECT sym, date_trunc('minute', ts) AS b, first(price ORDER BY ts) AS o, max(price) AS h, min(price) AS l, last(price ORDER BY ts) AS c, sum(size) AS v FROM trades GROUP BY 1, 2", None),
}


def make_trades(rows):
    rng = np.random.default_rng(1)
    day = 86_400_000_000_000
    times = 1_704_153_600_000_000_000 + np.sort(rng.choice(day // 1000, rows, replace=False)) * 1000
    weights = 1.0 / np.arange(1, 101) ** 0.8
    codes = rng.choice(100, rows, p=weights / weights.sum()).astype(np.int32)
    names = [chr(65 + i % 26) + chr(65 + i // 26 % 26) + "XY" for i in range(100)]
    return pa.table({
        "ts": pa.array(times, pa.timestamp("ns")),
        "sym": pa.DictionaryArray.from_arrays(pa.array(codes), names).cast(pa.utf8()),
        "price": np.round(50 + np.cumsum(rng.standard_normal(rows)) * 0.01, 2),
        "size": 1 + np.exp(rng.normal(4.0, 1.2, rows)).astype(np.int64),
    })


class Http:
    def __init__(self, url):
        self.connection = http.client.HTTPConnection(urllib.parse.urlparse(url).netloc)

    def query(self, sql, headers={}):
        self.connection.request("POST", "/", sql, {"content-type": "text/plain", **headers})
        response = self.connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise RuntimeError(body.decode())
        return body


def median_ms(action, runs):
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        action()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


def resident_mb(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{pid}/status").read())[1]) / 1024


def put(client, name, table):
    start = time.perf_counter()
    writer, reader = client.do_put(flight.FlightDescriptor.for_path(name), table.schema)
    drain = threading.Thread(target=lambda: all(iter(lambda: reader.read() is not None, False)))
    drain.start()
    for batch in table.to_batches(max_chunksize=65536):
        writer.write_batch(batch)
    writer.done_writing()
    drain.join()
    writer.close()
    return table.num_rows / (time.perf_counter() - start)


def measure_queries(http, con, only):
    print(f"{'query':18s} {'ours ms':>9s} {'DuckDB ms':>10s} {'ours/DuckDB':>12s}")
    for name, (ours, theirs) in QUERIES.items():
        if only and name not in only:
            continue
        mine, peer = [], []
        for _ in range(WARM_UP):
            http.query(ours)
            con.sql(theirs or ours).to_arrow_table()
        for _ in range(6):                           # in turns, each alone: the other's threads have gone to sleep
            time.sleep(0.2)
            mine += [median_ms(lambda: http.query(ours), 1) for _ in range(5)]
            time.sleep(0.2)
            peer += [median_ms(lambda: con.sql(theirs or ours).to_arrow_table(), 1) for _ in range(5)]
        a, b = statistics.median(mine), statistics.median(peer)
        print(f"{name:18s} {a:9.2f} {b:10.2f} {a / b:12.2f}")
        check(json.loads(http.query(ours))["data"], con.sql(theirs or ours).to_arrow_table(), name)


def check(data, table, name):
    """Same number of rows and the same sums of every numeric column."""
    assert len(data) == table.num_rows, f"{name}: {len(data)} rows, DuckDB has {table.num_rows}"
    for i, column in enumerate(table.columns):
        if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
            mine, peer = sum(float(row[i]) for row in data), float(np.sum(column.to_numpy().astype(float)))
            assert abs(mine - peer) <= 1e-6 * max(1.0, abs(peer)), f"{name}: column {i}: {mine} and {peer}"


def main():
    p = argparse.ArgumentParser()
    for flag in ("--http", "--flight", "--pid", "--parquet", "--only"):
        p.add_argument(flag)
    p.add_argument("--rows", type=lambda text: int(text.replace("_", "")), default=10_000_000)
    a = p.parse_args()
    rows_in = parquet.read_table(a.parquet) if a.parquet else make_trades(a.rows)
    client = flight.connect(a.flight)
    http = Http(a.http)
    print(f"DoPut {put(client, 'trades', rows_in) / 1e6:.2f} M rows/s, durable, {rows_in.num_columns} columns")
    con = duckdb.connect(config={"threads": 2})
    con.execute("CREATE TABLE trades AS SELECT * FROM rows_in")
    measure_queries(http, con, a.only.split(",") if a.only else None)
    print(f"SELECT 1 over HTTP keep-alive: {median_ms(lambda: http.query('SELECT 1'), 2000):.3f} ms")
    rows = [0]
    get = median_ms(lambda: rows.__setitem__(0, client.do_get(flight.Ticket(b'SELECT * FROM trades')).read_all().num_rows), 3)
    print(f"DoGet {rows[0] / get / 1000:.2f} M rows/s of {rows_in.num_columns} columns")
    before = resident_mb(a.pid)
    million = median_ms(lambda: http.query("SELECT ts, sym, price, size FROM trades LIMIT 1000000"), 3)
    print(f"JSON of 1 M rows x 4 columns: {million:.0f} ms; resident memory {before:.0f} -> {resident_mb(a.pid):.0f} MB")


main()
