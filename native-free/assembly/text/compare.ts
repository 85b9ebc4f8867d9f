// Text and binary: comparison by bytes, prefixes, containment, LIKE, sets. A step of 0 means a constant operand.
import { characterBytes, findBytes, hashBytes, sameBytes } from '../shared/utf8';

// @ts-ignore: decorator
@inline
function startOf(offsets: usize, i: i32): i32 {
  return load<i32>(offsets + (<usize>i << 2));
}

// @ts-ignore: decorator
@inline
function orderBytes(a: usize, aSize: i32, b: usize, bSize: i32): i32 {
  const size = min(aSize, bSize);
  let k = 0;
  for (; k + 8 <= size; k += 8) {
    const x = load<u64>(a + k), y = load<u64>(b + k);
    if (x != y) return bswap<u64>(x) < bswap<u64>(y) ? -1 : 1;
  }
  for (; k < size; k++) {
    const x = <i32>load<u8>(a + k), y = <i32>load<u8>(b + k);
    if (x != y) return x - y;
  }
  return aSize - bSize;
}

/** Operations: eq 0, ne 1, lt 2, le 3, gt 4, ge 5. */
export function compare_bytes(op: i32, aOffsets: usize, a: usize, aStep: i32, bOffsets: usize, b: usize, bStep: i32, n: i32, out: usize): void {
  for (let i = 0; i < n; i += 64) {
    let word: u64 = 0;
    const end = min(64, n - i);
    for (let k = 0; k < end; k++) {
      const x = aOffsets + (<usize>((i + k) * aStep) << 2), y = bOffsets + (<usize>((i + k) * bStep) << 2);
      const x0 = load<i32>(x), y0 = load<i32>(y);
      const xs = load<i32>(x, 4) - x0, ys = load<i32>(y, 4) - y0;
      let result: bool;
      if (op < 2) result = (xs == ys && sameBytes(a + x0, b + y0, xs)) == (op == 0);
      else {
        const order = orderBytes(a + x0, xs, b + y0, ys);
        result = op == 2 ? order < 0 : op == 3 ? order <= 0 : op == 4 ? order > 0 : order >= 0;
      }
      word |= (<u64>result) << k;
    }
    store<u64>(out + (i >> 3), word);
  }
}

/** kind: 0 a starts with b, 1 a ends with b, 2 a contains b. */
export function match_bytes(kind: i32, aOffsets: usize, a: usize, aStep: i32, bOffsets: usize, b: usize, bStep: i32, n: i32, out: usize): void {
  if (kind == 2 && aStep == 1 && bStep == 0) {
    const size = startOf(bOffsets, 1) - startOf(bOffsets, 0);
    if (size > 0) {
      searchRows(aOffsets, a, n, b + startOf(bOffsets, 0), 1, size, 0, 0, out);
      return;
    }
  }
  for (let i = 0; i < n; i += 64) {
    let word: u64 = 0;
    const end = min(64, n - i);
    for (let k = 0; k < end; k++) {
      const ai = (i + k) * aStep, bi = (i + k) * bStep;
      const x = a + startOf(aOffsets, ai), y = b + startOf(bOffsets, bi);
      const xs = startOf(aOffsets, ai + 1) - startOf(aOffsets, ai), ys = startOf(bOffsets, bi + 1) - startOf(bOffsets, bi);
      let result = ys <= xs;
      if (result) result = kind == 0 ? sameBytes(x, y, ys) : kind == 1 ? sameBytes(x + xs - ys, y, ys) : findBytes(x, x + xs, y, ys) != 0;
      word |= (<u64>result) << k;
    }
    store<u64>(out + (i >> 3), word);
  }
}

// @ts-ignore: decorator
@inline const ANY_CHARACTER = 256;
// @ts-ignore: decorator
@inline const ANY_RUN = 257;

// @ts-ignore: decorator
@inline
function folded(byte: u32): u32 {
  return byte - 65 < 26 ? byte + 32 : byte;
}

