/** What the kernels of assembly/parquet compute, over any bytes, value by value. Where a kernel refuses its input, what it wrote before is open. */
import type { ParquetKernels } from '../generated/parquet.js';
import type { OracleMemory } from './memory.js';

/** Bytes that are read one after the other, up to an end. */
class Reader {
  at: number;
  private readonly bytes: Uint8Array;
  private readonly end: number;

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  get left(): number {
    return this.end - this.at;
  }

  /** Undefined: it ends early, or has more than ten bytes. */
  varint(): bigint | undefined {
    let value = 0n;
    for (let i = 0n; i < 10n; i++) {
      if (this.left < 1) return undefined;
      const byte = BigInt(this.bytes[this.at++] as number);
      value |= (byte & 127n) << (7n * i);
      if (byte < 128n) return BigInt.asUintN(64, value);
    }
    return undefined;
  }

  zigzag(): bigint | undefined {
    const value = this.varint();
    return value === undefined ? undefined : value & 1n ? -(value >> 1n) - 1n : value >> 1n;
  }

  /** Bits [bit, bit + width) from here on, lowest first. */
  packed(bit: number, width: number): bigint {
    let value = 0n;
    for (let i = width - 1; i >= 0; i--) {
      const byte = this.at + ((bit + i) >> 3);
      value = (value << 1n) | (byte < this.end ? BigInt(((this.bytes[byte] as number) >> ((bit + i) & 7)) & 1) : 0n);
    }
    return value;
  }
}

