/**
 * The least keys of each group: a heap of at most `most` uint64 per group, the largest of them at its root. counts: uint32 by group.
 * NULL keys (validity; 0 = none) come before all others or after them.
 */
import { bitAt, rowsOf } from './bits';

// @ts-ignore: decorator
@inline
function keyAt(keys: usize, validity: usize, nullsFirst: u32, row: u32): u64 {
  if (validity != 0 && !bitAt(validity, row)) return nullsFirst ? 0 : ~(0 as u64);
  return load<u64>(keys + ((row as usize) << 3));
}

function rise(heap: usize, at: usize, key: u64): void {
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const above = load<u64>(heap + (parent << 3));
    if (above >= key) break;
    store<u64>(heap + (at << 3), above);
    at = parent;
  }
  store<u64>(heap + (at << 3), key);
}

function sink(heap: usize, count: usize, key: u64): void {
  let at: usize = 0;
  while (true) {
    let child: usize = 2 * at + 1;
    if (child >= count) break;
    if (child + 1 < count && load<u64>(heap + ((child + 1) << 3)) > load<u64>(heap + (child << 3))) child++;
    const below = load<u64>(heap + (child << 3));
    if (below <= key) break;
    store<u64>(heap + (at << 3), below);
    at = child;
  }
  store<u64>(heap + (at << 3), key);
}

/** Offers rows to their groups. */
export function top_offer(
  keys: usize, validity: usize, nullsFirst: u32, groups: usize, mask: usize, n: u32, most: u32, counts: usize, heaps: usize,
): void {
  for (let base: u32 = 0; base < n; base += 64) {
    for (let rows = rowsOf(mask, base, n); rows; rows &= rows - 1) {
      const row = base + (ctz(rows) as u32);
      const key = keyAt(keys, validity, nullsFirst, row);
      const group: usize = groups ? (load<u32>(groups + ((row as usize) << 2)) as usize) : 0;
      const heap = heaps + group * (most as usize) * 8;
      const count = load<u32>(counts + (group << 2));
      if (count < most) {
        rise(heap, count, key);
        store<u32>(counts + (group << 2), count + 1);
      } else if (key < load<u64>(heap)) sink(heap, count, key);
    }
  }
}

/** Bitmap of the rows that fewer than `most` of those offered come before. Returns how many. */
export function top_within(
  keys: usize, validity: usize, nullsFirst: u32, groups: usize, mask: usize, n: u32, most: u32, counts: usize, heaps: usize, out: usize,
): u32 {
  let kept: u32 = 0;
  for (let base: u32 = 0; base < n; base += 64) {
    let word: u64 = 0;
    for (let rows = rowsOf(mask, base, n); rows; rows &= rows - 1) {
      const row = base + (ctz(rows) as u32);
      const group: usize = groups ? (load<u32>(groups + ((row as usize) << 2)) as usize) : 0;
      const within = load<u32>(counts + (group << 2)) < most || keyAt(keys, validity, nullsFirst, row) <= load<u64>(heaps + group * (most as usize) * 8);
      if (within) word |= rows & (0 - rows);
    }
    store<u64>(out + (base >> 3), word);
    kept += popcnt(word) as u32;
  }
  return kept;
}
