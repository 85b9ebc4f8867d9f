/** Least and greatest value of the valid rows: written to out[0] and out[1]; returns 0 when no row is valid. */
import { bit } from './row-bit';

@inline
function zone<T>(values: usize, validity: usize, n: usize, out: usize): u32 {
  let row: usize = 0;
  if (validity != 0) while (row < n && !bit(validity, row)) row++;
  if (row == n) return 0;
  let least = load<T>(values + row * sizeof<T>());
  let most = least;
  for (; row < n; row++) {
    if (validity != 0 && !bit(validity, row)) continue;
    const value = load<T>(values + row * sizeof<T>());
    if (value < least) least = value;
    if (value > most) most = value;
  }
  store<T>(out, least);
  store<T>(out + sizeof<T>(), most);
  return 1;
}

/** NaN is the greatest float. */
@inline
function zone_float<T>(values: usize, validity: usize, n: usize, out: usize): u32 {
  let least: T = NaN as T;
  let most: T = -Infinity as T;
  let found: u32 = 0;
  for (let row: usize = 0; row < n; row++) {
    if (validity != 0 && !bit(validity, row)) continue;
    const value = load<T>(values + row * sizeof<T>());
    if (!(value >= least)) if (value == value) least = value;
    if (most == most && !(value <= most)) most = value;
    found = 1;
  }
  store<T>(out, least);
  store<T>(out + sizeof<T>(), most);
  return found;
}

export function zone_i8(values: usize, validity: usize, n: usize, out: usize): u32 {
  return zone<i8>(values, validity, n, out);
}
export function zone_i16(values: usize, validity: usize, n: usize, out: usize): u32 {
  return zone<i16>(values, validity, n, out);
}
export function zone_i32(values: usize, validity: usize, n: usize, out: usize): u32 {
  return zone<i32>(values, validity, n, out);
}
export function zone_i64(values: usize, validity: usize, n: usize, out: usize): u32 {
  return zone<i64>(values, validity, n, out);
}
export function zone_u8(values: usize, validity: usize, n: usize, out: usize): u32 {
  return zone<u8>(values, validity, n, out);
}
export function zone_u16(values: usize, validity: usize, n: usize, out: usize): u32 {
  return zone<u16>(values, validity, n, out);
}
export function zone_u32(values: usize, validity: usize, n: usize, out: usize): u32 {
  return zone<u32>(values, validity, n, out);
}
export function zone_u64(values: usize, validity: usize, n: usize, out: usize): u32 {
  return zone<u64>(values, validity, n, out);
}
export function zone_f32(values: usize, validity: usize, n: usize, out: usize): u32 {
  return zone_float<f32>(values, validity, n, out);
}
export function zone_f64(values: usize, validity: usize, n: usize, out: usize): u32 {
  return zone_float<f64>(values, validity, n, out);
}

@inline
function less_i128(a: usize, b: usize): bool {
  const x = load<i64>(a, 8);
  const y = load<i64>(b, 8);
  return x < y || (x == y && load<u64>(a) < load<u64>(b));
}

export function zone_i128(values: usize, validity: usize, n: usize, out: usize): u32 {
  let least: usize = 0;
  let most: usize = 0;
  for (let row: usize = 0; row < n; row++) {
    if (validity != 0 && !bit(validity, row)) continue;
    const at = values + (row << 4);
    if (least == 0 || less_i128(at, least)) least = at;
    if (most == 0 || less_i128(most, at)) most = at;
  }
  if (least == 0) return 0;
  v128.store(out, v128.load(least));
  v128.store(out, v128.load(most), 16);
  return 1;
}

/** Byte order of two strings: negative, 0 or positive. */
@inline
function compare(a: usize, aSize: usize, b: usize, bSize: usize): i32 {
  const size = min(aSize, bSize);
  let i: usize = 0;
  while (i + 8 <= size && load<u64>(a + i) == load<u64>(b + i)) i += 8;
  for (; i < size; i++) {
    const difference = (load<u8>(a + i) as i32) - (load<u8>(b + i) as i32);
    if (difference != 0) return difference;
  }
  return (aSize as i32) - (bSize as i32);
}

/** Row numbers of the least and greatest byte string among the rows whose bit is set (rows = 0: all). */
export function zone_bytes(offsets: usize, values: usize, rows: usize, n: usize, out: usize): u32 {
  let least: i32 = -1;
  let most: i32 = -1;
  let leastAt: usize = 0;
  let leastSize: usize = 0;
  let mostAt: usize = 0;
  let mostSize: usize = 0;
  for (let row: usize = 0; row < n; row++) {
    if (rows != 0 && !bit(rows, row)) continue;
    const first = load<i32>(offsets + (row << 2));
    const size = (load<i32>(offsets + (row << 2), 4) - first) as usize;
    const at = values + first;
    if (least < 0 || compare(at, size, leastAt, leastSize) < 0) {
      least = row as i32;
      leastAt = at;
      leastSize = size;
    }
    if (most < 0 || compare(at, size, mostAt, mostSize) > 0) {
      most = row as i32;
      mostAt = at;
      mostSize = size;
    }
  }
  store<i32>(out, least);
  store<i32>(out, most, 4);
  return least < 0 ? 0 : 1;
}
