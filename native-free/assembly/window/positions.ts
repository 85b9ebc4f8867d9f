/** Rows into positions: partitions, groups of peers, values moved. */
import { bitIsSet } from '../shared/bitmap';
import { at4 } from '../shared/words';

/** Rows (in the order of `rows`, 0 = ascending) to the next position of their partition: position of each row, row of each position. cursors are used up. */
export function place_rows(partitions: usize, rows: usize, n: u32, cursors: usize, outPositions: usize, outRows: usize): void {
  for (let i: u32 = 0; i < n; i++) {
    const row = rows ? at4(rows, i) : i;
    const cursor = cursors + ((at4(partitions, row) as usize) << 2);
    const position = load<u32>(cursor);
    store<u32>(cursor, position + 1);
    store<u32>(outPositions + ((row as usize) << 2), position);
    store<u32>(outRows + ((position as usize) << 2), row);
  }
}

// @ts-ignore: decorator
@inline
function scatter<T>(values: usize, positions: usize, n: u32, out: usize): void {
  for (let i: usize = 0; i < n; i++) {
    store<T>(out + (load<u32>(positions + (i << 2)) as usize) * sizeof<T>(), load<T>(values + i * sizeof<T>()));
  }
}
/** out[positions[i]] = values[i]. */
export function scatter_w1(values: usize, positions: usize, n: u32, out: usize): void { scatter<u8>(values, positions, n, out); }
export function scatter_w2(values: usize, positions: usize, n: u32, out: usize): void { scatter<u16>(values, positions, n, out); }
export function scatter_w4(values: usize, positions: usize, n: u32, out: usize): void { scatter<u32>(values, positions, n, out); }
export function scatter_w8(values: usize, positions: usize, n: u32, out: usize): void { scatter<u64>(values, positions, n, out); }
export function scatter_w16(values: usize, positions: usize, n: u32, out: usize): void {
  for (let i: usize = 0; i < n; i++) v128.store(out + ((load<u32>(positions + (i << 2)) as usize) << 4), v128.load(values + (i << 4)));
}

/** marks[i] = 1 where key i is not key i − 1 (and for i = 0); other marks stay. */
export function mark_changes_u64(keys: usize, n: u32, marks: usize): void {
  if (n == 0) return;
  store<u8>(marks, 1);
  let last = load<u64>(keys);
  for (let i: usize = 1; i < n; i++) {
    const key = load<u64>(keys + (i << 3));
    if (key != last) store<u8>(marks + i, 1);
    last = key;
  }
}

/** The same for bits. */
export function mark_changes_bits(bitmap: usize, n: u32, marks: usize): void {
  if (n == 0) return;
  store<u8>(marks, 1);
  for (let i: u32 = 1; i < n; i++) if (bitIsSet(bitmap, i) != bitIsSet(bitmap, i - 1)) store<u8>(marks + (i as usize), 1);
}

/** marks[starts[p]] = 1 for partitions that are not empty. */
export function mark_starts(starts: usize, count: u32, n: u32, marks: usize): void {
  for (let p: u32 = 0; p < count; p++) if (at4(starts, p) < n) store<u8>(marks + (at4(starts, p) as usize), 1);
}

/** Number of the group of each position, and where each group begins (one more than groups). Returns how many there are. */
export function number_groups(marks: usize, n: u32, groups: usize, starts: usize): u32 {
  let count: u32 = 0;
  for (let i: u32 = 0; i < n; i++) {
    if (load<u8>(marks + (i as usize))) store<u32>(starts + (((count++) as usize) << 2), i);
    store<u32>(groups + ((i as usize) << 2), count - 1);
  }
  store<u32>(starts + ((count as usize) << 2), n);
  return count;
}

/** Where the partition of each position begins and ends. `partition` is that of the first position; returns that of the last. */
export function partition_bounds(starts: usize, partition: u32, first: u32, n: u32, outLow: usize, outHigh: usize): u32 {
  let p = partition;
  let end = at4(starts, p + 1);
  for (let k: u32 = 0; k < n; k++) {
    while (first + k >= end) end = at4(starts, ++p + 1);
    store<u32>(outLow + ((k as usize) << 2), at4(starts, p));
    store<u32>(outHigh + ((k as usize) << 2), end);
  }
  return p;
}

/** before[i] = set bits below i, for i in [0, n]. Returns all. */
export function running_bits(bitmap: usize, n: u32, before: usize): u32 {
  let count: u32 = 0;
  for (let i: u32 = 0; i < n; i++) {
    store<u32>(before + ((i as usize) << 2), count);
    count += bitIsSet(bitmap, i) ? 1 : 0;
  }
  store<u32>(before + ((n as usize) << 2), count);
  return count;
}
