/** Walking and rebuilding logical plans. */
import { type ColumnId, columnsOf, type Expression, mapExpression } from './expression.js';
import {
  type AggregateCall,
  type HorizonJoinPlan,
  type IntervalBound,
  inputsOf,
  type LogicalPlan,
  type OutputColumn,
  type SortKey,
  type WindowJoinPlan,
} from './logical.js';
import { mapWindowCall, windowCallExpressions } from './window.js';

/** The node with other inputs (as many as it has). */
export function withInputs(plan: LogicalPlan, inputs: readonly LogicalPlan[]): LogicalPlan {
  const [first, second] = inputs;
  switch (plan.kind) {
    case 'scan':
    case 'values':
    case 'series':
    case 'file':
    case 'reference':
      return plan;
    case 'cut':
      return first && second ? { ...plan, input: first, bounds: second } : plan;
    case 'recursive':
      return first && second ? { ...plan, base: first, step: second } : plan;
    case 'with': {
      const relations = plan.relations.map((relation, i) => ({ ...relation, plan: inputs[i] ?? relation.plan }));
      return { ...plan, relations, input: inputs.at(-1) ?? plan.input };
    }
    case 'union':
      return { ...plan, inputs };
    case 'join':
    case 'asof':
    case 'positional':
    case 'window_join':
    case 'horizon_join':
      return first && second ? { ...plan, left: first, right: second } : plan;
    default:
      return first ? { ...plan, input: first } : plan;
  }
}

/** The node with every expression of its own (not of its inputs) changed. */
export function mapOwnExpressions(plan: LogicalPlan, change: (expression: Expression) => Expression): LogicalPlan {
  const keys = (list: readonly SortKey[]) => list.map((key) => ({ ...key, expression: change(key.expression) }));
  switch (plan.kind) {
    case 'scan':
      return plan.filters.length === 0 ? plan : { ...plan, filters: plan.filters.map(change) };
    case 'values':
      return { ...plan, rows: plan.rows.map((row) => row.map(change)) };
    case 'series':
      return { ...plan, start: change(plan.start), stop: change(plan.stop), step: change(plan.step) };
    case 'filter':
      return { ...plan, condition: change(plan.condition) };
    case 'project':
      return { ...plan, expressions: plan.expressions.map(change) };
    case 'aggregate':
    case 'grouping_sets':
      return {
        ...plan,
        groups: plan.groups.map(change),
        aggregates: plan.aggregates.map((call) => mapAggregate(call, change)),
      };
    case 'sort':
      return { ...plan, keys: keys(plan.keys) };
    case 'window':
      return {
        ...plan,
        partitionBy: plan.partitionBy.map(change),
        orderBy: keys(plan.orderBy),
        calls: plan.calls.map((call) => mapWindowCall(call, change)),
      };
    case 'join':
      return {
        ...plan,
        keys: plan.keys.map((key) => ({ left: change(key.left), right: change(key.right) })),
        residual: plan.residual === null ? null : change(plan.residual),
      };
    case 'asof':
      return {
        ...plan,
        keys: plan.keys.map((key) => ({ left: change(key.left), right: change(key.right) })),
        time: { left: change(plan.time.left), right: change(plan.time.right) },
        residual: plan.residual === null ? null : change(plan.residual),
      };
    case 'window_join':
      return {
        ...plan,
        ...mapTimedJoin(plan, change),
        start: mapBound(plan.start, change),
        end: mapBound(plan.end, change),
        calls: plan.calls.map((call) => mapWindowCall(call, change)),
      };
    case 'horizon_join':
      return { ...plan, ...mapTimedJoin(plan, change), shown: change(plan.shown) };
    case 'unnest':
      return { ...plan, lists: plan.lists.map(change) };
    case 'limit_by':
      return { ...plan, keys: plan.keys.map(change) };
    case 'number':
      return { ...plan, keys: plan.keys.map(change) };
    case 'cut':
      return { ...plan, ties: keys(plan.ties) };
    case 'distinct':
    case 'file':
    case 'limit':
    case 'union':
    case 'with':
    case 'reference':
    case 'recursive':
    case 'positional':
      return plan;
  }
}

function mapTimedJoin({ keys, time }: WindowJoinPlan | HorizonJoinPlan, change: (expression: Expression) => Expression) {
  return {
    keys: keys.map((key) => ({ left: change(key.left), right: change(key.right) })),
    time: { left: change(time.left), right: change(time.right) },
  };
}

function mapBound(bound: IntervalBound, change: (expression: Expression) => Expression): IntervalBound {
  return bound.kind === 'limit' ? { ...bound, limit: change(bound.limit) } : bound;
}

function mapAggregate(call: AggregateCall, change: (expression: Expression) => Expression): AggregateCall {
  return {
    ...call,
    args: call.args.map(change),
    filter: call.filter === null ? null : change(call.filter),
    orderBy: call.orderBy.map((key) => ({ ...key, expression: change(key.expression) })),
  };
}

