/** From an aggregate node to what sinks run: arguments and filters that several calls share are computed once. */
import { assert } from '../../../core/assert.js';
import { DbError } from '../../../core/errors.js';
import { isInteger } from '../../../core/types.js';
import type { CallSpec } from '../../aggregates/accumulator.js';
import type { AggregateRecipe } from '../../aggregates/contract.js';
import { aggregateFunction } from '../../aggregates/registry.js';
import { fingerprint } from '../../binder/expressions.js';
import { evaluateConstant } from '../../expression/evaluate.js';
import type { EvaluationContext } from '../../functions/contract.js';
import { gridOfCall } from '../../functions/time-buckets.js';
import { columnsOf, type Expression } from '../../plan/expression.js';
import type { AggregateCall, SortKey } from '../../plan/logical.js';
import type { AggregationSpec, BucketKey } from '../task.js';

/** Expressions without repeats. */
class Expressions {
  readonly list: Expression[] = [];
  private readonly indexes = new Map<string, number>();

  add(expression: Expression): number {
    const key = fingerprint(expression);
    let index = this.indexes.get(key);
    if (index === undefined) {
      index = this.list.length;
      this.list.push(expression);
      this.indexes.set(key, index);
    }
    return index;
  }
}

export function compileAggregation(
  groups: readonly Expression[],
  aggregates: readonly AggregateCall[],
  context: EvaluationContext,
): AggregationSpec {
  const args = new Expressions();
  const filters = new Expressions();
  const calls = aggregates.map((call): CallSpec => {
    const entry = aggregateFunction(call.function);
    assert(entry, `aggregate ${call.function}`);
    const all = factorsOf(call) ?? withTimeOrder(call);
    const argTypes = all.map((arg) => arg.type);
    const recipe = entry.recipe(argTypes);
    const constantsFrom = entry.constantsFrom ?? all.length;
    return {
      function: entry.name,
      type: call.type,
      args: all.map((arg, i) => args.add(call.distinct ? arg : wholeNumbers(arg, recipe, i))),
      argTypes,
      constants: all.map((arg, i) => (i >= constantsFrom ? constantOf(arg, context) : undefined)),
      filter: call.filter ? filters.add(call.filter) : -1,
      distinct: call.distinct && all.length > 0,
      position: call.position,
    };
  });
  return { groups, buckets: groups.map(bucketKeyOf), arguments: args.list, filters: filters.list, calls };
}

/** Sums of floats take whole numbers as they are: the cast is left to the states, some of which need none (aggregates/update-together.ts). */
function wholeNumbers(arg: Expression, { slots }: AggregateRecipe, index: number): Expression {
  if (arg.kind !== 'cast' || arg.type.kind !== 'float64' || !isInteger(arg.operand.type)) return arg;
  const uses = slots.filter((slot) => slot.inputs.includes(index));
  return uses.length > 0 && uses.every((slot) => slot.kind === 'sum_product' || slot.kind === 'sum_float') ? arg.operand : arg;
}

const SUMS: ReadonlySet<string> = new Set(['sum', 'avg']);

/** The factors of a sum of products of floats, which its state multiplies by itself: no vector of products is made. */
function factorsOf({ function: name, args, distinct }: AggregateCall): readonly Expression[] | undefined {
  const [product] = args;
  if (!SUMS.has(name) || distinct || product?.kind !== 'call' || product.function !== 'multiply') return undefined;
  const isSummed = product.type.kind === 'float64' && product.args.every(({ kind, type }) => kind !== 'literal' && type.kind === 'float64');
  return isSummed ? product.args : undefined;
}

/** A bucket in UTC of a timestamp column, by constants. */
function bucketKeyOf(group: Expression): BucketKey | null {
  const cut = gridOfCall(group);
  return cut && cut.grid.zone === undefined ? { time: cut.time.id, grid: cut.grid } : null;
}

function constantOf(expression: Expression, context: EvaluationContext) {
  if (columnsOf(expression).size > 0) {
    throw new DbError('invalid_argument', 'this argument of an aggregate must be a constant', { position: expression.position });
  }
  return evaluateConstant(expression, context);
}

/** first(x ORDER BY y) picks by y as first(x, y) does, when one key of a simple type that is never NULL decides. */
function pickKey(call: AggregateCall): Expression | undefined {
  const [key, ...more] = call.orderBy;
  if (!key || more.length > 0 || call.args.length !== 1 || call.distinct || key.expression.nullable) return undefined;
  if (call.function !== 'first' && call.function !== 'last') return undefined;
  // Ties go to the first row for first and to the last for last; with DESC they would go the other way.
  if (key.descending) return undefined;
  const types = [...call.args, key.expression].map((expression) => ({ type: expression.type, literal: false }));
  return aggregateFunction(call.function)?.resolve(types) ? key.expression : undefined;
}

function withTimeOrder(call: AggregateCall): readonly Expression[] {
  const key = pickKey(call);
  return key ? [...call.args, key] : call.args;
}

/** Calls that want their rows in one order; [] = any. */
export interface OrderedCalls {
  readonly order: readonly SortKey[];
  readonly calls: readonly AggregateCall[];
  /** Places of the calls among those of the plan. */
  readonly indexes: readonly number[];
}

/** The calls by the order that their rows must come in, at least one; those to which order does not matter are with the first. */
export function orderedCalls(plan: { readonly aggregates: readonly AggregateCall[] }): readonly OrderedCalls[] {
  const classes = new Map<string, { order: readonly SortKey[]; calls: AggregateCall[]; indexes: number[] }>();
  const free: number[] = [];
  plan.aggregates.forEach((call, index) => {
    const entry = aggregateFunction(call.function);
    if (entry?.ordered !== true) {
      free.push(index);
      return;
    }
    const order = call.orderBy.length === 0 || pickKey(call) ? [] : call.orderBy;
    const text = JSON.stringify(order.map((key) => [fingerprint(key.expression), key.descending, key.nullsFirst]));
    const known = classes.get(text) ?? { order, calls: [], indexes: [] };
    known.calls.push(call);
    known.indexes.push(index);
    classes.set(text, known);
  });
  const all = [...classes.values()];
  // One pass is enough when the calls without an order can take whichever there is.
  const first = all.find((each) => each.order.length === 0) ?? all[0] ?? { order: [], calls: [], indexes: [] };
  for (const index of free) {
    first.calls.push(plan.aggregates[index] as AggregateCall);
    first.indexes.push(index);
  }
  return [first, ...all.filter((each) => each !== first)].map(inPlanOrder);
}

function inPlanOrder(calls: OrderedCalls): OrderedCalls {
  const pairs = calls.indexes.map((index, i) => ({ index, call: calls.calls[i] as AggregateCall })).sort((a, b) => a.index - b.index);
  return { order: calls.order, calls: pairs.map((pair) => pair.call), indexes: pairs.map((pair) => pair.index) };
}
