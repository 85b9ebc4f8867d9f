/** CSV text → cells (RFC 4180; lines may end in \n or \r\n; empty lines between rows of several columns are skipped). */
import { CELL_ESCAPED, CELL_NULL, CELL_QUOTED, store_cell } from './cell';

const WRONG_COUNT: i32 = 1;
const AFTER_QUOTE: i32 = 2;
const UNCLOSED: i32 = 3;

const DELIMITER: i32 = 0;
const LINE_END: i32 = 1;
const DATA_END: i32 = 2;
const INCOMPLETE: i32 = 3;
const FAILED: i32 = 4;

/** How the cell that was read last ended, and where the next one starts. */
let ending: i32 = 0;
let next: usize = 0;
let failure: i32 = 0;

/** Where the unquoted cell at `at` ends: at a delimiter, at a line end, or at `end`. */
// @ts-ignore: decorator
@inline
function find_end(at: usize, end: usize, delimiter: v128): usize {
  for (; at < end; at += 16) {
    const bytes = v128.load(at);
    const mask = v128.bitmask<i8>(v128.or(v128.eq<i8>(bytes, delimiter), v128.eq<i8>(bytes, i8x16.splat(10))));
    if (mask != 0) return min<usize>(at + ctz(mask), end);
  }
  return end;
}

// @ts-ignore: decorator
@inline
function read_plain(at: usize, end: usize, delimiter: v128, cell: usize, last: bool): void {
  const stop = find_end(at, end, delimiter);
  let length = stop - at;
  if (stop == end) {
    ending = last ? DATA_END : INCOMPLETE;
    next = end;
  } else {
    ending = load<u8>(stop) == 10 ? LINE_END : DELIMITER;
    next = stop + 1;
  }
  if (ending != DELIMITER && length > 0 && load<u8>(stop - 1) == 13) length--;
  const empty = length == 0 || (length == 2 && load<u16>(at) == 0x4e5c);
  if (cell != 0) store_cell(cell, at, length, empty ? CELL_NULL : 0);
}

function read_quoted(at: usize, end: usize, delimiter: i32, cell: usize, last: bool): void {
  const start = at + 1;
  let escaped: u32 = 0;
  at = start;
  for (;;) {
    while (at < end) {
      const mask = v128.bitmask<i8>(v128.eq<i8>(v128.load(at), i8x16.splat(34)));
      if (mask != 0) {
        at += ctz(mask);
        break;
      }
      at += 16;
    }
    if (at >= end) {
      next = start - 1;
      failure = UNCLOSED;
      ending = last ? FAILED : INCOMPLETE;
      return;
    }
    if (at + 1 < end && load<u8>(at, 1) == 34) {
      escaped = CELL_ESCAPED;
      at += 2;
    } else break;
  }
  if (cell != 0) store_cell(cell, start, at - start, CELL_QUOTED | escaped);
  at++;
  if (at < end && load<u8>(at) == 13) at++;
  next = at + 1;
  if (at >= end) ending = last ? DATA_END : INCOMPLETE;
  else if (load<u8>(at) == 10) ending = LINE_END;
  else if ((load<u8>(at) as i32) == delimiter) ending = DELIMITER;
  else {
    failure = AFTER_QUOTE;
    ending = FAILED;
    next = at;
  }
}

/**
 * Cuts [start, end) into cells of whole rows. `last` = 1: nothing follows the text. Plan, i32 words: 0 columns, 1 rows that fit, 2 address of
 * the cells (column after column, `rows that fit` each), 3 delimiter; written: 4 address behind the last whole row, 5 failure (0 none,
 * 1 wrong number of cells, 2 text behind a closing quote, 3 quote never closed), 6 its address, 7 number of cells found.
 * Returns the number of rows. The text must be readable 16 bytes past its end.
 */
export function csv_cells(plan: usize, start: usize, end: usize, last: i32): i32 {
  const columns = load<i32>(plan);
  const capacity = load<i32>(plan, 4);
  const cells: usize = load<u32>(plan, 8);
  const delimiter = load<i32>(plan, 12);
  const delimiters = i8x16.splat(delimiter as i8);
  const stride = (capacity as usize) << 3;
  store<i32>(plan, 0, 20);
  let at = start;
  let row = 0;
  while (row < capacity && at < end) {
    const rowStart = at;
    const first = load<u8>(at);
    if (columns > 1 && (first == 10 || first == 13)) {
      if (first == 10) {
        at++;
        continue;
      }
      if (at + 1 >= end && last == 0) break;
      if (at + 1 >= end || load<u8>(at, 1) == 10) {
        at += 2;
        continue;
      }
    }
    let cell = cells + ((row as usize) << 3);
    let column = 0;
    do {
      const target: usize = column < columns ? cell : 0;
      if (at < end && load<u8>(at) == 34) read_quoted(at, end, delimiter, target, last != 0);
      else read_plain(at, end, delimiters, target, last != 0);
      at = next;
      cell += stride;
      column++;
    } while (ending == DELIMITER);
    if (ending == INCOMPLETE) {
      at = rowStart;
      break;
    }
    if (ending == FAILED || column != columns) {
      store<i32>(plan, ending == FAILED ? failure : WRONG_COUNT, 20);
      store<u32>(plan, (ending == FAILED ? next : rowStart) as u32, 24);
      store<i32>(plan, column, 28);
      at = rowStart;
      break;
    }
    row++;
  }
  store<u32>(plan, min<usize>(at, end) as u32, 16);
  return row;
}
