/** The type of a column from the text of its first rows: the first of a list that reads all of them. */
import type { Kernels } from '../../../native-free/kernels.js';
import type { Arena } from '../../core/arena.js';
import { BOOL, DATE32, type DataType, FLOAT64, INT64, TIMESTAMP_NS, TIMESTAMP_US, UINT64, UTF8 } from '../../core/types.js';
import { allRead, type CellSyntax, cellText, isNull, isQuoted } from './column-reader.js';

const NUMBERS: readonly DataType[] = [INT64, UINT64, FLOAT64];
const TIMES: readonly DataType[] = [DATE32, TIMESTAMP_US, TIMESTAMP_NS];
const LOOKED_AT_ROWS = 200;

/** `out` is scratch memory of at least 8 bytes a row. Columns without any value are utf8. */
export function inferType(arena: Arena, kernels: Kernels, cells: number, rows: number, out: number, syntax: CellSyntax): DataType {
  let quoted = 0;
  let present = 0;
  let first = -1;
  for (let row = 0; row < rows; row++) {
    if (isNull(arena, cells, row)) continue;
    if (first < 0) first = row;
    present++;
    if (isQuoted(arena, cells, row)) quoted++;
  }
  if (present === 0) return UTF8;
  const fits = (type: DataType) => allRead(kernels, type, cells, rows, out);
  // In JSON quotes tell text from numbers; in CSV they mean nothing.
  const mayBeNumber = syntax === 'csv' || quoted === 0;
  const mayBeTime = syntax === 'csv' || quoted === present;
  if (mayBeNumber) {
    const number = NUMBERS.find(fits);
    if (number) return looksLikeCode(arena, cells, rows, number, syntax) ? UTF8 : number;
    if (cellText(arena, cells, first, syntax).length > 1 && fits(BOOL)) return BOOL;
  }
  // Timestamps may also be given as ticks, but a column of quoted digits is text.
  if (mayBeTime && cellText(arena, cells, first, syntax).includes('-')) return TIMES.find(fits) ?? UTF8;
  return UTF8;
}

/** Digits that are no quantity: 007, or more of them than a float64 keeps. */
function looksLikeCode(arena: Arena, cells: number, rows: number, type: DataType, syntax: CellSyntax): boolean {
  for (let row = 0, looked = 0; row < rows && looked < LOOKED_AT_ROWS; row++) {
    if (isNull(arena, cells, row)) continue;
    looked++;
    const text = cellText(arena, cells, row, syntax);
    if (/^[+-]?0\d/.test(text) || (type.kind === 'float64' && /^[+-]?\d{19,}$/.test(text))) return true;
  }
  return false;
}
