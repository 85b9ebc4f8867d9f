// Text → text. Results: n + 1 offsets from 0, and bytes. Kernels that can grow text take out = 0 to tell the bytes they would write.
import { characterBytes, copyBytes, countCharacters, findBytes, sameBytes, skipCharacters } from '../shared/utf8';
import { bitIsSet } from '../shared/bitmap';

// @ts-ignore: decorator
@inline
function from(offsets: usize, values: usize, i: i32): usize {
  return values + load<i32>(offsets + (<usize>i << 2));
}

// @ts-ignore: decorator
@inline
function mark(outOffsets: usize, i: i32, end: usize): void {
  store<i32>(outOffsets + (<usize>i << 2), <i32>end);
}

/** 1 when every byte of the n values is ASCII. */
export function is_ascii(offsets: usize, values: usize, n: i32): i32 {
  const end = from(offsets, values, n);
  let at = from(offsets, values, 0);
  for (; at + 16 <= end; at += 16) if (i8x16.bitmask(v128.load(at)) != 0) return 0;
  for (; at < end; at++) if (load<u8>(at) >= 0x80) return 0;
  return 1;
}

/** mode: 0 lower, 1 upper, 2 initcap. ASCII letters only. */
export function case_ascii(mode: i32, offsets: usize, values: usize, n: i32, outOffsets: usize, out: usize): void {
  const base = load<i32>(offsets);
  for (let i = 0; i < n; i++) {
    mark(outOffsets, i, load<i32>(offsets + (<usize>i << 2)) - base);
    const end = from(offsets, values, i + 1);
    let inWord = false;
    for (let at = from(offsets, values, i); at < end; at++) {
      let c = <u32>load<u8>(at);
      const letter = (c | 32) - 97 < 26;
      if (letter) c = mode == 0 || (mode == 2 && inWord) ? c | 32 : c & ~32;
      inWord = letter || c - 48 < 10;
      store<u8>(out + (at - values) - base, <u8>c);
    }
  }
  mark(outOffsets, n, load<i32>(offsets + (<usize>n << 2)) - base);
}

/** SQL substring: characters [start, start + length), counted from 1; without lengths (address 0) to the end. */
export function substring_bytes(offsets: usize, values: usize, step: i32, start: usize, startStep: i32, length: usize, lengthStep: i32, n: i32, outOffsets: usize, out: usize): void {
  let end: usize = 0;
  for (let i = 0; i < n; i++) {
    mark(outOffsets, i, end);
    const last = from(offsets, values, i * step + 1);
    let first = load<i64>(start + (<usize>(i * startStep) << 3));
    let count = i64.MAX_VALUE;
    if (length != 0) count = load<i64>(length + (<usize>(i * lengthStep) << 3));
    if (first < 1) {
      if (count != i64.MAX_VALUE) count = first < -(<i64>1 << 40) ? 0 : count + first - 1;
      first = 1;
    }
    if (count <= 0) continue;
    const a = skipCharacters(from(offsets, values, i * step), last, first - 1);
    const b = length == 0 ? last : skipCharacters(a, last, count);
    copyBytes(out + end, a, <i32>(b - a));
    end += b - a;
  }
  mark(outOffsets, n, end);
}

/** side: 0 left(text, k), 1 right(text, k); a negative k means all but |k| characters. */
export function side_bytes(side: i32, offsets: usize, values: usize, step: i32, counts: usize, countStep: i32, n: i32, outOffsets: usize, out: usize): void {
  let end: usize = 0;
  for (let i = 0; i < n; i++) {
    mark(outOffsets, i, end);
    const a = from(offsets, values, i * step), b = from(offsets, values, i * step + 1);
    const characters = <i64>countCharacters(a, b);
    const k = load<i64>(counts + (<usize>(i * countStep) << 3));
    const kept = k >= 0 ? min(k, characters) : max<i64>(0, characters + max<i64>(k, -characters));
    const cut = skipCharacters(a, b, side == 0 ? kept : characters - kept);
    const x = side == 0 ? a : cut, y = side == 0 ? cut : b;
    copyBytes(out + end, x, <i32>(y - x));
    end += y - x;
  }
  mark(outOffsets, n, end);
}

/** Strips characters of the set from the left (side & 1) and the right (side & 2). */
export function trim_bytes(side: i32, offsets: usize, values: usize, step: i32, setOffsets: usize, set: usize, setStep: i32, n: i32, outOffsets: usize, out: usize): void {
  let end: usize = 0;
  for (let i = 0; i < n; i++) {
    mark(outOffsets, i, end);
    let a = from(offsets, values, i * step), b = from(offsets, values, i * step + 1);
    const s0 = from(setOffsets, set, i * setStep), s1 = from(setOffsets, set, i * setStep + 1);
    if (side & 1) {
      while (a < b) {
        const size = characterBytes(load<u8>(a));
        if (!contains(s0, s1, a, size)) break;
        a += size;
      }
    }
    if (side & 2) {
      while (b > a) {
        let c = b - 1;
        while (c > a && (<u32>load<u8>(c) & 0xc0) == 0x80) c--;
        if (!contains(s0, s1, c, <i32>(b - c))) break;
        b = c;
      }
    }
    copyBytes(out + end, a, <i32>(b - a));
    end += b - a;
  }
  mark(outOffsets, n, end);
}

