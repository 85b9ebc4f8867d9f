/** Sources of pipelines as the coordinating thread sees them: tables (read when they are needed) and rows that are there already. */

import { assert } from '../../core/assert.js';
import { flatVector, type Vector } from '../../core/batch.js';
import type { PinnedSegment, SegmentView } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import type { StopSignal } from '../../core/stop-signal.js';
import { INT32 } from '../../core/types.js';
import type { ColumnId, Expression } from '../plan/expression.js';
import { columnsOf } from '../plan/expression.js';
import { type ScanPlan, timeColumnOf } from '../plan/logical.js';
import { rowBytesOf } from '../spill/page.js';
import type { QueryRun } from './query-run.js';
import { timeOrderOf } from './scan/scan-order.js';
import { isGroupedBy, isOneGroup, isOutside, rangesOf, type SymbolCondition, symbolConditions } from './scan/scan-ranges.js';
import {
  bothBounds,
  isTimeBound,
  NO_BOUNDS,
  sameBounds,
  type TimeBounds,
  timeBounds,
  verdictOf,
  type Zones,
  zonesOf,
} from './scan/zone-pruning.js';
import type { Branch, Lane, LaneRange, OperatorSpec, Piece } from './task.js';

/**
 * Vectors' worth of rows in a lane: few where the rows are few, so that all threads have some, and more where each lane would only cost its
 * setting up. Lanes depend on the data only, so that results do not depend on threads.
 */
const SMALL_LANE_VECTORS = 24;
const LARGE_LANE_VECTORS = 64;
const ENOUGH_LANES = 8;
const MAX_LANES = 64;

/** A unit of a source: a segment or a piece. */
export interface SourceUnit {
  /** Rows [first, first + rowCount) of it are wanted. */
  readonly first: number;
  readonly rowCount: number;
  /** Memory that the open unit takes, about; undefined: its rows are in memory already. */
  readonly sizeBytes?: number;
  /** Makes the rows readable; the range is what remains of the wanted rows after a look at the values. */
  open(signal: StopSignal): Promise<OpenUnit>;
}

export interface OpenUnit {
  readonly piece: Piece;
  readonly first: number;
  readonly end: number;
  release(): void;
}

export interface PipelineBranch {
  readonly columns: readonly ColumnId[];
  readonly units: readonly SourceUnit[];
  readonly operators: readonly OperatorSpec[];
  readonly counter: number;
  /** A column in which the rows of each unit ascend. */
  readonly ascending?: ColumnId;
}

/** Streaming work that is still to be done. */
export interface Pipeline {
  readonly branches: readonly PipelineBranch[];
}

/** Rows of one source, before any operator. */
export function sourcePipeline(columns: readonly ColumnId[], units: readonly SourceUnit[], counter: number): Pipeline {
  return { branches: [{ columns, units, operators: [], counter }] };
}

export function rowsOf(pipeline: Pipeline): number {
  return pipeline.branches.reduce((sum, branch) => sum + branch.units.reduce((rows, unit) => rows + unit.rowCount, 0), 0);
}

/** Memory that all units would take at once, about. */
export function bytesOf(pipeline: Pipeline): number {
  return pipeline.branches.reduce((sum, branch) => sum + branch.units.reduce((bytes, unit) => bytes + (unit.sizeBytes ?? 0), 0), 0);
}

/** The same pipeline with one more operator on every branch. */
export function withOperator(pipeline: Pipeline, operator: OperatorSpec): Pipeline {
  return { branches: pipeline.branches.map((branch) => ({ ...branch, operators: [...branch.operators, operator] })) };
}

/** Rows that are in memory already. */
export function pieceUnit(piece: Piece, rowCount: number): SourceUnit {
  const open: OpenUnit = { piece, first: 0, end: rowCount, release: () => undefined };
  return { first: 0, rowCount, open: () => Promise.resolve(open) };
}

/**
 * The segments of a table that the filters leave, and the filters that are left to check. `more`: conditions that only the run knows; `bounds`: bounds
 * of the time that are known besides.
 */
