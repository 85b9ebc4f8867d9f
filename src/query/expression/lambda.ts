/**
 * list_transform, list_filter and list_reduce: the body of a lambda runs over vectors. Its parameters are columns of list items; columns that
 * it reads from around the call are repeated for every item of their row.
 */
import { assert } from '../../core/assert.js';
import { flatVector, type Value, type Vector } from '../../core/batch.js';
import { INT64 } from '../../core/types.js';
import { valueAt } from '../../core/values.js';
import type { EvaluationContext } from '../functions/contract.js';
import {
  type CallExpression,
  type ColumnId,
  columnsOf,
  type Expression,
  type LambdaExpression,
  someNode,
  walkExpression,
} from '../plan/expression.js';
import { analyse } from './analysis.js';
import { ColumnBuilder } from './column-builder.js';
import { type Evaluate, type EvaluationInput, selectedRows } from './evaluation-input.js';
import { gatherVector, toFlat } from './gather.js';
import { itemsOf, type ListItems } from './list-items.js';
import { truthBitmap } from './logic.js';
import { asConstant, valuesOf, vectorOf } from './vector-values.js';

/** The lambda among a call's arguments; undefined for other calls. */
export function lambdaCall(call: CallExpression): LambdaExpression | undefined {
  return call.args.find((arg) => arg.kind === 'lambda');
}

/** Columns of the rows at `rows`, and parameters by their ids. */
function bodyInput(
  input: EvaluationInput,
  rows: number,
  count: number,
  parameters: ReadonlyMap<ColumnId, Vector>,
  context: EvaluationContext,
): EvaluationInput {
  const around = selectedRows(input, rows, count, context);
  return { rowCount: count, column: (id) => parameters.get(id) ?? around.column(id) };
}

/** Places of the items in their lists, from 1. */
function places({ offsets, rows, count }: ListItems, context: EvaluationContext): Vector {
  const { arena, scratch } = context;
  const out = scratch.allocate(8 * count);
  for (let at = 0; at < count; at++) {
    const row = arena.u32[rows / 4 + at] as number;
    arena.i64[out / 8 + at] = BigInt(at - (arena.i32[offsets / 4 + row] as number) + 1);
  }
  return flatVector(INT64, count, out);
}

export function evaluateLambda(
  call: CallExpression,
  lambda: LambdaExpression,
  input: EvaluationInput,
  context: EvaluationContext,
  evaluate: Evaluate,
): Vector {
  const [list, , initial] = call.args;
  assert(list, `${call.function} has a list`);
  const lists = evaluate(list, input, context);
  if (lists.encoding === 'constant' && input.rowCount > 1 && !readsRows(call)) {
    const once = evaluateLambda(call, lambda, { ...input, rowCount: 1 }, context, evaluate);
    return asConstant(once, input.rowCount, context);
  }
  const items = itemsOf(lists, context);
  if (call.function === 'list_reduce') {
    return reduced(call, lambda, items, initial ? evaluate(initial, input, context) : undefined, input, context, evaluate);
  }
  const [item, place] = lambda.parameters;
  const parameters = new Map<ColumnId, Vector>();
  if (item !== undefined) parameters.set(item, items.items);
  if (place !== undefined) parameters.set(place, places(items, context));
  const body = items.count === 0 ? undefined : bodyOf(lambda, items, parameters, input, context, evaluate);
  if (call.function === 'list_filter') return filtered(call, items, body, input.rowCount, context);
  const values = body ? toFlat(body, context) : vectorOf([], lambda.type, context);
  return flatVector(call.type, input.rowCount, 0, items.validity, items.offsets, [values]);
}

/** Whether the call may give something else for another row. */
function readsRows(call: CallExpression): boolean {
  const own = new Set<ColumnId>();
  walkExpression(call, (node) => {
    if (node.kind === 'lambda') for (const id of node.parameters) own.add(id);
  });
  const isOuter = (node: Expression) => node.kind === 'column' || (node.kind === 'lambda_parameter' && !own.has(node.id));
  return !analyse(call).deterministic || someNode(call, isOuter);
}

/** Items for which the body is computed at once. */
const ITEMS_AT_ONCE = 65_536;

