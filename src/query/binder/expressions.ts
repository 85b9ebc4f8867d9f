/** Makers and questions for bound expressions that several parts of the binder and the optimizer need. */
import type { IntervalValue, Value } from '../../core/batch.js';
import { BOOL, type DataType, INT64, NULL_TYPE, UTF8 } from '../../core/types.js';
import type { ColumnExpression, ColumnId, Expression, LiteralExpression } from '../plan/expression.js';
import type { OutputColumn } from '../plan/logical.js';

export function literal(value: Value, type: DataType, position = -1): LiteralExpression {
  return { kind: 'literal', value, type, nullable: value === null, position };
}

export const nullLiteral = (position = -1): LiteralExpression => literal(null, NULL_TYPE, position);
export const boolLiteral = (value: boolean, position = -1): LiteralExpression => literal(value, BOOL, position);
export const intLiteral = (value: bigint, position = -1): LiteralExpression => literal(value, INT64, position);
export const textLiteral = (value: string, position = -1): LiteralExpression => literal(value, UTF8, position);

export function columnOf(column: OutputColumn, position = -1): ColumnExpression {
  return { kind: 'column', id: column.id, name: column.name, type: column.type, nullable: column.nullable, position };
}

export function isTrue(expression: Expression): boolean {
  return expression.kind === 'literal' && expression.value === true;
}

export function isNull(operand: Expression, negated = false): Expression {
  return { kind: 'is_null', operand, negated, type: BOOL, nullable: false, position: operand.position };
}

export function not(operand: Expression): Expression {
  return { kind: 'not', operand, type: BOOL, nullable: operand.nullable, position: operand.position };
}

/** The operands joined by AND, nested ones flattened; true for none. */
export function conjunction(operands: readonly Expression[]): Expression {
  const flat: Expression[] = [];
  for (const operand of operands) addConjuncts(operand, flat);
  const [first] = flat;
  if (!first) return boolLiteral(true);
  if (flat.length === 1) return first;
  return { kind: 'and', operands: flat, type: BOOL, nullable: flat.some(isNullable), position: first.position };
}

function isNullable(expression: Expression): boolean {
  return expression.nullable;
}

export function disjunction(operands: readonly Expression[]): Expression {
  const flat = operands.some((operand) => operand.kind === 'or')
    ? operands.flatMap((operand) => (operand.kind === 'or' ? operand.operands : [operand]))
    : operands;
  const [first] = flat;
  if (!first) return boolLiteral(false);
  if (flat.length === 1) return first;
  return { kind: 'or', operands: flat, type: BOOL, nullable: flat.some(isNullable), position: first.position };
}

export function conjuncts(expression: Expression): readonly Expression[] {
  const flat: Expression[] = [];
  addConjuncts(expression, flat);
  return flat;
}

function addConjuncts(expression: Expression, flat: Expression[]): void {
  if (expression.kind === 'and') for (const operand of expression.operands) addConjuncts(operand, flat);
  else if (!isTrue(expression)) flat.push(expression);
}

/** Searched CASE of one type. */
export function caseOf(branches: readonly (readonly [Expression, Expression])[], otherwise: Expression | null, type: DataType): Expression {
  const nullable = otherwise === null || otherwise.nullable || branches.some(([, then]) => then.nullable);
  return { kind: 'case', branches: branches.map(([when, then]) => ({ when, then })), otherwise, type, nullable, position: -1 };
}

/** Text that is equal for two expressions exactly when they compute the same from the same columns (positions apart). */
export function fingerprint(expression: Expression): string {
  switch (expression.kind) {
    case 'column':
      return `#${expression.id}`;
    case 'literal':
      return expression.type.kind === 'interval'
        ? intervalFingerprint(expression.value as IntervalValue | null)
        : `${typeFingerprint(expression.type)}'${valueFingerprint(expression.value)}'`;
    case 'call':
      return `${expression.function}(${fingerprints(expression.args)})`;
    case 'cast':
      return `cast${expression.safe ? '?' : ''}(${fingerprint(expression.operand)}:${typeFingerprint(expression.type)})`;
    case 'case':
      return `case(${expression.branches.map((branch) => `${fingerprint(branch.when)}>${fingerprint(branch.then)}`).join(',')}|${
        expression.otherwise ? fingerprint(expression.otherwise) : ''
      })`;
    case 'and':
    case 'or':
      return `${expression.kind}(${fingerprints(expression.operands)})`;
    case 'not':
      return `not(${fingerprint(expression.operand)})`;
    case 'is_null':
      return `null${expression.negated ? '!' : ''}(${fingerprint(expression.operand)})`;
    case 'lambda':
      return `lambda(${fingerprint(expression.operand)})`;
    case 'lambda_parameter':
      return `λ${expression.name}:${typeFingerprint(expression.type)}`;
    case 'in':
      return `in${expression.negated ? '!' : ''}${expression.hasNull ? '0' : ''}(${fingerprint(expression.operand)};${expression.values
        .map(valueFingerprint)
        .join(',')})`;
  }
}

/** Equal where fingerprints are, and had sooner than they. */
export function headOf(expression: Expression): string | ColumnId {
  if (expression.kind === 'column') return expression.id;
  return expression.kind === 'call' ? expression.function : expression.kind;
}

/** The texts of several expressions, one after the other. */
export function fingerprints(expressions: readonly Expression[]): string {
  let text = '';
  for (const expression of expressions) text += `${fingerprint(expression)},`;
  return text;
}

function typeFingerprint(type: DataType): string {
  return type.kind === 'decimal' || type.kind === 'timestamp' || type.kind === 'list' || type.kind === 'struct'
    ? JSON.stringify(type)
    : type.kind;
}

function intervalFingerprint(value: IntervalValue | null): string {
  return value === null ? 'interval' : `interval'${value.months} ${value.days} ${value.nanoseconds}'`;
}

function valueFingerprint(value: Value): string {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'number' && Object.is(value, -0)) return '-0';
  if (typeof value === 'string') return JSON.stringify(value);
  if (value instanceof Uint8Array) return Array.from(value).join('.');
  return typeof value === 'object'
    ? JSON.stringify(value, (_, inner) => (typeof inner === 'bigint' ? `${inner}n` : inner))
    : (JSON.stringify(value) ?? String(value));
}
