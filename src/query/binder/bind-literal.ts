/** Literals and parameters. */
import type { IntervalValue, Value } from '../../core/batch.js';
import type { Parameters, ParameterValue } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import { TypedValue } from '../../core/typed-value.js';
import { BINARY, BOOL, FLOAT64, INT64, INTERVAL, UTF8 } from '../../core/types.js';
import type { Expression } from '../plan/expression.js';
import type { BlobLiteral, DurationLiteral, NumberLiteral, Parameter, TypedLiteral } from '../syntax/ast/literal.js';
import type { DurationUnit } from '../syntax/ast/node.js';
import type { IntervalLiteral } from '../syntax/ast/query.js';
import { castTo } from './coercion.js';
import { type Clause, unsupported } from './context.js';
import { literal, nullLiteral, textLiteral } from './expressions.js';
import { OpenParameter } from './open-parameter.js';
import { resolveType } from './type-names.js';

const INT64_MAX = 9_223_372_036_854_775_807n;

/** Integers are int64 while they fit, then decimal up to 38 digits; everything with a point or exponent is float64, or decimal where it has more digits than a float64 keeps. */
export function bindNumber(syntax: NumberLiteral, negative = false): Expression {
  const { position } = syntax;
  if (syntax.isInteger) {
    const magnitude = BigInt(syntax.text);
    const value = negative ? -magnitude : magnitude;
    if (value <= INT64_MAX && value >= -INT64_MAX - 1n) return literal(value, INT64, position);
    const precision = String(magnitude).length;
    if (precision <= 38) return literal(value, { kind: 'decimal', precision, scale: 0 }, position);
  }
  const precise = preciseDecimal(syntax, negative);
  if (precise) return precise;
  const value = Number(syntax.text);
  if (!Number.isFinite(value)) throw new DbError('numeric_overflow', `${syntax.text} is too large for float64`, { position });
  return literal(negative ? -value : value, FLOAT64, position);
}

/** More than 15 digits, no exponent. */
function preciseDecimal(syntax: NumberLiteral, negative: boolean): Expression | undefined {
  const match = /^(\d*)\.(\d+)$/.exec(syntax.text);
  if (!match) return undefined;
  const digits = `${match[1]}${match[2]}`.replace(/^0+/, '');
  const scale = match[2]?.length ?? 0;
  const precision = Math.max(digits.length, scale);
  if (digits.length <= 15 || precision > 38) return undefined;
  const unscaled = BigInt(digits);
  return literal(negative ? -unscaled : unscaled, { kind: 'decimal', precision, scale }, syntax.position);
}

export function bindBlob(syntax: BlobLiteral): Expression {
  return literal(Uint8Array.from(Buffer.from(syntax.hex, 'hex')), BINARY, syntax.position);
}

/** A TIMESTAMP literal has microseconds, or nanoseconds where more than six digits are written. */
export function bindTypedLiteral(syntax: TypedLiteral): Expression {
  let type = resolveType(syntax.type);
  const precise = /:\d+[.,]\d{7,}/.test(syntax.value);
  if (precise && type.kind === 'timestamp' && syntax.type.kind === 'namedType' && syntax.type.arguments.length === 0) {
    if (type.unit === 'us') type = { ...type, unit: 'ns' };
  }
  if (precise && type.kind === 'time64') type = { kind: 'time64', unit: 'ns' };
  return castTo(textLiteral(syntax.value, syntax.position), type);
}

const MONTHS: Partial<Record<DurationUnit, number>> = { month: 1, quarter: 3, year: 12, decade: 120, century: 1200, millennium: 12_000 };
const DAYS: Partial<Record<DurationUnit, number>> = { day: 1, week: 7 };
const NANOSECONDS: Partial<Record<DurationUnit, bigint>> = {
  nanosecond: 1n,
  microsecond: 1_000n,
  millisecond: 1_000_000n,
  second: 1_000_000_000n,
  minute: 60_000_000_000n,
  hour: 3_600_000_000_000n,
};

function intervalOf(amount: number, unit: DurationUnit): IntervalValue {
  return {
    months: amount * (MONTHS[unit] ?? 0),
    days: amount * (DAYS[unit] ?? 0),
    nanoseconds: BigInt(amount) * (NANOSECONDS[unit] ?? 0n),
  };
}

/** `1h30m` as an interval. */
export function bindDuration(syntax: DurationLiteral): Expression {
  let value: IntervalValue = { months: 0, days: 0, nanoseconds: 0n };
  for (const part of syntax.parts) {
    const one = intervalOf(part.amount, part.unit);
    value = { months: value.months + one.months, days: value.days + one.days, nanoseconds: value.nanoseconds + one.nanoseconds };
  }
  return literal({ ...value }, INTERVAL, syntax.position);
}

