/** Walking and rebuilding logical plans. */
import { addColumnsOf, type ColumnId, type Expression, mapExpression, mapShared } from './expression.js';
import {
  type AggregateCall,
  type AsofPlan,
  type HorizonJoinPlan,
  type IntervalBound,
  inputsOf,
  type JoinPlan,
  type LogicalPlan,
  type OutputColumn,
  type PlanKind,
  type PlanOf,
  type WindowJoinPlan,
} from './logical.js';
import { mapWindowCall, windowCallExpressions } from './window.js';

/** The node with its inputs changed; the same node when none of them changes. */
export function mapInputs(plan: LogicalPlan, change: (input: LogicalPlan) => LogicalPlan): LogicalPlan {
  switch (plan.kind) {
    case 'scan':
    case 'values':
    case 'series':
    case 'file':
    case 'reference':
      return plan;
    case 'cut': {
      const [input, bounds] = [change(plan.input), change(plan.bounds)];
      return input === plan.input && bounds === plan.bounds ? plan : { ...plan, input, bounds };
    }
    case 'recursive': {
      const [base, step] = [change(plan.base), change(plan.step)];
      return base === plan.base && step === plan.step ? plan : { ...plan, base, step };
    }
    case 'with': {
      const relations = mapShared(plan.relations, (relation) => {
        const changed = change(relation.plan);
        return changed === relation.plan ? relation : { ...relation, plan: changed };
      });
      const input = change(plan.input);
      return relations === plan.relations && input === plan.input ? plan : { ...plan, relations, input };
    }
    case 'union': {
      const inputs = mapShared(plan.inputs, change);
      return inputs === plan.inputs ? plan : { ...plan, inputs };
    }
    case 'join':
    case 'asof':
    case 'positional':
    case 'window_join':
    case 'horizon_join': {
      const left = change(plan.left);
      const right = change(plan.right);
      return left === plan.left && right === plan.right ? plan : { ...plan, left, right };
    }
    default: {
      const input = change(plan.input);
      return input === plan.input ? plan : overInput(plan, input);
    }
  }
}

/** Nodes over one input. */
type OverOne = Extract<LogicalPlan, { readonly input: LogicalPlan }>;

/** The node over another input, with the same output. The common kinds are made in one place each: objects of one shape are read fast. */
export function overInput(plan: OverOne, input: LogicalPlan, output: readonly OutputColumn[] = plan.output): LogicalPlan {
  switch (plan.kind) {
    case 'filter':
      return { kind: 'filter', input, condition: plan.condition, output };
    case 'project':
      return { kind: 'project', input, expressions: plan.expressions, output };
    case 'aggregate':
      return { kind: 'aggregate', input, groups: plan.groups, aggregates: plan.aggregates, output };
    case 'sort':
      return { kind: 'sort', input, keys: plan.keys, limit: plan.limit, output };
    case 'limit':
      return { kind: 'limit', input, limit: plan.limit, offset: plan.offset, output };
    default:
      return { ...plan, input, output };
  }
}

type Change = (expression: Expression) => Expression;

/** The node with every expression of its own (not of its inputs) changed; the same node when none of them changes. */
export function mapOwnExpressions(plan: LogicalPlan, change: Change): LogicalPlan {
  const map = MAP_OWN[plan.kind] as (plan: LogicalPlan, change: Change) => LogicalPlan;
  return map(plan, change);
}

const unchanged = (plan: LogicalPlan): LogicalPlan => plan;

const MAP_OWN: { readonly [K in PlanKind]: (plan: PlanOf<K>, change: Change) => LogicalPlan } = {
  scan: (plan, change) => {
    const filters = mapShared(plan.filters, change);
    return filters === plan.filters ? plan : { ...plan, filters };
  },
  values: (plan, change) => {
    const rows = mapShared(plan.rows, (row) => mapShared(row, change));
    return rows === plan.rows ? plan : { ...plan, rows };
  },
  series: (plan, change) => ({ ...plan, start: change(plan.start), stop: change(plan.stop), step: change(plan.step) }),
  filter: (plan, change) => {
    const condition = change(plan.condition);
    return condition === plan.condition ? plan : { kind: 'filter', input: plan.input, condition, output: plan.output };
  },
  project: (plan, change) => {
    const expressions = mapShared(plan.expressions, change);
    return expressions === plan.expressions ? plan : { kind: 'project', input: plan.input, expressions, output: plan.output };
  },
  aggregate: (plan, change) => {
    const groups = mapShared(plan.groups, change);
    const aggregates = mapShared(plan.aggregates, (call) => mapAggregate(call, change));
    if (groups === plan.groups && aggregates === plan.aggregates) return plan;
    return { kind: 'aggregate', input: plan.input, groups, aggregates, output: plan.output };
  },
  grouping_sets: (plan, change) => {
    const groups = mapShared(plan.groups, change);
    const aggregates = mapShared(plan.aggregates, (call) => mapAggregate(call, change));
    return groups === plan.groups && aggregates === plan.aggregates ? plan : { ...plan, groups, aggregates };
  },
  sort: (plan, change) => {
    const keys = mapHeld(plan.keys, change);
    return keys === plan.keys ? plan : { kind: 'sort', input: plan.input, keys, limit: plan.limit, output: plan.output };
  },
  window: (plan, change) => ({
    ...plan,
    partitionBy: plan.partitionBy.map(change),
    orderBy: mapHeld(plan.orderBy, change),
    calls: plan.calls.map((call) => mapWindowCall(call, change)),
  }),
  join: (plan, change) => mapJoin(plan, change),
  asof: (plan, change) => {
    const time = { left: change(plan.time.left), right: change(plan.time.right) };
    return { ...mapJoin(plan, change), time };
  },
  window_join: (plan, change) => ({
    ...plan,
    ...mapTimedJoin(plan, change),
    start: mapBound(plan.start, change),
    end: mapBound(plan.end, change),
    calls: plan.calls.map((call) => mapWindowCall(call, change)),
  }),
  horizon_join: (plan, change) => ({ ...plan, ...mapTimedJoin(plan, change), shown: change(plan.shown) }),
  unnest: (plan, change) => {
    const lists = mapShared(plan.lists, change);
    return lists === plan.lists ? plan : { ...plan, lists };
  },
  limit_by: mapKeys,
  number: mapKeys,
  top_by: (plan, change) => ({
    ...plan,
    keys: plan.keys.map(change),
    order: { ...plan.order, expression: change(plan.order.expression) },
  }),
  gap_fill: (plan, change) => ({
    ...plan,
    bucket: change(plan.bucket),
    series: plan.series.map(change),
    fills: plan.fills.map((fill) => ({ ...fill, value: change(fill.value) })),
  }),
  cut: (plan, change) => {
    const ties = mapHeld(plan.ties, change);
    return ties === plan.ties ? plan : { ...plan, ties };
  },
  distinct: unchanged,
  file: unchanged,
  limit: unchanged,
  union: unchanged,
  with: unchanged,
  reference: unchanged,
  recursive: unchanged,
  positional: unchanged,
};