/** The body for every item, in pieces, so that neither its time nor the memory of what it computes on the way grows with long lists. */
function bodyOf(
  lambda: LambdaExpression,
  items: ListItems,
  parameters: ReadonlyMap<ColumnId, Vector>,
  input: EvaluationInput,
  context: EvaluationContext,
  evaluate: Evaluate,
): Vector {
  if (items.count <= ITEMS_AT_ONCE)
    return evaluate(lambda.operand, bodyInput(input, items.rows, items.count, parameters, context), context);
  const { kernels, scratch } = context;
  const scope = scratch.openScope();
  try {
    const builder = new ColumnBuilder(lambda.type, scope);
    const numbers = scratch.allocate(4 * ITEMS_AT_ONCE);
    // Columns that are made when first asked for must not lie in memory that the next piece takes.
    for (const id of columnsOf(lambda.operand)) if (!parameters.has(id)) input.column(id);
    const mark = scratch.mark();
    for (let first = 0; first < items.count; first += ITEMS_AT_ONCE) {
      context.check?.();
      const count = Math.min(ITEMS_AT_ONCE, items.count - first);
      kernels.row_numbers(first, count, numbers);
      const own = new Map([...parameters].map(([id, values]) => [id, gatherVector(values, numbers, count, context)] as const));
      // Dictionaries that the body makes lie in scratch.
      builder.append(
        toFlat(evaluate(lambda.operand, bodyInput(input, items.rows + 4 * first, count, own, context), context), context),
        context,
      );
      scratch.rewind(mark);
    }
    const all = scratch.allocate(4 * items.count);
    kernels.row_numbers(0, items.count, all);
    return gatherVector(builder.view(), all, items.count, context);
  } finally {
    scope.release();
  }
}

/** Items whose condition is true. */
function filtered(call: CallExpression, items: ListItems, body: Vector | undefined, rowCount: number, context: EvaluationContext): Vector {
  const { arena, kernels, scratch } = context;
  if (!body) return flatVector(call.type, rowCount, 0, items.validity, items.offsets, [items.items]);
  const truth = truthBitmap(body, items.count, context);
  const kept = scratch.allocate(4 * items.count);
  const count = kernels.bits_to_indices(truth, items.count, kept);
  const offsets = scratch.allocate(4 * (rowCount + 1));
  let at = 0;
  for (let row = 0; row < rowCount; row++) {
    arena.i32[offsets / 4 + row] = at;
    const end = arena.i32[items.offsets / 4 + row + 1] as number;
    while (at < count && (arena.u32[kept / 4 + at] as number) < end) at += 1;
  }
  arena.i32[offsets / 4 + rowCount] = at;
  return flatVector(call.type, rowCount, 0, items.validity, offsets, [gatherVector(items.items, kept, count, context)]);
}

/** Step by step, all rows that still have an item at once. */
function reduced(
  call: CallExpression,
  lambda: LambdaExpression,
  items: ListItems,
  initial: Vector | undefined,
  input: EvaluationInput,
  context: EvaluationContext,
  evaluate: Evaluate,
): Vector {
  const { arena, scratch } = context;
  const { rowCount } = input;
  const results: Value[] = initial ? valuesOf({ ...initial, length: rowCount }, context) : new Array<Value>(rowCount).fill(null);
  const present = (row: number) => items.validity === 0 || (((arena.u8[items.validity + (row >> 3)] as number) >> (row & 7)) & 1) === 1;
  const [accumulated, item, place] = lambda.parameters;
  const rows = scratch.allocate(4 * rowCount);
  const picked = scratch.allocate(4 * rowCount);
  // Columns that are made when first asked for must not lie in memory that the next step takes.
  for (const id of columnsOf(lambda.operand)) input.column(id);
  const mark = scratch.mark();
  for (let step = 0; ; step++) {
    scratch.rewind(mark);
    context.check?.();
    let count = 0;
    for (let row = 0; row < rowCount; row++) {
      const at = (arena.i32[items.offsets / 4 + row] as number) + step;
      if (at >= (arena.i32[items.offsets / 4 + row + 1] as number)) continue;
      arena.u32[rows / 4 + count] = row;
      arena.u32[picked / 4 + count] = at;
      count += 1;
    }
    if (count === 0) break;
    const active = Array.from(arena.u32.subarray(rows / 4, rows / 4 + count));
    const values = gatherVector(items.items, picked, count, context);
    let next = values;
    if (step > 0 || initial) {
      const parameters = new Map<ColumnId, Vector>();
      if (accumulated !== undefined)
        parameters.set(
          accumulated,
          vectorOf(
            active.map((row) => results[row] ?? null),
            call.type,
            context,
          ),
        );
      if (item !== undefined) parameters.set(item, values);
      if (place !== undefined)
        parameters.set(
          place,
          vectorOf(
            active.map(() => BigInt(step + 1)),
            INT64,
            context,
          ),
        );
      next = evaluate(lambda.operand, bodyInput(input, rows, count, parameters, context), context);
    }
    active.forEach((row, i) => {
      results[row] = valueAt(arena, next, i);
    });
  }
  return vectorOf(
    results.map((value, row) => (present(row) ? value : null)),
    call.type,
    context,
  );
}
