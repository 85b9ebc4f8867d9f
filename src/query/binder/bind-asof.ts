/** ASOF JOIN and its relatives LT, AJ, AJ0 and SPLICE: each left row beside the closest right row. */
import { DbError } from '../../core/errors.js';
import { BOOL, type DataType, isInteger, sameType, typeName } from '../../core/types.js';
import type { Expression } from '../plan/expression.js';
import type { AsofPlan, LogicalPlan, OutputColumn } from '../plan/logical.js';
import { cloneWithFreshIds } from '../plan/traverse.js';
import type { Identifier } from '../syntax/ast/node.js';
import type { AsofJoin } from '../syntax/ast/table.js';
import { type AsofConditions, type AsofSides, asofConditions, usingConditions } from './asof-conditions.js';
import { asofTolerance } from './asof-tolerance.js';
import { withLostRows } from './bind-on.js';
import { checkAliases } from './check-aliases.js';
import { castTo, unify } from './coercion.js';
import { type BoundRelation, type FromClause, unsupported } from './context.js';
import { dependsOn } from './decorrelate.js';
import { boolLiteral, caseOf, columnOf, conjunction, disjunction, isNull, isTrue } from './expressions.js';
import { asofPlan, filterPlan, joinPlan, projectPlan } from './plans.js';
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
  const bound = variant === 'splice' ? splice(match, sides, clause) : joined(reference, match, written, conditions, clause);
  const shown = variant === 'aj0' ? withRightTime(bound, conditions, clause) : bound;
  const merged = condition?.kind === 'using' ? mergedColumns(shown, condition.columns, sides, chooserOf(reference), clause) : shown;
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
  const usual = conditions.inner && reference.variant !== 'lt' && reference.variant !== 'splice' ? 'inner' : 'left';
  return {
    join: reference.outer ? PAIRS[reference.outer] : usual,
    keys: conditions.keys,
    time: ordered,
    direction,
    tolerance,
    residual: conditions.residual,
  };
}

/** Whether left rows without a right one are among the pairs. */
const PAIRS = { left: 'left', inner: 'inner', right: 'inner', full: 'left', semi: 'inner', anti: 'left' } as const satisfies Record<
  NonNullable<AsofJoin['outer']>,
  AsofPlan['join']
>;

const ORDERED = new Set(['timestamp', 'date32', 'time64', 'float64', 'decimal']);

function checkOrdered(time: Expression, position: number): void {
  if (ORDERED.has(time.type.kind) || isInteger(time.type)) return;
  throw new DbError('type_mismatch', `the order of an ASOF join is by times, dates or numbers, not ${typeName(time.type)}`, { position });
}

function nullable(columns: readonly ScopeColumn[]): readonly ScopeColumn[] {
  return columns.map((column) => (column.nullable ? column : { ...column, nullable: true }));
}

function joined(
  { outer, position }: AsofJoin,
  match: Match,
  { left, right }: AsofSides,
  { rightOnly }: AsofConditions,
  clause: FromClause,
): BoundRelation {
  const { context } = clause;
  if (outer === 'right' || outer === 'full') {
    const pairs = (rows: LogicalPlan) => asofPlan(left.plan, filterPlan(rows, rightOnly), match);
    const columns = [...nullable(left.columns), ...(outer === 'full' ? nullable(right.columns) : right.columns)];
    const wanted = joinPlan(outer, left.plan, right.plan).output;
    const refuse = () => unsupported(`an ASOF ${outer.toUpperCase()} JOIN that depends on rows around it`, position);
    return { plan: withLostRows(left.plan, right.plan, wanted, pairs, refuse, context), columns, timestamp: null };
  }
  const found = filterPlan(right.plan, rightOnly);
  if (outer === 'anti') {
    const mark = { id: context.nextId(), name: 'found', type: BOOL, nullable: true };
    const passed = found.output.map((column) => ({ id: column.id, name: column.name, expression: columnOf(column) }));
    const marked = projectPlan(found, [...passed, { id: mark.id, name: mark.name, expression: boolLiteral(true) }]);
    return {
      plan: filterPlan(asofPlan(left.plan, marked, match), isNull(columnOf(mark))),
      columns: left.columns,
      timestamp: left.timestamp,
    };
  }
  const plan = asofPlan(left.plan, found, match);
  if (outer === 'semi') return { plan, columns: left.columns, timestamp: left.timestamp };
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

/** What a column of USING shows of both sides' values. */
type Chooser = (left: Expression, right: Expression, type: DataType) => Expression;

const larger: Chooser = (a, b, type) =>
  caseOf([[conjunction([isNull(a, true), disjunction([isNull(b), scalarCall('ge', [a, b], -1)])]), a]], b, type);

/** Null: the left side's value. */
function chooserOf({ variant, outer }: AsofJoin): Chooser | null {
  if (variant === 'splice') return larger;
  if (outer === 'right') return (_, b) => b;
  return outer === 'full' ? (a, b, type) => caseOf([[isNull(a, true), a]], b, type) : null;
}

/** USING and ON (names): the named columns are seen once, first. */
function mergedColumns(
  bound: BoundRelation,
  names: readonly Identifier[],
  { left, right }: AsofSides,
  choose: Chooser | null,
  { context }: FromClause,
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
  if (!choose) return { ...bound, columns: [...merged, ...hidden] };
  const computed = merged.map((column) => {
    const at = right.columns.findIndex((other) => other.unqualified && other.name.toLowerCase() === column.name.toLowerCase());
    const { expressions, type } = unify([columnOf(column), columnOf(bound.columns[count + at] ?? column)], 'USING');
    const [a, b] = expressions as readonly [Expression, Expression];
    return { id: context.nextId(), name: column.name, expression: choose(a, b, type) };
  });
  const kept = bound.plan.output.map((column) => ({ id: column.id, name: column.name, expression: columnOf(column) }));
  const columns = computed.map(({ id, name, expression }) => {
    return { id, name, table: null, type: expression.type, nullable: expression.nullable, unqualified: true };
  });
  return { ...bound, plan: projectPlan(bound.plan, [...kept, ...computed]), columns: [...columns, ...hidden] };
}
