/** coalesce, nullif and if as the CASE that they mean, where an argument can fail and must not be computed for rows that do not need it. */
import { BOOL } from '../../core/types.js';
import type { CallExpression, CaseExpression } from '../plan/expression.js';
import { analyse } from './analysis.js';

/** Calls that stand inside their own CASE, for the rows that need all arguments. */
const complete = new WeakSet<CallExpression>();
const REWRITES: Readonly<Record<string, (call: CallExpression) => CaseExpression>> = {
  coalesce: coalesceCase,
  nullif: nullifCase,
  if: choiceCase,
};
const rewritten = new WeakMap<CallExpression, CaseExpression>();

/** undefined: the call computes all of its arguments. */
export function asCase(call: CallExpression): CaseExpression | undefined {
  const rewrite = REWRITES[call.function];
  if (!rewrite || complete.has(call)) return undefined;
  if (!call.args.slice(1).some((arg) => analyse(arg).fallible)) return undefined;
  let expression = rewritten.get(call);
  if (!expression) {
    expression = rewrite(call);
    rewritten.set(call, expression);
  }
  return expression;
}

function coalesceCase(call: CallExpression): CaseExpression {
  const { type, nullable, position } = call;
  const branches = call.args.slice(0, -1).map((arg) => ({
    when: { kind: 'is_null', operand: arg, negated: true, type: BOOL, nullable: false, position } as const,
    // The value again: a column or literal costs nothing, and other expressions are computed for the rows that keep them.
    then: arg,
  }));
  return { kind: 'case', branches, otherwise: call.args.at(-1) ?? null, type, nullable, position };
}

/** What NULL would be compared with is not computed. */
function nullifCase(call: CallExpression): CaseExpression {
  const { type, nullable, position } = call;
  const [value] = call.args;
  const rest = { ...call };
  complete.add(rest);
  const present = value && ({ kind: 'is_null', operand: value, negated: true, type: BOOL, nullable: false, position } as const);
  return { kind: 'case', branches: present ? [{ when: present, then: rest }] : [], otherwise: null, type, nullable, position };
}

function choiceCase(call: CallExpression): CaseExpression {
  const { type, nullable, position } = call;
  const [when, then, otherwise] = call.args;
  return { kind: 'case', branches: when && then ? [{ when, then }] : [], otherwise: otherwise ?? null, type, nullable, position };
}
