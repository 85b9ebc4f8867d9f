/** Joins by inequalities: build rows lie sorted by an order key inside their group, probe rows look for the span of keys between their bounds. */
import { bitAt } from './bits';

/** The low words of 128-bit integers that fit 64 bits. */
export function narrow_i128(values: usize, n: u32, out: usize): void {
  for (let i: usize = 0; i < n; i++) store<u64>(out + (i << 3), load<u64>(values + (i << 4)));
}

/** ids[i] = 0xFFFFFFFF where the bit of validity is clear. */
export function exclude_rows(validity: usize, n: u32, ids: usize): void {
  for (let i: u32 = 0; i < n; i++) if (!bitAt(validity, i)) store<u32>(ids + ((i as usize) << 2), 0xffffffff);
}

/** First position in [low, high) whose key is >= bound, or > it when `above`. */
function firstPosition(keys: usize, from: u32, to: u32, bound: u64, above: bool): u32 {
  let low = from, high = to;
  while (low < high) {
    const middle = low + ((high - low) >> 1);
    const key = load<u64>(keys + ((middle as usize) << 3));
    if (above ? key <= bound : key < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * For each row the positions [from, to) of its group whose keys lie between its bounds. groups = 0: all rows look in group 0. A bound's address
 * 0 means that there is none; its validity (0 = all there) empties the span of a row without bound.
 */
export function range_spans(
  groups: usize, n: u32, starts: usize, keys: usize, low: usize, lowValidity: usize, lowStrict: u32, high: usize, highValidity: usize,
  highStrict: u32, outFrom: usize, outTo: usize,
): void {
  for (let i: u32 = 0; i < n; i++) {
    const at = (i as usize) << 2;
    const id = groups ? load<u32>(groups + at) : 0;
    let from: u32 = 0, to: u32 = 0;
    if (id != 0xffffffff && (lowValidity == 0 || bitAt(lowValidity, i)) && (highValidity == 0 || bitAt(highValidity, i))) {
      from = load<u32>(starts + ((id as usize) << 2));
      to = load<u32>(starts + ((id as usize) << 2) + 4);
      if (low) from = firstPosition(keys, from, to, load<u64>(low + ((i as usize) << 3)), lowStrict != 0);
      if (high) to = firstPosition(keys, from, to, load<u64>(high + ((i as usize) << 3)), highStrict == 0);
    }
    store<u32>(outFrom + at, from);
    store<u32>(outTo + at, to);
  }
}

/** Empties the spans of rows whose bit of validity is clear. */
export function clear_spans(validity: usize, n: u32, from: usize, to: usize): void {
  for (let i: u32 = 0; i < n; i++) {
    if (!bitAt(validity, i)) store<u32>(to + ((i as usize) << 2), load<u32>(from + ((i as usize) << 2)));
  }
}

/** Binary tree of maxima over `count` keys: 2 × leaves uint64, leaves a power of two >= count; node 1 is the root. */
export function max_tree_u64(keys: usize, count: u32, leaves: u32, tree: usize): void {
  for (let i: usize = 0; i < leaves; i++) {
    store<u64>(tree + (((leaves as usize) + i) << 3), i < (count as usize) ? load<u64>(keys + (i << 3)) : 0);
  }
  for (let i: usize = leaves - 1; i > 0; i--) {
    store<u64>(tree + (i << 3), max(load<u64>(tree + (i << 4)), load<u64>(tree + (i << 4) + 8)));
  }
}

/** The first position in [position, end) whose key in the tree is >= bound; end when there is none. */
function nextInTree(tree: usize, leaves: u32, position: u32, end: u32, bound: u64): u32 {
  if (position >= end) return end;
  let node: usize = (leaves as usize) + (position as usize);
  if (load<u64>(tree + (node << 3)) >= bound) return position;
  // Up until a right neighbour has such a key, then down to its first one.
  for (;;) {
    while (node & 1) {
      node >>= 1;
      if (node <= 1) return end;
    }
    node++;
    if (load<u64>(tree + (node << 3)) >= bound) break;
    if ((node & (node + 1)) == 0) return end;
  }
  while (node < (leaves as usize)) {
    node <<= 1;
    if (load<u64>(tree + (node << 3)) < bound) node++;
  }
  const found = (node - (leaves as usize)) as u32;
  return found < end ? found : end;
}

/** The next position of a span that also meets the row's bound in the tree (0 = no tree). */
// @ts-ignore: decorator
@inline
function nextPosition(tree: usize, leaves: u32, bounds: usize, strict: u32, row: u32, position: u32, end: u32): u32 {
  if (tree == 0 || position >= end) return min(position, end);
  const bound = load<u64>(bounds + ((row as usize) << 3));
  if (strict && bound == u64.MAX_VALUE) return end;
  return nextInTree(tree, leaves, position, end, strict ? bound + 1 : bound);
}

/**
 * Pairs of probe rows and the build rows of their spans. The cursor (three uint32: probe row, position + 1 in its span or 0, whether it had a
 * match) is where it starts and stops; it is done when the cursor's row is n. keepUnmatched: (row, 0xFFFFFFFF) for a row without match.
 */
export function span_pairs(
  from: usize, to: usize, mask: usize, n: u32, rows: usize, tree: usize, leaves: u32, bounds: usize, strict: u32, keepUnmatched: u32,
  cursor: usize, capacity: u32, outProbe: usize, outBuild: usize,
): u32 {
  let row = load<u32>(cursor);
  let resume = load<u32>(cursor + 4);
  let matched = load<u32>(cursor + 8);
  let written: u32 = 0;
  while (row < n && written < capacity) {
    if (mask == 0 || bitAt(mask, row)) {
      const end = load<u32>(to + ((row as usize) << 2));
      let position = resume ? resume - 1 : load<u32>(from + ((row as usize) << 2));
      position = nextPosition(tree, leaves, bounds, strict, row, position, end);
      while (position < end && written < capacity) {
        store<u32>(outProbe + ((written as usize) << 2), row);
        store<u32>(outBuild + ((written as usize) << 2), load<u32>(rows + ((position as usize) << 2)));
        written++;
        matched = 1;
        position = nextPosition(tree, leaves, bounds, strict, row, position + 1, end);
      }
      if (position < end) {
        resume = position + 1;
        break;
      }
      if (!matched && keepUnmatched) {
        if (written == capacity) {
          resume = position + 1;
          break;
        }
        store<u32>(outProbe + ((written as usize) << 2), row);
        store<u32>(outBuild + ((written as usize) << 2), 0xffffffff);
        written++;
      }
    }
    resume = 0;
    matched = 0;
    row++;
  }
  store<u32>(cursor, row);
  store<u32>(cursor + 4, resume);
  store<u32>(cursor + 8, matched);
  return written;
}

/** Bit i: row i's span has a build row. */
export function bits_spans(from: usize, to: usize, n: u32, tree: usize, leaves: u32, bounds: usize, strict: u32, out: usize): void {
  for (let base: u32 = 0; base < n; base += 64) {
    const end = min(base + 64, n);
    let word: u64 = 0;
    for (let i = base; i < end; i++) {
      const last = load<u32>(to + ((i as usize) << 2));
      const found = nextPosition(tree, leaves, bounds, strict, i, load<u32>(from + ((i as usize) << 2)), last) < last;
      word |= (found as u64) << (i - base);
    }
    store<u64>(out + (base >> 3), word);
  }
}
