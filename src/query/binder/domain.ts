/**
 * The general way to compute a subquery for all outer rows at once: for the distinct values of the outer columns that it reads (its domain).
 * The domain is pushed down through the subquery until no outer column is read any more.
 */
import { assert } from '../../core/assert.js';
import { type ColumnId, columnsOf, type Expression } from '../plan/expression.js';
import {
  type AggregatePlan,
  type AsofPlan,
  type HorizonJoinPlan,
  inputsOf,
  type JoinPlan,
  type LimitPlan,
  type LogicalPlan,
  type OutputColumn,
  type ProjectPlan,
  type RecursivePlan,
  type ReferencePlan,
  type UnionPlan,
  type UnnestPlan,
  type ValuesPlan,
  type WindowJoinPlan,
  type WindowPlan,
} from '../plan/logical.js';
import { cloneWithFreshIds, freeColumns, mapOwnExpressions, substitute } from '../plan/traverse.js';
import { mapWindowCall, windowCallExpressions } from '../plan/window.js';
import { isCount } from './bind-call.js';
import { unsupported } from './context.js';
import { caseOf, columnOf, isNull, literal } from './expressions.js';
import {
  asofPlan,
  distinctPlan,
  filterPlan,
  horizonJoinPlan,
  joinPlan,
  limitByPlan,
  limitPlan,
  nullSafeKeys,
  pickColumns,
  projectPlan,
  unnestPlan,
  windowJoinPlan,
  windowPlan,
} from './plans.js';

export type Replacement = ReadonlyMap<ColumnId, Expression>;

export interface Pushed {
  readonly plan: LogicalPlan;
  /** Outer column → the domain's column that stands for it in the plan's output. */
  readonly by: Replacement;
}

type WorkingColumns = ReadonlyMap<number, readonly OutputColumn[]>;

const NO_WORKING: WorkingColumns = new Map();

function refersTo(plan: LogicalPlan, working: WorkingColumns): boolean {
  if (plan.kind === 'reference') return working.has(plan.key);
  return inputsOf(plan).some((input) => refersTo(input, working));
}

/** The distinct values of the outer columns that a subquery reads; made anew, with new ids, wherever it is needed. */
export class Domain {
  readonly columns: readonly OutputColumn[];
  readonly nextId: () => ColumnId;
  /** Inside the step of a recursion: the columns, among the rows of the rounds, of what the subquery reads, by the recursion's key. */
  readonly working: WorkingColumns;
  private readonly outer: LogicalPlan;

  constructor(outer: LogicalPlan, columns: readonly OutputColumn[], nextId: () => ColumnId, working: WorkingColumns = NO_WORKING) {
    this.outer = sourceOf(outer, columns);
    this.columns = columns;
    this.nextId = nextId;
    this.working = working;
  }

  make(): Pushed {
    const copy = cloneWithFreshIds(pickColumns(this.outer, this.columns), this.nextId);
    const renamed = copy.plan.output;
    const by = new Map(this.columns.map((column, i) => [column.id, columnOf(renamed[i] as OutputColumn)] as const));
    return { plan: distinctPlan(copy.plan), by };
  }

  reads(plan: LogicalPlan): boolean {
    const free = freeColumns(plan);
    return this.columns.some((column) => free.has(column.id)) || (this.working.size > 0 && refersTo(plan, this.working));
  }

  /** Keys by which rows of one replacement meet those of another; NULLs meet too. */
  sameKeys(left: Replacement, right: Replacement): JoinPlan['keys'] {
    return nullSafeKeys(this.columns.map((column) => [left.get(column.id) as Expression, right.get(column.id) as Expression] as const));
  }

  /** Keys by which outer rows meet their rows of the pushed plan. */
  outerKeys(pushed: Pushed): JoinPlan['keys'] {
    return this.sameKeys(new Map(this.columns.map((column) => [column.id, columnOf(column)] as const)), pushed.by);
  }
}

