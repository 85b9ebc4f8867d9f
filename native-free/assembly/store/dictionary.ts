/**
 * An append-only dictionary of byte strings. State (u32 words): [slots, mask, offsets, values, count].
 * A slot is 8 bytes: low word = code + 1 (0 = empty), high word = high half of the value's hash. The caller makes room first: at least twice
 * as many slots as values, offsets and bytes for everything that a call may add.
 */
import { bit } from './row-bit';

const K0: u64 = 0x9e3779b97f4a7c15;
const K1: u64 = 0xe7037ed1a0b428db;

@inline
function mix(a: u64): u64 {
  let h = a;
  h ^= h >> 32;
  h *= K1;
  h ^= h >> 29;
  return h;
}

@inline
function hash(bytes: usize, size: usize): u64 {
  let h: u64 = (size as u64) * K0;
  if (size >= 8) {
    const last = bytes + size - 8;
    for (; bytes < last; bytes += 8) h = mix(h ^ load<u64>(bytes)) * K0;
    return mix(mix(h ^ load<u64>(last)) * K0);
  }
  if (size >= 4) return mix(mix(h ^ (load<u32>(bytes) as u64) ^ ((load<u32>(bytes + size - 4) as u64) << 32)) * K0);
  if (size > 0) {
    const three = (load<u8>(bytes) as u64) | ((load<u8>(bytes + (size >> 1)) as u64) << 8) | ((load<u8>(bytes + size - 1) as u64) << 16);
    return mix(mix(h ^ three) * K0);
  }
  return mix(h);
}

@inline
function same(a: usize, b: usize, size: usize): bool {
  if (size >= 8) {
    const end = size - 8;
    for (let i: usize = 0; i < end; i += 8) if (load<u64>(a + i) != load<u64>(b + i)) return false;
    return load<u64>(a + end) == load<u64>(b + end);
  }
  for (let i: usize = 0; i < size; i++) if (load<u8>(a + i) != load<u8>(b + i)) return false;
  return true;
}

/** The code of a value, or −1 − the slot where it would be. */
@inline
function look_up(state: usize, bytes: usize, size: usize, h: u64): i32 {
  const slots = load<u32>(state) as usize;
  const mask = load<u32>(state, 4) as usize;
  const offsets = load<u32>(state, 8) as usize;
  const values = load<u32>(state, 12) as usize;
  const tag = h >> 32;
  let slot = (h as usize) & mask;
  let entry = load<u64>(slots + (slot << 3));
  while ((entry as u32) != 0) {
    const code = entry as u32;
    if (entry >> 32 == tag) {
      const at = offsets + (((code - 1) as usize) << 2);
      const first = load<i32>(at);
      if (((load<i32>(at, 4) - first) as usize) == size && same(values + first, bytes, size)) return (code - 1) as i32;
    }
    slot = (slot + 1) & mask;
    entry = load<u64>(slots + (slot << 3));
  }
  return -1 - (slot as i32);
}

/** The code of a value; −1 = the dictionary does not have it. */
export function find_code(state: usize, bytes: usize, size: usize): i32 {
  return max<i32>(-1, look_up(state, bytes, size, hash(bytes, size)));
}

function code_of(state: usize, bytes: usize, size: usize): u32 {
  const slots = load<u32>(state) as usize;
  const offsets = load<u32>(state, 8) as usize;
  const values = load<u32>(state, 12) as usize;
  const h = hash(bytes, size);
  const tag = h >> 32;
  const found = look_up(state, bytes, size, h);
  if (found >= 0) return found;
  const slot = (-1 - found) as usize;
  const count = load<u32>(state, 16);
  const end = load<i32>(offsets + ((count as usize) << 2));
  memory.copy(values + end, bytes, size);
  store<i32>(offsets + (((count + 1) as usize) << 2), end + (size as i32));
  store<u64>(slots + (slot << 3), (tag << 32) | ((count + 1) as u64));
  store<u32>(state, count + 1, 16);
  return count;
}

