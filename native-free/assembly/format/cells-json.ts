/** JSON text → cells: objects one after the other (NDJSON), or one array of objects. */
import { CELL_ESCAPED, CELL_NULL, CELL_QUOTED, is_digit, store_cell } from './cell';

const MALFORMED: i32 = 1;
const UNKNOWN_NAME: i32 = 2;
const NO_OBJECT: i32 = 3;

const START: i32 = 0;
const FIRST_ITEM: i32 = 1;
const AFTER_ITEM: i32 = 2;
const NEXT_ITEM: i32 = 3;
const ENDED: i32 = 4;
const LINES: i32 = 5;

const FOUND: i32 = 0;
const MORE: i32 = 1;
const FAILED: i32 = 2;

/** Results of the functions below: what happened, and where. */
let outcome: i32 = 0;
let failure: i32 = 0;
let place: usize = 0;
let valueFlags: u32 = 0;

// @ts-ignore: decorator
@inline
function skip_space(at: usize, end: usize): usize {
  while (at < end) {
    const byte = load<u8>(at);
    if (byte > 32 || (byte != 32 && byte != 10 && byte != 13 && byte != 9)) break;
    at++;
  }
  return at;
}

// @ts-ignore: decorator
@inline
function fail(at: usize, end: usize, code: i32): usize {
  outcome = at >= end ? MORE : FAILED;
  failure = code;
  place = at;
  return at;
}

/** `at` is behind the opening quote. Returns the address of the closing one; valueFlags tells of backslashes. */
function string_end(at: usize, end: usize): usize {
  valueFlags = CELL_QUOTED;
  while (at < end) {
    const bytes = v128.load(at);
    const mask = v128.bitmask<i8>(
      v128.or(
        v128.or(v128.eq<i8>(bytes, i8x16.splat(34)), v128.eq<i8>(bytes, i8x16.splat(92))),
        v128.lt<u8>(bytes, i8x16.splat(32)),
      ),
    );
    if (mask == 0) {
      at += 16;
      continue;
    }
    at += ctz(mask);
    if (at >= end) break;
    const byte = load<u8>(at);
    if (byte == 34) {
      outcome = FOUND;
      return at;
    }
    if (byte != 92) return fail(at, end, MALFORMED);
    valueFlags |= CELL_ESCAPED;
    at += 2;
  }
  return fail(end, end, MALFORMED);
}

/** `at` is at { or [. Returns the address behind the bracket that closes it. */
function nested_end(at: usize, end: usize): usize {
  let depth = 0;
  while (at < end) {
    const byte = load<u8>(at++);
    if (byte == 34) {
      at = string_end(at, end);
      if (outcome != FOUND) return at;
      at++;
    } else if (byte == 123 || byte == 91) depth++;
    else if (byte == 125 || byte == 93) {
      if (--depth == 0) {
        outcome = FOUND;
        return at;
      }
    }
  }
  return fail(end, end, MALFORMED);
}

// @ts-ignore: decorator
@inline
function ends_value(byte: u32): bool {
  return byte == 44 || byte == 125 || byte == 93 || byte <= 32;
}

/** Stores the value at `at` (a number, literal, string or nested text) in `cell`; returns the address behind it. */
function read_value(at: usize, end: usize, cell: usize): usize {
  if (at >= end) return fail(end, end, MALFORMED);
  const first = load<u8>(at) as u32;
  if (first == 34) {
    const stop = string_end(at + 1, end);
    if (outcome == FOUND) store_cell(cell, at + 1, stop - at - 1, valueFlags);
    return stop + 1;
  }
  if (first == 123 || first == 91) {
    const stop = nested_end(at, end);
    if (outcome == FOUND) store_cell(cell, at, stop - at, 0);
    return stop;
  }
  let stop = at;
  while (stop < end && !ends_value(load<u8>(stop))) stop++;
  if (stop == end) return fail(end, end, MALFORMED);
  const length = stop - at;
  const isNull = length == 4 && load<u32>(at) == 0x6c6c756e;
  const isTrue = length == 4 && load<u32>(at) == 0x65757274;
  const isFalse = length == 5 && load<u32>(at) == 0x736c6166 && load<u8>(at, 4) == 101;
  if (!isNull && !isTrue && !isFalse && !(first == 45 || is_digit(first))) return fail(at, end, MALFORMED);
  store_cell(cell, at, length, isNull ? CELL_NULL : 0);
  outcome = FOUND;
  return stop;
}

// @ts-ignore: decorator
@inline
function lower(byte: u8): u8 {
  return byte - 65 < 26 ? byte | 32 : byte;
}

