/**
 * Encoders give equal keys equal dense ids, in order of first appearance.
 *
 * Table of fixed-width keys (32-bit words): 0 slots, 4 slot mask, 8 keys by id, 12 count, 16 id of NULL (0xFFFFFFFF: none), 20 rows that gave new
 * ids to pairs without slots (uint32 by id, only written).
 * A slot is id + 1, 0 = free. The caller keeps slots at least twice as many as ids (rows to come included), and room for their keys.
 */
import { bitAt, rowsOf } from './bits';

const NONE: u32 = 0xffffffff;
const SLOTS: usize = 0;
const MASK: usize = 4;
const KEYS: usize = 8;
const COUNT: usize = 12;
const NULL_ID: usize = 16;
const NEW_ROWS: usize = 20;

// @ts-ignore: decorator
@inline
function hash64(key: u64): u32 {
  const h = key * 0x9e3779b97f4a7c15;
  return ((h ^ (h >> 29)) >> 32) as u32;
}

// @ts-ignore: decorator
@inline
function nullId(table: usize): u32 {
  let id = load<u32>(table + NULL_ID);
  if (id == NONE) {
    id = load<u32>(table + COUNT);
    store<u32>(table + COUNT, id + 1);
    store<u32>(table + NULL_ID, id);
  }
  return id;
}

// @ts-ignore: decorator
@inline
function intern64(table: usize, slots: usize, slotMask: u32, keys: usize, key: u64): u32 {
  let at = hash64(key) & slotMask;
  while (true) {
    const slot = load<u32>(slots + ((at as usize) << 2));
    if (slot == 0) {
      const id = load<u32>(table + COUNT);
      store<u32>(table + COUNT, id + 1);
      store<u32>(slots + ((at as usize) << 2), id + 1);
      store<u64>(keys + ((id as usize) << 3), key);
      return id;
    }
    if (load<u64>(keys + ((slot as usize) << 3) - 8) == key) return slot - 1;
    at = (at + 1) & slotMask;
  }
}

// @ts-ignore: decorator
@inline
function search64(slots: usize, slotMask: u32, keys: usize, key: u64): u32 {
  let at = hash64(key) & slotMask;
  while (true) {
    const slot = load<u32>(slots + ((at as usize) << 2));
    if (slot == 0) return NONE;
    if (load<u64>(keys + ((slot as usize) << 3) - 8) == key) return slot - 1;
    at = (at + 1) & slotMask;
  }
}

/** Ids of 64-bit keys; rows outside the mask get 0. */
export function encode_u64(table: usize, values: usize, validity: usize, mask: usize, n: u32, out: usize): void {
  const slots = load<u32>(table + SLOTS) as usize;
  const slotMask = load<u32>(table + MASK);
  const keys = load<u32>(table + KEYS) as usize;
  let lastKey: u64 = 0;
  let lastId: u32 = NONE;
  for (let base: u32 = 0; base < n; base += 64) {
    const wanted = rowsOf(mask, base, n);
    const valid = rowsOf(validity, base, n);
    const end = min(base + 64, n);
    if ((wanted & valid) == ~(0 as u64)) {
      for (let i: usize = base; i < end; i++) {
        const key = load<u64>(values + (i << 3));
        if (key != lastKey || lastId == NONE) {
          lastKey = key;
          lastId = intern64(table, slots, slotMask, keys, key);
        }
        store<u32>(out + (i << 2), lastId);
      }
      continue;
    }
    for (let i = base; i < end; i++) {
      let id: u32 = 0;
      const bit = (1 as u64) << (i - base);
      if (wanted & bit) {
        if (valid & bit) {
          const key = load<u64>(values + ((i as usize) << 3));
          if (key != lastKey || lastId == NONE) {
            lastKey = key;
            lastId = intern64(table, slots, slotMask, keys, key);
          }
          id = lastId;
        } else {
          id = nullId(table);
        }
      }
      store<u32>(out + ((i as usize) << 2), id);
    }
  }
}

