/** Buckets of time as a grid: width, where it counts from, and the zone whose calendar and clocks it is cut in. */
import { flatVector, type IntervalValue, type Vector } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { type DataType, UNITS_PER_SECOND } from '../../core/types.js';
import type { MoveContext } from '../expression/gather.js';
import { int64Slot } from '../expression/int64-slot.js';
import { zoneTable } from '../expression/zone-shift.js';
import type { BucketGrid, BucketWidth } from '../plan/buckets.js';

export const NS_PER_SECOND = 1_000_000_000n;
export const NS_PER_DAY = 86_400n * NS_PER_SECOND;

/** 2000-01-03, a Monday: where buckets count from, as TimescaleDB and DuckDB do. */
const SINCE_2000_NANOSECONDS = 946_857_600n * NS_PER_SECOND;
const SINCE_2000_MONTH = 2000 * 12;

/** The grid of time_bucket and SAMPLE BY, moved by an offset. */
export function gridSince2000(width: BucketWidth, zone: string | undefined, offset: IntervalValue | null = null): BucketGrid {
  const shift = offset ? BigInt(offset.days) * NS_PER_DAY + offset.nanoseconds : 0n;
  const base = 'months' in width ? 0n : SINCE_2000_NANOSECONDS;
  return { width, originNanoseconds: base + shift, originMonth: SINCE_2000_MONTH + (offset?.months ?? 0), zone };
}

/** The grid with a bucket that starts at the origin (nanoseconds, wall time; months: in its month), moved by an offset. */
export function gridAt(width: BucketWidth, zone: string | undefined, origin: bigint | undefined, offset: IntervalValue | null): BucketGrid {
  const base = gridSince2000(width, zone, offset);
  if (origin === undefined) return base;
  if ('months' in width) return { ...base, originMonth: monthAndRest(origin).month + (offset?.months ?? 0) };
  return { ...base, originNanoseconds: base.originNanoseconds - SINCE_2000_NANOSECONDS + origin };
}

/** The offset that moves the grid of gridSince2000 so that a bucket starts at this wall time. */
export function offsetTo(width: BucketWidth, wallNanoseconds: bigint): IntervalValue {
  if (!('months' in width)) return intervalOf(0, wallNanoseconds - SINCE_2000_NANOSECONDS);
  const { month, rest } = monthAndRest(wallNanoseconds);
  return intervalOf(month - SINCE_2000_MONTH, rest);
}

/** The grid with a bucket that starts at this wall time. */
export function gridFrom(width: BucketWidth, zone: string | undefined, wallNanoseconds: bigint): BucketGrid {
  return gridSince2000(width, zone, offsetTo(width, wallNanoseconds));
}

function intervalOf(months: number, nanoseconds: bigint): IntervalValue {
  const days = nanoseconds / NS_PER_DAY;
  return { months, days: Number(days), nanoseconds: nanoseconds - days * NS_PER_DAY };
}

/** The month since year 0, and nanoseconds since its first. */
function monthAndRest(nanoseconds: bigint): { readonly month: number; readonly rest: bigint } {
  const day = ((nanoseconds % NS_PER_DAY) + NS_PER_DAY) % NS_PER_DAY;
  const date = new Date(Number((nanoseconds - day) / 1_000_000n));
  return { month: date.getUTCFullYear() * 12 + date.getUTCMonth(), rest: BigInt(date.getUTCDate() - 1) * NS_PER_DAY + day };
}

/** Fails with `invalid_argument`. */
export function widthOf(name: string, value: IntervalValue): BucketWidth {
  const nanoseconds = BigInt(value.days) * NS_PER_DAY + value.nanoseconds;
  if (value.months !== 0 && nanoseconds !== 0n)
    throw new DbError('invalid_argument', `the width of ${name} must not mix months with shorter units`);
  if (value.months < 0 || nanoseconds < 0n || (value.months === 0 && nanoseconds === 0n)) {
    throw new DbError('invalid_argument', `the width of ${name} must be more than nothing`);
  }
  return value.months !== 0 ? { months: value.months } : { nanoseconds };
}

