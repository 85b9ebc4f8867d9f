"""What a pyarrow client sees. usage: clients.py SCENARIO URL; exits with a traceback when something is not as it should be."""
import datetime
import decimal
import json
import os
import sys
import time
import uuid

import numpy as np
import pyarrow as pa
import pyarrow.flight as fl

scenario, url = sys.argv[1:3]
client = fl.connect(url)


def put(name, table, max_rows=None):
    writer, reader = client.do_put(fl.FlightDescriptor.for_path(name), table.schema)
    writer.write_table(table, max_chunksize=max_rows)
    writer.done_writing()
    acks = acks_of(reader)
    writer.close()
    return acks


def get(sql):
    return client.do_get(fl.Ticket(sql.encode() if isinstance(sql, str) else sql)).read_all()


def fails(kind, text, call):
    try:
        call()
    except kind as error:
        assert text in str(error), f"{text!r} not in {error}"
        return str(error)
    raise AssertionError(f"no {kind.__name__}")


def plain(array):
    """Python values; timestamps as their ticks, since Python has no nanoseconds."""
    return (array.cast(pa.int64()) if pa.types.is_timestamp(array.type) else array).to_pylist()


def acks_of(reader):
    acks = []
    while (ack := reader.read()) is not None:
        acks.append(json.loads(ack.to_pybytes()))
    return acks


def samples(rows):
    rng = np.random.default_rng(7)
    ints = {f"int{b}": pa.array(rng.integers(-(2 ** (b - 1)), 2 ** (b - 1) - 1, rows, dtype=f"int{b}")) for b in (8, 16, 32, 64)}
    uints = {f"uint{b}": pa.array(rng.integers(0, 2**b - 1, rows, dtype=f"uint{b}")) for b in (8, 16, 32, 64)}
    words = [None if i % 7 == 3 else "wörd" * (i % 5) + str(i) for i in range(rows)]
    some = lambda values, type=None: pa.array([None if i % 5 == 2 else v for i, v in enumerate(values)], type)
    return {
        **ints,
        **uints,
        "bool": some([i % 3 == 0 for i in range(rows)]),
        "f32": some(rng.random(rows).astype("float32").tolist(), pa.float32()),
        "f64": some([float("nan") if i % 11 == 0 else i / 3 for i in range(rows)]),
        "utf8": pa.array(words),
        "large_utf8": pa.array(words, pa.large_string()),
        "utf8_view": pa.array(words, pa.string_view()),
        "symbol": pa.array(words).dictionary_encode(),
        "symbol_u8": pa.DictionaryArray.from_arrays(pa.array([i % 3 for i in range(rows)], pa.uint8()), ["x", None, "zz"]),
        "dict_int": pa.DictionaryArray.from_arrays(pa.array([None if i % 4 == 1 else i % 3 for i in range(rows)], pa.int16()), pa.array([10, 20, 30])),
        "binary": some([bytes([i % 256]) * (i % 4) for i in range(rows)], pa.binary()),
        "large_binary": some([bytes([i % 256]) * (i % 4) for i in range(rows)], pa.large_binary()),
        "fixed7": some([bytes([i % 256]) * 7 for i in range(rows)], pa.binary(7)),
        "uuid": some([uuid.UUID(int=i).bytes for i in range(rows)], pa.binary(16)),
        "date32": some([datetime.date(2020, 1, 1) + datetime.timedelta(days=i % 999) for i in range(rows)]),
        "date64": some([datetime.date(2020, 1, 1) + datetime.timedelta(days=i % 999) for i in range(rows)], pa.date64()),
        "time32": some([i % 86400 for i in range(rows)], pa.time32("s")),
        "time64": some([i * 1000 for i in range(rows)], pa.time64("us")),
        "ts_s": some(list(range(rows)), pa.timestamp("s")),
        "ts_ns": some([10**18 + i for i in range(rows)], pa.timestamp("ns", "Europe/Berlin")),
        "dec128": some([decimal.Decimal(i - 50) / 100 for i in range(rows)], pa.decimal128(20, 2)),
        "dec256": some([decimal.Decimal(i - 50) / 100 for i in range(rows)], pa.decimal256(40, 2)),
        "dec32": some([decimal.Decimal(i % 900 - 50) / 100 for i in range(rows)], pa.decimal32(7, 2)),
        "f16": some([np.float16(i % 100 / 8) for i in range(rows)], pa.float16()),
        "month_day_nano": some([(i % 12, -i, i * 10**9) for i in range(rows)], pa.month_day_nano_interval()),
        "null": pa.nulls(rows),
        "list": some([list(range(i % 4)) for i in range(rows)], pa.list_(pa.int32())),
        "large_list": some([[str(j) for j in range(i % 3)] for i in range(rows)], pa.large_list(pa.string())),
        "fixed_list": some([[i, None] for i in range(rows)], pa.list_(pa.int64(), 2)),
        "struct": some([{"a": i, "b": None if i % 2 else str(i), "c": {"d": [i]}} for i in range(rows)]),
        "map": some([[("k", i)] * (i % 3) for i in range(rows)], pa.map_(pa.string(), pa.int64())),
        "list_symbol": pa.ListArray.from_arrays(pa.array([0] + list(range(1, rows)) + [rows - 1], pa.int32()), pa.array(words).dictionary_encode()),
    }


