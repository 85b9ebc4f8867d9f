// Text → numbers.
import { bitIsSet } from '../shared/bitmap';
import { countCharacters, findBytes, hashBytes, mix } from '../shared/utf8';

export function length_bytes(offsets: usize, values: usize, n: i32, out: usize): void {
  for (let i = 0; i < n; i++) {
    const at = offsets + (<usize>i << 2);
    store<i64>(out + (<usize>i << 3), countCharacters(values + load<i32>(at), values + load<i32>(at, 4)));
  }
}

export function octet_length_bytes(offsets: usize, n: i32, out: usize): void {
  for (let i = 0; i < n; i++) store<i64>(out + (<usize>i << 3), load<i32>(offsets + (<usize>i << 2), 4) - load<i32>(offsets + (<usize>i << 2)));
}

/** Place of the first b in a, in characters from 1; 0 when it is not there. */
export function position_bytes(aOffsets: usize, a: usize, aStep: i32, bOffsets: usize, b: usize, bStep: i32, n: i32, out: usize): void {
  for (let i = 0; i < n; i++) {
    const x = aOffsets + (<usize>(i * aStep) << 2), y = bOffsets + (<usize>(i * bStep) << 2);
    const start = a + load<i32>(x);
    const found = findBytes(start, a + load<i32>(x, 4), b + load<i32>(y), load<i32>(y, 4) - load<i32>(y));
    store<i64>(out + (<usize>i << 3), found == 0 ? 0 : countCharacters(start, found) + 1);
  }
}

/** Code point of the first character; 0 for ''. */
export function ascii_bytes(offsets: usize, values: usize, n: i32, out: usize): void {
  for (let i = 0; i < n; i++) {
    const at = offsets + (<usize>i << 2);
    const a = values + load<i32>(at);
    let point: u32 = 0;
    if (load<i32>(at, 4) > load<i32>(at)) {
      const c = <u32>load<u8>(a);
      if (c < 0x80) point = c;
      else if (c < 0xe0) point = ((c & 31) << 6) | (<u32>load<u8>(a, 1) & 63);
      else if (c < 0xf0) point = ((c & 15) << 12) | ((<u32>load<u8>(a, 1) & 63) << 6) | (<u32>load<u8>(a, 2) & 63);
      else point = ((c & 7) << 18) | ((<u32>load<u8>(a, 1) & 63) << 12) | ((<u32>load<u8>(a, 2) & 63) << 6) | (<u32>load<u8>(a, 3) & 63);
    }
    store<i32>(out + (<usize>i << 2), point);
  }
}

/** One character per code point (i64); the first row (not null) that is no character, or −1. At most 4 bytes each. */
export function chr_bytes(a: usize, n: i32, outOffsets: usize, out: usize, validity: usize): i32 {
  let end = 0, bad = -1;
  for (let i = 0; i < n; i++) {
    store<i32>(outOffsets + (<usize>i << 2), end);
    const p = load<i64>(a + (<usize>i << 3));
    if (p < 1 || p > 0x10ffff || (p >= 0xd800 && p < 0xe000)) {
      if (bad < 0 && bitIsSet(validity, i)) bad = i;
      continue;
    }
    const c = <u32>p;
    if (c < 0x80) store<u8>(out + end++, <u8>c);
    else {
      if (c < 0x800) store<u8>(out + end++, <u8>(0xc0 | (c >> 6)));
      else {
        if (c < 0x10000) store<u8>(out + end++, <u8>(0xe0 | (c >> 12)));
        else {
          store<u8>(out + end++, <u8>(0xf0 | (c >> 18)));
          store<u8>(out + end++, <u8>(0x80 | ((c >> 12) & 63)));
        }
        store<u8>(out + end++, <u8>(0x80 | ((c >> 6) & 63)));
      }
      store<u8>(out + end++, <u8>(0x80 | (c & 63)));
    }
  }
  store<i32>(outOffsets + (<usize>n << 2), end);
  return bad;
}

/** 64-bit hashes of text. */
export function hash_bytes(offsets: usize, values: usize, n: i32, out: usize): void {
  for (let i = 0; i < n; i++) {
    const at = offsets + (<usize>i << 2);
    store<u64>(out + (<usize>i << 3), hashBytes(values + load<i32>(at), load<i32>(at, 4) - load<i32>(at)));
  }
}

/** 64-bit hashes of `words` u64 per value. */
export function hash_words(a: usize, words: i32, n: i32, out: usize): void {
  for (let i = 0; i < n; i++) {
    let h: u64 = 0x9e3779b97f4a7c15;
    for (let w = 0; w < words; w++) h = mix(h ^ load<u64>(a + (<usize>(i * words + w) << 3)));
    store<u64>(out + (<usize>i << 3), h);
  }
}
