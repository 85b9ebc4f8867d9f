/**
 * Look-up tables of whole-number keys in a narrow range, without hashing.
 *
 * Rank table (bytes): 0 blocks, 4 keys that are there, 8 least key (int64), 16 blocks' number. A block of 16 bytes stands for 64 keys in
 * turn: u64 bit i is set when its key is there, u32 number of keys in the blocks before it. A key's id is the number of smaller keys.
 */
import { bitAt, rowsOf } from './bits';

const NONE: u32 = 0xffffffff;
const BLOCKS: usize = 0;
const COUNT: usize = 4;
const BASE: usize = 8;
const BLOCK_COUNT: usize = 16;

/** Widens [extent[0], extent[1]] (int64) by the keys that are valid and in the mask (0 = all). Returns their number. */
export function extent_i64(keys: usize, validity: usize, mask: usize, n: u32, extent: usize): u32 {
  let least = load<i64>(extent), most = load<i64>(extent, 8);
  let count: u64 = 0;
  for (let base: u32 = 0; base < n; base += 64) {
    let word = rowsOf(validity, base, n) & rowsOf(mask, base, n);
    count += popcnt(word);
    if (word == ~(0 as u64)) {
      let low = i64x2.splat(least), high = i64x2.splat(most);
      const at = keys + ((base as usize) << 3);
      for (let k: usize = 0; k < 512; k += 16) {
        const v = v128.load(at + k);
        low = v128.bitselect(v, low, i64x2.lt_s(v, low));
        high = v128.bitselect(v, high, i64x2.gt_s(v, high));
      }
      least = min(i64x2.extract_lane(low, 0), i64x2.extract_lane(low, 1));
      most = max(i64x2.extract_lane(high, 0), i64x2.extract_lane(high, 1));
    } else {
      for (; word; word &= word - 1) {
        const key = load<i64>(keys + (((base + (ctz(word) as u32)) as usize) << 3));
        least = min(least, key);
        most = max(most, key);
      }
    }
  }
  store<i64>(extent, least);
  store<i64>(extent, most, 8);
  return count as u32;
}

/** Puts valid keys into zeroed blocks; all lie in the range. */
export function rank_mark(table: usize, keys: usize, validity: usize, n: u32): void {
  const blocks = load<u32>(table + BLOCKS) as usize;
  const least = load<i64>(table + BASE);
  for (let base: u32 = 0; base < n; base += 64) {
    for (let word = rowsOf(validity, base, n); word; word &= word - 1) {
      const place = (load<i64>(keys + (((base + (ctz(word) as u32)) as usize) << 3)) - least) as u64;
      const at = blocks + (((place >> 6) as usize) << 4);
      store<u64>(at, load<u64>(at) | ((1 as u64) << (place & 63)));
    }
  }
}

/** Numbers the keys. Returns how many there are. */
export function rank_number(table: usize): u32 {
  const blocks = load<u32>(table + BLOCKS) as usize;
  const end = blocks + ((load<u32>(table + BLOCK_COUNT) as usize) << 4);
  let sum: u32 = 0;
  for (let at = blocks; at < end; at += 16) {
    store<u32>(at, sum, 8);
    sum += popcnt(load<u64>(at)) as u32;
  }
  store<u32>(table + COUNT, sum);
  return sum;
}

/** Ids of keys; NULL and unknown keys get 0xFFFFFFFF. */
export function rank_find(table: usize, keys: usize, validity: usize, n: u32, out: usize): void {
  const blocks = load<u32>(table + BLOCKS) as usize;
  const least = load<i64>(table + BASE);
  const end = (load<u32>(table + BLOCK_COUNT) as u64) << 6;
  for (let i: u32 = 0; i < n; i++) {
    const place = (load<i64>(keys + ((i as usize) << 3)) - least) as u64;
    let id = NONE;
    if (place < end && (validity == 0 || bitAt(validity, i))) {
      const at = blocks + (((place >> 6) as usize) << 4);
      const bits = load<u64>(at);
      const bit = (1 as u64) << (place & 63);
      if (bits & bit) id = load<u32>(at, 8) + (popcnt(bits & (bit - 1)) as u32);
    }
    store<u32>(out + ((i as usize) << 2), id);
  }
}

/** Bitmap of the rows of the mask (0 = all) whose key is there. Returns their number. */
export function rank_test(table: usize, keys: usize, validity: usize, mask: usize, n: u32, out: usize): u32 {
  const blocks = load<u32>(table + BLOCKS) as usize;
  const least = load<i64>(table + BASE);
  const end = (load<u32>(table + BLOCK_COUNT) as u64) << 6;
  let count: u64 = 0;
  for (let base: u32 = 0; base < n; base += 64) {
    const wanted = rowsOf(validity, base, n) & rowsOf(mask, base, n);
    let found: u64 = 0;
    if (wanted) {
      const some = min(64, n - base);
      let at = keys + ((base as usize) << 3);
      for (let k: u32 = 0; k < some; k++, at += 8) {
        const place = (load<i64>(at) - least) as u64;
        if (place < end) found |= ((load<u64>(blocks + (((place >> 6) as usize) << 4)) >> (place & 63)) & 1) << k;
      }
      found &= wanted;
    }
    store<u64>(out + (base >> 3), found);
    count += popcnt(found);
  }
  return count as u32;
}

