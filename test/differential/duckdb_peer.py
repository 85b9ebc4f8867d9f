"""Answers SQL with DuckDB: one JSON object a line in, one a line out. Values come as tagged text (see values.ts)."""
import json
import sys
import warnings
from decimal import Decimal

import duckdb
import pyarrow as pa

warnings.filterwarnings("ignore")
TICK = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}


def connect():
    connection = duckdb.connect()
    for setting in ("default_null_order = 'postgres'", "threads = 1", "TimeZone = 'UTC'", "memory_limit = '1GB'"):
        connection.execute("SET " + setting)
    return connection


def number(value):
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "n0" if text in ("-0", "") else "n" + text


def tagger(kind):
    if pa.types.is_null(kind):
        return lambda value: None
    if pa.types.is_boolean(kind):
        return lambda value: "bT" if value else "bF"
    if pa.types.is_integer(kind):
        return lambda value: "n" + str(value)
    if pa.types.is_decimal(kind):
        return lambda value: number(Decimal(value))
    if pa.types.is_floating(kind):
        return lambda value: "f" + repr(value).replace("inf", "Infinity").replace("nan", "NaN")
    if pa.types.is_list(kind):
        item = tagger(kind.value_type)
        return lambda value: "l[" + ",".join("N" if each is None else item(each) for each in value) + "]"
    return lambda value: "s" + str(value)


def column(array):
    kind = array.type
    if pa.types.is_timestamp(kind):
        tick = TICK[kind.unit]
        return [None if v is None else "t" + str(v * tick) for v in array.cast(pa.int64()).to_pylist()]
    if pa.types.is_date32(kind):
        return [None if v is None else "t" + str(v * 86_400_000_000_000) for v in array.cast(pa.int32()).to_pylist()]
    if pa.types.is_list(kind) and (pa.types.is_timestamp(kind.value_type) or pa.types.is_date(kind.value_type)):
        lists = []
        for scalar in array:
            lists.append(None if not scalar.is_valid else "l[" + ",".join("N" if v is None else v for v in column(scalar.values)) + "]")
        return lists
    tag = tagger(kind)
    return [None if v is None else tag(v) for v in array.to_pylist()]


def answer(connection, sql):
    result = connection.execute(sql)
    if not sql.lstrip().upper().startswith(("SELECT", "WITH", "(", "VALUES", "FROM")):
        return []
    table = result.to_arrow_table()
    columns = [column(table.column(i).combine_chunks()) for i in range(table.num_columns)]
    return [list(row) for row in zip(*columns)]


connection = connect()
for line in sys.stdin:
    request = json.loads(line)
    try:
        if request.get("reset"):
            connection.close()
            connection = connect()
            reply = {"rows": []}
        else:
            reply = {"rows": answer(connection, request["sql"])}
    except Exception as error:
        reply = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(reply), flush=True)
