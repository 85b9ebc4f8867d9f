/**
 * Sums over the last `size` rows of a partition, of rows that come in order, with a ring of them per partition (codes: partition of each row,
 * uint32; 0 = all rows are of one). NULLs take a place and count as 0; validity 0 = there are none. Values are float64, int64 or int128.
 *
 * Tails say which rows came last: [rows: u32][pad: u32][values, newest first: most × width][1 where there is a value: most × u8], padded to 8.
 * Rings: [rows seen, at most size: u32][slot: u32][values among them: u32][pad: u32][sum: 16 bytes][size + 1 slots][1 where there is a value:
 * size × u8], padded to 8. Slots go round. Whole numbers are added to the sum and taken out of it when their slot comes again. Floats are never taken out: slots
 * below `slot` are the values since slot 0, whose sum is `sum`; those behind it are sums of the values from there to the end of the round before.
 */
import { partitionAt } from './partitions';
import { bitIsSet } from '../shared/bitmap';

const HEAD: usize = 32;

// @ts-ignore: decorator
@inline
function padded(bytes: u32): usize {
  return ((bytes + 7) & ~7) as usize;
}

// @ts-ignore: decorator
@inline
function tailBytes(width: u32, most: u32): usize {
  return 8 + (most * width) as usize + padded(most);
}

// @ts-ignore: decorator
@inline
function ringBytes(width: u32, size: u32): usize {
  return HEAD + ((size + 1) * width) as usize + padded(size);
}

// @ts-ignore: decorator
@inline
function zero<T>(): T {
  if (isVector<T>()) return i64x2.splat(0);
  return 0 as T;
}

/** Adds rows, last first, to tails of at most `most` rows. full: partitions whose tails are full; returns how many are now. Stops when all are. */
// @ts-ignore: decorator
@inline
function addTails<T>(codes: usize, x: usize, validity: usize, n: u32, most: u32, partitions: u32, full: u32, tails: usize): u32 {
  const width: u32 = isVector<T>() ? 16 : 8;
  const stride = tailBytes(width, most), flags = 8 + (most * width) as usize;
  let done = full;
  for (let i = n; i > 0 && done < partitions; ) {
    i--;
    const at = tails + partitionAt(codes, i) * stride;
    const count = load<u32>(at);
    if (count >= most) continue;
    const isValue = bitIsSet(validity, i);
    store<T>(at + 8 + (count * width) as usize, isValue ? load<T>(x + (i * width) as usize) : zero<T>());
    store<u8>(at + flags + count, isValue as u8);
    store<u32>(at, count + 1);
    if (count + 1 == most) done++;
  }
  return done;
}
export function stream_tails_8(codes: usize, x: usize, validity: usize, n: u32, most: u32, partitions: u32, full: u32, tails: usize): u32 { return addTails<u64>(codes, x, validity, n, most, partitions, full, tails); }
export function stream_tails_16(codes: usize, x: usize, validity: usize, n: u32, most: u32, partitions: u32, full: u32, tails: usize): u32 { return addTails<v128>(codes, x, validity, n, most, partitions, full, tails); }

/** The tails of two lanes, one behind the other, as one. `out` may be neither of them. */
export function stream_merge_tails(width: u32, before: usize, behind: usize, partitions: u32, most: u32, out: usize): void {
  const stride = tailBytes(width, most), flags = 8 + (most * width) as usize;
  for (let p: usize = 0; p < partitions; p++) {
    const a = before + p * stride, b = behind + p * stride, to = out + p * stride;
    const later = load<u32>(b);
    const older = min(load<u32>(a), most - later);
    store<u32>(to, later + older);
    memory.copy(to + 8, b + 8, (later * width) as usize);
    memory.copy(to + 8 + (later * width) as usize, a + 8, (older * width) as usize);
    memory.copy(to + flags, b + flags, later);
    memory.copy(to + flags + later, a + flags, older);
  }
}

/** Adds to, or takes from, the sum of 128 bits at the address. */
// @ts-ignore: decorator
@inline
function addWide(sum: usize, low: u64, high: i64): void {
  const before = load<u64>(sum);
  store<u64>(sum, before + low);
  store<i64>(sum, load<i64>(sum, 8) + high + ((before + low < before) as i64), 8);
}

// @ts-ignore: decorator
@inline
function takeWide(sum: usize, low: u64, high: i64): void {
  const before = load<u64>(sum);
  store<u64>(sum, before - low);
  store<i64>(sum, load<i64>(sum, 8) - high - ((before < low) as i64), 8);
}

// @ts-ignore: decorator
@inline
function highOf(width: u32, at: usize): i64 {
  return width == 16 ? load<i64>(at, 8) : load<i64>(at) >> 63;
}

/** Rings that have the rows of tails (most = size − 1). tails = 0: empty ones. */
export function stream_rings(floats: u32, width: u32, tails: usize, partitions: u32, size: u32, rings: usize): void {
  const stride = ringBytes(width, size), flags = HEAD + ((size + 1) * width) as usize;
  const tailStride = tailBytes(width, size - 1), tailFlags = 8 + ((size - 1) * width) as usize;
  for (let p: usize = 0; p < partitions; p++) {
    const ring = rings + p * stride;
    memory.fill(ring, 0, stride);
    if (tails == 0) continue;
    const tail = tails + p * tailStride;
    const count = load<u32>(tail);
    let values: u32 = 0;
    let sum: f64 = 0;
    for (let k: u32 = 1; k < size; k++) {
      const from = tail + 8 + ((k - 1) * width) as usize, slot = ring + HEAD + ((size - k) * width) as usize;
      if (k <= count) {
        const flag = load<u8>(tail + tailFlags + k - 1);
        store<u8>(ring + flags + size - k, flag);
        values += flag as u32;
        if (floats) sum += load<f64>(from);
        else {
          memory.copy(slot, from, width);
          addWide(ring + 16, load<u64>(from), highOf(width, from));
        }
      }
      if (floats) store<f64>(slot, sum);
    }
    store<u32>(ring, count);
    store<u32>(ring, values, 8);
  }
}

