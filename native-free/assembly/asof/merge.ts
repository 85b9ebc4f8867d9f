/**
 * Merging: both sides ascend in time, and an array by key code remembers the last right row so far. A piece is described by four words:
 * addresses of its times and codes, rows, 0. last[code] is a row's number + 1; 0 = none yet. A cursor is two words, the piece
 * and row that come next; its fifth word counts left rows without a right row.
 *
 * Left rows are worked on in stretches that end in one piece of the right side. First each gets its place, the number of the piece's rows that
 * are due (places.ts: several at once, since each waits for the one before); then the rows up to its place are remembered, and its key looked up.
 */
import { at4 } from '../shared/words';
import { bitIsSet } from '../shared/bitmap';
import { firstAtOrBeyond, isDue, placesOf, timeAt } from './places';

/** Writes to the cursor where right rows above t (or not below it) begin. */
export function asof_seek(pieces: usize, count: u32, time: usize, strict: u32, cursor: usize): void {
  const t = load<i64>(time);
  let low: u32 = 0, high = count;
  // The first piece whose last row is beyond t.
  while (low < high) {
    const middle = (low + high) >> 1;
    const piece = pieces + ((middle as usize) << 4);
    const last = load<i64>((load<u32>(piece) as usize) + (((load<u32>(piece + 8) - 1) as usize) << 3));
    if (strict ? last < t : last <= t) low = middle + 1;
    else high = middle;
  }
  let from: u32 = 0;
  if (low < count) {
    const piece = pieces + ((low as usize) << 4);
    const times = load<u32>(piece) as usize;
    let to = load<u32>(piece + 8);
    while (from < to) {
      const middle = (from + to) >> 1;
      const value = load<i64>(times + ((middle as usize) << 3));
      if (strict ? value < t : value <= t) from = middle + 1;
      else to = middle;
    }
  }
  store<u32>(cursor, low);
  store<u32>(cursor + 4, from);
}

/**
 * The state at the cursor, from the state at an earlier place (piece, row): rows in between are looked at from behind, until `codes` codes have
 * been seen there. Rows of higher codes do not count.
 */
export function asof_state(pieces: usize, shift: u32, cursor: usize, piece: u32, row: u32, codes: u32, last: usize): void {
  const floor = (piece << shift) + row;
  let left = codes;
  let p = load<u32>(cursor);
  let end = load<u32>(cursor + 4);
  for (;;) {
    const from = p == piece ? row : 0;
    if (end > from) {
      const at = pieces + ((p as usize) << 4);
      const keys = load<u32>(at + 4) as usize;
      const base = (p << shift) + 1;
      for (let r = end; r > from; r--) {
        const code = at4(keys, r - 1);
        const entry = last + ((code as usize) << 2);
        if (code >= codes || load<u32>(entry) > floor) continue;
        store<u32>(entry, base + r - 1);
        if (--left == 0) return;
      }
    }
    if (p <= piece) return;
    p--;
    end = load<u32>(pieces + ((p as usize) << 4) + 8);
  }
}

/** out = the times, those of rows whose bit is clear replaced by the time before (at first: the first one that counts), so that they ascend too. */
export function asof_fill_times(times: usize, valid: usize, n: u32, out: usize): void {
  let first: u32 = 0;
  while (first < n && !bitIsSet(valid, first)) first++;
  let time = first < n ? timeAt(times, first) : 0;
  for (let i: u32 = 0; i < n; i++) {
    if (bitIsSet(valid, i)) time = timeAt(times, i);
    store<i64>(out + ((i as usize) << 3), time);
  }
}

// What the running call was given, and what it counts.
let leftTimes: usize = 0, leftCodes: usize = 0, keyOfCode: usize = 0, validRows: usize = 0;
let lastRows: usize = 0, allPieces: usize = 0, largest: usize = 0;
let noKey: u32 = 0, rowBits: u32 = 0, missing: u32 = 0;

// @ts-ignore: decorator
@inline
function remember(last: usize, codes: usize, row: u32, base: u32): void {
  store<u32>(last + ((at4(codes, row) as usize) << 2), base + row);
}

/** Looks left rows [i, end) up, whose places are in out; right rows before `from` are remembered already. */
// @ts-ignore: decorator
@inline
function lookUp(near: bool, masked: bool, i: u32, end: u32, codes: usize, from: u32, base: u32, out: usize): void {
  const own = leftCodes, map = keyOfCode, last = lastRows, none = noKey, valid = validRows;
  const times = leftTimes, pieces = allPieces, bits = rowBits, rowMask = ((1 as u32) << bits) - 1;
  const most = near ? load<u64>(largest) : 0;
  let without: u32 = 0;
  for (let row = from; i < end; i++) {
    const place = at4(out, i);
    for (; place - row > 4; row += 4) {
      remember(last, codes, row, base);
      remember(last, codes, row + 1, base);
      remember(last, codes, row + 2, base);
      remember(last, codes, row + 3, base);
    }
    if (place >= 4) {
      // The last four, remembered already or not: once more in the same order changes nothing, and no branch depends on how many they are.
      remember(last, codes, place - 4, base);
      remember(last, codes, place - 3, base);
      remember(last, codes, place - 2, base);
      remember(last, codes, place - 1, base);
    } else for (; row < place; row++) remember(last, codes, row, base);
    row = place;
    let found: u32 = 0;
    if (!masked || bitIsSet(valid, i)) {
      let key: u32 = own ? at4(own, i) : 0;
      key = map ? at4(map, key) : min(key, none);
      found = at4(last, key);
      if (near) {
        // The distance is looked at even where there is no row.
        const at = select<u32>(found, 1, found != 0) - 1;
        const right = load<u32>(pieces + (((at >> bits) as usize) << 4)) as usize;
        found = select<u32>(found, 0, (timeAt(times, i) as u64) - (timeAt(right, at & rowMask) as u64) <= most);
      }
    }
    without += (found == 0) as u32;
    store<u32>(out + ((i as usize) << 2), found - 1);
  }
  missing += without;
}