export function parquetOracle(memory: OracleMemory): ParquetKernels {
  const { bytes, view } = memory;
  const rows = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
  const u32 = (at: number): number => view.getUint32(at, true);
  const copy = (target: number, source: number, size: number): void => void bytes.copyWithin(target, source, source + size);

  /** Undefined: malformed. */
  const hybrid = (n: number, width: number, source: number, end: number, isStrict = false): readonly number[] | undefined => {
    const reader = new Reader(bytes, source, end);
    const values: number[] = [];
    while (values.length < n) {
      const head = reader.varint();
      if (head === undefined || head >> 1n === 0n) return undefined;
      const isRun = (head & 1n) === 0n;
      const most = (head >> 1n) * (isRun ? 1n : 8n);
      const count = Math.min(Number(BigInt.asUintN(64, most)), n - values.length);
      const used = isRun ? Math.ceil(width / 8) : Math.ceil((count * width) / 8);
      if (count === 0 || used > reader.left) return undefined;
      // The value of a run takes whole bytes, of which a bit uses one bit.
      if (isStrict && isRun && (bytes[reader.at] as number) > 1) return undefined;
      for (const i of rows(count)) values.push(Number(reader.packed(isRun ? 0 : i * width, width)));
      reader.at += isRun ? used : Math.min(reader.left, Number(head >> 1n) * width);
    }
    return values;
  };

  const deltas = (write: (row: number, value: bigint) => void, n: number, source: number, end: number): number => {
    const reader = new Reader(bytes, source, end);
    const [block, minis, total, first] = [reader.varint(), reader.varint(), reader.varint(), reader.zigzag()];
    if (block === undefined || minis === undefined || first === undefined) return 0;
    if (block === 0n || minis === 0n || block % minis !== 0n || total !== BigInt(n)) return 0;
    const each = Number(block / minis);
    if (each % 8 !== 0 || each > 1 << 20 || minis > 1n << 20n) return 0;
    let value = first;
    if (n > 0) write(0, value);
    for (let done = 1; done < n; ) {
      const least = reader.zigzag();
      if (least === undefined || Number(minis) > reader.left) return 0;
      const widths = bytes.slice(reader.at, reader.at + Number(minis));
      reader.at += Number(minis);
      for (const width of widths) {
        if (done >= n) break;
        const count = Math.min(each, n - done);
        if (width > 64 || Math.ceil((count * width) / 8) > reader.left) return 0;
        for (const i of rows(count)) write(done + i, (value += least + reader.packed(i * width, width)));
        done += count;
        reader.at += Math.min(reader.left, (each * width) / 8);
      }
    }
    return reader.at;
  };

  const bigEndian = (source: number, size: number): bigint => {
    let value = 0n;
    for (const i of rows(size)) value = (value << 8n) | BigInt(bytes[source + i] as number);
    return BigInt.asIntN(8 * size, value);
  };
  const putNumber = (target: number, value: bigint): boolean => {
    if (BigInt.asIntN(128, value) !== value) return false;
    memory.setInteger('i128', target, 0, value);
    return true;
  };
  const present = (validity: number, n: number): readonly number[] => rows(n).filter((row) => memory.bit(validity, row));

  return {
    unpack_hybrid_bits: (bitmap, n, source, end) => {
      const values = hybrid(n, 1, source, end, true);
      if (values === undefined) return -1;
      for (const [row, value] of values.entries()) if (value === 1) memory.putBit(bitmap, row, true);
      return values.filter((value) => value === 1).length;
    },
    unpack_hybrid_codes: (target, n, width, source, end, limit) => {
      const values = width > 32 ? undefined : hybrid(n, width, source, end);
      if (values === undefined) return 1;
      for (const [row, value] of values.entries()) view.setUint32(target + 4 * row, value, true);
      return values.some((value) => value >= limit) ? 1 : 0;
    },
    unpack_deltas_i32: (target, n, source, end) =>
      deltas((row, value) => memory.setInteger('i32', target, row, BigInt.asIntN(32, value)), n, source, end),
    unpack_deltas_i64: (target, n, source, end) =>
      deltas((row, value) => memory.setInteger('i64', target, row, BigInt.asIntN(64, value)), n, source, end),
    measure_plain_bytes: (offsets, n, source, end) => {
      let total = 0;
      memory.setI32(offsets, 0, 0);
      for (const row of rows(n)) {
        if (end - source < 4 || u32(source) > end - source - 4) return -1;
        total += u32(source);
        source += 4 + u32(source);
        memory.setI32(offsets, row + 1, total);
      }
      return total;
    },
    gather_plain_bytes: (target, n, source) => {
      for (const _ of rows(n)) {
        const size = u32(source);
        copy(target, source + 4, size);
        target += size;
        source += 4 + size;
      }
    },
    sum_byte_lengths: (offsets, lengths, n, limit) => {
      let total = 0;
      memory.setI32(offsets, 0, 0);
      for (const row of rows(n)) {
        total += memory.i32(lengths, row);
        if (memory.i32(lengths, row) < 0 || total > limit) return -1;
        memory.setI32(offsets, row + 1, total);
      }
      return total;
    },
    measure_prefixed_bytes: (offsets, prefixes, suffixes, n) => {
      let total = 0;
      let before = 0;
      memory.setI32(offsets, 0, 0);
      for (const row of rows(n)) {
        const prefix = memory.i32(prefixes, row);
        if (prefix < 0 || prefix > before) return -1;
        before = prefix + memory.i32(suffixes, row + 1) - memory.i32(suffixes, row);
        total += before;
        memory.setI32(offsets, row + 1, total);
      }
      return total;
    },
    gather_prefixed_bytes: (target, prefixes, suffixes, n, source) => {
      let before: readonly number[] = [];
      for (const row of rows(n)) {
        const suffix = bytes.slice(source + memory.i32(suffixes, row), source + memory.i32(suffixes, row + 1));
        before = [...before.slice(0, memory.i32(prefixes, row)), ...suffix];
        bytes.set(before, target);
        target += before.length;
      }
    },
    spread_rows: (target, source, widthBytes, validity, n) => {
      bytes.fill(0, target, target + widthBytes * n);
      for (const [i, row] of present(validity, n).entries()) copy(target + row * widthBytes, source + i * widthBytes, widthBytes);
    },
    spread_row_bits: (target, source, validity, n) => {
      for (const [i, row] of present(validity, n).entries()) memory.putBit(target, row, memory.bit(source, i));
    },
    spread_row_offsets: (target, source, validity, n) => {
      let at = 0;
      for (const row of rows(n)) {
        memory.setI32(target, row, memory.i32(source, at));
        if (memory.bit(validity, row)) at++;
      }
      memory.setI32(target, n, memory.i32(source, at));
    },
    join_byte_streams: (target, source, widthBytes, n) => {
      for (const row of rows(n))
        for (const k of rows(widthBytes)) bytes[target + row * widthBytes + k] = bytes[source + k * n + row] as number;
    },
    narrow_stored_i32: (target, source, widthBytes, n) => {
      for (const row of rows(n)) copy(target + row * widthBytes, source + 4 * row, widthBytes);
    },
    widen_int96_i64: (target, source, n) => {
      for (const row of rows(n)) {
        const days = BigInt(view.getInt32(source + 12 * row + 8, true)) - 2_440_588n;
        const value = days * 86_400_000_000_000n + view.getBigInt64(source + 12 * row, true);
        memory.setInteger('i64', target, row, BigInt.asIntN(64, value));
      }
    },
    widen_stored_interval: (target, source, n) => {
      for (const row of rows(n)) {
        copy(target + 16 * row, source + 12 * row, 8);
        view.setBigInt64(target + 16 * row + 8, BigInt(u32(source + 12 * row + 8)) * 1_000_000n, true);
      }
    },
    widen_fixed_i128: (target, source, widthBytes, n) =>
      rows(n).findIndex((row) => !putNumber(target + 16 * row, bigEndian(source + row * widthBytes, widthBytes))),
    widen_bytes_i128: (target, offsets, values, n) =>
      rows(n).findIndex((row) => {
        const from = memory.i32(offsets, row);
        return !putNumber(target + 16 * row, bigEndian(values + from, memory.i32(offsets, row + 1) - from));
      }),
  };
}
