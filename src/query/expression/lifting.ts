/**
 * Dictionary lifting: an expression over one dictionary-encoded column is computed once per distinct value and then looked up by code.
 * The values of the dictionary, and NULL as one value more, are a small input of their own.
 */

import { bitmapBytes, type DictionaryView, dictionaryVector, flatVector, type Vector } from '../../core/batch.js';
import type { Allocator } from '../../core/build-vector.js';
import { DbError } from '../../core/errors.js';
import { type DataType, isText, physicalOf } from '../../core/types.js';
import { nextDictionaryId } from '../execution/dictionary-id.js';
import type { EvaluationContext } from '../functions/contract.js';
import type { Expression } from '../plan/expression.js';
import { analyse } from './analysis.js';
import { boolVector, intersection } from './bitmaps.js';
import { ColumnBuilder } from './column-builder.js';
import { COMPARISONS } from './compare.js';
import type { LiftedResult } from './dictionary-cache.js';
import type { Evaluate, EvaluationInput } from './evaluation-input.js';
import { gatherVector, gatherVectorOrNull, toFlat } from './gather.js';

/** The expression's vector by way of its column's dictionary; undefined when that is not possible or not worth it. */
export function evaluateLifted(
  expression: Expression,
  input: EvaluationInput,
  context: EvaluationContext,
  evaluate: Evaluate,
): Vector | undefined {
  const { onlyColumn, deterministic, trivial, nullOnNull } = analyse(expression);
  if (onlyColumn === undefined || !deterministic || trivial) return undefined;
  const column = input.column(onlyColumn);
  if (column.encoding !== 'dictionary' || column.dictionary === null) return undefined;
  const lifted = liftedResult(expression, column.type, column.dictionary, input.rowCount, context, evaluate);
  return lifted && lookUp(lifted, column, nullOnNull, input.rowCount, context);
}

function liftedResult(
  expression: Expression,
  type: DataType,
  dictionary: DictionaryView,
  rowCount: number,
  context: EvaluationContext,
  evaluate: Evaluate,
): LiftedResult | undefined {
  const cache = context.dictionaryCache;
  const kept = cache?.get(expression, dictionary.id);
  if (kept === 'declined') return undefined;
  if (kept && kept.count >= dictionary.count) return kept;
  if (dictionary.count > (cache ? Math.max(cache.expectedRows, rowCount) : rowCount / 2)) return undefined;
  const mark = cache ? context.scratch.mark() : undefined;
  try {
    const result = compute(expression, type, dictionary, context, evaluate);
    cache?.set(expression, dictionary.id, result);
    return result;
  } catch (error) {
    // A value that no row of the query has may be what fails: then rows are evaluated one by one, and fail only if they have it.
    if (!(error instanceof DbError) || error.code === 'internal') throw error;
    cache?.set(expression, dictionary.id, 'declined');
    return undefined;
  } finally {
    if (mark) context.scratch.rewind(mark);
  }
}

function compute(
  expression: Expression,
  type: DataType,
  dictionary: DictionaryView,
  context: EvaluationContext,
  evaluate: Evaluate,
): LiftedResult {
  const rows = dictionary.count + 1;
  const values = valuesAndNull(type, dictionary, context);
  const flat = toFlat(evaluate(expression, { rowCount: rows, column: () => values }, context), context);
  const memory: Allocator = context.dictionaryCache?.scope ?? context.scratch;
  if (physicalOf(flat.type) === 'bit') return { ...keptTruth(flat, dictionary.count, context, memory), result: kept(flat, context) };
  const result = isText(flat.type) ? deduplicated(flat, context, memory) : kept(flat, context);
  return { count: dictionary.count, result, truth: 0, trueCount: 0, onlyTrue: -1, onlyUntrue: -1 };
}

/** The dictionary as a flat column, with NULL behind its last value. */
function valuesAndNull(type: DataType, dictionary: DictionaryView, context: EvaluationContext): Vector {
  const { arena, kernels, scratch } = context;
  const { count } = dictionary;
  const offsets = scratch.allocate(4 * (count + 2));
  kernels.copy_bytes(offsets, dictionary.offsets, 4 * (count + 1));
  arena.i32[offsets / 4 + count + 1] = arena.i32[offsets / 4 + count] as number;
  const validity = scratch.allocate(bitmapBytes(count + 1));
  kernels.bits_fill(count + 1, 1, validity);
  arena.u8[validity + (count >> 3)] = (arena.u8[validity + (count >> 3)] as number) & ~(1 << (count & 7));
  return flatVector(type, count + 1, dictionary.values, validity, offsets);
}

/** The vector in memory that outlives the scratch, where a cache will keep it. */
function kept(vector: Vector, context: EvaluationContext): Vector {
  if (!context.dictionaryCache) return vector;
  const builder = new ColumnBuilder(vector.type, context.dictionaryCache.scope);
  builder.append(vector, context);
  return builder.view();
}

