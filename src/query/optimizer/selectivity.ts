/** Shares of rows that conditions leave. */
import type { Value } from '../../core/batch.js';
import { isText, sameType } from '../../core/types.js';
import { conjuncts } from '../binder/expressions.js';
import type { ColumnId, Expression } from '../plan/expression.js';

/** Smallest and largest value as numbers of the column's physical representation. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

export interface ColumnFacts {
  readonly rows: number;
  readonly distinct: ReadonlyMap<ColumnId, number>;
  readonly ranges: ReadonlyMap<ColumnId, Range>;
}

/** What is assumed where nothing is known. */
const UNKNOWN = 0.3;
const LIKE = 0.05;

/** Share of the rows for which all conditions are true. Two bounds of one column are taken together. */
export function selectivityOf(conditions: readonly Expression[], facts: ColumnFacts): number {
  const bounds = new Map<ColumnId, { low: number; high: number }>();
  let share = 1;
  for (const condition of conditions) {
    const bound = boundOf(condition, facts);
    if (!bound) {
      share *= one(condition, facts);
      continue;
    }
    const known = bounds.get(bound.id) ?? { low: 0, high: 1 };
    bounds.set(bound.id, { low: Math.max(known.low, bound.low), high: Math.min(known.high, bound.high) });
  }
  for (const { low, high } of bounds.values()) share *= Math.max(high - low, 0.0005);
  return Math.max(0, Math.min(1, share));
}

function one(condition: Expression, facts: ColumnFacts): number {
  switch (condition.kind) {
    case 'literal':
      return condition.value === true ? 1 : 0;
    case 'and':
      return selectivityOf(conjuncts(condition), facts);
    case 'or':
      return 1 - condition.operands.reduce((rest, operand) => rest * (1 - selectivityOf([operand], facts)), 1);
    case 'not':
      return 1 - selectivityOf([condition.operand], facts);
    case 'is_null':
      return condition.negated ? 0.95 : 0.05;
    case 'in': {
      const share = Math.min(1, condition.values.length / valuesOf(condition.operand, facts));
      return condition.negated ? 1 - share : share;
    }
    case 'call':
      return callShare(condition.function, condition.args, facts);
    default:
      return UNKNOWN;
  }
}

function callShare(name: string, args: readonly Expression[], facts: ColumnFacts): number {
  const [left, right] = args;
  if (!left || !right) return UNKNOWN;
  const values = () => Math.max(valuesOf(left, facts), valuesOf(right, facts));
  switch (name) {
    case 'eq':
      return 1 / values();
    case 'ne':
      return 1 - 1 / values();
    case 'like':
    case 'ilike':
      return LIKE;
    case 'not_like':
    case 'not_ilike':
      return 1 - LIKE;
    default:
      return UNKNOWN;
  }
}

/** What is assumed of text that nothing is known of: names of kinds rather than of things. */
const TEXT_VALUES = 20;

/** Distinct values of an expression over one column; where nothing is known, of a key. */
function valuesOf(expression: Expression, facts: ColumnFacts): number {
  if (expression.kind === 'literal') return 1;
  if (expression.kind === 'cast') return valuesOf(expression.operand, facts);
  if (expression.kind === 'column') {
    const values = facts.distinct.get(expression.id) ?? (isText(expression.type) ? TEXT_VALUES : facts.rows);
    return Math.max(1, Math.min(facts.rows, values));
  }
  return Math.max(1, Math.min(100, facts.rows / 10));
}

const MIRRORED: Readonly<Record<string, string>> = { lt: 'gt', le: 'ge', gt: 'lt', ge: 'le' };

/** `column < constant` as the part of the column's range that it leaves. */
function boundOf(condition: Expression, facts: ColumnFacts): { id: ColumnId; low: number; high: number } | undefined {
  if (condition.kind !== 'call' || condition.args.length !== 2) return undefined;
  const mirrored = MIRRORED[condition.function];
  const [left, right] = condition.args;
  if (mirrored === undefined || !left || !right) return undefined;
  if (left.kind === 'column' && right.kind === 'literal' && sameType(left.type, right.type))
    return partOf(left.id, condition.function, right.value, facts);
  if (right.kind === 'column' && left.kind === 'literal' && sameType(left.type, right.type))
    return partOf(right.id, mirrored, left.value, facts);
  return undefined;
}

function partOf(id: ColumnId, operator: string, value: Value, facts: ColumnFacts): { id: ColumnId; low: number; high: number } | undefined {
  const range = facts.ranges.get(id);
  if (!range || (typeof value !== 'number' && typeof value !== 'bigint')) return undefined;
  const place = range.high > range.low ? (Number(value) - range.low) / (range.high - range.low) : 0.5;
  // A column or a constant that is not finite tells nothing.
  if (Number.isNaN(place)) return undefined;
  const share = Math.max(0, Math.min(1, place));
  return operator === 'lt' || operator === 'le' ? { id, low: 0, high: share } : { id, low: share, high: 1 };
}