/** INTERVAL '…' [unit], INTERVAL 5 MINUTE; a quantity that is not constant is multiplied by the unit. */
export function bindInterval(syntax: IntervalLiteral, clause: Clause): Expression {
  const { quantity, unit, position } = syntax;
  if (syntax.toUnit !== null && quantity.kind === 'string') return bindYearToMonth(syntax, quantity.value);
  if (unit === null) {
    if (quantity.kind === 'string') return castTo(textLiteral(quantity.value, position), INTERVAL);
    const bound = clause.context.bindExpression(quantity, clause);
    return bound.type.kind === 'interval' ? bound : castTo(bound, INTERVAL);
  }
  const text = quantity.kind === 'string' ? quantity.value.trim() : quantity.kind === 'number' ? quantity.text : undefined;
  if (text !== undefined && /^[+-]?\d+$/.test(text)) return literal({ ...intervalOf(Number(text), unit) }, INTERVAL, position);
  if (text !== undefined) return castTo(textLiteral(`${text} ${unit}`, position), INTERVAL);
  const factor = clause.context.bindExpression(quantity, clause);
  return clause.context.call('multiply', [literal({ ...intervalOf(1, unit) }, INTERVAL, position), factor], position);
}

/** INTERVAL '1-2' YEAR TO MONTH, '1 02:03:04' DAY TO SECOND. */
function bindYearToMonth(syntax: IntervalLiteral, text: string): Expression {
  const months = /^\s*([+-]?)(\d+)-(\d+)\s*$/.exec(text);
  if (syntax.unit === 'year' && months) {
    const total = Number(months[2]) * 12 + Number(months[3]);
    return literal({ months: months[1] === '-' ? -total : total, days: 0, nanoseconds: 0n }, INTERVAL, syntax.position);
  }
  const days = /^\s*(\d+)\s+(\d.*)$/.exec(text);
  return castTo(textLiteral(days ? `${days[1]} days ${days[2]}` : text, syntax.position), INTERVAL);
}

// ---- parameters ----

export function bindParameter(syntax: Parameter, clause: Clause): Expression {
  const value = parameterValue(syntax, clause.context.parameters);
  const bound = Array.isArray(value)
    ? listParameter(value as readonly ParameterValue[], syntax.position, clause)
    : parameterLiteral(value, syntax.position);
  return syntax.type === null ? bound : castTo(bound, resolveType(syntax.type));
}

function listParameter(values: readonly ParameterValue[], position: number, clause: Clause): Expression {
  return clause.context.call(
    'list_value',
    values.map((value) =>
      Array.isArray(value) ? listParameter(value as readonly ParameterValue[], position, clause) : parameterLiteral(value, position),
    ),
    position,
  );
}

function parameterValue(syntax: Parameter, parameters: Parameters | undefined): ParameterValue {
  const label = syntax.name === null ? `$${syntax.index}` : `:${syntax.name}`;
  const found = lookUp(syntax, parameters);
  if (found === undefined) {
    throw new DbError('parameter_missing', `parameter ${label} has no value`, {
      position: syntax.position,
      hint: Array.isArray(parameters) ? `${parameters.length} values were given` : undefined,
    });
  }
  return found;
}

function lookUp(syntax: Parameter, parameters: Parameters | undefined): ParameterValue | undefined {
  if (parameters === undefined) return undefined;
  if (Array.isArray(parameters)) return syntax.index === null ? undefined : (parameters as readonly ParameterValue[])[syntax.index - 1];
  const named = parameters as Readonly<Record<string, ParameterValue>>;
  if (syntax.name !== null) return Object.hasOwn(named, syntax.name) ? named[syntax.name] : undefined;
  for (const key of [`${syntax.index}`, `$${syntax.index}`]) if (Object.hasOwn(named, key)) return named[key];
  return undefined;
}

/** A JavaScript value as a literal of the type that its own type says. */
export function parameterLiteral(value: ParameterValue, position: number): Expression {
  if (value === null) return nullLiteral(position);
  if (value instanceof OpenParameter) return { ...nullLiteral(position), slot: value.slot };
  if (value instanceof TypedValue) return literal(value.value, value.type, position);
  if (typeof value === 'boolean') return literal(value, BOOL, position);
  if (typeof value === 'string') return literal(value, UTF8, position);
  if (typeof value === 'bigint') return bigintLiteral(value, position);
  if (typeof value === 'number') {
    return Number.isSafeInteger(value) && !Object.is(value, -0)
      ? literal(BigInt(value), INT64, position)
      : literal(value, FLOAT64, position);
  }
  if (value instanceof Date) return literal(BigInt(value.getTime()), { kind: 'timestamp', unit: 'ms', timezone: null }, position);
  if (value instanceof Uint8Array) return literal(value, BINARY, position);
  if (Array.isArray(value)) throw unsupported('a list as a parameter', position);
  if (isInterval(value as Value)) return literal(value as Value, INTERVAL, position);
  throw unsupported('a struct as a parameter', position);
}

function bigintLiteral(value: bigint, position: number): Expression {
  if (value <= INT64_MAX && value >= -INT64_MAX - 1n) return literal(value, INT64, position);
  const precision = String(value < 0n ? -value : value).length;
  if (precision > 38) throw new DbError('numeric_overflow', `${value} has more than 38 digits`, { position });
  return literal(value, { kind: 'decimal', precision, scale: 0 }, position);
}

function isInterval(value: Value): boolean {
  return typeof value === 'object' && value !== null && 'months' in value && 'days' in value && 'nanoseconds' in value;
}