/** LIKE over tokens (u16 each: a byte, 256 = one character, 257 = any run). With fold, ASCII letters match either case (tokens are lower). */
export function like_bytes(offsets: usize, values: usize, n: i32, tokens: usize, tokenCount: i32, fold: i32, out: usize): void {
  const size = fold ? 0 : firstInside(tokens, tokenCount);
  if (size > 0) {
    searchRows(offsets, values, n, tokens + 2, 2, size, tokens + 2 + (<usize>size << 1), tokenCount - 1 - size, out);
    return;
  }
  for (let i = 0; i < n; i += 64) {
    let word: u64 = 0;
    const end = min(64, n - i);
    for (let k = 0; k < end; k++) {
      const from = values + startOf(offsets, i + k), to = values + startOf(offsets, i + k + 1);
      word |= (<u64>likeMatches(from, to, tokens, tokenCount, fold)) << k;
    }
    store<u64>(out + (i >> 3), word);
  }
}

/** Bytes of the first word of a pattern of words between runs; 0 for other patterns. */
function firstInside(tokens: usize, count: i32): i32 {
  if (count < 3 || tokenAt(tokens, 0) != ANY_RUN || tokenAt(tokens, count - 1) != ANY_RUN) return 0;
  let size = -1;
  for (let t = 1; t < count; t++) {
    const token = tokenAt(tokens, t);
    if (token == ANY_CHARACTER) return 0;
    if (token == ANY_RUN && size < 0) size = t - 1;
  }
  return size;
}

// @ts-ignore: decorator
@inline
function tokenAt(tokens: usize, t: i32): i32 {
  return <i32>load<u16>(tokens + (<usize>t << 1));
}

/**
 * Bitmap of the rows that have the word (a byte every `step` bytes), with the rest of a LIKE pattern after its first place (no tokens: anything).
 * The bytes of all rows are searched in one go, since few of them have the word.
 */
function searchRows(
  offsets: usize, values: usize, n: i32, word: usize, step: usize, size: i32, rest: usize, restCount: i32, out: usize,
): void {
  for (let i = 0; i < n; i += 64) store<u64>(out + (i >> 3), 0);
  const end = values + startOf(offsets, n);
  let at = values + startOf(offsets, 0);
  let row = 0;
  while (true) {
    at = findWord(at, end, word, step, size);
    if (at == 0) return;
    while (values + startOf(offsets, row + 1) <= at) row++;
    const rowEnd = values + startOf(offsets, row + 1);
    if (at + size > rowEnd) {
      at++;
      continue;
    }
    if (restCount == 0 || likeMatches(at + size, rowEnd, rest, restCount, 0)) {
      const bits = out + ((row >> 6) << 3);
      store<u64>(bits, load<u64>(bits) | ((<u64>1) << (row & 63)));
    }
    at = rowEnd;
  }
}

/** First place of a word in [at, end), or 0: places where its first and its last byte fit are looked at. */
function findWord(at: usize, end: usize, word: usize, step: usize, size: i32): usize {
  const reach = <usize>(size - 1);
  const firsts = i8x16.splat(load<i8>(word)), lasts = i8x16.splat(load<i8>(word + reach * step));
  for (; at + reach + 16 <= end; at += 16) {
    let places = i8x16.bitmask(v128.and(i8x16.eq(v128.load(at), firsts), i8x16.eq(v128.load(at + reach), lasts)));
    for (; places; places &= places - 1) {
      const place = at + <usize>ctz(places);
      if (isWord(place, word, step, size)) return place;
    }
  }
  for (; at + size <= end; at++) if (isWord(at, word, step, size)) return at;
  return 0;
}

// @ts-ignore: decorator
@inline
function isWord(at: usize, word: usize, step: usize, size: i32): bool {
  let k: usize = 0;
  while (k < <usize>size && load<u8>(at + k) == load<u8>(word + k * step)) k++;
  return k == <usize>size;
}