/** The part of the outer plan that the columns come from: subqueries that were joined to it before need not be computed again. */
function sourceOf(plan: LogicalPlan, columns: readonly OutputColumn[]): LogicalPlan {
  const has = (input: LogicalPlan) => columns.every((column) => input.output.some((each) => each.id === column.id));
  if (plan.kind === 'join' && (plan.join === 'left' || plan.join === 'cross') && has(plan.left)) return sourceOf(plan.left, columns);
  if (plan.kind === 'unnest' && has(plan.input)) return sourceOf(plan.input, columns);
  if (plan.kind === 'project' && columns.every((column) => passesOn(plan, column.id))) return sourceOf(plan.input, columns);
  return plan;
}

function passesOn({ output, expressions }: ProjectPlan, id: ColumnId): boolean {
  const expression = expressions[output.findIndex((column) => column.id === id)];
  return expression?.kind === 'column' && expression.id === id;
}

/** The subquery's rows for every row of the domain, with the domain's columns. Extra columns may come along. */
export function pushDomain(plan: LogicalPlan, domain: Domain): Pushed {
  if (!domain.reads(plan)) {
    const made = domain.make();
    return { plan: isOneRow(plan) ? made.plan : joinPlan('cross', made.plan, plan), by: made.by };
  }
  switch (plan.kind) {
    case 'values':
      return pushValues(plan, domain);
    case 'filter': {
      const input = pushDomain(plan.input, domain);
      return { plan: filterPlan(input.plan, substitute(plan.condition, input.by)), by: input.by };
    }
    case 'project': {
      const input = pushDomain(plan.input, domain);
      const own = plan.output.map(({ id, name }, i) => ({ id, name, expression: substitute(plan.expressions[i] as Expression, input.by) }));
      return { plan: projectPlan(input.plan, [...own, ...domainColumns(input.by)]), by: input.by };
    }
    case 'aggregate':
      return pushAggregate(plan, domain);
    case 'distinct': {
      const input = pushDomain(plan.input, domain);
      return { plan: distinctPlan(onlyPushed(input, plan.output)), by: input.by };
    }
    case 'window': {
      // The rows of every outer row are a partition of their own.
      const input = pushDomain(plan.input, domain);
      const changed = mapOwnExpressions(plan, (expression) => substitute(expression, input.by)) as WindowPlan;
      return { plan: windowPlan(input.plan, { ...changed, partitionBy: [...input.by.values(), ...changed.partitionBy] }), by: input.by };
    }
    case 'sort': {
      const input = pushDomain(plan.input, domain);
      const change = (expression: Expression) => substitute(expression, input.by);
      return { plan: mapOwnExpressions({ ...plan, input: input.plan, output: input.plan.output }, change), by: input.by };
    }
    case 'limit':
      return pushLimit(plan, domain);
    case 'limit_by': {
      const input = pushDomain(plan.input, domain);
      const keys = [...input.by.values(), ...plan.keys.map((key) => substitute(key, input.by))];
      return { plan: limitByPlan(input.plan, keys, plan.limit, plan.offset), by: input.by };
    }
    case 'asof':
    case 'window_join':
    case 'horizon_join':
      return pushTimed(plan, domain);
    case 'unnest':
      return pushUnnest(plan, domain);
    case 'join':
      return pushJoin(plan, domain);
    case 'union':
      return pushUnion(plan, domain);
    case 'recursive':
      return pushRecursive(plan, domain);
    case 'reference':
      return pushReference(plan, domain);
    default:
      throw unsupported(`this correlated subquery (${plan.kind} that depends on the outer row)`, -1);
  }
}

/** Joins that look right rows up one left row at a time, by equal keys and a time. */
type TimedPlan = AsofPlan | WindowJoinPlan | HorizonJoinPlan;

/** What is computed over right rows alone. */
function onRight(plan: TimedPlan): readonly Expression[] {
  const calls = plan.kind === 'window_join' ? plan.calls.flatMap(windowCallExpressions) : [];
  return [plan.time.right, ...plan.keys.map((key) => key.right), ...calls];
}

