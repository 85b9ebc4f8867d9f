/** Conversions that the binder puts around expressions: implicit ones, casts, and literals that take the type beside them. */
import type { Value } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { BOOL, type DataType, isInteger, isText, sameType, typeName } from '../../core/types.js';
import { decimalText } from '../../core/values.js';
import { parseDecimal, valueFromText } from '../expression/literals.js';
import type { ArgumentType } from '../functions/contract.js';
import { castSupported, commonType, implicitlyCasts, integerRange } from '../functions/types.js';
import type { Expression, LiteralExpression, ParameterSlot } from '../plan/expression.js';
import { literal } from './expressions.js';

/** What overload resolution is told of an argument. */
export function argumentOf(expression: Expression): ArgumentType {
  if (expression.kind !== 'literal') return { type: expression.type, literal: false };
  return { type: expression.type, literal: true, value: expression.value };
}

/** The expression as `type`; the caller knows that the conversion exists. Literals are converted now where that is exact and cheap. */
export function castTo(expression: Expression, type: DataType, safe = false): Expression {
  if (sameType(expression.type, type)) return expression;
  if (expression.kind === 'literal') {
    if (expression.slot) return { ...literal(null, type, expression.position), slot: learned(expression.slot, type) };
    const value =
      isText(expression.type) && !isText(type)
        ? parseLiteral(expression, type, safe)
        : convertLiteral(expression.value, expression.type, type);
    if (value !== undefined) return literal(value, type, expression.position);
  }
  return { kind: 'cast', operand: expression, safe, type, nullable: expression.nullable || safe, position: expression.position };
}

function learned(slot: ParameterSlot, type: DataType): ParameterSlot {
  slot.type ??= type;
  return slot;
}

/** The value that a text literal means in another type. Fails with `invalid_value` at the literal. */
function parseLiteral(expression: LiteralExpression, type: DataType, safe: boolean): Value | undefined {
  if (typeof expression.value !== 'string' || safe || type.kind === 'list' || type.kind === 'struct') {
    return expression.value === null ? null : undefined;
  }
  try {
    return valueFromText(expression.value, type);
  } catch (error) {
    throw error instanceof DbError
      ? new DbError(error.code, error.message, { position: expression.position, hint: error.hint, cause: error })
      : error;
  }
}

/** The same value in another type where no rounding, parsing or failure is possible; else undefined. */
function convertLiteral(value: Value, from: DataType, to: DataType): Value | undefined {
  if (value === null) return null;
  if (isText(from) && isText(to)) return value;
  if (typeof value !== 'bigint' && typeof value !== 'number') return undefined;
  // The float that is nearest to the digits as they are written.
  if (from.kind === 'decimal' && to.kind === 'float64') return Number(decimalText(BigInt(value), from.scale));
  if (from.kind === 'float64' && to.kind === 'decimal') return decimalOfFloat(Number(value), to);
  if (!isInteger(from)) return to.kind === 'float64' && from.kind === 'float32' ? value : undefined;
  if (to.kind === 'float64') return Number.isSafeInteger(Number(value)) ? Number(value) : undefined;
  if (to.kind === 'decimal') {
    const unscaled = BigInt(value) * 10n ** BigInt(to.scale);
    return String(unscaled < 0n ? -unscaled : unscaled).length <= to.precision ? unscaled : undefined;
  }
  const range = integerRange(to);
  if (!range || BigInt(value) < range[0] || BigInt(value) > range[1]) return undefined;
  return to.kind === 'int64' || to.kind === 'uint64' ? BigInt(value) : Number(value);
}

/** The decimal that the float's shortest text says: 0.1 is one tenth. Undefined when it does not fit. */
function decimalOfFloat(value: number, to: Extract<DataType, { kind: 'decimal' }>): bigint | undefined {
  const text = String(value);
  if (!/^-?\d+(\.\d+)?$/.test(text)) return undefined;
  try {
    return parseDecimal(text, to.precision, to.scale);
  } catch (error) {
    if (error instanceof DbError) return undefined;
    throw error;
  }
}