export function scanBranch(scan: ScanPlan, run: QueryRun, more: readonly Expression[] = [], known: TimeBounds = NO_BOUNDS): PipelineBranch {
  const node = run.nodes.of(scan);
  const plan = more.length === 0 ? scan : { ...scan, filters: [...scan.filters, ...more] };
  const { kept, filters, total } = keptSegments(plan, known);
  const columns = columnsToRead(plan, filters);
  const bounds = timeBoundsOf(plan, known);
  const read = bounds && !columns.some((column) => column.columnIndex === bounds.columnIndex) ? [...columns, bounds] : columns;
  const units = kept.flatMap(({ segment, ranges }) =>
    (ranges ?? [[0, segment.rowCount] as const]).map(([first, end]) => segmentUnit(scan, segment, read, bounds, run, first, end)),
  );
  const whole = plan.source.segments.reduce((sum, segment) => sum + segment.rowCount, 0);
  node.segments = { total, pruned: total - kept.length };
  node.prunedRows += whole - units.reduce((sum, unit) => sum + unit.rowCount, 0);
  return {
    columns: read.map((column) => column.id),
    units,
    operators: filters.length === 0 ? [] : [{ kind: 'filter', conditions: filters, counter: node.counter }],
    counter: filters.length === 0 ? node.counter : node.sourceCounter,
    ...ascendingIn(plan),
  };
}

/** Rows of segments that declare it ascend by the designated timestamp. */
function ascendingIn(plan: ScanPlan): { readonly ascending?: ColumnId } {
  const time = timeColumnOf(plan);
  return time && timeOrderOf(plan.source.segments, time.columnIndex) !== 'none' ? { ascending: time.id } : {};
}

/** Rows ascend in time, in the whole segment or in each of the ranges, so that bounds of the time are cut off. */
function ascends(plan: ScanPlan, segment: SegmentView, ranges: KeptSegment['ranges']): boolean {
  return segment.order.kind === 'time' || (segment.order.kind === 'cluster' && ranges !== null) || isOneGroup(plan, segment);
}

export interface KeptSegment {
  readonly segment: SegmentView;
  /** Ranges of rows [first, end) that can fulfil conditions on the column that rows are grouped by; null = all rows. */
  readonly ranges: readonly (readonly [number, number])[] | null;
}

/** What is left of a scan. */
export interface KeptScan {
  readonly kept: readonly KeptSegment[];
  /** Filters that are still to be checked. */
  readonly filters: readonly Expression[];
  /** Of all filters. */
  readonly symbols: readonly SymbolCondition[];
  /** Segments of the table. */
  readonly total: number;
}

interface KnownScan {
  readonly segments: readonly SegmentView[];
  readonly columns: ScanPlan['columns'];
  readonly more: TimeBounds;
  readonly scan: KeptScan;
}

/** Of plans that are run again and again: by their filters, what was found last without more bounds and with some. */
const knownScans = { whole: new WeakMap<readonly Expression[], KnownScan>(), bounded: new WeakMap<readonly Expression[], KnownScan>() };

/** What zone maps and the indexes of grouped segments leave of a scan. */
export function keptSegments(plan: ScanPlan, more: TimeBounds = NO_BOUNDS): KeptScan {
  const scans = more.low || more.high ? knownScans.bounded : knownScans.whole;
  const known = scans.get(plan.filters);
  const { columns, source } = plan;
  // A commit gives a table's snapshots another list of segments.
  if (known?.segments === source.segments && known.columns === columns && sameBounds(known.more, more)) return known.scan;
  const scan = findKept(plan, more);
  scans.set(plan.filters, { segments: source.segments, columns, more, scan });
  return scan;
}

function findKept(plan: ScanPlan, more: TimeBounds): KeptScan {
  const { segments, table } = plan.source;
  const zonesBy = new Map(segments.map((segment) => [segment, zonesOf(segment, plan.columns)] as const));
  const symbols = symbolConditions(plan);
  const time = table.definition.timestampColumn;
  const hasBounds = timeBoundsOf(plan, more) !== null;
  const timeId = timeColumnOf(plan)?.id;
  const kept: KeptSegment[] = [];
  for (const segment of segments) {
    if (segment.rowCount === segment.deletedCount) continue;
    const zones = zonesBy.get(segment) as Zones;
    if (isOutside(segment, time, more)) continue;
    if (plan.filters.some((filter) => verdictOf(filter, zones, segment.rowCount) === 'none')) continue;
    const ranges = rangesOf(plan, segment, symbols, hasBounds);
    if (ranges === null || ranges.length > 0) kept.push({ segment, ranges });
  }
  const filters = plan.filters.filter((filter) => {
    const symbol = symbols.find((each) => each.condition === filter);
    const isBound = timeId !== undefined && isTimeBound(filter, timeId);
    return !kept.every(
      ({ segment, ranges }) =>
        (isBound && ascends(plan, segment, ranges)) ||
        verdictOf(filter, zonesBy.get(segment) as Zones, segment.rowCount) === 'all' ||
        (symbol && isGroupedBy(segment, symbol.columnIndex)),
    );
  });
  return { kept, filters, symbols, total: segments.length };
}

