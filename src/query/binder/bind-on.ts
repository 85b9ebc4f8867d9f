/** Subqueries in the condition of a join: they are joined to the side whose columns they read, or to pairs of both sides. */
import type { Expression } from '../plan/expression.js';
import type { JoinPlan, LogicalPlan, OutputColumn } from '../plan/logical.js';
import { cloneWithFreshIds, freeColumns } from '../plan/traverse.js';
import { readsWorkingTable } from './common-tables.js';
import { type BindContext, unsupported } from './context.js';
import { columnOf, literal } from './expressions.js';
import { distinctPlan, filterPlan, joinPlan, nullSafeKeys, numberPlan, pickColumns, projectPlan } from './plans.js';
import type { Relation } from './relation.js';

/** The join whose condition reads what `relation` produces; with the output of the join alone. */
export function joinWithSubqueries(
  join: JoinPlan['join'],
  left: LogicalPlan,
  right: LogicalPlan,
  condition: Expression,
  relation: Relation,
  context: BindContext,
): LogicalPlan {
  const wanted = joinPlan(join, left, right).output;
  if (join === 'inner' || join === 'cross') {
    return pickColumns(filterPlan(relation.settle(joinPlan('cross', left, right)), condition), wanted);
  }
  const onRight = relation.takeWithout(idsOf(left));
  const onLeft = relation.takeWithout(idsOf(right));
  const [a, b] = [onLeft.settle(left), onRight.settle(right)];
  if (relation.isEmpty) return pickColumns(joinPlan(join, a, b, [], condition), wanted);
  if (join === 'full') return fullJoin(a, b, condition, relation, context);
  // The side that keeps all of its rows stays as it is; the other one is joined to each distinct row of what is read of it.
  const [kept, other] = join === 'right' ? [b, a] : [a, b];
  const read = kept.output.filter((column) => relation.reads.has(column.id));
  const pairs = pairsWith(read, kept, other, relation, context);
  const keys = nullSafeKeys(read.map((column, i) => [columnOf(column), columnOf(pairs.keys[i] as OutputColumn)] as const));
  const flipped = join === 'right' ? 'left' : join;
  return pickColumns(joinPlan(flipped, kept, pairs.plan, keys, condition), wanted);
}

/** A LEFT JOIN, and the right rows that it has not found; both sides are computed once. */
function fullJoin(left: LogicalPlan, right: LogicalPlan, condition: Expression, relation: Relation, context: BindContext): LogicalPlan {
  const what = 'a subquery over both sides in the condition of a FULL JOIN that depends on rows around it';
  const refuse = () => unsupported(what, condition.position);
  const wanted = joinPlan('full', left, right).output;
  const pairs = (rows: LogicalPlan) => joinWithSubqueries('left', left, rows, condition, relation, context);
  return withLostRows(left, right, wanted, pairs, refuse, context);
}

/**
 * What `pairs` makes of the left side and the right rows, and then the right rows that it has not found; both are computed once. pairs: gives
 * the left side's columns, the right one's, and the last column of the rows it gets, which numbers them. refuse: for rows that are not read once.
 */
export function withLostRows(
  left: LogicalPlan,
  right: LogicalPlan,
  wanted: readonly OutputColumn[],
  pairsOf: (rows: LogicalPlan) => LogicalPlan,
  refuse: () => Error,
  context: BindContext,
): LogicalPlan {
  const numbered = numberPlan(right, [], context.nextId());
  const rows = shared(numbered, refuse, context);
  const found = shared(pairsOf(rows(numbered.output)), refuse, context);
  const fresh = (columns: readonly OutputColumn[]) => columns.map((column) => ({ ...column, id: context.nextId() }));
  const pairs = fresh([...left.output, ...numbered.output]);
  const [others, known] = [fresh(numbered.output), fresh([...left.output, ...numbered.output])];
  const same = [{ left: columnOf(others.at(-1) as OutputColumn), right: columnOf(known.at(-1) as OutputColumn) }];
  const lost = joinPlan('anti', rows(others), pickColumns(found(known), known.slice(-1)), same);
  const named = (expressions: readonly Expression[]) =>
    wanted.map((column, i) => ({ id: context.nextId(), name: column.name, expression: expressions[i] ?? columnOf(column) }));
  const nothing = left.output.map((column) => literal(null, column.type));
  const inputs = [
    projectPlan(found(pairs), named(pairs.map((column) => columnOf(column)))),
    projectPlan(lost, named([...nothing, ...others.map((column) => columnOf(column))])),
  ];
  return { kind: 'union', inputs, output: wanted };
}

/** Makes the plan a relation that is computed once; gives its rows under the ids of `output`, which has its columns in order. */
function shared(plan: LogicalPlan, refuse: () => Error, context: BindContext): (output: readonly OutputColumn[]) => LogicalPlan {
  if (freeColumns(plan).size > 0 || readsWorkingTable(plan, context)) throw refuse();
  const key = context.nextId();
  const copy = cloneWithFreshIds(plan, context.nextId).plan;
  context.relations.push({ key, name: 'full join', plan: copy });
  const columns = copy.output.map((column) => column.id);
  return (output) => ({ kind: 'reference', key, name: 'full join', columns, output });
}

/** Each distinct combination of `read` with each row of the other side, subqueries joined; the combination's columns under new ids. */
function pairsWith(
  read: readonly OutputColumn[],
  kept: LogicalPlan,
  other: LogicalPlan,
  relation: Relation,
  context: BindContext,
): { readonly plan: LogicalPlan; readonly keys: readonly OutputColumn[] } {
  const copy = distinctPlan(cloneWithFreshIds(pickColumns(kept, read), context.nextId).plan);
  const named = projectPlan(
    copy,
    read.map((column, i) => ({ id: column.id, name: column.name, expression: columnOf(copy.output[i] as OutputColumn) })),
  );
  const joined = relation.settle(joinPlan('cross', named, other));
  const own = new Set(read.map((column) => column.id));
  const rest = joined.output.filter((column) => !own.has(column.id));
  const plan = projectPlan(joined, [
    ...rest.map((column) => ({ id: column.id, name: column.name, expression: columnOf(column) })),
    ...read.map((column) => ({ id: context.nextId(), name: column.name, expression: columnOf(column) })),
  ]);
  return { plan, keys: plan.output.slice(rest.length) };
}

function idsOf(plan: LogicalPlan): ReadonlySet<number> {
  return new Set(plan.output.map((column) => column.id));
}
