/** What zone maps tell of a condition: whether no row, every row or some rows of a segment can fulfil it. */
import type { Value } from '../../../core/batch.js';
import type { SegmentView, ZoneMap } from '../../../core/contracts.js';
import { isText } from '../../../core/types.js';
import type { ColumnId, Expression, InExpression } from '../../plan/expression.js';

export type Verdict = 'none' | 'some' | 'all';

/** Zone maps of a segment by column id. */
export type Zones = (id: ColumnId) => ZoneMap | undefined;

export function zonesOf(segment: SegmentView, columns: readonly { readonly id: ColumnId; readonly columnIndex: number }[]): Zones {
  const indexes = new Map(columns.map((column) => [column.id, column.columnIndex] as const));
  return (id) => {
    const index = indexes.get(id);
    return index === undefined || index < 0 ? undefined : segment.zoneMaps[index];
  };
}

type Bound = number | bigint | string;

type Comparison = 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge';

const MIRRORED = { eq: 'eq', ne: 'ne', lt: 'gt', le: 'ge', gt: 'lt', ge: 'le' } as const satisfies Record<Comparison, Comparison>;

/** `rowCount`: rows of the segment, deleted ones included. */
export function verdictOf(condition: Expression, zones: Zones, rowCount: number): Verdict {
  switch (condition.kind) {
    case 'and': {
      const verdicts = condition.operands.map((operand) => verdictOf(operand, zones, rowCount));
      if (verdicts.includes('none')) return 'none';
      return verdicts.every((verdict) => verdict === 'all') ? 'all' : 'some';
    }
    case 'or': {
      const verdicts = condition.operands.map((operand) => verdictOf(operand, zones, rowCount));
      if (verdicts.includes('all')) return 'all';
      return verdicts.every((verdict) => verdict === 'none') ? 'none' : 'some';
    }
    case 'literal':
      return condition.value === true ? 'all' : 'none';
    case 'is_null':
      return condition.operand.kind === 'column' ? nullVerdict(zones(condition.operand.id), condition.negated, rowCount) : 'some';
    case 'in':
      return condition.operand.kind === 'column' && !condition.negated ? inVerdict(condition, zones(condition.operand.id)) : 'some';
    case 'call':
      return comparisonVerdict(condition.function, condition.args, zones);
    default:
      return 'some';
  }
}

function nullVerdict(zone: ZoneMap | undefined, negated: boolean, rowCount: number): Verdict {
  if (!zone) return 'some';
  const nulls = zone.nullCount === 0 ? 'none' : zone.nullCount >= rowCount ? 'all' : 'some';
  if (!negated || nulls === 'some') return nulls;
  return nulls === 'all' ? 'none' : 'all';
}

function inVerdict(condition: InExpression, zone: ZoneMap | undefined): Verdict {
  const text = isText(condition.operand.type);
  const possible = condition.values.some((value) => {
    const bound = boundOf(value);
    return bound === undefined || compareZone('eq', bound, zone, text) !== 'none';
  });
  return possible ? 'some' : 'none';
}

function comparisonVerdict(name: string, args: readonly Expression[], zones: Zones): Verdict {
  if (!(name in MIRRORED) || args.length !== 2) return 'some';
  const [left, right] = args;
  if (left?.kind === 'column' && right?.kind === 'literal') return literalVerdict(name as Comparison, left, right.value, zones);
  if (left?.kind === 'literal' && right?.kind === 'column') return literalVerdict(MIRRORED[name as Comparison], right, left.value, zones);
  return 'some';
}

function literalVerdict(comparison: Comparison, column: Extract<Expression, { kind: 'column' }>, value: Value, zones: Zones): Verdict {
  if (value === null) return 'none';
  const bound = boundOf(value);
  return bound === undefined ? 'some' : compareZone(comparison, bound, zones(column.id), isText(column.type));
}

function boundOf(value: Value): Bound | undefined {
  return typeof value === 'number' || typeof value === 'bigint' || typeof value === 'string' ? value : undefined;
}

function compareZone(comparison: Comparison, value: Bound, zone: ZoneMap | undefined, text: boolean): Verdict {
  if (!zone || zone.min === undefined || zone.max === undefined) return 'some';
  const low = compareBounds(zone.min, value, text);
  const high = compareBounds(zone.max, value, text);
  if (low === undefined || high === undefined) return 'some';
  const { none, all } = verdicts(comparison, low, high, text);
  if (none) return 'none';
  return all && zone.nullCount === 0 ? 'all' : 'some';
}