/** Left rows do not depend on each other; a right side that does not depend on the outer rows is the same for all, another one is looked up by them too. */
function pushTimed(plan: TimedPlan, domain: Domain): Pushed {
  const outer = new Set(domain.columns.map((column) => column.id));
  const dependsOnOuter = domain.reads(plan.right) || onRight(plan).some((each) => [...columnsOf(each)].some((id) => outer.has(id)));
  const left = pushDomain(plan.left, domain);
  const right = dependsOnOuter ? pushDomain(plan.right, domain) : { plan: plan.right, by: left.by };
  const both = ({ left: a, right: b }: { readonly left: Expression; readonly right: Expression }) => {
    return { left: substitute(a, left.by), right: substitute(b, right.by) };
  };
  const more = dependsOnOuter ? domain.sameKeys(left.by, right.by) : [];
  const found = { keys: [...plan.keys.map(both), ...more], time: both(plan.time) };
  const changed = { ...(mapOwnExpressions(plan, (expression) => substitute(expression, left.by)) as typeof plan), ...found };
  if (changed.kind === 'asof') return { plan: asofPlan(left.plan, right.plan, changed), by: left.by };
  if (changed.kind === 'window_join') {
    const calls = (plan as WindowJoinPlan).calls.map((call) => mapWindowCall(call, (expression) => substitute(expression, right.by)));
    return { plan: windowJoinPlan(left.plan, right.plan, { ...changed, calls }), by: left.by };
  }
  const own = plan.output.slice(plan.left.output.length, plan.left.output.length + 2);
  return { plan: horizonJoinPlan(left.plan, right.plan, own, changed), by: left.by };
}

/** SELECT without FROM. */
export function isOneRow(plan: LogicalPlan): boolean {
  return plan.kind === 'values' && plan.rows.length === 1 && plan.output.length === 0;
}

interface NamedExpression {
  readonly id: ColumnId;
  readonly name: string;
  readonly expression: Expression;
}

function domainColumns(by: Replacement): readonly NamedExpression[] {
  return [...by.values()].map((expression) => ({ id: expression.kind === 'column' ? expression.id : -1, name: 'outer', expression }));
}

/** The columns of a node before the push, and the domain's. */
function onlyPushed(pushed: Pushed, columns: readonly OutputColumn[]): LogicalPlan {
  const wanted = new Set([...columns.map((column) => column.id), ...domainColumns(pushed.by).map((column) => column.id)]);
  return pickColumns(
    pushed.plan,
    pushed.plan.output.filter((column) => wanted.has(column.id)),
  );
}

function pushValues(plan: ValuesPlan, domain: Domain): Pushed {
  const [first, ...more] = plan.rows;
  const oneRow: LogicalPlan = { kind: 'values', rows: [[]], output: [] };
  const rowPlan = (row: readonly Expression[], id: (column: OutputColumn) => ColumnId) =>
    projectPlan(
      oneRow,
      plan.output.map((column, i) => ({ id: id(column), name: column.name, expression: row[i] as Expression })),
    );
  if (first && more.length === 0)
    return pushDomain(
      rowPlan(first, (column) => column.id),
      domain,
    );
  const inputs = plan.rows.map((row) => rowPlan(row, domain.nextId));
  return pushUnion({ kind: 'union', inputs, output: plan.output }, domain);
}

function pushLimit(plan: LimitPlan, domain: Domain): Pushed {
  const input = pushDomain(plan.input, domain);
  if (plan.limit === 0) return { plan: limitPlan(input.plan, 0), by: input.by };
  return { plan: limitByPlan(input.plan, [...input.by.values()], plan.limit, plan.offset), by: input.by };
}

function pushUnnest(plan: UnnestPlan, domain: Domain): Pushed {
  const input = pushDomain(plan.input, domain);
  const added = plan.output.slice(plan.input.output.length);
  const lists = plan.lists.map((list) => substitute(list, input.by));
  return { plan: unnestPlan(input.plan, lists, added, plan.ordinality, plan.outer), by: input.by };
}

