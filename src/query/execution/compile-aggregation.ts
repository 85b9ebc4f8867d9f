/** From an aggregate node to what sinks run: arguments and filters that several calls share are computed once. */
import { assert } from '../../core/assert.js';
import { DbError } from '../../core/errors.js';
import type { CallSpec } from '../aggregates/accumulator.js';
import { aggregateFunction } from '../aggregates/registry.js';
import { evaluateConstant } from '../expression/evaluate.js';
import type { EvaluationContext } from '../functions/contract.js';
import { columnsOf, type Expression } from '../plan/expression.js';
import type { AggregateCall, AggregatePlan, SortKey } from '../plan/logical.js';
import { expressionKey } from './expression-key.js';
import type { AggregationSpec } from './task.js';

/** Expressions without repeats. */
class Expressions {
  readonly list: Expression[] = [];
  private readonly indexes = new Map<string, number>();

  add(expression: Expression): number {
    const key = expressionKey(expression);
    let index = this.indexes.get(key);
    if (index === undefined) {
      index = this.list.length;
      this.list.push(expression);
      this.indexes.set(key, index);
    }
    return index;
  }
}

export function compileAggregation(plan: AggregatePlan, context: EvaluationContext): AggregationSpec {
  const args = new Expressions();
  const filters = new Expressions();
  const calls = plan.aggregates.map((call): CallSpec => {
    const entry = aggregateFunction(call.function);
    assert(entry, `aggregate ${call.function}`);
    const all = withTimeOrder(call);
    const constantsFrom = entry.constantsFrom ?? all.length;
    return {
      function: entry.name,
      type: call.type,
      args: all.map((arg) => args.add(arg)),
      argTypes: all.map((arg) => arg.type),
      constants: all.map((arg, i) => (i >= constantsFrom ? constantOf(arg, context) : undefined)),
      filter: call.filter ? filters.add(call.filter) : -1,
      distinct: (call.distinct || entry.distinct === true) && all.length > 0,
      position: call.position,
    };
  });
  return { groups: plan.groups, arguments: args.list, filters: filters.list, calls };
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

/** The order in which rows must come for the calls that depend on it; [] = any. */
export function inputOrder(plan: AggregatePlan): readonly SortKey[] {
  let order: readonly SortKey[] = [];
  let text = '';
  for (const call of plan.aggregates) {
    if (call.orderBy.length === 0 || aggregateFunction(call.function)?.ordered !== true || pickKey(call)) continue;
    const wanted = JSON.stringify(call.orderBy.map((key) => [expressionKey(key.expression), key.descending, key.nullsFirst]));
    if (order.length > 0 && wanted !== text) {
      throw new DbError('unsupported', 'aggregates with different ORDER BY inside are not executed yet', { position: call.position });
    }
    order = call.orderBy;
    text = wanted;
  }
  return order;
}
