/** Comparison operators, for every type. */
import { bitmapBytes, type Vector } from '../../core/batch.js';
import { BOOL, isText } from '../../core/types.js';
import { boolVector, commonValidity, filledBitmap } from '../expression/bitmaps.js';
import { type Comparison, compareVectors } from '../expression/compare.js';
import { toFlat } from '../expression/gather.js';
import { isNullConstant } from '../expression/vector-values.js';
import type { ArgumentType, EvaluationContext, FunctionExample, Overload, ScalarFunction } from './contract.js';
import { commonType } from './types.js';

type Evaluate = Overload['evaluate'];

/** Both sides in their common type; text columns and symbols are compared as they are. */
function comparable(args: readonly ArgumentType[], evaluate: Evaluate): Overload | undefined {
  const [left, right] = args;
  if (!left || !right || args.length !== 2) return undefined;
  if (isText(left.type) && isText(right.type)) return { args: [left.type, right.type], type: BOOL, evaluate };
  const type = commonType(args);
  return type && { args: [type, type], type: BOOL, evaluate };
}

function comparison(name: Comparison, doc: string, examples: readonly FunctionExample[]): ScalarFunction {
  const evaluate: Evaluate = (context, [left, right], rowCount) =>
    boolVector(compareVectors(name, left as Vector, right as Vector, rowCount, context), rowCount);
  return { name, category: 'operator', nulls: 'strict', infallible: true, doc, examples, resolve: (args) => comparable(args, evaluate) };
}

/** NULL is a value like others here: equal to NULL, distinct from everything else. */
function distinctness(name: string, distinct: boolean, doc: string, examples: readonly FunctionExample[]): ScalarFunction {
  const evaluate: Evaluate = (context, [left, right], rowCount) => {
    const bitmap = distinctRows(left as Vector, right as Vector, rowCount, context);
    if (!distinct) context.kernels.bits_not(bitmap, rowCount, bitmap);
    return boolVector(bitmap, rowCount);
  };
  return { name, category: 'operator', nulls: 'custom', infallible: true, doc, examples, resolve: (args) => comparable(args, evaluate) };
}

/** Rows in which exactly one side is NULL, or both are values that differ. */
function distinctRows(left: Vector, right: Vector, rowCount: number, context: EvaluationContext): number {
  const { kernels, scratch } = context;
  const presence = (vector: Vector): number => {
    const out = scratch.allocate(bitmapBytes(rowCount));
    if (isNullConstant(vector, context)) return filledBitmap(false, rowCount, context);
    kernels.bits_copy(vector.encoding === 'constant' ? 0 : vector.validity, rowCount, out);
    return out;
  };
  const [a, b] = [presence(left), presence(right)];
  const oneNull = scratch.allocate(bitmapBytes(rowCount));
  kernels.bits_xor(a, b, rowCount, oneNull);
  if (isNullConstant(left, context) || isNullConstant(right, context)) return oneNull;
  const differ = compareVectors('ne', left, right, rowCount, context);
  kernels.bits_and(differ, a, rowCount, differ);
  kernels.bits_and(differ, b, rowCount, differ);
  kernels.bits_or(oneNull, differ, rowCount, oneNull);
  return oneNull;
}

/** x IS TRUE and its kin: never NULL. */
function truthTest(name: string, doc: string, examples: readonly FunctionExample[], test: 'true' | 'false' | 'unknown'): ScalarFunction {
  const evaluate: Evaluate = (context, [arg], rowCount) => {
    const { kernels, scratch } = context;
    const vector = arg as Vector;
    if (vector.type.kind === 'null') return boolVector(filledBitmap(test === 'unknown', rowCount, context), rowCount);
    const flat = toFlat(vector, context);
    const valid = commonValidity([flat], rowCount, context);
    const out = scratch.allocate(bitmapBytes(rowCount));
    if (test === 'unknown') {
      if (valid === 0) kernels.bits_fill(rowCount, 0, out);
      else kernels.bits_not(valid, rowCount, out);
      return boolVector(out, rowCount);
    }
    if (test === 'true') kernels.bits_copy(flat.values, rowCount, out);
    else kernels.bits_not(flat.values, rowCount, out);
    kernels.bits_and(out, valid, rowCount, out);
    return boolVector(out, rowCount);
  };
  const resolve = (args: readonly ArgumentType[]): Overload | undefined => {
    const [arg] = args;
    return args.length === 1 && arg && (arg.type.kind === 'bool' || arg.type.kind === 'null')
      ? { args: [BOOL], type: BOOL, evaluate }
      : undefined;
  };
  return { name, category: 'operator', nulls: 'custom', infallible: true, doc, examples, resolve };
}

export const COMPARISON_FUNCTIONS: readonly ScalarFunction[] = [
  comparison('eq', 'a = b. NaN equals NaN, −0 equals 0; text is compared by bytes.', [
    { sql: '1 = 1.0', result: 'true' },
    { sql: "'a' = 'A'", result: 'false' },
    { sql: 'NULL = NULL', result: 'NULL' },
  ]),
  comparison('ne', 'a <> b.', [{ sql: '1 <> 2', result: 'true' }]),
  comparison('lt', 'a < b. NaN is greater than every other number.', [
    { sql: "'a' < 'b'", result: 'true' },
    { sql: "1.5 < 'NaN'::float64", result: 'true' },
  ]),
  comparison('le', 'a <= b.', [{ sql: "DATE '2026-01-01' <= DATE '2026-01-01'", result: 'true' }]),
  comparison('gt', 'a > b.', [{ sql: "INTERVAL '1 month' > INTERVAL '29 days'", result: 'true' }]),
  comparison('ge', 'a >= b.', [{ sql: '2 >= 3', result: 'false' }]),
  distinctness('is_distinct_from', true, 'a IS DISTINCT FROM b: as <>, but NULL is a value.', [
    { sql: 'NULL IS DISTINCT FROM 1', result: 'true' },
    { sql: 'NULL IS DISTINCT FROM NULL', result: 'false' },
  ]),
  distinctness('is_not_distinct_from', false, 'a IS NOT DISTINCT FROM b: as =, but NULL equals NULL.', [
    { sql: 'NULL IS NOT DISTINCT FROM NULL', result: 'true' },
    { sql: '1 IS NOT DISTINCT FROM 2', result: 'false' },
  ]),
  truthTest('is_true', 'x IS TRUE.', [{ sql: '(1 = 1) IS TRUE', result: 'true' }], 'true'),
  truthTest('is_false', 'x IS FALSE.', [{ sql: '(NULL = 1) IS FALSE', result: 'false' }], 'false'),
  truthTest('is_unknown', 'x IS UNKNOWN: x is NULL.', [{ sql: '(NULL = 1) IS UNKNOWN', result: 'true' }], 'unknown'),
];
