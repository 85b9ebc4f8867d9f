/** Columns that nobody reads are not made: scans read only the columns that are named. */
import { columnOf } from '../binder/expressions.js';
import {
  asofPlan,
  horizonJoinPlan,
  joinPlan,
  pickColumns,
  positionalPlan,
  unnestPlan,
  windowJoinPlan,
  windowPlan,
} from '../binder/plans.js';
import { addColumnsOf, type ColumnId, readsOnly } from '../plan/expression.js';
import {
  type AggregatePlan,
  type GapFillPlan,
  type GroupingSetsPlan,
  inputsOf,
  type JoinPlan,
  type LogicalPlan,
  type PlanKind,
  type PlanOf,
  type ProjectPlan,
  type ScanPlan,
  type UnionPlan,
  type WindowJoinPlan,
  type WindowPlan,
  type WithPlan,
} from '../plan/logical.js';
import { overInput, ownExpressions } from '../plan/traverse.js';
import type { Rule } from './rule.js';

export const PROJECTION_PRUNING: Rule = {
  name: 'projection_pruning',
  doc: 'Columns and aggregates that are not read are left away.',
  apply: (plan) => (plan.kind === 'with' ? pruneWith(plan) : pruneRoot(plan)),
};

type Wanted = ReadonlySet<ColumnId>;

function pruneRoot(plan: LogicalPlan): LogicalPlan {
  return pickColumns(prune(plan, allOf(plan)), plan.output);
}

function allOf(plan: LogicalPlan): Wanted {
  return new Set(plan.output.map((column) => column.id));
}

/** Relations are pruned after everything that may read them. */
function pruneWith(plan: WithPlan): LogicalPlan {
  const input = pruneRoot(plan.input);
  const read = new Map<number, Set<ColumnId>>();
  noteReferences(input, read);
  const relations = [...plan.relations].reverse().map((relation) => {
    const wanted = read.get(relation.key) ?? new Set();
    const pruned = prune(relation.plan, wanted);
    noteReferences(pruned, read);
    return { ...relation, plan: pruned };
  });
  return { ...plan, relations: [...relations].reverse(), input, output: input.output };
}

function noteReferences(plan: LogicalPlan, read: Map<number, Set<ColumnId>>): void {
  if (plan.kind === 'reference') {
    const columns = read.get(plan.key) ?? new Set();
    for (const id of plan.columns) columns.add(id);
    read.set(plan.key, columns);
  }
  for (const input of inputsOf(plan)) noteReferences(input, read);
}

/** The plan with at least the wanted columns in its output. */
function prune(plan: LogicalPlan, wanted: Wanted): LogicalPlan {
  const prune = PRUNE[plan.kind] as (plan: LogicalPlan, wanted: Wanted) => LogicalPlan;
  return prune(plan, wanted);
}