/** Every expression of the node itself. */
export function ownExpressions(plan: LogicalPlan): readonly Expression[] {
  switch (plan.kind) {
    case 'scan':
      return plan.filters;
    case 'values':
      return plan.rows.flat();
    case 'series':
      return [plan.start, plan.stop, plan.step];
    case 'filter':
      return [plan.condition];
    case 'project':
      return plan.expressions;
    case 'aggregate':
    case 'grouping_sets':
      return [...plan.groups, ...plan.aggregates.flatMap(aggregateExpressions)];
    case 'sort':
      return plan.keys.map((key) => key.expression);
    case 'window':
      return [...plan.partitionBy, ...plan.orderBy.map((key) => key.expression), ...plan.calls.flatMap(windowCallExpressions)];
    case 'join':
      return [...plan.keys.flatMap((key) => [key.left, key.right]), ...(plan.residual === null ? [] : [plan.residual])];
    case 'asof':
      return [
        ...plan.keys.flatMap((key) => [key.left, key.right]),
        plan.time.left,
        plan.time.right,
        ...(plan.residual === null ? [] : [plan.residual]),
      ];
    case 'window_join':
      return [
        ...timedExpressions(plan),
        ...[plan.start, plan.end].flatMap((bound) => (bound.kind === 'limit' ? [bound.limit] : [])),
        ...plan.calls.flatMap(windowCallExpressions),
      ];
    case 'horizon_join':
      return [...timedExpressions(plan), plan.shown];
    case 'unnest':
      return plan.lists;
    case 'limit_by':
      return plan.keys;
    case 'number':
      return plan.keys;
    case 'cut':
      return plan.ties.map((key) => key.expression);
    case 'distinct':
    case 'file':
    case 'limit':
    case 'union':
    case 'with':
    case 'reference':
    case 'recursive':
    case 'positional':
      return [];
  }
}

function timedExpressions({ keys, time }: WindowJoinPlan | HorizonJoinPlan): readonly Expression[] {
  return [...keys.flatMap((key) => [key.left, key.right]), time.left, time.right];
}

function aggregateExpressions(call: AggregateCall): readonly Expression[] {
  return [...call.args, ...(call.filter === null ? [] : [call.filter]), ...call.orderBy.map((key) => key.expression)];
}

/** Columns that the plan reads and does not make: those of a query around it. Of `base`, a part of the plan, only the output counts. */
export function freeColumns(plan: LogicalPlan, base?: LogicalPlan): Set<ColumnId> {
  const made = new Set<ColumnId>();
  const read = new Set<ColumnId>();
  const visit = (node: LogicalPlan): void => {
    for (const column of node.output) made.add(column.id);
    if (node === base) return;
    if (node.kind === 'scan') for (const column of node.columns) made.add(column.id);
    for (const expression of ownExpressions(node)) for (const id of columnsOf(expression)) read.add(id);
    inputsOf(node).forEach(visit);
  };
  visit(plan);
  for (const id of made) read.delete(id);
  return read;
}

/** The expression with columns replaced; columns that the map does not hold stay. */
export function substitute(expression: Expression, by: ReadonlyMap<ColumnId, Expression>): Expression {
  return mapExpression(expression, (node) => (node.kind === 'column' ? (by.get(node.id) ?? node) : node));
}

/** A copy whose columns all have new ids, so that both may stand in one plan. Columns of a query around it keep theirs. */
export function cloneWithFreshIds(
  plan: LogicalPlan,
  nextId: () => ColumnId,
): { readonly plan: LogicalPlan; readonly ids: ReadonlyMap<ColumnId, ColumnId> } {
  const ids = new Map<ColumnId, ColumnId>();
  const collect = (node: LogicalPlan): void => {
    for (const column of node.output) if (!ids.has(column.id)) ids.set(column.id, nextId());
    if (node.kind === 'scan') for (const column of node.columns) if (!ids.has(column.id)) ids.set(column.id, nextId());
    inputsOf(node).forEach(collect);
  };
  collect(plan);
  const rename = (id: ColumnId): ColumnId => ids.get(id) ?? id;
  const change = (expression: Expression) =>
    mapExpression(expression, (node) => (node.kind === 'column' ? { ...node, id: rename(node.id) } : node));
  const output = (columns: readonly OutputColumn[]) => columns.map((column) => ({ ...column, id: rename(column.id) }));
  const copy = (node: LogicalPlan): LogicalPlan => {
    const changed = mapOwnExpressions(withInputs(node, inputsOf(node).map(copy)), change);
    const named = { ...changed, output: output(changed.output) } as LogicalPlan;
    if (named.kind === 'scan') return { ...named, columns: named.columns.map((column) => ({ ...column, id: rename(column.id) })) };
    if (named.kind === 'window' || named.kind === 'window_join')
      return { ...named, calls: named.calls.map((call) => ({ ...call, id: rename(call.id) })) };
    if (named.kind === 'reference') return { ...named, columns: named.columns.map(rename) };
    if (named.kind === 'cut') {
      const bound = (id: ColumnId | null) => (id === null ? null : rename(id));
      return { ...named, count: bound(named.count), offset: bound(named.offset) };
    }
    if (named.kind === 'aggregate' || named.kind === 'grouping_sets')
      return { ...named, aggregates: named.aggregates.map((call) => ({ ...call, id: rename(call.id) })) };
    return named;
  };
  return { plan: copy(plan), ids };
}
