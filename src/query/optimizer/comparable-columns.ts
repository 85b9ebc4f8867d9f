/**
 * Comparisons of an expression of a column with a constant become comparisons of the column itself, which zone maps can prune:
 * `ts + INTERVAL '1 hour' > t`, `x + 1 < 10`, `date_trunc('day', ts) = d`, `ts::date = d`, a column widened only for the comparison.
 */
import type { Value } from '../../core/batch.js';
import { BOOL, DATE32, type DataType, isInteger, sameType, UNITS_PER_SECOND } from '../../core/types.js';
import { conjunction, conjuncts, isNull, literal } from '../binder/expressions.js';
import { integerRange } from '../functions/types.js';
import { type Expression, mapChildren } from '../plan/expression.js';
import type { LogicalPlan } from '../plan/logical.js';
import { mapOwnExpressions } from '../plan/traverse.js';
import { emptyPlan, mapPlan, type Rule, type RuleContext } from './rule.js';

export const COMPARABLE_COLUMNS: Rule = {
  name: 'comparable_columns',
  doc: 'Arithmetic, truncation and casts move from the column to the constant that it is compared with.',
  apply: (plan, context) => {
    const rewrite = (condition: Expression): Expression => rewriteComparison(mapChildren(condition, rewrite), context);
    return mapPlan(plan, (node) => rewriteNode(node, rewrite));
  },
};

function rewriteNode(node: LogicalPlan, rewrite: (condition: Expression) => Expression): LogicalPlan {
  if (node.kind !== 'filter' && node.kind !== 'scan') return node;
  const changed = mapOwnExpressions(node, rewrite);
  if (changed.kind !== 'scan' || changed === node) return changed;
  const filters = changed.filters.flatMap(conjuncts);
  if (filters.some((filter) => filter.kind === 'literal')) return emptyPlan(changed);
  return { ...changed, filters };
}

const MIRRORED: Readonly<Record<string, string>> = { eq: 'eq', lt: 'gt', le: 'ge', gt: 'lt', ge: 'le' };

interface Comparison {
  readonly operator: string;
  readonly operand: Expression;
  readonly constant: Extract<Expression, { kind: 'literal' }>;
  readonly position: number;
}

function rewriteComparison(node: Expression, context: RuleContext): Expression {
  if (node.kind !== 'call' || node.args.length !== 2) return node;
  const mirrored = MIRRORED[node.function];
  const [a, b] = node.args;
  if (mirrored === undefined || !a || !b) return node;
  const comparison: Comparison | undefined =
    b.kind === 'literal' && b.value !== null
      ? { operator: node.function, operand: a, constant: b, position: node.position }
      : a.kind === 'literal' && a.value !== null
        ? { operator: mirrored, operand: b, constant: a, position: node.position }
        : undefined;
  if (!comparison) return node;
  return truncated(comparison, context) ?? shifted(comparison) ?? widened(comparison) ?? dated(comparison) ?? node;
}

function compare(operator: string, left: Expression, value: Value, position: number): Expression {
  const right = literal(value, left.type, position);
  return { kind: 'call', function: operator, args: [left, right], type: BOOL, nullable: left.nullable, position };
}

/** x + c > d → x > d − c for integers of 64 bits, timestamps and fixed intervals, while nothing overflows. */
function shifted(comparison: Comparison): Expression | undefined {
  const { operand, constant } = comparison;
  if (operand.kind !== 'call' || (operand.function !== 'add' && operand.function !== 'subtract')) return undefined;
  const [x, c] = operand.args;
  if (!x || !c || c.kind !== 'literal' || !sameType(x.type, operand.type) || !sameType(constant.type, x.type)) return undefined;
  const step = stepOf(c, x.type);
  const range = x.type.kind === 'timestamp' ? integerRange({ kind: 'int64' }) : integerRange(x.type);
  if (step === undefined || !range) return undefined;
  const value = BigInt(constant.value as bigint | number) - (operand.function === 'add' ? step : -step);
  if (value < range[0] || value > range[1]) return undefined;
  const wide = x.type.kind === 'timestamp' || x.type.kind === 'int64' || x.type.kind === 'uint64';
  return compare(comparison.operator, x, wide ? value : Number(value), comparison.position);
}

function stepOf(constant: Extract<Expression, { kind: 'literal' }>, type: DataType): bigint | undefined {
  const { value } = constant;
  if (isInteger(type) && sameType(constant.type, type) && value !== null) return BigInt(value as bigint | number);
  if (type.kind !== 'timestamp' || constant.type.kind !== 'interval' || value === null) return undefined;
  const { months, days, nanoseconds } = value as { months: number; days: number; nanoseconds: bigint };
  if (months !== 0 || (days !== 0 && type.timezone !== null)) return undefined;
  const total = BigInt(days) * 86_400_000_000_000n + nanoseconds;
  const tick = 1_000_000_000n / UNITS_PER_SECOND[type.unit];
  return total % tick === 0n ? total / tick : undefined;
}

