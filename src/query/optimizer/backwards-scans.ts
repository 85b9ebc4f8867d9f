/**
 * Queries that want the newest rows only, or the newest of each key, read tables from their end. Recognised, over the designated timestamp of one
 * table and whatever filters it has:
 *
 *   ORDER BY ts [DESC] … LIMIT n
 *   LATEST ON ts PARTITION BY key                        (as the binder spells it: a semi join with the last row ids)
 *   t JOIN (SELECT key, max(ts) FROM t GROUP BY key) …   on both
 *   last(x, ts), last(x ORDER BY ts), first(x ORDER BY ts DESC), arg_max(x, ts), max(ts) … GROUP BY key; so DISTINCT ON (key) … ORDER BY key, ts DESC
 */
import { columnOf, fingerprint } from '../binder/expressions.js';
import { type ColumnId, columnsOf, type Expression } from '../plan/expression.js';
import {
  type AggregateCall,
  type AggregatePlan,
  type JoinPlan,
  type LogicalPlan,
  type ProjectPlan,
  type ScanPlan,
  type SortKey,
  type SortPlan,
  timeColumnOf,
} from '../plan/logical.js';
import { substitute } from '../plan/traverse.js';
import { estimatedRows } from './cardinality.js';
import { mapPlan, type Rule } from './rule.js';

export const BACKWARDS_SCANS: Rule = {
  name: 'backwards_scans',
  doc: 'The newest rows, and the newest of each key, are looked for from the end of the table.',
  apply: (plan) => mapPlan(plan, change),
};

/** Sorting more rows than that reads most of a table anyway. */
const MOST_ROWS = 100_000;
/** Rows per key below which most of the table is read before every key is found. */
const ROWS_PER_KEY = 4;

function change(plan: LogicalPlan): LogicalPlan {
  switch (plan.kind) {
    case 'sort':
      return cutSort(plan);
    case 'aggregate':
      return latestAggregate(plan);
    case 'join':
      return plan.join === 'semi' ? latestOn(plan) : plan.join === 'inner' ? joinedToLatest(plan) : plan;
    default:
      return plan;
  }
}

// ---- ORDER BY ts LIMIT n -----------------------------------------------------------------------------------------------------------

function cutSort(plan: SortPlan): SortPlan {
  const { keys, limit } = plan;
  const [key] = keys;
  if (!key || limit === null || limit < 1 || limit > MOST_ROWS) return plan;
  const input = withEnd(plan.input, key.expression, key.descending, limit);
  return input ? { ...plan, input } : plan;
}

function withEnd(plan: LogicalPlan, key: Expression, descending: boolean, count: number): LogicalPlan | undefined {
  if (key.kind !== 'column') return undefined;
  if (plan.kind === 'project') {
    const made = plan.expressions[plan.output.findIndex((column) => column.id === key.id)];
    const input = made && withEnd(plan.input, made, descending, count);
    return input && { ...plan, input };
  }
  if (plan.kind !== 'scan' || plan.pick || timeColumnOf(plan)?.id !== key.id) return undefined;
  return { ...plan, pick: { kind: 'end', time: key.id, descending, count } };
}

// ---- the newest of each key --------------------------------------------------------------------------------------------------------

/** The scan with only the newest rows of each key; undefined when the key has no codes, or that does not pay. */
function withLatest(plan: ScanPlan, key: Expression | undefined, ties: 'all' | 'last', nulls: boolean): ScanPlan | undefined {
  const time = timeColumnOf(plan)?.id;
  const columnIndex = key?.kind === 'column' ? (plan.columns.find((column) => column.id === key.id)?.columnIndex ?? -1) : -1;
  if (key?.kind !== 'column' || time === undefined || columnIndex < 0 || plan.pick) return undefined;
  const { source } = plan;
  if (source.codeOf?.(columnIndex, '') === undefined) return undefined;
  const keys = source.distinctValues?.(columnIndex);
  if (keys === undefined || estimatedRows(plan) < keys * ROWS_PER_KEY) return undefined;
  return { ...plan, pick: { kind: 'latest', key: key.id, time, ties, nulls } };
}

