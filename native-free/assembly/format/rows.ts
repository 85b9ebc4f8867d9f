/**
 * Columns → rows of text, one fused loop over a table of column descriptors that the caller fills.
 *
 * Plan (32 bytes): i32 [columns, style, rowEnd address, rowEnd length, fixed bytes per row, delimiter, null address, null length];
 * behind it one descriptor of 96 bytes per column, i32 words:
 *   0 kind   1 flags   2 values   3 validity   4 offsets   5 row mask (0: one value for all rows, -1: a value per row)
 *   6 dictionary offsets (0 = none; then values are codes)   7 dictionary values   8 scale or digits behind the point
 *   9 prefix address (what stands before the value: separators, member name)   10 prefix length   11 free   12–19 cache of the day's text
 */
import { copy_text, write_decimal, write_i64, write_u64 } from './write-integers';
import { write_f32, write_f64 } from './write-floats';
import { write_base64, write_csv_string, write_hex, write_json_string, write_tsv_string, write_uuid } from './write-strings';
import { write_date, write_interval, write_time, write_timestamp } from './write-times';

const PLAN_BYTES: usize = 32;
const COLUMN_BYTES: usize = 96;

const JSON: i32 = 0;
const CSV: i32 = 1;

const QUOTED: i32 = 1;
const NONFINITE_TEXT: i32 = 2;

const NULL: i32 = 0;
const BOOL: i32 = 1;
const I8: i32 = 2;
const I16: i32 = 3;
const I32: i32 = 4;
const I64: i32 = 5;
const U8: i32 = 6;
const U16: i32 = 7;
const U32: i32 = 8;
const U64: i32 = 9;
const F32: i32 = 10;
const F64: i32 = 11;
const DECIMAL: i32 = 12;
const DATE: i32 = 13;
const TIME: i32 = 14;
const TIMESTAMP: i32 = 15;
const UUID: i32 = 16;
const INTERVAL: i32 = 17;
const TEXT: i32 = 18;
const BINARY: i32 = 19;
const RAW: i32 = 20;

// @ts-ignore: decorator
@inline
function write_nonfinite(out: usize, isNaN: bool, negative: bool, flags: i32, plan: usize): usize {
  const json = load<i32>(plan, 4) == JSON;
  if (json && (flags & NONFINITE_TEXT) == 0) return copy_text(out, load<u32>(plan, 24), load<i32>(plan, 28));
  if (json) store<u8>(out++, 34);
  if (!isNaN && negative) store<u8>(out++, 45);
  if (isNaN) {
    store<u32>(out, 0x4e614e); // "NaN"
    out += 3;
  } else {
    store<u64>(out, 0x7974696e69666e49); // "Infinity"
    out += 8;
  }
  if (json) store<u8>(out++, 34);
  return out;
}

/** Text, binary and ready-made text; 0 when it does not surely fit before `limit`. */
function write_bytes(column: usize, index: usize, out: usize, limit: usize, plan: usize): usize {
  let offsets: usize = load<u32>(column, 16);
  let values: usize = load<u32>(column, 8);
  const kind = load<i32>(column);
  if (load<u32>(column, 24) != 0) {
    index = load<u32>(values + (index << 2));
    offsets = load<u32>(column, 24);
    values = load<u32>(column, 28);
  }
  const first = load<i32>(offsets + (index << 2));
  const length = load<i32>(offsets + (index << 2), 4) - first;
  const text = values + first;
  if ((out as u64) + 6 * (length as u64) > (limit as u64)) return 0;
  const style = load<i32>(plan, 4);
  if (kind == TEXT) {
    if (style == JSON) return write_json_string(out, text, length);
    return style == CSV ? write_csv_string(out, text, length, load<i32>(plan, 20)) : write_tsv_string(out, text, length);
  }
  if (kind == RAW) return copy_text(out, text, length);
  if (style == JSON) {
    store<u8>(out, 34);
    out = write_base64(out + 1, text, length);
    store<u8>(out, 34);
    return out + 1;
  }
  if (style != CSV) store<u8>(out++, 92);
  store<u16>(out, 0x785c); // "\x"
  return write_hex(out + 2, text, length);
}

