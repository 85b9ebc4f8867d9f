/**
 * What ON, USING and ON (names) of a join in time say: equal keys, conditions on the right rows, and which times are compared. The times are
 * the designated timestamps, unless the condition names others.
 */
import { DbError } from '../../core/errors.js';
import { sameType, typeName } from '../../core/types.js';
import { columnsOf, type Expression } from '../plan/expression.js';
import type { JoinPlan, LogicalPlan } from '../plan/logical.js';
import type { Identifier } from '../syntax/ast/node.js';
import type { JoinCondition } from '../syntax/ast/table.js';
import { coerceBool, unify } from './coercion.js';
import { type BoundRelation, type FromClause, unsupported } from './context.js';
import { caseOf, columnOf, conjunction, conjuncts } from './expressions.js';
import { filterPlan } from './plans.js';
import { Scope, type ScopeColumn } from './scope.js';

export interface TimedCondition {
  readonly keys: JoinPlan['keys'];
  /** Of one type. Left rows that a condition on the left leaves out have NULL. */
  readonly time: { readonly left: Expression; readonly right: Expression };
  /** The left's time in its own type. */
  readonly shown: Expression;
  /** The right rows that its conditions leave. */
  readonly right: LogicalPlan;
  /** Right columns whose names mean the left ones: those of USING. */
  readonly hidden: ReadonlySet<number>;
}

interface Pair {
  readonly left: Expression;
  readonly right: Expression;
}

interface Parts {
  readonly equalities: readonly Pair[];
  readonly onLeft: readonly Expression[];
  readonly onRight: readonly Expression[];
  readonly hidden: ReadonlySet<number>;
}

/** what: WINDOW JOIN, for messages; position: of the join. */
export function timedCondition(
  condition: JoinCondition | null,
  left: BoundRelation,
  right: BoundRelation,
  what: string,
  position: number,
  clause: FromClause,
): TimedCondition {
  const parts = partsOf(condition, left, right, what, position, clause);
  const times = timesOf(parts.equalities, left, right);
  const [leftTime, rightTime] = (['left', 'right'] as const).map(
    (side) => (times && uncast(times[side])) ?? designated(side === 'left' ? left : right),
  );
  if (!leftTime || !rightTime) {
    throw new DbError('invalid_argument', `${what} needs a time on the ${leftTime ? 'right' : 'left'} side`, {
      position,
      hint: 'CREATE TABLE … TIMESTAMP(ts), FROM t TIMESTAMP(ts), or USING (…, ts)',
    });
  }
  for (const time of [leftTime, rightTime]) checkTime(time, what, position);
  const { expressions } = unify([leftTime, rightTime], what);
  const [compared, other] = expressions as readonly [Expression, Expression];
  const keys = parts.equalities.filter((pair) => pair !== times).map((pair) => alike(pair));
  return {
    keys,
    time: { left: onlyWhere(parts.onLeft, compared), right: other },
    shown: leftTime,
    right: parts.onRight.length === 0 ? right.plan : filterPlan(right.plan, conjunction(parts.onRight)),
    hidden: parts.hidden,
  };
}

function onlyWhere(conditions: readonly Expression[], value: Expression): Expression {
  return conditions.length === 0 ? value : caseOf([[conjunction(conditions), value]], null, value.type);
}

function designated(relation: BoundRelation): Expression | undefined {
  const column = relation.columns.find((each) => each.id === relation.timestamp);
  return column && columnOf(column);
}

/** Keys of one type. */
function alike({ left, right }: Pair): Pair {
  if (sameType(left.type, right.type)) return { left, right };
  const [a, b] = unify([left, right], 'ON').expressions as readonly [Expression, Expression];
  return { left: a, right: b };
}

/** The last equality of two timestamp columns that are the designated ones, or of which a side has none designated. */
function timesOf(equalities: readonly Pair[], left: BoundRelation, right: BoundRelation): Pair | undefined {
  const own = (id: number, relation: BoundRelation) => relation.timestamp === null || relation.timestamp === id;
  const named = equalities.filter((pair) => {
    const [a, b] = [uncast(pair.left), uncast(pair.right)];
    const stamps = a.kind === 'column' && b.kind === 'column' && a.type.kind === 'timestamp' && b.type.kind === 'timestamp';
    return stamps && own(a.id, left) && own(b.id, right);
  });
  return named.at(-1);
}

