/** What the condition of an ASOF join says: which columns are equal, which times are compared and how, what else must hold. */
import { DbError } from '../../core/errors.js';
import { columnsOf, type Expression } from '../plan/expression.js';
import type { AsofDirection, AsofPlan } from '../plan/logical.js';
import type { Identifier } from '../syntax/ast/node.js';
import type { Expression as Syntax } from '../syntax/ast/query.js';
import type { AsofJoin } from '../syntax/ast/table.js';
import { coerceBool } from './coercion.js';
import type { BoundRelation, Clause, FromClause } from './context.js';
import { columnOf, conjunction, conjuncts } from './expressions.js';
import { designated } from './sample-by.js';
import { scalarCall } from './scalar-call.js';
import { Scope, type ScopeColumn } from './scope.js';

export interface AsofSides {
  readonly left: BoundRelation;
  readonly right: BoundRelation;
  /** Of the join's first word. */
  readonly position: number;
}

export interface AsofConditions {
  readonly keys: AsofPlan['keys'];
  readonly time: AsofPlan['time'];
  readonly direction: AsofDirection;
  /** Conditions of the right side alone: rows that fail them are not looked at. */
  readonly rightOnly: Expression;
  /** Conditions that read the left side. */
  readonly residual: Expression | null;
  /** Whether rows without a match are left away where neither LEFT nor INNER is written. */
  readonly inner: boolean;
  readonly position: number;
}

interface Candidate {
  readonly time: AsofPlan['time'];
  readonly direction: AsofDirection;
  readonly position: number;
  /** What it is when another one is the time. */
  readonly condition: Expression | null;
}

/** ON an expression, MATCH_CONDITION, or nothing: the designated timestamps. */
export function asofConditions(reference: AsofJoin, sides: AsofSides, clause: FromClause): AsofConditions {
  const { condition } = reference;
  const parts = condition?.kind === 'on' ? syntaxConjuncts(condition.expression) : [];
  const on = clauseOver(sides, clause, 'ON');
  const keys: AsofPlan['keys'][number][] = [];
  const others: Expression[] = [];
  const candidates: Candidate[] = [];
  for (const part of parts) {
    const near = nearestOf(part, sides, on);
    if (near) {
      candidates.push(near);
      continue;
    }
    for (const each of conjuncts(coerceBool(on.context.bindExpression(part, on), 'ON'))) {
      const key = keyOf(each, sides);
      const candidate = key ? undefined : candidateOf(each, sides);
      if (key) keys.push(key);
      else if (candidate) candidates.push(candidate);
      else others.push(each);
    }
  }
  const written = reference.matchCondition === null ? null : matchCondition(reference.matchCondition, sides, clause);
  if (written) {
    others.push(...candidates.flatMap((each) => (each.condition ? [each.condition] : [])));
    return { keys, ...timeOf(written, reference), ...split(others, sides), inner: false };
  }
  const chosen = chosenTime(candidates);
  if (!chosen) return { keys, ...byDesignated(reference, sides), ...split(others, sides), inner: false };
  for (const each of candidates) if (each !== chosen && each.condition) others.push(each.condition);
  return { keys, ...timeOf(chosen, reference), ...split(others, sides), inner: true };
}

/** USING (sym, ts): the last one is the time. ON (sym): all are keys, as they are beside MATCH_CONDITION. */
export function usingConditions(reference: AsofJoin, sides: AsofSides, clause: FromClause): AsofConditions {
  const { condition, matchCondition: match } = reference;
  if (condition?.kind !== 'using') throw new DbError('internal', 'USING without columns', { position: reference.position });
  const pairs = condition.columns.map((name) => ({
    name,
    left: single(sides.left, name, 'left'),
    right: single(sides.right, name, 'right'),
  }));
  const timed = match === null && condition.names !== true ? pairs.pop() : undefined;
  const keys = pairs.map(({ name, left, right }) => {
    const equal = scalarCall('eq', [columnOf(left, name.position), columnOf(right, name.position)], name.position);
    const [a, b] = equal.kind === 'call' ? equal.args : [];
    return { left: a ?? columnOf(left), right: b ?? columnOf(right) };
  });
  const none = { keys, rightOnly: conjunction([]), residual: null };
  if (timed) {
    const time = { left: columnOf(timed.left, timed.name.position), right: columnOf(timed.right, timed.name.position) };
    return { ...none, time, direction: ownDirection(reference), inner: true, position: timed.name.position };
  }
  if (match !== null) return { ...none, ...timeOf(matchCondition(match, sides, clause), reference), inner: false };
  return { ...none, ...byDesignated(reference, sides), inner: false };
}

function syntaxConjuncts(syntax: Syntax): readonly Syntax[] {
  return syntax.kind === 'logical' && syntax.operator === 'and' ? syntax.operands.flatMap(syntaxConjuncts) : [syntax];
}

function clauseOver({ left, right }: AsofSides, clause: FromClause, name: string): Clause {
  const scope = new Scope([...left.columns, ...right.columns], clause.outer);
  return { context: clause.context, name, scope, commonTables: clause.commonTables, relation: null, aggregates: null };
}

type Side = 'left' | 'right' | 'both' | 'none';

function sideOf(expression: Expression, { left, right }: AsofSides): Side {
  const read = columnsOf(expression);
  const [a, b] = [left, right].map((side) => side.plan.output.some((column) => read.has(column.id)));
  return a ? (b ? 'both' : 'left') : b ? 'right' : 'none';
}

