/**
 * The last row of each code, found in segments in any order: of rows of one code the one with the largest time, among equal times the one that
 * was inserted last (of the later segment, then of the later row). State, by code in [0, codeCount] (the last is NULL's): best (i64), segments
 * (u32) and rows (u32) of the row that is the best so far.
 */
import { bit, code_at } from './row-bit';

/** No row was seen yet; no row is wanted. Smaller numbers are segments. */
const NONE: u32 = 0xffff_ffff;
const UNWANTED: u32 = 0xffff_fffe;

/** True when the code was not seen before. */
@inline
function offer(c: usize, time: i64, segment: u32, row: u32, best: usize, segments: usize, rows: usize): bool {
  const known = load<u32>(segments + (c << 2));
  if (known == UNWANTED) return false;
  if (known != NONE) {
    const most = load<i64>(best + (c << 3));
    if (time < most) return false;
    if (time == most && (segment < known || (segment == known && row <= load<u32>(rows + (c << 2))))) return false;
  }
  store<i64>(best + (c << 3), time);
  store<u32>(segments + (c << 2), segment);
  store<u32>(rows + (c << 2), row);
  return known == NONE;
}

/**
 * Of each code in [0, codeCount] the row of [first, end) with the largest time, the last one of several, unless an earlier call has found a newer one.
 * newest: rows, 0xffffffff = none; best: their times.
 */
export function newest_rows(
  codes: usize,
  validity: usize,
  times: usize,
  first: u32,
  end: u32,
  codeCount: u32,
  best: usize,
  newest: usize,
): void {
  for (let i: usize = first; i < (end as usize); i++) {
    const c = code_at(codes, validity, i, codeCount) as usize;
    const time = load<i64>(times + (i << 3));
    const known = newest + (c << 2);
    const most = best + (c << 3);
    if (load<u32>(known) != NONE && time < load<i64>(most)) continue;
    store<u32>(known, i as u32);
    store<i64>(most, time);
  }
}

/** Offers n rows (those of the mask; 0 = all), which are rows numbers[i] of the segment; gives how many codes are new. */
export function latest_rows(
  codes: usize,
  validity: usize,
  times: usize,
  numbers: usize,
  mask: usize,
  n: usize,
  codeCount: u32,
  segment: u32,
  best: usize,
  segments: usize,
  rows: usize,
): u32 {
  let found: u32 = 0;
  for (let i: usize = n; i-- > 0; ) {
    if (mask != 0 && !bit(mask, i)) continue;
    const c = code_at(codes, validity, i, codeCount) as usize;
    if (offer(c, load<i64>(times + (i << 3)), segment, load<u32>(numbers + (i << 2)), best, segments, rows)) found++;
  }
  return found;
}

/** Offers one row for each code: last[code] of the segment, 0xffffffff = none; gives how many codes are new. */
export function latest_candidates(
  last: usize,
  times: usize,
  codeCount: u32,
  segment: u32,
  best: usize,
  segments: usize,
  rows: usize,
): u32 {
  let found: u32 = 0;
  for (let c: usize = 0; c <= (codeCount as usize); c++) {
    const row = load<u32>(last + (c << 2));
    if (row == NONE) continue;
    if (offer(c, load<i64>(times + ((row as usize) << 3)), segment, row, best, segments, rows)) found++;
  }
  return found;
}

/** Writes the smallest of the best times so far (the largest i64 of none) and gives how many wanted codes were not seen. */
export function latest_least(codeCount: u32, best: usize, segments: usize, out: usize): u32 {
  let least = i64.MAX_VALUE;
  let missing: u32 = 0;
  for (let c: usize = 0; c <= (codeCount as usize); c++) {
    const known = load<u32>(segments + (c << 2));
    if (known == NONE) missing++;
    else if (known != UNWANTED) least = min<i64>(least, load<i64>(best + (c << 3)));
  }
  store<i64>(out, least);
  return missing;
}

/** The numbers of the rows whose time is the best of their code; gives how many. */
export function latest_ties(
  codes: usize,
  validity: usize,
  times: usize,
  numbers: usize,
  mask: usize,
  n: usize,
  codeCount: u32,
  best: usize,
  segments: usize,
  out: usize,
): u32 {
  let found: u32 = 0;
  for (let i: usize = 0; i < n; i++) {
    if (mask != 0 && !bit(mask, i)) continue;
    const c = code_at(codes, validity, i, codeCount) as usize;
    if (load<u32>(segments + (c << 2)) >= UNWANTED || load<i64>(best + (c << 3)) != load<i64>(times + (i << 3))) continue;
    store<u32>(out + ((found as usize) << 2), load<u32>(numbers + (i << 2)));
    found++;
  }
  return found;
}

/** The best rows that lie in a segment, by code; gives how many. */
export function latest_take(codeCount: u32, segment: u32, segments: usize, rows: usize, out: usize): u32 {
  let found: u32 = 0;
  for (let c: usize = 0; c <= (codeCount as usize); c++) {
    if (load<u32>(segments + (c << 2)) != segment) continue;
    store<u32>(out + ((found as usize) << 2), load<u32>(rows + (c << 2)));
    found++;
  }
  return found;
}
