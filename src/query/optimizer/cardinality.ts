/** How many rows a plan gives and how many distinct values its columns have, guessed from row counts, zone maps and dictionaries. Results never depend on it. */
import type { SegmentView } from '../../core/contracts.js';
import { conjuncts } from '../binder/expressions.js';
import { type ColumnId, columnsOf, type Expression } from '../plan/expression.js';
import type { AggregatePlan, JoinPlan, LogicalPlan, PlanKind, PlanOf, ProjectPlan, ScanPlan } from '../plan/logical.js';
import { type Range, selectivityOf } from './selectivity.js';

export interface Cardinality {
  readonly rows: number;
  /** Distinct values by column, where something is known of them. */
  readonly distinct: ReadonlyMap<ColumnId, number>;
  readonly ranges: ReadonlyMap<ColumnId, Range>;
  /** Rows of the table before any filter; only of scans, as long as nothing multiplies them. */
  readonly unfiltered?: number;
}

/** How many values a key of unknown columns may have: filters take away rows, they do not make the keys of the other side fewer. */
export function unfilteredRows({ unfiltered, rows }: Cardinality): number {
  return unfiltered ?? rows;
}

const known = new WeakMap<LogicalPlan, Cardinality>();

export function cardinalityOf(plan: LogicalPlan): Cardinality {
  let result = known.get(plan);
  if (!result) {
    result = compute(plan);
    known.set(plan, result);
  }
  return result;
}

export function estimatedRows(plan: LogicalPlan): number {
  return cardinalityOf(plan).rows;
}

/** Distinct values of an expression; undefined when nothing is known of its columns. */
export function knownDistinct(expression: Expression, input: Cardinality): number | undefined {
  let product = 1;
  for (const id of columnsOf(expression)) product *= input.distinct.get(id) ?? Number.NaN;
  return Number.isNaN(product) ? undefined : Math.max(1, Math.min(input.rows, product));
}

/** The same, at most as many as there are rows. */
export function distinctOf(expression: Expression, input: Cardinality): number {
  return knownDistinct(expression, input) ?? Math.max(1, input.rows);
}

function plain(rows: number): Cardinality {
  return { rows, distinct: new Map(), ranges: new Map() };
}

function compute(plan: LogicalPlan): Cardinality {
  const estimate = ESTIMATES[plan.kind] as (plan: LogicalPlan) => Cardinality;
  return estimate(plan);
}

const ofInput = (plan: { readonly input: LogicalPlan }): Cardinality => cardinalityOf(plan.input);
const halfOfInput = (plan: { readonly input: LogicalPlan }): Cardinality => scaled(cardinalityOf(plan.input), 0.5);
const upToLimit = (plan: PlanOf<'sort' | 'limit'>): Cardinality => limited(ofInput(plan), plan.limit ?? Number.POSITIVE_INFINITY);

const ESTIMATES: { readonly [K in PlanKind]: (plan: PlanOf<K>) => Cardinality } = {
  scan: scanCardinality,
  values: (plan) => plain(plan.rows.length),
  series: () => plain(1000),
  file: () => plain(100_000),
  reference: () => plain(1000),
  filter: (plan) => {
    const input = cardinalityOf(plan.input);
    return scaled(input, selectivityOf(conjuncts(plan.condition), input));
  },
  project: projectCardinality,
  aggregate: aggregateCardinality,
  distinct: (plan) => {
    const input = cardinalityOf(plan.input);
    let groups = 1;
    for (const column of plan.output) groups *= input.distinct.get(column.id) ?? Math.max(1, input.rows);
    return limited(input, groups);
  },
  grouping_sets: (plan) => plain(estimatedRows(plan.input) * 0.1 * plan.sets.length),
  recursive: (plan) => plain(estimatedRows(plan.base) + estimatedRows(plan.step) * 10),
  gap_fill: (plan) => plain(estimatedRows(plan.input) * 2),
  number: ofInput,
  cut: ofInput,
  with: ofInput,
  window: ofInput,
  unnest: (plan) => plain(estimatedRows(plan.input) * 4),
  limit_by: halfOfInput,
  top_by: halfOfInput,
  positional: (plan) => plain(Math.max(estimatedRows(plan.left), estimatedRows(plan.right))),
  sort: upToLimit,
  limit: upToLimit,
  join: joinCardinality,
  asof: (plan) => {
    const [left, right] = [cardinalityOf(plan.left), cardinalityOf(plan.right)];
    const both = besides(left, right, left.rows);
    return plan.join === 'inner' && right.rows === 0 ? scaled(both, 0) : both;
  },
  window_join: (plan) => cardinalityOf(plan.left),
  horizon_join: (plan) => plain(estimatedRows(plan.left) * plan.offsets.length),
  union: (plan) => plain(plan.inputs.reduce((sum, input) => sum + estimatedRows(input), 0)),
};

/** So many rows with the columns of both. */
function besides(left: Cardinality, right: Cardinality, rows: number): Cardinality {
  return { rows, distinct: new Map([...left.distinct, ...right.distinct]), ranges: new Map([...left.ranges, ...right.ranges]) };
}

function projectCardinality(plan: ProjectPlan): Cardinality {
  const input = cardinalityOf(plan.input);
  const distinct = new Map<ColumnId, number>();
  const ranges = new Map<ColumnId, Range>();
  plan.output.forEach((column, i) => {
    const expression = plan.expressions[i] as Expression;
    const values = knownDistinct(expression, input);
    if (values !== undefined) distinct.set(column.id, values);
    const range = expression.kind === 'column' ? input.ranges.get(expression.id) : undefined;
    if (range) ranges.set(column.id, range);
  });
  return { rows: input.rows, distinct, ranges };
}

