/**
 * PLUS JOIN (kdb+'s pj): each left row once, with the numbers of the first right row of its keys added to its columns of the same names; a
 * missing row and NULL on the right count as 0. Columns that only the right has come behind the left's.
 */
import { DbError } from '../../core/errors.js';
import { isNumeric, sameType } from '../../core/types.js';
import { columnsOf, type Expression } from '../plan/expression.js';
import type { JoinPlan } from '../plan/logical.js';
import type { Join } from '../syntax/ast/table.js';
import { checkAliases } from './check-aliases.js';
import { castTo, unify } from './coercion.js';
import type { BoundRelation, FromClause } from './context.js';
import { dependsOn } from './decorrelate.js';
import { caseOf, columnOf, conjuncts, intLiteral, isNull } from './expressions.js';
import { joinPlan, limitByPlan, projectPlan } from './plans.js';
import { Scope, type ScopeColumn } from './scope.js';

export function bindPlusJoin(reference: Join, clause: FromClause): BoundRelation {
  const { context } = clause;
  const { position } = reference.right;
  const left = context.bindTable(reference.left, clause);
  const right = context.bindTable(reference.right, { ...clause, windowJoins: null });
  checkAliases(left, right, position);
  if (dependsOn(right.plan, left.plan)) {
    throw new DbError('invalid_argument', 'the right side of a PLUS JOIN cannot read the left side', { position });
  }
  const keys = keysOf(reference, left, right, clause);
  const keyIds = new Set(keys.flatMap(({ right: key }) => [...columnsOf(key)]));
  const first = limitByPlan(
    right.plan,
    keys.map((key) => key.right),
    1,
  );
  const joined = joinPlan('left', left.plan, first, keys);
  const added = new Map<number, Expression>();
  const fresh: { readonly column: ScopeColumn; readonly value: Expression }[] = [];
  for (const column of right.columns) {
    if (!column.unqualified || keyIds.has(column.id)) continue;
    const value = orZero({ ...column, nullable: true });
    const own = left.columns.find((each) => each.unqualified && each.name.toLowerCase() === column.name.toLowerCase());
    if (!own) fresh.push({ column, value });
    else if (isNumeric(own.type) && isNumeric(column.type)) added.set(own.id, context.call('add', [columnOf(own), value], position));
    else throw notAddable(column.name, position);
  }
  const changed = new Map([...added].map(([id, expression]) => [id, { id: context.nextId(), expression }] as const));
  const kept = left.plan.output.map((column) => ({ id: column.id, name: column.name, expression: columnOf(column) }));
  const sums = [...changed].map(([id, sum]) => ({ ...sum, name: left.plan.output.find((column) => column.id === id)?.name ?? 'sum' }));
  const news = fresh.map(({ column, value }) => ({ id: context.nextId(), name: column.name, expression: value, column }));
  const columns = [
    ...left.columns.map((column): ScopeColumn => {
      const sum = changed.get(column.id);
      return sum ? { ...column, id: sum.id, type: sum.expression.type, nullable: sum.expression.nullable } : column;
    }),
    ...news.map(({ id, column, expression }): ScopeColumn => ({ ...column, id, type: expression.type, nullable: expression.nullable })),
  ];
  return { plan: projectPlan(joined, [...kept, ...sums, ...news]), columns, timestamp: left.timestamp };
}

/** Numbers are 0 where they are missing; the rest is NULL. */
function orZero(column: ScopeColumn): Expression {
  const value = columnOf(column);
  if (!isNumeric(column.type)) return value;
  return { ...caseOf([[isNull(value, true), value]], castTo(intLiteral(0n), column.type), column.type), nullable: false };
}

function notAddable(name: string, position: number): DbError {
  return new DbError('type_mismatch', `PLUS JOIN adds numbers; column ${name} of both sides is none`, {
    position,
    hint: 'make it a key, or leave it out in a subquery',
  });
}

/** Equalities of the condition; without one the columns of equal names that are not numbers. */
function keysOf(reference: Join, left: BoundRelation, right: BoundRelation, clause: FromClause): JoinPlan['keys'] {
  const { condition } = reference;
  const { position } = reference.right;
  if (condition?.kind === 'on') return equalities(condition.expression, left, right, clause);
  const pairs =
    condition?.kind === 'using'
      ? condition.columns.map(({ name, position: at }) => [named(left, name, at, 'left'), named(right, name, at, 'right')] as const)
      : left.columns.flatMap((column) => {
          const other = right.columns.find((each) => each.unqualified && each.name.toLowerCase() === column.name.toLowerCase());
          return other && column.unqualified && !(isNumeric(column.type) && isNumeric(other.type)) ? [[column, other] as const] : [];
        });
  if (pairs.length === 0) {
    throw new DbError('invalid_argument', 'PLUS JOIN needs keys', { position, hint: 'ON a.k = b.k, or USING (k)' });
  }
  return pairs.map(([a, b]) => alike(columnOf(a, position), columnOf(b, position)));
}

function named({ columns }: BoundRelation, name: string, position: number, side: string): ScopeColumn {
  const column = columns.find((each) => each.unqualified && each.name.toLowerCase() === name.toLowerCase());
  if (!column) throw new DbError('column_not_found', `USING: the ${side} side has no column ${name}`, { position });
  return column;
}

function alike(left: Expression, right: Expression): JoinPlan['keys'][number] {
  if (sameType(left.type, right.type)) return { left, right };
  const [a, b] = unify([left, right], 'PLUS JOIN').expressions as readonly [Expression, Expression];
  return { left: a, right: b };
}

function equalities(
  syntax: Extract<NonNullable<Join['condition']>, { kind: 'on' }>['expression'],
  left: BoundRelation,
  right: BoundRelation,
  clause: FromClause,
): JoinPlan['keys'] {
  const { context, outer, commonTables } = clause;
  const scope = new Scope([...left.columns, ...right.columns], outer);
  const bound = context.bindExpression(syntax, { context, name: 'ON', scope, commonTables, relation: null, aggregates: null });
  const [ofLeft, ofRight] = [left, right].map((side) => {
    const ids = new Set(side.plan.output.map((column) => column.id));
    return (expression: Expression | undefined): boolean => {
      const read = expression ? [...columnsOf(expression)] : [];
      return read.length > 0 && read.every((id) => ids.has(id));
    };
  }) as [(expression?: Expression) => boolean, (expression?: Expression) => boolean];
  return conjuncts(bound).map((part) => {
    const [a, b] = part.kind === 'call' && part.function === 'eq' ? part.args : [];
    if (a && b && ofLeft(a) && ofRight(b)) return alike(a, b);
    if (a && b && ofLeft(b) && ofRight(a)) return alike(b, a);
    throw new DbError('invalid_argument', 'PLUS JOIN takes equalities of both sides', { position: part.position });
  });
}
