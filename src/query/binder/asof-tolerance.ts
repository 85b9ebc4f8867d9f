/** TOLERANCE of an ASOF join: an interval for times, a number in the time column's own units for all. */
import type { IntervalValue, Value } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { type DataType, INTERVAL, isInteger, isText, typeName, UNITS_PER_SECOND } from '../../core/types.js';
import { columnsOf, type Expression } from '../plan/expression.js';
import type { Expression as Syntax } from '../syntax/ast/query.js';
import type { AsofSides } from './asof-conditions.js';
import { castTo } from './coercion.js';
import type { FromClause } from './context.js';
import { Scope } from './scope.js';

const DAY_NS = 86_400_000_000_000n;

/** Largest distance in units of the time's type. */
export function asofTolerance(syntax: Syntax, type: DataType, { left, right }: AsofSides, clause: FromClause): bigint | number {
  const { context, commonTables, outer } = clause;
  const scope = new Scope([...left.columns, ...right.columns], outer);
  const bound = context.bindExpression(syntax, { context, name: 'TOLERANCE', scope, commonTables, relation: null, aggregates: null });
  const { position } = syntax;
  if (columnsOf(bound).size > 0) throw new DbError('invalid_argument', 'TOLERANCE must be a constant', { position });
  const timed = type.kind === 'timestamp' || type.kind === 'date32' || type.kind === 'time64';
  const expression: Expression = isText(bound.type) && timed ? castTo(bound, INTERVAL) : bound;
  const value = context.evaluateConstant(expression);
  if (value === null) throw new DbError('invalid_argument', 'TOLERANCE may not be NULL', { position });
  const distance = distanceOf(value, expression.type, type);
  if (distance === undefined) {
    throw new DbError('type_mismatch', `a TOLERANCE of ${typeName(expression.type)} does not fit times of ${typeName(type)}`, {
      position,
      hint: timed ? "an interval: 5s, 100ms, INTERVAL '1 minute'" : 'a number',
    });
  }
  if (distance < 0) throw new DbError('invalid_argument', 'TOLERANCE may not be negative', { position });
  return distance;
}

function distanceOf(value: Value, from: DataType, type: DataType): bigint | number | undefined {
  if (from.kind === 'interval') return intervalTicks(value as IntervalValue, type);
  if (type.kind === 'float64') return decimalNumber(value, from);
  if (type.kind === 'decimal') return scaledTicks(value, from, type.scale);
  return scaledTicks(value, from, 0);
}

function intervalTicks({ months, days, nanoseconds }: IntervalValue, type: DataType): bigint | undefined {
  if (months !== 0) return undefined;
  const total = BigInt(days) * DAY_NS + nanoseconds;
  if (total < 0n) return -1n;
  if (type.kind === 'date32') return total / DAY_NS;
  if (type.kind !== 'timestamp' && type.kind !== 'time64') return undefined;
  return total / (1_000_000_000n / UNITS_PER_SECOND[type.unit]);
}

function decimalNumber(value: Value, from: DataType): number | undefined {
  if (from.kind === 'decimal') return Number(value) / 10 ** from.scale;
  return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : undefined;
}

/** The number times 10^scale, without what does not reach a whole unit. */
function scaledTicks(value: Value, from: DataType, scale: number): bigint | undefined {
  const factor = 10n ** BigInt(scale);
  if (isInteger(from)) return BigInt(value as number | bigint) * factor;
  if (from.kind === 'decimal') return floorDivide((value as bigint) * factor, 10n ** BigInt(from.scale));
  if (typeof value !== 'number' || !Number.isFinite(value)) return undefined;
  return BigInt(Math.floor(value * Number(factor)));
}

function floorDivide(a: bigint, b: bigint): bigint {
  return a < 0n ? -((-a + b - 1n) / b) : a / b;
}
