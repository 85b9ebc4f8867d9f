/** Order of rows by a 64-bit key. */

const DIGIT_BITS: u64 = 11;
const BUCKETS: usize = 2048;

/** Index of the first value that is smaller than the one before it; -1 = ascending. */
export function find_unsorted_i64(values: usize, n: usize): i32 {
  for (let i: usize = 1; i < n; i++) if (load<i64>(values + (i << 3)) < load<i64>(values + ((i - 1) << 3))) return i as i32;
  return -1;
}

/**
 * Writes the stable ascending order of n values as u32 row numbers. Least-significant-digit radix sort over value - minimum.
 * scratch: n * 20 + 8192 bytes.
 */
export function sort_rows_i64(order: usize, values: usize, n: usize, scratch: usize): void {
  if (n == 0) return;
  let least = load<i64>(values);
  let most = least;
  for (let i: usize = 1; i < n; i++) {
    const value = load<i64>(values + (i << 3));
    least = min(least, value);
    most = max(most, value);
  }
  let keys = scratch + BUCKETS * 4;
  let otherKeys = keys + (n << 3);
  let rows = order;
  let otherRows = otherKeys + (n << 3);
  for (let i: usize = 0; i < n; i++) {
    store<u64>(keys + (i << 3), (load<i64>(values + (i << 3)) - least) as u64);
    store<u32>(rows + (i << 2), i as u32);
  }
  const bits = 64 - clz<u64>((most - least) as u64);
  for (let shift: u64 = 0; shift < bits; shift += DIGIT_BITS) {
    if (!scatter(keys, rows, otherKeys, otherRows, n, shift, scratch)) continue;
    const swapKeys = keys;
    keys = otherKeys;
    otherKeys = swapKeys;
    const swapRows = rows;
    rows = otherRows;
    otherRows = swapRows;
  }
  if (rows != order) memory.copy(order, rows, n << 2);
}

/** One pass; false when all keys have the same digit. */
function scatter(keys: usize, rows: usize, toKeys: usize, toRows: usize, n: usize, shift: u64, places: usize): bool {
  memory.fill(places, 0, BUCKETS * 4);
  for (let i: usize = 0; i < n; i++) {
    const place = places + ((((load<u64>(keys + (i << 3)) >> shift) & (BUCKETS - 1)) as usize) << 2);
    store<u32>(place, load<u32>(place) + 1);
  }
  let total: u32 = 0;
  for (let bucket: usize = 0; bucket < BUCKETS; bucket++) {
    const size = load<u32>(places + (bucket << 2));
    if (size == (n as u32)) return false;
    store<u32>(places + (bucket << 2), total);
    total += size;
  }
  for (let i: usize = 0; i < n; i++) {
    const key = load<u64>(keys + (i << 3));
    const place = places + ((((key >> shift) & (BUCKETS - 1)) as usize) << 2);
    const to = load<u32>(place) as usize;
    store<u32>(place, (to + 1) as u32);
    store<u64>(toKeys + (to << 3), key);
    store<u32>(toRows + (to << 2), load<u32>(rows + (i << 2)));
  }
  return true;
}
