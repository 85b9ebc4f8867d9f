"""Parquet files as another program writes them: every type, encoding, codec and page version, with and without NULLs.

usage: parquet.py write FOLDER      Writes FOLDER/NAME.parquet; prints the names as JSON.
       parquet.py compare FOLDER    Compares each with FOLDER/NAME.arrow, value by value; prints what differs as JSON.
"""
import datetime
import decimal
import json
import os
import random
import sys

import numpy as np
import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as parquet

DICE = random.Random(7)
DAY_MS = 86_400_000


def whole(bits, signed=True):
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return lambda: DICE.choice([low, high, DICE.randint(low, high), DICE.randint(0, 9)])


def unscaled(digits, scale):
    return lambda: decimal.Decimal(DICE.randint(-(10**digits) + 1, 10**digits - 1)).scaleb(-scale)


def items(value, most=3):
    return lambda: [maybe(value) for _ in range(DICE.randint(0, most))]


def maybe(value):
    return None if DICE.random() < 0.2 else value()


def record():
    return {"a": maybe(whole(32)), "b": maybe(lambda: DICE.choice(["x", "yy", ""])), "c": maybe(items(lambda: DICE.random(), 2))}


RECORD = pa.struct([("a", pa.int32()), ("b", pa.string()), ("c", pa.list_(pa.float64()))])
DEEP = pa.list_(pa.list_(pa.list_(pa.bool_())))
SURE = pa.struct([pa.field("x", pa.int64(), False), pa.field("l", pa.list_(pa.field("item", pa.string(), False)), False)])

# name: type, a random value, how it is written in the files of deltas and in those of split bytes.
COLUMNS = {
    "bool": (pa.bool_(), lambda: DICE.random() < 0.5, "RLE", "PLAIN"),
    "i8": (pa.int8(), whole(8), "DELTA_BINARY_PACKED", "PLAIN"),
    "u8": (pa.uint8(), whole(8, False), "DELTA_BINARY_PACKED", "PLAIN"),
    "i16": (pa.int16(), whole(16), "DELTA_BINARY_PACKED", "PLAIN"),
    "u16": (pa.uint16(), whole(16, False), "DELTA_BINARY_PACKED", "PLAIN"),
    "i32": (pa.int32(), whole(32), "DELTA_BINARY_PACKED", "BYTE_STREAM_SPLIT"),
    "u32": (pa.uint32(), whole(32, False), "DELTA_BINARY_PACKED", "PLAIN"),
    "i64": (pa.int64(), whole(64), "DELTA_BINARY_PACKED", "BYTE_STREAM_SPLIT"),
    "u64": (pa.uint64(), whole(64, False), "DELTA_BINARY_PACKED", "PLAIN"),
    "f16": (pa.float16(), lambda: np.float16(DICE.choice([1.5, 0.0, -2.25, 65504.0, 5.960464477539063e-08])), "BYTE_STREAM_SPLIT", "PLAIN"),
    "f32": (pa.float32(), lambda: DICE.choice([1.5, -0.0, float("inf"), 0.1]), "BYTE_STREAM_SPLIT", "BYTE_STREAM_SPLIT"),
    "f64": (pa.float64(), lambda: DICE.choice([DICE.random() * 100, float("-inf"), -0.0, 1e300]), "BYTE_STREAM_SPLIT", "BYTE_STREAM_SPLIT"),
    "text": (pa.string(), lambda: DICE.choice(["", "a", "é日本", "x" * DICE.randint(0, 40), "abc", "abd"]), "DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"),
    "symbol": (pa.string(), lambda: DICE.choice(["AAPL", "MSFT", "GOOG"]), "DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"),
    "blob": (pa.binary(), lambda: DICE.choice([b"", b"\xff\x00", b"zz" * 9]), "DELTA_LENGTH_BYTE_ARRAY", "PLAIN"),
    "fixed": (pa.binary(5), lambda: DICE.randbytes(5), "DELTA_BYTE_ARRAY", "BYTE_STREAM_SPLIT"),
    "d9": (pa.decimal128(9, 2), unscaled(9, 2), "PLAIN", "BYTE_STREAM_SPLIT"),
    "d18": (pa.decimal128(18, 3), unscaled(18, 3), "PLAIN", "BYTE_STREAM_SPLIT"),
    "d38": (pa.decimal128(38, 10), unscaled(38, 10), "DELTA_BYTE_ARRAY", "BYTE_STREAM_SPLIT"),
    "day": (pa.date32(), lambda: datetime.date(1970, 1, 1) + datetime.timedelta(days=DICE.randint(-100_000, 100_000)), "DELTA_BINARY_PACKED", "PLAIN"),
    "time_ms": (pa.time32("ms"), lambda: DICE.randint(0, DAY_MS - 1), "DELTA_BINARY_PACKED", "PLAIN"),
    "time_us": (pa.time64("us"), lambda: DICE.randint(0, DAY_MS * 1000 - 1), "DELTA_BINARY_PACKED", "PLAIN"),
    "time_ns": (pa.time64("ns"), lambda: DICE.randint(0, DAY_MS * 1_000_000 - 1), "DELTA_BINARY_PACKED", "PLAIN"),
    "ms": (pa.timestamp("ms"), lambda: DICE.randint(-(10**12), 10**13), "DELTA_BINARY_PACKED", "PLAIN"),
    "us": (pa.timestamp("us"), lambda: DICE.randint(-(10**15), 10**16), "DELTA_BINARY_PACKED", "PLAIN"),
    "ns": (pa.timestamp("ns", "UTC"), lambda: DICE.randint(-(10**18), 4 * 10**18), "DELTA_BINARY_PACKED", "PLAIN"),
    "nulls": (pa.string(), lambda: None, "DELTA_BYTE_ARRAY", "PLAIN"),
    "list": (pa.list_(pa.int32()), items(lambda: DICE.randint(0, 9)), None, None),
    "texts": (pa.list_(pa.string()), items(lambda: DICE.choice(["a", "", "long" * 5])), None, None),
    "struct": (RECORD, record, None, None),
    "records": (pa.list_(RECORD), items(record), None, None),
    "deep": (DEEP, items(items(items(lambda: DICE.random() < 0.5))), None, None),
    "sure": (SURE, lambda: {"x": DICE.randint(0, 9), "l": ["t"] * DICE.randint(0, 2)}, None, None),
}


