/** Text cells → offsets and bytes, validity, checks of the text itself. */
import { copy_text } from './write-integers';
import { CELL_ESCAPED, CELL_LENGTH, CELL_NULL } from './cell';

/** Bitmap of the rows that are not null (whole 64-bit words); returns the number of nulls. */
export function cells_validity(cells: usize, rows: i32, out: usize): i32 {
  let nulls = 0;
  for (let first = 0; first < rows; first += 64) {
    let word: u64 = 0;
    const count = min<i32>(64, rows - first);
    for (let i = 0; i < count; i++) {
      const isNull = (load<u32>(cells + (((first + i) as usize) << 3), 4) >> 31) as u64;
      word |= (isNull ^ 1) << i;
    }
    nulls += count - (popcnt(word) as i32);
    store<u64>(out + ((first as usize) >> 3), word);
  }
  return nulls;
}

/** Bytes that the text of the cells takes at most. */
export function cells_bytes(cells: usize, rows: i32): u32 {
  let total: u32 = 0;
  for (let row = 0; row < rows; row++) total += load<u32>(cells + ((row as usize) << 3), 4) & CELL_LENGTH;
  return total;
}

// @ts-ignore: decorator
@inline
function hex_word(at: usize): u32 {
  let value: u32 = 0;
  for (let i: usize = 0; i < 4; i++) {
    const byte = load<u8>(at + i) as u32;
    const letter = (byte | 32) - 97;
    const digit = byte - 48 < 10 ? byte - 48 : letter < 6 ? letter + 10 : 0x10000;
    if (digit > 15) return 0xffffffff;
    value = (value << 4) | digit;
  }
  return value;
}

function write_code_point(out: usize, code: u32): usize {
  if (code < 0x80) {
    store<u8>(out, code);
    return out + 1;
  }
  if (code < 0x800) {
    store<u8>(out, 0xc0 | (code >> 6));
    store<u8>(out + 1, 0x80 | (code & 63));
    return out + 2;
  }
  if (code < 0x10000) {
    store<u8>(out, 0xe0 | (code >> 12));
    store<u8>(out + 1, 0x80 | ((code >> 6) & 63));
    store<u8>(out + 2, 0x80 | (code & 63));
    return out + 3;
  }
  store<u8>(out, 0xf0 | (code >> 18));
  store<u8>(out + 1, 0x80 | ((code >> 12) & 63));
  store<u8>(out + 2, 0x80 | ((code >> 6) & 63));
  store<u8>(out + 3, 0x80 | (code & 63));
  return out + 4;
}

/** Undoes JSON's backslashes; 0 when there is one that JSON does not know. A lone surrogate becomes U+FFFD. */
function unescape_json(text: usize, end: usize, out: usize): usize {
  while (text < end) {
    const byte = load<u8>(text++);
    if (byte != 92) {
      store<u8>(out++, byte);
      continue;
    }
    const letter = load<u8>(text++) as u32;
    if (letter == 117) {
      let code = text + 4 <= end ? hex_word(text) : 0xffffffff;
      if (code == 0xffffffff) return 0;
      text += 4;
      if ((code & 0xfc00) == 0xd800 && text + 6 <= end && load<u16>(text) == 0x755c) {
        const low = hex_word(text + 2);
        if ((low & 0xfffffc00) == 0xdc00) {
          code = 0x10000 + ((code & 0x3ff) << 10) + (low & 0x3ff);
          text += 6;
        }
      }
      out = write_code_point(out, (code & 0xfffff800) == 0xd800 ? 0xfffd : code);
      continue;
    }
    let plain: u32 = 0;
    if (letter == 34 || letter == 92 || letter == 47) plain = letter;
    else if (letter == 110) plain = 10;
    else if (letter == 116) plain = 9;
    else if (letter == 114) plain = 13;
    else if (letter == 98) plain = 8;
    else if (letter == 102) plain = 12;
    else return 0;
    store<u8>(out++, plain);
  }
  return out;
}

/**
 * Text of the cells → rows + 1 int32 offsets (from 0) and bytes; json = 1: backslash escapes, 0: doubled quotes. `out` takes cells_bytes
 * and 16 more. Returns the first row with a bad escape, else -1.
 */
export function read_text(cells: usize, rows: i32, offsets: usize, out: usize, json: i32): i32 {
  const start = out;
  for (let row = 0; row < rows; row++) {
    store<i32>(offsets + ((row as usize) << 2), (out - start) as i32);
    const cell = cells + ((row as usize) << 3);
    const word = load<u32>(cell, 4);
    if (word & CELL_NULL) continue;
    const text: usize = load<u32>(cell);
    const length: usize = word & CELL_LENGTH;
    if ((word & CELL_ESCAPED) == 0) {
      out = copy_text(out, text, length);
    } else if (json) {
      out = unescape_json(text, text + length, out);
      if (out == 0) return row;
    } else {
      for (let i: usize = 0; i < length; i++) {
        const byte = load<u8>(text + i);
        store<u8>(out++, byte);
        if (byte == 34) i++;
      }
    }
  }
  store<i32>(offsets + ((rows as usize) << 2), (out - start) as i32);
  return -1;
}

export function count_newlines(start: usize, end: usize): i32 {
  let count = 0;
  let at = start;
  for (; at + 16 <= end; at += 16) count += popcnt(v128.bitmask<i8>(v128.eq<i8>(v128.load(at), i8x16.splat(10))));
  for (; at < end; at++) count += load<u8>(at) == 10 ? 1 : 0;
  return count;
}

/** Address of the first byte in [start, end) that is not UTF-8 (overlong forms, surrogates and cut sequences included); 0 = none. */
export function check_utf8(start: usize, end: usize): usize {
  let at = start;
  while (at < end) {
    if (at + 16 <= end && v128.bitmask<i8>(v128.load(at)) == 0) {
      at += 16;
      continue;
    }
    const first = load<u8>(at) as u32;
    if (first < 0x80) {
      at++;
      continue;
    }
    const length: usize = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || at + length > end) return at;
    const second = load<u8>(at, 1) as u32;
    if ((second & 0xc0) != 0x80) return at;
    if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f)) return at;
    if ((first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f)) return at;
    for (let i: usize = 2; i < length; i++) if ((load<u8>(at + i) & 0xc0) != 0x80) return at;
    at += length;
  }
  return 0;
}