def like(name, values):
    """The Python values that come back: the same, but for types that become another."""
    if name == "map":
        return [None if v is None else [{"key": k, "value": w} for k, w in v] for v in values]
    if name == "uuid":
        return [None if v is None else uuid.UUID(bytes=v) for v in values]
    return values


def round_trip():
    for rows in (0, 1, 9, 1000):
        for name, array in samples(max(rows, 2)).items():
            array = array.slice(0, rows)
            table = pa.table({"v": array})
            acks = put(f"t_{name}_{rows}", table)
            assert sum(a["rows"] for a in acks) == rows, acks
            back = get(f'SELECT * FROM "t_{name}_{rows}"')
            back.validate(full=True)
            got, want = plain(back["v"]), like(name, plain(table["v"]))
            same = all(a == b or (a != a and b != b) for a, b in zip(got, want)) and len(got) == len(want)
            assert same, f"{name} {rows}: {[x for x in zip(got, want) if x[0] != x[1]][:3]}"
            info = client.get_flight_info(fl.FlightDescriptor.for_path(f"t_{name}_{rows}"))
            assert info.schema.equals(back.schema, check_metadata=True), f"{info.schema} {back.schema}"
    # slices: bitmaps and offsets that do not start at 0
    for name, array in samples(1000).items():
        for start, length in ((3, 100), (8, 991), (333, 5)):
            table = pa.table({"v": array.slice(start, length)})
            put(f"s_{name}_{start}", table)
            back = get(f'SELECT * FROM "s_{name}_{start}"')
            got, want = plain(back["v"]), like(name, plain(table["v"]))
            assert all(a == b or (a != a and b != b) for a, b in zip(got, want)) and len(got) == len(want), name


def types():
    table = pa.table({"i": pa.array([1, None], pa.int64()), "f": pa.array([1.5, None], pa.float32()), "d": pa.array([2.5, None]),
                      "s": pa.array(["a", None]), "y": pa.array(["a", None]).dictionary_encode(), "t": pa.array([1, None], pa.timestamp("ns"))})
    put("types", table)
    back = get('SELECT * FROM "types"')
    assert back.schema.equals(table.schema), back.schema
    assert back.equals(table)


def many_batches():
    table = pa.table({"i": pa.array(range(100_000))})
    writer, reader = client.do_put(fl.FlightDescriptor.for_command(json.dumps({"table": "many"})), table.schema)
    for batch in table.to_batches(max_chunksize=1000):
        writer.write_batch(batch)
    writer.done_writing()
    acks = acks_of(reader)
    writer.close()
    assert len(acks) == 100 and [a["sequence"] for a in acks] == sorted(a["sequence"] for a in acks), acks
    assert get('SELECT * FROM "many"')["i"].to_pylist() == list(range(100_000))
    # one at a time: every acknowledgement comes before the next batch goes
    writer, reader = client.do_put(fl.FlightDescriptor.for_command(b"single"), table.schema)
    for batch in table.to_batches(max_chunksize=50_000):
        writer.write_batch(batch)
        assert json.loads(reader.read().to_pybytes())["rows"] == 50_000
    writer.close()
    # all at the end
    writer, reader = client.do_put(fl.FlightDescriptor.for_command(json.dumps({"table": "whole", "atomic": True})), table.schema)
    for batch in table.to_batches(max_chunksize=1000):
        writer.write_batch(batch)
    writer.done_writing()
    acks = acks_of(reader)
    writer.close()
    assert len(acks) == 1 and acks[0]["rows"] == 100_000, acks
    compressed = fl.FlightCallOptions(write_options=pa.ipc.IpcWriteOptions(compression="lz4"))
    writer, reader = client.do_put(fl.FlightDescriptor.for_path("lz4"), table.schema, options=compressed)
    writer.write_table(table)
    writer.close()
    assert get('SELECT * FROM "lz4"')["i"].to_pylist() == list(range(100_000))