/** Ids of known keys; NULL and unknown keys get 0xFFFFFFFF. */
export function find_u64(table: usize, values: usize, validity: usize, n: u32, out: usize): void {
  const slots = load<u32>(table + SLOTS) as usize;
  const slotMask = load<u32>(table + MASK);
  const keys = load<u32>(table + KEYS) as usize;
  for (let i: u32 = 0; i < n; i++) {
    const known = validity == 0 || bitAt(validity, i);
    store<u32>(out + ((i as usize) << 2), known ? search64(slots, slotMask, keys, load<u64>(values + ((i as usize) << 3))) : NONE);
  }
}

/** Puts keys [first, end) into slots, which were fresh and zeroed before the first of them; the header already names them. */
export function rehash_u64(table: usize, first: u32, end: u32): void {
  const slots = load<u32>(table + SLOTS) as usize;
  const slotMask = load<u32>(table + MASK);
  const keys = load<u32>(table + KEYS) as usize;
  const none = load<u32>(table + NULL_ID);
  for (let id = first; id < end; id++) {
    if (id == none) continue;
    let at = hash64(load<u64>(keys + ((id as usize) << 3))) & slotMask;
    while (load<u32>(slots + ((at as usize) << 2))) at = (at + 1) & slotMask;
    store<u32>(slots + ((at as usize) << 2), id + 1);
  }
}

/** Ids of pairs of ids, through the hash table; rows outside the mask get 0. */
export function encode_pairs(table: usize, a: usize, b: usize, mask: usize, n: u32, out: usize): void {
  const slots = load<u32>(table + SLOTS) as usize;
  const slotMask = load<u32>(table + MASK);
  const keys = load<u32>(table + KEYS) as usize;
  for (let base: u32 = 0; base < n; base += 64) {
    const wanted = rowsOf(mask, base, n);
    const end = min(base + 64, n);
    for (let i = base; i < end; i++) {
      let id: u32 = 0;
      if (wanted & ((1 as u64) << (i - base))) {
        const at = (i as usize) << 2;
        id = intern64(table, slots, slotMask, keys, (load<u32>(a + at) as u64) | ((load<u32>(b + at) as u64) << 32));
      }
      store<u32>(out + ((i as usize) << 2), id);
    }
  }
}

/** The pair's id, a new one when the place in the map is free. */
// @ts-ignore: decorator
@inline
function pairAt(table: usize, keys: usize, place: usize, x: u32, y: u32, row: u32): u32 {
  const slot = load<u32>(place);
  if (slot != 0) return slot - 1;
  const id = load<u32>(table + COUNT);
  store<u32>(table + COUNT, id + 1);
  store<u64>(keys + ((id as usize) << 3), (x as u64) | ((y as u64) << 32));
  store<u32>(load<u32>(table + NEW_ROWS) + (id << 2), row);
  store<u32>(place, id + 1);
  return id;
}

/** As encode_pairs through a map of b × stride + a → id + 1 instead of the slots. */
export function encode_pairs_direct(table: usize, map: usize, stride: u32, a: usize, b: usize, mask: usize, n: u32, out: usize): void {
  const keys = load<u32>(table + KEYS) as usize;
  for (let base: u32 = 0; base < n; base += 64) {
    const wanted = rowsOf(mask, base, n);
    const end = min(base + 64, n);
    if (wanted == ~(0 as u64)) {
      for (let at = (base as usize) << 2; at < (end as usize) << 2; at += 4) {
        const x = load<u32>(a + at);
        const y = load<u32>(b + at);
        store<u32>(out + at, pairAt(table, keys, map + (((y * stride + x) as usize) << 2), x, y, (at >> 2) as u32));
      }
      continue;
    }
    for (let i = base; i < end; i++) {
      const at = (i as usize) << 2;
      let id: u32 = 0;
      if (wanted & ((1 as u64) << (i - base))) {
        const x = load<u32>(a + at);
        const y = load<u32>(b + at);
        id = pairAt(table, keys, map + (((y * stride + x) as usize) << 2), x, y, i);
      }
      store<u32>(out + at, id);
    }
  }
}