export interface ReadColumn {
  readonly id: ColumnId;
  readonly columnIndex: number;
}

export function columnsToRead(plan: ScanPlan, filters: readonly Expression[]): ReadColumn[] {
  const columns = plan.output.map((column, i): ReadColumn => ({ id: column.id, columnIndex: plan.columnIndexes[i] ?? -1 }));
  const known = new Set(columns.map((column) => column.id));
  for (const id of filters.flatMap((filter) => [...columnsOf(filter)])) {
    const column = plan.columns.find((candidate) => candidate.id === id);
    assert(column, `filter column ${id}`);
    if (!known.has(id)) columns.push(column);
    known.add(id);
  }
  return columns;
}

interface ScanBounds extends ReadColumn, TimeBounds {}

function timeBoundsOf(plan: ScanPlan, more: TimeBounds): ScanBounds | null {
  const column = timeColumnOf(plan);
  if (!column) return null;
  const bounds = bothBounds(timeBounds(plan.filters, column.id), more);
  return bounds.low || bounds.high ? { ...column, ...bounds } : null;
}

export function segmentUnit(
  plan: ScanPlan,
  segment: SegmentView,
  read: readonly ReadColumn[],
  bounds: ScanBounds | null,
  run: QueryRun,
  from: number,
  to: number,
): SourceUnit {
  const stored = [...new Set(read.filter((column) => column.columnIndex >= 0).map((column) => column.columnIndex))];
  let wasOpened = false;
  return {
    first: from,
    rowCount: to - from,
    sizeBytes: segment.rowCount * rowBytesOf(stored.flatMap((index) => plan.source.table.definition.columns[index]?.type ?? [])),
    open: async (signal) => {
      const pinned = await plan.source.pin(segment, stored, signal);
      try {
        const columns = read.map((column) => columnVector(plan, segment, column, stored, pinned, run));
        const isSorted = segment.order.kind === 'time' || to - from < segment.rowCount || isOneGroup(plan, segment);
        const time = bounds && isSorted ? columns[read.findIndex((column) => column.id === bounds.id)] : undefined;
        const [first, end] = time && bounds ? cutRows(time, from, to, bounds, run) : [from, to];
        if (!wasOpened) run.nodes.of(plan).prunedRows += to - from - (end - first);
        if (!wasOpened)
          run.nodes.of(plan).bytes += segment.sizeBytes * (stored.length / Math.max(1, plan.source.table.definition.columns.length));
        wasOpened = true;
        return { piece: { kind: 'rows', columns, alive: pinned.alive, order: 0 }, first, end, release: () => pinned.release() };
      } catch (error) {
        pinned.release();
        throw error;
      }
    },
  };
}

function columnVector(
  plan: ScanPlan,
  segment: SegmentView,
  column: ReadColumn,
  stored: readonly number[],
  pinned: PinnedSegment,
  run: QueryRun,
): Vector {
  if (column.columnIndex >= 0) {
    const vector = pinned.columns[stored.indexOf(column.columnIndex)];
    assert(vector, `pinned column ${column.columnIndex}`);
    return vector;
  }
  if (column.columnIndex === -2) return flatVector(INT32, segment.rowCount, run.rowNumbers(segment.rowCount));
  const index = run.scope.allocate(64);
  run.scope.arena.i32[index / 4] = plan.source.segments.indexOf(segment);
  return { ...flatVector(INT32, segment.rowCount, index), encoding: 'constant' };
}

/** Of rows [from, to), which ascend in time, those that the bounds leave. */
function cutRows(time: Vector, from: number, to: number, bounds: TimeBounds, run: QueryRun): [number, number] {
  const { kernels, arena } = run.options;
  assert(time.encoding === 'flat' && time.validity === 0, 'times that ascend are flat and not NULL');
  const slot = run.context.scratch.allocate(64);
  let first = from;
  let end = to;
  if (bounds.low) {
    arena.i64[slot / 8] = bounds.low.value;
    first = kernels.lower_bound_i64(time.values, first, end, slot, bounds.low.above ? 1 : 0) >>> 0;
  }
  if (bounds.high) {
    arena.i64[slot / 8] = bounds.high.value;
    end = kernels.lower_bound_i64(time.values, first, end, slot, bounds.high.above ? 1 : 0) >>> 0;
  }
  return [first, end];
}

