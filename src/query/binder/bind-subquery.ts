/** Subqueries inside expressions: they become joins below the expression, which then reads their columns. */
import { DbError } from '../../core/errors.js';
import { BOOL, INT64 } from '../../core/types.js';
import type { Expression } from '../plan/expression.js';
import type { LogicalPlan, OutputColumn } from '../plan/logical.js';
import { cloneWithFreshIds, freeColumns } from '../plan/traverse.js';
import type { Exists, InQuery, Quantified, Query, Subquery, Expression as Syntax } from '../syntax/ast/query.js';
import { aggregateColumn } from './aggregate-column.js';
import { scalarCall } from './bind-call.js';
import { compareQuantified } from './bind-operator.js';
import { type BoundQuery, type Clause, unsupported } from './context.js';
import { existsJoin, joinDependent } from './decorrelate.js';
import { boolLiteral, caseOf, columnOf, conjunction, intLiteral, isNull, literal, not } from './expressions.js';
import { type AggregateColumn, aggregatePlan, distinctPlan, filterPlan, joinPlan, projectPlan } from './plans.js';
import type { Relation } from './relation.js';

function bindQuery(query: Query, clause: Clause): BoundQuery {
  return clause.context.bindQuery(query, clause.context, clause.scope, clause.commonTables);
}

function relationOf(clause: Clause, position: number): Relation {
  if (!clause.relation) throw unsupported(`a subquery in ${clause.name}`, position);
  return clause.relation;
}

function singleColumn(query: BoundQuery, position: number): OutputColumn {
  const [column, ...others] = query.columns;
  if (!column || others.length > 0) {
    throw new DbError('type_mismatch', `a subquery that stands for a value has one column, not ${query.columns.length}`, { position });
  }
  return column;
}

/** (SELECT …) as a value: NULL for no row, an error for more than one. */
export function bindScalarSubquery(syntax: Subquery, clause: Clause): Expression {
  const relation = relationOf(clause, syntax.position);
  const bound = bindQuery(syntax.query, clause);
  const column = singleColumn(bound, syntax.position);
  const single = singleRow(bound.plan, column, clause, syntax.position);
  relation.attach([single.column.id], [], (plan) => joinDependent(plan, single.plan, clause.context.nextId));
  return { ...columnOf(single.column, syntax.position), nullable: true };
}

interface SingleRow {
  readonly plan: LogicalPlan;
  readonly column: OutputColumn;
}

/** The plan so that it gives exactly one row. */
function singleRow(plan: LogicalPlan, column: OutputColumn, clause: Clause, position: number): SingleRow {
  if (givesOneRow(plan)) return { plan, column };
  const { context } = clause;
  const value = columnOf(column);
  const limited = plan.kind === 'limit' && plan.limit === 1 && plan.offset === 0;
  const sorted = limited && plan.input.kind === 'sort' ? plan.input : undefined;
  // LIMIT 1 of a correlated subquery cannot be cut per outer row, but the first value in that order can be taken.
  const correlated = limited && freeColumns(plan).size > 0;
  const input = correlated ? (sorted ? sorted.input : plan.input) : plan;
  const first = aggregateColumn('first', [value], context.nextId(), { orderBy: correlated && sorted ? sorted.keys : [] });
  const count = aggregateColumn('count', [], context.nextId());
  const aggregated = aggregatePlan(input, [], [first, count]);
  const [firstOut, countOut] = aggregated.output;
  if (!firstOut || !countOut) throw new DbError('internal', 'an aggregate without output', { position });
  if (limited) return { plan: aggregated, column: firstOut };
  const checked = scalarCall('single_row', [columnOf(countOut), columnOf(firstOut)], position);
  const output = { id: context.nextId(), name: column.name, expression: checked };
  return { plan: projectPlan(aggregated, [output]), column: { id: output.id, name: column.name, type: checked.type, nullable: true } };
}

function givesOneRow(plan: LogicalPlan): boolean {
  switch (plan.kind) {
    case 'aggregate':
      return plan.groups.length === 0;
    case 'values':
      return plan.rows.length === 1;
    case 'project':
      return givesOneRow(plan.input);
    case 'sort':
      return plan.limit === null && givesOneRow(plan.input);
    case 'join':
      return (plan.join === 'cross' || plan.join === 'left') && plan.keys.length === 0 && givesOneRow(plan.left) && givesOneRow(plan.right);
    default:
      return false;
  }
}