/** Values of fixed width. */
function write_value(kind: i32, column: usize, index: usize, out: usize, plan: usize): usize {
  const values: usize = load<u32>(column, 8);
  const flags = load<i32>(column, 4);
  switch (kind) {
    case BOOL:
      if ((load<u8>(values + (index >> 3)) >> ((index & 7) as u8)) & 1) {
        store<u32>(out, 0x65757274); // "true"
        return out + 4;
      }
      store<u64>(out, 0x65736c6166); // "false"
      return out + 5;
    case I8:
      return write_i64(out, load<i8>(values + index));
    case I16:
      return write_i64(out, load<i16>(values + (index << 1)));
    case I32:
      return write_i64(out, load<i32>(values + (index << 2)));
    case U8:
      return write_u64(out, load<u8>(values + index));
    case U16:
      return write_u64(out, load<u16>(values + (index << 1)));
    case U32:
      return write_u64(out, load<u32>(values + (index << 2)));
    case I64: {
      const value = load<i64>(values + (index << 3));
      if ((flags & QUOTED) == 0) return write_i64(out, value);
      store<u8>(out, 34);
      out = write_i64(out + 1, value);
      store<u8>(out, 34);
      return out + 1;
    }
    case U64: {
      const value = load<u64>(values + (index << 3));
      if ((flags & QUOTED) == 0) return write_u64(out, value);
      store<u8>(out, 34);
      out = write_u64(out + 1, value);
      store<u8>(out, 34);
      return out + 1;
    }
    case F32: {
      const value = load<f32>(values + (index << 2));
      if (abs<f32>(value) < f32.POSITIVE_INFINITY) return write_f32(out, value);
      return write_nonfinite(out, value != value, value < 0, flags, plan);
    }
    case F64: {
      const value = load<f64>(values + (index << 3));
      if (abs<f64>(value) < f64.POSITIVE_INFINITY) return write_f64(out, value);
      return write_nonfinite(out, value != value, value < 0, flags, plan);
    }
    case DECIMAL:
      return write_decimal(out, values + (index << 4), load<i32>(column, 32));
  }
  if (flags & QUOTED) store<u8>(out++, 34);
  switch (kind) {
    case DATE:
      out = write_date(out, load<i32>(values + (index << 2)) as i64);
      break;
    case TIME:
      out = write_time(out, load<i64>(values + (index << 3)), load<i32>(column, 32));
      break;
    case TIMESTAMP:
      out = write_timestamp(out, load<i64>(values + (index << 3)), load<i32>(column, 32), column + 48);
      break;
    case UUID:
      out = write_uuid(out, values + (index << 4));
      break;
    case INTERVAL:
      out = write_interval(out, values + (index << 4));
      break;
  }
  if (flags & QUOTED) store<u8>(out++, 34);
  return out;
}

/**
 * Writes rows [start, end) at out, as many as surely fit before limit; returns the first row that was not written.
 * The address behind the last whole row is stored (u32) at result.
 */
export function encode_rows(plan: usize, start: i32, end: i32, out: usize, limit: usize, result: usize): i32 {
  const columns = load<i32>(plan);
  const rowEnd: usize = load<u32>(plan, 8);
  const rowEndLength = load<i32>(plan, 12);
  const fixedBytes: usize = load<u32>(plan, 16);
  const nullText: usize = load<u32>(plan, 24);
  const nullLength = load<i32>(plan, 28);
  const first = plan + PLAN_BYTES;
  const last = first + (columns as usize) * COLUMN_BYTES;
  let row = start;
  for (; row < end; row++) {
    if (out + fixedBytes > limit) break;
    const rowStart = out;
    for (let column = first; column < last; column += COLUMN_BYTES) {
      const prefixLength = load<i32>(column, 40);
      out = copy_text(out, load<u32>(column, 36), prefixLength);
      const kind = load<i32>(column);
      const index: usize = row & load<i32>(column, 20);
      const validity: usize = load<u32>(column, 12);
      if (kind == NULL || (validity != 0 && ((load<u8>(validity + (index >> 3)) >> ((index & 7) as u8)) & 1) == 0)) {
        store<u32>(out, load<u32>(nullText));
        out += nullLength;
      } else if (kind < TEXT) {
        out = write_value(kind, column, index, out, plan);
      } else {
        out = write_bytes(column, index, out, limit - fixedBytes, plan);
        if (out == 0) {
          store<u32>(result, rowStart as u32);
          return row;
        }
      }
    }
    v128.store(out, v128.load(rowEnd));
    out += rowEndLength;
  }
  store<u32>(result, out as u32);
  return row;
}
