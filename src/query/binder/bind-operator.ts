/** Unary and binary operators, AND/OR/NOT, BETWEEN, LIKE, IS DISTINCT FROM, comparison of rows. */
import { DbError } from '../../core/errors.js';
import { FLOAT64, isText } from '../../core/types.js';
import type { Expression } from '../plan/expression.js';
import type { BinaryOperator } from '../syntax/ast/operator.js';
import type { Between, Binary, DistinctFrom, Like, Logical, Quantified, Row, Expression as Syntax, Unary } from '../syntax/ast/query.js';
import { bindNumber } from './bind-literal.js';
import { castTo, coerceBool } from './coercion.js';
import { type Clause, unsupported } from './context.js';
import { conjunction, disjunction, literal, not } from './expressions.js';
import { decimalText, writtenDecimal } from './written-numbers.js';

/** Registry name of each operator; null: known, not executed yet. */
const BINARY_FUNCTIONS = {
  '=': 'eq',
  '<>': 'ne',
  '<': 'lt',
  '<=': 'le',
  '>': 'gt',
  '>=': 'ge',
  '+': 'add',
  '-': 'subtract',
  '*': 'multiply',
  '/': 'divide',
  '//': 'divide',
  '%': 'modulo',
  '^': 'power',
  '||': 'concat_operator',
  '&': 'bit_and',
  '|': 'bit_or',
  '#': 'bit_xor',
  '<<': 'shift_left',
  '>>': 'shift_right',
  '~': 'regexp_match',
  '~*': 'regexp_imatch',
  '!~': 'regexp_match',
  '!~*': 'regexp_imatch',
  '^@': 'starts_with',
  '->': 'json_get',
  '->>': 'json_get_text',
  '#>': 'json_get_path',
  '#>>': 'json_get_path_text',
  '@>': 'list_has_all',
  '<@': 'list_has_all',
  '&&': 'list_has_any',
  nearest: null,
} as const satisfies Record<BinaryOperator, string | null>;

export function bindUnary(syntax: Unary, clause: Clause): Expression {
  const { operand, operator, position } = syntax;
  const { context } = clause;
  if (operator === '-' && operand.kind === 'number') return { ...bindNumber(operand, true), position };
  const bound = context.bindExpression(operand, clause);
  switch (operator) {
    case 'not':
      return { ...not(coerceBool(bound, 'NOT')), position };
    case '-':
      return context.call('negate', [bound], position);
    case '+':
      return bound;
    case '~':
      return context.call('bit_not', [bound], position);
    case '@':
      return context.call('abs', [bound], position);
    case '|/':
      return context.call('sqrt', [castTo(bound, FLOAT64)], position);
    case '||/':
      return context.call('cbrt', [castTo(bound, FLOAT64)], position);
  }
}

export function bindBinary(syntax: Binary, clause: Clause): Expression {
  const { operator, left, right, operatorPosition } = syntax;
  if ((left.kind === 'row' || right.kind === 'row') && isRowLike(left) && isRowLike(right)) return bindRowComparison(syntax, clause);
  const name = BINARY_FUNCTIONS[operator];
  if (name === null) throw unsupported(`operator ${operator}`, operatorPosition);
  const { context } = clause;
  const written = writtenDecimal(syntax);
  if (written && written.scale > 0) return literal(Number(decimalText(written)), FLOAT64, syntax.position);
  const a = context.bindExpression(left, clause);
  const b = context.bindExpression(right, clause);
  const sides = operator === '<@' ? [b, a] : [a, b];
  const texts = (operator === '@>' || operator === '<@') && isText(a.type) && isText(b.type);
  const call = context.call(texts ? 'json_contains' : name, sides, operatorPosition);
  return operator === '!~' || operator === '!~*' ? not(call) : call;
}

function isRowLike(side: Syntax): boolean {
  return side.kind === 'row' || side.kind === 'subquery';
}

/** (a, b) = (1, 2), (a, b) < (SELECT x, y …). */
function bindRowComparison(syntax: Binary, clause: Clause): Expression {
  const { operator, left, right, operatorPosition } = syntax;
  const width = left.kind === 'row' ? left.items.length : right.kind === 'row' ? right.items.length : 0;
  const [a, b] = [left, right].map((side) => rowValues(side, width, operatorPosition, clause)) as [
    readonly Expression[],
    readonly Expression[],
  ];
  if (a.length !== b.length) throw unevenRows(a.length, b.length, operatorPosition);
  return compareRows(
    operator,
    a.map((each, i) => [each, b[i] as Expression] as const),
    operatorPosition,
    clause,
  );
}