const PRUNE: { readonly [K in PlanKind]: (plan: PlanOf<K>, wanted: Wanted) => LogicalPlan } = {
  scan: pruneScan,
  values: (plan, wanted) => {
    const kept = indexes(plan, wanted);
    if (kept.length === plan.output.length) return plan;
    return { ...plan, rows: plan.rows.map((row) => pick(row, kept)), output: pick(plan.output, kept) };
  },
  series: (plan) => plan,
  file: (plan, wanted) => {
    const kept = indexes(plan, wanted);
    return { ...plan, columnIndexes: pick(plan.columnIndexes, kept), output: pick(plan.output, kept) };
  },
  reference: (plan, wanted) => {
    const kept = indexes(plan, wanted);
    return { ...plan, columns: pick(plan.columns, kept), output: pick(plan.output, kept) };
  },
  with: pruneWith,
  recursive: (plan) => ({ ...plan, base: pruneRoot(plan.base), step: pruneRoot(plan.step) }),
  grouping_sets: pruneGroupingSets,
  number: (plan, wanted) => {
    const number = plan.output.at(-1);
    if (!number || !wanted.has(number.id)) return prune(plan.input, wanted);
    const input = prune(plan.input, withRead(plan, wanted));
    return { ...plan, input, output: [...input.output, number] };
  },
  gap_fill: pruneGapFill,
  cut: (plan, wanted) => {
    const input = prune(plan.input, withRead(plan, wanted));
    return { ...plan, input, bounds: pruneRoot(plan.bounds), output: input.output };
  },
  project: pruneProject,
  aggregate: pruneAggregate,
  filter: (plan, wanted) => over(plan, prune(plan.input, withRead(plan, wanted))),
  sort: (plan, wanted) => over(plan, prune(plan.input, withRead(plan, wanted))),
  limit: (plan, wanted) => over(plan, prune(plan.input, wanted)),
  unnest: (plan, wanted) => {
    const own = plan.output.slice(plan.input.output.length);
    const input = prune(plan.input, withRead(plan, wanted));
    return unnestPlan(input, plan.lists, own, plan.ordinality, plan.outer);
  },
  limit_by: (plan, wanted) => over(plan, prune(plan.input, withRead(plan, wanted))),
  top_by: (plan, wanted) => over(plan, prune(plan.input, withRead(plan, wanted))),
  positional: (plan, wanted) => positionalPlan(prune(plan.left, wanted), prune(plan.right, wanted)),
  window: pruneWindow,
  distinct: (plan) => {
    const input = pickColumns(prune(plan.input, allOf(plan.input)), plan.input.output);
    return { ...plan, input };
  },
  join: pruneJoin,
  asof: (plan, wanted) => {
    const needed = withRead(plan, wanted);
    return asofPlan(prune(plan.left, needed), prune(plan.right, needed), plan);
  },
  union: pruneUnion,
  window_join: pruneWindowJoin,
  horizon_join: (plan, wanted) => {
    const own = plan.output.slice(plan.left.output.length, plan.left.output.length + 2);
    const needed = withRead(plan, wanted);
    return horizonJoinPlan(prune(plan.left, needed), prune(plan.right, needed), own, plan);
  },
};

function pruneProject(plan: ProjectPlan, wanted: Wanted): LogicalPlan {
  const kept = indexes(plan, wanted);
  const expressions = pick(plan.expressions, kept);
  const read = new Set<ColumnId>();
  for (const expression of expressions) addColumnsOf(expression, read);
  const input = prune(plan.input, read);
  if (input === plan.input && expressions === plan.expressions) return plan;
  return { kind: 'project', input, expressions, output: pick(plan.output, kept) };
}

function pruneGroupingSets(plan: GroupingSetsPlan, wanted: Wanted): LogicalPlan {
  const aggregates = plan.aggregates.filter((call) => wanted.has(call.id));
  const dropped = new Set(plan.aggregates.filter((call) => !wanted.has(call.id)).map((call) => call.id));
  const pruned: GroupingSetsPlan = { ...plan, aggregates, output: plan.output.filter((column) => !dropped.has(column.id)) };
  return { ...pruned, input: prune(plan.input, withRead(pruned, NOTHING)) };
}

/** Fills whose value and flag nobody reads are left away. */
function pruneGapFill(plan: GapFillPlan, wanted: Wanted): LogicalPlan {
  const keys = 1 + plan.series.length;
  let flag = keys + plan.fills.length;
  const columns = plan.fills.map((fill, i) => ({
    fill,
    value: plan.output[keys + i],
    flag: fill.flagged ? plan.output[flag++] : undefined,
  }));
  const kept = columns.filter(({ value, flag: own }) => wanted.has(value?.id ?? -1) || (own !== undefined && wanted.has(own.id)));
  const output = [...plan.output.slice(0, keys), ...kept.map(({ value }) => value), ...kept.map(({ flag: own }) => own)];
  const pruned: GapFillPlan = { ...plan, fills: kept.map(({ fill }) => fill), output: output.filter((column) => column !== undefined) };
  return { ...pruned, input: prune(plan.input, withRead(pruned, NOTHING)) };
}

/** The node, whose output is that of its input, over another input. */
function over(plan: PlanOf<'filter' | 'sort' | 'limit' | 'limit_by' | 'top_by'>, input: LogicalPlan): LogicalPlan {
  return input === plan.input && input.output === plan.output ? plan : overInput(plan, input, input.output);
}

function indexes(plan: LogicalPlan, wanted: Wanted): readonly number[] {
  const kept: number[] = [];
  plan.output.forEach((column, i) => {
    if (wanted.has(column.id)) kept.push(i);
  });
  return kept;
}