function keyOf(condition: Expression, sides: AsofSides): AsofPlan['keys'][number] | undefined {
  if (condition.kind !== 'call' || condition.function !== 'eq') return undefined;
  const [a, b] = condition.args as readonly [Expression, Expression];
  const [sideA, sideB] = [sideOf(a, sides), sideOf(b, sides)];
  if (sideA === 'left' && sideB === 'right') return { left: a, right: b };
  return sideA === 'right' && sideB === 'left' ? { left: b, right: a } : undefined;
}

const MIRRORED = { ge: 'le', gt: 'lt', le: 'ge', lt: 'gt' } as const;

function candidateOf(condition: Expression, sides: AsofSides): Candidate | undefined {
  if (condition.kind !== 'call' || !(condition.function in MIRRORED)) return undefined;
  const direction = condition.function as keyof typeof MIRRORED;
  const [a, b] = condition.args as readonly [Expression, Expression];
  const [sideA, sideB] = [sideOf(a, sides), sideOf(b, sides)];
  const { position } = condition;
  if (sideA === 'left' && sideB === 'right') return { time: { left: a, right: b }, direction, position, condition };
  if (sideA !== 'right' || sideB !== 'left') return undefined;
  return { time: { left: b, right: a }, direction: MIRRORED[direction], position, condition };
}

function nearestOf(syntax: Syntax, sides: AsofSides, on: Clause): Candidate | undefined {
  if (syntax.kind !== 'binary' || syntax.operator !== 'nearest') return undefined;
  const position = syntax.operatorPosition;
  const [a, b] = [syntax.left, syntax.right].map((side) => on.context.bindExpression(side, on)) as [Expression, Expression];
  const [sideA, sideB] = [sideOf(a, sides), sideOf(b, sides)];
  if (sideA === 'left' && sideB === 'right') return { time: { left: a, right: b }, direction: 'nearest', position, condition: null };
  if (sideA === 'right' && sideB === 'left') return { time: { left: b, right: a }, direction: 'nearest', position, condition: null };
  throw new DbError('invalid_argument', 'NEAREST compares a time of the left side with one of the right side', { position });
}

function matchCondition(syntax: Syntax, sides: AsofSides, clause: FromClause): Candidate {
  const on = clauseOver(sides, clause, 'MATCH_CONDITION');
  const found = nearestOf(syntax, sides, on) ?? candidateOf(on.context.bindExpression(syntax, on), sides);
  if (found) return found;
  throw new DbError('invalid_argument', 'MATCH_CONDITION compares a time of the left side with one of the right side', {
    position: syntax.position,
    hint: 'MATCH_CONDITION (t.ts >= q.ts)',
  });
}

/** The one inequality; of several the one between two columns, or between two times. */
function chosenTime(candidates: readonly Candidate[]): Candidate | undefined {
  const near = candidates.filter((each) => each.direction === 'nearest');
  const columns = candidates.filter(({ time }) => isColumn(time.left) && isColumn(time.right));
  const times = columns.filter(({ time }) => isTime(time.left) && isTime(time.right));
  for (const some of [near, candidates, columns, times]) if (some.length === 1) return some[0];
  if (candidates.length === 0) return undefined;
  throw new DbError('invalid_argument', 'an ASOF join orders by one inequality, and ON has several', {
    position: candidates[1]?.position,
    hint: 'say which one it is: MATCH_CONDITION (t.ts >= q.ts)',
  });
}

function isColumn(expression: Expression): boolean {
  return expression.kind === 'cast' ? isColumn(expression.operand) : expression.kind === 'column';
}

function isTime({ type }: Expression): boolean {
  return type.kind === 'timestamp' || type.kind === 'date32' || type.kind === 'time64';
}

function ownDirection(reference: AsofJoin): AsofDirection {
  if (reference.nearest) return 'nearest';
  return reference.variant === 'lt' ? 'gt' : 'ge';
}

function timeOf(chosen: Candidate, reference: AsofJoin): Pick<AsofConditions, 'time' | 'direction' | 'position'> {
  const { time, direction, position } = chosen;
  if (reference.nearest && direction !== 'nearest') {
    throw new DbError('invalid_argument', 'NEAREST looks in both directions, the inequality in one', {
      position,
      hint: 'write t.ts NEAREST q.ts instead of the inequality',
    });
  }
  return { time, direction, position };
}

function byDesignated(reference: AsofJoin, { left, right, position }: AsofSides): Pick<AsofConditions, 'time' | 'direction' | 'position'> {
  const what = `${reference.variant.toUpperCase()} JOIN without an inequality of times`;
  const time = { left: designated(left, what, position), right: designated(right, what, reference.right.position) };
  return { time, direction: ownDirection(reference), position };
}

function split(others: readonly Expression[], sides: AsofSides): Pick<AsofConditions, 'rightOnly' | 'residual'> {
  const right = others.filter((each) => sideOf(each, sides) === 'right');
  const rest = others.filter((each) => !right.includes(each));
  return { rightOnly: conjunction(right), residual: rest.length === 0 ? null : conjunction(rest) };
}

function single(relation: BoundRelation, name: Identifier, side: string): ScopeColumn {
  const [column, ...others] = relation.columns.filter((each) => each.unqualified && each.name.toLowerCase() === name.name.toLowerCase());
  const { position } = name;
  if (!column) throw new DbError('column_not_found', `the ${side} side of the ASOF join has no column ${name.name}`, { position });
  if (others.length > 0) throw new DbError('ambiguous_column', `${name.name} is ambiguous on the ${side} side`, { position });
  return column;
}
