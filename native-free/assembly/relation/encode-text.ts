/**
 * Encoder of byte strings.
 *
 * Table (32-bit words): 0 slots, 4 slot mask, 8 offsets by id (count + 1), 12 count, 16 id of NULL (0xFFFFFFFF: none), 20 heap,
 * 24 heap bytes used, 28 heap bytes to be had. A slot is hash << 32 | id + 1, 0 = free. NULL is kept as an empty string outside the slots.
 */
import { bitAt, rowsOf } from './bits';

const NONE: u32 = 0xffffffff;
const FULL: u32 = 0xfffffffe;
const SLOTS: usize = 0;
const MASK: usize = 4;
const OFFSETS: usize = 8;
const COUNT: usize = 12;
const NULL_ID: usize = 16;
const HEAP: usize = 20;
const USED: usize = 24;
const CAPACITY: usize = 28;
const PRIME: u64 = 0x9e3779b97f4a7c15;

/** Hash of the bytes; reads only them. */
// @ts-ignore: decorator
@inline
function hashBytes(bytes: usize, length: u32): u32 {
  let h: u64 = (length as u64) * PRIME;
  let at: u32 = 0;
  for (; at + 8 <= length; at += 8) h = rotl<u64>((h ^ load<u64>(bytes + at)) * PRIME, 29);
  const rest = length - at;
  if (rest) {
    let tail: u64;
    if (length >= 8) tail = load<u64>(bytes + length - 8);
    else if (length >= 4) tail = (load<u32>(bytes) as u64) | ((load<u32>(bytes + length - 4) as u64) << 32);
    else tail = (load<u8>(bytes) as u64) | ((load<u8>(bytes + (length >> 1)) as u64) << 8) | ((load<u8>(bytes + length - 1) as u64) << 16);
    h = rotl<u64>((h ^ tail) * PRIME, 29);
  }
  h = (h ^ (h >> 32)) * 0xd6e8feb86659fd93;
  return (h >> 32) as u32;
}

// @ts-ignore: decorator
@inline
export function sameBytes(a: usize, b: usize, length: u32): bool {
  let at: u32 = 0;
  for (; at + 8 <= length; at += 8) if (load<u64>(a + at) != load<u64>(b + at)) return false;
  for (; at < length; at++) if (load<u8>(a + at) != load<u8>(b + at)) return false;
  return true;
}

/** Slot of the bytes: where they are, or where they belong. */
// @ts-ignore: decorator
@inline
function slotOf(table: usize, bytes: usize, length: u32, hash: u32): usize {
  const slots = load<u32>(table + SLOTS) as usize;
  const slotMask = load<u32>(table + MASK);
  const offsets = load<u32>(table + OFFSETS) as usize;
  const heap = load<u32>(table + HEAP) as usize;
  let at = hash & slotMask;
  while (true) {
    const place = slots + ((at as usize) << 3);
    const slot = load<u64>(place);
    if (slot == 0) return place;
    if ((slot >> 32) as u32 == hash) {
      const entry = offsets + (((slot as u32) as usize) << 2) - 4;
      const first = load<u32>(entry);
      if (load<u32>(entry + 4) - first == length && sameBytes(heap + first, bytes, length)) return place;
    }
    at = (at + 1) & slotMask;
  }
}

/** Id of the bytes, new ones are copied to the heap; FULL when it has no room for them. */
function intern(table: usize, bytes: usize, length: u32): u32 {
  const hash = hashBytes(bytes, length);
  const place = slotOf(table, bytes, length, hash);
  const slot = load<u64>(place);
  if (slot) return (slot as u32) - 1;
  const used = load<u32>(table + USED);
  if (used + length > load<u32>(table + CAPACITY)) return FULL;
  const id = load<u32>(table + COUNT);
  memory.copy((load<u32>(table + HEAP) as usize) + used, bytes, length);
  store<u32>(table + USED, used + length);
  store<u32>((load<u32>(table + OFFSETS) as usize) + ((id as usize) << 2) + 4, used + length);
  store<u32>(table + COUNT, id + 1);
  store<u64>(place, ((hash as u64) << 32) | ((id + 1) as u64));
  return id;
}