/** Aggregates that only look at the rows of the largest time see the same when there are no others. */
function latestAggregate(plan: AggregatePlan): LogicalPlan {
  const { input, groups, aggregates } = plan;
  if (input.kind !== 'scan' || groups.length !== 1 || aggregates.length === 0) return plan;
  const time = timeColumnOf(input)?.id;
  const [key] = groups;
  if (time === undefined || !key || !aggregates.every((call) => looksAtLast(call, time, key))) return plan;
  const latest = withLatest(input, key, 'all', true);
  return latest ? { ...plan, input: latest } : plan;
}

function looksAtLast(call: AggregateCall, time: ColumnId, key: Expression): boolean {
  if (call.distinct || call.filter) return false;
  const [value, by] = call.args;
  const isTime = (expression: Expression | undefined) => expression?.kind === 'column' && expression.id === time;
  const isPlain = call.orderBy.length === 0;
  switch (call.function) {
    case 'max':
      return isPlain && call.args.length === 1 && isTime(value);
    case 'arg_max':
      return isPlain && isTime(by) && value !== undefined && !value.nullable;
    case 'last':
      return call.args.length === 2 ? isPlain && isTime(by) : endsWithTime(call.orderBy, time, key, false);
    case 'first':
      return call.args.length === 1 && endsWithTime(call.orderBy, time, key, true);
    default:
      return false;
  }
}

/** The order begins with the time, but for the key, which is the same in all rows of a group. */
function endsWithTime(orderBy: readonly SortKey[], time: ColumnId, key: Expression, descending: boolean): boolean {
  const first = orderBy.find(({ expression }) => !(expression.kind === 'column' && key.kind === 'column' && expression.id === key.id));
  return first?.expression.kind === 'column' && first.expression.id === time && first.descending === descending;
}

/** Semi join of a table with the last row id of each key of itself. */
function latestOn(plan: JoinPlan): LogicalPlan {
  const { left, right, keys, residual } = plan;
  if (left.kind !== 'scan' || keys.length !== 2 || residual) return plan;
  const latest = aggregateBelow(right);
  if (!latest) return plan;
  const { aggregate, made } = latest;
  const { input, groups, aggregates } = aggregate;
  if (input.kind !== 'scan' || groups.length !== 1 || aggregates.length !== 2 || !sameRows(left, input)) return plan;
  const [key] = groups;
  const time = timeColumnOf(input)?.id;
  const wanted = [-1, -2];
  const isRowId = keys.every(({ left: row, right: last }) => {
    const call = aggregates.find((each) => each.id === idOf(uncast(last) && made(uncast(last))));
    const [value] = call?.args ?? [];
    const column = indexIn(left, row);
    return (
      call?.function === 'last' &&
      key !== undefined &&
      time !== undefined &&
      !call.distinct &&
      call.filter === null &&
      call.args.length === 1 &&
      call.orderBy.length === 1 &&
      endsWithTime(call.orderBy, time, key, false) &&
      wanted.includes(column) &&
      indexIn(input, value) === column
    );
  });
  const isBoth = new Set(keys.map((each) => indexIn(left, each.left))).size === 2;
  if (!isRowId || !isBoth || key?.kind !== 'column') return plan;
  const own = left.columns.find((column) => column.columnIndex === indexIn(input, key));
  return (own && withLatest(left, { ...key, id: own.id }, 'last', true)) ?? plan;
}

/** Join of a table with the largest time of each key of itself, by both: the rows of the largest time themselves. */
function joinedToLatest(plan: JoinPlan): LogicalPlan {
  const { left, right, keys, residual } = plan;
  if (keys.length !== 2 || residual) return plan;
  const mirrored = keys.map((each) => ({ left: each.right, right: each.left }));
  return selfJoin(plan, left, right, keys) ?? selfJoin(plan, right, left, mirrored) ?? plan;
}

