"""What ADBC clients see over Flight SQL. usage: adbc.py SCENARIO URL; exits with a traceback when something is not as it should be."""
import datetime
import decimal
import sys
import threading
import time
import uuid

import adbc_driver_flightsql.dbapi as flight_sql
import pyarrow as pa

scenario, url = sys.argv[1:3]


def connect(**options):
    return flight_sql.connect(url, **{"autocommit": True, **options})


def rows(connection, sql, parameters=None):
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


def run(connection, sql, parameters=None):
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.rowcount


def table(connection, sql, parameters=None):
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetch_arrow_table()


def fails(text, call):
    try:
        call()
    except flight_sql.Error as error:
        assert text in str(error), f"{text!r} not in {error}"
        return error
    raise AssertionError(f"no error with {text!r}")


SAMPLES = {
    "bool": pa.array([True, None, False]),
    **{f"int{b}": pa.array([-(2 ** (b - 1)), None, 2 ** (b - 1) - 1], getattr(pa, f"int{b}")()) for b in (8, 16, 32, 64)},
    **{f"uint{b}": pa.array([0, None, 2**b - 1], getattr(pa, f"uint{b}")()) for b in (8, 16, 32, 64)},
    "float32": pa.array([1.5, None, -0.25], pa.float32()),
    "float64": pa.array([1e300, None, 0.1]),
    "decimal": pa.array([decimal.Decimal("12.34"), None, decimal.Decimal("-0.01")], pa.decimal128(20, 2)),
    "text": pa.array(["a", None, "grün 🌲"]),
    "binary": pa.array([b"\x00\xff", None, b""], pa.binary()),
    "uuid": pa.array([uuid.UUID(int=5).bytes, None, uuid.UUID(int=2**127).bytes], pa.binary(16)),
    "date": pa.array([datetime.date(1969, 12, 31), None, datetime.date(2026, 2, 3)]),
    "time": pa.array([1, None, 86_399_999_999], pa.time64("us")),
    **{f"timestamp_{u}": pa.array([-1, None, 1_700_000_000], pa.timestamp(u)) for u in ("s", "ms", "us", "ns")},
    "timestamp_tz": pa.array([0, None, 1_700_000_000_123_456], pa.timestamp("us", "Europe/Berlin")),
    "interval": pa.array([(1, -2, 3), None, (0, 0, 10**18)], pa.month_day_nano_interval()),
    "list": pa.array([[1, None], None, []], pa.list_(pa.int64())),
    "struct": pa.array([{"a": 1, "b": "x"}, None, {"a": None, "b": None}]),
}


def plain(array):
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    return (array.cast(pa.int64()) if pa.types.is_timestamp(array.type) else array).to_pylist()


def types():
    c = connect()
    for name, array in SAMPLES.items():
        with c.cursor() as cursor:
            assert cursor.adbc_ingest(f"t_{name}", pa.table({"i": [1, 2, 3], "v": array}), mode="create") == 3
        back = table(c, f"SELECT v FROM t_{name} ORDER BY i")
        back.validate(full=True)
        assert plain(back["v"]) == plain(array), (name, back["v"], array)
        with c.cursor() as cursor:
            cursor.adbc_prepare(f"SELECT v FROM t_{name}")
            cursor.execute(f"SELECT v FROM t_{name}")
            assert cursor.fetch_record_batch().schema.equals(back.schema, check_metadata=True), name
        kept = c.adbc_get_table_schema(f"t_{name}")
        assert kept.field("v").type == back.schema.field("v").type, (name, kept, back.schema)
        assert back.schema.field("v").metadata[b"ARROW:FLIGHT:SQL:TYPE_NAME"], name
    assert back.schema.field("v").nullable