// @ts-ignore: decorator
@inline
function same_name(names: usize, column: i32, text: usize, length: usize, anyCase: bool): bool {
  const name = names + ((column as usize) << 3);
  if ((load<u32>(name, 4) as usize) != length) return false;
  const known: usize = load<u32>(name);
  if (!anyCase && length <= 16) {
    const differing = v128.bitmask<i8>(v128.ne<i8>(v128.load(known), v128.load(text)));
    return (differing & ((1 << (length as i32)) - 1)) == 0;
  }
  for (let i: usize = 0; i < length; i++) {
    const a = load<u8>(known + i);
    const b = load<u8>(text + i);
    if (a != b && !(anyCase && lower(a) == lower(b))) return false;
  }
  return true;
}

/** The column of a member name: first the one that is expected next, then any, then any without regard to case; -1 = none. */
function find_column(names: usize, columns: i32, expected: i32, text: usize, length: usize): i32 {
  if (expected < columns && same_name(names, expected, text, length, false)) return expected;
  for (let i = 0; i < columns; i++) if (same_name(names, i, text, length, false)) return i;
  for (let i = 0; i < columns; i++) if (same_name(names, i, text, length, true)) return i;
  return -1;
}

/** `at` is behind the opening brace. Stores the members' cells; returns the address behind the closing brace. */
function read_object(at: usize, end: usize, names: usize, columns: i32, cell: usize, stride: usize): usize {
  for (let i: usize = 0; i < (columns as usize); i++) store<u32>(cell + i * stride, CELL_NULL, 4);
  at = skip_space(at, end);
  if (at < end && load<u8>(at) == 125) {
    outcome = FOUND;
    return at + 1;
  }
  let expected = 0;
  for (;;) {
    at = skip_space(at, end);
    if (at >= end || load<u8>(at) != 34) return fail(at, end, MALFORMED);
    const name = at + 1;
    const nameEnd = string_end(name, end);
    if (outcome != FOUND) return nameEnd;
    const column = find_column(names, columns, expected, name, nameEnd - name);
    at = skip_space(nameEnd + 1, end);
    if (at >= end || load<u8>(at) != 58) return fail(at, end, MALFORMED);
    if (column < 0) {
      outcome = FAILED;
      failure = UNKNOWN_NAME;
      place = name;
      return at;
    }
    at = read_value(skip_space(at + 1, end), end, cell + (column as usize) * stride);
    if (outcome != FOUND) return at;
    expected = column + 1;
    at = skip_space(at, end);
    if (at >= end) return fail(end, end, MALFORMED);
    const byte = load<u8>(at++);
    if (byte == 125) return at;
    if (byte != 44) break;
  }
  return fail(at - 1, end, MALFORMED);
}

/** What stands between objects. Returns the address of the next object's brace; outcome MORE: none yet, FAILED: something else. */
function to_object(at: usize, end: usize, plan: usize): usize {
  for (;;) {
    at = skip_space(at, end);
    if (at >= end) break;
    const state = load<i32>(plan, 36);
    const byte = load<u8>(at);
    if (byte == 123 && state != AFTER_ITEM && state != ENDED) {
      if (state == START) store<i32>(plan, LINES, 36);
      outcome = FOUND;
      return at;
    }
    if (byte == 91 && state == START) store<i32>(plan, FIRST_ITEM, 36);
    else if (byte == 44 && state == AFTER_ITEM) store<i32>(plan, NEXT_ITEM, 36);
    else if (byte == 93 && (state == AFTER_ITEM || state == FIRST_ITEM)) store<i32>(plan, ENDED, 36);
    else break;
    at++;
  }
  return fail(at, end, NO_OBJECT);
}

/**
 * Cuts [start, end) into cells of whole objects. Plan, i32 words: 0 columns, 1 rows that fit, 2 address of the cells, 3 address of the
 * columns' names (8 bytes each: u32 address, u32 length); written: 4 address behind the last whole object, 5 failure (0 none, 1 malformed,
 * 2 unknown member, 3 no object), 6 its address; kept between calls: 9 state (0 at first; 1, 3 and 2 inside an array, 4 and 5 at an end). Names are
 * readable 16 bytes past their end.
 * Returns the number of rows. The text must be readable 16 bytes past its end.
 */
export function json_cells(plan: usize, start: usize, end: usize): i32 {
  const columns = load<i32>(plan);
  const capacity = load<i32>(plan, 4);
  const cells: usize = load<u32>(plan, 8);
  const names: usize = load<u32>(plan, 12);
  const stride = (capacity as usize) << 3;
  store<i32>(plan, 0, 20);
  let consumed = start;
  let row = 0;
  while (row < capacity) {
    const object = to_object(consumed, end, plan);
    consumed = object;
    if (outcome == FOUND) consumed = read_object(object + 1, end, names, columns, cells + ((row as usize) << 3), stride);
    if (outcome != FOUND) {
      if (outcome == FAILED) {
        store<i32>(plan, failure, 20);
        store<u32>(plan, place as u32, 24);
      }
      consumed = object;
      break;
    }
    if (load<i32>(plan, 36) != LINES) store<i32>(plan, AFTER_ITEM, 36);
    row++;
  }
  store<u32>(plan, consumed as u32, 16);
  return row;
}
