/** Bounds of frames. `end` = 1: the bound behind the last position, else the first position. */
import { bitIsSet } from '../shared/bitmap';
import { at4, put4 } from '../shared/words';

/** ROWS: so many positions away, kept inside the partition. */
export function bound_rows(end: u32, following: u32, offset: u32, low: usize, high: usize, first: u32, n: u32, out: usize): void {
  for (let k: u32 = 0; k < n; k++) {
    const from = first + k + end;
    if (following) {
      const last = at4(high, k);
      put4(out, k, last - from < offset || from > last ? last : from + offset);
    } else {
      const least = at4(low, k);
      put4(out, k, from - least < offset ? least : from - offset);
    }
  }
}

/** GROUPS, and CURRENT ROW of RANGE with offset 0: so many groups of peers away. */
export function bound_groups(end: u32, following: u32, offset: u32, groups: usize, starts: usize, low: usize, high: usize, first: u32, n: u32, out: usize): void {
  for (let k: u32 = 0; k < n; k++) {
    const group = at4(groups, first + k);
    const least = at4(groups, at4(low, k));
    const last = at4(groups, at4(high, k) - 1);
    if (following) {
      if (last - group < offset) put4(out, k, at4(high, k));
      else put4(out, k, at4(starts, group + offset + end));
    } else if (group - least < offset) put4(out, k, at4(low, k));
    else put4(out, k, at4(starts, group - offset + end));
  }
}

/** Keys so many ticks (at `ticks`, uint64) away, at the ends of the range when there are none. */
export function range_limits(keys: usize, following: u32, ticks: usize, n: u32, out: usize): void {
  const step = load<u64>(ticks);
  for (let i: usize = 0; i < n; i++) {
    const key = load<u64>(keys + (i << 3));
    if (following) store<u64>(out + (i << 3), key > ~(0 as u64) - step ? ~(0 as u64) : key + step);
    else store<u64>(out + (i << 3), key < step ? 0 : key - step);
  }
}

/**
 * RANGE with an offset: the first position of the partition whose key is not below the row's limit (end: is above it). Keys have one or two
 * words (minor = 0: one). Rows without a key have their peers. `state` keeps [partition, place] from call to call.
 */
export function bound_range(
  end: u32, keys: usize, minor: usize, limits: usize, minorLimits: usize, validity: usize, nullsFirst: u32,
  groups: usize, starts: usize, low: usize, high: usize, first: u32, n: u32, state: usize, out: usize,
): void {
  let partition = load<u32>(state);
  let place = load<u32>(state + 4);
  for (let k: u32 = 0; k < n; k++) {
    const position = first + k;
    const from = at4(low, k), to = at4(high, k);
    if (place == 0 || partition != from) { partition = from; place = from; }
    if (!bitIsSet(validity, position)) {
      put4(out, k, at4(starts, at4(groups, position) + end));
      continue;
    }
    const limit = load<u64>(limits + ((k as usize) << 3));
    const minorLimit: u64 = minor ? load<u64>(minorLimits + ((k as usize) << 3)) : 0;
    while (place < to) {
      if (bitIsSet(validity, place)) {
        const key = load<u64>(keys + ((place as usize) << 3));
        const rest: u64 = minor ? load<u64>(minor + ((place as usize) << 3)) : 0;
        const before = key < limit || (key == limit && (end ? rest <= minorLimit : rest < minorLimit));
        if (!before) break;
      } else if (!nullsFirst) break;
      place++;
    }
    put4(out, k, place);
  }
  store<u32>(state, partition);
  store<u32>(state + 4, place);
}

/**
 * EXCLUDE cuts a frame in up to three: what lies before the excluded rows, the row itself (kind 3, TIES), what lies behind them.
 * kind 1: CURRENT ROW, 2: GROUP, 3: TIES.
 */
export function split_frames(
  kind: u32, low: usize, high: usize, groups: usize, starts: usize, first: u32, n: u32,
  lowA: usize, highA: usize, lowOwn: usize, highOwn: usize, lowB: usize, highB: usize,
): void {
  for (let k: u32 = 0; k < n; k++) {
    const position = first + k;
    const group = at4(groups, position);
    const from = kind == 1 ? position : at4(starts, group);
    const to = kind == 1 ? position + 1 : at4(starts, group + 1);
    const a = at4(low, k), b = at4(high, k);
    put4(lowA, k, a);
    put4(highA, k, min(b, from));
    put4(lowB, k, max(a, to));
    put4(highB, k, b);
    const own = kind == 3 && a <= position && position < b;
    put4(lowOwn, k, position);
    put4(highOwn, k, own ? position + 1 : position);
  }
}

/** Length of the longest frame. */
export function longest_frame(low: usize, high: usize, n: u32): u32 {
  let longest: u32 = 0;
  for (let k: u32 = 0; k < n; k++) {
    const a = at4(low, k), b = at4(high, k);
    if (b > a && b - a > longest) longest = b - a;
  }
  return longest;
}

/** counts (int64) += positions of the frame, or those that count: before[i] is how many do below i (0 = all do). */
export function add_frame_counts(low: usize, high: usize, before: usize, n: u32, counts: usize): void {
  for (let k: u32 = 0; k < n; k++) {
    const a = at4(low, k), b = at4(high, k);
    if (a >= b) continue;
    const count = before ? at4(before, b) - at4(before, a) : b - a;
    const at = counts + ((k as usize) << 3);
    store<u64>(at, load<u64>(at) + (count as u64));
  }
}

/** Numbers of the frames, from 0: neighbours with the same bounds share one (count of bounds: 2, 4 or 6 arrays in turn at `bounds`). Returns how many. */
export function number_frames(bounds: usize, pieces: u32, n: u32, out: usize): u32 {
  let count: u32 = 0;
  for (let k: u32 = 0; k < n; k++) {
    let same = k > 0;
    for (let p: u32 = 0; p < pieces && same; p++) {
      const a = at4(bounds, p << 1) as usize, b = at4(bounds, (p << 1) + 1) as usize;
      same = at4(a, k) == at4(a, k - 1) && at4(b, k) == at4(b, k - 1);
    }
    if (!same) count++;
    put4(out, k, count - 1);
  }
  return count;
}

/** Positions of the frames [from, to) (as numbered) and the number of the frame, less `from`, of each; out = 0: only counted. */
export function expand_frames(bounds: usize, pieces: u32, numbers: usize, n: u32, from: u32, to: u32, rows: usize, outRows: usize, outFrames: usize): u32 {
  let count: u32 = 0;
  let done = from;
  for (let k: u32 = 0; k < n; k++) {
    const number = at4(numbers, k);
    if (number != done) continue;
    if (number >= to) break;
    done++;
    for (let p: u32 = 0; p < pieces; p++) {
      const a = at4(at4(bounds, p << 1) as usize, k), b = at4(at4(bounds, (p << 1) + 1) as usize, k);
      if (outRows == 0) { count += b > a ? b - a : 0; continue; }
      for (let i = a; i < b; i++, count++) {
        put4(outRows, count, rows ? at4(rows, i) : i);
        put4(outFrames, count, number - from);
      }
    }
  }
  return count;
}
