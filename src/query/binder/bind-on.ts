/** Subqueries in the condition of a join: they are joined to the side whose columns they read, or to pairs of both sides. */
import type { Expression } from '../plan/expression.js';
import type { JoinPlan, LogicalPlan, OutputColumn } from '../plan/logical.js';
import { cloneWithFreshIds } from '../plan/traverse.js';
import { type BindContext, unsupported } from './context.js';
import { columnOf } from './expressions.js';
import { distinctPlan, filterPlan, joinPlan, nullSafeKeys, pickColumns, projectPlan } from './plans.js';
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
  if (join === 'full') throw unsupported('a subquery over both sides in the condition of a FULL JOIN', condition.position);
  // The side that keeps all of its rows stays as it is; the other one is joined to each distinct row of what is read of it.
  const [kept, other] = join === 'right' ? [b, a] : [a, b];
  const read = kept.output.filter((column) => relation.reads.has(column.id));
  const pairs = pairsWith(read, kept, other, relation, context);
  const keys = nullSafeKeys(read.map((column, i) => [columnOf(column), columnOf(pairs.keys[i] as OutputColumn)] as const));
  const flipped = join === 'right' ? 'left' : join;
  return pickColumns(joinPlan(flipped, kept, pairs.plan, keys, condition), wanted);
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