function mapKeys(plan: PlanOf<'limit_by' | 'number'>, change: Change): LogicalPlan {
  const keys = mapShared(plan.keys, change);
  return keys === plan.keys ? plan : { ...plan, keys };
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

/** Sort keys, or whatever else holds an expression, with it changed. */
export function mapHeld<Holder extends { readonly expression: Expression }>(
  holders: readonly Holder[],
  change: (expression: Expression) => Expression,
): readonly Holder[] {
  return mapShared(holders, (holder) => {
    const expression = change(holder.expression);
    return expression === holder.expression ? holder : { ...holder, expression };
  });
}

function mapJoin<Join extends JoinPlan | AsofPlan>(plan: Join, change: (expression: Expression) => Expression): Join {
  const keys = mapShared(plan.keys, (key) => {
    const left = change(key.left);
    const right = change(key.right);
    return left === key.left && right === key.right ? key : { left, right };
  });
  const residual = plan.residual && change(plan.residual);
  return keys === plan.keys && residual === plan.residual ? plan : { ...plan, keys, residual };
}

function mapAggregate(call: AggregateCall, change: (expression: Expression) => Expression): AggregateCall {
  const args = mapShared(call.args, change);
  const filter = call.filter && change(call.filter);
  const orderBy = mapHeld(call.orderBy, change);
  return args === call.args && filter === call.filter && orderBy === call.orderBy ? call : { ...call, args, filter, orderBy };
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
    case 'grouping_sets': {
      const all = [...plan.groups];
      for (const call of plan.aggregates) addAggregateExpressions(call, all);
      return all;
    }
    case 'sort':
      return plan.keys.map((key) => key.expression);
    case 'window':
      return [...plan.partitionBy, ...plan.orderBy.map((key) => key.expression), ...plan.calls.flatMap(windowCallExpressions)];
    case 'join':
      return joinExpressions(plan);
    case 'asof':
      return [...joinExpressions(plan), plan.time.left, plan.time.right];
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
    case 'number':
      return plan.keys;
    case 'top_by':
      return [...plan.keys, plan.order.expression];
    case 'cut':
      return plan.ties.map((key) => key.expression);
    case 'gap_fill':
      return [plan.bucket, ...plan.series, ...plan.fills.map((fill) => fill.value)];
    case 'distinct':
    case 'file':
    case 'limit':
    case 'union':
    case 'with':
    case 'reference':
    case 'recursive':
    case 'positional':
      return NONE;
  }
}

function timedExpressions({ keys, time }: WindowJoinPlan | HorizonJoinPlan): readonly Expression[] {
  return [...keys.flatMap((key) => [key.left, key.right]), time.left, time.right];
}

const NONE: readonly Expression[] = [];

function joinExpressions(plan: JoinPlan | AsofPlan): readonly Expression[] {
  const all: Expression[] = [];
  for (const { left, right } of plan.keys) all.push(left, right);
  if (plan.residual !== null) all.push(plan.residual);
  return all;
}

function addAggregateExpressions(call: AggregateCall, all: Expression[]): void {
  for (const arg of call.args) all.push(arg);
  if (call.filter !== null) all.push(call.filter);
  for (const key of call.orderBy) all.push(key.expression);
}

/** Columns that the plan reads and does not make: those of a query around it. Of `base`, a part of the plan, only the output counts. */
export function freeColumns(plan: LogicalPlan, base?: LogicalPlan): Set<ColumnId> {
  const made = new Set<ColumnId>();
  const read = new Set<ColumnId>();
  const visit = (node: LogicalPlan): void => {
    for (const column of node.output) made.add(column.id);
    if (node === base) return;
    if (node.kind === 'scan') for (const column of node.columns) made.add(column.id);
    for (const expression of ownExpressions(node)) addColumnsOf(expression, read);
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
    const changed = mapOwnExpressions(mapInputs(node, copy), change);
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