def parameter_types():
    c = connect()
    for name, array in SAMPLES.items():
        if name in ("list", "struct"):
            continue
        with c.cursor() as cursor:
            cursor.adbc_ingest("p", pa.table({"i": [1, 2, 3], "v": array}), mode="replace")
        for i, value in ((1, array.slice(0, 1)), (3, array.slice(2, 1))):
            with c.cursor() as cursor:
                cursor.execute("SELECT i FROM p WHERE v = ?", pa.record_batch([value], names=["0"]))
                assert (i,) in cursor.fetchall(), (name, i)
                # what comes back is what was bound
                cursor.execute("SELECT $1 AS v", pa.record_batch([value], names=["$1"]))
                assert plain(cursor.fetch_arrow_table()["v"]) == plain(value), (name, value)
    run(c, "CREATE TABLE q (a BIGINT, b DOUBLE, c VARCHAR, d TIMESTAMP, e DATE)")
    assert run(c, "INSERT INTO q VALUES (?, ?, ?, ?, ?)", (1, 2.0, "x", datetime.datetime(2026, 1, 2), datetime.date(2026, 1, 2))) == 1
    assert run(c, "INSERT INTO q VALUES (?, ?, ?, ?, ?)", (None,) * 5) == 1
    assert rows(c, "SELECT * FROM q WHERE a = ? AND b > ? AND d < ?", (1, 1.0, "2026-02-01")) == [
        (1, 2.0, "x", datetime.datetime(2026, 1, 2), datetime.date(2026, 1, 2))]
    # named ones, numbered ones, used twice
    assert rows(c, "SELECT $2, $1, $2", ("a", 7)) == [(7, "a", 7)]
    assert rows(c, "SELECT :x + :y, :x", (1, 2)) == [(3, 1)]
    assert rows(c, "SELECT a FROM q LIMIT ?", (1,)) == [(1,)]
    assert rows(c, "SELECT c FROM q WHERE c LIKE ? OR c IN (?, ?)", ("%x%", "y", "z")) == [("x",)]
    assert rows(c, "SELECT date_trunc('day', ?)", (datetime.datetime(2026, 1, 2, 3),)) == [(datetime.datetime(2026, 1, 2),)]
    fails("parameters", lambda: rows(c, "SELECT ? + ?", (1,)))
    # several rows bound to a query are several runs
    with c.cursor() as cursor:
        cursor.executemany("SELECT ? + 1 AS n", [(1,), (2,), (3,)])
    with c.cursor() as cursor:
        cursor.execute("SELECT ? * 10 AS n", pa.record_batch({"0": [1, 2, 3]}))
        assert cursor.fetchall() == [(10,), (20,), (30,)]


def prepared_schemas():
    c = connect()
    run(c, "CREATE TABLE m (ts TIMESTAMP_NS, s SYMBOL, v DOUBLE, n INTEGER)")
    with c.cursor() as cursor:
        def parameters(sql):
            schema = cursor.adbc_prepare(sql)
            return [] if schema is None else [(field.name, str(field.type)) for field in schema]
        assert parameters("SELECT * FROM m") == []
        assert parameters("SELECT * FROM m WHERE v > ? AND s = ? AND ts BETWEEN ? AND ?") == [
            ("$1", "double"), ("$2", "string"), ("$3", "timestamp[ns]"), ("$4", "timestamp[ns]")]
        assert parameters("INSERT INTO m VALUES (?, ?, ?, ?)") == [("$1", "timestamp[ns]"), ("$2", "string"), ("$3", "double"), ("$4", "int32")]
        assert parameters("INSERT INTO m (n, v) SELECT ?, v FROM m WHERE n = ?")[1] == ("$2", "int32")
        assert parameters("UPDATE m SET v = $2 WHERE n = $1") == [("$1", "int32"), ("$2", "double")]
        assert parameters("DELETE FROM m WHERE n IN (?, ?)") == [("$1", "int32"), ("$2", "int32")]
        assert parameters("SELECT :a::date, v FROM m LIMIT :b") == [(":a", "date32[day]"), (":b", "int64")]
        assert parameters("SELECT ? || 'x'") == [("$1", "string")]


