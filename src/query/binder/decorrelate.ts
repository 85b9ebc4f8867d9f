/** Joins subqueries to the rows around them, so that nothing is computed row by row. */
import type { ColumnId, Expression } from '../plan/expression.js';
import type { AggregatePlan, JoinPlan, LogicalPlan, OutputColumn, ProjectPlan } from '../plan/logical.js';
import { freeColumns, substitute } from '../plan/traverse.js';
import { CorrelatedKeys, groupedByKeys } from './correlated-keys.js';
import { Domain, groupedByDomain, isOneRow, missingAsEmpty, pushDomain, underNewIds } from './domain.js';
import { columnOf, conjunction, isTrue } from './expressions.js';
import { filterPlan, joinPlan, limitPlan, pickColumns, projectPlan, unnestPlan } from './plans.js';

type NextId = () => ColumnId;

/** The outer rows, each with the columns of the subquery's row for it (NULLs where there is none). The subquery gives at most one row each. */
export function joinDependent(outer: LogicalPlan, subquery: LogicalPlan, nextId: NextId): LogicalPlan {
  const read = outerColumns(outer, subquery);
  if (read.length === 0) return joinPlan('cross', outer, subquery);
  if (isComputed(subquery)) return overOuter(subquery, outer);
  const top = aggregateOnTop(subquery);
  if (top) return joinAggregate(outer, top.aggregate, top.projections, read, nextId);
  return joinRows('left', outer, subquery, null, nextId);
}

/** FROM outer, LATERAL subquery: each outer row with its rows of the subquery that meet the condition. */
export function joinLateral(
  join: 'inner' | 'left',
  outer: LogicalPlan,
  subquery: LogicalPlan,
  condition: Expression | null,
  nextId: NextId,
): LogicalPlan {
  const free = condition === null || isTrue(condition);
  if (join === 'inner' && isExpanded(subquery)) return filterPlan(overOuter(subquery, outer), condition ?? conjunction([]));
  if (join === 'left' && free && isComputed(subquery)) return overOuter(subquery, outer);
  if (join === 'left' && free && isUnnested(subquery)) return overOuter(asOuter(subquery), outer);
  return joinRows(join, outer, subquery, condition, nextId);
}

/** True when the outer rows' columns are read by the plan. */
export function dependsOn(plan: LogicalPlan, outer: LogicalPlan): boolean {
  if (plan.kind === 'scan') return false;
  return outerColumns(outer, plan).length > 0;
}

/** Outer rows for which the subquery has a row that meets the conditions (semi), or has none (anti). */
export function existsJoin(
  join: 'semi' | 'anti',
  outer: LogicalPlan,
  subquery: LogicalPlan,
  condition: Expression | null,
  nextId: NextId,
): LogicalPlan {
  const conditions: Expression[] = condition === null ? [] : [condition];
  const inner = stripForExists(subquery, conditions);
  if (outerColumns(outer, inner.plan).length === 0) {
    const right = inner.conditions.length === 0 ? limitPlan(inner.plan, 1) : inner.plan;
    return joinPlan(join, outer, right, [], conjunction(inner.conditions));
  }
  return joinRows(join, outer, inner.plan, conjunction(inner.conditions), nextId);
}

/** Nodes on top that do not change whether there is a row are left away; filters become conditions. */
function stripForExists(
  plan: LogicalPlan,
  conditions: readonly Expression[],
): { readonly plan: LogicalPlan; readonly conditions: readonly Expression[] } {
  switch (plan.kind) {
    case 'project': {
      const by = new Map(plan.output.map((column, i) => [column.id, plan.expressions[i] ?? columnOf(column)] as const));
      return stripForExists(
        plan.input,
        conditions.map((condition) => substitute(condition, by)),
      );
    }
    case 'filter':
      return stripForExists(plan.input, [...conditions, plan.condition]);
    case 'sort':
    case 'distinct':
      return stripForExists(plan.input, conditions);
    case 'limit': {
      const harmless = plan.offset === 0 && plan.limit !== 0 && conditions.length === 0;
      return harmless ? stripForExists(plan.input, conditions) : { plan, conditions };
    }
    default:
      return { plan, conditions };
  }
}

function outerColumns(outer: LogicalPlan, subquery: LogicalPlan): readonly OutputColumn[] {
  const free = freeColumns(subquery);
  return free.size === 0 ? [] : outer.output.filter((column) => free.has(column.id));
}

const nullable = (columns: readonly OutputColumn[]): readonly OutputColumn[] => columns.map((column) => ({ ...column, nullable: true }));

/** Joins the subquery's rows by the equalities that it is correlated by, or else by its domain. */
function joinRows(
  join: 'inner' | 'left' | 'semi' | 'anti',
  outer: LogicalPlan,
  subquery: LogicalPlan,
  condition: Expression | null,
  nextId: NextId,
): LogicalPlan {
  const read = outerColumns(outer, subquery);
  const keyed = new CorrelatedKeys(new Set(read.map((column) => column.id)), nextId).takeFrom(subquery);
  const own = join === 'left' ? nullable(subquery.output) : subquery.output;
  const wanted = join === 'semi' || join === 'anti' ? outer.output : [...outer.output, ...own];
  if (keyed) {
    const keys = keyed.keys.map((key) => ({ left: key.outer, right: key.inner }));
    return pickColumns(joinPlan(join, outer, keyed.plan, keys, condition), wanted);
  }
  const domain = new Domain(outer, read, nextId);
  const pushed = pushDomain(subquery, domain);
  return pickColumns(joinPlan(join, outer, pushed.plan, domain.outerKeys(pushed), condition), wanted);
}

