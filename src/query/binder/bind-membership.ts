/** IN lists, interval search (`ts IN '2026-01'`), ANY and ALL over lists. */
import type { Value } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { BOOL } from '../../core/types.js';
import { commonType } from '../functions/types.js';
import type { Expression } from '../plan/expression.js';
import type { InList, InSet, Quantified, Expression as Syntax } from '../syntax/ast/query.js';
import { overItems } from './bind-composite.js';
import { parameterLiteral } from './bind-literal.js';
import { compareQuantified, rowPairs } from './bind-operator.js';
import { bindQuantifiedSubquery } from './bind-subquery.js';
import { argumentOf, castTo, decimalLiterals } from './coercion.js';
import { type Clause, unsupported } from './context.js';
import { conjunction, disjunction, not } from './expressions.js';
import { intervalSearch } from './interval-search.js';

export function bindInList(syntax: InList, clause: Clause): Expression {
  if (syntax.operand.kind === 'row') return bindRowInList(syntax, clause);
  const { context } = clause;
  const bound = [syntax.operand, ...syntax.items].map((item) => context.bindExpression(item, clause));
  const [operand, ...items] = decimalLiterals(bound) as readonly [Expression, ...Expression[]];
  if (items.length === 1 && syntax.items[0]?.kind === 'string' && operand.type.kind === 'timestamp') {
    const range = intervalSearch(operand, syntax.items[0].value, items[0]?.position ?? -1, clause);
    if (range) return syntax.negated ? not(range) : range;
  }
  const type = commonType([operand, ...items].map(argumentOf));
  if (type && type.kind !== 'null' && items.every((item) => item.kind === 'literal')) {
    const converted = castTo(operand, type);
    const values = items.map((item) => castTo(item, type));
    if (values.every((value) => value.kind === 'literal'))
      return inValues(converted, values.map(literalValue), syntax.negated, syntax.position);
  }
  const tests = disjunction(items.map((item) => context.call('eq', [operand, item], item.position)));
  return syntax.negated ? not(tests) : tests;
}

function literalValue(expression: Expression): Value {
  return expression.kind === 'literal' ? expression.value : null;
}

function inValues(operand: Expression, values: readonly Value[], negated: boolean, position: number): Expression {
  const hasNull = values.some((value) => value === null);
  const present = values.filter((value) => value !== null);
  return { kind: 'in', operand, values: present, hasNull, negated, type: BOOL, nullable: operand.nullable || hasNull, position };
}

/** (a, b) IN ((1, 2), (3, 4)). */
function bindRowInList(syntax: InList, clause: Clause): Expression {
  const { operand } = syntax;
  if (operand.kind !== 'row') throw unsupported('this row value', syntax.position);
  const tests = syntax.items.map((item) => {
    if (item.kind !== 'row') throw unsupported('comparing a row with something else', item.position);
    return conjunction(rowPairs(operand, item, item.position, clause).map((pair) => clause.context.call('eq', pair, item.position)));
  });
  const test = disjunction(tests);
  return syntax.negated ? not(test) : test;
}

export function bindInSet(syntax: InSet, clause: Clause): Expression {
  const operand = clause.context.bindExpression(syntax.operand, clause);
  const set = clause.context.bindExpression(syntax.set, clause);
  if (set.kind === 'literal' && typeof set.value === 'string' && operand.type.kind === 'timestamp') {
    const range = intervalSearch(operand, set.value, set.position, clause);
    if (!range)
      throw new DbError('invalid_value', `'${set.value}' is not an interval of time`, {
        position: set.position,
        hint: "write '2026-01', '2026-01-01T10', '2026-01-01;1h' or '2026-01-01T10;1h;1d;3'",
      });
    return syntax.negated ? not(range) : range;
  }
  const test = overItems('any', set, syntax.position, clause, (item) => clause.context.call('eq', [operand, item], syntax.position));
  return syntax.negated ? not(test) : test;
}

/** x = ANY (…), x < ALL (…) over a subquery, a list literal or a list parameter. */
export function bindQuantified(syntax: Quantified, clause: Clause): Expression {
  if (syntax.right.kind === 'subquery') return bindQuantifiedSubquery(syntax, syntax.right.query, clause);
  const items = listItems(syntax.right, clause);
  const left = clause.context.bindExpression(syntax.left, clause);
  if (!items) {
    const list = clause.context.bindExpression(syntax.right, clause);
    return overItems(syntax.quantifier, list, syntax.position, clause, (item) => compareQuantified(syntax, left, item, clause));
  }
  const tests = items.map((item) => compareQuantified(syntax, left, item, clause));
  return syntax.quantifier === 'any' ? disjunction(tests) : conjunction(tests);
}

function listItems(syntax: Syntax, clause: Clause): readonly Expression[] | undefined {
  if (syntax.kind === 'list') return syntax.items.map((item) => clause.context.bindExpression(item, clause));
  if (syntax.kind !== 'parameter') return undefined;
  const { parameters } = clause.context;
  const given = Array.isArray(parameters)
    ? (parameters as readonly unknown[])[(syntax.index ?? 0) - 1]
    : (parameters as Readonly<Record<string, unknown>> | undefined)?.[syntax.name ?? String(syntax.index)];
  if (!Array.isArray(given)) return undefined;
  return (given as readonly Value[]).map((value) => parameterLiteral(value, syntax.position));
}