/** Beside a decimal column, a literal with a point is the decimal that is written, not the float64 nearest to it. */
export function decimalLiterals(expressions: readonly Expression[]): readonly Expression[] {
  if (!expressions.some((each) => each.type.kind === 'decimal' && each.kind !== 'literal')) return expressions;
  return expressions.map((each) => {
    if (each.kind !== 'literal' || each.type.kind !== 'float64' || typeof each.value !== 'number') return each;
    const match = /^-?(\d+)(?:\.(\d+))?$/.exec(String(each.value));
    if (!match) return each;
    const scale = match[2]?.length ?? 0;
    const type: DataType = { kind: 'decimal', precision: Math.min(38, (match[1]?.length ?? 1) + scale), scale };
    const value = decimalOfFloat(each.value, type);
    return value === undefined ? each : literal(value, type, each.position);
  });
}

/** An implicit conversion. Fails with `type_mismatch` when it could lose something. */
export function coerce(expression: Expression, type: DataType, what: string): Expression {
  if (sameType(expression.type, type)) return expression;
  if (!implicitlyCasts(argumentOf(expression), type)) {
    throw new DbError('type_mismatch', `${what} must be ${typeName(type)}, not ${typeName(expression.type)}`, {
      position: expression.position,
      hint: castSupported(expression.type, type) ? `write CAST(… AS ${typeName(type)})` : undefined,
    });
  }
  return castTo(expression, type);
}

/**
 * A conversion into a column at INSERT: as PostgreSQL's assignment casts, numbers and times go into narrower types when the value fits
 * (checked per row), anything goes into text. Text columns do not become numbers.
 */
export function assignmentCast(expression: Expression, type: DataType, column: string): Expression {
  const from = expression.type;
  if (sameType(from, type)) return expression;
  const textColumn = isText(from) && expression.kind !== 'literal' && !isText(type);
  if ((textColumn || !castSupported(from, type)) && !implicitlyCasts(argumentOf(expression), type)) {
    throw new DbError('type_mismatch', `column ${column} is ${typeName(type)}, but the value is ${typeName(from)}`, {
      position: expression.position,
      hint: textColumn ? `write CAST(… AS ${typeName(type)})` : undefined,
    });
  }
  return castTo(expression, type);
}

/** All expressions in their common type. Fails with `type_mismatch` at the one that does not fit. */
export function unify(
  expressions: readonly Expression[],
  what: string,
): { readonly type: DataType; readonly expressions: readonly Expression[] } {
  const type = commonType(expressions.map(argumentOf));
  if (!type) throw noCommonType(expressions, what);
  return { type, expressions: expressions.map((expression) => castTo(expression, type)) };
}

function noCommonType(expressions: readonly Expression[], what: string): DbError {
  const [first, ...rest] = expressions;
  const other = rest.find((_each, i) => !commonType(expressions.slice(0, i + 2).map(argumentOf))) ?? rest.at(-1);
  const names = first && other ? `${typeName(first.type)} and ${typeName(other.type)}` : 'these types';
  return new DbError('type_mismatch', `${what} has values of ${names}, which have no common type`, {
    position: other?.position,
    hint: 'cast one of them',
  });
}

/** A condition: bool, or NULL. */
export function coerceBool(expression: Expression, clause: string): Expression {
  if (expression.type.kind === 'bool') return expression;
  return coerce(expression, BOOL, `a condition of ${clause}`);
}

/** True for a text literal that cannot be read as the type. */
export function isNoValueOf(operand: Expression, type: DataType): boolean {
  if (operand.kind !== 'literal' || typeof operand.value !== 'string' || !isText(operand.type)) return false;
  try {
    castTo(operand, type);
    return false;
  } catch (error) {
    if (error instanceof DbError && error.code === 'invalid_value') return true;
    throw error;
  }
}