/** What is compared, before it was made the type of the other side. */
function uncast(expression: Expression): Expression {
  return expression.kind === 'cast' ? uncast(expression.operand) : expression;
}

function partsOf(
  condition: JoinCondition | null,
  left: BoundRelation,
  right: BoundRelation,
  what: string,
  position: number,
  clause: FromClause,
): Parts {
  if (!condition) return { equalities: [], onLeft: [], onRight: [], hidden: new Set() };
  if (condition.kind === 'on') return onParts(condition.expression, left, right, what, clause);
  const names = condition.kind === 'using' ? condition.columns : sharedNames(left, right, position);
  const pairs = names.map((name) => ({ left: single(left, name, 'left'), right: single(right, name, 'right') }));
  return {
    equalities: pairs.map((pair) => ({ left: columnOf(pair.left), right: columnOf(pair.right) })),
    onLeft: [],
    onRight: [],
    hidden: new Set(pairs.map((pair) => pair.right.id)),
  };
}

function onParts(
  syntax: Extract<JoinCondition, { kind: 'on' }>['expression'],
  left: BoundRelation,
  right: BoundRelation,
  what: string,
  clause: FromClause,
): Parts {
  const scope = new Scope([...left.columns, ...right.columns], clause.outer);
  const on = { context: clause.context, name: 'ON', scope, commonTables: clause.commonTables, relation: null, aggregates: null };
  const parts = { equalities: [] as Pair[], onLeft: [] as Expression[], onRight: [] as Expression[], hidden: new Set<number>() };
  const [leftIds, rightIds] = [left, right].map((side) => new Set(side.plan.output.map((column) => column.id))) as [
    Set<number>,
    Set<number>,
  ];
  const sides = (expression: Expression) => {
    const read = [...columnsOf(expression)];
    return { left: read.some((id) => leftIds.has(id)), right: read.some((id) => rightIds.has(id)) };
  };
  for (const part of conjuncts(coerceBool(clause.context.bindExpression(syntax, on), 'ON'))) {
    const reads = sides(part);
    if (!reads.left) parts.onRight.push(part);
    else if (!reads.right) parts.onLeft.push(part);
    else {
      const pair = equality(part, sides);
      if (!pair)
        throw unsupported(
          `a condition over both sides that is no equality in a ${what}`,
          part.position,
          'equal keys, and conditions on one side',
        );
      parts.equalities.push(pair);
    }
  }
  return parts;
}

function equality(
  part: Expression,
  sides: (expression: Expression) => { readonly left: boolean; readonly right: boolean },
): Pair | undefined {
  if (part.kind !== 'call' || part.function !== 'eq') return undefined;
  const [a, b] = part.args;
  if (!a || !b) return undefined;
  const [ofA, ofB] = [sides(a), sides(b)];
  if (ofA.left && !ofA.right && ofB.right && !ofB.left) return { left: a, right: b };
  return ofB.left && !ofB.right && ofA.right && !ofA.left ? { left: b, right: a } : undefined;
}

function sharedNames(left: BoundRelation, right: BoundRelation, position: number): readonly Identifier[] {
  const names = new Set(right.columns.filter((column) => column.unqualified).map((column) => column.name.toLowerCase()));
  return left.columns
    .filter((column) => column.unqualified && names.has(column.name.toLowerCase()))
    .map((column) => ({ name: column.name, quoted: false, position }));
}

function single(relation: BoundRelation, { name, position }: Identifier, side: string): ScopeColumn {
  const found = relation.columns.filter((column) => column.unqualified && column.name.toLowerCase() === name.toLowerCase());
  const [column, ...others] = found;
  if (!column) throw new DbError('column_not_found', `USING: the ${side} side has no column ${name}`, { position });
  if (others.length > 0) throw new DbError('ambiguous_column', `USING: ${name} is ambiguous on the ${side} side`, { position });
  return column;
}

function checkTime(time: Expression, what: string, position: number): void {
  if (time.type.kind === 'timestamp') return;
  throw new DbError('type_mismatch', `${what} compares timestamps, not ${typeName(time.type)}`, { position });
}
