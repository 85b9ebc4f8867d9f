"""Compares the segment files of two databases, FOLDER/plain and FOLDER/packed, as pyarrow, Polars and DuckDB read them. usage: packed.py FOLDER"""
import pathlib
import sys

import duckdb
import pyarrow as pa

try:
    import polars as pl
except ImportError:  # not one of the test requirements
    pl = None


def read(kind):
    (path,) = (pathlib.Path(sys.argv[1]) / kind / "segments").glob("*.arrow")
    table = pa.ipc.open_file(str(path)).read_all()
    table.validate(full=True)
    decoded = {
        name: table[name].cast(pa.string()) if pa.types.is_dictionary(table[name].type) else table[name] for name in table.column_names
    }
    return path, table, pa.table(decoded)


plain_path, plain, plain_rows = read("plain")
packed_path, packed, packed_rows = read("packed")
assert packed_rows.equals(plain_rows)
assert packed.schema.metadata == plain.schema.metadata
assert packed_path.stat().st_size * 2 < plain_path.stat().st_size
assert str(packed.schema.field("sym").type.index_type) == "int16", packed.schema.field("sym")
assert str(packed.schema.field("few").type.index_type) == "int8", packed.schema.field("few")
columns = ", ".join(f'"{name}"' for name in packed.column_names)
assert duckdb.sql(f"SELECT {columns} FROM packed").fetchall() == duckdb.sql(f"SELECT {columns} FROM plain").fetchall()
if pl is not None:
    assert pl.scan_ipc(packed_path).collect().equals(pl.scan_ipc(plain_path).collect())
print(packed.num_rows)
