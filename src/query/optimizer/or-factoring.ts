/** What all alternatives of an OR demand stands before it: (a AND b) OR (a AND c) is a AND (b OR c). */
import { conjunction, conjuncts, disjunction, fingerprint, headOf } from '../binder/expressions.js';
import { type Expression, mapChildren } from '../plan/expression.js';
import { mapOwnExpressions } from '../plan/traverse.js';
import { mapPlan, type Rule } from './rule.js';

export const OR_FACTORING: Rule = {
  name: 'or_factoring',
  doc: 'Conditions that all alternatives of an OR share are tested before it, so that joins find their keys.',
  apply: (plan) => mapPlan(plan, (node) => (node.kind === 'filter' || node.kind === 'join' ? mapOwnExpressions(node, factored) : node)),
};

function factored(condition: Expression): Expression {
  const inner = mapChildren(condition, factored);
  return inner.kind === 'or' ? withoutShared(inner) : inner;
}

function withoutShared(condition: Extract<Expression, { kind: 'or' }>): Expression {
  const parts = condition.operands.map(conjuncts);
  const [one, ...rest] = parts;
  const mayShare = one?.some((part) => rest.every((other) => other.some((each) => headOf(each) === headOf(part))));
  if (!mayShare) return condition;
  const alternatives = parts.map((each) => new Map(each.map((part) => [fingerprint(part), part] as const)));
  const [first, ...others] = alternatives;
  if (!first || others.length === 0) return condition;
  const shared = [...first].filter(([key]) => others.every((other) => other.has(key)));
  if (shared.length === 0) return condition;
  const keys = new Set(shared.map(([key]) => key));
  const rests = alternatives.map((parts) => conjunction([...parts].flatMap(([key, part]) => (keys.has(key) ? [] : [part]))));
  const decided = rests.some((rest) => rest.kind === 'literal' && rest.value === true);
  return conjunction([...shared.map(([, part]) => part), ...(decided ? [] : [disjunction(rests)])]);
}