/** As many of the rows, spread evenly. */
function scaled(input: Cardinality, share: number): Cardinality {
  return limited(input, input.rows * Math.min(1, share));
}

function limited(input: Cardinality, most: number): Cardinality {
  if (most >= input.rows) return input;
  const distinct = new Map<ColumnId, number>();
  for (const [id, count] of input.distinct) distinct.set(id, Math.min(count, Math.max(1, most)));
  return { rows: most, distinct, ranges: input.ranges, ...(input.unfiltered === undefined ? {} : { unfiltered: input.unfiltered }) };
}

function scanCardinality(plan: ScanPlan): Cardinality {
  const { source } = plan;
  const distinct = new Map<ColumnId, number>();
  const ranges = new Map<ColumnId, Range>();
  for (const { id, columnIndex } of plan.columns) {
    if (columnIndex < 0) continue;
    const range = rangeOf(source.segments, columnIndex);
    if (range) ranges.set(id, range);
    const kind = source.table.definition.columns[columnIndex]?.type.kind ?? '';
    const whole = range && WHOLE.has(kind) ? wholeValues(range, source.rowCount) : Number.POSITIVE_INFINITY;
    const values = Math.min(whole, source.distinctValues?.(columnIndex) ?? Number.POSITIVE_INFINITY);
    if (Number.isFinite(values)) distinct.set(id, Math.max(1, Math.min(values, source.rowCount)));
  }
  const all: Cardinality = { rows: source.rowCount, distinct, ranges, unfiltered: source.rowCount };
  const left = plan.filters.length === 0 ? all : scaled(all, selectivityOf(plan.filters.flatMap(conjuncts), all));
  const keys = plan.pick?.kind === 'latest' ? distinct.get(plan.pick.key) : undefined;
  return keys === undefined || keys >= left.rows ? left : scaled(left, keys / left.rows);
}

const WHOLE: ReadonlySet<string> = new Set(['int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64', 'date32', 'decimal']);

interface ScannedRange extends Range {
  /** Rows of the segments whose range is known. */
  readonly rows: number;
}

/** The range over the segments whose range is known. */
function rangeOf(segments: readonly SegmentView[], columnIndex: number): ScannedRange | undefined {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  let rows = 0;
  for (const { zoneMaps, rowCount } of segments) {
    const zone = zoneMaps[columnIndex];
    if (!zone || zone.min === undefined || zone.max === undefined || typeof zone.min === 'string') continue;
    low = Math.min(low, Number(zone.min));
    high = Math.max(high, Number(zone.max));
    rows += rowCount;
  }
  return low <= high ? { low, high, rows } : undefined;
}

/** As many whole numbers as the range has; of a column that nearly counts its rows, also those of segments without a known range. */
function wholeValues({ low, high, rows }: ScannedRange, all: number): number {
  const values = high - low + 1;
  return values > rows / 10 ? values * Math.max(1, all / Math.max(1, rows)) : values;
}

function aggregateCardinality(plan: AggregatePlan): Cardinality {
  if (plan.groups.length === 0) return plain(1);
  const input = cardinalityOf(plan.input);
  const distinct = new Map<ColumnId, number>();
  let groups = 1;
  plan.groups.forEach((group, i) => {
    const values = distinctOf(group, input);
    groups *= values;
    distinct.set(plan.output[i]?.id ?? -1, values);
  });
  return limited({ rows: Math.min(groups, input.rows), distinct, ranges: new Map() }, input.rows);
}

function joinCardinality(plan: JoinPlan): Cardinality {
  const left = cardinalityOf(plan.left);
  const right = cardinalityOf(plan.right);
  const both = besides(left, right, left.rows * right.rows);
  const residual = plan.residual === null ? 1 : selectivityOf(conjuncts(plan.residual), both);
  if (plan.join === 'semi' || plan.join === 'anti') {
    let share = right.rows === 0 ? 0 : 1;
    for (const key of plan.keys) share *= Math.min(1, distinctOf(key.right, right) / distinctOf(key.left, left));
    share *= plan.keys.length === 0 ? 1 : residual;
    return scaled(left, Math.max(0.001, plan.join === 'semi' ? share : 1 - share));
  }
  const matches = both.rows * keySelectivity(plan.keys, left, right) * residual;
  const least = plan.join === 'left' ? left.rows : plan.join === 'right' ? right.rows : plan.join === 'full' ? left.rows + right.rows : 0;
  return limited(both, Math.max(least, matches));
}

function keySelectivity(keys: JoinPlan['keys'], left: Cardinality, right: Cardinality): number {
  let pairs = 1;
  const [rowsLeft, rowsRight] = [unfilteredRows(left), unfilteredRows(right)];
  for (const key of keys) pairs *= pairedDistinct(knownDistinct(key.left, left), knownDistinct(key.right, right), rowsLeft, rowsRight);
  // Several keys are seldom independent: together they are not more than the rows of the larger side.
  return 1 / (keys.length > 1 ? Math.min(pairs, Math.max(left.rows, right.rows, 1)) : pairs);
}

/** One of how many pairs of rows has equal keys: where nothing is known, the smaller side is taken for the one that has each key once. */
export function pairedDistinct(a: number | undefined, b: number | undefined, rowsA: number, rowsB: number): number {
  return Math.max(1, a ?? 0, b ?? 0, a === undefined && b === undefined ? Math.min(rowsA, rowsB) : 0);
}
