"""One writer of the kill test. Appends batches with known ids until the server dies and prints an id range per acknowledgement.

usage: kill_writer.py flight|http URL WRITER FIRST_BATCH TABLE     Lines: `sent N` before, `ack N` after batch N is acknowledged.
"""
import http.client
import json
import os
import sys
import urllib.parse

import pyarrow as pa
import pyarrow.flight as flight

ROWS = 500
# Batches of the table with a TTL are half a minute apart, in the past.
RECENT_FROM, RECENT_STEP = 1_700_000_000_000_000, 30_000_000


def batch_of(writer, number):
    ids = [writer * 10**12 + number * ROWS + i for i in range(ROWS)]
    times = [n * 1000 for n in ids] if table == "events" else [RECENT_FROM + number * RECENT_STEP + i for i in range(ROWS)]
    return pa.record_batch({
        "ts": pa.array(times, pa.timestamp("us")),
        "id": pa.array(ids, pa.int64()),
        "batch": pa.array([writer * 10**9 + number] * ROWS, pa.int64()),
        "tag": pa.array([f"t{n % 17}" for n in ids], pa.string()),
    })


def say(word, number):
    print(word, number, flush=True)


def by_flight(url, writer, number):
    client = flight.connect(url)
    put, reader = client.do_put(flight.FlightDescriptor.for_path(table), batch_of(writer, 0).schema)
    while True:
        say("sent", number)
        put.write_batch(batch_of(writer, number))
        buffer = reader.read()
        if buffer is None or json.loads(buffer.to_pybytes())["rows"] != ROWS:
            return
        say("ack", number)
        number += 1


def by_http(url, writer, number):
    connection = http.client.HTTPConnection(urllib.parse.urlparse(url).netloc)
    while True:
        rows = batch_of(writer, number).to_pydict()
        lines = [f'{t.isoformat()}Z,{i},{b},{g}' for t, i, b, g in zip(rows["ts"], rows["id"], rows["batch"], rows["tag"])]
        say("sent", number)
        connection.request("POST", f"/tables/{table}/rows?format=csv", "ts,id,batch,tag\n" + "\n".join(lines) + "\n", {"content-type": "text/csv"})
        response = connection.getresponse()
        body = response.read()
        if response.status != 200 or json.loads(body)["rows"] != ROWS:
            sys.stderr.write(body.decode())
            return
        say("ack", number)
        number += 1


door, url, writer, first, table = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
try:
    (by_flight if door == "flight" else by_http)(url, writer, first)
except (flight.FlightError, pa.ArrowException, OSError, http.client.HTTPException, KeyError):
    os._exit(0)                                      # the server was killed; what matters stands in the acknowledgements