class Legacy(fl.ClientAuthHandler):
    def authenticate(self, outgoing, incoming):
        outgoing.write(b"user:password")
        incoming.read()

    def get_token(self):
        return b"token"


def descriptors():
    put("named", pa.table({"a": [1, 2, 3]}))
    for descriptor in (fl.FlightDescriptor.for_path("named"), fl.FlightDescriptor.for_command('SELECT * FROM "named"'),
                       fl.FlightDescriptor.for_command(json.dumps({"query": 'SELECT * FROM "named"', "params": [1, "x", 9007199254740993, 1.5, None]}))):
        info = client.get_flight_info(descriptor)
        assert info.total_records == 3 and len(info.endpoints) == 1 and info.descriptor == descriptor
        assert client.get_schema(descriptor).schema == info.schema
        assert client.do_get(info.endpoints[0].ticket).read_all()["a"].to_pylist() == [1, 2, 3]
    put("other", pa.table({"b": ["x"]}))
    names = sorted(i.descriptor.path[0].decode() for i in client.list_flights())
    assert names == ["named", "other"], names
    assert [i.descriptor.path[0] for i in client.list_flights(b"na")] == [b"named"]
    assert fl.FlightClient(url).authenticate_basic_token("me", "pw")[1] == b"Bearer anonymous"
    legacy = fl.FlightClient(url)
    legacy.authenticate(Legacy(), None)
    assert len(list(legacy.list_flights())) == 2


def actions():
    act = lambda kind, body=b"": [r.body.to_pybytes() for r in client.do_action(fl.Action(kind, body))]
    assert act("ping") == [b"pong"]
    health = json.loads(act("healthcheck")[0])
    assert health["status"] == "ok" and health["version"] == "0.0.0-test"
    listed = {a.type for a in client.list_actions()}
    assert listed > {"ping", "healthcheck", "create-table", "drop-table", "flush", "cancel-query", "BeginTransaction", "CancelFlightInfo"}, listed
    assert json.loads(act("cancel-query", b"known")[0]) == {"cancelled": True}
    assert json.loads(act("cancel-query", b'{"query_id":"other"}')[0]) == {"cancelled": False}
    act("flush", b'{"table":"t"}')
    act("create-table", json.dumps({"table": 'a"b', "columns": [{"name": "ts", "type": "TIMESTAMP_NS", "nullable": False}, {"name": "x", "type": "DECIMAL(10, 2)"}],
                                    "timestamp": "ts", "partition_by": "DAY"}).encode())
    act("drop-table", b"named")
    fails(pa.ArrowNotImplementedError, "unsupported: no action", lambda: act("fly"))
    fails(pa.ArrowInvalid, "invalid_argument", lambda: act("drop-table"))
    fails(pa.ArrowInvalid, "invalid_argument", lambda: act("create-table", json.dumps({"table": "x", "columns": [{"name": "a", "type": "INT); DROP TABLE x; --"}]}).encode()))


def errors():
    text = fails(KeyError, "table_not_found: no table nothing", lambda: get("SELECT * FROM nothing"))
    assert "naïve" in text and "did you mean trades?" in text, text
    fails(pa.ArrowNotImplementedError, "method_not_allowed", lambda: get("INSERT INTO x"))
    fails(pa.ArrowInvalid, "invalid_argument", lambda: get(b"\xff\xfe"))
    fails(pa.ArrowInvalid, "invalid_argument", lambda: get(b"{broken"))
    fails(pa.ArrowInvalid, "invalid_argument", lambda: get(b""))
    put("known", pa.table({"a": [1]}))
    fails(pa.ArrowInvalid, "column_not_found", lambda: put("known", pa.table({"a": [1], "z": [2]})))
    fails(KeyError, "table_not_found", lambda: put_command({"table": "absent", "create": False}))
    fails(pa.ArrowInvalid, "invalid_argument", lambda: put_command({"table": "x", "modus": 1}))
    fails(pa.ArrowNotImplementedError, "unsupported: field u", lambda: put("union", pa.table({"u": pa.UnionArray.from_dense(
        pa.array([0], pa.int8()), pa.array([0], pa.int32()), [pa.array([1])])})))
    fails(pa.ArrowInvalid, "numeric_overflow", lambda: get("SELECT BROKEN FROM numbers"))
    fails(pa.ArrowException, "", lambda: put("failing", pa.table({"a": list(range(1000))}), 10))
    fails(pa.ArrowNotImplementedError, "unsupported", lambda: list(client.do_exchange(fl.FlightDescriptor.for_command(b"x"))[1]))
    flight_sql = fl.FlightDescriptor.for_command(b"\x0a\x43type.googleapis.com/arrow.flight.protocol.sql.CommandStatementQuirk\x12\x02\x0a\x00")
    fails(pa.ArrowNotImplementedError, "unsupported: no Flight SQL command CommandStatementQuirk", lambda: client.get_flight_info(flight_sql))
    fails(pa.ArrowNotImplementedError, "unsupported: no Flight SQL command", lambda: get(flight_sql.command))
    assert get("SELECT * FROM known").num_rows == 1