/**
 * As encode_pairs_direct, all rows, where one of the two ids comes in runs: `ids` of them and the row after each (`ends`). rows: the other id of
 * each row. runsFirst: the run's id is the pair's first.
 */
export function encode_pairs_runs(
  table: usize, map: usize, stride: u32, rows: usize, ids: usize, ends: usize, runs: u32, runsFirst: u32, out: usize,
): void {
  if (runsFirst) pairRuns(true, table, map, stride, rows, ids, ends, runs, out);
  else pairRuns(false, table, map, stride, rows, ids, ends, runs, out);
}

// @ts-ignore: decorator
@inline
function pairRuns(runsFirst: bool, table: usize, map: usize, stride: u32, rows: usize, ids: usize, ends: usize, runs: u32, out: usize): void {
  const keys = load<u32>(table + KEYS) as usize;
  const scale: usize = runsFirst ? (stride as usize) << 2 : 4;
  let at: usize = 0;
  for (let run: usize = 0; run < runs; run++) {
    const id = load<u32>(ids + (run << 2));
    const end = (load<u32>(ends + (run << 2)) as usize) << 2;
    const places = map + (runsFirst ? (id as usize) << 2 : ((id * stride) as usize) << 2);
    while (at < end) {
      for (; at + 16 <= end; at += 16) {
        const a = load<u32>(places + (load<u32>(rows + at) as usize) * scale) - 1;
        const b = load<u32>(places + (load<u32>(rows + at, 4) as usize) * scale) - 1;
        const c = load<u32>(places + (load<u32>(rows + at, 8) as usize) * scale) - 1;
        const d = load<u32>(places + (load<u32>(rows + at, 12) as usize) * scale) - 1;
        // An id never has the highest bit.
        if (((a | b | c | d) as i32) < 0) break;
        store<u32>(out + at, a);
        store<u32>(out + at, b, 4);
        store<u32>(out + at, c, 8);
        store<u32>(out + at, d, 12);
      }
      for (const stop = min(end, at + 16); at < stop; at += 4) {
        const other = load<u32>(rows + at);
        const place = places + (other as usize) * scale;
        const row = (at >> 2) as u32;
        store<u32>(out + at, runsFirst ? pairAt(table, keys, place, id, other, row) : pairAt(table, keys, place, other, id, row));
      }
    }
  }
}

/** Fills a zeroed map from the pairs in keys. */
export function remap_pairs(table: usize, map: usize, stride: u32): void {
  const keys = load<u32>(table + KEYS) as usize;
  const count = load<u32>(table + COUNT);
  for (let id: u32 = 0; id < count; id++) {
    const pair = load<u64>(keys + ((id as usize) << 3));
    store<u32>(map + ((((pair >> 32) as u32) * stride + (pair as u32)) as usize << 2), id + 1);
  }
}

export function find_pairs(table: usize, a: usize, b: usize, n: u32, out: usize): void {
  const slots = load<u32>(table + SLOTS) as usize;
  const slotMask = load<u32>(table + MASK);
  const keys = load<u32>(table + KEYS) as usize;
  for (let i: usize = 0; i < n; i++) {
    const x = load<u32>(a + (i << 2));
    const y = load<u32>(b + (i << 2));
    store<u32>(out + (i << 2), x == NONE || y == NONE ? NONE : search64(slots, slotMask, keys, (x as u64) | ((y as u64) << 32)));
  }
}

/** The low (which = 0) or high id of pairs[ids[i]]; ids = 0 means i itself. */
export function unpair(pairs: usize, ids: usize, n: u32, which: u32, out: usize): void {
  for (let i: usize = 0; i < n; i++) {
    const id: usize = ids ? load<u32>(ids + (i << 2)) as usize : i;
    store<u32>(out + (i << 2), load<u32>(pairs + (id << 3) + (which << 2)));
  }
}