function keptTruth(flat: Vector, count: number, context: EvaluationContext, memory: Allocator): Omit<LiftedResult, 'result'> {
  const { kernels, scratch } = context;
  const rows = count + 1;
  const trueRows = scratch.allocate(bitmapBytes(rows));
  kernels.bits_and(flat.values, flat.validity, rows, trueRows);
  const truth = memory.allocate(rows);
  kernels.bits_to_bytes(trueRows, rows, truth);
  const trueCount = kernels.bits_count(trueRows, count);
  const untrue = scratch.allocate(bitmapBytes(rows));
  kernels.bits_not(trueRows, count, untrue);
  return {
    count,
    truth,
    trueCount,
    onlyTrue: trueCount === 1 ? kernels.bits_first(trueRows, count) : -1,
    onlyUntrue: trueCount === count - 1 ? kernels.bits_first(untrue, count) : -1,
  };
}

/** Text results as a dictionary of their own in which every value stands once. */
function deduplicated(flat: Vector, context: EvaluationContext, memory: Allocator): Vector {
  const { arena, kernels, scratch } = context;
  const { length } = flat;
  const slots = 2 ** Math.ceil(Math.log2(length * 2));
  const table = scratch.allocate(4 * slots);
  arena.u8.fill(255, table, table + 4 * slots);
  const codes = memory.allocate(4 * length);
  const rows = scratch.allocate(4 * length);
  const count = kernels.dedupe_bytes(flat.offsets, flat.values, length, table, slots - 1, codes, rows);
  const values = gatherVector({ ...flat, validity: 0 }, rows, count, context, memory);
  let { validity } = flat;
  if (validity !== 0 && context.dictionaryCache) {
    validity = memory.allocate(bitmapBytes(length));
    kernels.bits_copy(flat.validity, length, validity);
  }
  const view: DictionaryView = { id: nextDictionaryId(), count, offsets: values.offsets, values: values.values };
  return dictionaryVector(flat.type, length, codes, view, validity);
}

/** The lifted values by the codes of a column. */
function lookUp(lifted: LiftedResult, column: Vector, nullOnNull: boolean, rowCount: number, context: EvaluationContext): Vector {
  const { kernels, scratch } = context;
  const { result } = lifted;
  let codes = column.values;
  if (column.validity !== 0 && !nullOnNull) {
    codes = scratch.allocate(4 * rowCount);
    kernels.mask_indices(column.values, column.validity, rowCount, lifted.count, codes);
  }
  const rowsPresent = nullOnNull ? column.validity : 0;
  if (physicalOf(result.type) === 'bit') {
    const validity = result.validity === 0 ? 0 : validityOfCodes(lifted, codes, column, rowCount, context);
    return boolVector(truthOfCodes(lifted, codes, rowCount, context), rowCount, intersection(validity, rowsPresent, rowCount, context));
  }
  if (lifted.count === 0 && rowsPresent !== 0) return gatherVectorOrNull(result, missingRows(rowCount, context), rowCount, context);
  // The only NULL may be the entry for NULL, which no code of a present row names.
  const nulls = result.validity !== 0 && validityOfCodes(lifted, codes, column, rowCount, context);
  const values = gatherVector({ ...result, validity: 0 }, codes, rowCount, context);
  return { ...values, validity: intersection(nulls || 0, rowsPresent, rowCount, context) };
}

function missingRows(rowCount: number, context: EvaluationContext): number {
  const indices = context.scratch.allocate(4 * rowCount);
  context.arena.u8.fill(255, indices, indices + 4 * rowCount);
  return indices;
}

/** 0 when no code that can occur is NULL. */
function validityOfCodes(lifted: LiftedResult, codes: number, column: Vector, rowCount: number, context: EvaluationContext): number {
  const { kernels } = context;
  const onlyForNull = kernels.bits_count(lifted.result.validity, lifted.count) === lifted.count;
  if (onlyForNull && codes === column.values) return 0;
  const validity = context.scratch.allocate(bitmapBytes(rowCount));
  kernels.gather_bits(lifted.result.validity, codes, rowCount, validity);
  return validity;
}

/** One true value is a comparison of codes; all or none need no look at the rows. */
function truthOfCodes(lifted: LiftedResult, codes: number, rowCount: number, context: EvaluationContext): number {
  const { arena, kernels, scratch } = context;
  const { count, trueCount, truth } = lifted;
  const out = scratch.allocate(bitmapBytes(rowCount));
  const nullIsTrue = arena.u8[truth + count] === 1;
  const single = lifted.onlyTrue >= 0 ? lifted.onlyTrue : lifted.onlyUntrue;
  if (trueCount === 0 && !nullIsTrue) kernels.bits_fill(rowCount, 0, out);
  else if (single >= 0 && nullIsTrue === lifted.onlyTrue < 0) {
    const code = scratch.allocate(4);
    arena.i32[code / 4] = single;
    kernels.compare_i32(lifted.onlyTrue >= 0 ? COMPARISONS.eq : COMPARISONS.ne, codes, code, 0, rowCount, out);
  } else kernels.lookup_bits(codes, truth, rowCount, out);
  return out;
}
