/** Functions that pick a row: results are its position, 0xFFFFFFFF for none. */
import { bitIsSet } from '../shared/bitmap';
import { at4, put4 } from '../shared/words';

const NONE: u32 = u32.MAX_VALUE;

/** set[before[i]] = i for the set bits. */
export function list_bits(bitmap: usize, n: u32, out: usize): void {
  let count: u32 = 0;
  for (let i: u32 = 0; i < n; i++) if (bitIsSet(bitmap, i)) put4(out, count++, i);
}

/**
 * LAG (lead = 0) and LEAD: the position so many away in the partition. offsets: int64 per row, step 8, or one, step 0; a NULL one gives none.
 * With before and list only the positions in the list count (the row itself need not be one of them).
 */
export function pick_neighbour(
  lead: u32, offsets: usize, step: u32, validity: usize, before: usize, list: usize,
  low: usize, high: usize, first: u32, n: u32, out: usize,
): void {
  for (let k: u32 = 0; k < n; k++) {
    let picked = NONE;
    if (bitIsSet(validity, k)) {
      const position = first + k;
      const away = load<i64>(offsets + (k as usize) * step);
      const distance = lead ? away : -away;
      const from = at4(low, k), to = at4(high, k);
      if (distance == 0) picked = position;
      else if (before == 0) {
        const target = (position as i64) + distance;
        if (distance > -4294967296 && distance < 4294967296 && target >= (from as i64) && target < (to as i64)) picked = target as u32;
      } else if (distance > -4294967296 && distance < 4294967296) {
        const target = distance < 0 ? (at4(before, position) as i64) + distance : (at4(before, position + 1) as i64) + distance - 1;
        if (target >= (at4(before, from) as i64) && target < (at4(before, to) as i64)) picked = at4(list, target as u32);
      }
    }
    put4(out, k, picked);
  }
}

/** Bytes: 1 where the position so many away is in the partition (or the offset is NULL). */
export function has_neighbour(
  lead: u32, offsets: usize, step: u32, validity: usize, before: usize, list: usize,
  low: usize, high: usize, first: u32, n: u32, scratch: usize, out: usize,
): void {
  pick_neighbour(lead, offsets, step, validity, before, list, low, high, first, n, scratch);
  for (let k: u32 = 0; k < n; k++) store<u8>(out + (k as usize), at4(scratch, k) != NONE || !bitIsSet(validity, k) ? 1 : 0);
}

/**
 * The nth position (int64 from 1 per row, step 8, or one, step 0) of frames in pieces: `bounds` holds the addresses of low and high of each.
 * With before and list only the positions in the list count. Returns the first row whose n is below 1, or −1.
 */
export function pick_nth(
  bounds: usize, pieces: u32, nths: usize, step: u32, validity: usize, fromLast: u32, before: usize, list: usize, n: u32, out: usize,
): i32 {
  for (let k: u32 = 0; k < n; k++) {
    let picked = NONE;
    if (bitIsSet(validity, k)) {
      let left = load<i64>(nths + (k as usize) * step);
      if (left < 1) return k as i32;
      for (let p: u32 = 0; p < pieces && picked == NONE; p++) {
        const piece = fromLast ? pieces - 1 - p : p;
        let a = at4(at4(bounds, piece << 1) as usize, k), b = at4(at4(bounds, (piece << 1) + 1) as usize, k);
        if (a >= b) continue;
        if (before) { a = at4(before, a); b = at4(before, b); }
        const size = (b - a) as i64;
        if (left > size) { left -= size; continue; }
        const at = fromLast ? b - (left as u32) : a + (left as u32) - 1;
        picked = before ? at4(list, at) : at;
      }
    }
    put4(out, k, picked);
  }
  return -1;
}

/** The better pick of two, a before b: that with the smaller key, else a (last: b). */
// @ts-ignore: decorator
@inline
function better(last: u32, keys: usize, minor: usize, a: u32, b: u32): u32 {
  if (a == NONE) return b;
  if (b == NONE) return a;
  const x = load<u64>(keys + ((a as usize) << 3)), y = load<u64>(keys + ((b as usize) << 3));
  if (x != y) return x < y ? a : b;
  if (minor) {
    const v = load<u64>(minor + ((a as usize) << 3)), w = load<u64>(minor + ((b as usize) << 3));
    if (v != w) return v < w ? a : b;
  }
  return last ? b : a;
}

/** a[i] = the better of a[i] and b[i]. */
export function merge_picks(last: u32, keys: usize, minor: usize, a: usize, b: usize, n: u32): void {
  for (let k: u32 = 0; k < n; k++) put4(a, k, better(last, keys, minor, at4(a, k), at4(b, k)));
}

/**
 * The position with the smallest key in each frame, by two stacks: the front holds what was added since `middle`, the suffixes hold the
 * pick of [i, middle). state: [base, middle, end, front]; see slide.ts.
 */
export function slide_pick(
  last: u32, keys: usize, minor: usize, mask: usize, low: usize, high: usize, n: u32, state: usize, suffixes: usize, out: usize,
): void {
  let base = load<u32>(state), middle = load<u32>(state + 4), end = load<u32>(state + 8), front = load<u32>(state + 12);
  for (let k: u32 = 0; k < n; k++) {
    const a = at4(low, k), b = at4(high, k);
    if (a >= b) { put4(out, k, NONE); continue; }
    if (a >= end) { middle = a; end = a; front = NONE; }
    for (; end < b; end++) if (bitIsSet(mask, end)) front = better(last, keys, minor, front, end);
    if (a > middle) {
      let held = NONE;
      for (let i = end; i > a; ) {
        i--;
        if (bitIsSet(mask, i)) held = better(last, keys, minor, i, held);
        put4(suffixes, i - a, held);
      }
      base = a;
      middle = end;
      front = NONE;
    }
    put4(out, k, a < middle ? better(last, keys, minor, at4(suffixes, a - base), front) : front);
  }
  store<u32>(state, base);
  store<u32>(state + 4, middle);
  store<u32>(state + 8, end);
  store<u32>(state + 12, front);
}
