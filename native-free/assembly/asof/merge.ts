/**
 * Merging: both sides ascend in time, and an array by key code remembers the last right row so far. A piece is described by four words:
 * addresses of its times and codes, rows, 0. last[code] is a row's number + 1; 0 = none yet. A cursor is two words, the piece
 * and row that come next, and the last left time (int64).
 */
import { bitIsSet } from '../shared/bitmap';

// @ts-ignore: decorator
@inline
function codeAt(codes: usize, row: u32): u32 {
  return load<u32>(codes + ((row as usize) << 2));
}

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
        const code = codeAt(keys, r - 1);
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

/**
 * The last right row of each left row's key up to its time, or before it when strict, and not further away than the limit (its address, 0 = any).
 * Rows whose bit of `valid` (0 = all) is clear have none. Keys: leftCodes 0 = one key; map: key by code, 0 = the code itself. Keys above `none`
 * count as `none`, which has no right row; last has a word more behind it. Rows without a right row are added to the cursor's fifth word.
 * Returns the left row that it stopped at: n, or one that is earlier than the row before it.
 */
export function asof_merge(
  n: u32, first: u32, leftTimes: usize, leftCodes: usize, map: usize, none: u32, valid: usize, pieces: usize, count: u32, shift: u32,
  strict: u32, cursor: usize, last: usize, limit: usize, out: usize,
): u32 {
  let piece = load<u32>(cursor);
  let before = load<i64>(cursor + 8);
  let time: usize = 0, code: usize = 0, end: usize = 0;
  let number: u32 = 0;
  let missing: u32 = 0;
  const spare = none + 1;
  const mask = ((1 as u32) << shift) - 1;
  const furthest = limit ? load<u64>(limit) : 0;
  if (piece < count) {
    const at = pieces + ((piece as usize) << 4);
    const row = load<u32>(cursor + 4);
    time = (load<u32>(at) as usize) + ((row as usize) << 3);
    end = (load<u32>(at) as usize) + ((load<u32>(at + 8) as usize) << 3);
    code = (load<u32>(at + 4) as usize) + ((row as usize) << 2);
    number = (piece << shift) + row + 1;
  }
  let i = first;
  for (; i < n; i++) {
    if (valid && !bitIsSet(valid, i)) {
      store<u32>(out + ((i as usize) << 2), 0xffffffff);
      missing++;
      continue;
    }
    const t = load<i64>(leftTimes + ((i as usize) << 3));
    if (t < before) break;
    before = t;
    if (!strict || t != i64.MIN_VALUE) {
      const bound = strict ? t - 1 : t;
      for (;;) {
        // Four at a time, without a branch that nobody can foresee: what is not yet due goes to a key that nothing reads.
        let due: u32 = 4;
        while (due == 4 && time + 32 <= end) {
          const a = load<i64>(time) <= bound, b = load<i64>(time, 8) <= bound, c = load<i64>(time, 16) <= bound, d = load<i64>(time, 24) <= bound;
          due = (a as u32) + (b as u32) + (c as u32) + (d as u32);
          store<u32>(last + ((select<u32>(load<u32>(code), spare, a) as usize) << 2), number);
          store<u32>(last + ((select<u32>(load<u32>(code, 4), spare, b) as usize) << 2), number + 1);
          store<u32>(last + ((select<u32>(load<u32>(code, 8), spare, c) as usize) << 2), number + 2);
          store<u32>(last + ((select<u32>(load<u32>(code, 12), spare, d) as usize) << 2), number + 3);
          time += (due as usize) << 3;
          code += (due as usize) << 2;
          number += due;
        }
        if (due < 4) break;
        while (time < end && load<i64>(time) <= bound) {
          store<u32>(last + ((load<u32>(code) as usize) << 2), number);
          time += 8;
          code += 4;
          number++;
        }
        if (time < end || piece >= count) break;
        if (++piece >= count) break;
        const at = pieces + ((piece as usize) << 4);
        time = load<u32>(at) as usize;
        end = time + ((load<u32>(at + 8) as usize) << 3);
        code = load<u32>(at + 4) as usize;
        number = (piece << shift) + 1;
      }
    }
    let own: u32 = 0;
    if (leftCodes) {
      own = load<u32>(leftCodes + ((i as usize) << 2));
      own = map ? load<u32>(map + ((own as usize) << 2)) : min(own, none);
    }
    let found = load<u32>(last + ((own as usize) << 2));
    if (limit && found) {
      const times = load<u32>(pieces + ((((found - 1) >> shift) as usize) << 4)) as usize;
      if ((t as u64) - load<u64>(times + ((((found - 1) & mask) as usize) << 3)) > furthest) found = 0;
    }
    missing += (found == 0) as u32;
    store<u32>(out + ((i as usize) << 2), found - 1);
  }
  store<u32>(cursor, piece);
  if (piece < count) store<u32>(cursor + 4, ((time - (load<u32>(pieces + ((piece as usize) << 4)) as usize)) >> 3) as u32);
  else store<u32>(cursor + 4, 0);
  store<i64>(cursor + 8, before);
  store<u32>(cursor + 16, load<u32>(cursor + 16) + missing);
  return i;
}

/** The keys of a map, those above `none` as `none`. */
export function asof_map(keys: usize, n: u32, none: u32, out: usize): void {
  for (let i: usize = 0; i < n; i++) store<u32>(out + (i << 2), min(load<u32>(keys + (i << 2)), none));
}

/** Codes with `none` for the rows whose bit is clear in either bitmap (0 = all set). */
export function asof_codes(codes: usize, validity: usize, alive: usize, none: u32, n: u32, out: usize): void {
  for (let i: u32 = 0; i < n; i++) {
    store<u32>(out + ((i as usize) << 2), bitIsSet(validity, i) && bitIsSet(alive, i) ? codeAt(codes, i) : none);
  }
}
