/** A semi join is made before inner joins, on the table that it looks at, where it leaves few rows or looks at no more of them. */
import { conjuncts } from '../binder/expressions.js';
import { joinPlan, pickColumns } from '../binder/plans.js';
import { type ColumnId, columnsOf, type Expression } from '../plan/expression.js';
import type { JoinPlan, LogicalPlan } from '../plan/logical.js';
import { substitute } from '../plan/traverse.js';
import { cardinalityOf, distinctOf, estimatedRows } from './cardinality.js';
import { mapPlan, type Rule } from './rule.js';

export const SEMI_PUSHDOWN: Rule = {
  name: 'semi_pushdown',
  doc: 'Semi joins by equality come before inner joins that do not lessen their rows.',
  apply: (plan) => mapPlan(plan, (node) => (node.kind === 'join' && node.join === 'semi' ? pushed(node) : node)),
};

/** Share of rows that counts as few. */
const FEW = 0.5;

function pushed(plan: JoinPlan): LogicalPlan {
  const conditions = plan.residual === null ? [] : conjuncts(plan.residual);
  const sides = [...plan.keys, ...conditions.map((condition) => sidesOf(condition, plan))];
  const own: Expression[] = [];
  for (const side of sides) {
    if (!side) return plan;
    own.push(side.left);
  }
  if (own.length === 0) return plan;
  const most = isSelective(sides as JoinPlan['keys'], plan) ? Number.POSITIVE_INFINITY : estimatedRows(plan.left);
  return below(plan.left, plan, most) ?? plan;
}

function sidesOf(condition: Expression, plan: JoinPlan): JoinPlan['keys'][number] | undefined {
  if (condition.kind !== 'call' || condition.function !== 'eq') return undefined;
  const [a, b] = condition.args;
  if (!a || !b) return undefined;
  const right = new Set(plan.right.output.map((column) => column.id));
  const of = (expression: Expression) => [...columnsOf(expression)].map((id) => right.has(id));
  if (of(a).every((is) => !is) && of(b).every((is) => is)) return { left: a, right: b };
  return of(b).every((is) => !is) && of(a).every((is) => is) ? { left: b, right: a } : undefined;
}

function isSelective(keys: JoinPlan['keys'], plan: JoinPlan): boolean {
  const [left, right] = [cardinalityOf(plan.left), cardinalityOf(plan.right)];
  return keys.reduce((share, key) => share * (distinctOf(key.right, right) / distinctOf(key.left, left)), 1) <= FEW;
}

/** The input with the semi join inside it, over a part of at most so many rows; undefined when it is no inner join. */
function below(input: LogicalPlan, semi: JoinPlan, most: number): LogicalPlan | undefined {
  if (input.kind === 'project') {
    const by = new Map(input.output.map((column, i) => [column.id, input.expressions[i] as Expression] as const));
    const change = (expression: Expression) => substitute(expression, by);
    const keys = semi.keys.map((key) => ({ left: change(key.left), right: key.right }));
    const changed: JoinPlan = { ...semi, keys, residual: semi.residual === null ? null : change(semi.residual) };
    const found = below(input.input, changed, most);
    return found && { ...input, input: found };
  }
  if (input.kind !== 'join' || (input.join !== 'inner' && input.join !== 'cross')) return undefined;
  const read = new Set<ColumnId>([
    ...semi.keys.flatMap((key) => [...columnsOf(key.left)]),
    ...(semi.residual === null ? [] : columnsOf(semi.residual)),
  ]);
  for (const column of semi.right.output) read.delete(column.id);
  const place = (side: LogicalPlan): LogicalPlan | undefined => {
    const ids = new Set(side.output.map((column) => column.id));
    if ([...read].some((id) => !ids.has(id))) return undefined;
    return (
      below(side, semi, most) ?? (estimatedRows(side) <= most ? joinPlan('semi', side, semi.right, semi.keys, semi.residual) : undefined)
    );
  };
  const left = place(input.left);
  const right = left ? undefined : place(input.right);
  if (!left && !right) return undefined;
  return pickColumns(joinPlan(input.join, left ?? input.left, right ?? input.right, input.keys, input.residual), input.output);
}
