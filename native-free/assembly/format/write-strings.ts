/** Bytes of text as JSON, CSV and TSV want them. Sources may be read up to 15 bytes behind their end; every function returns the end. */
import { copy_text } from './write-integers';

const HEX: usize = memory.data<u8>([48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 97, 98, 99, 100, 101, 102]);
const BASE64: usize = memory.data<u8>([
  65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 97, 98, 99, 100, 101, 102, 103, 104, 105,
  106, 107, 108, 109, 110, 111, 112, 113, 114, 115, 116, 117, 118, 119, 120, 121, 122, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 43, 47,
]);

/** Short escapes of JSON by control character; 0 = \u00xx. */
// @ts-ignore: decorator
@inline
function json_letter(byte: u32): u32 {
  if (byte == 34 || byte == 92) return byte;
  if (byte == 10) return 110;
  if (byte == 9) return 116;
  if (byte == 13) return 114;
  if (byte == 8) return 98;
  return byte == 12 ? 102 : 0;
}

/** "text", escaped. Writes at most 6 * length + 2 bytes, and may scribble 16 more. */
export function write_json_string(out: usize, text: usize, length: i32): usize {
  store<u8>(out++, 34);
  const end = text + length;
  while (text < end) {
    const bytes = v128.load(text);
    let mask = v128.bitmask<i8>(
      v128.or(
        v128.or(v128.eq<i8>(bytes, i8x16.splat(34)), v128.eq<i8>(bytes, i8x16.splat(92))),
        v128.lt<u8>(bytes, i8x16.splat(32)),
      ),
    );
    v128.store(out, bytes);
    const left = (end - text) as i32;
    const clean = min<i32>(mask == 0 ? 16 : ctz(mask), left);
    out += clean;
    text += clean;
    if (clean == left || mask == 0) continue;
    const byte = load<u8>(text++) as u32;
    const letter = json_letter(byte);
    store<u8>(out, 92);
    if (letter != 0) {
      store<u8>(out + 1, letter);
      out += 2;
    } else {
      store<u32>(out + 1, 0x303075); // "u00"
      store<u8>(out + 4, load<u8>(HEX + (byte >> 4)));
      store<u8>(out + 5, load<u8>(HEX + (byte & 15)));
      out += 6;
    }
  }
  store<u8>(out, 34);
  return out + 1;
}

/** True when a CSV reader needs quotes around the text: it is empty, is \N, or has the delimiter, a quote or a line end in it. */
function needs_quotes(text: usize, length: i32, delimiter: i32): bool {
  if (length == 0) return true;
  if (length == 2 && load<u16>(text) == 0x4e5c) return true;
  const end = text + length;
  for (let at = text; at < end; at += 16) {
    const bytes = v128.load(at);
    const special = v128.or(
      v128.or(v128.eq<i8>(bytes, i8x16.splat(delimiter as i8)), v128.eq<i8>(bytes, i8x16.splat(34))),
      v128.or(v128.eq<i8>(bytes, i8x16.splat(10)), v128.eq<i8>(bytes, i8x16.splat(13))),
    );
    const mask = v128.bitmask<i8>(special);
    if (mask != 0 && at + ctz(mask) < end) return true;
  }
  const first = load<u8>(text);
  const last = load<u8>(end - 1);
  return first == 32 || last == 32 || first == 9 || last == 9;
}

/** A CSV cell (RFC 4180). Writes at most 2 * length + 2 bytes, and may scribble 16 more. */
export function write_csv_string(out: usize, text: usize, length: i32, delimiter: i32): usize {
  if (!needs_quotes(text, length, delimiter)) {
    return copy_text(out, text, length);
  }
  store<u8>(out++, 34);
  for (const end = text + length; text < end; text++) {
    const byte = load<u8>(text);
    store<u8>(out++, byte);
    if (byte == 34) store<u8>(out++, 34);
  }
  store<u8>(out, 34);
  return out + 1;
}

/** A TSV cell: tab, line ends and backslash are escaped. Writes at most 2 * length bytes, and may scribble 16 more. */
export function write_tsv_string(out: usize, text: usize, length: i32): usize {
  const end = text + length;
  while (text < end) {
    const bytes = v128.load(text);
    const special = v128.or(
      v128.or(v128.eq<i8>(bytes, i8x16.splat(9)), v128.eq<i8>(bytes, i8x16.splat(92))),
      v128.or(v128.eq<i8>(bytes, i8x16.splat(10)), v128.eq<i8>(bytes, i8x16.splat(13))),
    );
    const mask = v128.bitmask<i8>(special);
    v128.store(out, bytes);
    const left = (end - text) as i32;
    const clean = min<i32>(mask == 0 ? 16 : ctz(mask), left);
    out += clean;
    text += clean;
    if (clean == left || mask == 0) continue;
    const byte = load<u8>(text++);
    store<u8>(out, 92);
    store<u8>(out + 1, byte == 9 ? 116 : byte == 10 ? 110 : byte == 13 ? 114 : 92);
    out += 2;
  }
  return out;
}

export function write_hex(out: usize, source: usize, length: i32): usize {
  for (let i = 0; i < length; i++) {
    const byte = load<u8>(source + i) as usize;
    store<u8>(out, load<u8>(HEX + (byte >> 4)));
    store<u8>(out + 1, load<u8>(HEX + (byte & 15)));
    out += 2;
  }
  return out;
}

export function write_uuid(out: usize, source: usize): usize {
  out = write_hex(out, source, 4);
  store<u8>(out, 45);
  out = write_hex(out + 1, source + 4, 2);
  store<u8>(out, 45);
  out = write_hex(out + 1, source + 6, 2);
  store<u8>(out, 45);
  out = write_hex(out + 1, source + 8, 2);
  store<u8>(out, 45);
  return write_hex(out + 1, source + 10, 6);
}

export function write_base64(out: usize, source: usize, length: i32): usize {
  const end = source + length;
  for (; source < end; source += 3) {
    const left = end - source;
    const word = ((load<u8>(source) as u32) << 16) | (left > 1 ? (load<u8>(source, 1) as u32) << 8 : 0) | (left > 2 ? load<u8>(source, 2) as u32 : 0);
    store<u8>(out, load<u8>(BASE64 + (word >> 18)));
    store<u8>(out + 1, load<u8>(BASE64 + ((word >> 12) & 63)));
    store<u8>(out + 2, left > 1 ? load<u8>(BASE64 + ((word >> 6) & 63)) : 61);
    store<u8>(out + 3, left > 2 ? load<u8>(BASE64 + (word & 63)) : 61);
    out += 4;
  }
  return out;
}