function nanosecondsPerTick(type: DataType): bigint {
  return type.kind === 'timestamp' ? NS_PER_SECOND / UNITS_PER_SECOND[type.unit] : NS_PER_SECOND;
}

/** Buckets of a timestamp vector. Fails with `invalid_argument` when the type's unit is too coarse. */
export function bucketVector(
  name: string,
  vector: Vector,
  grid: BucketGrid,
  rowCount: number,
  context: MoveContext,
  validity: number,
): Vector {
  const { kernels } = context;
  const { width } = grid;
  const nsPerTick = nanosecondsPerTick(vector.type);
  if ('nanoseconds' in width && nsPerTick % width.nanoseconds === 0n) return vector;
  checkUnit(name, width, vector.type);
  const rows = vector.encoding === 'constant' ? 1 : rowCount;
  const out = context.scratch.allocate(8 * Math.max(8, rows));
  let bad = -1;
  if (grid.zone !== undefined) {
    const { starts, offsets, count } = zoneTable(vector, grid.zone, rows, context);
    bad = kernels.bucket_zoned_i64(
      vector.values,
      1,
      gridSlots(grid, vector.type, context),
      isWhole(grid),
      starts,
      offsets,
      count,
      rows,
      out,
      validity,
    );
  } else if ('nanoseconds' in width) {
    const ticks = int64Slot(width.nanoseconds / nsPerTick, context);
    bad = kernels.bucket_i64(vector.values, 1, ticks, int64Slot(grid.originNanoseconds / nsPerTick, context), rows, out, validity);
  } else if (grid.originNanoseconds === 0n) {
    const perDay = int64Slot(NS_PER_DAY / nsPerTick, context);
    kernels.bucket_months_i64(vector.values, 1, perDay, width.months, grid.originMonth, rows, out);
  } else {
    const { starts, offsets } = utcTable(context);
    bad = kernels.bucket_zoned_i64(vector.values, 1, gridSlots(grid, vector.type, context), 1, starts, offsets, 1, rows, out, validity);
  }
  if (bad >= 0) throw new DbError('numeric_overflow', `overflow: a bucket of ${name} starts before the range of its type`);
  return vector.encoding === 'constant' ? { ...vector, values: out } : flatVector(vector.type, rowCount, out, vector.validity);
}

/** Runs of rows that lie in one bucket. */
export interface BucketRuns {
  /** Starts of the buckets, one a run. */
  readonly starts: Vector;
  /** Address of the row after each run (uint32), ascending to the number of rows. */
  readonly ends: number;
}

/** Rows that a run should have on average, so that it is worth more than a row. */
const ROWS_PER_RUN = 16;

/** The runs of a flat vector without NULLs, of a grid in UTC; undefined when they are short. sorted: the times ascend. */
export function bucketRuns(vector: Vector, grid: BucketGrid, sorted: boolean, context: MoveContext): BucketRuns | undefined {
  const { kernels, scratch } = context;
  const most = Math.ceil(vector.length / ROWS_PER_RUN);
  const [starts, ends] = [scratch.allocate(8 * Math.max(8, most)), scratch.allocate(4 * Math.max(16, most))];
  const runs = kernels.bucket_runs_i64(
    vector.values,
    vector.length,
    sorted ? 1 : 0,
    gridSlots(grid, vector.type, context),
    most,
    starts,
    ends,
  );
  return runs < 0 ? undefined : { starts: flatVector(vector.type, runs, starts), ends };
}

/** As bucketVector, every row with an origin of its own (UTC). */
export function bucketVectorSince(
  vector: Vector,
  origins: Vector,
  width: BucketWidth,
  rowCount: number,
  context: MoveContext,
  validity: number,
): number {
  checkUnit('time_bucket_since', width, vector.type);
  const grid = gridSlots({ width, originNanoseconds: 0n, originMonth: 0, zone: undefined }, vector.type, context);
  const out = context.scratch.allocate(8 * Math.max(8, rowCount));
  const step = (of: Vector) => (of.encoding === 'constant' ? 0 : 1);
  const bad = context.kernels.bucket_since_i64(vector.values, step(vector), origins.values, step(origins), grid, rowCount, out, validity);
  if (bad >= 0) throw new DbError('numeric_overflow', 'overflow: a bucket of time_bucket_since starts before the range of its type');
  return out;
}

