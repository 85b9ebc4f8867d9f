/** Who wants the first rows of each group only need not see the others: they are dropped on the way in. */
import { physicalOf } from '../../core/types.js';
import { conjuncts } from '../binder/expressions.js';
import type { ColumnId, Expression } from '../plan/expression.js';
import type { AggregatePlan, FilterPlan, LimitByPlan, LogicalPlan, SortKey, TopByPlan, WindowPlan } from '../plan/logical.js';
import { mapPlan, type Rule } from './rule.js';

export const TOP_BY: Rule = {
  name: 'top_by',
  doc: 'row_number() or rank() within a bound, LIMIT BY and DISTINCT ON keep few rows of each group on the way in.',
  apply: (plan) => mapPlan(plan, narrowed),
};

/** Rows of a group up to which keeping their keys is worth it. */
const MOST_ROWS = 1000;

/** Types whose order is that of 64 bits. */
const NARROW: ReadonlySet<string> = new Set(['bit', 'i8', 'i16', 'i32', 'i64', 'u8', 'u16', 'u32', 'u64', 'f32', 'f64']);

/** Calls whose value for a row does not depend on the rows behind it. */
const RANKS: ReadonlySet<string> = new Set(['row_number', 'rank', 'dense_rank']);

function narrowed(plan: LogicalPlan): LogicalPlan {
  switch (plan.kind) {
    case 'filter':
      return overWindow(plan);
    case 'limit_by':
      return overSort(plan);
    case 'aggregate':
      return overRows(plan);
    default:
      return plan;
  }
}

function overWindow(plan: FilterPlan): LogicalPlan {
  const window = plan.input;
  if (window.kind !== 'window' || !window.calls.every((call) => !call.aggregate && RANKS.has(call.function))) return plan;
  const limit = Math.min(...conjuncts(plan.condition).map((condition) => boundOf(condition, window)));
  const input = firstRows(window.input, window.partitionBy, window.orderBy, limit);
  return input ? { ...plan, input: { ...window, input } } : plan;
}

/** The largest row number or rank with which a row may pass; infinite when the condition says nothing of it. */
function boundOf(condition: Expression, window: WindowPlan): number {
  if (condition.kind !== 'call' || condition.args.length !== 2) return Number.POSITIVE_INFINITY;
  const [a, b] = condition.args;
  const flipped = isRank(b, window);
  const [rank, bound] = flipped ? [b, a] : [a, b];
  if (!isRank(rank, window) || bound?.kind !== 'literal' || typeof bound.value !== 'bigint') return Number.POSITIVE_INFINITY;
  const most = Number(bound.value);
  switch (condition.function) {
    case 'eq':
      return most;
    case 'le':
      return flipped ? Number.POSITIVE_INFINITY : most;
    case 'lt':
      return flipped ? Number.POSITIVE_INFINITY : most - 1;
    case 'ge':
      return flipped ? most : Number.POSITIVE_INFINITY;
    case 'gt':
      return flipped ? most - 1 : Number.POSITIVE_INFINITY;
    default:
      return Number.POSITIVE_INFINITY;
  }
}

function isRank(expression: Expression | undefined, window: WindowPlan): boolean {
  if (expression?.kind !== 'column') return false;
  const call = window.calls.find((each) => each.id === expression.id);
  return call !== undefined && call.function !== 'dense_rank';
}

function overSort(plan: LimitByPlan): LogicalPlan {
  const sort = plan.input;
  if (sort.kind !== 'sort' || sort.limit !== null || plan.limit === null) return plan;
  const input = firstRows(sort.input, plan.keys, sort.keys, plan.limit + plan.offset);
  return input ? { ...plan, input: { ...sort, input } } : plan;
}

/** DISTINCT ON: the first value of every column in one order. */
function overRows(plan: AggregatePlan): LogicalPlan {
  const [first, ...others] = plan.aggregates;
  if (!first || first.orderBy.length < 2 || plan.groups.length === 0) return plan;
  const alike = [first, ...others].every(
    (call) =>
      call.function === 'first' &&
      call.args.length === 1 &&
      !call.distinct &&
      call.filter === null &&
      sameOrder(call.orderBy, first.orderBy),
  );
  const input = alike ? firstRows(plan.input, plan.groups, first.orderBy, 1) : undefined;
  return input ? { ...plan, input } : plan;
}

function sameExpression(a: Expression, b: Expression): boolean {
  return a === b || (a.kind === 'column' && b.kind === 'column' && a.id === b.id);
}

function sameOrder(a: readonly SortKey[], b: readonly SortKey[]): boolean {
  if (a.length !== b.length) return false;
  return a.every((key, i) => {
    const other = b[i];
    return (
      other !== undefined &&
      key.descending === other.descending &&
      key.nullsFirst === other.nullsFirst &&
      sameExpression(key.expression, other.expression)
    );
  });
}

/** The rows that may be among the first of their group; undefined when it is not worth it. */
function firstRows(input: LogicalPlan, keys: readonly Expression[], order: readonly SortKey[], limit: number): TopByPlan | undefined {
  // What rows of one group agree in does not order them.
  const key = order.find((each) => !keys.some((other) => sameExpression(other, each.expression)));
  if (!key || !(limit >= 1 && limit <= MOST_ROWS) || !NARROW.has(physicalOf(key.expression.type))) return undefined;
  const known = new Set<ColumnId>(input.output.map((column) => column.id));
  const isOwn = (expression: Expression) => expression.kind !== 'column' || known.has(expression.id);
  if (![...keys, key.expression].every(isOwn)) return undefined;
  return { kind: 'top_by', input, keys, order: key, limit, output: input.output };
}
