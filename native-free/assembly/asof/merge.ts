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
 * The last right row of each left row's code up to its time, or before it when strict; rows whose bit of `valid` (0 = all) is clear have none.
 * Left codes above `none` count as `none`, which has no right row. Returns the left row that it stopped at: n, or one that is earlier than the
 * row before it.
 */
// @ts-ignore: decorator
@inline
function merge(
  n: u32, first: u32, leftTimes: usize, leftCodes: usize, none: u32, valid: usize, pieces: usize, count: u32, shift: u32, strict: u32,
  cursor: usize, last: usize, lastTimes: usize, limit: u64, near: bool, out: usize,
): u32 {
  let piece = load<u32>(cursor);
  let before = load<i64>(cursor + 8);
  let time: usize = 0, code: usize = 0, end: usize = 0;
  let number: u32 = 0;
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
      continue;
    }
    const t = load<i64>(leftTimes + ((i as usize) << 3));
    if (t < before) break;
    before = t;
    if (!strict || t != i64.MIN_VALUE) {
      const bound = strict ? t - 1 : t;
      for (;;) {
        while (time < end && load<i64>(time) <= bound) {
          const entry = load<u32>(code) as usize;
          store<u32>(last + (entry << 2), number);
          if (near) store<i64>(lastTimes + (entry << 3), load<i64>(time));
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
    const own = min(load<u32>(leftCodes + ((i as usize) << 2)), none) as usize;
    let found = load<u32>(last + (own << 2));
    if (near && found && (t as u64) - load<u64>(lastTimes + (own << 3)) > limit) found = 0;
    store<u32>(out + ((i as usize) << 2), found - 1);
  }
  store<u32>(cursor, piece);
  if (piece < count) store<u32>(cursor + 4, ((time - (load<u32>(pieces + ((piece as usize) << 4)) as usize)) >> 3) as u32);
  else store<u32>(cursor + 4, 0);
  store<i64>(cursor + 8, before);
  return i;
}

export function asof_merge(
  n: u32, first: u32, leftTimes: usize, leftCodes: usize, none: u32, valid: usize, pieces: usize, count: u32, shift: u32, strict: u32,
  cursor: usize, last: usize, out: usize,
): u32 {
  return merge(n, first, leftTimes, leftCodes, none, valid, pieces, count, shift, strict, cursor, last, 0, 0, false, out);
}

/** The same with a largest distance (its address). lastTimes: the times of the rows in `last`. */
export function asof_merge_near(
  n: u32, first: u32, leftTimes: usize, leftCodes: usize, none: u32, valid: usize, pieces: usize, count: u32, shift: u32, strict: u32,
  cursor: usize, last: usize, lastTimes: usize, limit: usize, out: usize,
): u32 {
  return merge(n, first, leftTimes, leftCodes, none, valid, pieces, count, shift, strict, cursor, last, lastTimes, load<u64>(limit), true, out);
}

/** The times of the rows in `last`. */
export function asof_state_times(pieces: usize, shift: u32, last: usize, codes: u32, lastTimes: usize): void {
  const mask = ((1 as u32) << shift) - 1;
  for (let c: usize = 0; c < codes; c++) {
    const number = load<u32>(last + (c << 2));
    if (number == 0) continue;
    const row = number - 1;
    const times = load<u32>(pieces + (((row >> shift) as usize) << 4)) as usize;
    store<i64>(lastTimes + (c << 3), load<i64>(times + (((row & mask) as usize) << 3)));
  }
}

/** Codes with `none` for the rows whose bit is clear in either bitmap (0 = all set). */
export function asof_codes(codes: usize, validity: usize, alive: usize, none: u32, n: u32, out: usize): void {
  for (let i: u32 = 0; i < n; i++) {
    store<u32>(out + ((i as usize) << 2), bitIsSet(validity, i) && bitIsSet(alive, i) ? codeAt(codes, i) : none);
  }
}