function checkUnit(name: string, width: BucketWidth, type: DataType): void {
  if ('months' in width || width.nanoseconds % nanosecondsPerTick(type) === 0n) return;
  throw new DbError('invalid_argument', `the width of ${name} is no multiple of the unit of ${type.kind}`, {
    hint: 'cast the timestamp to a finer unit',
  });
}

/** Starts of the buckets that hold any tick of [from, to): address and number. room: where they go. Fails with `invalid_argument` when they are too many. */
export function bucketSeries(
  grid: BucketGrid,
  type: DataType,
  range: { readonly from: bigint; readonly to: bigint },
  most: { readonly buckets: number; readonly position: number },
  context: MoveContext,
  room: (bytes: number) => number,
): { readonly address: number; readonly count: number } {
  const { arena, kernels, scratch } = context;
  const even = evenBuckets(grid, type, range);
  if (even) {
    if (even.count > most.buckets) throw tooManyBuckets(most.position);
    const address = room(Math.max(64, 8 * even.count));
    kernels.progression_i64(int64Slot(even.first, context), int64Slot(even.width, context), even.count, address);
    return { address, count: even.count };
  }
  const slots = scratch.allocate(64);
  arena.i64[slots / 8] = range.from;
  arena.i64[slots / 8 + 1] = range.to;
  const ends = flatVector(type, 2, slots);
  const { starts, offsets, count } = grid.zone === undefined ? utcTable(context) : zoneTable(ends, grid.zone, 2, context);
  const cells = gridSlots(grid, type, context);
  const buckets = kernels.bucket_series_i64(slots, cells, isWhole(grid), starts, offsets, count, most.buckets + 1, 0);
  if (buckets > most.buckets) throw tooManyBuckets(most.position);
  const address = room(Math.max(64, 8 * buckets));
  kernels.bucket_series_i64(slots, cells, isWhole(grid), starts, offsets, count, most.buckets + 1, address);
  return { address, count: buckets };
}

function tooManyBuckets(position: number): DbError {
  return new DbError('invalid_argument', 'filling the gaps would give too many rows', {
    position,
    hint: 'take wider buckets or a shorter range',
  });
}

/** Buckets of one width, all of them far from the ends of int64; undefined for others. */
function evenBuckets(
  { width, zone, originNanoseconds }: BucketGrid,
  type: DataType,
  { from, to }: { readonly from: bigint; readonly to: bigint },
): { readonly first: bigint; readonly width: bigint; readonly count: number } | undefined {
  if (zone !== undefined || 'months' in width || to <= from) return undefined;
  const perTick = nanosecondsPerTick(type);
  const ticks = width.nanoseconds / perTick;
  if (ticks <= 0n) return undefined;
  const since = from - originNanoseconds / perTick;
  const first = from - (((since % ticks) + ticks) % ticks);
  if (first < -(2n ** 62n) || to > 2n ** 62n) return undefined;
  return { first, width: ticks, count: Number((to - first + ticks - 1n) / ticks) };
}

function utcTable(context: MoveContext): { readonly starts: number; readonly offsets: number; readonly count: number } {
  return { starts: int64Slot(-(2n ** 63n), context), offsets: int64Slot(0n, context), count: 1 };
}

/** Days and longer start once, shorter buckets whenever the clock shows their start. */
function isWhole({ width }: BucketGrid): number {
  return 'months' in width || width.nanoseconds >= NS_PER_DAY ? 1 : 0;
}

/** The grid as kernels read it, with room for one more period. */
function gridSlots(grid: BucketGrid, type: DataType, context: MoveContext): number {
  const { width } = grid;
  const nsPerTick = nanosecondsPerTick(type);
  const address = context.scratch.allocate(64);
  const cells = [
    'months' in width ? 0n : width.nanoseconds / nsPerTick,
    grid.originNanoseconds / nsPerTick,
    NS_PER_DAY / nsPerTick,
    'months' in width ? BigInt(width.months) : 0n,
    BigInt(grid.originMonth),
  ];
  cells.forEach((cell, i) => {
    context.arena.i64[address / 8 + i] = cell;
  });
  return address;
}