/** out[i] = map[ids[i]]. */
export function map_ids(ids: usize, map: usize, n: u32, out: usize): void {
  for (let i: usize = 0; i < n; i++) store<u32>(out + (i << 2), load<u32>(map + ((load<u32>(ids + (i << 2)) as usize) << 2)));
}

/** out[i] = map[ids[i]], 0xFFFFFFFF stays. */
export function map_found_ids(ids: usize, map: usize, n: u32, out: usize): void {
  for (let i: usize = 0; i < n; i++) {
    const id = load<u32>(ids + (i << 2));
    store<u32>(out + (i << 2), id == NONE ? NONE : load<u32>(map + ((id as usize) << 2)));
  }
}

// ---- 16-byte keys: the same table with keys of two words -----------------------------------------------------------------

// @ts-ignore: decorator
@inline
function hash128(low: u64, high: u64): u32 {
  return hash64(low ^ (rotl<u64>(high, 31) * 0xff51afd7ed558ccd));
}

export function encode_u128(table: usize, values: usize, validity: usize, mask: usize, n: u32, out: usize): void {
  const slots = load<u32>(table + SLOTS) as usize;
  const slotMask = load<u32>(table + MASK);
  const keys = load<u32>(table + KEYS) as usize;
  for (let i: u32 = 0; i < n; i++) {
    let id: u32 = 0;
    if (mask == 0 || bitAt(mask, i)) {
      if (validity == 0 || bitAt(validity, i)) {
        const low = load<u64>(values + ((i as usize) << 4));
        const high = load<u64>(values + ((i as usize) << 4) + 8);
        let at = hash128(low, high) & slotMask;
        while (true) {
          const slot = load<u32>(slots + ((at as usize) << 2));
          if (slot == 0) {
            id = load<u32>(table + COUNT);
            store<u32>(table + COUNT, id + 1);
            store<u32>(slots + ((at as usize) << 2), id + 1);
            store<u64>(keys + ((id as usize) << 4), low);
            store<u64>(keys + ((id as usize) << 4) + 8, high);
            break;
          }
          const known = keys + ((slot as usize) << 4) - 16;
          if (load<u64>(known) == low && load<u64>(known + 8) == high) { id = slot - 1; break; }
          at = (at + 1) & slotMask;
        }
      } else {
        id = nullId(table);
      }
    }
    store<u32>(out + ((i as usize) << 2), id);
  }
}

export function find_u128(table: usize, values: usize, validity: usize, n: u32, out: usize): void {
  const slots = load<u32>(table + SLOTS) as usize;
  const slotMask = load<u32>(table + MASK);
  const keys = load<u32>(table + KEYS) as usize;
  for (let i: u32 = 0; i < n; i++) {
    let id: u32 = NONE;
    if (validity == 0 || bitAt(validity, i)) {
      const low = load<u64>(values + ((i as usize) << 4));
      const high = load<u64>(values + ((i as usize) << 4) + 8);
      let at = hash128(low, high) & slotMask;
      while (true) {
        const slot = load<u32>(slots + ((at as usize) << 2));
        if (slot == 0) break;
        const known = keys + ((slot as usize) << 4) - 16;
        if (load<u64>(known) == low && load<u64>(known + 8) == high) { id = slot - 1; break; }
        at = (at + 1) & slotMask;
      }
    }
    store<u32>(out + ((i as usize) << 2), id);
  }
}

export function rehash_u128(table: usize, first: u32, end: u32): void {
  const slots = load<u32>(table + SLOTS) as usize;
  const slotMask = load<u32>(table + MASK);
  const keys = load<u32>(table + KEYS) as usize;
  const none = load<u32>(table + NULL_ID);
  for (let id = first; id < end; id++) {
    if (id == none) continue;
    const key = keys + ((id as usize) << 4);
    let at = hash128(load<u64>(key), load<u64>(key + 8)) & slotMask;
    while (load<u32>(slots + ((at as usize) << 2))) at = (at + 1) & slotMask;
    store<u32>(slots + ((at as usize) << 2), id + 1);
  }
}