function nullId(table: usize): u32 {
  let id = load<u32>(table + NULL_ID);
  if (id == NONE) {
    id = load<u32>(table + COUNT);
    store<u32>((load<u32>(table + OFFSETS) as usize) + ((id as usize) << 2) + 4, load<u32>(table + USED));
    store<u32>(table + COUNT, id + 1);
    store<u32>(table + NULL_ID, id);
  }
  return id;
}

/** Ids of flat text from row `start` on; rows outside the mask get 0. Returns n, or the row for which the heap has no room. */
export function encode_text(table: usize, offsets: usize, bytes: usize, validity: usize, mask: usize, start: u32, n: u32, out: usize): u32 {
  for (let i = start; i < n; i++) {
    let id: u32 = 0;
    if (mask == 0 || bitAt(mask, i)) {
      if (validity == 0 || bitAt(validity, i)) {
        const first = load<u32>(offsets + ((i as usize) << 2));
        id = intern(table, bytes + first, load<u32>(offsets + ((i as usize) << 2) + 4) - first);
        if (id == FULL) return i;
      } else {
        id = nullId(table);
      }
    }
    store<u32>(out + ((i as usize) << 2), id);
  }
  return n;
}

/** Ids of codes from row i on, up to the first whose code has none yet; returns that row, or n. */
// @ts-ignore: decorator
@inline
function mapKnown(map: usize, codes: usize, i: u32, n: u32, out: usize): u32 {
  for (; i + 4 <= n; i += 4) {
    const at = (i as usize) << 2;
    const a = load<u32>(map + ((load<u32>(codes + at) as usize) << 2)) - 1;
    const b = load<u32>(map + ((load<u32>(codes + at, 4) as usize) << 2)) - 1;
    const c = load<u32>(map + ((load<u32>(codes + at, 8) as usize) << 2)) - 1;
    const d = load<u32>(map + ((load<u32>(codes + at, 12) as usize) << 2)) - 1;
    // An id never has the highest bit.
    if (((a | b | c | d) as i32) < 0) break;
    store<u32>(out + at, a);
    store<u32>(out + at, b, 4);
    store<u32>(out + at, c, 8);
    store<u32>(out + at, d, 12);
  }
  for (; i < n; i++) {
    const id = load<u32>(map + ((load<u32>(codes + ((i as usize) << 2)) as usize) << 2)) - 1;
    if ((id as i32) < 0) break;
    store<u32>(out + ((i as usize) << 2), id);
  }
  return i;
}

/** As encode_text for codes of a dictionary. map: id + 1 by code, 0 = not met yet. */
export function encode_text_codes(
  table: usize, map: usize, codes: usize, offsets: usize, bytes: usize, validity: usize, mask: usize, start: u32, n: u32, out: usize,
): u32 {
  if (mask == 0 && validity == 0) {
    for (let i = mapKnown(map, codes, start, n, out); i < n; i = mapKnown(map, codes, i, n, out)) {
      const code = load<u32>(codes + ((i as usize) << 2)) as usize;
      const first = load<u32>(offsets + (code << 2));
      const id = intern(table, bytes + first, load<u32>(offsets + (code << 2) + 4) - first);
      if (id == FULL) return i;
      store<u32>(map + (code << 2), id + 1);
    }
    return n;
  }
  for (let i = start; i < n; i++) {
    let known: u32 = 1;
    if (mask == 0 || bitAt(mask, i)) {
      if (validity == 0 || bitAt(validity, i)) {
        const code = load<u32>(codes + ((i as usize) << 2)) as usize;
        known = load<u32>(map + (code << 2));
        if (known == 0) {
          const first = load<u32>(offsets + (code << 2));
          const id = intern(table, bytes + first, load<u32>(offsets + (code << 2) + 4) - first);
          if (id == FULL) return i;
          known = id + 1;
          store<u32>(map + (code << 2), known);
        }
      } else {
        known = nullId(table) + 1;
      }
    }
    store<u32>(out + ((i as usize) << 2), known - 1);
  }
  return n;
}