def ingest():
    c = connect()
    one, two = pa.table({"a": [1, 2], "b": ["x", None]}), pa.table({"a": [3], "b": ["z"]})
    put = lambda data, mode, name="t", **more: c.cursor().adbc_ingest(name, data, mode=mode, **more)
    fails("table_not_found", lambda: put(one, "append"))
    assert put(one, "create") == 2
    fails("table_exists", lambda: put(one, "create"))
    assert put(two, "append") == 1
    assert rows(c, "SELECT a FROM t ORDER BY a") == [(1,), (2,), (3,)]
    assert put(pa.table({"z": [1.5]}), "replace") == 1
    assert rows(c, "SELECT * FROM t") == [(1.5,)]
    assert put(one, "create_append", "u") == 2 and put(two, "create_append", "u") == 1
    assert rows(c, "SELECT count(*), sum(a) FROM u") == [(3, 6)]
    fails("column_not_found", lambda: put(pa.table({"nothing": [1]}), "append", "u"))
    assert rows(c, "SELECT count(*) FROM u") == [(3,)]
    # schemas, catalogs
    run(c, "CREATE SCHEMA s")
    assert put(one, "create", "in_s", db_schema_name="s") == 2
    assert put(one, "append", "in_s", db_schema_name="s", catalog_name="fletch") == 2
    assert rows(c, "SELECT count(*) FROM s.in_s") == [(4,)]
    fails("not_found", lambda: put(one, "create", "x", catalog_name="other"))
    fails("unsupported", lambda: put(one, "create", "x", temporary=True))
    # many batches, streamed; no rows at all
    schema = pa.schema([("ts", pa.timestamp("us")), ("v", pa.int64())])
    batches = (pa.record_batch([pa.array(range(i, i + 10_000), pa.timestamp("us")), pa.array(range(i, i + 10_000))], schema=schema) for i in range(0, 300_000, 10_000))
    assert put(pa.RecordBatchReader.from_batches(schema, batches), "create", "many") == 300_000
    assert rows(c, "SELECT count(*), sum(v), max(ts) - min(ts) FROM many")[0][:2] == (300_000, 300_000 * 299_999 // 2)
    # the first timestamp is the designated one, unless it may be null
    at = pa.array([None, 0], pa.timestamp("us"))
    assert put(pa.table({"ts": at}), "create", "without") == 2 and put(pa.table({"ts": at.drop_null()}), "create", "with_ts") == 1
    assert [rows(c, "SELECT is_nullable FROM information_schema.columns WHERE table_name = ?", (t,))[0][0] for t in ("without", "with_ts")] == ["YES", "NO"]


def transactions():
    c, t = connect(), connect(autocommit=False)
    run(c, "CREATE TABLE t (a BIGINT)")
    assert run(t, "INSERT INTO t VALUES (1), (2)") == 2
    assert rows(t, "SELECT count(*) FROM t") == [(2,)]
    assert rows(c, "SELECT count(*) FROM t") == [(0,)]
    t.commit()
    assert rows(c, "SELECT count(*) FROM t") == [(2,)]
    assert run(t, "DELETE FROM t WHERE a = ?", (1,)) == 1
    t.rollback()
    assert rows(c, "SELECT count(*) FROM t") == [(2,)]
    # an error ends it, but for ROLLBACK
    run(t, "INSERT INTO t VALUES (3)")
    fails("invalid_value", lambda: rows(t, "SELECT CAST('x' || a AS BIGINT) FROM t"))
    fails("transaction_aborted", lambda: rows(t, "SELECT 1"))
    t.rollback()
    assert rows(t, "SELECT count(*) FROM t") == [(2,)]
    # all rows of executemany, or none
    with c.cursor() as cursor:
        cursor.executemany("INSERT INTO t VALUES (?)", [(i,) for i in range(100)])
        assert cursor.rowcount == 100
    run(c, "CREATE TABLE checked (a BIGINT CHECK (a < 50))")
    with c.cursor() as cursor:
        fails("constraint_violation", lambda: cursor.executemany("INSERT INTO checked VALUES (?)", [(i,) for i in range(100)]))
    assert rows(c, "SELECT count(*) FROM checked") == [(0,)]
    with c.cursor() as cursor:
        cursor.executemany("UPDATE t SET a = a + ? WHERE a = ?", [(1000, i) for i in range(10)])
        assert cursor.rowcount == 12, cursor.rowcount
    # autocommit can change
    t.commit()
    t.adbc_connection.set_autocommit(True)
    run(t, "INSERT INTO t VALUES (77)")
    assert rows(c, "SELECT count(*) FROM t WHERE a = 77") == [(2,)]
    # a result is read to its end after its transaction
    t.adbc_connection.set_autocommit(False)
    with t.cursor() as cursor:
        cursor.execute("SELECT generate_series AS i FROM generate_series(1, 500000)")
        first = cursor.fetchone()
        assert first == (1,)
        assert sum(1 for _ in cursor.fetch_record_batch()) > 0
    t.rollback()
    t.close()


def statements():
    """DDL and DML that come as queries are done when execute() is."""
    c = connect()
    for i in range(30):
        assert rows(c, f"CREATE TABLE d{i} (a BIGINT)") == []
        run(c, f"INSERT INTO d{i} VALUES ({i})")
        assert rows(c, f"SELECT a FROM d{i}") == [(i,)]
    assert run(c, "DROP TABLE d0") in (0, -1)
    fails("table_not_found", lambda: rows(c, "SELECT * FROM d0"))
    assert rows(c, "INSERT INTO d1 VALUES (5), (6) RETURNING a + 1") == [(6,), (7,)]
    assert rows(c, "SELECT count(*) FROM d1") == [(3,)]
    assert rows(c, "DELETE FROM d1 WHERE a > ? RETURNING a", (4,)) == [(5,), (6,)]
    assert rows(c, "WITH gone AS (DELETE FROM d2 RETURNING a) SELECT a FROM gone") == [(2,)]
    assert rows(c, "SELECT count(*) FROM d2") == [(0,)]
    assert rows(c, "SHOW TABLES")[0][0].startswith("d")
    assert len(rows(c, "EXPLAIN SELECT * FROM d3")) > 0
    assert rows(c, "DESCRIBE d3")[0][0] == "a"
    assert table(c, "SELECT * FROM d3 WHERE false").num_rows == 0
    assert table(c, "SELECT NULL AS n").schema.field("n").type == pa.string()
    error = fails("column_not_found", lambda: rows(c, "SELECT b FROM d3"))
    fails("syntax_error", lambda: rows(c, "SELEC 1"))
    fails("unsupported", lambda: c.cursor().execute(b"\x00substrait"))


def metadata():
    c = connect()
    run(c, "CREATE TABLE trades (ts TIMESTAMP_NS NOT NULL, sym SYMBOL, price DECIMAL(12, 4)) TIMESTAMP(ts)")
    run(c, "CREATE TABLE keyed (id BIGINT PRIMARY KEY, name VARCHAR)")
    run(c, "CREATE VIEW v AS SELECT sym, price FROM trades")
    run(c, "CREATE SCHEMA other")
    run(c, "CREATE TABLE other.tr_x (a BIGINT)")
    info = c.adbc_get_info()
    assert info["vendor_name"] == "FletchDB" and info["vendor_version"]
    assert c.adbc_get_table_types() == ["TABLE", "VIEW"]
    tables = lambda **filters: [
        (schema["db_schema_name"], t["table_name"], t["table_type"])
        for catalog in c.adbc_get_objects(depth="tables", **filters).read_all().to_pylist()
        for schema in catalog["catalog_db_schemas"] or [] for t in schema["db_schema_tables"] or []]
    assert tables() == [("other", "tr_x", "TABLE"), ("public", "keyed", "TABLE"), ("public", "trades", "TABLE"), ("public", "v", "VIEW")]
    assert tables(table_name_filter="TR%") == [("other", "tr_x", "TABLE"), ("public", "trades", "TABLE")]
    assert tables(table_name_filter="tr\\_%") == [("other", "tr_x", "TABLE")]
    assert tables(db_schema_filter="pub_ic", table_types_filter=["VIEW"]) == [("public", "v", "VIEW")]
    assert tables(catalog_filter="nothing") == []
    all_objects = c.adbc_get_objects(depth="all", db_schema_filter="public").read_all().to_pylist()
    found = {t["table_name"]: t for t in all_objects[0]["catalog_db_schemas"][0]["db_schema_tables"]}
    assert [col["column_name"] for col in found["trades"]["table_columns"]] == ["ts", "sym", "price"]
    assert [col["xdbc_type_name"] for col in found["trades"]["table_columns"]] == ["TIMESTAMP_NS", "SYMBOL", "DECIMAL(12, 4)"]
    assert c.adbc_get_table_schema("trades").names == ["ts", "sym", "price"]
    assert c.adbc_get_table_schema("v").names == ["sym", "price"]
    fails("", lambda: c.adbc_get_table_schema("nothing"))


def frames():
    import pandas
    import polars
    c = connect()
    frame = polars.DataFrame({"s": ["a", "b", None], "v": [1.5, None, 2.5], "d": [datetime.date(2026, 1, i + 1) for i in range(3)]})
    assert frame.write_database("pl", c, engine="adbc", if_table_exists="replace") == 3
    assert polars.read_database("SELECT * FROM pl ORDER BY d", c).equals(frame)
    assert frame.write_database("pl", c, engine="adbc", if_table_exists="append") == 3
    other = pandas.DataFrame({"s": ["a", "b"], "v": [1.5, 2.5], "n": [1, 2]})
    assert other.to_sql("pd", c, index=False, if_exists="replace") == 2
    assert pandas.read_sql("SELECT * FROM pd ORDER BY n", c).equals(other)
    assert len(pandas.read_sql("pd", c)) == 2


def cancel():
    c = connect()
    with c.cursor() as cursor:
        cursor.execute("SELECT generate_series AS i, generate_series % 7 AS j FROM generate_series(1, 100000000000)")
        reader = cursor.fetch_record_batch()
        reader.read_next_batch()
        cursor.adbc_cancel()
        started = time.monotonic()
        try:
            while True:
                reader.read_next_batch()
        except Exception as error:
            assert "ancel" in str(error), error
        assert time.monotonic() - started < 10
    # one that gives nothing for long
    with c.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM generate_series(1, 100000000000) WHERE sin(generate_series) > 2")
        threading.Timer(0.5, cursor.adbc_cancel).start()
        fails("ancel", cursor.fetchall)
    for _ in range(100):
        if rows(c, "SELECT count(*) FROM fletch_queries()") == [(1,)]:
            break
        time.sleep(0.1)
    else:
        raise AssertionError(rows(c, "SELECT * FROM fletch_queries()"))


def large():
    """A result that is larger than any message, in messages that every client takes."""
    c = connect()
    with c.cursor() as cursor:
        cursor.execute("SELECT generate_series AS i, 'text number ' || generate_series AS s FROM generate_series(1, 3000000)")
        total = sum(batch.num_rows for batch in cursor.fetch_record_batch())
    assert total == 3_000_000


globals()[scenario]()
