/**
 * Rows that come in an order. Windows over rows that come in the order of time already take one pass, with a state per partition: lanes of rows are
 * worked on side by side, and what each leaves to the next ones is put together in between (rings.ts: sums of the last rows, exponential.ts:
 * averages of all rows so far).
 */
import { partitionAt } from './partitions';

/** 1 when the values ascend. */
export function is_sorted_i64(values: usize, n: u32): u32 {
  let sorted = i64x2.splat(0);
  let i: usize = 0;
  const last: usize = n > 0 ? (n as usize) - 1 : 0;
  for (; i + 2 <= last; i += 2) {
    const at = values + (i << 3);
    sorted = v128.or(sorted, i64x2.gt_s(v128.load(at), v128.load(at, 8)));
  }
  if (v128.any_true(sorted)) return 0;
  for (; i < last; i++) if (load<i64>(values + (i << 3)) > load<i64>(values + (i << 3), 8)) return 0;
  return 1;
}

/** Bits of the rows (of those in the mask) whose group has no flag (uint8) yet, whole words. */
export function first_rows(groups: usize, mask: usize, n: u32, flags: usize, out: usize): void {
  for (let base: u32 = 0; base < n; base += 64) {
    let bits: u64 = 0;
    const size = min<u32>(64, n - base);
    for (let k: u32 = 0; k < size; k++) {
      if (!load<u8>(flags + partitionAt(groups, base + k))) bits |= (1 as u64) << k;
    }
    store<u64>(out + (base >> 3), mask ? bits & load<u64>(mask + (base >> 3)) : bits);
  }
}

/** Bits of the last row of each group, of the rows in the mask, looked for from the end until all `count` groups have one. stamps as for agg_last. */
export function last_rows(groups: usize, mask: usize, n: u32, stamps: usize, stamp: u32, count: u32, out: usize): void {
  memory.fill(out, 0, ((n + 63) >> 6) << 3);
  let left = groups ? count : 1;
  for (let i: usize = n; i > 0 && left > 0; ) {
    i--;
    if (mask && !((load<u8>(mask + (i >> 3)) >> ((i & 7) as u8)) & 1)) continue;
    const at = stamps + (partitionAt(groups, i) << 2);
    if (load<u32>(at) == stamp) continue;
    store<u32>(at, stamp);
    left--;
    store<u8>(out + (i >> 3), load<u8>(out + (i >> 3)) | (1 << ((i & 7) as u8)));
  }
}
