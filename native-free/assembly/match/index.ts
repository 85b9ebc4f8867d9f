// Kernels of this module; see native-free/README.md for the contract.
//
// Interval joins: the right rows lie by position, group after group, each in the order of its keys (uint64). starts[g] is where group g
// begins, starts[g + 1] where it ends; groups that rows name exist (an empty one for rows without a partner). Times are order keys too.
import { at4, at8, put4 } from '../shared/words';

/** True for keys that lie before what is looked for: keys below the limit, with `after` also those equal to it. */
// @ts-ignore: decorator
@inline
function isBefore(keys: usize, position: u32, limit: u64, after: bool): bool {
  const key = at8(keys, position);
  return key < limit || (after && key == limit);
}

/** The first position in [from, to) whose key is not before the limit, looked for in growing steps from `near`. */
function gallop(keys: usize, from: u32, to: u32, near: u32, limit: u64, after: bool): u32 {
  let low = near < from ? from : near > to ? to : near;
  let high = low;
  let step: u32 = 1;
  if (low < to && isBefore(keys, low, limit, after)) {
    // Everything up to low is before; high is where it may end.
    low++;
    high = low;
    while (high < to && isBefore(keys, high, limit, after)) {
      low = high + 1;
      high = to - high > step ? high + step : to;
      step <<= 1;
    }
  } else {
    while (low > from && !isBefore(keys, low - 1, limit, after)) {
      high = low - 1;
      low = low - from > step ? low - step : from;
      step <<= 1;
    }
  }
  while (low < high) {
    const middle = low + ((high - low) >> 1);
    if (isBefore(keys, middle, limit, after)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * For each row the first position of its group whose key is not below its limit; after = 1: is above it. What is looked for is mostly near
 * what the row before it found. `state` keeps [group + 1, position] from call to call.
 */
export function match_bounds(groups: usize, limits: usize, after: u32, starts: usize, keys: usize, n: u32, state: usize, out: usize): void {
  let group = at4(state, 0) - 1;
  let place = at4(state, 1);
  for (let k: u32 = 0; k < n; k++) {
    const own = at4(groups, k);
    const from = at4(starts, own), to = at4(starts, own + 1);
    if (own != group) { group = own; place = from; }
    place = gallop(keys, from, to, place, at8(limits, k), after != 0);
    put4(out, k, place);
  }
  put4(state, 0, group + 1);
  put4(state, 1, place);
}

/** For each row where its group begins; end = 1: where it ends. */
export function match_edges(groups: usize, end: u32, starts: usize, n: u32, out: usize): void {
  for (let k: u32 = 0; k < n; k++) put4(out, k, at4(starts, at4(groups, k) + end));
}

/** Frames begin with the last position whose key is at or below the limit of the row, where there is one in its group. */
export function match_prevailing(groups: usize, limits: usize, starts: usize, keys: usize, n: u32, low: usize, high: usize): void {
  for (let k: u32 = 0; k < n; k++) {
    const group = at4(groups, k);
    const a = at4(low, k), b = at4(high, k);
    if (b < a) put4(high, k, a);
    if (a == at4(starts, group)) continue;
    if (a < at4(starts, group + 1) && at8(keys, a) == at8(limits, k)) continue;
    put4(low, k, a - 1);
  }
}

/** The least position and the one behind the largest of frames that are not empty, at `out` (2 × uint32). Returns 1 when bounds go back somewhere. */
export function frames_extent(low: usize, high: usize, n: u32, out: usize): u32 {
  let first: u32 = u32.MAX_VALUE, last: u32 = 0, lastLow: u32 = 0, lastHigh: u32 = 0;
  let back: u32 = 0;
  for (let k: u32 = 0; k < n; k++) {
    const a = at4(low, k), b = at4(high, k);
    if (a >= b) continue;
    if (a < lastLow || b < lastHigh) back = 1;
    lastLow = a;
    lastHigh = b;
    if (a < first) first = a;
    if (b > last) last = b;
  }
  put4(out, 0, first < last ? first : 0);
  put4(out, 1, last);
  return back;
}

/** Frames in positions from `first` on; empty ones become [0, 0). */
export function shift_frames(low: usize, high: usize, n: u32, first: u32): void {
  for (let k: u32 = 0; k < n; k++) {
    const a = at4(low, k), b = at4(high, k);
    put4(low, k, a < b ? a - first : 0);
    put4(high, k, a < b ? b - first : 0);
  }
}

/** ids[i] = other where ids[i] is none (0xFFFFFFFF). */
export function fill_missing_u32(other: u32, n: u32, ids: usize): void {
  for (let i: u32 = 0; i < n; i++) if (at4(ids, i) == u32.MAX_VALUE) put4(ids, i, other);
}

// @ts-ignore: decorator
@inline
function moved(key: u64, ticks: i64): u64 {
  const sum = key + (ticks as u64);
  if (ticks < 0) return sum > key ? 0 : sum;
  return sum < key ? u64.MAX_VALUE : sum;
}

/**
 * Pairs of rows [first row of cursor, n) with each of m offsets (int64 at `offsets`), as many as the capacity has room for: row, number of
 * the offset, and the last position of the row's group whose key is at or below key + offset (0xFFFFFFFF: none). rows = 0: all rows, else
 * their numbers. Times without a value (validity) find nothing. cursor: [row, offset]; places: the last place found by group (uint32).
 */
export function match_offsets(
  rows: usize, n: u32, groups: usize, times: usize, validity: usize, offsets: usize, m: u32, starts: usize, keys: usize, places: usize,
  cursor: usize, capacity: u32, outRows: usize, outOffsets: usize, outPositions: usize,
): u32 {
  let k = at4(cursor, 0);
  let j = at4(cursor, 1);
  let count: u32 = 0;
  for (; k < n; k++) {
    const row = rows ? at4(rows, k) : k;
    const group = at4(groups, row);
    const from = at4(starts, group), to = at4(starts, group + 1);
    const known = validity == 0 || ((load<u8>(validity + (row >> 3)) >> ((row & 7) as u8)) & 1) != 0;
    const key = at8(times, row);
    let place = at4(places, group);
    for (; j < m; j++) {
      if (count == capacity) {
        put4(cursor, 0, k);
        put4(cursor, 1, j);
        return count;
      }
      let found = u32.MAX_VALUE;
      if (known && from < to) {
        const near = gallop(keys, from, to, place, moved(key, load<i64>(offsets + ((j as usize) << 3))), true);
        if (near > from) found = near - 1;
        place = near;
        if (j == 0) put4(places, group, near);
      }
      put4(outRows, count, row);
      put4(outOffsets, count, j);
      put4(outPositions, count, found);
      count++;
    }
    j = 0;
  }
  put4(cursor, 0, n);
  put4(cursor, 1, 0);
  return count;
}