function rowValues(side: Syntax, width: number, position: number, clause: Clause): readonly Expression[] {
  if (side.kind === 'row') return side.items.map((item) => clause.context.bindExpression(item, clause));
  if (side.kind === 'subquery') return clause.context.bindSubqueryRow(side, width, clause);
  throw new DbError('type_mismatch', 'a row is compared with a row or a subquery of as many columns', { position });
}

/** All equal, any different; for an order the first difference decides. */
export function compareRows(
  operator: Quantified['operator'],
  pairs: readonly (readonly [Expression, Expression])[],
  position: number,
  clause: Clause,
): Expression {
  const compare = (name: string, pair: readonly [Expression, Expression]) => clause.context.call(name, pair, position);
  if (operator === '=') return conjunction(pairs.map((pair) => compare('eq', pair)));
  if (operator === '<>') return disjunction(pairs.map((pair) => compare('ne', pair)));
  const name = operator in BINARY_FUNCTIONS ? BINARY_FUNCTIONS[operator as BinaryOperator] : null;
  if (name !== 'lt' && name !== 'le' && name !== 'gt' && name !== 'ge') throw unsupported(`operator ${operator} on rows`, position);
  const strict = name === 'le' ? 'lt' : name === 'ge' ? 'gt' : name;
  const alternatives = pairs.map((pair, i) => {
    const equalBefore = pairs.slice(0, i).map((before) => compare('eq', before));
    return conjunction([...equalBefore, compare(i === pairs.length - 1 ? name : strict, pair)]);
  });
  return disjunction(alternatives);
}

function unevenRows(left: number, right: number, position: number): DbError {
  return new DbError('type_mismatch', `rows of ${left} and ${right} values cannot be compared`, { position });
}

export function rowPairs(left: Row, right: Row, position: number, clause: Clause): readonly (readonly [Expression, Expression])[] {
  if (left.items.length !== right.items.length) throw unevenRows(left.items.length, right.items.length, position);
  const bind = (item: Syntax) => clause.context.bindExpression(item, clause);
  return left.items.map((item, i) => [bind(item), bind(right.items[i] as Syntax)] as const);
}

export function bindLogical(syntax: Logical, clause: Clause): Expression {
  const name = syntax.operator.toUpperCase();
  const operands = syntax.operands.map((operand) => coerceBool(clause.context.bindExpression(operand, clause), name));
  const joined = syntax.operator === 'and' ? conjunction(operands) : disjunction(operands);
  return { ...joined, position: syntax.position };
}

export function bindDistinctFrom(syntax: DistinctFrom, clause: Clause): Expression {
  const { context } = clause;
  const args = [context.bindExpression(syntax.left, clause), context.bindExpression(syntax.right, clause)];
  return context.call(syntax.negated ? 'is_not_distinct_from' : 'is_distinct_from', args, syntax.position);
}

export function bindBetween(syntax: Between, clause: Clause): Expression {
  const { context } = clause;
  const operand = context.bindExpression(syntax.operand, clause);
  const low = context.bindExpression(syntax.low, clause);
  const high = context.bindExpression(syntax.high, clause);
  const within = (from: Expression, to: Expression) =>
    conjunction([context.call('ge', [operand, from], syntax.position), context.call('le', [operand, to], syntax.position)]);
  const test = syntax.symmetric ? disjunction([within(low, high), within(high, low)]) : within(low, high);
  return syntax.negated ? not(test) : test;
}

const LIKE_FUNCTIONS = {
  like: ['like', 'not_like'],
  ilike: ['ilike', 'not_ilike'],
  similar: ['similar_to', null],
  glob: ['glob', null],
} as const satisfies Record<Like['operator'], readonly [string, string | null]>;

export function bindLike(syntax: Like, clause: Clause): Expression {
  const { context } = clause;
  const [positive, negative] = LIKE_FUNCTIONS[syntax.operator];
  const args = [syntax.operand, syntax.pattern, ...(syntax.escape === null ? [] : [syntax.escape])].map((each) =>
    context.bindExpression(each, clause),
  );
  if (syntax.negated && negative !== null) return context.call(negative, args, syntax.position);
  const test = context.call(positive, args, syntax.position);
  return syntax.negated ? not(test) : test;
}

const LIKE_NAMES = { like: 'like', ilike: 'ilike', notLike: 'not_like', notIlike: 'not_ilike' } as const;

export function compareQuantified(syntax: Quantified, left: Expression, right: Expression, clause: Clause): Expression {
  const { operator, position } = syntax;
  const name = operator in LIKE_NAMES ? LIKE_NAMES[operator as keyof typeof LIKE_NAMES] : BINARY_FUNCTIONS[operator as BinaryOperator];
  if (name === null) throw unsupported(`operator ${operator}`, position);
  return clause.context.call(name, [left, right], position);
}
