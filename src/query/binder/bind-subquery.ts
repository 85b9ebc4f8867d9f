/** Subqueries inside expressions: they become joins below the expression, which then reads their columns. */
import { assert } from '../../core/assert.js';
import { DbError } from '../../core/errors.js';
import { BOOL, INT64, isText, UTF8 } from '../../core/types.js';
import type { Expression } from '../plan/expression.js';
import type { LogicalPlan, OutputColumn } from '../plan/logical.js';
import { cloneWithFreshIds, freeColumns } from '../plan/traverse.js';
import type { Exists, InQuery, Quantified, Query, Subquery, Expression as Syntax } from '../syntax/ast/query.js';
import { filledIn } from '../syntax/template.js';
import { aggregateColumn } from './aggregate-column.js';
import { compareQuantified, compareRows } from './bind-operator.js';
import { castTo, isNoValueOf } from './coercion.js';
import { type BoundQuery, type Clause, unsupported } from './context.js';
import { existsJoin, joinDependent } from './decorrelate.js';
import { boolLiteral, caseOf, columnOf, conjunction, intLiteral, isNull, literal, not } from './expressions.js';
import { type AggregateColumn, aggregatePlan, distinctPlan, filterPlan, joinPlan, projectPlan } from './plans.js';
import type { Attachment, Relation } from './relation.js';
import { scalarCall } from './scalar-call.js';

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
  const [value] = bindSubqueryRow(syntax, 1, clause);
  if (!value) throw new DbError('internal', 'a subquery without a value', { position: syntax.position });
  return value;
}

const GATHERED = '(SELECT coalesce(array_agg(item), []) FROM (SELECT 1) AS items(item))';

/** ARRAY(SELECT …): the values of a query of one column as a list, in its order; an empty list when it has no rows. */
export function gathered(query: Query, position: number, clause: Clause): Subquery {
  if (!selectsOne(query)) singleColumn(bindQuery(query, clause), position);
  const tree = filledIn(GATHERED, [], position);
  assert(tree.kind === 'subquery' && tree.query.body.kind === 'select', 'the template is a scalar subquery');
  const { body } = tree.query;
  const from = body.from.map((each) => (each.kind === 'derived' ? { ...each, query } : each));
  return { ...tree, query: { ...tree.query, body: { ...body, from } } };
}

/** Plainly of one column. */
function selectsOne({ body }: Query): boolean {
  return body.kind === 'select' && body.items.length === 1 && body.items.every(({ expression }) => expression.kind === 'column');
}

/** The one row of a subquery of so many columns, value by value: NULLs for no row, an error for more than one where a value is used. */
export function bindSubqueryRow(syntax: Subquery, width: number, clause: Clause): readonly Expression[] {
  const { position } = syntax;
  const relation = relationOf(clause, position);
  const bound = bindQuery(syntax.query, clause);
  if (width === 1) singleColumn(bound, position);
  else if (bound.columns.length !== width) {
    throw new DbError('type_mismatch', `rows of ${width} and ${bound.columns.length} values cannot be compared`, { position });
  }
  const single = singleRow(bound.plan, bound.columns, clause, position);
  const produced = single.plan.output.map((column) => column.id);
  relation.attach(produced, [], (plan) => joinDependent(plan, single.plan, clause.context.nextId), single.plan);
  return single.values;
}

interface SingleRow {
  readonly plan: LogicalPlan;
  readonly values: readonly Expression[];
}

/** The plan so that it gives exactly one row, and the values over it. */
function singleRow(plan: LogicalPlan, columns: readonly OutputColumn[], clause: Clause, position: number): SingleRow {
  const nullableValue = (column: OutputColumn): Expression => ({ ...columnOf(column, position), nullable: true });
  if (givesOneRow(plan)) return { plan, values: columns.map(nullableValue) };
  const { context } = clause;
  const limited = plan.kind === 'limit' && plan.limit === 1 && plan.offset === 0;
  const sorted = limited && plan.input.kind === 'sort' ? plan.input : undefined;
  // LIMIT 1 of a correlated subquery is the first value in that order.
  const correlated = limited && freeColumns(plan).size > 0;
  const input = correlated ? (sorted ? sorted.input : plan.input) : plan;
  const orderBy = correlated && sorted ? sorted.keys : [];
  const firsts = columns.map((column) => aggregateColumn('first', [columnOf(column)], context.nextId(), { orderBy }));
  const count = aggregateColumn('count', [], context.nextId());
  const aggregated = aggregatePlan(input, [], [...firsts, count]);
  const values = aggregated.output.slice(0, columns.length).map(nullableValue);
  if (limited) return { plan: aggregated, values };
  const rows = columnOf(aggregated.output.at(-1) as OutputColumn);
  // The check stands with the value, so that a branch of CASE that is not taken does not fail.
  return { plan: aggregated, values: values.map((value) => scalarCall('single_row', [rows, value], position)) };
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
  relation.attach([count.id], [], (plan) => joinDependent(plan, counted, clause.context.nextId), counted);
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
  const operands = operandsOf(syntax.operand, clause);
  const bound = comparableTo(operands, bindQuery(syntax.query, clause), clause);
  const [left, ...more] = operands;
  const simple = left && more.length === 0 && freeColumns(bound.plan).size === 0;
  const test = simple ? inSetOfValues(left, bound, syntax, clause) : inRows(operands, bound, syntax, clause);
  return syntax.negated ? not(test) : test;
}

