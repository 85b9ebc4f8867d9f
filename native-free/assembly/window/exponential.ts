/**
 * Exponential averages at every row of a series that comes in order, with a state per partition (codes: partition of each row, uint32; 0 = all
 * rows are of one). Lanes of rows are averaged side by side, each as if nothing came before it. Then each adds what came before: that weighs
 * 1 − alpha less from row to row, and is too small to be seen after a few hundred.
 *
 * State of a partition: number of values, the first one, the average (float64 each), as agg_ema keeps it. NULLs leave an average as it is;
 * validity 0 = there are none. present: bits of the rows that have an average, whole words; without NULLs it is not written.
 */
import { partitionAt } from './partitions';
import { bitIsSet } from '../shared/bitmap';

/** The average with one more value; written to the state. */
// @ts-ignore: decorator
@inline
function next(alpha: f64, value: f64, at: usize): f64 {
  const count = load<f64>(at);
  let average = value;
  if (count != 0) {
    average = load<f64>(at, 16);
    average += alpha * (value - average);
  } else store<f64>(at, value, 8);
  store<f64>(at, count + 1);
  store<f64>(at, average, 16);
  return average;
}

/** The averages of a lane's rows, as if nothing came before. */
export function stream_ema(alpha: f64, codes: usize, x: usize, validity: usize, n: u32, states: usize, out: usize, present: usize): void {
  if (validity == 0) {
    for (let i: usize = 0; i < n; i++) store<f64>(out + (i << 3), next(alpha, load<f64>(x + (i << 3)), states + partitionAt(codes, i) * 24));
    return;
  }
  for (let base: u32 = 0; base < n; base += 64) {
    const end = min<u32>(base + 64, n);
    let bits: u64 = 0;
    for (let i = base; i < end; i++) {
      const at = states + partitionAt(codes, i) * 24;
      const average = bitIsSet(validity, i) ? next(alpha, load<f64>(x + ((i as usize) << 3)), at) : load<f64>(at, 16);
      bits |= ((load<f64>(at) != 0) as u64) << (i - base);
      store<f64>(out + ((i as usize) << 3), average);
    }
    store<u64>(present + (base >> 3), bits);
  }
}

/**
 * What a lane must add, by partition: [what is added now, rows that it is still added to, 1 before the first value: float64 each]. starts: the states
 * before the lane; ends: its own, which say how many rows there are unless there are NULLs. Returns the partitions that need it.
 */
export function stream_ema_begin(starts: usize, ends: usize, nulls: u32, partitions: u32, added: usize): u32 {
  let open: u32 = 0;
  for (let p: usize = 0; p < partitions; p++) {
    const at = added + p * 24, start = starts + p * 24;
    const rows = load<f64>(start) == 0 ? 0 : nulls ? Infinity : load<f64>(ends + p * 24);
    const average = load<f64>(start, 16);
    // Nothing comes back from infinity.
    store<f64>(at, average - average == 0 ? average : NaN);
    store<f64>(at, rows, 8);
    store<f64>(at, 1, 16);
    if (rows != 0) open++;
  }
  return open;
}

/** What is added may be left away when it is less than the error of a rounding: that fades as fast. */
const SMALLEST: f64 = 1.3877787807814457e-17; // 2^-56

/** Adds what came before the lane to its averages. Returns how many of the `open` partitions still need it. */
export function stream_ema_add(
  alpha: f64, codes: usize, validity: usize, n: u32, added: usize, open: u32, out: usize, present: usize,
): u32 {
  for (let i: usize = 0; i < n && open > 0; i++) {
    const at = added + partitionAt(codes, i) * 24;
    const rows = load<f64>(at, 8);
    if (rows == 0) continue;
    const before = load<f64>(at);
    const isFirst = load<f64>(at, 16) != 0;
    const own = load<f64>(out + (i << 3));
    if (validity && !bitIsSet(validity, i as u32)) {
      store<f64>(out + (i << 3), isFirst ? before : own + before);
      store<u8>(present + (i >> 3), load<u8>(present + (i >> 3)) | (1 << ((i & 7) as u8)));
      continue;
    }
    const more = (1 - alpha) * (isFirst ? before - own : before);
    const average = own + more;
    store<f64>(out + (i << 3), average);
    store<f64>(at, more);
    store<f64>(at, 0, 16);
    const left = more == 0 || abs(more) < abs(average) * SMALLEST ? 0 : rows - 1;
    store<f64>(at, left, 8);
    if (left == 0) open--;
  }
  return open;
}
