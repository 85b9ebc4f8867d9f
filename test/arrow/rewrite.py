"""Reads every FOLDER/*.in (stream) and *.arrow (file) with pyarrow, validates it in full and writes it again in other forms. usage: rewrite.py FOLDER"""
import pathlib
import sys

import pyarrow as pa

for path in pathlib.Path(sys.argv[1]).glob("*.in"):
    reader = pa.ipc.open_stream(path.read_bytes())
    batches = list(reader)
    for batch in batches:
        batch.validate(full=True)

    def write(form, writer, batches=batches):
        for batch in batches:
            writer.write_batch(batch)
        writer.close()

    write("stream", pa.ipc.new_stream(path.with_suffix(".stream"), reader.schema))
    write("lz4", pa.ipc.new_stream(path.with_suffix(".lz4"), reader.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")))
    write("zstd", pa.ipc.new_stream(path.with_suffix(".zstd"), reader.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")))
    table = pa.Table.from_batches(batches, reader.schema).unify_dictionaries().combine_chunks()
    write("file", pa.ipc.new_file(path.with_suffix(".file"), reader.schema), table.to_batches())
    fields = [f.with_type(pa.string_view()) if f.type == pa.string() else f for f in reader.schema]
    views = table.cast(pa.schema(fields))
    write("view", pa.ipc.new_stream(path.with_suffix(".view"), views.schema), views.to_batches())

for path in pathlib.Path(sys.argv[1]).glob("*.arrow"):
    table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
    table.validate(full=True)
    with pa.ipc.new_stream(path.with_suffix(".stream"), table.schema) as writer:
        writer.write_table(table)
