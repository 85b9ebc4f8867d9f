// Wall time of zones, and buckets that are cut in it.
import { bitIsSet } from '../shared/bitmap';
import { civilMonth, civilYear, daysFromCivil, floorDiv, splitDays } from '../shared/calendar';

// @ts-ignore: decorator
@inline
function at64(a: usize, i: i32): i64 {
  return load<i64>(a + (<usize>i << 3));
}

// @ts-ignore: decorator
@inline
function addWraps(x: i64, y: i64): bool {
  const s = x + y;
  return ((x ^ s) & (y ^ s)) < 0;
}

/** The period that holds x; `p` is where to start looking. */
function periodOf(starts: usize, count: i32, x: i64, p: i32): i32 {
  if (x >= at64(starts, p) && (p + 1 == count || x < at64(starts, p + 1))) return p;
  let low = 0, high = count;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (at64(starts, middle) <= x) low = middle;
    else high = middle;
  }
  return low;
}

/** Instants as wall time. The result is the first row (not null) that leaves i64, or −1. */
export function zone_to_wall_i64(a: usize, aStep: i32, starts: usize, offsets: usize, count: i32, n: i32, out: usize, validity: usize): i32 {
  let bad = -1, p = 0;
  for (let i = 0; i < n; i++) {
    const x = at64(a, i * aStep);
    p = periodOf(starts, count, x, p);
    const offset = at64(offsets, p);
    if (addWraps(x, offset) && bad < 0 && bitIsSet(validity, i)) bad = i;
    store<i64>(out + (<usize>i << 3), x + offset);
  }
  return bad;
}

/** Wall time from which the clock of period p > 0 is read: after the hour that occurs twice, or that is skipped. */
// @ts-ignore: decorator
@inline
function beginOf(starts: usize, offsets: usize, p: i32): i64 {
  return at64(starts, p) + max(at64(offsets, p - 1), at64(offsets, p));
}

/** Wall times as instants: one that occurs twice means the first, one that is skipped is read with the offset before the gap. */
export function zone_from_wall_i64(a: usize, aStep: i32, starts: usize, offsets: usize, count: i32, n: i32, out: usize, validity: usize): i32 {
  let bad = -1, p = 0;
  for (let i = 0; i < n; i++) {
    const x = at64(a, i * aStep);
    if ((p > 0 && x < beginOf(starts, offsets, p)) || (p + 1 < count && x >= beginOf(starts, offsets, p + 1))) {
      let low = 0, high = count;
      while (high - low > 1) {
        const middle = (low + high) >>> 1;
        if (x >= beginOf(starts, offsets, middle)) low = middle;
        else high = middle;
      }
      p = low;
    }
    const offset = at64(offsets, p);
    if (addWraps(x, -offset) && bad < 0 && bitIsSet(validity, i)) bad = i;
    store<i64>(out + (<usize>i << 3), x - offset);
  }
  return bad;
}

// Results of bucketAt: the bucket's start, and the instants [lowest, highest) that surely lie in it.
let bucketStart: i64 = 0;
let lowest: i64 = 0;
let highest: i64 = 0;

// @ts-ignore: decorator
@inline
function monthStart(month: i64): i64 {
  const year = floorDiv(month, 12);
  return daysFromCivil(year, month - year * 12 + 1, 1);
}

/**
 * The bucket of x, which lies in period p. grid: width in ticks (0: months), a start of a bucket in wall ticks (months: what each start lies
 * after the first of its month), ticks per day, months, the month of some start. whole: a bucket starts at the first of the instants whose
 * clocks show its start, else at the last one before x; where the start is skipped, it starts when the clock jumps over it.
 */
function bucketAt(x: i64, p: i32, grid: usize, whole: i32, starts: usize, offsets: usize, count: i32): void {
  const width = load<i64>(grid), origin = load<i64>(grid, 8), offset = at64(offsets, p);
  const wall = x + offset;
  let first: i64 = 0, next: i64 = 0;
  if (width > 0) {
    first = origin + floorDiv(wall - origin, width) * width;
    next = first + width;
  } else {
    const perDay = load<i64>(grid, 16), months = load<i64>(grid, 24), originMonth = load<i64>(grid, 32);
    splitDays(floorDiv(wall - origin, perDay));
    const month = floorDiv(civilYear * 12 + civilMonth - 1 - originMonth, months) * months + originMonth;
    first = monthStart(month) * perDay + origin;
    next = monthStart(month + months) * perDay + origin;
  }
  let q = p, start = first - offset;
  while (q > 0 && start < at64(starts, q)) {
    const change = at64(starts, q);
    if (first >= change + at64(offsets, q - 1)) {
      start = change;
      break;
    }
    q--;
    start = first - at64(offsets, q);
  }
  while (whole != 0 && q > 0) {
    const earlier = first - at64(offsets, q - 1);
    if (earlier >= at64(starts, q) || earlier < at64(starts, q - 1)) break;
    start = earlier;
    q--;
  }
  bucketStart = start;
  lowest = max(at64(starts, p), first - offset);
  highest = next - offset;
  if (p + 1 < count) highest = min(highest, at64(starts, p + 1));
}

/** Start of the bucket that holds each instant; see bucketAt. The result is the first row (not null) whose bucket leaves i64, or −1. */
export function bucket_zoned_i64(
  a: usize, aStep: i32, grid: usize, whole: i32, starts: usize, offsets: usize, count: i32, n: i32, out: usize, validity: usize,
): i32 {
  let bad = -1, p = 0, known = false;
  for (let i = 0; i < n; i++) {
    const x = at64(a, i * aStep);
    if (!known || x < lowest || x >= highest) {
      known = true;
      p = periodOf(starts, count, x, p);
      bucketAt(x, p, grid, whole, starts, offsets, count);
      if (bucketStart > x && bad < 0 && bitIsSet(validity, i)) bad = i;
    }
    store<i64>(out + (<usize>i << 3), bucketStart);
  }
  return bad;
}