/** CAST(x AS int64) = 5 where x is a narrower integer → x = 5; timestamps of a coarser unit likewise where the constant has no finer part. */
function widened(comparison: Comparison): Expression | undefined {
  const { operand, constant, operator, position } = comparison;
  if (operand.kind !== 'cast' || operand.operand.kind !== 'column') return undefined;
  const column = operand.operand;
  if (isInteger(column.type) && isInteger(operand.type)) {
    const [low, high] = integerRange(column.type) ?? [0n, 0n];
    const value = BigInt(constant.value as bigint | number);
    const wider = integerRange(operand.type);
    if (!wider || wider[0] > low || wider[1] < high) return undefined;
    if (value >= low && value <= high)
      return compare(operator, column, column.type.kind === 'int64' || column.type.kind === 'uint64' ? value : Number(value), position);
    const always = value > high ? operator === 'lt' || operator === 'le' : operator === 'gt' || operator === 'ge';
    return column.nullable ? { ...orNull(column, always), position } : literal(always, BOOL, position);
  }
  if (column.type.kind === 'date32' && operand.type.kind === 'timestamp' && operand.type.timezone === null) {
    return days(column, operator, constant.value as bigint, 86_400n * UNITS_PER_SECOND[operand.type.unit], position);
  }
  if (column.type.kind === 'timestamp' && operand.type.kind === 'timestamp' && column.type.timezone === operand.type.timezone) {
    const factor = UNITS_PER_SECOND[operand.type.unit] / UNITS_PER_SECOND[column.type.unit];
    const value = constant.value as bigint;
    if (factor >= 1n && value % factor === 0n) return compare(operator, column, value / factor, position);
  }
  return undefined;
}

/** CAST(d AS timestamp) < t → d < the day of t, or the day after it when t is not midnight. */
function days(column: Expression, operator: string, ticks: bigint, day: bigint, position: number): Expression | undefined {
  const rest = ((ticks % day) + day) % day;
  if (operator === 'eq' && rest !== 0n) return undefined;
  const floor = Number((ticks - rest) / day);
  const roundsUp = rest !== 0n && (operator === 'lt' || operator === 'ge');
  return compare(operator, column, roundsUp ? floor + 1 : floor, position);
}

/** The answer where the column has a value, NULL where it has none (under NOT, NULL is not false). */
function orNull(column: Expression, answer: boolean): Expression {
  const branch = { when: isNull(column, true), then: literal(answer, BOOL) };
  return { kind: 'case', branches: [branch], otherwise: null, type: BOOL, nullable: true, position: column.position };
}

/** ts::date = d → ts >= d AND ts < d + 1 day. */
function dated(comparison: Comparison): Expression | undefined {
  const { operand, constant } = comparison;
  if (operand.kind !== 'cast' || operand.type.kind !== 'date32' || constant.type.kind !== DATE32.kind) return undefined;
  const column = operand.operand;
  if (column.type.kind !== 'timestamp' || column.type.timezone !== null) return undefined;
  const day = 86_400n * UNITS_PER_SECOND[column.type.unit];
  const start = BigInt(constant.value as number) * day;
  return within(comparison, column, start, start, start + day);
}

const FIXED_SECONDS: Readonly<Record<string, bigint>> = { second: 1n, minute: 60n, hour: 3600n, day: 86_400n };

/** date_trunc('hour', ts) >= t → ts >= the first hour that is not before t. */
function truncated(comparison: Comparison, context: RuleContext): Expression | undefined {
  const { operand, constant } = comparison;
  if (operand.kind !== 'call' || operand.function !== 'date_trunc' || operand.args.length !== 2) return undefined;
  const [unit, column] = operand.args;
  if (
    unit?.kind !== 'literal' ||
    column?.type.kind !== 'timestamp' ||
    column.type.timezone !== null ||
    !sameType(operand.type, column.type)
  )
    return undefined;
  const seconds = FIXED_SECONDS[String(unit.value).toLowerCase()];
  if (seconds === undefined || !sameType(constant.type, column.type)) return undefined;
  const truncatedConstant = context.evaluateConstant({ ...operand, args: [unit, constant] }) as bigint;
  const length = seconds * UNITS_PER_SECOND[column.type.unit];
  return within(comparison, column, constant.value as bigint, truncatedConstant, truncatedConstant + length);
}

/** The buckets' starts are compared with value, which lies in the bucket [start, end): a condition on the column inside the bucket. */
function within(comparison: Comparison, column: Expression, value: bigint, start: bigint, end: bigint): Expression | undefined {
  const { operator, position } = comparison;
  const exact = value === start;
  switch (operator) {
    case 'eq':
      return exact ? conjunction([compare('ge', column, start, position), compare('lt', column, end, position)]) : undefined;
    case 'ge':
      return compare('ge', column, exact ? start : end, position);
    case 'gt':
      return compare('ge', column, end, position);
    case 'lt':
      return compare('lt', column, exact ? start : end, position);
    case 'le':
      return compare('lt', column, end, position);
    default:
      return undefined;
  }
}