/** The values of a row, or the one value. */
function operandsOf(syntax: Syntax, clause: Clause): readonly Expression[] {
  return (syntax.kind === 'row' ? syntax.items : [syntax]).map((item) => clause.context.bindExpression(item, clause));
}

function inRows(left: readonly Expression[], bound: BoundQuery, syntax: InQuery, clause: Clause): Expression {
  const compare: CompareRows = (a, b) => conjunction(a.map((each, i) => scalarCall('eq', [each, b[i] as Expression], syntax.position)));
  return anyOf(left, bound, compare, 'any', syntax.position, clause);
}

/** A text literal that is no value of the column's type is equal to none of its values: they are compared as text. */
function comparableTo(operands: readonly Expression[], bound: BoundQuery, clause: Clause): BoundQuery {
  const asText = operands.map((operand, i) => {
    const type = bound.columns[i]?.type;
    return type !== undefined && !isText(type) && isNoValueOf(operand, type);
  });
  if (!asText.includes(true)) return bound;
  const plan = projectPlan(
    bound.plan,
    bound.columns.map((column, i) => ({
      id: clause.context.nextId(),
      name: column.name,
      expression: asText[i] ? castTo(columnOf(column), UTF8) : columnOf(column),
    })),
  );
  return { ...bound, plan, columns: plan.output };
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
  const left = operandsOf(syntax.left, clause);
  const bound = bindQuery(query, clause);
  return anyOf(left, bound, rowComparison(syntax, left.length, clause), syntax.quantifier, syntax.position, clause);
}

type CompareRows = (left: readonly Expression[], right: readonly Expression[]) => Expression;

function rowComparison(syntax: Quantified, width: number, clause: Clause): CompareRows {
  if (width === 1) return ([a], [b]) => compareQuantified(syntax, a as Expression, b as Expression, clause);
  return (left, right) =>
    compareRows(
      syntax.operator,
      left.map((each, i) => [each, right[i] as Expression] as const),
      syntax.position,
      clause,
    );
}

/** Counts, for each outer row, the inner rows that decide and those that compare as NULL. */
function anyOf(
  left: readonly Expression[],
  bound: BoundQuery,
  compare: CompareRows,
  quantifier: 'any' | 'all',
  position: number,
  clause: Clause,
): Expression {
  const { context } = clause;
  const relation = relationOf(clause, position);
  if (bound.columns.length !== left.length) {
    throw new DbError('type_mismatch', `${left.length} values are looked up in ${bound.columns.length} columns`, { position });
  }
  const columns = bound.columns.map((column) => columnOf(column));
  const ids = { decided: context.nextId(), unknown: context.nextId() };
  compare(left, columns);
  const counts = (operands: readonly Expression[]): LogicalPlan => {
    const test = compare(operands, columns);
    const decided = aggregateColumn('count', [], ids.decided, { filter: quantifier === 'any' ? test : not(test) });
    const unknown = aggregateColumn('count', [], ids.unknown, { filter: isNull(test) });
    return aggregatePlan(bound.plan, [], [decided, unknown]);
  };
  const attach: Attachment = (plan, operands) => joinDependent(plan, counts(operands), context.nextId);
  relation.attach([ids.decided, ids.unknown], left, attach, bound.plan);
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
  if (syntax.kind === 'logical' && syntax.operator === 'and') {
    const all: Expression[] = [];
    for (const operand of syntax.operands) all.push(...bindWhereConjuncts(operand, clause));
    return all;
  }
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
  const operands = operandsOf(syntax.operand, clause);
  const bound = comparableTo(operands, bindQuery(syntax.query, clause), clause);
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
