/** ASOF JOIN and its relatives LT, AJ, AJ0 and SPLICE: each left row beside the closest right row. */
import { DbError } from '../../core/errors.js';
import { isInteger, sameType, typeName } from '../../core/types.js';
import type { Expression } from '../plan/expression.js';
import type { AsofPlan, LogicalPlan, OutputColumn } from '../plan/logical.js';
import { cloneWithFreshIds } from '../plan/traverse.js';
import type { Identifier } from '../syntax/ast/node.js';
import type { AsofJoin } from '../syntax/ast/table.js';
import { type AsofConditions, type AsofSides, asofConditions, usingConditions } from './asof-conditions.js';
import { asofTolerance } from './asof-tolerance.js';
import { checkAliases } from './check-aliases.js';
import { castTo, unify } from './coercion.js';
import { type BoundRelation, type FromClause, unsupported } from './context.js';
import { dependsOn } from './decorrelate.js';
import { caseOf, columnOf, conjunction, disjunction, isNull, isTrue } from './expressions.js';
import { asofPlan, filterPlan, projectPlan } from './plans.js';
import { scalarCall } from './scalar-call.js';
import { Scope, type ScopeColumn } from './scope.js';

export function bindAsof(reference: AsofJoin, clause: FromClause): BoundRelation {
  const { context } = clause;
  const left = context.bindTable(reference.left, reference.variant === 'splice' ? { ...clause, windowJoins: null } : clause);
  const right = context.bindTable(reference.right, {
    ...clause,
    windowJoins: null,
    lateral: new Scope(left.columns, clause.lateral ?? clause.outer),
  });
  checkAliases(left, right, reference.right.position);
  if (dependsOn(right.plan, left.plan)) throw unsupported('LATERAL on the right side of an ASOF join', reference.right.position);
  const written: AsofSides = { left, right, position: afterLeft(reference, context.sql) };
  const { condition, variant } = reference;
  const conditions = condition?.kind === 'using' ? usingConditions(reference, written, clause) : asofConditions(reference, written, clause);
  const match = matchOf(reference, conditions, written, clause);
  const sides = { ...written, right: { ...right, plan: filterPlan(right.plan, conditions.rightOnly) } };
  const bound = variant === 'splice' ? splice(match, sides, clause) : joined(match, sides);
  const shown = variant === 'aj0' ? withRightTime(bound, conditions, clause) : bound;
  const merged = condition?.kind === 'using' ? mergedColumns(shown, condition.columns, sides, variant === 'splice' ? clause : null) : shown;
  if (!reference.alias) return merged;
  const { alias } = reference;
  const columns = merged.columns.map((column, i) => ({ ...column, table: alias.name.name, name: alias.columns[i]?.name ?? column.name }));
  return { ...merged, columns };
}

type Match = Pick<AsofPlan, 'join' | 'keys' | 'time' | 'direction' | 'tolerance' | 'residual'>;

/** Where the word after the left side stands. */
function afterLeft(reference: AsofJoin, sql: string): number {
  const rest = sql.slice(reference.left.end);
  return reference.left.end + (rest.length - rest.trimStart().length);
}

function matchOf(reference: AsofJoin, conditions: AsofConditions, sides: AsofSides, clause: FromClause): Match {
  const { time, position } = conditions;
  const { type, expressions } = unify([time.left, time.right], 'ASOF JOIN');
  const [left, right] = expressions as readonly [Expression, Expression];
  const wide = type.kind === 'float32' ? castTo(left, { kind: 'float64' }) : left;
  const ordered = { left: wide, right: sameType(wide.type, right.type) ? right : castTo(right, wide.type) };
  checkOrdered(ordered.left, position);
  const direction = conditions.direction;
  if (reference.variant === 'lt' && direction !== 'gt') {
    throw new DbError('invalid_argument', 'LT JOIN finds the right row that is strictly earlier', {
      position,
      hint: 'write >, or ASOF JOIN for other directions',
    });
  }
  if (reference.variant === 'splice' && direction !== 'ge') {
    throw new DbError('invalid_argument', 'SPLICE JOIN joins each row with the latest row of the other side: >= or nothing', { position });
  }
  if (reference.variant === 'splice' && (conditions.residual !== null || !isTrue(conditions.rightOnly))) {
    throw new DbError('invalid_argument', 'SPLICE JOIN takes equalities of both sides only', { position });
  }
  const tolerance = reference.tolerance === null ? null : asofTolerance(reference.tolerance, ordered.left.type, sides, clause);
  const outer = reference.outer ?? (conditions.inner && reference.variant !== 'lt' && reference.variant !== 'splice' ? 'inner' : 'left');
  return { join: outer, keys: conditions.keys, time: ordered, direction, tolerance, residual: conditions.residual };
}

const ORDERED = new Set(['timestamp', 'date32', 'time64', 'float64', 'decimal']);

function checkOrdered(time: Expression, position: number): void {
  if (ORDERED.has(time.type.kind) || isInteger(time.type)) return;
  throw new DbError('type_mismatch', `the order of an ASOF join is by times, dates or numbers, not ${typeName(time.type)}`, { position });
}

function nullable(columns: readonly ScopeColumn[]): readonly ScopeColumn[] {
  return columns.map((column) => (column.nullable ? column : { ...column, nullable: true }));
}

