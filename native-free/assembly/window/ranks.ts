/** Functions of a row's place in its partition. Results are one per position from `first` on. */
import { at4 } from '../shared/words';

export function row_number(low: usize, first: u32, n: u32, out: usize): void {
  for (let k: u32 = 0; k < n; k++) store<i64>(out + ((k as usize) << 3), (first + k - at4(low, k) + 1) as i64);
}

export function rank(groups: usize, starts: usize, low: usize, first: u32, n: u32, out: usize): void {
  for (let k: u32 = 0; k < n; k++) store<i64>(out + ((k as usize) << 3), (at4(starts, at4(groups, first + k)) - at4(low, k) + 1) as i64);
}

export function dense_rank(groups: usize, low: usize, first: u32, n: u32, out: usize): void {
  for (let k: u32 = 0; k < n; k++) store<i64>(out + ((k as usize) << 3), (at4(groups, first + k) - at4(groups, at4(low, k)) + 1) as i64);
}

export function percent_rank(groups: usize, starts: usize, low: usize, high: usize, first: u32, n: u32, out: usize): void {
  for (let k: u32 = 0; k < n; k++) {
    const rows = at4(high, k) - at4(low, k);
    const before = at4(starts, at4(groups, first + k)) - at4(low, k);
    store<f64>(out + ((k as usize) << 3), rows > 1 ? (before as f64) / ((rows - 1) as f64) : 0);
  }
}

export function cume_dist(groups: usize, starts: usize, low: usize, high: usize, first: u32, n: u32, out: usize): void {
  for (let k: u32 = 0; k < n; k++) {
    const from = at4(low, k);
    store<f64>(out + ((k as usize) << 3), ((at4(starts, at4(groups, first + k) + 1) - from) as f64) / ((at4(high, k) - from) as f64));
  }
}

/** buckets: int64 per row, step 8, or one, step 0. Returns the first row whose number is below 1, or −1; rows in the mask's zeros are left out. */
export function ntile(buckets: usize, step: u32, validity: usize, low: usize, high: usize, first: u32, n: u32, out: usize): i32 {
  for (let k: u32 = 0; k < n; k++) {
    const valid = validity == 0 || ((load<u8>(validity + (k >> 3)) >> ((k & 7) as u8)) & 1) != 0;
    if (!valid) { store<i64>(out + ((k as usize) << 3), 0); continue; }
    const count = load<i64>(buckets + (k as usize) * step);
    if (count < 1) return k as i32;
    const from = at4(low, k);
    const rows = (at4(high, k) - from) as i64;
    const place = (first + k - from) as i64;
    const size = rows / count, larger = rows % count;
    const bucket = place < larger * (size + 1) ? place / (size + 1) : larger + (place - larger * (size + 1)) / size;
    store<i64>(out + ((k as usize) << 3), bucket + 1);
  }
  return -1;
}
