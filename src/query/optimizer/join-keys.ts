/** Equalities between the two sides of a join become its hash keys. */
import { isText, sameType, UTF8 } from '../../core/types.js';
import { castTo } from '../binder/coercion.js';
import { conjunction, conjuncts } from '../binder/expressions.js';
import { type Expression, type Ids, readsColumns, readsOnly } from '../plan/expression.js';
import { type JoinPlan, type LogicalPlan, outputIds } from '../plan/logical.js';
import { mapPlan, type Rule } from './rule.js';

export const JOIN_KEYS: Rule = {
  name: 'join_keys',
  doc: 'Equalities between the sides of a join are its hash keys; what is left is tested per pair.',
  apply: (plan) => mapPlan(plan, (node) => (node.kind === 'join' && node.residual !== null ? withKeys(node, node.residual) : node)),
};

function withKeys(plan: JoinPlan, residual: Expression): LogicalPlan {
  const left = outputIds(plan.left);
  const right = outputIds(plan.right);
  const keys = [...plan.keys];
  const rest: Expression[] = [];
  for (const condition of conjuncts(residual)) {
    const key = keyOf(condition, left, right);
    if (key) keys.push(key);
    else rest.push(condition);
  }
  if (keys.length === plan.keys.length) return plan;
  return { ...plan, join: plan.join === 'cross' ? 'inner' : plan.join, keys, residual: rest.length === 0 ? null : conjunction(rest) };
}

function keyOf(condition: Expression, left: Ids, right: Ids): JoinPlan['keys'][number] | undefined {
  if (condition.kind !== 'call' || condition.function !== 'eq') return undefined;
  const [a, b] = condition.args;
  if (!a || !b) return undefined;
  const isSwapped = isOf(b, left) && isOf(a, right);
  if (!isSwapped && !(isOf(a, left) && isOf(b, right))) return undefined;
  const key = isSwapped ? { left: b, right: a } : { left: a, right: b };
  if (sameType(a.type, b.type)) return key;
  // Text is hashed by its bytes, however it is stored.
  return isText(a.type) && isText(b.type) ? { left: castTo(key.left, UTF8), right: castTo(key.right, UTF8) } : undefined;
}

function isOf(expression: Expression, ids: Ids): boolean {
  return readsColumns(expression) && readsOnly(expression, ids);
}