/** EXISTS as a value: whether the count of rows is above 0. */
export function bindExists(syntax: Exists, clause: Clause): Expression {
  const relation = relationOf(clause, syntax.position);
  const bound = bindQuery(syntax.query, clause);
  const count = aggregateColumn('count', [], clause.context.nextId());
  const counted = aggregatePlan(withoutHarmlessLimit(bound.plan), [], [count]);
  relation.attach([count.id], [], (plan) => joinDependent(plan, counted, clause.context.nextId));
  const value = literalColumn(count, syntax.position);
  return scalarCall('gt', [value, literal(0n, INT64, syntax.position)], syntax.position);
}

function literalColumn(call: AggregateColumn, position: number): Expression {
  return { kind: 'column', id: call.id, name: call.name, type: call.type, nullable: false, position };
}

function withoutHarmlessLimit(plan: LogicalPlan): LogicalPlan {
  if (plan.kind === 'limit' && plan.offset === 0 && plan.limit !== 0) return withoutHarmlessLimit(plan.input);
  return plan.kind === 'sort' ? withoutHarmlessLimit(plan.input) : plan;
}

export function bindInQuery(syntax: InQuery, clause: Clause): Expression {
  if (syntax.operand.kind === 'row') throw unsupported('a row value IN a subquery here', syntax.position);
  const left = clause.context.bindExpression(syntax.operand, clause);
  const bound = bindQuery(syntax.query, clause);
  const test = freeColumns(bound.plan).size === 0 ? inSetOfValues(left, bound, syntax, clause) : inCorrelated(left, bound, syntax, clause);
  return syntax.negated ? not(test) : test;
}

function inCorrelated(left: Expression, bound: BoundQuery, syntax: InQuery, clause: Clause): Expression {
  const compare = (a: Expression, b: Expression) => scalarCall('eq', [a, b], syntax.position);
  return anyOf(left, bound, compare, 'any', syntax.position, clause);
}

/** The distinct values of an uncorrelated subquery are joined to each row; two counts tell what a missing match means. */
function inSetOfValues(left: Expression, bound: BoundQuery, syntax: InQuery, clause: Clause): Expression {
  const { context } = clause;
  const relation = relationOf(clause, syntax.position);
  const column = singleColumn(bound, syntax.position);
  const ids = { key: context.nextId(), mark: context.nextId() };
  const all = aggregateColumn('count', [], context.nextId());
  const copy = cloneWithFreshIds(bound.plan, context.nextId);
  const copied = { ...column, id: copy.ids.get(column.id) ?? column.id };
  const present = aggregateColumn('count', [columnOf(copied)], context.nextId());
  const counts = aggregatePlan(copy.plan, [], [all, present]);
  const keys = distinctPlan(
    projectPlan(filterPlan(bound.plan, isNull(columnOf(column), true)), [{ id: ids.key, name: 'key', expression: columnOf(column) }]),
  );
  const key: Expression = { ...columnOf(column, syntax.position), id: ids.key };
  scalarCall('eq', [left, key], syntax.position);
  const marked = projectPlan(keys, [
    { id: ids.key, name: 'key', expression: key },
    { id: ids.mark, name: 'mark', expression: boolLiteral(true) },
  ]);
  relation.attach([ids.mark, all.id, present.id], [left], (plan, [operand]) => {
    const condition = scalarCall('eq', [operand ?? left, key], syntax.position);
    return joinPlan('cross', joinPlan('left', plan, marked, [], condition), counts);
  });
  const mark: Expression = { kind: 'column', id: ids.mark, name: 'mark', type: BOOL, nullable: true, position: syntax.position };
  const total = literalColumn(all, syntax.position);
  return caseOf(
    [
      [scalarCall('eq', [total, intLiteral(0n)], syntax.position), boolLiteral(false)],
      [isNull(left), literal(null, BOOL)],
      [isNull(mark, true), boolLiteral(true)],
      [scalarCall('gt', [total, literalColumn(present, syntax.position)], syntax.position), literal(null, BOOL)],
    ],
    boolLiteral(false),
    BOOL,
  );
}