def put_command(command):
    table = pa.table({"a": [1]})
    writer, _ = client.do_put(fl.FlightDescriptor.for_command(json.dumps(command)), table.schema)
    writer.write_table(table)
    writer.close()


def cancel():
    reader = client.do_get(fl.Ticket(b"SELECT FOREVER FROM numbers"))
    reader.read_chunk()
    reader.cancel()
    reader = client.do_get(fl.Ticket(b"SELECT FOREVER FROM numbers"))
    reader.read_chunk()
    del reader
    fails(fl.FlightTimedOutError, "", lambda: client.do_get(fl.Ticket(b"SELECT FOREVER FROM numbers"), fl.FlightCallOptions(timeout=0.3)).read_all())
    # a slow reader holds the server back
    reader = client.do_get(fl.Ticket(b"SELECT FOREVER FROM numbers"))
    for _ in range(3):
        reader.read_chunk()
    time.sleep(0.5)
    reader.cancel()


def leave():
    """Lets the deadline of one atomic stream pass and dies in the middle of another. (To drop a pyarrow writer is to close it.)"""
    batch = pa.record_batch({"a": list(range(1000))})
    command = fl.FlightDescriptor.for_command(json.dumps({"table": "t", "atomic": True}))
    writer, reader = client.do_put(command, batch.schema, options=fl.FlightCallOptions(timeout=0.2))
    writer.write_batch(batch)
    time.sleep(0.4)
    writer, reader = client.do_put(command, batch.schema)
    writer.write_batch(batch)
    time.sleep(0.1)
    os._exit(0)


def parallel():
    """16 clients at once, each with its own rows."""
    from concurrent.futures import ThreadPoolExecutor

    def one(i):
        table = pa.table({"i": pa.array(range(i, i + 20_000)), "s": pa.array([f"w{(i + k) % 50}" for k in range(20_000)]).dictionary_encode()})
        own = fl.connect(url)
        for _ in range(3):
            writer, reader = own.do_put(fl.FlightDescriptor.for_path(f"p{i}"), table.schema)
            writer.write_table(table, max_chunksize=3000)
            writer.close()
        return own.do_get(fl.Ticket(f"SELECT * FROM p{i}".encode())).read_all().equals(pa.concat_tables([table] * 3).unify_dictionaries())

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(one, range(16)))


def drained():
    """The server closes while this reads: what is under way comes to its end."""
    reader = client.do_get(fl.Ticket(b"SELECT * FROM numbers"))
    reader.read_chunk()
    client.do_get(fl.Ticket(b"SELECT CLOSE FROM numbers")).read_all()
    time.sleep(0.3)
    rows = sum(chunk.data.num_rows for chunk in reader)
    print(rows)


def cut():
    """The server closes and does not wait."""
    reader = client.do_get(fl.Ticket(b"SELECT FOREVER FROM numbers"))
    reader.read_chunk()
    client.do_get(fl.Ticket(b"SELECT CLOSE FROM numbers")).read_all()
    fails(pa.ArrowException, "", lambda: [None for _ in reader])


def rates():
    table = None
    start = time.perf_counter()
    table = get("SELECT * FROM numbers")
    seconds = time.perf_counter() - start
    out = {"rows": table.num_rows, "get_seconds": seconds}
    for rows in (65_536,):
        start = time.perf_counter()
        acks = put("sink", table, rows)
        out["put_seconds"] = time.perf_counter() - start
        assert sum(a["rows"] for a in acks) == table.num_rows
    start = time.perf_counter()
    get("SELECT * FROM numbers")
    out["get_again_seconds"] = time.perf_counter() - start
    print(json.dumps(out))


globals()[scenario]()
