"""TPC-H: loading the tables into a running FletchDB and comparing its answers with DuckDB's."""
import datetime
import decimal
import math
import pathlib

import pyarrow as pa
import pyarrow.flight as flight
import pyarrow.parquet as parquet

TABLES = ["region", "nation", "supplier", "customer", "part", "partsupp", "orders", "lineitem"]
QUERIES = {int(file.stem[1:]): file.read_text() for file in sorted((pathlib.Path(__file__).parent / "queries").glob("q*.sql"))}


def read(path):
    """A table without string views, which Flight clients of older versions cannot send."""
    table = parquet.read_table(path)
    fields = [field.with_type(pa.utf8()) if pa.types.is_string_view(field.type) else field for field in table.schema]
    return table.cast(pa.schema([field.remove_metadata() for field in fields]))


def put(client, name, table):
    writer, reader = client.do_put(flight.FlightDescriptor.for_path(name), table.schema)
    for batch in table.to_batches(max_chunksize=65536):
        writer.write_batch(batch)
    writer.done_writing()
    while reader.read() is not None:
        pass
    writer.close()


def get(client, sql):
    return client.do_get(flight.Ticket(sql.encode())).read_all()


def rows_of(client, name):
    """Rows of a table; None when there is no such table."""
    found = get(client, f"SELECT count(*) FROM information_schema.tables WHERE table_name = '{name}'")
    return get(client, f"SELECT count(*) FROM {name}").column(0)[0].as_py() if found.column(0)[0].as_py() else None


def difference(mine, theirs):
    """What is different between two results, rows in any order among equals; None when nothing is."""
    if mine.num_columns != theirs.num_columns or mine.num_rows != theirs.num_rows:
        return f"{mine.num_rows} rows x {mine.num_columns} columns, DuckDB has {theirs.num_rows} x {theirs.num_columns}"
    if mine.column_names != theirs.column_names:
        return f"columns {mine.column_names}, DuckDB has {theirs.column_names}"
    order = lambda row: [(cell is None, str(round(cell, 2)) if is_number(cell) else str(cell)) for cell in row]
    a, b = (sorted(zip(*(column.to_pylist() for column in table.columns)), key=order) for table in (mine, theirs))
    for row, (left, right) in enumerate(zip(a, b)):
        for column, (x, y) in enumerate(zip(left, right)):
            if not same(x, y):
                return f"row {row}, {mine.column_names[column]}: {x!r}, DuckDB has {y!r}"
    return None


def is_number(cell):
    return isinstance(cell, (int, float, decimal.Decimal)) and not isinstance(cell, bool)


def same(x, y):
    """Integers, decimals, dates and text are equal; where one side is a float, to nine digits."""
    if isinstance(x, float) or isinstance(y, float):
        if x is None or y is None:
            return x is y
        return math.isclose(float(x), float(y), rel_tol=1e-9)
    if isinstance(x, datetime.datetime) != isinstance(y, datetime.datetime):
        return False
    return x == y