/** The row takes its slot: how many values there are among the last rows. */
// @ts-ignore: decorator
@inline
function valuesWith(nulls: bool, isValue: bool, ring: usize, slot: u32, size: u32, flags: usize): u32 {
  let count = load<u32>(ring);
  if (nulls) {
    const flag = ring + flags + slot;
    count = load<u32>(ring, 8) + (isValue as u32) - (load<u8>(flag) as u32);
    store<u8>(flag, isValue as u8);
    store<u32>(ring, count, 8);
  } else if (count < size) store<u32>(ring, ++count);
  return count;
}

// @ts-ignore: decorator
@inline
function floatSums(nulls: bool, average: bool, codes: usize, x: usize, validity: usize, n: u32, size: u32, rings: usize, out: usize, present: usize): void {
  const stride = ringBytes(8, size), flags = HEAD + (((size as usize) + 1) << 3);
  let bits: u64 = 0;
  for (let i: u32 = 0; i < n; i++) {
    const ring = rings + partitionAt(codes, i) * stride;
    const isValue = !nulls || bitIsSet(validity, i);
    const value: f64 = isValue ? load<f64>(x + ((i as usize) << 3)) : 0;
    const slot = load<u32>(ring, 4);
    const at = ring + ((slot as usize) << 3);
    const count = valuesWith(nulls, isValue, ring, slot, size, flags);
    const front = load<f64>(ring, 16) + value;
    const sum = front + load<f64>(at, HEAD + 8);
    store<f64>(out + ((i as usize) << 3), nulls && count == 0 ? 0 : average ? sum / (count as f64) : sum);
    if (nulls) {
      bits |= ((count > 0) as u64) << (i & 63);
      if ((i & 63) == 63 || i == n - 1) {
        store<u64>(present + ((i >> 6) << 3), bits);
        bits = 0;
      }
    }
    store<f64>(at, value, HEAD);
    if (slot + 1 < size) {
      store<u32>(ring, slot + 1, 4);
      store<f64>(ring, front, 16);
    } else {
      let held: f64 = 0;
      for (let k = size; k > 0; ) {
        k--;
        held += load<f64>(ring + ((k as usize) << 3), HEAD);
        store<f64>(ring + ((k as usize) << 3), held, HEAD);
      }
      store<u32>(ring, 0, 4);
      store<f64>(ring, 0, 16);
    }
  }
}

/** Sums of the last rows of the row's partition, the row included, or averages. present: bits of the rows that have one, where nulls = 1. */
export function stream_floats(
  nulls: u32, average: u32, codes: usize, x: usize, validity: usize, n: u32, size: u32, rings: usize, out: usize, present: usize,
): void {
  if (nulls) {
    if (average) floatSums(true, true, codes, x, validity, n, size, rings, out, present);
    else floatSums(true, false, codes, x, validity, n, size, rings, out, present);
  } else if (average) floatSums(false, true, codes, x, 0, n, size, rings, out, 0);
  else floatSums(false, false, codes, x, 0, n, size, rings, out, 0);
}

// @ts-ignore: decorator
@inline
function wholeSums<T>(nulls: bool, codes: usize, x: usize, validity: usize, n: u32, size: u32, rings: usize, sums: usize, counts: usize): void {
  const width: u32 = isVector<T>() ? 16 : 8;
  const stride = ringBytes(width, size), flags = HEAD + ((size + 1) * width) as usize;
  for (let i: u32 = 0; i < n; i++) {
    const ring = rings + partitionAt(codes, i) * stride;
    const isValue = !nulls || bitIsSet(validity, i);
    const slot = load<u32>(ring, 4);
    const at = ring + HEAD + (slot * width) as usize;
    const from = x + (i * width) as usize;
    const count = valuesWith(nulls, isValue, ring, slot, size, flags);
    takeWide(ring + 16, load<u64>(at), highOf(width, at));
    store<T>(at, isValue ? load<T>(from) : zero<T>());
    addWide(ring + 16, load<u64>(at), highOf(width, at));
    store<u32>(ring, slot + 1 < size ? slot + 1 : 0, 4);
    v128.store(sums + ((i as usize) << 4), v128.load(ring, 16));
    store<i64>(counts + ((i as usize) << 3), count);
  }
}

/** Sums (int128) of the last rows of the row's partition, the row included, and of how many values (int64). */
export function stream_i64(nulls: u32, codes: usize, x: usize, validity: usize, n: u32, size: u32, rings: usize, sums: usize, counts: usize): void {
  if (nulls) wholeSums<i64>(true, codes, x, validity, n, size, rings, sums, counts);
  else wholeSums<i64>(false, codes, x, 0, n, size, rings, sums, counts);
}
export function stream_i128(nulls: u32, codes: usize, x: usize, validity: usize, n: u32, size: u32, rings: usize, sums: usize, counts: usize): void {
  if (nulls) wholeSums<v128>(true, codes, x, validity, n, size, rings, sums, counts);
  else wholeSums<v128>(false, codes, x, 0, n, size, rings, sums, counts);
}
