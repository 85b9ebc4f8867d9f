/** 64-bit hashes of values: equal values have equal hashes, in whatever encoding they come. */
const PRIME: u64 = 0x9e3779b97f4a7c15;

// @ts-ignore: decorator
@inline
export function mix(key: u64): u64 {
  let h = key ^ PRIME;
  h = (h ^ (h >> 33)) * 0xff51afd7ed558ccd;
  h = (h ^ (h >> 33)) * 0xc4ceb9fe1a85ec53;
  return h ^ (h >> 33);
}

/** Hashes of 64-bit keys (key_*). */
export function hash_u64(keys: usize, n: u32, out: usize): void {
  for (let i: usize = 0; i < n; i++) store<u64>(out + (i << 3), mix(load<u64>(keys + (i << 3))));
}

/** Hashes of 16-byte keys. */
export function hash_u128(values: usize, n: u32, out: usize): void {
  for (let i: usize = 0; i < n; i++) {
    const low = mix(load<u64>(values + (i << 4)));
    store<u64>(out + (i << 3), mix(rotl<u64>(low, 29) ^ load<u64>(values + (i << 4) + 8)));
  }
}

/** Reads only the bytes themselves. */
function hashBytes(bytes: usize, length: u32): u64 {
  let h: u64 = mix(length);
  let at: u32 = 0;
  for (; at + 8 <= length; at += 8) h = rotl<u64>((h ^ load<u64>(bytes + at)) * 0xff51afd7ed558ccd, 29) * PRIME;
  let tail: u64 = 0;
  for (let shift: u64 = 0; at < length; at++, shift += 8) tail |= (load<u8>(bytes + at) as u64) << shift;
  return mix(h ^ tail);
}

/** Hashes of byte strings; codes = 0: string i, else string codes[i]. */
export function hash_text(offsets: usize, bytes: usize, codes: usize, n: u32, out: usize): void {
  for (let i: usize = 0; i < n; i++) {
    const at = offsets + ((codes ? (load<u32>(codes + (i << 2)) as usize) : i) << 2);
    const first = load<u32>(at);
    store<u64>(out + (i << 3), hashBytes(bytes + first, load<u32>(at + 4) - first));
  }
}

/** out[i] = values[codes[i]]. */
export function take_hashes(values: usize, codes: usize, n: u32, out: usize): void {
  for (let i: usize = 0; i < n; i++) store<u64>(out + (i << 3), load<u64>(values + ((load<u32>(codes + (i << 2)) as usize) << 3)));
}