function lookUpRows(i: u32, end: u32, codes: usize, from: u32, base: u32, out: usize): void {
  if (validRows) {
    if (largest) lookUp(true, true, i, end, codes, from, base, out);
    else lookUp(false, true, i, end, codes, from, base, out);
  } else if (largest) lookUp(true, false, i, end, codes, from, base, out);
  else lookUp(false, false, i, end, codes, from, base, out);
}

/** The left row from `i` on that is earlier than the one before it; n when they ascend. */
function endOfAscent(i: u32, n: u32): u32 {
  let at = i + 1;
  for (; at + 2 <= n; at += 2) {
    const time = leftTimes + ((at as usize) << 3);
    if (v128.any_true(i64x2.gt_s(v128.load(time - 8), v128.load(time)))) break;
  }
  while (at < n && timeAt(leftTimes, at) >= timeAt(leftTimes, at - 1)) at++;
  return min(at, n);
}

/**
 * The last right row of each left row's key up to its time, or before it when strict, and not further away than the limit (its address, 0 = any).
 * Rows whose bit of `valid` (0 = all) is clear have none, but have a time (asof_fill_times). Keys: codes 0 = one key; map: key by code, 0 = the
 * code itself. Keys above `none` count as `none`, which has no right row. Rows without a right row are added to the cursor's fifth word.
 * Returns the left row that it stopped at: n, or one that is earlier than the row before it.
 */
export function asof_merge(
  n: u32, first: u32, times: usize, codes: usize, map: usize, none: u32, valid: usize, pieces: usize, count: u32, shift: u32,
  strict: u32, cursor: usize, last: usize, limit: usize, out: usize,
): u32 {
  leftTimes = times; leftCodes = codes; keyOfCode = map; validRows = valid;
  lastRows = last; allPieces = pieces; largest = limit; noKey = none; rowBits = shift; missing = 0;
  const before = strict != 0;
  const end = endOfAscent(first, n);
  let piece = load<u32>(cursor), row = load<u32>(cursor + 4);
  for (let i = first; i < end; ) {
    const at = pieces + ((piece as usize) << 4);
    const isThere = piece < count;
    const rows = isThere ? load<u32>(at + 8) : 0;
    const rightTimes = isThere ? (load<u32>(at) as usize) : 0, rightCodes = isThere ? (load<u32>(at + 4) as usize) : 0;
    const base = (piece << shift) + 1;
    let to = i;
    if (row + 4 < rows) to = firstAtOrBeyond(times, i, end, timeAt(rightTimes, rows - 4), before);
    let place = row;
    if (to > i) {
      placesOf(times, i, to, before, rightTimes, row, rows - 4, out);
      place = at4(out, to - 1);
    } else {
      // In the piece's end: rows up to the next left time, then the left rows before the next row.
      const t = timeAt(times, i);
      while (row < rows && isDue(timeAt(rightTimes, row), t, before)) remember(last, rightCodes, row++, base);
      if (row == rows && isThere) {
        piece++;
        row = 0;
        continue;
      }
      to = row < rows ? firstAtOrBeyond(times, i, end, timeAt(rightTimes, row), before) : end;
      for (let k = i; k < to; k++) store<u32>(out + ((k as usize) << 2), row);
      place = row;
    }
    lookUpRows(i, to, rightCodes, row, base, out);
    row = place;
    i = to;
  }
  store<u32>(cursor, piece);
  store<u32>(cursor + 4, row);
  store<u32>(cursor + 16, load<u32>(cursor + 16) + missing);
  return end;
}

/** The keys of a map, those above `none` as `none`. */
export function asof_map(keys: usize, n: u32, none: u32, out: usize): void {
  for (let i: usize = 0; i < n; i++) store<u32>(out + (i << 2), min(load<u32>(keys + (i << 2)), none));
}

/** Codes with `none` for the rows whose bit is clear in either bitmap (0 = all set). */
export function asof_codes(codes: usize, validity: usize, alive: usize, none: u32, n: u32, out: usize): void {
  for (let i: u32 = 0; i < n; i++) {
    store<u32>(out + ((i as usize) << 2), bitIsSet(validity, i) && bitIsSet(alive, i) ? at4(codes, i) : none);
  }
}
