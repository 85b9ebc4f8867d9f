"""Compares every FOLDER/*.zst, a ZSTD frame, with FOLDER/*.plain by libzstd (through pyarrow). usage: unzstd.py FOLDER"""
import pathlib
import sys

import pyarrow as pa

codec = pa.Codec("zstd")
frames = sorted(pathlib.Path(sys.argv[1]).glob("*.zst"))
for path in frames:
    plain = path.with_suffix(".plain").read_bytes()
    assert codec.decompress(path.read_bytes(), len(plain)).to_pybytes() == plain, path.name
print(len(frames))
