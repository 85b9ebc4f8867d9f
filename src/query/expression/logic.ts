/** AND, OR, NOT, IS NULL and IN: three-valued, on bitmaps. */
import { bitmapBytes, type Value, type Vector } from '../../core/batch.js';
import { BOOL, type DataType, physicalOf } from '../../core/types.js';
import type { EvaluationContext } from '../functions/contract.js';
import type { AndExpression, InExpression, IsNullExpression, OrExpression } from '../plan/expression.js';
import { analyse } from './analysis.js';
import { boolVector, filledBitmap } from './bitmaps.js';
import { castNumber } from './cast-number.js';
import { compareValues, compareVectors } from './compare.js';
import { type Evaluate, type EvaluationInput, selectedRows } from './evaluation-input.js';
import { gatherVectorOrNull, toFlat } from './gather.js';
import { constantVector, isNullConstant, vectorOf } from './vector-values.js';

/** Operands from left to right; one that can fail is evaluated only for rows that are not decided by those before it. */
export function evaluateConnective(
  expression: AndExpression | OrExpression,
  input: EvaluationInput,
  context: EvaluationContext,
  evaluate: Evaluate,
): Vector {
  const { rowCount } = input;
  let result: Vector | undefined;
  for (const operand of expression.operands) {
    if (result === undefined) {
      result = toFlat(asBool(evaluate(operand, input, context), context), context);
      continue;
    }
    const next = analyse(operand).fallible
      ? evaluateUndecided(expression, operand, result, input, context, evaluate)
      : evaluate(operand, input, context);
    result = combine(expression.kind, result, toFlat(asBool(next, context), context), rowCount, context);
  }
  return result ?? constantVector(expression.kind === 'and', BOOL, rowCount, context);
}

function asBool(vector: Vector, context: EvaluationContext): Vector {
  return vector.type.kind === 'null' ? constantVector(null, BOOL, vector.length, context) : vector;
}

function combine(kind: 'and' | 'or', a: Vector, b: Vector, rowCount: number, context: EvaluationContext): Vector {
  const { kernels, scratch } = context;
  const out = scratch.allocate(bitmapBytes(rowCount));
  if (a.validity === 0 && b.validity === 0) {
    if (kind === 'and') kernels.bits_and(a.values, b.values, rowCount, out);
    else kernels.bits_or(a.values, b.values, rowCount, out);
    return boolVector(out, rowCount);
  }
  const validity = scratch.allocate(bitmapBytes(rowCount));
  const kernel = kind === 'and' ? kernels.kleene_and : kernels.kleene_or;
  kernel(a.values, a.validity, b.values, b.validity, rowCount, out, validity);
  return boolVector(out, rowCount, validity);
}

/** The operand for the rows where the result so far is not yet false (AND) or true (OR); NULL for the others, which changes nothing. */
function evaluateUndecided(
  expression: AndExpression | OrExpression,
  operand: AndExpression['operands'][number],
  soFar: Vector,
  input: EvaluationInput,
  context: EvaluationContext,
  evaluate: Evaluate,
): Vector {
  const { kernels, scratch } = context;
  const { rowCount } = input;
  const open = scratch.allocate(bitmapBytes(rowCount));
  if (expression.kind === 'and') {
    kernels.bits_not(soFar.values, rowCount, open);
    kernels.bits_and(open, soFar.validity, rowCount, open);
  } else kernels.bits_and(soFar.values, soFar.validity, rowCount, open);
  kernels.bits_not(open, rowCount, open);
  return evaluateWhere(operand, open, input, context, evaluate);
}

/** The expression for the rows of the bitmap; NULL for the others. */
export function evaluateWhere(
  expression: AndExpression['operands'][number],
  rows: number,
  input: EvaluationInput,
  context: EvaluationContext,
  evaluate: Evaluate,
): Vector {
  const { kernels, scratch } = context;
  const { rowCount } = input;
  const count = kernels.bits_count(rows, rowCount);
  if (count === rowCount) return evaluate(expression, input, context);
  if (count === 0) return constantVector(null, expression.type, rowCount, context);
  const indices = scratch.allocate(4 * rowCount);
  kernels.bits_to_indices(rows, rowCount, indices);
  const some = evaluate(expression, selectedRows(input, indices, count, context), context);
  const places = scratch.allocate(4 * rowCount);
  context.arena.u8.fill(255, places, places + 4 * rowCount);
  kernels.scatter_sequence(indices, count, 0, 1, places);
  return gatherVectorOrNull(some, places, rowCount, context);
}

export function evaluateNot(operand: Vector, rowCount: number, context: EvaluationContext): Vector {
  const flat = toFlat(asBool(operand, context), context);
  const out = context.scratch.allocate(bitmapBytes(rowCount));
  context.kernels.bits_not(flat.values, rowCount, out);
  return boolVector(out, rowCount, flat.validity);
}

