"""Loads the flights through pyarrow.flight, then asks every question by Flight and by HTTP and compares with DuckDB over the same file.

usage: flights.py load|check FLIGHT_URL HTTP_URL PARQUET        Prints one JSON line with what was measured.
"""
import json
import math
import sys
import time
import urllib.request

import duckdb
import pyarrow as pa
import pyarrow.flight as flight
import pyarrow.parquet as parquet

from flights_queries import QUERIES

BATCH_ROWS = 65536


def load(client, table):
    start = time.perf_counter()
    writer, reader = client.do_put(flight.FlightDescriptor.for_path("flights"), table.schema)
    for batch in table.to_batches(max_chunksize=BATCH_ROWS):
        writer.write_batch(batch)
    writer.done_writing()
    acknowledged = 0
    while (buffer := reader.read()) is not None:
        acknowledged += json.loads(buffer.to_pybytes())["rows"]
    writer.close()
    seconds = time.perf_counter() - start
    assert acknowledged == table.num_rows, f"acknowledged {acknowledged} of {table.num_rows} rows"
    return {"rows": acknowledged, "seconds": seconds, "rows_per_second": acknowledged / seconds}


def plain(value):
    """Values of both engines in one form; timestamps as RFC 3339 with microseconds."""
    if hasattr(value, "isoformat"):
        return value.isoformat(timespec="microseconds").replace("+00:00", "") + "Z"
    return value


def same(a, b):
    if isinstance(a, float) or isinstance(b, float):
        return a is not None and b is not None and math.isclose(a, b, rel_tol=1e-12, abs_tol=1e-9)
    return a == b


def compare(door, name, got, want):
    assert len(got) == len(want), f"{door}: {name}: {len(got)} rows, DuckDB has {len(want)}"
    for i, (left, right) in enumerate(zip(got, want)):
        assert len(left) == len(right) and all(map(same, left, right)), f"{door}: {name}: row {i}: {left}, DuckDB has {right}"


def by_flight(client, sql):
    table = client.do_get(flight.Ticket(sql.encode())).read_all()
    return [[plain(v) for v in row.values()] for row in table.to_pylist()]


def by_http(url, sql):
    with urllib.request.urlopen(urllib.request.Request(url, sql.encode(), {"content-type": "text/plain"})) as response:
        return json.loads(response.read())["data"]


def check(client, http_url, path):
    con = duckdb.connect()
    con.execute(f"CREATE VIEW flights AS SELECT * FROM '{path}'")
    for name, ours, theirs in QUERIES:
        want = [[plain(v) for v in row] for row in con.execute(theirs or ours).fetchall()]
        compare("flight", name, by_flight(client, ours), want)
        compare("http", name, by_http(http_url, ours), want)
    return {"queries": len(QUERIES)}


def get_all(client):
    start = time.perf_counter()
    table = client.do_get(flight.Ticket(b"SELECT * FROM flights")).read_all()
    seconds = time.perf_counter() - start
    return {"get_rows": table.num_rows, "get_rows_per_second": table.num_rows / seconds}


def main():
    mode, flight_url, http_url, path = sys.argv[1:5]
    client = flight.connect(flight_url)
    result = {}
    if mode == "load":
        table = parquet.read_table(path)
        result |= load(client, table)
        back = client.do_get(flight.Ticket(b"SELECT * FROM flights")).read_all()
        assert [str(f.type) for f in back.schema] == ["timestamp[us]", "int64", "int64", "string", "string"], back.schema
        assert back.cast(table.schema).equals(table), "what came back is not what went in"
    result |= check(client, http_url, path)
    result |= get_all(client)
    print(json.dumps(result))


main()
