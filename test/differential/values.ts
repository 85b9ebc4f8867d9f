/**
 * Values of both systems as tagged text, and when two of them are the same answer: n exact number, f float, s text, b bool, t nanoseconds since
 * 1970 (dates and timestamps of every unit), l[…] list.
 */
import type { Value } from '../../src/core/batch.js';
import { type DataType, UNITS_PER_SECOND } from '../../src/core/types.js';
import { decimalText } from '../../src/core/values.js';

export type Cell = string | null;
export type Row = readonly Cell[];

export function cellOf(value: Value, type: DataType): Cell {
  if (value === null) return null;
  switch (type.kind) {
    case 'bool':
      return value ? 'bT' : 'bF';
    case 'float32':
    case 'float64':
      return Object.is(value, -0) ? 'f-0' : `f${value as number}`;
    case 'decimal':
      return `n${trimmed(decimalText(value as bigint, type.scale))}`;
    case 'date32':
      return `t${BigInt(value as number) * 86_400_000_000_000n}`;
    case 'timestamp':
      return `t${(value as bigint) * (1_000_000_000n / UNITS_PER_SECOND[type.unit])}`;
    case 'list':
      return `l[${(value as readonly Value[]).map((item) => cellOf(item, type.item.type) ?? 'N').join(',')}]`;
    default:
      return typeof value === 'number' || typeof value === 'bigint' ? `n${value}` : `s${String(value)}`;
  }
}

function trimmed(text: string): string {
  const short = text.includes('.') ? text.replace(/0+$/, '').replace(/\.$/, '') : text;
  return short === '-0' ? '0' : short;
}

function isNumber(cell: string): boolean {
  return cell.startsWith('n') || cell.startsWith('f');
}

/**
 * What a column's floats may have lost beside values that cancel out: products of two inputs (covariances, variances), or their roots (standard
 * deviations, whose squares are compared then).
 */
export type Rounding = 'product' | 'root';

/** Of the square of the greatest value (1000) that columns have of which these are computed. */
const PRODUCT_TOLERANCE = 1e-12 * 1000 ** 2;

/** Which differences do not count. */
export interface Comparison {
  /** Rows of one order are the only right answer. */
  readonly ordered: boolean;
  /** The query makes one row of equal rows. */
  readonly merges?: boolean;
  readonly roundings?: readonly (Rounding | undefined)[];
}

/** Exact unless one of the two is a float: then up to 1e-9 of the greater. */
function sameCell(a: Cell, b: Cell, rounding?: Rounding): boolean {
  if (a === b) return true;
  if (a === null || b === null) return false;
  if (a.startsWith('l[') && b.startsWith('l[')) return sameRow(a.slice(2, -1).split(','), b.slice(2, -1).split(','));
  if (!isNumber(a) || !isNumber(b) || (a.startsWith('n') && b.startsWith('n'))) return false;
  const [x, y] = [Number(a.slice(1)), Number(b.slice(1))];
  if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) && Number.isNaN(y);
  if (x === y || Math.abs(x - y) <= 1e-9 * Math.max(Math.abs(x), Math.abs(y)) + 1e-12) return true;
  if (rounding === undefined) return false;
  return Math.abs(rounding === 'root' ? x * x - y * y : x - y) <= PRODUCT_TOLERANCE;
}

function sameRow(a: Row, b: Row, roundings: Comparison['roundings'] = []): boolean {
  return a.length === b.length && a.every((cell, i) => sameCell(cell, b[i] ?? null, roundings[i]));
}

/** Text by which equal rows stand beside each other. */
function sortKey(row: Row): string {
  return row.map((cell) => (cell !== null && isNumber(cell) ? `n${rounded(Number(cell.slice(1)))}` : String(cell))).join('\u0001');
}

function rounded(value: number): string {
  return value === 0 ? '0' : value.toPrecision(8);
}

/**
 * Rows of which no two are the same but for rounding. Where equal rows become one (DISTINCT, GROUP BY, UNION), a sum that two frames of a window
 * reach in two ways may be one value in one system and two in the other. Rows that are equal to the last bit are kept: they would be a mistake.
 */
function withoutRounding(rows: readonly Row[], roundings: Comparison['roundings']): readonly Row[] {
  const kept: Row[] = [];
  for (const row of rows) {
    const text = JSON.stringify(row);
    if (!kept.some((other) => sameRow(row, other, roundings) && JSON.stringify(other) !== text)) kept.push(row);
  }
  return kept;
}

/** A sentence about the first difference, or undefined when both are the same answer. */
export function difference(ours: readonly Row[], theirs: readonly Row[], comparison: Comparison): string | undefined {
  const { ordered, merges, roundings } = comparison;
  if (ours.length !== theirs.length) {
    const [left, right] = [withoutRounding(ours, roundings), withoutRounding(theirs, roundings)];
    if (merges && !ordered && left.length === right.length) return difference(left, right, { ...comparison, merges: false });
    return `${ours.length} rows, wanted ${theirs.length}`;
  }
  if (ordered) {
    const at = ours.findIndex((row, i) => !sameRow(row, theirs[i] ?? [], roundings));
    return at < 0 ? undefined : `row ${at} is ${JSON.stringify(ours[at])}, wanted ${JSON.stringify(theirs[at])}`;
  }
  const keyed = (rows: readonly Row[]) =>
    rows.map((row) => ({ key: sortKey(row), row })).sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  const [left, right] = [keyed(ours), keyed(theirs)];
  if (left.every((each, i) => sameRow(each.row, right[i]?.row ?? [], roundings))) return undefined;
  // Rounding may have put close values apart: look for partners.
  const rest = right.map((each) => each.row);
  for (const { row } of left) {
    const partner = rest.findIndex((each) => sameRow(row, each, roundings));
    if (partner < 0) return `there is ${JSON.stringify(row)}, wanted e.g. ${JSON.stringify(rest[0])}`;
    rest.splice(partner, 1);
  }
  return undefined;
}