export function bindQuantifiedSubquery(syntax: Quantified, query: Query, clause: Clause): Expression {
  const left = clause.context.bindExpression(syntax.left, clause);
  const bound = bindQuery(query, clause);
  const compare = (a: Expression, b: Expression) => compareQuantified(syntax, a, b, clause);
  return anyOf(left, bound, compare, syntax.quantifier, syntax.position, clause);
}

/** Counts, for each outer row, the inner rows that decide and those that compare as NULL. */
function anyOf(
  left: Expression,
  bound: BoundQuery,
  compare: (left: Expression, right: Expression) => Expression,
  quantifier: 'any' | 'all',
  position: number,
  clause: Clause,
): Expression {
  const { context } = clause;
  const relation = relationOf(clause, position);
  const column = singleColumn(bound, position);
  const ids = { decided: context.nextId(), unknown: context.nextId() };
  compare(left, columnOf(column));
  relation.attach([ids.decided, ids.unknown], [left], (plan, [operand]) => {
    const test = compare(operand ?? left, columnOf(column));
    const decided = aggregateColumn('count', [], ids.decided, { filter: quantifier === 'any' ? test : not(test) });
    const unknown = aggregateColumn('count', [], ids.unknown, { filter: isNull(test) });
    return joinDependent(plan, aggregatePlan(bound.plan, [], [decided, unknown]), context.nextId);
  });
  const counted = (id: number): Expression => ({ kind: 'column', id, name: 'count', type: INT64, nullable: false, position });
  const some = (id: number) => scalarCall('gt', [counted(id), intLiteral(0n)], position);
  const decidedValue = quantifier === 'any';
  return caseOf(
    [
      [some(ids.decided), boolLiteral(decidedValue)],
      [some(ids.unknown), literal(null, BOOL)],
    ],
    boolLiteral(!decidedValue),
    BOOL,
  );
}

// ---- conditions of WHERE ----

/**
 * Conjuncts of a WHERE. EXISTS and IN over subqueries that stand there by themselves become semi and anti joins; the rest is returned.
 */
export function bindWhereConjuncts(syntax: Syntax, clause: Clause): readonly Expression[] {
  if (syntax.kind === 'logical' && syntax.operator === 'and')
    return syntax.operands.flatMap((operand) => bindWhereConjuncts(operand, clause));
  const negated = syntax.kind === 'unary' && syntax.operator === 'not';
  const inner = negated ? syntax.operand : syntax;
  if (inner.kind === 'exists' && clause.relation) {
    const bound = bindQuery(inner.query, clause);
    clause.relation.attach([], [], (plan) => existsJoin(negated ? 'anti' : 'semi', plan, bound.plan, null, clause.context.nextId));
    return [];
  }
  if (inner.kind === 'inQuery' && clause.relation) {
    const joined = joinInQuery(inner, negated !== inner.negated, clause);
    if (joined) return [];
  }
  return [clause.context.bindExpression(syntax, clause)];
}

/** x IN (SELECT …) as a semi join, NOT IN as an anti join where neither side can be NULL; false: not joined. */
function joinInQuery(syntax: InQuery, negated: boolean, clause: Clause): boolean {
  const relation = relationOf(clause, syntax.position);
  const { context } = clause;
  const operands = (syntax.operand.kind === 'row' ? syntax.operand.items : [syntax.operand]).map((item) =>
    context.bindExpression(item, clause),
  );
  const bound = bindQuery(syntax.query, clause);
  if (bound.columns.length !== operands.length) {
    throw new DbError('type_mismatch', `${operands.length} values are looked up in ${bound.columns.length} columns`, {
      position: syntax.position,
    });
  }
  const surely = operands.every((operand) => !operand.nullable) && bound.columns.every((column) => !column.nullable);
  if (negated && !surely) return false;
  const test = (left: readonly Expression[]) =>
    conjunction(left.map((operand, i) => scalarCall('eq', [operand, columnOf(bound.columns[i] as OutputColumn)], syntax.position)));
  test(operands);
  relation.attach([], operands, (plan, left) => existsJoin(negated ? 'anti' : 'semi', plan, bound.plan, test(left), context.nextId));
  return true;
}
