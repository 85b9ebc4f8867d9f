"""Loads TPC-H once, compares all answers with DuckDB's, then times both in turns and prints medians and ratios."""
import argparse
import http.client
import statistics
import time
import urllib.parse

import duckdb
import pyarrow.flight as flight

import tpch


class Http:
    def __init__(self, url):
        self.connection = http.client.HTTPConnection(urllib.parse.urlparse(url).netloc)

    def query(self, sql):
        self.connection.request("POST", "/", sql, {"content-type": "text/plain"})
        response = self.connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise RuntimeError(body.decode())


def milliseconds(action):
    start = time.perf_counter()
    action()
    return (time.perf_counter() - start) * 1000


def load(client, con, data):
    for name in tpch.TABLES:
        rows = tpch.read(f"{data}/{name}.parquet")
        con.execute(f"CREATE TABLE {name} AS SELECT * FROM rows")
        have = tpch.rows_of(client, name)
        if have is None:
            print(f"{name}: {rows.num_rows} rows in {milliseconds(lambda: tpch.put(client, name, rows)):.0f} ms")
        elif have != rows.num_rows:
            raise SystemExit(f"{name} has {have} rows instead of {rows.num_rows}: load into a fresh folder")


def main():
    p = argparse.ArgumentParser()
    for flag in ("--http", "--flight", "--data", "--only"):
        p.add_argument(flag)
    p.add_argument("--rounds", type=int, default=7)
    p.add_argument("--warm-up", type=int, default=6)
    p.add_argument("--threads", type=int, default=2)
    a = p.parse_args()
    client, door = flight.connect(a.flight), Http(a.http)
    con = duckdb.connect(config={"threads": a.threads})
    load(client, con, a.data)
    numbers = [int(number) for number in a.only.split(",")] if a.only else list(tpch.QUERIES)
    totals, wrong = [0.0, 0.0], 0
    print(f"{'query':>5s} {'first ms':>9s} {'ours ms':>9s} {'DuckDB ms':>10s} {'ours/DuckDB':>12s}")
    for number in numbers:
        sql = tpch.QUERIES[number]
        try:
            first = milliseconds(lambda: door.query(sql))
            found = tpch.difference(tpch.get(client, sql), con.sql(sql).to_arrow_table())
        except Exception as error:
            found = str(error)[:600]
        if found:
            print(f"{number:5d} WRONG: {found}")
            wrong += 1
            continue
        for _ in range(a.warm_up):
            door.query(sql)
        con.sql(sql).to_arrow_table()
        mine, peer = [], []
        for _ in range(a.rounds):
            mine.append(milliseconds(lambda: door.query(sql)))
            peer.append(milliseconds(lambda: con.sql(sql).to_arrow_table()))
        ours, theirs = statistics.median(mine), statistics.median(peer)
        totals[0] += ours
        totals[1] += theirs
        print(f"{number:5d} {first:9.1f} {ours:9.1f} {theirs:10.1f} {ours / theirs:12.2f}", flush=True)
    if totals[1]:
        print(f"total {'':9s} {totals[0]:9.1f} {totals[1]:10.1f} {totals[0] / totals[1]:12.2f}; {wrong} not right")
    raise SystemExit(1 if wrong else 0)


main()