function contains(set: usize, setEnd: usize, character: usize, size: i32): bool {
  return indexOfCharacter(set, setEnd, character, size) >= 0;
}

/** Position (in characters) of one character in text, −1 when it is not there. */
function indexOfCharacter(at: usize, end: usize, character: usize, size: i32): i32 {
  for (let index = 0; at < end; index++) {
    const bytes = characterBytes(load<u8>(at));
    if (bytes == size && sameBytes(at, character, size)) return index;
    at += bytes;
  }
  return -1;
}

/**
 * Joins `parts` operands, each 16 bytes at `table`: offsets, values, step, validity. NULL parts are left out. With separator ≠ 0 the first
 * operand stands between the others. Returns the bytes (to be) written, −1 when they exceed 2³¹−1.
 */
export function concat_bytes(table: usize, parts: i32, separator: i32, n: i32, outOffsets: usize, out: usize): i32 {
  let end: usize = 0;
  let total: i64 = 0;
  for (let i = 0; i < n; i++) {
    if (out) mark(outOffsets, i, end);
    let any = false;
    for (let p = separator; p < parts; p++) {
      const part = table + (<usize>p << 4);
      const row = i * load<i32>(part, 8);
      if (!bitIsSet(load<u32>(part, 12), row)) continue;
      if (any && separator) {
        const size = put(table, i * load<i32>(table, 8), out, end);
        end += size;
        total += size;
      }
      const size = put(part, row, out, end);
      end += size;
      total += size;
      any = true;
    }
  }
  if (out) mark(outOffsets, n, end);
  return total > <i64>i32.MAX_VALUE ? -1 : <i32>total;
}

// @ts-ignore: decorator
@inline
function put(part: usize, row: i32, out: usize, end: usize): i32 {
  const a = from(load<u32>(part), load<u32>(part, 4), row);
  const size = <i32>(from(load<u32>(part), load<u32>(part, 4), row + 1) - a);
  if (out) copyBytes(out + end, a, size);
  return size;
}

/** Every occurrence of b in a becomes c. */
export function replace_bytes(aOffsets: usize, a: usize, aStep: i32, bOffsets: usize, b: usize, bStep: i32, cOffsets: usize, c: usize, cStep: i32, n: i32, outOffsets: usize, out: usize): i32 {
  let end: usize = 0;
  let total: i64 = 0;
  for (let i = 0; i < n; i++) {
    if (out) mark(outOffsets, i, end);
    let at = from(aOffsets, a, i * aStep);
    const stop = from(aOffsets, a, i * aStep + 1);
    const needle = from(bOffsets, b, i * bStep), size = <i32>(from(bOffsets, b, i * bStep + 1) - needle);
    const other = from(cOffsets, c, i * cStep), otherSize = <i32>(from(cOffsets, c, i * cStep + 1) - other);
    while (true) {
      const found: usize = size == 0 ? 0 : findBytes(at, stop, needle, size);
      const until = found == 0 ? stop : found;
      if (out) copyBytes(out + end, at, <i32>(until - at));
      end += until - at;
      total += <i64>(until - at);
      if (found == 0) break;
      if (out) copyBytes(out + end, other, otherSize);
      end += otherSize;
      total += otherSize;
      at = found + size;
    }
  }
  if (out) mark(outOffsets, n, end);
  return total > <i64>i32.MAX_VALUE ? -1 : <i32>total;
}

/** The k-th field (from 1; negative: from the end) of text cut at a delimiter; an empty delimiter leaves one field. */
export function split_part_bytes(aOffsets: usize, a: usize, aStep: i32, bOffsets: usize, b: usize, bStep: i32, k: usize, kStep: i32, n: i32, outOffsets: usize, out: usize): void {
  let end: usize = 0;
  for (let i = 0; i < n; i++) {
    mark(outOffsets, i, end);
    const start = from(aOffsets, a, i * aStep), stop = from(aOffsets, a, i * aStep + 1);
    const needle = from(bOffsets, b, i * bStep), size = <i32>(from(bOffsets, b, i * bStep + 1) - needle);
    let wanted = load<i64>(k + (<usize>(i * kStep) << 3));
    if (wanted < 0) {
      let fields: i64 = 1;
      for (let at = start; size > 0; ) {
        const found = findBytes(at, stop, needle, size);
        if (found == 0) break;
        fields++;
        at = found + size;
      }
      wanted += fields + 1;
    }
    if (wanted < 1) continue;
    let at = start;
    while (true) {
      const found: usize = size == 0 ? 0 : findBytes(at, stop, needle, size);
      const until = found == 0 ? stop : found;
      if (--wanted == 0) {
        copyBytes(out + end, at, <i32>(until - at));
        end += until - at;
        break;
      }
      if (found == 0) break;
      at = found + size;
    }
  }
  mark(outOffsets, n, end);
}