export function evaluateIsNull(expression: IsNullExpression, operand: Vector, rowCount: number, context: EvaluationContext): Vector {
  if (operand.encoding === 'constant' || operand.type.kind === 'null') {
    return constantVector(isNullConstant(operand, context) !== expression.negated, BOOL, rowCount, context);
  }
  if (operand.validity === 0) return constantVector(expression.negated, BOOL, rowCount, context);
  const out = context.scratch.allocate(bitmapBytes(rowCount));
  if (expression.negated) context.kernels.bits_copy(operand.validity, rowCount, out);
  else context.kernels.bits_not(operand.validity, rowCount, out);
  return boolVector(out, rowCount);
}

/** NULL for a NULL operand, and for one that is not found in a list with a NULL. */
export function evaluateIn(expression: InExpression, operand: Vector, rowCount: number, context: EvaluationContext): Vector {
  if (isNullConstant(operand, context)) return constantVector(null, BOOL, rowCount, context);
  const { kernels, scratch } = context;
  const flat = toFlat(operand, context);
  const found = members(
    flat,
    expression.values.filter((value) => value !== null),
    rowCount,
    context,
  );
  let { validity } = flat;
  if (expression.hasNull) {
    validity = scratch.allocate(bitmapBytes(rowCount));
    kernels.bits_and(found, flat.validity, rowCount, validity);
  }
  if (!expression.negated) return boolVector(found, rowCount, validity);
  const out = scratch.allocate(bitmapBytes(rowCount));
  kernels.bits_not(found, rowCount, out);
  return boolVector(out, rowCount, validity);
}

/** Up to so many values are compared one after another, which SIMD does faster than a search. */
const FEW_VALUES = 6;

function members(operand: Vector, values: readonly Value[], rowCount: number, context: EvaluationContext): number {
  const { type } = operand;
  if (values.length > FEW_VALUES) {
    const physical = physicalOf(type);
    if (physical === 'bytes') return membersOfText(operand, values, rowCount, context);
    const kernel = sortedKernel(type, context);
    if (kernel) return searchSorted(operand, values, rowCount, context, kernel);
    if (physical === 'i8' || physical === 'i16' || physical === 'u8' || physical === 'u16') {
      return members(castNumber(operand, { kind: 'int32' }, false, context), values, rowCount, context);
    }
  }
  let found = filledBitmap(false, rowCount, context);
  for (const value of values) {
    const equal = compareVectors('eq', operand, constantVector(value, type, rowCount, context), rowCount, context);
    const either = context.scratch.allocate(bitmapBytes(rowCount));
    context.kernels.bits_or(found, equal, rowCount, either);
    found = either;
  }
  return found;
}

type SearchKernel = (a: number, n: number, set: number, count: number, out: number) => void;

function sortedKernel(type: DataType, context: EvaluationContext): SearchKernel | undefined {
  const { kernels } = context;
  const table: Readonly<Record<string, SearchKernel>> = {
    i32: kernels.in_sorted_i32,
    u32: kernels.in_sorted_u32,
    i64: kernels.in_sorted_i64,
    u64: kernels.in_sorted_u64,
    f32: kernels.in_sorted_f32,
    f64: kernels.in_sorted_f64,
  };
  return table[physicalOf(type)];
}

function searchSorted(
  operand: Vector,
  values: readonly Value[],
  rowCount: number,
  context: EvaluationContext,
  kernel: SearchKernel,
): number {
  const sorted = [...values].sort(compareValues);
  const set = vectorOf(sorted, operand.type, context);
  const out = context.scratch.allocate(bitmapBytes(rowCount));
  kernel(operand.values, rowCount, set.values, sorted.length, out);
  return out;
}

function membersOfText(operand: Vector, values: readonly Value[], rowCount: number, context: EvaluationContext): number {
  const { kernels, scratch, arena } = context;
  const set = vectorOf(values, operand.type, context);
  const slots = 2 ** Math.ceil(Math.log2(values.length * 2));
  const table = scratch.allocate(4 * slots);
  arena.u8.fill(255, table, table + 4 * slots);
  kernels.build_bytes_set(set.offsets, set.values, values.length, table, slots - 1);
  const out = scratch.allocate(bitmapBytes(rowCount));
  kernels.in_bytes(operand.offsets, operand.values, rowCount, set.offsets, set.values, table, slots - 1, out);
  return out;
}

/** Rows in which a bool vector is true: neither false nor NULL. */
export function truthBitmap(vector: Vector, rowCount: number, context: EvaluationContext): number {
  if (isNullConstant(vector, context)) return filledBitmap(false, rowCount, context);
  const flat = vector.encoding === 'flat' ? vector : toFlat(vector, context);
  const out = context.scratch.allocate(bitmapBytes(rowCount));
  if (flat.validity === 0) context.kernels.bits_copy(flat.values, rowCount, out);
  else context.kernels.bits_and(flat.values, flat.validity, rowCount, out);
  return out;
}
