/** LIMIT, OFFSET, FETCH, LIMIT … BY. Constants and parameters are known to the plan; anything else is computed by the run. */
import { DbError } from '../../core/errors.js';
import { type DataType, FLOAT64, INT64, isNumeric, isText } from '../../core/types.js';
import { columnsOf, type Expression } from '../plan/expression.js';
import type { CutPlan, LogicalPlan, SortKey } from '../plan/logical.js';
import type { Limit, LimitBy, RowLimit, Expression as Syntax } from '../syntax/ast/query.js';
import { castTo } from './coercion.js';
import type { BindContext, BoundQuery, Clause, CommonTables } from './context.js';
import { literal } from './expressions.js';
import { limitPlan, projectPlan } from './plans.js';
import { Relation } from './relation.js';
import { Scope } from './scope.js';

interface LimitEnvironment {
  readonly context: BindContext;
  readonly outer: Scope | null;
  readonly commonTables: CommonTables;
}

/** A bound: a number (null = none), or an expression that the run computes. */
type Bound = { readonly kind: 'known'; readonly rows: number | null } | { readonly kind: 'open'; readonly expression: Expression };

const NO_BOUND: Bound = { kind: 'known', rows: null };

export function applyLimit(bound: BoundQuery, limit: Limit, environment: LimitEnvironment): BoundQuery {
  const relation = new Relation();
  const read = (syntax: Syntax | null, name: string, type: DataType = INT64) =>
    syntax === null ? NO_BOUND : boundOf(syntax, name, type, relation, environment);
  if (limit.kind === 'limitRange') {
    const [lower, upper] = [read(limit.lower, 'LIMIT'), read(limit.upper, 'LIMIT')];
    if (lower.kind === 'known' && upper.kind === 'known' && (lower.rows ?? 0) >= 0 && (upper.rows ?? 0) >= 0) {
      const from = lower.rows ?? 0;
      return { ...bound, plan: limitPlan(bound.plan, upper.rows === null ? null : Math.max(0, upper.rows - from), from) };
    }
    return { ...bound, plan: cut(bound.plan, { count: upper, offset: lower, unit: 'range', ties: [] }, relation, limit, environment) };
  }
  const count = read(limit.count, 'LIMIT', limit.isPercent ? FLOAT64 : INT64);
  const offset = read(limit.offset, 'OFFSET');
  if (limit.withTies) return { ...bound, plan: withTies(bound.plan, count, offset, relation, limit, environment) };
  const isKnown = count.kind === 'known' && offset.kind === 'known' && !limit.isPercent;
  if (isKnown && (offset.rows ?? 0) < 0 && (count.rows ?? 0) >= 0) {
    throw new DbError('invalid_value', 'OFFSET may not be negative', { position: limit.offset?.position });
  }
  if (isKnown && (count.rows ?? 0) >= 0) return { ...bound, plan: limitPlan(bound.plan, count.rows, offset.rows ?? 0) };
  const unit = limit.isPercent ? 'percent' : 'rows';
  return { ...bound, plan: cut(bound.plan, { count, offset, unit, ties: [] }, relation, limit, environment) };
}

/** The two numbers of LIMIT n OFFSET m BY …. */
export function limitByBounds(limit: LimitBy, environment: LimitEnvironment): { readonly limit: number | null; readonly offset: number } {
  const read = (syntax: Syntax, name: string) => {
    const bound = boundOf(syntax, name, INT64, null, environment);
    if (bound.kind === 'open') throw new DbError('type_mismatch', `${name} … BY takes a constant`, { position: syntax.position });
    if ((bound.rows ?? 0) < 0) throw new DbError('invalid_value', `${name} … BY may not be negative`, { position: syntax.position });
    return bound.rows;
  };
  return { limit: read(limit.count, 'LIMIT'), offset: limit.offset === null ? 0 : (read(limit.offset, 'OFFSET') ?? 0) };
}

function boundOf(syntax: Syntax, name: string, type: DataType, relation: Relation | null, environment: LimitEnvironment): Bound {
  const { context, outer, commonTables } = environment;
  const clause: Clause = { context, name, scope: new Scope([], outer), commonTables, relation, aggregates: null };
  const bound = context.bindExpression(syntax, clause);
  const read = [...columnsOf(bound)];
  if (read.some((id) => !relation?.produced.has(id))) {
    throw new DbError('type_mismatch', `${name} may not read columns`, { position: syntax.position });
  }
  if (bound.type.kind === 'null') {
    // A parameter without a value learns here what it should be.
    castTo(bound, type);
    return NO_BOUND;
  }
  if (!isNumeric(bound.type) && !isText(bound.type)) {
    throw new DbError('type_mismatch', `${name} takes a number of rows`, { position: syntax.position });
  }
  const value = castTo(bound, type);
  if (read.length > 0) return { kind: 'open', expression: value };
  const number = context.evaluateConstant(value);
  if (number === null) return NO_BOUND;
  // No table has as many rows as the largest exact number.
  const rows = type.kind === 'int64' ? Math.min(Number(number), Number.MAX_SAFE_INTEGER) : Number(number);
  if (type.kind === 'int64' && !Number.isSafeInteger(rows)) {
    throw new DbError('invalid_value', `${name} ${String(number)} is too large`, { position: syntax.position });
  }
  return { kind: 'known', rows };
}

interface CutBounds {
  readonly count: Bound;
  readonly offset: Bound;
  readonly unit: CutPlan['unit'];
  readonly ties: readonly SortKey[];
}

function cut(input: LogicalPlan, bounds: CutBounds, relation: Relation, limit: Limit, environment: LimitEnvironment): LogicalPlan {
  const { nextId } = environment.context;
  const { count, offset, unit, ties } = bounds;
  const one: LogicalPlan = relation.settle({ kind: 'values', rows: [[]], output: [] });
  const column = (bound: Bound, name: string, type: DataType) => {
    if (bound.kind === 'open') return [{ id: nextId(), name, expression: bound.expression }];
    if (bound.rows === null) return [];
    return [{ id: nextId(), name, expression: literal(type.kind === 'int64' ? BigInt(bound.rows) : bound.rows, type) }];
  };
  const counts = column(count, 'count', unit === 'percent' ? FLOAT64 : INT64);
  const offsets = column(offset, 'offset', INT64);
  return {
    kind: 'cut',
    input,
    bounds: projectPlan(one, [...counts, ...offsets]),
    count: counts[0]?.id ?? null,
    offset: offsets[0]?.id ?? null,
    unit,
    ties,
    position: limit.position,
    output: input.output,
  };
}

/** The cut is made where the order's columns still are. */
function withTies(
  plan: LogicalPlan,
  count: Bound,
  offset: Bound,
  relation: Relation,
  limit: RowLimit,
  environment: LimitEnvironment,
): LogicalPlan {
  if (plan.kind === 'project' && orderBelow(plan.input)) {
    return { ...plan, input: withTies(plan.input, count, offset, relation, limit, environment) };
  }
  const ties = orderBelow(plan);
  if (!ties) throw new DbError('syntax_error', 'WITH TIES needs ORDER BY', { position: limit.position });
  const unit = limit.isPercent ? 'percent' : 'rows';
  return cut(plan, { count, offset, unit, ties }, relation, limit, environment);
}

function orderBelow(plan: LogicalPlan): readonly SortKey[] | null {
  if (plan.kind === 'sort') return plan.keys;
  return plan.kind === 'limit_by' ? orderBelow(plan.input) : null;
}