function selfJoin(plan: JoinPlan, table: LogicalPlan, other: LogicalPlan, keys: JoinPlan['keys']): LogicalPlan | undefined {
  const latest = table.kind === 'scan' ? aggregateBelow(other) : undefined;
  if (table.kind !== 'scan' || !latest) return undefined;
  const { aggregate, made } = latest;
  const { input, groups, aggregates } = aggregate;
  const [key] = groups;
  const [call] = aggregates;
  const time = timeColumnOf(table)?.id;
  if (input.kind !== 'scan' || groups.length !== 1 || aggregates.length !== 1 || !call || time === undefined || !sameRows(table, input))
    return undefined;
  if (
    call.function !== 'max' ||
    call.distinct ||
    call.filter ||
    call.args.length !== 1 ||
    indexIn(input, call.args[0]) !== indexOfId(table, time)
  )
    return undefined;
  const keyOutput = aggregate.output[0]?.id;
  /** For each column of the aggregate the table's that is equal. */
  const equals = new Map<ColumnId, Expression>();
  for (const { left, right } of keys) {
    const id = idOf(made(right));
    if (left.kind !== 'column' || id === undefined) return undefined;
    const index = indexIn(table, left);
    if (id === keyOutput ? index !== indexIn(input, key) : id !== call.id || left.id !== time) return undefined;
    equals.set(id, left);
  }
  const own = equals.get(keyOutput ?? -1);
  if (equals.size !== 2 || own?.kind !== 'column') return undefined;
  const picked = withLatest(table, own, 'all', false);
  if (!picked) return undefined;
  const expressions = plan.output.map((column): Expression => {
    if (table.output.some((each) => each.id === column.id)) return columnOf(column);
    const source = other.output.find((each) => each.id === column.id);
    return substitute(made(source ? columnOf(source) : columnOf(column)), equals);
  });
  const known = new Set(picked.output.map((column) => column.id));
  if (expressions.some((expression) => [...columnsOf(expression)].some((id) => !known.has(id)))) return undefined;
  return { kind: 'project', input: picked, expressions, output: plan.output } satisfies ProjectPlan;
}

// ---- shapes ------------------------------------------------------------------------------------------------------------------------

/** An aggregate under projections, and what turns an expression over the plan's columns into one over the aggregate's. */
function aggregateBelow(
  plan: LogicalPlan,
): { readonly aggregate: AggregatePlan; readonly made: (expression: Expression) => Expression } | undefined {
  if (plan.kind === 'aggregate') return { aggregate: plan, made: (expression) => expression };
  if (plan.kind !== 'project') return undefined;
  const below = aggregateBelow(plan.input);
  const by = new Map(plan.output.map((column, i) => [column.id, plan.expressions[i] as Expression] as const));
  return below && { aggregate: below.aggregate, made: (expression) => below.made(substitute(expression, by)) };
}

function idOf(expression: Expression | undefined): ColumnId | undefined {
  return expression?.kind === 'column' ? expression.id : undefined;
}

function uncast(expression: Expression): Expression {
  return expression.kind === 'cast' ? expression.operand : expression;
}

function indexIn(scan: ScanPlan, expression: Expression | undefined): number {
  return expression?.kind === 'column' ? indexOfId(scan, expression.id) : Number.NaN;
}

function indexOfId(scan: ScanPlan, id: ColumnId): number {
  return scan.columns.find((column) => column.id === id)?.columnIndex ?? Number.NaN;
}

/** Two scans of one table in one state with the same filters. What an aggregate above b has picked from it does not matter to the aggregate. */
function sameRows(a: ScanPlan, b: ScanPlan): boolean {
  if (a.pick || a.source.table !== b.source.table || a.source.segments !== b.source.segments) return false;
  const texts = (scan: ScanPlan) => {
    const by = new Map(scan.columns.map((column) => [column.id, { columnIndex: column.columnIndex }] as const));
    const renamed = (filter: Expression) =>
      substitute(
        filter,
        new Map([...columnsOf(filter)].map((id) => [id, placeholder(filter, by.get(id)?.columnIndex ?? Number.NaN)] as const)),
      );
    return scan.filters.map((filter) => fingerprint(renamed(filter))).sort();
  };
  const [left, right] = [texts(a), texts(b)];
  return left.length === right.length && left.every((text, i) => text === right[i]);
}

function placeholder(like: Expression, columnIndex: number): Expression {
  return { kind: 'column', id: columnIndex, type: like.type, nullable: true, name: '', position: -1 } as Expression;
}