/** Greedy with one point of return: the last run seen. */
function likeMatches(at: usize, end: usize, tokens: usize, count: i32, fold: i32): bool {
  let t = 0, runToken = -1;
  let runAt: usize = 0;
  while (true) {
    if (t < count && <i32>load<u16>(tokens + (<usize>t << 1)) == ANY_RUN) {
      runToken = ++t;
      runAt = at;
      if (t == count) return true;
      continue;
    }
    if (at == end) {
      if (t == count) return true;
    } else if (t < count) {
      const token = <i32>load<u16>(tokens + (<usize>t << 1));
      const byte = <u32>load<u8>(at);
      if (token == ANY_CHARACTER) {
        at += characterBytes(byte);
        t++;
        continue;
      }
      if (<i32>(fold ? folded(byte) : byte) == token) {
        at++;
        t++;
        continue;
      }
    }
    if (runToken < 0 || runAt >= end) return false;
    runAt += characterBytes(load<u8>(runAt));
    at = runAt;
    t = runToken;
  }
}

/** Fills a hash table (power of two slots, −1 = empty) with the indices of the set's values. */
export function build_bytes_set(offsets: usize, values: usize, count: i32, table: usize, mask: i32): void {
  for (let i = 0; i < count; i++) {
    const first = startOf(offsets, i);
    let slot = <i32>hashBytes(values + first, startOf(offsets, i + 1) - first) & mask;
    while (load<i32>(table + (<usize>slot << 2)) >= 0) slot = (slot + 1) & mask;
    store<i32>(table + (<usize>slot << 2), i);
  }
}

/** Bitmap of the values that are in the set. */
export function in_bytes(offsets: usize, values: usize, n: i32, setOffsets: usize, setValues: usize, table: usize, mask: i32, out: usize): void {
  for (let i = 0; i < n; i += 64) {
    let word: u64 = 0;
    const end = min(64, n - i);
    for (let k = 0; k < end; k++) {
      const first = startOf(offsets, i + k);
      word |= (<u64>(findIn(values + first, startOf(offsets, i + k + 1) - first, setOffsets, setValues, table, mask) >= 0)) << k;
    }
    store<u64>(out + (i >> 3), word);
  }
}

// @ts-ignore: decorator
@inline
function findIn(at: usize, size: i32, offsets: usize, values: usize, table: usize, mask: i32): i32 {
  let slot = <i32>hashBytes(at, size) & mask;
  while (true) {
    const index = load<i32>(table + (<usize>slot << 2));
    if (index < 0) return -1;
    const first = startOf(offsets, index);
    if (startOf(offsets, index + 1) - first == size && sameBytes(at, values + first, size)) return index;
    slot = (slot + 1) & mask;
  }
}

/** Numbers equal values alike: codes in order of first appearance to outCodes, the row of each code's first value to outRows. Returns how many. */
export function dedupe_bytes(offsets: usize, values: usize, n: i32, table: usize, mask: i32, outCodes: usize, outRows: usize): i32 {
  let count = 0;
  for (let i = 0; i < n; i++) {
    const first = startOf(offsets, i), size = startOf(offsets, i + 1) - first;
    let slot = <i32>hashBytes(values + first, size) & mask;
    let code = -1;
    while (true) {
      code = load<i32>(table + (<usize>slot << 2));
      if (code < 0) break;
      const row = load<i32>(outRows + (<usize>code << 2));
      const other = startOf(offsets, row);
      if (startOf(offsets, row + 1) - other == size && sameBytes(values + first, values + other, size)) break;
      slot = (slot + 1) & mask;
    }
    if (code < 0) {
      code = count++;
      store<i32>(table + (<usize>slot << 2), code);
      store<i32>(outRows + (<usize>code << 2), i);
    }
    store<i32>(outCodes + (<usize>i << 2), code);
  }
  return count;
}
