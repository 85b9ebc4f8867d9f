/** The rows of several segments as one order of row numbers. */
import { bit } from './row-bit';

/**
 * Row numbers, plus `base`, of the rows that are alive (bitmap, 0 = all are), in an order (0 = ascending); gives how many.
 * Places of `out` past them, up to n, may be written too.
 */
export function alive_rows(order: usize, n: usize, alive: usize, base: u32, out: usize): u32 {
  let found: usize = 0;
  for (let i: usize = 0; i < n; i++) {
    const row = order == 0 ? (i as u32) : load<u32>(order + (i << 2));
    store<u32>(out + (found << 2), base + row);
    if (alive == 0 || bit(alive, row as usize)) found++;
  }
  return found as u32;
}

/**
 * Merges two lists of row numbers, each ascending by the times of its rows; of equal times those of the first list come first. At most `most`
 * rows are written, at the place that `state` (u32: rows taken of the first list, of the second) tells. 1 when all are.
 */
export function merge_rows_i64(times: usize, first: usize, firstCount: u32, second: usize, secondCount: u32, out: usize, state: usize, most: u32): u32 {
  let i = load<u32>(state);
  let j = load<u32>(state, 4);
  let to = out + (((i + j) as usize) << 2);
  const end = to + ((most as usize) << 2);
  while (to < end && i < firstCount && j < secondCount) {
    const a = load<u32>(first + ((i as usize) << 2));
    const b = load<u32>(second + ((j as usize) << 2));
    const takesSecond = load<i64>(times + ((b as usize) << 3)) < load<i64>(times + ((a as usize) << 3));
    store<u32>(to, takesSecond ? b : a);
    to += 4;
    i += takesSecond ? 0 : 1;
    j += takesSecond ? 1 : 0;
  }
  while (to < end && i < firstCount && j == secondCount) {
    store<u32>(to, load<u32>(first + ((i as usize) << 2)));
    to += 4;
    i++;
  }
  while (to < end && j < secondCount && i == firstCount) {
    store<u32>(to, load<u32>(second + ((j as usize) << 2)));
    to += 4;
    j++;
  }
  store<u32>(state, i);
  store<u32>(state, j, 4);
  return i == firstCount && j == secondCount ? 1 : 0;
}

/** The source of a row: ends[s] = rows of the sources up to s, that one included. */
@inline
function source_of(row: u32, ends: usize, sources: u32): u32 {
  let low: u32 = 0;
  let high = sources - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (row < load<u32>(ends + ((middle as usize) << 2))) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * Splits rows that are numbered through several sources by these. starts[s], for s in [0, sources], = where the rows of source s begin in `rows`,
 * which has them by source, numbered inside of it, in the given order; places[i] = where the i-th given row stands in `rows`.
 */
export function split_rows(order: usize, n: usize, ends: usize, sources: u32, rows: usize, places: usize, starts: usize): void {
  memory.fill(starts, 0, ((sources as usize) + 1) << 2);
  for (let i: usize = 0; i < n; i++) {
    const source = source_of(load<u32>(order + (i << 2)), ends, sources);
    store<u32>(places + (i << 2), source);
    const slot = starts + ((source as usize) << 2);
    store<u32>(slot, load<u32>(slot) + 1);
  }
  let total: u32 = 0;
  for (let s: usize = 0; s <= (sources as usize); s++) {
    const count = load<u32>(starts + (s << 2));
    store<u32>(starts + (s << 2), total);
    total += count;
  }
  for (let i: usize = 0; i < n; i++) {
    const source = load<u32>(places + (i << 2)) as usize;
    const slot = starts + (source << 2);
    const place = load<u32>(slot);
    store<u32>(slot, place + 1);
    const base = source == 0 ? 0 : load<u32>(ends + ((source - 1) << 2));
    store<u32>(rows + ((place as usize) << 2), load<u32>(order + (i << 2)) - base);
    store<u32>(places + (i << 2), place);
  }
  // Each start has become the next one's.
  for (let s: usize = sources as usize; s > 0; s--) store<u32>(starts + (s << 2), load<u32>(starts + ((s - 1) << 2)));
  store<u32>(starts, 0);
}