def table(rows, nulls):
    return pa.table({
        name: pa.array([None if DICE.random() < nulls else value() for _ in range(rows)], kind)
        for name, (kind, value, _, _) in COLUMNS.items()
    })


def write(folder):
    names = []

    def put(name, rows, **options):
        parquet.write_table(rows, os.path.join(folder, f"{name}.parquet"), **options)
        names.append(name)

    deltas = {name: column[2] for name, column in COLUMNS.items() if column[2]}
    splits = {name: column[3] for name, column in COLUMNS.items() if column[3]}
    for nulls in (0, 0.2, 0.97):
        for rows in (0, 1, 9, 1000):
            every = table(rows, nulls)
            tag = f"{rows}_{int(nulls * 100)}"
            put(f"dictionary_{tag}", every)
            put(f"plain_{tag}", every, use_dictionary=False, compression="none")
            small = {"data_page_size": 300, "write_batch_size": 16}
            put(f"second_{tag}", every, data_page_version="2.0", use_dictionary=["symbol"], compression="zstd", **small)
            # Dictionaries that become too large give way to plain pages in the middle of a column.
            put(f"mixed_{tag}", every, row_group_size=max(1, rows // 3), dictionary_pagesize_limit=150, compression="snappy", **small)
            put(f"deltas_{tag}", every, use_dictionary=False, column_encoding=deltas, compression="lz4")
            put(f"splits_{tag}", every, use_dictionary=False, column_encoding=splits, compression="gzip", data_page_version="2.0")
            put(f"brotli_{tag}", every, compression="brotli")
    put("int96", table(1000, 0.1).select(["us", "ns"]), use_deprecated_int96_timestamps=True)
    required = pa.schema([pa.field("row", pa.int64(), False), pa.field("text", pa.string())])
    texts = [f"v{row % 7}" if row < 100_000 else f"u{row}" for row in range(200_000)]
    put("required", pa.table({"row": range(200_000), "text": texts}).cast(required), row_group_size=150_000)
    print(json.dumps(names))


def values_of(name, column):
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_time32(column.type):
        column = column.cast(pa.time64("us"))
    if pa.types.is_float16(column.type):
        column = column.cast(pa.float32())
    if name == "int96":
        column = column.cast(pa.timestamp("ns"))
    return [repr(value) for value in column.to_pylist()]


def compare(folder):
    different = []
    for file in sorted(os.listdir(folder)):
        name, extension = os.path.splitext(file)
        if extension != ".parquet":
            continue
        theirs = parquet.read_table(os.path.join(folder, file))
        ours = ipc.open_file(os.path.join(folder, f"{name}.arrow")).read_all()
        for column in theirs.column_names:
            if values_of(name, theirs.column(column)) != values_of(name, ours.column(column)):
                different.append([name, column])
    print(json.dumps(different))


{"write": write, "compare": compare}[sys.argv[1]](sys.argv[2])