function search(table: usize, bytes: usize, length: u32): u32 {
  const slot = load<u64>(slotOf(table, bytes, length, hashBytes(bytes, length)));
  return slot ? (slot as u32) - 1 : NONE;
}

/** Ids of known strings; NULL and unknown ones get 0xFFFFFFFF. */
export function find_text(table: usize, offsets: usize, bytes: usize, validity: usize, n: u32, out: usize): void {
  for (let i: u32 = 0; i < n; i++) {
    let id: u32 = NONE;
    if (validity == 0 || bitAt(validity, i)) {
      const first = load<u32>(offsets + ((i as usize) << 2));
      id = search(table, bytes + first, load<u32>(offsets + ((i as usize) << 2) + 4) - first);
    }
    store<u32>(out + ((i as usize) << 2), id);
  }
}

/** As find_text for codes. map: id + 1 by code, 0 = not looked up yet, 0xFFFFFFFF = absent. */
export function find_text_codes(table: usize, map: usize, codes: usize, offsets: usize, bytes: usize, validity: usize, n: u32, out: usize): void {
  for (let i: u32 = 0; i < n; i++) {
    let id: u32 = NONE;
    if (validity == 0 || bitAt(validity, i)) {
      const code = load<u32>(codes + ((i as usize) << 2)) as usize;
      let known = load<u32>(map + (code << 2));
      if (known == 0) {
        const first = load<u32>(offsets + (code << 2));
        id = search(table, bytes + first, load<u32>(offsets + (code << 2) + 4) - first);
        known = id == NONE ? NONE : id + 1;
        store<u32>(map + (code << 2), known);
      }
      id = known == NONE ? NONE : known - 1;
    }
    store<u32>(out + ((i as usize) << 2), id);
  }
}

/** Puts all strings into fresh zeroed slots; the header already names them. */
export function rehash_text(table: usize): void {
  const slots = load<u32>(table + SLOTS) as usize;
  const slotMask = load<u32>(table + MASK);
  const offsets = load<u32>(table + OFFSETS) as usize;
  const heap = load<u32>(table + HEAP) as usize;
  const count = load<u32>(table + COUNT);
  const none = load<u32>(table + NULL_ID);
  for (let id: u32 = 0; id < count; id++) {
    if (id == none) continue;
    const first = load<u32>(offsets + ((id as usize) << 2));
    const hash = hashBytes(heap + first, load<u32>(offsets + ((id as usize) << 2) + 4) - first);
    let at = hash & slotMask;
    while (load<u64>(slots + ((at as usize) << 3))) at = (at + 1) & slotMask;
    store<u64>(slots + ((at as usize) << 3), ((hash as u64) << 32) | ((id + 1) as u64));
  }
}

/**
 * How many of the codes [first, first + count) rows in the mask have, and these in the order of their first rows (uint32). flags: a zeroed byte for
 * each. Stops when it has seen all of them.
 */
export function codes_seen(codes: usize, mask: usize, n: u32, first: u32, count: u32, flags: usize, order: usize): u32 {
  let seen: u32 = 0;
  for (let base: u32 = 0; base < n && seen < count; base += 64) {
    for (let word = rowsOf(mask, base, n); word; word &= word - 1) {
      const code = load<u32>(codes + (((base + (ctz(word) as u32)) as usize) << 2)) - first;
      if (code >= count || load<u8>(flags + code)) continue;
      store<u8>(flags + code, 1);
      store<u32>(order + ((seen as usize) << 2), code + first);
      seen++;
    }
  }
  return seen;
}