/** low and high: the order of the smallest and the largest value against the bound. Text bounds may be wider than the values. */
function verdicts(comparison: Comparison, low: number, high: number, text: boolean): { none: boolean; all: boolean } {
  switch (comparison) {
    case 'eq':
      return { none: low > 0 || high < 0, all: !text && low === 0 && high === 0 };
    case 'ne':
      return { none: !text && low === 0 && high === 0, all: low > 0 || high < 0 };
    case 'lt':
      return { none: low >= 0, all: high < 0 };
    case 'le':
      return { none: low > 0, all: high <= 0 };
    case 'gt':
      return { none: high <= 0, all: low > 0 };
    case 'ge':
      return { none: high < 0, all: low >= 0 };
  }
}

/** Sign of a − b in the order of their type; undefined when they cannot be compared. NaN is the largest float. */
function compareBounds(a: Bound, b: Bound, text: boolean): number | undefined {
  if (text) {
    return typeof a === 'string' && typeof b === 'string' ? Buffer.compare(Buffer.from(a, 'utf8'), Buffer.from(b, 'utf8')) : undefined;
  }
  if (typeof a === 'string' || typeof b === 'string') return undefined;
  if (Number.isNaN(a) || Number.isNaN(b)) return (Number.isNaN(a) ? 1 : 0) - (Number.isNaN(b) ? 1 : 0);
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The closed or open bounds that conjuncts put on a column of 64-bit ticks. */
export interface TimeBounds {
  readonly low: { readonly value: bigint; readonly above: boolean } | null;
  readonly high: { readonly value: bigint; readonly above: boolean } | null;
}

/** Of the conditions of plans that are run again and again, for the column that was asked for last. */
const knownBounds = new WeakMap<readonly Expression[], { readonly id: ColumnId; readonly bounds: TimeBounds }>();

/** Bounds of [first row, end row): rows before the first `low` and from the first past `high` on cannot fulfil the conditions. */
export function timeBounds(conditions: readonly Expression[], id: ColumnId): TimeBounds {
  const known = knownBounds.get(conditions);
  if (known?.id === id) return known.bounds;
  const bounds = findBounds(conditions, id);
  knownBounds.set(conditions, { id, bounds });
  return bounds;
}

function findBounds(conditions: readonly Expression[], id: ColumnId): TimeBounds {
  let low: TimeBounds['low'] = null;
  let high: TimeBounds['high'] = null;
  for (const condition of conditions.flatMap((one) => (one.kind === 'and' ? one.operands : [one]))) {
    const bound = tickBound(condition, id);
    if (!bound) continue;
    const { comparison, value } = bound;
    if (comparison === 'eq' || comparison === 'ge' || comparison === 'gt') {
      const above = comparison === 'gt';
      if (!low || value > low.value || (value === low.value && above)) low = { value, above };
    }
    if (comparison === 'eq' || comparison === 'le' || comparison === 'lt') {
      const above = comparison !== 'lt';
      if (!high || value < high.value || (value === high.value && !above)) high = { value, above };
    }
  }
  return { low, high };
}

/** True when the condition says nothing else than a bound that timeBounds() takes from it. */
export function isTimeBound(condition: Expression, id: ColumnId): boolean {
  if (condition.kind === 'and') return condition.operands.every((one) => isTimeBound(one, id));
  const bound = tickBound(condition, id);
  return bound !== undefined && bound.comparison !== 'ne';
}

function tickBound(condition: Expression, id: ColumnId): { comparison: Comparison; value: bigint } | undefined {
  if (condition.kind !== 'call' || !(condition.function in MIRRORED)) return undefined;
  const [left, right] = condition.args;
  const comparison = condition.function as Comparison;
  if (left?.kind === 'column' && left.id === id && right?.kind === 'literal' && typeof right.value === 'bigint') {
    return { comparison, value: right.value };
  }
  if (right?.kind === 'column' && right.id === id && left?.kind === 'literal' && typeof left.value === 'bigint') {
    return { comparison: MIRRORED[comparison], value: left.value };
  }
  return undefined;
}

export const NO_BOUNDS: TimeBounds = { low: null, high: null };

/** What fulfils both. */
export function bothBounds(a: TimeBounds, b: TimeBounds): TimeBounds {
  const lower = (x: TimeBounds['low'], y: TimeBounds['low']) =>
    !x || (y && (y.value > x.value || (y.value === x.value && y.above))) ? y : x;
  const upper = (x: TimeBounds['high'], y: TimeBounds['high']) =>
    !x || (y && (y.value < x.value || (y.value === x.value && !y.above))) ? y : x;
  return { low: lower(a.low, b.low), high: upper(a.high, b.high) };
}

export function sameBounds(a: TimeBounds, b: TimeBounds): boolean {
  const same = (x: TimeBounds['low'], y: TimeBounds['low']) => x === y || (x?.value === y?.value && x?.above === y?.above);
  return same(a.low, b.low) && same(a.high, b.high);
}
