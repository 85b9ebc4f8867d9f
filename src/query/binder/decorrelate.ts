/**
 * Joins a subquery to the rows around it. A subquery that reads columns of those rows is computed once for each distinct combination of
 * them (its domain): the domain is pushed down through the subquery until no column from outside is read any more.
 */
import { type ColumnId, columnsOf, type Expression } from '../plan/expression.js';
import type { AggregatePlan, JoinPlan, LogicalPlan, OutputColumn, UnionPlan } from '../plan/logical.js';
import { cloneWithFreshIds, freeColumns, mapOwnExpressions, ownExpressions, substitute } from '../plan/traverse.js';
import { isCount } from './bind-call.js';
import { unsupported } from './context.js';
import { caseOf, columnOf, conjunction, isNull, literal } from './expressions.js';
import { distinctPlan, filterPlan, joinPlan, limitPlan, nullSafeKeys, pickColumns, projectPlan } from './plans.js';

type NextId = () => ColumnId;
type Replacement = ReadonlyMap<ColumnId, Expression>;

/** The outer rows, each with the columns of the subquery's row for it (NULLs where there is none). The subquery gives at most one row each. */
export function joinDependent(outer: LogicalPlan, subquery: LogicalPlan, nextId: NextId): LogicalPlan {
  const read = outerColumns(outer, subquery);
  if (read.length === 0) return joinPlan('cross', outer, subquery);
  const direct = joinByEquality(outer, subquery, new Set(read.map((column) => column.id)), nextId);
  if (direct) return direct;
  const pushed = push(subquery, new Domain(outer, read, nextId));
  const keys = nullSafeKeys(read.map((column) => [columnOf(column), pushed.by.get(column.id) ?? columnOf(column)] as const));
  return pickColumns(joinPlan('left', outer, pushed.plan, keys), [...outer.output, ...nullable(subquery.output)]);
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
  const read = new Set(outerColumns(outer, inner.plan).map((column) => column.id));
  if (read.size === 0) {
    const right = inner.conditions.length === 0 ? limitPlan(inner.plan, 1) : inner.plan;
    return joinPlan(join, outer, right, [], conjunction(inner.conditions));
  }
  const domain = new Domain(outer, outerColumns(outer, inner.plan), nextId);
  const pushed = push(inner.plan, domain);
  const keys = nullSafeKeys(domain.columns.map((column) => [columnOf(column), pushed.by.get(column.id) ?? columnOf(column)] as const));
  return joinPlan(join, outer, pushed.plan, keys, conjunction(inner.conditions));
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

/**
 * The usual case, `(SELECT sum(x) FROM b WHERE b.k = a.k)`: the inner rows are grouped by k once and joined by it, without a domain.
 * Undefined when the subquery is not of that form.
 */
function joinByEquality(outer: LogicalPlan, subquery: LogicalPlan, read: ReadonlySet<ColumnId>, nextId: NextId): LogicalPlan | undefined {
  const project = subquery.kind === 'project' ? subquery : undefined;
  const aggregate = project ? project.input : subquery;
  if (aggregate.kind !== 'aggregate' || aggregate.groups.length > 0 || aggregate.input.kind !== 'filter') return undefined;
  const reads = (expression: Expression) => [...columnsOf(expression)].some((id) => read.has(id));
  if (project?.expressions.some(reads)) return undefined;
  const { input, condition } = aggregate.input;
  const parts = condition.kind === 'and' ? condition.operands : [condition];
  const correlated = parts.filter(reads);
  const keys = correlated.map((part) => equalityKey(part, read));
  if (keys.some((key) => key === undefined) || outerColumns(outer, input).length > 0) return undefined;
  if (ownExpressions(aggregate).some(reads)) return undefined;
  const known = keys.filter((key) => key !== undefined);
  const groups = known.map(({ inner }) => ({ id: nextId(), expression: inner, name: 'key' }));
  return joinGrouped(outer, aggregate, filterPlan(input, conjunction(parts.filter((part) => !reads(part)))), groups, known, project);
}

interface EqualityKey {
  readonly outer: Expression;
  readonly inner: Expression;
}

function equalityKey(part: Expression, read: ReadonlySet<ColumnId>): EqualityKey | undefined {
  if (part.kind !== 'call' || part.function !== 'eq') return undefined;
  const [left, right] = part.args;
  if (!left || !right) return undefined;
  const side = (expression: Expression) => {
    const ids = [...columnsOf(expression)];
    if (ids.length > 0 && ids.every((id) => read.has(id))) return 'outer';
    return ids.some((id) => read.has(id)) ? 'both' : 'inner';
  };
  if (side(left) === 'outer' && side(right) === 'inner') return { outer: left, inner: right };
  return side(left) === 'inner' && side(right) === 'outer' ? { outer: right, inner: left } : undefined;
}

function joinGrouped(
  outer: LogicalPlan,
  aggregate: AggregatePlan,
  input: LogicalPlan,
  groups: readonly { readonly id: ColumnId; readonly name: string; readonly expression: Expression }[],
  keys: readonly EqualityKey[],
  project: Extract<LogicalPlan, { kind: 'project' }> | undefined,
): LogicalPlan {
  const groupOutput = groups.map(({ id, name, expression }) => ({ id, name, type: expression.type, nullable: expression.nullable }));
  const grouped: LogicalPlan = {
    ...aggregate,
    input,
    groups: groups.map((group) => group.expression),
    output: [...groupOutput, ...aggregate.output],
  };
  const joinKeys = keys.map((key, i) => ({ left: key.outer, right: columnOf(groupOutput[i] as OutputColumn) }));
  const joined = joinPlan('left', outer, grouped, joinKeys);
  const values = missingAsEmpty(joined, aggregate);
  const results = project ? project.output : aggregate.output;
  return projectPlan(joined, [
    ...outer.output.map((column) => ({ id: column.id, name: column.name, expression: columnOf(column) })),
    ...results.map((column, i) => {
      const expression = project?.expressions[i] ?? columnOf(column);
      return { id: column.id, name: column.name, expression: substitute(expression, values) };
    }),
  ]);
}

/** Aggregates of an outer row without inner rows: 0 for counts, NULL for the rest. */
function missingAsEmpty(joined: JoinPlan, aggregate: AggregatePlan): Replacement {
  const counts = new Set(aggregate.aggregates.filter((call) => isCount(call.function)).map((call) => call.id));
  return new Map(
    joined.output
      .filter((column) => aggregate.output.some((each) => each.id === column.id))
      .map((column) => {
        const value = columnOf(column);
        const zero = literal(column.type.kind === 'int64' || column.type.kind === 'uint64' ? 0n : 0, column.type);
        return [column.id, counts.has(column.id) ? caseOf([[isNull(value), zero]], value, column.type) : value] as const;
      }),
  );
}

/** The distinct values of the outer columns that a subquery reads; made anew, with new ids, wherever it is needed. */
class Domain {
  readonly columns: readonly OutputColumn[];
  private readonly outer: LogicalPlan;
  readonly nextId: NextId;

  constructor(outer: LogicalPlan, columns: readonly OutputColumn[], nextId: NextId) {
    this.outer = domainSource(outer, columns);
    this.columns = columns;
    this.nextId = nextId;
  }

  make(): Pushed {
    const copy = cloneWithFreshIds(pickColumns(this.outer, this.columns), this.nextId);
    const renamed = copy.plan.output;
    const by = new Map(this.columns.map((column, i) => [column.id, columnOf(renamed[i] as OutputColumn)] as const));
    return { plan: distinctPlan(copy.plan), by };
  }

  reads(plan: LogicalPlan): boolean {
    const free = freeColumns(plan);
    return this.columns.some((column) => free.has(column.id));
  }
}

/** The part of the outer plan that the columns come from: subqueries that were joined to it before need not be computed again. */
function domainSource(plan: LogicalPlan, columns: readonly OutputColumn[]): LogicalPlan {
  const has = (input: LogicalPlan) => columns.every((column) => input.output.some((each) => each.id === column.id));
  if (plan.kind === 'join' && (plan.join === 'left' || plan.join === 'cross') && has(plan.left)) return domainSource(plan.left, columns);
  if (plan.kind === 'project' && has(plan.input)) return domainSource(plan.input, columns);
  return plan;
}

interface Pushed {
  readonly plan: LogicalPlan;
  /** Outer column → the domain's column that stands for it in the plan's output. */
  readonly by: Replacement;
}

function push(plan: LogicalPlan, domain: Domain): Pushed {
  if (!domain.reads(plan)) {
    const made = domain.make();
    return { plan: joinPlan('cross', made.plan, plan), by: made.by };
  }
  switch (plan.kind) {
    case 'filter': {
      const input = push(plan.input, domain);
      return { plan: filterPlan(input.plan, substitute(plan.condition, input.by)), by: input.by };
    }
    case 'project': {
      const input = push(plan.input, domain);
      const own = plan.output.map((column, i) => ({
        id: column.id,
        name: column.name,
        expression: substitute(plan.expressions[i] ?? columnOf(column), input.by),
      }));
      return { plan: projectPlan(input.plan, [...own, ...domainColumns(input.by)]), by: input.by };
    }
    case 'aggregate':
      return pushAggregate(plan, domain);
    case 'distinct': {
      const input = push(plan.input, domain);
      return { plan: distinctPlan(input.plan), by: input.by };
    }
    case 'sort': {
      const input = push(plan.input, domain);
      const changed = mapOwnExpressions({ ...plan, input: input.plan, output: input.plan.output }, (expression) =>
        substitute(expression, input.by),
      );
      return { plan: changed, by: input.by };
    }
    case 'join':
      return pushJoin(plan, domain);
    case 'union':
      return pushUnion(plan, domain);
    default:
      throw unsupported(`this correlated subquery (${plan.kind} that depends on the outer row)`, -1);
  }
}

function domainColumns(by: Replacement): readonly { readonly id: ColumnId; readonly name: string; readonly expression: Expression }[] {
  return [...by.values()].map((expression) => ({ id: expression.kind === 'column' ? expression.id : -1, name: 'outer', expression }));
}

function pushAggregate(plan: AggregatePlan, domain: Domain): Pushed {
  const input = push(plan.input, domain);
  const groups = domainColumns(input.by);
  const changed = mapOwnExpressions(plan, (expression) => substitute(expression, input.by)) as AggregatePlan;
  const extra = groups.map(({ id, name, expression }) => ({ id, name, type: expression.type, nullable: expression.nullable }));
  const grouped: AggregatePlan = {
    ...changed,
    input: input.plan,
    groups: [...groups.map((group) => group.expression), ...changed.groups],
    output: [...extra, ...plan.output],
  };
  if (plan.groups.length > 0) return { plan: grouped, by: input.by };
  // Without groups there is a row for every outer row, also for those without inner rows.
  const all = domain.make();
  const keys = nullSafeKeys(
    domain.columns.map((column) => [all.by.get(column.id) as Expression, input.by.get(column.id) as Expression] as const),
  );
  const joined = joinPlan('left', all.plan, grouped, keys);
  const values = missingAsEmpty(joined, plan);
  const results = plan.output.map((column) => ({
    id: column.id,
    name: column.name,
    expression: values.get(column.id) ?? columnOf(column),
  }));
  return { plan: projectPlan(joined, [...domainColumns(all.by), ...results]), by: all.by };
}

function pushJoin(plan: JoinPlan, domain: Domain): Pushed {
  const { left, right, join } = plan;
  const change = (node: LogicalPlan, by: Replacement) => mapOwnExpressions(node, (expression) => substitute(expression, by));
  const rebuilt = (newLeft: LogicalPlan, newRight: LogicalPlan, by: Replacement) => {
    const changed = change(plan, by) as JoinPlan;
    return joinPlan(join, newLeft, newRight, changed.keys, changed.residual);
  };
  if (join === 'right' || join === 'full') throw unsupported(`a ${join} join in a correlated subquery`, -1);
  if (!domain.reads(right)) {
    const pushed = push(left, domain);
    return { plan: rebuilt(pushed.plan, right, pushed.by), by: pushed.by };
  }
  if (!domain.reads(left) && (join === 'inner' || join === 'cross')) {
    const pushed = push(right, domain);
    return { plan: rebuilt(left, pushed.plan, pushed.by), by: pushed.by };
  }
  const a = push(left, domain);
  const b = push(right, domain);
  const changed = change(plan, a.by) as JoinPlan;
  const same = nullSafeKeys(
    domain.columns.map((column) => [a.by.get(column.id) as Expression, b.by.get(column.id) as Expression] as const),
  );
  const joined = joinPlan(join === 'cross' ? 'inner' : join, a.plan, b.plan, [...changed.keys, ...same], changed.residual);
  return { plan: joined, by: a.by };
}

function pushUnion(plan: UnionPlan, domain: Domain): Pushed {
  const extra = domain.columns.map((column) => ({ ...column, id: domain.nextId() }));
  const inputs = plan.inputs.map((input) => {
    const pushed = push(input, domain);
    const own = input.output.map((column) => ({ id: domain.nextId(), name: column.name, expression: columnOf(column) }));
    const added = domain.columns.map((column) => ({
      id: domain.nextId(),
      name: column.name,
      expression: pushed.by.get(column.id) ?? columnOf(column),
    }));
    return projectPlan(pushed.plan, [...own, ...added]);
  });
  const by = new Map(domain.columns.map((column, i) => [column.id, columnOf(extra[i] as OutputColumn)] as const));
  return { plan: { kind: 'union', inputs, output: [...plan.output, ...extra] }, by };
}