function pick<T>(items: readonly T[], kept: readonly number[]): readonly T[] {
  return kept.length === items.length ? items : kept.map((i) => items[i] as T);
}

/** The wanted columns and those that the node itself reads. */
function withRead(plan: LogicalPlan, wanted: Wanted): Wanted {
  const expressions = ownExpressions(plan);
  if (expressions.every((expression) => readsOnly(expression, wanted))) return wanted;
  const all = new Set(wanted);
  for (const expression of expressions) addColumnsOf(expression, all);
  return all;
}

function pruneScan(plan: ScanPlan, wanted: Wanted): LogicalPlan {
  const kept = indexes(plan, wanted);
  if (kept.length === plan.output.length && plan.columns.length === plan.output.length) return plan;
  const output = pick(plan.output, kept);
  const needed = new Set(output.map((column) => column.id));
  for (const filter of plan.filters) addColumnsOf(filter, needed);
  if (plan.pick) needed.add(plan.pick.time);
  if (plan.pick?.kind === 'latest') needed.add(plan.pick.key);
  return {
    ...plan,
    columnIndexes: pick(plan.columnIndexes, kept),
    columns: plan.columns.filter((column) => needed.has(column.id)),
    output,
  };
}

function pruneAggregate(plan: AggregatePlan, wanted: Wanted): LogicalPlan {
  const aggregates = plan.aggregates.filter((call) => wanted.has(call.id));
  // An aggregate without groups and calls would have nothing to give a row for.
  const kept = aggregates.length === 0 && plan.groups.length === 0 ? plan.aggregates.slice(0, 1) : aggregates;
  const pruned = kept.length === plan.aggregates.length ? plan : withAggregates(plan, kept);
  const input = prune(plan.input, withRead(pruned, NOTHING));
  return input === plan.input ? pruned : overInput(pruned, input);
}

const NOTHING: Wanted = new Set();

function withAggregates(plan: AggregatePlan, aggregates: AggregatePlan['aggregates']): AggregatePlan {
  const ids = new Set(aggregates.map((call) => call.id));
  const output = plan.output.filter((column, i) => i < plan.groups.length || ids.has(column.id));
  return { ...plan, aggregates, output };
}

function pruneWindow(plan: WindowPlan, wanted: Wanted): LogicalPlan {
  const calls = plan.calls.filter((call) => wanted.has(call.id));
  if (calls.length === 0) return prune(plan.input, wanted);
  const kept: WindowPlan = { ...plan, calls };
  return windowPlan(prune(plan.input, withRead(kept, wanted)), kept);
}

function pruneJoin(plan: JoinPlan, wanted: Wanted): LogicalPlan {
  const needed = withRead(plan, wanted);
  const left = prune(plan.left, needed);
  const right = prune(plan.right, needed);
  if (left === plan.left && right === plan.right) return plan;
  return joinPlan(plan.join, left, right, plan.keys, plan.residual);
}

function pruneWindowJoin(plan: WindowJoinPlan, wanted: Wanted): LogicalPlan {
  const calls = plan.calls.filter((call) => wanted.has(call.id));
  if (calls.length === 0) return prune(plan.left, wanted);
  const kept: WindowJoinPlan = { ...plan, calls };
  const needed = withRead(kept, wanted);
  return windowJoinPlan(prune(plan.left, needed), prune(plan.right, needed), kept);
}

function pruneUnion(plan: UnionPlan, wanted: Wanted): LogicalPlan {
  const kept = indexes(plan, wanted);
  const inputs = plan.inputs.map((input) => {
    const columns = pick(input.output, kept);
    const pruned = prune(input, new Set(columns.map((column) => column.id)));
    return exactly(pruned, columns);
  });
  return { ...plan, inputs, output: pick(plan.output, kept) };
}

function exactly(plan: LogicalPlan, columns: LogicalPlan['output']): LogicalPlan {
  const same = plan.output.length === columns.length && columns.every((column, i) => column.id === plan.output[i]?.id);
  return same ? plan : { kind: 'project', input: plan, expressions: columns.map((column) => columnOf(column)), output: columns };
}