// ---- one aggregated row ----

interface AggregateOnTop {
  readonly aggregate: AggregatePlan;
  /** From the outermost to the one on the aggregate. */
  readonly projections: readonly ProjectPlan[];
}

/** An aggregate without groups below nothing but projections. */
function aggregateOnTop(plan: LogicalPlan): AggregateOnTop | undefined {
  if (plan.kind === 'aggregate') return plan.groups.length === 0 ? { aggregate: plan, projections: [] } : undefined;
  if (plan.kind !== 'project') return undefined;
  const below = aggregateOnTop(plan.input);
  return below && { ...below, projections: [plan, ...below.projections] };
}

/**
 * `(SELECT sum(x) FROM b WHERE b.k = a.k)`: the inner rows are grouped by what correlates them and joined; outer rows that find none get what
 * the aggregate gives over no rows. Projections are computed above the join, since they may read outer columns and must not run for other keys.
 */
function joinAggregate(
  outer: LogicalPlan,
  aggregate: AggregatePlan,
  projections: readonly ProjectPlan[],
  read: readonly OutputColumn[],
  nextId: NextId,
): LogicalPlan {
  const own = underNewIds(aggregate, nextId);
  const joined = joinGroups(outer, own, read, nextId);
  let values = missingAsEmpty(joined, own, aggregate);
  for (const projection of [...projections].reverse()) {
    values = new Map(
      projection.output.map((column, i) => [column.id, substitute(projection.expressions[i] as Expression, values)] as const),
    );
  }
  const results = projections[0]?.output ?? aggregate.output;
  return projectPlan(joined, [
    ...outer.output.map((column) => ({ id: column.id, name: column.name, expression: columnOf(column) })),
    ...results.map((column) => ({ id: column.id, name: column.name, expression: values.get(column.id) ?? columnOf(column) })),
  ]);
}

function joinGroups(outer: LogicalPlan, aggregate: AggregatePlan, read: readonly OutputColumn[], nextId: NextId): JoinPlan {
  const correlated = new CorrelatedKeys(new Set(read.map((column) => column.id)), nextId);
  const input = correlated.ownReads(aggregate) ? undefined : correlated.takeFrom(aggregate.input);
  if (input && input.keys.length > 0) {
    const grouped = groupedByKeys(aggregate, input, nextId);
    const keys = grouped.keys.map((key) => ({ left: key.outer, right: key.inner }));
    return joinPlan('left', outer, grouped.plan, keys);
  }
  const reading = outerColumns(outer, aggregate);
  const domain = new Domain(outer, reading, nextId);
  if (reading.length === 0) return joinPlan('cross', outer, aggregate);
  const pushed = groupedByDomain(aggregate, domain);
  return joinPlan('left', outer, pushed.plan, domain.outerKeys(pushed));
}

// ---- rows that are made from one outer row ----

/** One row, computed from the outer one: projections of SELECT without FROM. */
function isComputed(plan: LogicalPlan): boolean {
  return plan.kind === 'project' ? isComputed(plan.input) : isOneRow(plan);
}

/** Lists of one outer row as rows, perhaps with some left away. */
function isExpanded(plan: LogicalPlan): boolean {
  if (plan.kind === 'project' || plan.kind === 'unnest' || plan.kind === 'filter') return isExpanded(plan.input);
  return isOneRow(plan);
}

/** The elements of lists and nothing else: then a row without elements gives NULLs in all columns. */
function isUnnested(plan: LogicalPlan): boolean {
  if (plan.kind === 'unnest') return isComputed(plan.input) && !plan.outer;
  if (plan.kind !== 'project' || !isUnnested(plan.input)) return false;
  const below = plan.input.kind === 'unnest' ? plan.input.output.slice(plan.input.input.output.length) : plan.input.output;
  return plan.expressions.every((expression) => expression.kind === 'column' && below.some((column) => column.id === expression.id));
}

/** The unnest keeps rows without elements. */
function asOuter(plan: LogicalPlan): LogicalPlan {
  switch (plan.kind) {
    case 'project':
      return { ...plan, input: asOuter(plan.input), output: nullable(plan.output) };
    case 'unnest':
      return unnestPlan(plan.input, plan.lists, nullable(plan.output.slice(plan.input.output.length)), plan.ordinality, true);
    default:
      return plan;
  }
}

/** The same projections, filters and lists over the outer rows, whose columns stay. */
function overOuter(plan: LogicalPlan, outer: LogicalPlan): LogicalPlan {
  switch (plan.kind) {
    case 'project': {
      const input = overOuter(plan.input, outer);
      const kept = outer.output.map((column) => ({ id: column.id, name: column.name, expression: columnOf(column) }));
      const own = plan.output.map((column, i) => ({ id: column.id, name: column.name, expression: plan.expressions[i] as Expression }));
      return projectPlan(input, [...kept, ...own]);
    }
    case 'filter':
      return filterPlan(overOuter(plan.input, outer), plan.condition);
    case 'unnest': {
      const added = plan.output.slice(plan.input.output.length);
      return unnestPlan(overOuter(plan.input, outer), plan.lists, added, plan.ordinality, plan.outer);
    }
    default:
      return outer;
  }
}
