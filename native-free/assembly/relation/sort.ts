/** Sorting of row numbers by 64-bit keys. Everything is stable. */
import { bitAt, rowsOf } from './bits';
import { compareText } from './extremes';

/** 1 when keys are in ascending order. */
export function is_sorted_u64(keys: usize, n: u32): u32 {
  if (n < 2) return 1;
  let last = load<u64>(keys);
  for (let i: usize = 1; i < n; i++) {
    const key = load<u64>(keys + (i << 3));
    if (key < last) return 0;
    last = key;
  }
  return 1;
}

export function gather_u64(values: usize, rows: usize, n: u32, out: usize): void {
  for (let i: usize = 0; i < n; i++) store<u64>(out + (i << 3), load<u64>(values + ((load<u32>(rows + (i << 2)) as usize) << 3)));
}

/** Adds the byte counts of all eight digits to a histogram of 8 × 256 uint32. */
export function radix_counts_u64(keys: usize, n: u32, histogram: usize): void {
  for (let i: usize = 0; i < n; i++) {
    let key = load<u64>(keys + (i << 3));
    for (let digit: usize = 0; digit < 8; digit++) {
      const at = histogram + (digit << 10) + (((key & 0xff) as usize) << 2);
      store<u32>(at, load<u32>(at) + 1);
      key >>= 8;
    }
  }
}

/** 1 when all keys have the same byte here, so that the pass can be left out. */
export function radix_digit_uniform(histogram: usize, digit: u32, n: u32): u32 {
  for (let i: usize = 0; i < 256; i++) {
    const count = load<u32>(histogram + ((digit as usize) << 10) + (i << 2));
    if (count) return count == n ? 1 : 0;
  }
  return 1;
}

/** Turns a digit's counts into the places of its first rows. */
export function radix_places(histogram: usize, digit: u32): void {
  const counts = histogram + ((digit as usize) << 10);
  let sum: u32 = 0;
  for (let i: usize = 0; i < 256; i++) {
    const count = load<u32>(counts + (i << 2));
    store<u32>(counts + (i << 2), sum);
    sum += count;
  }
}

/** Rows of one pass: keys and rows in order of one byte. The digit's places move on. */
export function radix_pass_u64(keys: usize, rows: usize, n: u32, digit: u32, histogram: usize, outKeys: usize, outRows: usize): void {
  const counts = histogram + ((digit as usize) << 10);
  const shift = (digit << 3) as u64;
  for (let i: usize = 0; i < n; i++) {
    const key = load<u64>(keys + (i << 3));
    const at = counts + ((((key >> shift) & 0xff) as usize) << 2);
    const place = load<u32>(at);
    store<u32>(at, place + 1);
    store<u64>(outKeys + ((place as usize) << 3), key);
    store<u32>(outRows + ((place as usize) << 2), load<u32>(rows + (i << 2)));
  }
}

/** Moves rows whose bit is clear to the front (nullsFirst) or to the end, the order kept otherwise. */
export function partition_nulls(rows: usize, validity: usize, n: u32, nullsFirst: u32, out: usize): void {
  let nulls: u32 = 0;
  for (let i: usize = 0; i < n; i++) nulls += bitAt(validity, load<u32>(rows + (i << 2))) ? 0 : 1;
  let atNull = nullsFirst ? 0 : n - nulls;
  let at = nullsFirst ? nulls : 0;
  for (let i: usize = 0; i < n; i++) {
    const row = load<u32>(rows + (i << 2));
    if (bitAt(validity, row)) store<u32>(out + (((at++) as usize) << 2), row);
    else store<u32>(out + (((atNull++) as usize) << 2), row);
  }
}

/** Merges sorted runs of `width` ids by their strings; call with width 1, 2, 4, … until it covers count. */
export function merge_text_runs(offsets: usize, heap: usize, ids: usize, count: u32, width: u32, out: usize): void {
  for (let first: u32 = 0; first < count; first += width << 1) {
    const middle = min(first + width, count);
    merge_texts(offsets, heap, ids, first, middle, middle, min(first + (width << 1), count), out + ((first as usize) << 2));
    if (width > 0x3fffffff) break;
  }
}

/** Merges the sorted runs [a, endA) and [b, endB) of ids by their strings; equal ones of the first run come first. */
export function merge_texts(offsets: usize, heap: usize, ids: usize, a: u32, endA: u32, b: u32, endB: u32, out: usize): void {
  while (a < endA && b < endB) {
    const x = load<u32>(ids + ((a as usize) << 2));
    const y = load<u32>(ids + ((b as usize) << 2));
    if (compareText(offsets, heap, x, y) <= 0) { store<u32>(out, x); a++; }
    else { store<u32>(out, y); b++; }
    out += 4;
  }
  if (a < endA) memory.copy(out, ids + ((a as usize) << 2), ((endA - a) as usize) << 2);
  else if (b < endB) memory.copy(out, ids + ((b as usize) << 2), ((endB - b) as usize) << 2);
}

/** The first place in the sorted run [a, endA) of ids whose string is not before (or, orEqual: is after) that of `id`. */
export function text_place(offsets: usize, heap: usize, ids: usize, a: u32, endA: u32, id: u32, orEqual: u32): u32 {
  while (a < endA) {
    const middle = a + ((endA - a) >> 1);
    const order = compareText(offsets, heap, load<u32>(ids + ((middle as usize) << 2)), id);
    if (order < 0 || (orEqual && order == 0)) a = middle + 1;
    else endA = middle;
  }
  return a;
}

/** rank[sorted[i]] = i for i in [first, end). */
export function invert_u32(sorted: usize, first: u32, end: u32, out: usize): void {
  for (let i = first as usize; i < end; i++) store<u32>(out + ((load<u32>(sorted + (i << 2)) as usize) << 2), i as u32);
}

/** Rows whose key is not above the limit (float64 slot of bits at `limit`), and all NULL rows when nullsPass. Returns how many. */
export function select_le_u64(keys: usize, validity: usize, mask: usize, n: u32, limit: usize, nullsPass: u32, out: usize): u32 {
  const highest = load<u64>(limit);
  let count: u64 = 0;
  for (let base: u32 = 0; base < n; base += 64) {
    const end = min(base + 64, n);
    let word: u64 = 0;
    for (let i = base; i < end; i++) word |= ((load<u64>(keys + ((i as usize) << 3)) <= highest) as u64) << (i - base);
    const valid = rowsOf(validity, base, n);
    word = nullsPass ? word | ~valid : word & valid;
    word &= rowsOf(mask, base, n);
    store<u64>(out + (base >> 3), word);
    count += popcnt(word);
  }
  return count as u32;
}

/** First row in [from, to) of ascending int64 values that is >= the bound, or > it when `above`. */
export function lower_bound_i64(values: usize, from: u32, to: u32, bound: usize, above: u32): u32 {
  const wanted = load<i64>(bound);
  let low = from, high = to;
  while (low < high) {
    const middle = low + ((high - low) >> 1);
    const value = load<i64>(values + ((middle as usize) << 3));
    if (above ? value <= wanted : value < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