/** A place in a pipeline's units: rows [first, end) of a unit. */
export interface UnitRange {
  readonly branch: number;
  readonly unit: number;
  readonly first: number;
  readonly end: number;
}

/** Divides the rows of a pipeline into contiguous lanes of about equally many rows, at least `fewest` where there are so many vectors. */
export function lanesOf(pipeline: Pipeline, vectorRows: number, fewest = 1): UnitRange[][] {
  const rows = rowsOf(pipeline);
  if (rows === 0) return [];
  const vectors = rows / vectorRows;
  const laneVectors = Math.min(LARGE_LANE_VECTORS, Math.max(SMALL_LANE_VECTORS, vectors / ENOUGH_LANES));
  const count = Math.max(fewest, Math.min(MAX_LANES, Math.round(vectors / laneVectors)));
  return [...cutUnits(pipeline, Math.ceil(rows / count / vectorRows) * vectorRows)];
}

/** Divides the rows of a pipeline into pieces of at most `rows` rows (a multiple of 64), cut at multiples of 64. Made one by one: a series may be endless. */
export function* cutUnits(pipeline: Pipeline, rows: number): Generator<UnitRange[], void> {
  let lane: UnitRange[] = [];
  let left = rows;
  for (const [b, branch] of pipeline.branches.entries()) {
    for (const [u, unit] of branch.units.entries()) {
      const last = unit.first + unit.rowCount;
      for (let first = unit.first; first < last; ) {
        const end = Math.min(last, first + left);
        lane.push({ branch: b, unit: u, first, end });
        left = Math.floor((left - (end - first)) / 64) * 64;
        first = end;
        if (left > 0) continue;
        yield lane;
        lane = [];
        left = rows;
      }
    }
  }
  if (lane.length > 0) yield lane;
}

/** Open units of some lanes, and the lanes and branches of the task that reads them. */
export class OpenLanes {
  readonly branches: Branch[];
  readonly lanes: Lane[] = [];
  rows = 0;
  /** Memory that the open units take, about. */
  sizeBytes = 0;
  private readonly pipeline: Pipeline;
  private readonly open = new Map<SourceUnit, { readonly unit: OpenUnit; readonly piece: number }>();
  private readonly signal: StopSignal;

  constructor(pipeline: Pipeline, signal: StopSignal) {
    this.pipeline = pipeline;
    this.signal = signal;
    this.branches = pipeline.branches.map(({ columns, operators, counter, ascending }) =>
      ascending === undefined ? { columns, operators, counter, pieces: [] } : { columns, operators, counter, ascending, pieces: [] },
    );
  }

  /** Opens what the lane needs. When that fails, what was opened before stays open. */
  async add(ranges: readonly UnitRange[]): Promise<void> {
    const opened: LaneRange[] = [];
    for (const range of ranges) {
      const { unit, piece } = await this.unitOf(range);
      const first = Math.max(range.first, unit.first);
      const end = Math.min(range.end, unit.end);
      if (first < end) opened.push({ branch: range.branch, piece, first, end });
      this.rows += Math.max(0, end - first);
    }
    this.lanes.push({ ranges: opened });
  }

  private async unitOf(range: UnitRange): Promise<{ readonly unit: OpenUnit; readonly piece: number }> {
    const source = this.pipeline.branches[range.branch]?.units[range.unit];
    const branch = this.branches[range.branch];
    assert(source && branch, `unit ${range.unit} of branch ${range.branch}`);
    let known = this.open.get(source);
    if (!known) {
      const unit = await source.open(this.signal);
      known = { unit, piece: branch.pieces.length };
      this.open.set(source, known);
      (branch.pieces as Piece[]).push(unit.piece);
      this.sizeBytes += source.sizeBytes ?? 0;
    }
    return known;
  }

  release(): void {
    for (const { unit } of this.open.values()) unit.release();
    this.open.clear();
  }
}

/** Opens lanes from `first` on until they take `mostBytes` or memory is full; at least one, or fails. */
export async function openSome(
  open: OpenLanes,
  lanes: readonly (readonly UnitRange[])[],
  first: number,
  mostBytes = Number.POSITIVE_INFINITY,
): Promise<number> {
  let opened = 0;
  for (const lane of lanes.slice(first)) {
    if (opened > 0 && open.sizeBytes >= mostBytes) return opened;
    try {
      await open.add(lane);
      opened += 1;
    } catch (error) {
      if (opened === 0 || !(error instanceof DbError) || error.code !== 'query_memory_exceeded') throw error;
      return opened;
    }
  }
  return opened;
}
