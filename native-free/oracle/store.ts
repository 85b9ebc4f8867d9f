/**
 * Plain-TypeScript twins of the kernels in assembly/store, over any bytes: what the kernels must do, written to be read. How slots of a
 * dictionary are filled is the kernels' own business: the twins leave them alone and compare values.
 */
import type { StoreKernels } from '../generated/store.js';
import { latestOracle } from './latest.js';
import { mergeOracle } from './merge.js';

type Read<Value> = (at: number) => Value;

/** Twins that work on these bytes; addresses are offsets in them. */
export function storeOracle(bytes: Uint8Array): StoreKernels {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const i32: Read<number> = (at) => view.getInt32(at, true);
  const u32: Read<number> = (at) => view.getUint32(at, true);
  const i64: Read<bigint> = (at) => view.getBigInt64(at, true);
  const u64: Read<bigint> = (at) => view.getBigUint64(at, true);
  const f32: Read<number> = (at) => view.getFloat32(at, true);
  const f64: Read<number> = (at) => view.getFloat64(at, true);
  const i128: Read<bigint> = (at) => (i64(at + 8) << 64n) | u64(at);
  const setI32 = (at: number, value: number) => view.setInt32(at, value, true);
  const setI64 = (at: number, value: bigint) => view.setBigInt64(at, BigInt.asIntN(64, value), true);
  const setI128 = (at: number, value: bigint) => {
    setI64(at, value);
    setI64(at + 8, value >> 64n);
  };
  const rows = (n: number) => Array.from({ length: n }, (_, i) => i);
  const bit = (address: number, i: number) => ((bytes[address + (i >> 3)] as number) >> (i & 7)) & 1;
  const put = (address: number, i: number, value: number) => {
    const at = address + (i >> 3);
    bytes[at] = ((bytes[at] as number) & ~(1 << (i & 7))) | (value << (i & 7));
  };
  const isValid = (validity: number, i: number) => validity === 0 || bit(validity, i) === 1;
  const copy = (target: number, source: number, size: number) => void bytes.copyWithin(target, source, source + size);
  const permute = (width: number) => (target: number, source: number, order: number, n: number) => {
    for (const i of rows(n)) copy(target + i * width, source + u32(order + 4 * i) * width, width);
  };

  const widen = (width: number, read: Read<number>) => (target: number, source: number, n: number) => {
    for (const i of rows(n)) setI64(target + 8 * i, BigInt(read(source + i * width)));
  };
  /** Writes what fits; answers the first valid row that does not. Later rows are not part of the contract then. */
  const checked = (n: number, validity: number, write: (i: number) => boolean) => {
    for (const i of rows(n)) if (!write(i) && isValid(validity, i)) return i;
    return -1;
  };
  const narrow = (width: number, wrap: (value: bigint) => bigint) => (target: number, source: number, validity: number, n: number) =>
    checked(n, validity, (i) => {
      const value = i64(source + 8 * i);
      for (const b of rows(width)) bytes[target + i * width + b] = Number(BigInt.asUintN(8, value >> BigInt(8 * b)));
      return wrap(value) === value;
    });
  const exact = (read: Read<bigint>) => (target: number, source: number, validity: number, n: number) =>
    checked(n, validity, (i) => {
      const value = read(source + 8 * i);
      view.setFloat64(target + 8 * i, Number(value), true);
      return BigInt(Number(value)) === value;
    });

  const zone =
    <Value extends number | bigint>(width: number, read: Read<Value>) =>
    (values: number, validity: number, n: number, out: number) => {
      const order = (a: Value, b: Value) => (Number.isNaN(a) ? 1 : Number.isNaN(b) ? -1 : a < b ? -1 : a > b ? 1 : 0);
      const valid = rows(n).filter((i) => isValid(validity, i));
      if (valid.length === 0) return 0;
      const at = (i: number) => values + i * width;
      const sorted = valid.sort((a, b) => order(read(at(a)), read(at(b))));
      const [least, most] = [bytes.slice(at(sorted[0] as number), at(sorted[0] as number) + width), at(sorted.at(-1) as number)];
      bytes.set(bytes.slice(most, most + width), out + width);
      bytes.set(least, out);
      return 1;
    };

  const text = (offsets: number, values: number, i: number) =>
    Buffer.from(bytes.slice(values + i32(offsets + 4 * i), values + i32(offsets + 4 * i + 4)));
  const codeOf = (state: number, value: Buffer) => {
    const [offsets, values, count] = [u32(state + 8), u32(state + 12), u32(state + 16)];
    const known = rows(count).find((code) => text(offsets, values, code).equals(value));
    if (known !== undefined) return known;
    const end = i32(offsets + 4 * count);
    bytes.set(value, values + end);
    setI32(offsets + 4 * count + 4, end + value.length);
    setI32(state + 16, count + 1);
    return count;
  };

  return {
    copy_bytes: copy,
    fill_bytes: (target, value, size) => void bytes.fill(value, target, target + size),
    move_bits: (target, targetBit, source, sourceBit, n) => {
      for (const i of rows(n)) put(target, targetBit + i, bit(source, sourceBit + i));
    },
    fill_bits: (target, targetBit, n) => {
      for (const i of rows(n)) put(target, targetBit + i, 1);
    },
    trim_bits: (target, n) => {
      for (let i = n; i % 64 !== 0; i++) put(target, i, 0);
    },
    tally_bits: (bitmap, first, n) => rows(n).filter((i) => bit(bitmap, first + i) === 1).length,
    find_clear_bit: (bitmap, first, n) => rows(n).findIndex((i) => bit(bitmap, first + i) === 0),
    remove_bits: (alive, gone, n) => {
      const removed = rows(n).filter((i) => bit(gone, i) === 1 && bit(alive, i) === 1);
      for (const i of removed) put(alive, i, 0);
      return removed.length;
    },
    permute_bits: (target, source, order, n) => {
      for (const i of rows(Math.ceil(n / 64) * 64)) put(target, i, i < n ? bit(source, u32(order + 4 * i)) : 0);
    },

    widen_i8: widen(1, (at) => view.getInt8(at)),
    widen_i16: widen(2, (at) => view.getInt16(at, true)),
    widen_i32: widen(4, i32),
    widen_u8: widen(1, (at) => view.getUint8(at)),
    widen_u16: widen(2, (at) => view.getUint16(at, true)),
    widen_u32: widen(4, u32),
    narrow_i8: narrow(1, (value) => BigInt.asIntN(8, value)),
    narrow_i16: narrow(2, (value) => BigInt.asIntN(16, value)),
    narrow_i32: narrow(4, (value) => BigInt.asIntN(32, value)),
    narrow_u8: narrow(1, (value) => BigInt.asUintN(8, value)),
    narrow_u16: narrow(2, (value) => BigInt.asUintN(16, value)),
    narrow_u32: narrow(4, (value) => BigInt.asUintN(32, value)),
    find_negative_i64: (source, validity, n) => checked(n, validity, (i) => i64(source + 8 * i) >= 0n),
    exact_f64_i64: exact(i64),
    exact_f64_u64: exact(u64),
    exact_f32_f64: (target, source, validity, n) =>
      checked(n, validity, (i) => {
        const value = f64(source + 8 * i);
        view.setFloat32(target + 4 * i, value, true);
        return Math.fround(value) === value || Number.isNaN(value);
      }),
    widen_f32: (target, source, n) => {
      for (const i of rows(n)) view.setFloat64(target + 8 * i, f32(source + 4 * i), true);
    },
    multiply_exact_i64: (target, source, factor, validity, n) =>
      checked(n, validity, (i) => {
        const value = i64(source + 8 * i) * i64(factor);
        setI64(target + 8 * i, value);
        return BigInt.asIntN(64, value) === value;
      }),
    divide_exact_i64: (target, source, divisor, validity, n) =>
      checked(n, validity, (i) => {
        const value = i64(source + 8 * i);
        setI64(target + 8 * i, value / i64(divisor));
        return value % i64(divisor) === 0n;
      }),
    widen_i128: (target, source, unsigned, n) => {
      for (const i of rows(n)) setI128(target + 16 * i, unsigned ? u64(source + 8 * i) : i64(source + 8 * i));
    },
    multiply_exact_i128: (target, source, digits, limit, validity, n) =>
      checked(n, validity, (i) => {
        const value = i128(source + 16 * i) * 10n ** BigInt(digits);
        setI128(target + 16 * i, value);
        return (value < 0n ? -value : value) < i128(limit);
      }),

    crc32c: (address, size, seed) => {
      let crc = ~seed >>> 0;
      for (const byte of bytes.subarray(address, address + size)) {
        crc ^= byte;
        for (let k = 0; k < 8; k++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
      }
      return ~crc;
    },

    find_code: (state, address, size) => {
      const wanted = Buffer.from(bytes.subarray(address, address + size));
      const [offsets, values, count] = [u32(state + 8), u32(state + 12), u32(state + 16)];
      return rows(count).findIndex((code) => text(offsets, values, code).equals(wanted));
    },
    rehash_dictionary: () => undefined,
    encode_bytes: (codes, state, offsets, values, validity, first, n) => {
      for (const i of rows(n)) setI32(codes + 4 * i, isValid(validity, first + i) ? codeOf(state, text(offsets, values, first + i)) : 0);
    },
    encode_codes: (codes, state, source, offsets, values, map, validity, first, n) => {
      for (const i of rows(n)) {
        const old = u32(source + 4 * (first + i));
        if (isValid(validity, first + i) && i32(map + 4 * old) < 0) setI32(map + 4 * old, codeOf(state, text(offsets, values, old)));
        setI32(codes + 4 * i, isValid(validity, first + i) ? i32(map + 4 * old) : 0);
      }
    },
    mark_codes: (bitmap, codes, validity, n) => {
      for (const i of rows(n)) if (isValid(validity, i)) put(bitmap, u32(codes + 4 * i), 1);
    },
    spell_offsets: (target, codes, offsets, validity, first, n) => {
      let total = 0;
      for (const i of rows(n)) {
        setI32(target + 4 * i, total);
        if (isValid(validity, first + i)) total += text(offsets, 0, u32(codes + 4 * (first + i))).length;
      }
      setI32(target + 4 * n, total);
      return total;
    },
    spell_bytes: (target, offsets, codes, dictionaryOffsets, dictionaryValues, first, n) => {
      for (const i of rows(n)) {
        const size = i32(offsets + 4 * i + 4) - i32(offsets + 4 * i);
        copy(target + i32(offsets + 4 * i), dictionaryValues + i32(dictionaryOffsets + 4 * u32(codes + 4 * (first + i))), size);
      }
    },
    sum_lengths: (target, lengths, base, n) => {
      setI32(target, base);
      for (const i of rows(n)) setI32(target + 4 * i + 4, i32(target + 4 * i) + i32(lengths + 4 * i));
    },

    permute_8: permute(1),
    permute_16: permute(2),
    permute_32: permute(4),
    permute_64: permute(8),
    permute_128: permute(16),
    permute_offsets: (target, offsets, order, n) => {
      setI32(target, 0);
      for (const i of rows(n)) {
        const row = offsets + 4 * u32(order + 4 * i);
        setI32(target + 4 * i + 4, i32(target + 4 * i) + i32(row + 4) - i32(row));
      }
    },
    permute_bytes: (target, offsets, values, order, n) => {
      bytes.set(Buffer.concat(rows(n).map((i) => text(offsets, values, u32(order + 4 * i)))), target);
    },
    permute_ranges: (target, offsets, order, n) => {
      let at = target;
      for (const i of rows(n)) {
        const row = offsets + 4 * u32(order + 4 * i);
        for (let child = i32(row); child < i32(row + 4); child++, at += 4) setI32(at, child);
      }
    },
    shift_offsets: (target, source, delta, n) => {
      for (const i of rows(n)) setI32(target + 4 * i, i32(source + 4 * i) + delta);
    },
    step_offsets: (target, step, n) => {
      for (const i of rows(n + 1)) setI32(target + 4 * i, step * i);
    },
    tile_bytes: (target, source, size, n) => {
      for (const i of rows(n)) copy(target + i * size, source, size);
    },

    find_unsorted_i64: (values, n) => rows(n).findIndex((i) => i > 0 && i64(values + 8 * i) < i64(values + 8 * (i - 1))),
    sort_rows_i64: (order, values, n) => {
      const sorted = rows(n).sort((a, b) => {
        const difference = i64(values + 8 * a) - i64(values + 8 * b);
        return difference < 0n ? -1 : difference > 0n ? 1 : a - b;
      });
      for (const [i, row] of sorted.entries()) setI32(order + 4 * i, row);
    },

    ...latestOracle(bytes),
    ...mergeOracle(bytes),
    cluster_rows: (target, order, codes, validity, n, codeCount, ends) => {
      const given = rows(n).map((i) => u32(order + 4 * i));
      const code = (row: number) => (isValid(validity, row) ? u32(codes + 4 * row) : codeCount);
      let place = 0;
      for (const c of rows(codeCount + 1)) {
        for (const row of given.filter((each) => code(each) === c)) setI32(target + 4 * place++, row);
        setI32(ends + 4 * c, place);
      }
    },
    code_rows: (codes, validity, n, codeCount, first, last) => {
      const found = rows(n).map((row) => (isValid(validity, row) ? u32(codes + 4 * row) : codeCount));
      for (const c of rows(codeCount + 1)) {
        setI32(first + 4 * c, found.indexOf(c));
        setI32(last + 4 * c, found.lastIndexOf(c));
      }
    },

    rows_of_code: (codes, validity, alive, first, end, code, most, out) => {
      const found = rows(end).filter(
        (row) => row >= first && u32(codes + 4 * row) === code && isValid(validity, row) && isValid(alive, row),
      );
      if (out !== 0) for (const [i, row] of found.slice(0, most).entries()) setI32(out + 4 * i, row);
      return Math.min(found.length, most + 1);
    },

    zone_i8: zone(1, (at) => view.getInt8(at)),
    zone_i16: zone(2, (at) => view.getInt16(at, true)),
    zone_i32: zone(4, i32),
    zone_i64: zone(8, i64),
    zone_u8: zone(1, (at) => view.getUint8(at)),
    zone_u16: zone(2, (at) => view.getUint16(at, true)),
    zone_u32: zone(4, u32),
    zone_u64: zone(8, u64),
    zone_f32: zone(4, f32),
    zone_f64: zone(8, f64),
    zone_i128: zone(16, i128),
    zone_bytes: (offsets, values, chosen, n, out) => {
      const valid = rows(n).filter((i) => isValid(chosen, i));
      const sorted = valid.sort((a, b) => Buffer.compare(text(offsets, values, a), text(offsets, values, b)) || a - b);
      const most = sorted.find((i) => text(offsets, values, i).equals(text(offsets, values, sorted.at(-1) ?? 0)));
      setI32(out, sorted[0] ?? -1);
      setI32(out + 4, most ?? -1);
      return valid.length === 0 ? 0 : 1;
    },
  };
}