/** Fills cleared slots with the codes [0, count) of the state. */
export function rehash_dictionary(state: usize): void {
  const slots = load<u32>(state) as usize;
  const mask = load<u32>(state, 4) as usize;
  const offsets = load<u32>(state, 8) as usize;
  const values = load<u32>(state, 12) as usize;
  const count = load<u32>(state, 16);
  memory.fill(slots, 0, (mask + 1) << 3);
  for (let code: u32 = 0; code < count; code++) {
    const at = offsets + ((code as usize) << 2);
    const first = load<i32>(at);
    const h = hash(values + first, (load<i32>(at, 4) - first) as usize);
    let slot = (h as usize) & mask;
    while (load<u32>(slots + (slot << 3)) != 0) slot = (slot + 1) & mask;
    store<u64>(slots + (slot << 3), ((h >> 32) << 32) | ((code + 1) as u64));
  }
}

/** Codes of n byte strings (rows [first, first + n) of offsets and validity); new ones are added. Null rows get code 0. */
export function encode_bytes(codes: usize, state: usize, offsets: usize, values: usize, validity: usize, first: usize, n: usize): void {
  for (let i: usize = 0; i < n; i++) {
    let code: u32 = 0;
    if (validity == 0 || bit(validity, first + i)) {
      const at = offsets + ((first + i) << 2);
      const start = load<i32>(at);
      code = code_of(state, values + start, (load<i32>(at, 4) - start) as usize);
    }
    store<u32>(codes + (i << 2), code);
  }
}

/**
 * Codes of rows that come with codes of another dictionary. map[old code] is the new code, or -1 when it has not been looked up yet.
 * Null rows get code 0.
 */
export function encode_codes(codes: usize, state: usize, source: usize, offsets: usize, values: usize, map: usize, validity: usize, first: usize, n: usize): void {
  for (let i: usize = 0; i < n; i++) {
    let code: i32 = 0;
    if (validity == 0 || bit(validity, first + i)) {
      const old = load<u32>(source + ((first + i) << 2)) as usize;
      code = load<i32>(map + (old << 2));
      if (code < 0) {
        const at = offsets + (old << 2);
        const start = load<i32>(at);
        code = code_of(state, values + start, (load<i32>(at, 4) - start) as usize) as i32;
        store<i32>(map + (old << 2), code);
      }
    }
    store<i32>(codes + (i << 2), code);
  }
}

/** Sets in a bitmap the bit of every code that a valid row has. */
export function mark_codes(bitmap: usize, codes: usize, validity: usize, n: usize): void {
  for (let i: usize = 0; i < n; i++) {
    if (validity != 0 && !bit(validity, i)) continue;
    const code = load<u32>(codes + (i << 2)) as usize;
    const place = bitmap + (code >> 3);
    store<u8>(place, ((load<u8>(place) as u32) | (1 << ((code & 7) as u32))) as u8);
  }
}

/** Offsets (n + 1, from 0) of the values that codes stand for; null rows are empty. Returns the sum, which the caller checks against 2^31. */
export function spell_offsets(target: usize, codes: usize, dictionaryOffsets: usize, validity: usize, first: usize, n: usize): f64 {
  let total: i64 = 0;
  for (let i: usize = 0; i < n; i++) {
    store<i32>(target + (i << 2), total as i32);
    if (validity != 0 && !bit(validity, first + i)) continue;
    const at = dictionaryOffsets + ((load<u32>(codes + ((first + i) << 2)) as usize) << 2);
    total += (load<i32>(at, 4) - load<i32>(at)) as i64;
  }
  store<i32>(target + (n << 2), total as i32);
  return total as f64;
}

/** Bytes of the values that codes stand for, placed by the offsets that spell_offsets wrote. */
export function spell_bytes(target: usize, offsets: usize, codes: usize, dictionaryOffsets: usize, dictionaryValues: usize, first: usize, n: usize): void {
  for (let i: usize = 0; i < n; i++) {
    const start = load<i32>(offsets + (i << 2));
    const size = load<i32>(offsets + (i << 2), 4) - start;
    if (size == 0) continue;
    const at = dictionaryOffsets + ((load<u32>(codes + ((first + i) << 2)) as usize) << 2);
    memory.copy(target + start, dictionaryValues + load<i32>(at), size);
  }
}

/** Offsets from n lengths: target[0] = base, target[i + 1] = target[i] + lengths[i]. */
export function sum_lengths(target: usize, lengths: usize, base: i32, n: usize): void {
  store<i32>(target, base);
  for (let i: usize = 0; i < n; i++) {
    base += load<i32>(lengths + (i << 2));
    store<i32>(target + (i << 2), base, 4);
  }
}
