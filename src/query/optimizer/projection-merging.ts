/** A projection over a projection, and an aggregate over one, become a single node. */
import { columnOf } from '../binder/expressions.js';
import { type ColumnId, type Expression, walkExpression } from '../plan/expression.js';
import type { LogicalPlan, ProjectPlan } from '../plan/logical.js';
import { mapOwnExpressions, ownExpressions, substitute } from '../plan/traverse.js';
import { mapPlan, type Rule } from './rule.js';

export const PROJECTION_MERGING: Rule = {
  name: 'projection_merging',
  doc: 'Projections that only hand columns on, or whose results are used once, are merged into the node above.',
  apply: (plan) => mapPlan(plan, mergeNode),
};

function mergeNode(plan: LogicalPlan): LogicalPlan {
  if ((plan.kind !== 'project' && plan.kind !== 'aggregate') || plan.input.kind !== 'project') return plan;
  const below = plan.input;
  if (!mergeable(plan, below)) return plan;
  const by = new Map(below.output.map((column, i) => [column.id, below.expressions[i] ?? columnOf(column)] as const));
  const merged = mapOwnExpressions(plan, (expression) => substitute(expression, by)) as typeof plan;
  return { ...merged, input: below.input };
}

function mergeable(plan: LogicalPlan, below: ProjectPlan): boolean {
  const uses = new Map<ColumnId, number>();
  for (const expression of ownExpressions(plan)) {
    walkExpression(expression, (node) => {
      if (node.kind === 'column') uses.set(node.id, (uses.get(node.id) ?? 0) + 1);
    });
  }
  return below.expressions.every((expression, i) => isCheap(expression) || (uses.get(below.output[i]?.id ?? -1) ?? 0) <= 1);
}

function isCheap(expression: Expression): boolean {
  return expression.kind === 'column' || expression.kind === 'literal';
}
