/** Comparison of two vectors of one type → bitmap. NULL slots get any answer. */
import { bitmapBytes, type Value, type Vector } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { type PhysicalType, physicalOf } from '../../core/types.js';
import { valueAt } from '../../core/values.js';
import { type MoveContext, toFlat } from './gather.js';

/** As the kernels number them. */
export const COMPARISONS = { eq: 0, ne: 1, lt: 2, le: 3, gt: 4, ge: 5 } as const;
export type Comparison = keyof typeof COMPARISONS;

const FLIPPED = { eq: 'eq', ne: 'ne', lt: 'gt', le: 'ge', gt: 'lt', ge: 'le' } as const satisfies Record<Comparison, Comparison>;

type CompareKernel = (op: number, a: number, b: number, bStep: number, n: number, out: number) => void;

function fixedKernel(physical: PhysicalType, context: MoveContext): CompareKernel | undefined {
  const { kernels } = context;
  const table: Partial<Record<PhysicalType, CompareKernel>> = {
    i8: kernels.compare_i8,
    i16: kernels.compare_i16,
    i32: kernels.compare_i32,
    i64: kernels.compare_i64,
    u8: kernels.compare_u8,
    u16: kernels.compare_u16,
    u32: kernels.compare_u32,
    u64: kernels.compare_u64,
    f32: kernels.compare_f32,
    f64: kernels.compare_f64,
    i128: kernels.compare_i128,
    fixed16: kernels.compare_fixed16,
    interval: kernels.compare_interval,
  };
  return table[physical];
}

/** Address in scratch of the bitmap of `left op right`; bits past rowCount are 0. */
export function compareVectors(op: Comparison, left: Vector, right: Vector, rowCount: number, context: MoveContext): number {
  if (left.encoding === 'constant' && right.encoding !== 'constant') return compareVectors(FLIPPED[op], right, left, rowCount, context);
  const out = context.scratch.allocate(bitmapBytes(rowCount));
  const physical = physicalOf(left.type);
  const kernel = fixedKernel(physical, context);
  const a = left.encoding === 'constant' && rowCount !== 1 ? toFlat(left, context) : left;
  const bStep = right.encoding === 'constant' ? 0 : 1;
  if (kernel) kernel(COMPARISONS[op], a.values, right.values, bStep, rowCount, out);
  else if (physical === 'bytes') compareBytes(op, a, right, rowCount, out, context);
  else if (physical === 'bit') compareBits(op, toFlat(a, context).values, toFlat(right, context).values, rowCount, out, context);
  else if (physical === 'none') context.kernels.bits_fill(rowCount, 0, out);
  else compareNested(op, a, right, rowCount, out, context);
  return out;
}

function compareBytes(op: Comparison, left: Vector, right: Vector, rowCount: number, out: number, context: MoveContext): void {
  if (op === 'eq' || op === 'ne') {
    const [a, b] = [left.dictionary, right.dictionary];
    if (a !== null && b !== null && a.id === b.id) {
      context.kernels.compare_i32(COMPARISONS[op], left.values, right.values, 1, rowCount, out);
      return;
    }
  }
  const a = left.encoding === 'dictionary' ? toFlat(left, context) : left;
  const b = right.encoding === 'dictionary' ? toFlat(right, context) : right;
  const step = (vector: Vector) => (vector.encoding === 'constant' ? 0 : 1);
  context.kernels.compare_bytes(COMPARISONS[op], a.offsets, a.values, step(a), b.offsets, b.values, step(b), rowCount, out);
}

function compareBits(op: Comparison, a: number, b: number, rowCount: number, out: number, context: MoveContext): void {
  const { kernels } = context;
  switch (op) {
    case 'ne':
      kernels.bits_xor(a, b, rowCount, out);
      return;
    case 'eq':
      kernels.bits_xor(a, b, rowCount, out);
      kernels.bits_not(out, rowCount, out);
      return;
    case 'lt':
      kernels.bits_and_not(b, a, rowCount, out);
      return;
    case 'gt':
      kernels.bits_and_not(a, b, rowCount, out);
      return;
    case 'ge':
      compareBits('lt', a, b, rowCount, out, context);
      kernels.bits_not(out, rowCount, out);
      return;
    case 'le':
      compareBits('gt', a, b, rowCount, out, context);
      kernels.bits_not(out, rowCount, out);
  }
}

/** Lists and structs go value by value. */
function compareNested(op: Comparison, left: Vector, right: Vector, rowCount: number, out: number, context: MoveContext): void {
  const { arena } = context;
  arena.u8.fill(0, out, out + bitmapBytes(rowCount));
  for (let row = 0; row < rowCount; row++) {
    const order = compareValues(valueAt(arena, left, row), valueAt(arena, right, row));
    const holds =
      op === 'eq'
        ? order === 0
        : op === 'ne'
          ? order !== 0
          : op === 'lt'
            ? order < 0
            : op === 'le'
              ? order <= 0
              : op === 'gt'
                ? order > 0
                : order >= 0;
    if (holds) arena.u8[out + (row >> 3)] = (arena.u8[out + (row >> 3)] as number) | (1 << (row & 7));
  }
}

/** Order of two values of one type; inside lists and structs NULL equals NULL and is the greatest, as in PostgreSQL. */
export function compareValues(a: Value, b: Value): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  if (typeof a === 'number' && typeof b === 'number') return compareNumbers(a, b);
  if (typeof a === 'bigint' && typeof b === 'bigint') return a < b ? -1 : a > b ? 1 : 0;
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b);
  if (typeof a === 'string' && typeof b === 'string') return compareTexts(a, b);
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b);
  if (Array.isArray(a) && Array.isArray(b)) return compareSequences(a, b);
  if (typeof a === 'object' && typeof b === 'object') return compareSequences(Object.values(a), Object.values(b));
  throw new DbError('type_mismatch', `values of ${typeof a} and ${typeof b} cannot be compared`);
}

/** By code point, which is the order of the UTF-8 bytes. */
function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  const end = Math.min(a.length, b.length);
  let at = 0;
  while (at < end && a.charCodeAt(at) === b.charCodeAt(at)) at += 1;
  if (at === end) return a.length - b.length;
  const [x, y] = [a.charCodeAt(at), b.charCodeAt(at)];
  // Of UTF-16, only surrogates (code points beyond the others) are out of order.
  const rank = (unit: number) => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit);
  return rank(x) - rank(y);
}

function compareNumbers(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return a < b ? -1 : a > b ? 1 : 0;
}

function compareSequences(a: readonly Value[], b: readonly Value[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const order = compareValues(a[i] ?? null, b[i] ?? null);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}
