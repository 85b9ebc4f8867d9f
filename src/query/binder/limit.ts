/** LIMIT, OFFSET, FETCH: constants or parameters. */
import { DbError } from '../../core/errors.js';
import { INT64, isNumeric, isText } from '../../core/types.js';
import { columnsOf } from '../plan/expression.js';
import type { Limit, Expression as Syntax } from '../syntax/ast/query.js';
import { castTo } from './coercion.js';
import { type BindContext, type BoundQuery, unsupported } from './context.js';
import { limitPlan } from './plans.js';
import { Scope } from './scope.js';

export function applyLimit(bound: BoundQuery, limit: Limit, context: BindContext, outer: Scope | null): BoundQuery {
  if (limit.kind === 'limitRange') {
    const lower = count(limit.lower, 'LIMIT', context, outer) ?? 0;
    const upper = count(limit.upper, 'LIMIT', context, outer) ?? 0;
    if (lower < 0 || upper < 0) throw unsupported('LIMIT counted from the end', limit.position);
    return { ...bound, plan: limitPlan(bound.plan, Math.max(0, upper - lower), lower) };
  }
  if (limit.isPercent) throw unsupported('LIMIT n PERCENT', limit.position);
  if (limit.withTies) throw unsupported('FETCH … WITH TIES', limit.position);
  const rows = limit.count === null ? null : count(limit.count, 'LIMIT', context, outer);
  const offset = limit.offset === null ? 0 : (count(limit.offset, 'OFFSET', context, outer) ?? 0);
  if (rows !== null && rows < 0) throw unsupported('LIMIT counted from the end', limit.position);
  if (offset < 0) throw new DbError('invalid_value', 'OFFSET may not be negative', { position: limit.offset?.position });
  return { ...bound, plan: limitPlan(bound.plan, rows, offset) };
}

/** NULL means no limit. */
function count(syntax: Syntax, name: string, context: BindContext, outer: Scope | null): number | null {
  const clause = { context, name, scope: new Scope([], outer), commonTables: new Map(), relation: null, aggregates: null };
  const bound = context.bindExpression(syntax, clause);
  if (columnsOf(bound).size > 0) throw new DbError('type_mismatch', `${name} takes a constant`, { position: syntax.position });
  if (bound.type.kind === 'null') return null;
  if (!isNumeric(bound.type) && !isText(bound.type)) {
    throw new DbError('type_mismatch', `${name} takes a number of rows`, { position: syntax.position });
  }
  const value = context.evaluateConstant(castTo(bound, INT64));
  if (value === null) return null;
  const rows = Number(value);
  if (!Number.isSafeInteger(rows))
    throw new DbError('invalid_value', `${name} ${String(value)} is too large`, { position: syntax.position });
  return rows;
}