/** As probe_pairs for the rows that rank_test found; the cursor (u32 row, u32 pairs of it that are done) starts at 0. */
export function rank_pairs(
  table: usize, keys: usize, found: usize, n: u32, starts: usize, rows: usize, cursor: usize, capacity: u32, outProbe: usize, outBuild: usize,
): u32 {
  const blocks = load<u32>(table + BLOCKS) as usize;
  const least = load<i64>(table + BASE);
  let row = load<u32>(cursor);
  let done = load<u32>(cursor + 4);
  let written: u32 = 0;
  while (row < n) {
    const left = rowsOf(found, row & ~63, n) >> (row & 63);
    if (left == 0) {
      row = (row | 63) + 1;
      continue;
    }
    row += ctz(left) as u32;
    const place = (load<i64>(keys + ((row as usize) << 3)) - least) as u64;
    const at = blocks + (((place >> 6) as usize) << 4);
    const id = load<u32>(at, 8) + (popcnt(load<u64>(at) & (((1 as u64) << (place & 63)) - 1)) as u32);
    const first = load<u32>(starts + ((id as usize) << 2)) + done;
    const count = load<u32>(starts + ((id as usize) << 2) + 4) - first;
    const take = min(count, capacity - written);
    for (let k: u32 = 0; k < take; k++, written++) {
      store<u32>(outProbe + ((written as usize) << 2), row);
      store<u32>(outBuild + ((written as usize) << 2), load<u32>(rows + (((first + k) as usize) << 2)));
    }
    if (take < count) {
      done += take;
      break;
    }
    done = 0;
    row++;
  }
  store<u32>(cursor, min(row, n));
  store<u32>(cursor + 4, done);
  return written;
}

/**
 * One more column of a key of several: packed[i] = packed[i] · span + (key − least), least and span (int64) at `range`. Rows whose key is
 * NULL or not in [least, least + span) lose their bit of `known`.
 */
export function pack_keys(keys: usize, validity: usize, range: usize, n: u32, packed: usize, known: usize): void {
  const least = load<i64>(range);
  const span = load<u64>(range, 8);
  for (let base: u32 = 0; base < n; base += 64) {
    const end = min(base + 64, n);
    let word = load<u64>(known + (base >> 3)) & rowsOf(validity, base, n);
    for (let i = base; i < end; i++) {
      const at = (i as usize) << 3;
      const place = (load<i64>(keys + at) - least) as u64;
      if (place >= span) word &= ~((1 as u64) << (i - base));
      store<u64>(packed + at, load<u64>(packed + at) * span + place);
    }
    store<u64>(known + (base >> 3), word);
  }
}

/** True when the 64 keys are the same. */
// @ts-ignore: decorator
@inline
function isKeyRun(at: usize): bool {
  if (load<i64>(at) != load<i64>(at, 504)) return false;
  const first = v128.load64_splat(at);
  let same = i64x2.eq(v128.load(at), first);
  for (let k: usize = 16; k < 512; k += 16) same = v128.and(same, i64x2.eq(v128.load(at + k), first));
  return i64x2.all_true(same);
}

/**
 * As encode_u64 through a map of key − least → id + 1 instead of the slots; least (int64) at `range`. Every valid key in the mask lies in the
 * map's range.
 */
export function encode_direct(table: usize, map: usize, range: usize, values: usize, validity: usize, mask: usize, n: u32, out: usize): void {
  const keys = load<u32>(table, 8) as usize;
  const least = load<i64>(range);
  let count = load<u32>(table, 12);
  for (let base: u32 = 0; base < n; base += 64) {
    const wanted = rowsOf(mask, base, n);
    const valid = rowsOf(validity, base, n);
    const end = min(base + 64, n);
    if ((wanted & valid) == ~(0 as u64) && isKeyRun(values + ((base as usize) << 3))) {
      const key = load<i64>(values + ((base as usize) << 3));
      const at = map + (((key - least) as usize) << 2);
      let slot = load<u32>(at);
      if (slot == 0) {
        store<i64>(keys + ((count as usize) << 3), key);
        slot = ++count;
        store<u32>(at, slot);
      }
      const id = i32x4.splat(slot - 1);
      for (let k: usize = 0; k < 256; k += 16) v128.store(out + ((base as usize) << 2) + k, id);
      continue;
    }
    for (let i = base; i < end; i++) {
      let slot: u32 = 1;
      const bit = (1 as u64) << (i - base);
      if (wanted & valid & bit) {
        const key = load<i64>(values + ((i as usize) << 3));
        const at = map + (((key - least) as usize) << 2);
        slot = load<u32>(at);
        if (slot == 0) {
          store<i64>(keys + ((count as usize) << 3), key);
          slot = ++count;
          store<u32>(at, slot);
        }
      } else if (wanted & bit) {
        const none = load<u32>(table, 16);
        if (none == NONE) {
          store<u32>(table, count, 16);
          slot = ++count;
        } else slot = none + 1;
      }
      store<u32>(out + ((i as usize) << 2), slot - 1);
    }
  }
  store<u32>(table, count, 12);
}

/** Fills a zeroed map from the keys that are there. */
export function remap_direct(table: usize, map: usize, range: usize): void {
  const keys = load<u32>(table, 8) as usize;
  const least = load<i64>(range);
  const count = load<u32>(table, 12);
  const none = load<u32>(table, 16);
  for (let id: u32 = 0; id < count; id++) {
    if (id != none) store<u32>(map + (((load<i64>(keys + ((id as usize) << 3)) - least) as usize) << 2), id + 1);
  }
}
