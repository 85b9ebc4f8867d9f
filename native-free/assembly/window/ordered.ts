/**
 * Frames as multisets of ranks: quantiles and distinct values while frames slide. A rank is the place of a row's value among the distinct
 * values of the column (uint32 from 0); equal values have equal ranks. `counts` holds how many rows of the frame have each rank, as it is
 * between calls; `tree` is a Fenwick tree over it. A row that comes or goes costs the logarithm of the ranks.
 */
import { between } from '../shared/between';
import { bitIsSet } from '../shared/bitmap';
import { at4 } from '../shared/words';

// @ts-ignore: decorator
@inline
function add4(base: usize, i: u32, value: u32): void {
  const at = base + ((i as usize) << 2);
  store<u32>(at, load<u32>(at) + value);
}

/** Ranks of rows from order keys: rows in order, NULLs (validity 0) left out. Returns how many there are. */
export function rank_values(keys: usize, minor: usize, order: usize, validity: usize, n: u32, ranks: usize): u32 {
  let count: u32 = 0;
  let last: u64 = 0, lastMinor: u64 = 0;
  for (let i: u32 = 0; i < n; i++) {
    const row = at4(order, i);
    if (!bitIsSet(validity, row)) continue;
    const key = load<u64>(keys + ((row as usize) << 3));
    const rest: u64 = minor ? load<u64>(minor + ((row as usize) << 3)) : 0;
    if (count == 0 || key != last || rest != lastMinor) count++;
    last = key;
    lastMinor = rest;
    store<u32>(ranks + ((row as usize) << 2), count - 1);
  }
  return count;
}

/** Position of one row of each rank. */
export function rank_positions(ranks: usize, mask: usize, n: u32, out: usize): void {
  for (let i: u32 = 0; i < n; i++) if (bitIsSet(mask, i)) store<u32>(out + ((at4(ranks, i) as usize) << 2), i);
}

// @ts-ignore: decorator
@inline
function change(tree: usize, size: u32, rank: u32, by: u32): void {
  for (let i = rank + 1; i <= size; i += i & (0 - i)) add4(tree, i, by);
}

/** The rank of the element with this number (from 0) in the frame. */
// @ts-ignore: decorator
@inline
function select(tree: usize, size: u32, top: u32, number: u32): u32 {
  let at: u32 = 0;
  let left = number;
  for (let step = top; step; step >>= 1) {
    const next = at + step;
    if (next > size) continue;
    const held = at4(tree, next);
    if (held <= left) { at = next; left -= held; }
  }
  return at;
}

/**
 * For each frame the positions whose values a quantile lies between: of elements floor and ceil of (size − 1) × quantile, or with disc = 1 of
 * the first element whose share reaches it; 0xFFFFFFFF for empty frames. fractions (disc = 0): the way from the one to the other.
 * state: [low, high, size] of the frame that the tree holds; tree has size + 1 words of uint32, zeroed before the first call.
 */
export function slide_quantile(
  disc: u32, quantile: f64, ranks: usize, positions: usize, mask: usize, size: u32, low: usize, high: usize, n: u32,
  state: usize, tree: usize, outLow: usize, outHigh: usize, fractions: usize,
): void {
  let from = load<u32>(state), to = load<u32>(state + 4), count = load<u32>(state + 8);
  let top: u32 = 1;
  while (top << 1 <= size && top < 0x80000000) top <<= 1;
  for (let k: u32 = 0; k < n; k++) {
    const a = at4(low, k), b = at4(high, k);
    const at = (k as usize) << 2;
    if (a < b) {
      if (a >= to) {
        for (; from < to; from++) if (bitIsSet(mask, from)) { change(tree, size, at4(ranks, from), 0xffffffff); count--; }
        from = a;
        to = a;
      }
      for (; to < b; to++) if (bitIsSet(mask, to)) { change(tree, size, at4(ranks, to), 1); count++; }
      for (; from < a; from++) if (bitIsSet(mask, from)) { change(tree, size, at4(ranks, from), 0xffffffff); count--; }
    }
    if (a >= b || count == 0) {
      store<u32>(outLow + at, u32.MAX_VALUE);
      if (!disc) { store<u32>(outHigh + at, u32.MAX_VALUE); store<f64>(fractions + (at << 1), 0); }
      continue;
    }
    if (disc) {
      const place = ceil(quantile * (count as f64));
      const index = place < 1 ? 0 : (place as u32) - 1;
      store<u32>(outLow + at, at4(positions, select(tree, size, top, min(index, count - 1))));
      continue;
    }
    const place = quantile * ((count - 1) as f64);
    const first = floor(place);
    const rank = select(tree, size, top, first as u32);
    store<u32>(outLow + at, at4(positions, rank));
    store<u32>(outHigh + at, place > first ? at4(positions, select(tree, size, top, (first as u32) + 1)) : at4(positions, rank));
    store<f64>(fractions + (at << 1), place - first);
  }
  store<u32>(state, from);
  store<u32>(state + 4, to);
  store<u32>(state + 8, count);
}

/** a + (b − a) × fraction of the values at two positions, as quantile_cont_f64 does. */
export function between_positions_f64(values: usize, low: usize, high: usize, fractions: usize, n: u32, out: usize): void {
  for (let k: u32 = 0; k < n; k++) {
    const position = at4(low, k);
    if (position == u32.MAX_VALUE) { store<f64>(out + ((k as usize) << 3), 0); continue; }
    const a = load<f64>(values + ((position as usize) << 3));
    const fraction = load<f64>(fractions + ((k as usize) << 3));
    store<f64>(out + ((k as usize) << 3), fraction == 0 ? a : between(a, load<f64>(values + ((at4(high, k) as usize) << 3)), fraction));
  }
}

/** Distinct values of each frame (int64). counts: rows of the frame by rank, zeroed before the first call. state: [low, high, distinct]. */
export function slide_distinct(ranks: usize, mask: usize, low: usize, high: usize, n: u32, state: usize, counts: usize, out: usize): void {
  let from = load<u32>(state), to = load<u32>(state + 4), distinct = load<u32>(state + 8);
  for (let k: u32 = 0; k < n; k++) {
    const a = at4(low, k), b = at4(high, k);
    if (a >= b) { store<i64>(out + ((k as usize) << 3), 0); continue; }
    if (a >= to) {
      for (; from < to; from++) {
        if (!bitIsSet(mask, from)) continue;
        const rank = at4(ranks, from);
        add4(counts, rank, 0xffffffff);
        if (at4(counts, rank) == 0) distinct--;
      }
      from = a;
      to = a;
    }
    for (; to < b; to++) {
      if (!bitIsSet(mask, to)) continue;
      const rank = at4(ranks, to);
      add4(counts, rank, 1);
      if (at4(counts, rank) == 1) distinct++;
    }
    for (; from < a; from++) {
      if (!bitIsSet(mask, from)) continue;
      const rank = at4(ranks, from);
      add4(counts, rank, 0xffffffff);
      if (at4(counts, rank) == 0) distinct--;
    }
    store<i64>(out + ((k as usize) << 3), distinct as i64);
  }
  store<u32>(state, from);
  store<u32>(state + 4, to);
  store<u32>(state + 8, distinct);
}