/** An aggregate that is also grouped by the domain; domain rows without input have no row then. */
export function groupedByDomain(plan: AggregatePlan, domain: Domain): { readonly plan: AggregatePlan; readonly by: Replacement } {
  const input = pushDomain(plan.input, domain);
  const groups = domainColumns(input.by);
  const changed = mapOwnExpressions(plan, (expression) => substitute(expression, input.by)) as AggregatePlan;
  const extra = groups.map(({ id, name, expression }) => ({ id, name, type: expression.type, nullable: expression.nullable }));
  const grouped: AggregatePlan = {
    ...changed,
    input: input.plan,
    groups: [...groups.map((group) => group.expression), ...changed.groups],
    output: [...extra, ...plan.output],
  };
  return { plan: grouped, by: input.by };
}

function pushAggregate(plan: AggregatePlan, domain: Domain): Pushed {
  if (plan.groups.length > 0) return groupedByDomain(plan, domain);
  const own = underNewIds(plan, domain.nextId);
  const grouped = groupedByDomain(own, domain);
  // Without groups there is a row for every outer row, also for those without inner rows.
  const all = domain.make();
  const joined = joinPlan('left', all.plan, grouped.plan, domain.sameKeys(all.by, grouped.by));
  const values = missingAsEmpty(joined, own, plan);
  const results = plan.output.map((column) => ({
    id: column.id,
    name: column.name,
    expression: values.get(column.id) ?? columnOf(column),
  }));
  return { plan: projectPlan(joined, [...domainColumns(all.by), ...results]), by: all.by };
}

/**
 * The aggregate, which has no groups, with columns of its own for the side of a join that may be missing: what `missingAsEmpty` makes of them has
 * the ids that are known above, and one id is one value wherever it stands.
 */
export function underNewIds(plan: AggregatePlan, nextId: () => ColumnId): AggregatePlan {
  const aggregates = plan.aggregates.map((call) => ({ ...call, id: nextId() }));
  const output = plan.output.map((column, i) => ({ ...column, id: aggregates[i]?.id ?? column.id }));
  return { ...plan, aggregates, output };
}

/**
 * Aggregates of an outer row without inner rows: 0 for counts, NULL for the rest; by the ids of `plan`. `joined` has `own`, which is the plan under
 * new ids, on the side that may be missing.
 */
export function missingAsEmpty(joined: JoinPlan, own: AggregatePlan, plan: AggregatePlan): Replacement {
  const values = new Map<ColumnId, Expression>();
  own.output.forEach(({ id }, i) => {
    const column = joined.output.find((each) => each.id === id);
    const known = plan.output[i];
    assert(column && known, 'the join has the columns of the aggregate');
    const value = columnOf(column);
    const zero = literal(column.type.kind === 'int64' || column.type.kind === 'uint64' ? 0n : 0, column.type);
    const isCounted = isCount(own.aggregates[i]?.function ?? '');
    values.set(known.id, isCounted ? caseOf([[isNull(value), zero]], value, column.type) : value);
  });
  return values;
}

// ---- joins inside the subquery ----

function pushJoin(plan: JoinPlan, domain: Domain): Pushed {
  const { left, right, join } = plan;
  if (join !== 'right' && join !== 'full' && !domain.reads(right)) {
    const pushed = pushDomain(left, domain);
    return { plan: rejoined(plan, pushed.plan, right, pushed.by), by: pushed.by };
  }
  if ((join === 'inner' || join === 'cross' || join === 'right') && !domain.reads(left)) {
    const pushed = pushDomain(right, domain);
    return { plan: rejoined(plan, left, pushed.plan, pushed.by), by: pushed.by };
  }
  const a = pushDomain(left, domain);
  const b = pushDomain(right, domain);
  const same = domain.sameKeys(a.by, b.by);
  const by = join === 'right' ? b.by : a.by;
  const joined = rejoined(plan, a.plan, b.plan, by, same);
  return join === 'full' ? eitherDomain(plan, joined, a.by, b.by, domain) : { plan: joined, by };
}