/** Starts of the buckets that hold any of the instants [range[0], range[1]), ascending; the result is how many. out 0: they are only counted, up to `most`. */
export function bucket_series_i64(range: usize, grid: usize, whole: i32, starts: usize, offsets: usize, count: i32, most: i32, out: usize): i32 {
  const end = load<i64>(range, 8);
  let x = load<i64>(range), buckets = 0, p = 0;
  let last: i64 = 0;
  while (x < end) {
    p = periodOf(starts, count, x, p);
    bucketAt(x, p, grid, whole, starts, offsets, count);
    if (buckets == 0 || bucketStart != last) {
      if (buckets == most) return most;
      last = bucketStart;
      if (out != 0) store<i64>(out + (<usize>buckets << 3), last);
      buckets++;
    }
    if (highest <= x) break;
    x = highest;
  }
  return buckets;
}

/** Start of the bucket of each instant, counted from an origin of its own: buckets of `months` months when the grid's width is 0. */
export function bucket_since_i64(a: usize, aStep: i32, origins: usize, originStep: i32, grid: usize, n: i32, out: usize, validity: usize): i32 {
  const width = load<i64>(grid), perDay = load<i64>(grid, 16);
  const starts = grid + 40, offsets = grid + 48;
  store<i64>(starts, i64.MIN_VALUE);
  store<i64>(offsets, 0);
  let bad = -1, known = false;
  let origin: i64 = 0;
  for (let i = 0; i < n; i++) {
    const x = at64(a, i * aStep), o = at64(origins, i * originStep);
    if (!known || o != origin || x < lowest || x >= highest) {
      known = true;
      origin = o;
      if (width > 0) store<i64>(grid, o, 8);
      else {
        splitDays(floorDiv(o, perDay));
        const month = civilYear * 12 + civilMonth - 1;
        store<i64>(grid, o - monthStart(month) * perDay, 8);
        store<i64>(grid, month, 32);
      }
      bucketAt(x, 0, grid, 0, starts, offsets, 1);
      if (bucketStart > x && bad < 0 && bitIsSet(validity, i)) bad = i;
    }
    store<i64>(out + (<usize>i << 3), bucketStart);
  }
  return bad;
}

/**
 * Runs of rows in one bucket of a grid in UTC: the bucket's start (i64) and the row after the last one (u32) of each. sorted: the values ascend, so
 * that ends are searched and not every value is looked at. The result is the number of runs; −1 when they are more than `most`.
 */
export function bucket_runs_i64(a: usize, n: i32, sorted: i32, grid: usize, most: i32, outStarts: usize, outEnds: usize): i32 {
  const starts = grid + 40, offsets = grid + 48;
  store<i64>(starts, i64.MIN_VALUE);
  store<i64>(offsets, 0);
  let runs = 0;
  for (let i = 0; i < n; ) {
    if (runs == most) return -1;
    const x = at64(a, i);
    bucketAt(x, 0, grid, 1, starts, offsets, 1);
    if (bucketStart > x || highest <= x) return -1;
    store<i64>(outStarts + (<usize>runs << 3), bucketStart);
    i = sorted != 0 ? firstFrom(a, i + 1, n, highest) : endOfRun(a, i + 1, n, lowest, highest);
    store<u32>(outEnds + (<usize>runs << 2), i);
    runs++;
  }
  return runs;
}

/** The first row from i on whose value is not below the limit; values ascend. */
function firstFrom(a: usize, i: i32, n: i32, limit: i64): i32 {
  if (i >= n || at64(a, n - 1) < limit) return n;
  let low = i - 1, high = n - 1;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (at64(a, middle) < limit) low = middle;
    else high = middle;
  }
  return high;
}

/** The first row from i on whose value is not in [low, high). */
function endOfRun(a: usize, i: i32, n: i32, low: i64, high: i64): i32 {
  const lows = i64x2.splat(low), highs = i64x2.splat(high);
  for (; i + 8 <= n; i += 8) {
    const at = a + (<usize>i << 3);
    const p = v128.load(at), q = v128.load(at, 16), r = v128.load(at, 32), s = v128.load(at, 48);
    const least = v128.and(v128.and(i64x2.ge_s(p, lows), i64x2.ge_s(q, lows)), v128.and(i64x2.ge_s(r, lows), i64x2.ge_s(s, lows)));
    const most = v128.and(v128.and(i64x2.lt_s(p, highs), i64x2.lt_s(q, highs)), v128.and(i64x2.lt_s(r, highs), i64x2.lt_s(s, highs)));
    if (!i64x2.all_true(v128.and(least, most))) break;
  }
  while (i < n) {
    const x = at64(a, i);
    if (x < low || x >= high) break;
    i++;
  }
  return i;
}

/** The id (u32) of each run for each of its rows; ends ascend to the number of rows. */
export function expand_runs_u32(ids: usize, ends: usize, runs: i32, out: usize): void {
  let i: u32 = 0;
  for (let run = 0; run < runs; run++) {
    const id = load<u32>(ids + (<usize>run << 2)), end = load<u32>(ends + (<usize>run << 2));
    for (; (i & 3) != 0 && i < end; i++) store<u32>(out + (<usize>i << 2), id);
    const four = i32x4.splat(id);
    for (; i + 4 <= end; i += 4) v128.store(out + (<usize>i << 2), four);
    for (; i < end; i++) store<u32>(out + (<usize>i << 2), id);
  }
}