export function reverse_bytes(offsets: usize, values: usize, n: i32, outOffsets: usize, out: usize): void {
  const base = load<i32>(offsets);
  for (let i = 0; i < n; i++) {
    mark(outOffsets, i, load<i32>(offsets + (<usize>i << 2)) - base);
    const a = from(offsets, values, i), b = from(offsets, values, i + 1);
    let target = out + (b - values) - base;
    for (let at = a; at < b; ) {
      const size = characterBytes(load<u8>(at));
      target -= size;
      copyBytes(target, at, size);
      at += size;
    }
  }
  mark(outOffsets, n, load<i32>(offsets + (<usize>n << 2)) - base);
}

/** Text k times; k < 1 gives ''. */
export function repeat_bytes(offsets: usize, values: usize, step: i32, counts: usize, countStep: i32, n: i32, outOffsets: usize, out: usize): i32 {
  let end: usize = 0;
  let total: i64 = 0;
  for (let i = 0; i < n; i++) {
    if (out) mark(outOffsets, i, end);
    const a = from(offsets, values, i * step), size = <i32>(from(offsets, values, i * step + 1) - a);
    const count = load<i64>(counts + (<usize>(i * countStep) << 3));
    if (count < 1 || size == 0) continue;
    if (count > <i64>i32.MAX_VALUE) return -1;
    total += count * size;
    if (total > <i64>i32.MAX_VALUE) return -1;
    if (out) {
      for (let k: i64 = 0; k < count; k++, end += size) copyBytes(out + end, a, size);
    }
  }
  if (out) mark(outOffsets, n, end);
  return <i32>total;
}

/** Text brought to k characters: cut, or filled from the left (side 0) or right (side 1) with the repeated fill. */
export function pad_bytes(side: i32, offsets: usize, values: usize, step: i32, lengths: usize, lengthStep: i32, fillOffsets: usize, fill: usize, fillStep: i32, n: i32, outOffsets: usize, out: usize): i32 {
  let end: usize = 0;
  let total: i64 = 0;
  for (let i = 0; i < n; i++) {
    if (out) mark(outOffsets, i, end);
    const a = from(offsets, values, i * step), b = from(offsets, values, i * step + 1);
    const f0 = from(fillOffsets, fill, i * fillStep), f1 = from(fillOffsets, fill, i * fillStep + 1);
    const wanted = max<i64>(0, load<i64>(lengths + (<usize>(i * lengthStep) << 3)));
    if (wanted > <i64>i32.MAX_VALUE) return -1;
    const stop = skipCharacters(a, b, wanted);
    const body = <i32>(stop - a);
    let missing = wanted - countCharacters(a, stop);
    if (f0 == f1) missing = 0;
    total += body + padding(f0, f1, missing, 0);
    if (total > <i64>i32.MAX_VALUE) return -1;
    if (!out) continue;
    if (side == 0) end += <usize>padding(f0, f1, missing, out + end);
    copyBytes(out + end, a, body);
    end += body;
    if (side == 1) end += <usize>padding(f0, f1, missing, out + end);
  }
  if (out) mark(outOffsets, n, end);
  return <i32>total;
}

/** Bytes of `count` characters of the repeated fill; written when out ≠ 0. */
function padding(f0: usize, f1: usize, count: i64, out: usize): i64 {
  if (count <= 0) return 0;
  const characters = countCharacters(f0, f1);
  const whole = count / characters;
  const rest = skipCharacters(f0, f1, count % characters) - f0;
  const size = f1 - f0;
  if (out) {
    let at = out;
    for (let k: i64 = 0; k < whole; k++, at += size) copyBytes(at, f0, <i32>size);
    copyBytes(at, f0, <i32>rest);
  }
  return whole * size + rest;
}

/** Characters of `source` become those of `target` at the same place, or vanish. At most 4 bytes come from each byte of text. */
export function translate_bytes(offsets: usize, values: usize, step: i32, sOffsets: usize, s: usize, sStep: i32, tOffsets: usize, t: usize, tStep: i32, n: i32, outOffsets: usize, out: usize): void {
  let end: usize = 0;
  for (let i = 0; i < n; i++) {
    mark(outOffsets, i, end);
    const b = from(offsets, values, i * step + 1);
    const s0 = from(sOffsets, s, i * sStep), s1 = from(sOffsets, s, i * sStep + 1);
    const t0 = from(tOffsets, t, i * tStep), t1 = from(tOffsets, t, i * tStep + 1);
    for (let at = from(offsets, values, i * step); at < b; ) {
      const size = characterBytes(load<u8>(at));
      const index = indexOfCharacter(s0, s1, at, size);
      if (index < 0) {
        copyBytes(out + end, at, size);
        end += size;
      } else {
        const target = skipCharacters(t0, t1, index);
        if (target < t1) {
          const width = characterBytes(load<u8>(target));
          copyBytes(out + end, target, width);
          end += width;
        }
      }
      at += size;
    }
  }
  mark(outOffsets, n, end);
}
