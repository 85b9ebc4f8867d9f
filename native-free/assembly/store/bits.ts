/** Bitmaps of any bit offset. Kernels that write part of a bitmap leave its other bits as they are. */
import { bit } from './row-bit';

@inline
function put_bit(bitmap: usize, row: usize, value: u32): void {
  const place = bitmap + (row >> 3);
  const mask: u32 = 1 << ((row & 7) as u32);
  const old = load<u8>(place) as u32;
  store<u8>(place, (value ? old | mask : old & ~mask) as u8);
}

/** Copies n bits. The regions must not overlap. */
export function move_bits(target: usize, targetBit: usize, source: usize, sourceBit: usize, n: usize): void {
  let done: usize = 0;
  while (done < n && ((targetBit + done) & 7) != 0) {
    put_bit(target, targetBit + done, bit(source, sourceBit + done));
    done++;
  }
  let to = target + ((targetBit + done) >> 3);
  let from = source + ((sourceBit + done) >> 3);
  const shift = (sourceBit + done) & 7;
  if (shift == 0) {
    const bytes = (n - done) >> 3;
    memory.copy(to, from, bytes);
    done += bytes << 3;
  } else {
    const up = (64 - shift) as u64;
    for (; done + 64 <= n; done += 64) {
      store<u64>(to, (load<u64>(from) >> (shift as u64)) | ((load<u8>(from + 8) as u64) << up));
      to += 8;
      from += 8;
    }
  }
  for (; done < n; done++) put_bit(target, targetBit + done, bit(source, sourceBit + done));
}

/** Sets n bits from a bit on. */
export function fill_bits(target: usize, targetBit: usize, n: usize): void {
  let done: usize = 0;
  while (done < n && ((targetBit + done) & 7) != 0) put_bit(target, targetBit + done++, 1);
  const bytes = (n - done) >> 3;
  memory.fill(target + ((targetBit + done) >> 3), 0xff, bytes);
  for (done += bytes << 3; done < n; done++) put_bit(target, targetBit + done, 1);
}

/** Clears the bits [n, next multiple of 64). */
export function trim_bits(target: usize, n: usize): void {
  if ((n & 63) == 0) return;
  const place = target + ((n >> 6) << 3);
  store<u64>(place, load<u64>(place) & (((1 as u64) << ((n & 63) as u64)) - 1));
}

/** Number of set bits among n bits from a bit on. */
export function tally_bits(bitmap: usize, firstBit: usize, n: usize): u32 {
  let count: u32 = 0;
  let row: usize = 0;
  while (row < n && ((firstBit + row) & 7) != 0) count += bit(bitmap, firstBit + row++);
  for (; row + 64 <= n; row += 64) count += popcnt<u64>(load<u64>(bitmap + ((firstBit + row) >> 3))) as u32;
  for (; row < n; row++) count += bit(bitmap, firstBit + row);
  return count;
}

/** Index of the first clear bit among n bits from a bit on, counted from that bit; -1 = all are set. */
export function find_clear_bit(bitmap: usize, firstBit: usize, n: usize): i32 {
  for (let row: usize = 0; row < n; row++) if (!bit(bitmap, firstBit + row)) return row as i32;
  return -1;
}

/** Clears in `alive` the bits that are set in `rows`; returns how many were cleared by it. */
export function remove_bits(alive: usize, rows: usize, n: usize): u32 {
  let removed: u32 = 0;
  const words = (n + 63) >> 6;
  for (let word: usize = 0; word < words; word++) {
    let gone = load<u64>(rows + (word << 3));
    if (word == words - 1 && (n & 63) != 0) gone &= ((1 as u64) << ((n & 63) as u64)) - 1;
    const old = load<u64>(alive + (word << 3));
    removed += popcnt<u64>(old & gone) as u32;
    store<u64>(alive + (word << 3), old & ~gone);
  }
  return removed;
}

/** target bit i = source bit order[i]. */
export function permute_bits(target: usize, source: usize, order: usize, n: usize): void {
  for (let row: usize = 0; row < n; row += 64) {
    const end = min<usize>(n - row, 64);
    let word: u64 = 0;
    for (let i: usize = 0; i < end; i++) word |= (bit(source, load<u32>(order + ((row + i) << 2))) as u64) << (i as u64);
    store<u64>(target + (row >> 3), word);
  }
}