function joined(match: Match, { left, right }: AsofSides): BoundRelation {
  const plan = asofPlan(left.plan, right.plan, match);
  const columns = [...left.columns, ...(match.join === 'left' ? nullable(right.columns) : right.columns)];
  return { plan, columns, timestamp: left.timestamp };
}

/** Rows of the left side with their latest right row, then rows of the right side with their latest left row. */
function splice(match: Match, { left, right }: AsofSides, clause: FromClause): BoundRelation {
  const { nextId } = clause.context;
  const outer: Match = { ...match, join: 'left' };
  const first = asofPlan(left.plan, right.plan, outer);
  const mirrored = asofPlan(right.plan, left.plan, {
    ...outer,
    keys: match.keys.map((key) => ({ left: key.right, right: key.left })),
    time: { left: match.time.right, right: match.time.left },
  });
  const second = cloneWithFreshIds(mirrored, nextId);
  const output: readonly OutputColumn[] = first.output.map((column) => ({ ...column, id: nextId(), nullable: true }));
  const shaped = (plan: LogicalPlan, idOf: (column: OutputColumn) => number): LogicalPlan =>
    projectPlan(
      plan,
      first.output.map((column) => ({
        id: nextId(),
        name: column.name,
        expression: columnOf({ ...column, id: idOf(column), nullable: true }),
      })),
    );
  const inputs = [shaped(first, (column) => column.id), shaped(second.plan, (column) => second.ids.get(column.id) ?? column.id)];
  const renamed = new Map(first.output.map((column, i) => [column.id, output[i]?.id ?? column.id] as const));
  const columns = nullable([...left.columns, ...right.columns]).map((column) => ({ ...column, id: renamed.get(column.id) ?? column.id }));
  return {
    plan: { kind: 'union', inputs, output },
    columns,
    timestamp: null,
  };
}

/** AJ0: the left side's time column shows the time of the right row, where there is one. */
function withRightTime(bound: BoundRelation, conditions: AsofConditions, clause: FromClause): BoundRelation {
  const { left, right } = conditions.time;
  if (left.kind !== 'column') {
    throw new DbError('invalid_argument', 'AJ0 replaces the time column of the left side: it must be a column', {
      position: conditions.position,
    });
  }
  const output = bound.plan.output;
  const [own, other] = [left, right].map((side) =>
    side.kind === 'column' ? (output.find((column) => column.id === side.id) ?? side) : side,
  );
  const time = columnOf(own as OutputColumn);
  const found = other && 'kind' in other ? other : columnOf(other as OutputColumn);
  const { type, expressions } = unify([found, time], 'AJ0');
  const [a, b] = expressions as readonly [Expression, Expression];
  const value = { id: clause.context.nextId(), name: left.name, expression: found.nullable ? caseOf([[isNull(a, true), a]], b, type) : a };
  const kept = output.map((column) => ({ id: column.id, name: column.name, expression: columnOf(column) }));
  const plan = projectPlan(bound.plan, [...kept, value]);
  const columns = bound.columns.map((column) =>
    column.id === left.id ? { ...column, id: value.id, type: value.expression.type, nullable: value.expression.nullable } : column,
  );
  return { plan, columns, timestamp: bound.timestamp === left.id ? value.id : bound.timestamp };
}

/**
 * USING and ON (names): the named columns are seen once, first, with the left side's value; of SPLICE, where either side may be missing, with
 * the larger one. splice: where that is computed.
 */
function mergedColumns(
  bound: BoundRelation,
  names: readonly Identifier[],
  { left, right }: AsofSides,
  splice: FromClause | null,
): BoundRelation {
  const isNamed = (column: ScopeColumn): boolean =>
    column.unqualified && names.some((name) => name.name.toLowerCase() === column.name.toLowerCase());
  const count = left.columns.length;
  const shown = bound.columns.slice(0, count);
  const merged = names.flatMap((name) => {
    const at = left.columns.findIndex((column) => column.unqualified && column.name.toLowerCase() === name.name.toLowerCase());
    const column = shown[at];
    return column ? [{ ...column, table: null, unqualified: true }] : [];
  });
  const hidden = bound.columns.map((column, i) =>
    isNamed((i < count ? left.columns[i] : right.columns[i - count]) ?? column) ? { ...column, unqualified: false } : column,
  );
  if (!splice) return { ...bound, columns: [...merged, ...hidden] };
  const computed = merged.map((column) => {
    const at = right.columns.findIndex((other) => other.unqualified && other.name.toLowerCase() === column.name.toLowerCase());
    const { expressions, type } = unify([columnOf(column), columnOf(bound.columns[count + at] ?? column)], 'USING');
    const [a, b] = expressions as readonly [Expression, Expression];
    const first = conjunction([isNull(a, true), disjunction([isNull(b), scalarCall('ge', [a, b], -1)])]);
    return { id: splice.context.nextId(), name: column.name, expression: caseOf([[first, a]], b, type) };
  });
  const kept = bound.plan.output.map((column) => ({ id: column.id, name: column.name, expression: columnOf(column) }));
  const columns = computed.map(({ id, name, expression }) => {
    return { id, name, table: null, type: expression.type, nullable: expression.nullable, unqualified: true };
  });
  return { ...bound, plan: projectPlan(bound.plan, [...kept, ...computed]), columns: [...columns, ...hidden] };
}
