/**
 * Windows over rows that come in the order of time already: one pass, with a state per partition. codes: partition of each row (uint32;
 * 0 = all rows are of one). No value is NULL. Lanes of rows are worked on side by side: first each says what the next ones must know of it,
 * then each begins with what those before it have said. (Exponential averages: exponential.ts.)
 *
 * A ring holds the last `size` values of a partition: [rows seen, at most size: u32][slot: u32][front: f64][size + 1 slots: f64]. Slots below
 * `slot` are the values since slot 0, whose sum is `front`; those behind it are sums of the values from there to the end of the round before.
 * So a sum over the last rows costs one addition a row and one more when a round is full, and nothing is ever taken out of a sum.
 *
 * Tails: [values: u32][pad][values, newest first: f64 × most] per partition.
 */

// @ts-ignore: decorator
@inline
function codeAt(codes: usize, i: usize): usize {
  return codes ? (load<u32>(codes + (i << 2)) as usize) : 0;
}

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

/** Adds rows, last first, to tails of at most `most` values. full: partitions whose tails are full; returns how many are now. Stops when all are. */
export function stream_tails(codes: usize, x: usize, n: u32, most: u32, partitions: u32, full: u32, tails: usize): u32 {
  const stride = ((most as usize) << 3) + 8;
  let done = full;
  for (let i: usize = n; i > 0 && done < partitions; ) {
    i--;
    const at = tails + codeAt(codes, i) * stride;
    const count = load<u32>(at);
    if (count >= most) continue;
    store<f64>(at + ((count as usize) << 3), load<f64>(x + (i << 3)), 8);
    store<u32>(at, count + 1);
    if (count + 1 == most) done++;
  }
  return done;
}

/** The tails of two lanes, one behind the other, as one. `out` may be neither of them. */
export function stream_merge_tails(before: usize, behind: usize, partitions: u32, most: u32, out: usize): void {
  const stride = ((most as usize) << 3) + 8;
  for (let p: usize = 0; p < partitions; p++) {
    const a = before + p * stride, b = behind + p * stride, to = out + p * stride;
    const later = load<u32>(b);
    const older = min(load<u32>(a), most - later);
    store<u32>(to, later + older);
    memory.copy(to + 8, b + 8, (later as usize) << 3);
    memory.copy(to + 8 + ((later as usize) << 3), a + 8, (older as usize) << 3);
  }
}

/** Rings that have the values of tails (most = size − 1). tails = 0: empty ones. */
export function stream_rings(tails: usize, partitions: u32, size: u32, rings: usize): void {
  const tailStride = (size as usize) << 3;
  const stride = ((size as usize) << 3) + 24;
  for (let p: usize = 0; p < partitions; p++) {
    const ring = rings + p * stride;
    memory.fill(ring, 0, stride);
    if (tails == 0) continue;
    const tail = tails + p * tailStride;
    const count = load<u32>(tail);
    store<u32>(ring, count);
    let sum: f64 = 0;
    for (let k: u32 = 1; k < size; k++) {
      if (k <= count) sum += load<f64>(tail + ((k as usize) << 3));
      store<f64>(ring + (((size - k) as usize) << 3), sum, 16);
    }
  }
}

/** Sums of the last rows of the row's partition, the row included, or averages. */
// @ts-ignore: decorator
@inline
function ringSums(average: bool, codes: usize, x: usize, n: u32, size: u32, rings: usize, out: usize): void {
  const stride = ((size as usize) << 3) + 24;
  const end = (size as usize) << 3;
  for (let i: usize = 0; i < n; i++) {
    const ring = rings + codeAt(codes, i) * stride;
    const value = load<f64>(x + (i << 3));
    const slot = (load<u32>(ring, 4) as usize) << 3;
    const front = load<f64>(ring, 8) + value;
    let seen = load<u32>(ring);
    if (seen < size) store<u32>(ring, ++seen);
    const sum = front + load<f64>(ring + slot, 24);
    store<f64>(out + (i << 3), average ? sum / (seen as f64) : sum);
    store<f64>(ring + slot, value, 16);
    if (slot + 8 < end) {
      store<u32>(ring, ((slot >> 3) as u32) + 1, 4);
      store<f64>(ring, front, 8);
    } else {
      let held: f64 = 0;
      for (let k = end; k > 0; ) {
        k -= 8;
        held += load<f64>(ring + k, 16);
        store<f64>(ring + k, held, 16);
      }
      store<u32>(ring, 0, 4);
      store<f64>(ring, 0, 8);
    }
  }
}
export function stream_sum(codes: usize, x: usize, n: u32, size: u32, rings: usize, out: usize): void { ringSums(false, codes, x, n, size, rings, out); }
export function stream_average(codes: usize, x: usize, n: u32, size: u32, rings: usize, out: usize): void { ringSums(true, codes, x, n, size, rings, out); }

/** Bits of the rows (of those in the mask) whose group has no flag (uint8) yet, whole words. */
export function first_rows(groups: usize, mask: usize, n: u32, flags: usize, out: usize): void {
  for (let base: u32 = 0; base < n; base += 64) {
    let bits: u64 = 0;
    const size = min<u32>(64, n - base);
    for (let k: u32 = 0; k < size; k++) {
      if (!load<u8>(flags + codeAt(groups, base + k))) bits |= (1 as u64) << k;
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
    const at = stamps + (codeAt(groups, i) << 2);
    if (load<u32>(at) == stamp) continue;
    store<u32>(at, stamp);
    left--;
    store<u8>(out + (i >> 3), load<u8>(out + (i >> 3)) | (1 << ((i & 7) as u8)));
  }
}