function rejoined(plan: JoinPlan, left: LogicalPlan, right: LogicalPlan, by: Replacement, more: JoinPlan['keys'] = []): JoinPlan {
  const changed = mapOwnExpressions(plan, (expression) => substitute(expression, by)) as JoinPlan;
  const keys = [...changed.keys, ...more];
  return joinPlan(plan.join === 'cross' && more.length > 0 ? 'inner' : plan.join, left, right, keys, changed.residual);
}

/** After a full join the domain's columns are those of the side that is there. */
function eitherDomain(plan: JoinPlan, joined: JoinPlan, left: Replacement, right: Replacement, domain: Domain): Pushed {
  const nullableOf = (expression: Expression): Expression => ({ ...expression, nullable: true });
  const merged = domain.columns.map((column) => {
    const [a, b] = [nullableOf(left.get(column.id) as Expression), nullableOf(right.get(column.id) as Expression)];
    return { outer: column.id, id: domain.nextId(), name: column.name, expression: caseOf([[isNull(a, true), a]], b, column.type) };
  });
  const own = plan.output.map((column) => ({ id: column.id, name: column.name, expression: columnOf(column) }));
  const projected = projectPlan(joined, [...own, ...merged]);
  const by = new Map(merged.map((column, i) => [column.outer, columnOf(projected.output[own.length + i] as OutputColumn)] as const));
  return { plan: projected, by };
}

// ---- recursion ----

/** Every outer row's recursion goes on by itself: its rows carry the domain's columns, and in the step the domain is that of the last round's rows. */
function pushRecursive(plan: RecursivePlan, domain: Domain): Pushed {
  const extra = domain.columns.map((column) => ({ ...column, id: domain.nextId(), nullable: true }));
  const rounds: ReferencePlan = {
    kind: 'reference',
    key: plan.key,
    name: plan.name,
    columns: extra.map((column) => column.id),
    output: domain.columns,
  };
  const working = new Map(domain.working).set(plan.key, extra);
  if (plan.recurring !== null) working.set(plan.recurring, extra);
  const inner = new Domain(rounds, domain.columns, domain.nextId, working);
  const keyColumns = plan.keyColumns && [...plan.keyColumns, ...extra.map((_, i) => plan.output.length + i)];
  const base = withDomain(plan.base, pushDomain(plan.base, domain), domain);
  const step = withDomain(plan.step, pushDomain(plan.step, inner), domain);
  const by = new Map(domain.columns.map((column, i) => [column.id, columnOf(extra[i] as OutputColumn)] as const));
  return { plan: { ...plan, base, step, keyColumns, output: [...plan.output, ...extra] }, by };
}

function pushReference(plan: ReferencePlan, domain: Domain): Pushed {
  const extra = domain.working.get(plan.key) ?? [];
  const added = extra.map((column) => ({ ...column, id: domain.nextId() }));
  const columns = [...plan.columns, ...extra.map((column) => column.id)];
  const by = new Map(domain.columns.map((column, i) => [column.id, columnOf(added[i] as OutputColumn)] as const));
  return { plan: { ...plan, columns, output: [...plan.output, ...added] }, by };
}

/** The columns of a plan and, behind them, the domain's, under new ids. */
function withDomain(plan: LogicalPlan, pushed: Pushed, domain: Domain): LogicalPlan {
  const own = plan.output.map((column) => ({ id: domain.nextId(), name: column.name, expression: columnOf(column) }));
  const added = domain.columns.map((column) => ({
    id: domain.nextId(),
    name: column.name,
    expression: pushed.by.get(column.id) ?? columnOf(column),
  }));
  return projectPlan(pushed.plan, [...own, ...added]);
}

function pushUnion(plan: UnionPlan, domain: Domain): Pushed {
  const extra = domain.columns.map((column) => ({ ...column, id: domain.nextId() }));
  const inputs = plan.inputs.map((input) => withDomain(input, pushDomain(input, domain), domain));
  const by = new Map(domain.columns.map((column, i) => [column.id, columnOf(extra[i] as OutputColumn)] as const));
  return { plan: { kind: 'union', inputs, output: [...plan.output, ...extra] }, by };
}
