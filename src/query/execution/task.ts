/**
 * Work for one thread: plain data over the arena, posted as it is. A task's results lie in memory that then belongs to whoever asked
 * (TaskResult.owned); everything else that it allocated is free when it ends, however it ends.
 */
import type { Batch, Vector } from '../../core/batch.js';
import type { DataType } from '../../core/types.js';
import type { AccumulatorResult, CallSpec } from '../aggregates/accumulator.js';
import type { BucketGrid } from '../plan/buckets.js';
import type { ColumnId, Expression } from '../plan/expression.js';
import type { ColumnTarget } from '../windows/column-target.js';
import type { PlacedRows } from '../windows/place-rows.js';
import type { WindowOrder, WindowSpec } from '../windows/spec.js';
import type { StreamCall } from '../windows/stream-calls.js';
import type { PositionRange, TaskColumn } from '../windows/window-rows.js';
import type { GroupTableResult } from './aggregate/group-table.js';
import type { AsofBuildTask, AsofBuilt, AsofKeysTask, AsofPlaceTask, AsofSpec } from './asof/spec.js';
import type { LookupHandle } from './join/join-lookup.js';
import type { RangeLookup } from './join/range-conditions.js';
import type { MatchTable, MatchTask } from './match/task.js';
import type { SortDirection } from './sort/sort-rows.js';

/** What all tasks of a query share. */
export interface QueryFrame {
  readonly vectorRows: number;
  readonly nowNanoseconds: bigint;
  readonly timezone: string;
  /** Address of int32 words: [cancelled, memory in use in units of 64 bytes, next lane]. */
  readonly control: number;
  readonly memoryLimitBytes: number;
  /** When the time is over, in milliseconds since the epoch; 0 = no limit. Timers do not fire on a thread that computes. */
  readonly deadlineMs: number;
}

export const CANCELLED_WORD = 0;
export const MEMORY_WORD = 1;
export const CLAIM_WORD = 2;

/** Some rows of a source: of one segment, one batch, or a series. */
export type Piece = RowsPiece | SeriesPiece;

export interface RowsPiece {
  readonly kind: 'rows';
  /** One per column of the branch. */
  readonly columns: readonly Vector[];
  /** Bitmap of the rows that exist, 0 = all; indexed as the columns. */
  readonly alive: number;
  /** Row numbers in the order in which they come (uint32), 0 = as they lie. */
  readonly order: number;
}

export interface SeriesPiece {
  readonly kind: 'series';
  readonly type: DataType;
  /** Address of two int64: first value and step. */
  readonly slots: number;
}

/** A source and what is done to its rows one vector after the other. */
export interface Branch {
  /** Ids of the pieces' columns; the id of the series for series. */
  readonly columns: readonly ColumnId[];
  readonly pieces: readonly Piece[];
  readonly operators: readonly OperatorSpec[];
  /** Counter of the source. */
  readonly counter: number;
  /** A column in which the rows of each piece ascend. */
  readonly ascending?: ColumnId;
}

/** Contiguous rows of the source, worked on by one thread in order. */
export interface Lane {
  readonly ranges: readonly LaneRange[];
}

export interface LaneRange {
  readonly branch: number;
  readonly piece: number;
  /** Rows [first, end) of the piece. */
  readonly first: number;
  readonly end: number;
}

export type OperatorSpec = FilterSpec | ProjectSpec | ProbeSpec | AsofSpec | UnnestSpec | HorizonSpec | TopFilterSpec | PartitionSpec;

export interface FilterSpec {
  readonly kind: 'filter';
  readonly conditions: readonly Expression[];
  readonly counter: number;
}

export interface ProjectSpec {
  readonly kind: 'project';
  readonly ids: readonly ColumnId[];
  readonly expressions: readonly Expression[];
  readonly counter: number;
}

/** What inequalities are looked up in. */
export interface RangeTable {
  /** Order keys (uint64) by position in `rows`. */
  readonly keys: number;
  /** Binary tree of maxima over the second keys by position; 0 = none. */
  readonly tree: number;
  readonly leaves: number;
}

/** The build side of a join, ready for look-ups. */
export interface JoinTable {
  readonly rowCount: number;
  readonly ids: readonly ColumnId[];
  readonly columns: readonly Vector[];
  /** null: no keys, every row matches. */
  readonly groups: LookupHandle | null;
  /** Rows that one probe row finds, on average: what a pipeline's work is multiplied by. */
  readonly partners: number;
  /** Build rows by group; in the order of `range`'s keys where there is one. */
  readonly rows: number;
  readonly starts: number;
  /** Null: not sorted, so that inequalities are tested per pair. */
  readonly range: RangeTable | null;
}

export interface ProbeSpec {
  readonly kind: 'probe';
  /** `mark` gives no rows: it only marks the build rows that have a partner. */
  readonly join: 'inner' | 'left' | 'semi' | 'anti' | 'mark';
  readonly table: JoinTable;
  readonly keys: readonly Expression[];
  readonly residual: Expression | null;
  /** The inequalities of the residual that a sorted table answers; used when the table is sorted. */
  readonly lookup: RangeLookup | null;
  /** Output columns of the build side and of the probe side. */
  readonly buildIds: readonly ColumnId[];
  readonly probeIds: readonly ColumnId[];
  /** Address of one byte per build row, set to 1 when it found a partner; 0 = not wanted. */
  readonly matched: number;
  readonly counter: number;
}

/** Drops rows that are not among the first `limit` of their group by what the thread has seen. */
export interface TopFilterSpec {
  readonly kind: 'top_filter';
  readonly keys: readonly Expression[];
  readonly order: OrderSpec;
  readonly limit: number;
  readonly counter: number;
}

/** Adds a column: the part of the row by the hash of its keys. */
export interface PartitionSpec {
  readonly kind: 'partition';
  /** Columns that stay. */
  readonly ids: readonly ColumnId[];
  readonly keys: readonly Expression[];
  readonly id: ColumnId;
  /** Which bits of the hash. */
  readonly level: number;
  readonly counter: number;
}

export interface UnnestSpec {
  readonly kind: 'unnest';
  readonly lists: readonly Expression[];
  /** Output columns: those that were there before, and one per list. */
  readonly inputIds: readonly ColumnId[];
  readonly listIds: readonly ColumnId[];
  /** Column of the ordinal; null: not wanted. */
  readonly ordinalId: ColumnId | null;
  readonly outer: boolean;
  readonly counter: number;
}

export interface HorizonSpec {
  readonly kind: 'horizon';
  readonly table: MatchTable;
  /** One for each of `rightIds`. */
  readonly columns: readonly TaskColumn[];
  readonly rightIds: readonly ColumnId[];
  readonly leftIds: readonly ColumnId[];
  readonly offsetId: ColumnId;
  readonly timeId: ColumnId;
  readonly keys: readonly Expression[];
  readonly time: Expression;
  /** What offsets are added to. */
  readonly shown: Expression;
  /** Offsets, and addresses of them (int64): as they are shown, and in units of the compared times. */
  readonly count: number;
  readonly offsets: number;
  readonly distances: number;
  readonly position: number;
  readonly counter: number;
}

/** A group key that cuts a time column into buckets. */
export interface BucketKey {
  readonly time: ColumnId;
  readonly grid: BucketGrid;
}

export interface AggregationSpec {
  readonly groups: readonly Expression[];
  /** Of each group; null: it is no bucket of a column. */
  readonly buckets: readonly (BucketKey | null)[];
  readonly arguments: readonly Expression[];
  readonly filters: readonly Expression[];
  readonly calls: readonly CallSpec[];
}

export interface OrderSpec extends SortDirection {
  readonly expression: Expression;
}

export type SinkSpec =
  | {
      readonly kind: 'collect';
      readonly ids: readonly ColumnId[];
      readonly limit: number | null;
      /** False: vectors that lie in the source are kept where they are. */
      readonly copy: boolean;
      readonly counter: number;
    }
  | {
      readonly kind: 'aggregate';
      readonly spec: AggregationSpec;
      /** There is no other lane: its groups are the result, as a batch (none when there is no group). */
      readonly finishes: boolean;
      readonly counter: number;
    }
  | {
      readonly kind: 'aggregate_sets';
      readonly spec: AggregationSpec;
      /** Indexes into the spec's groups. */
      readonly sets: readonly (readonly number[])[];
      readonly counter: number;
    }
  | {
      readonly kind: 'top';
      readonly ids: readonly ColumnId[];
      readonly types: readonly DataType[];
      readonly keys: readonly OrderSpec[];
      readonly limit: number;
      readonly counter: number;
    };

export interface PipelineTask {
  readonly kind: 'pipeline';
  readonly frame: QueryFrame;
  readonly branches: readonly Branch[];
  readonly lanes: readonly Lane[];
  /** True: lanes are claimed one by one through the control block, together with other tasks; false: all are this task's. */
  readonly claim: boolean;
  readonly sink: SinkSpec;
  /** Rows that all lanes have together, for what is only worth it with many rows. */
  readonly expectedRows: number;
}

export interface MergeAggregateTask {
  readonly kind: 'merge_aggregate';
  readonly frame: QueryFrame;
  readonly spec: AggregationSpec;
  readonly lanes: readonly AggregateLane[];
  /** Which group columns of the lanes are the spec's groups; null = all of them. */
  readonly columns: readonly number[] | null;
}

/** Rows that other tasks have collected, as input of one. */
export interface CollectedRows {
  readonly frame: QueryFrame;
  readonly ids: readonly ColumnId[];
  readonly types: readonly DataType[];
  readonly batches: readonly Batch[];
}

/** Makes the build side of a join from collected batches. */
export interface BuildTask extends CollectedRows {
  readonly kind: 'build';
  readonly keys: readonly Expression[];
  readonly lookup: RangeLookup | null;
}

/** Sorts collected batches: columns and the order of their rows. */
export interface SortTask extends CollectedRows {
  readonly kind: 'sort';
  readonly keys: readonly OrderSpec[];
  readonly limit: number | null;
}

/** Keeps the first rows of each group of collected rows; gives what a sort gives. */
export interface TopByTask extends CollectedRows {
  readonly kind: 'top_by';
  readonly keys: readonly Expression[];
  readonly order: OrderSpec;
  readonly limit: number;
}

/** Cuts each group of collected rows to a limit; gives what a sort gives. */
export interface LimitByTask extends CollectedRows {
  readonly kind: 'limit_by';
  readonly keys: readonly Expression[];
  /** null = no limit. */
  readonly limit: number | null;
  readonly offset: number;
}

export type Task =
  | PipelineTask
  | MergeAggregateTask
  | BuildTask
  | SortTask
  | LimitByTask
  | AsofBuildTask
  | AsofKeysTask
  | AsofPlaceTask
  | TopByTask
  | WindowColumnTask
  | PlaceTask
  | WindowMoveTask
  | WindowTask
  | WindowResultTask
  | MatchTask
  | WindowTailsTask
  | WindowStreamTask
  | WindowAddTask;

/** A column of collected batches in one piece. */
export interface WindowColumnTask {
  readonly kind: 'window_column';
  readonly frame: QueryFrame;
  readonly batches: readonly Batch[];
  readonly type: DataType;
  readonly counter: number;
}

/** Puts rows in the order of windows that share it; columns are named by index. */
export interface PlaceTask {
  readonly kind: 'window_place';
  readonly frame: QueryFrame;
  readonly columns: readonly Vector[];
  readonly rowCount: number;
  readonly order: readonly WindowOrder[];
  readonly partitions: readonly (readonly number[])[];
  readonly counter: number;
}

/** Moves columns of rows that follow each other to their positions. */
export interface WindowMoveTask {
  readonly kind: 'window_move';
  readonly frame: QueryFrame;
  readonly pieces: readonly WindowPiece[];
  readonly targets: readonly ColumnTarget[];
  /** Of all rows, by row. */
  readonly positions: number;
  readonly counter: number;
}

/** A lane of a window whose rows come in order: what it leaves to later lanes. */
export interface WindowTailsTask {
  readonly kind: 'window_tails';
  readonly frame: QueryFrame;
  readonly pieces: readonly WindowPiece[];
  readonly calls: readonly StreamCall[];
  readonly partitions: number;
  /** Columns of the pieces; −1 = none. */
  readonly partition: number;
  readonly order: number;
  /** True: no lane comes behind it. */
  readonly isLast: boolean;
  readonly counter: number;
}

/** The same lane's results; `starts`: what the lanes before it have left, by call (0 = nothing). */
export interface WindowStreamTask extends Omit<WindowTailsTask, 'kind' | 'isLast' | 'order'> {
  readonly kind: 'window_stream';
  readonly starts: readonly number[];
}

/** Brings what the lanes before have left into results that were made without it. */
export interface WindowAddTask extends Omit<WindowStreamTask, 'kind'> {
  readonly kind: 'window_add';
  /** What the lane itself has left, by call. */
  readonly ends: readonly number[];
  /** Results by piece and call. */
  readonly results: readonly (readonly Vector[])[];
}

/** Some rows of a window's input, from row `first`. */
export interface WindowPiece {
  readonly first: number;
  readonly rowCount: number;
  readonly columns: readonly Vector[];
}

/** Window functions over a range of positions: one column per call without a target, by position. */
export interface WindowTask {
  readonly kind: 'window';
  readonly frame: QueryFrame;
  readonly columns: readonly TaskColumn[];
  readonly range: PositionRange;
  readonly targets: readonly (ColumnTarget | null)[];
  readonly spec: WindowSpec;
  readonly counter: number;
}

/** Results by position as results by row, one batch for each piece. */
export interface WindowResultTask {
  readonly kind: 'window_result';
  readonly frame: QueryFrame;
  readonly columns: readonly { readonly vector: Vector; readonly positions: number }[];
  readonly pieces: readonly WindowPiece[];
  readonly counter: number;
}

export interface AggregateLane {
  readonly groupCount: number;
  readonly table: GroupTableResult | null;
  readonly states: AccumulatorResult;
}

/** What a sink made of one lane. */
export type LaneOutput =
  | { readonly kind: 'batches'; readonly batches: readonly CollectedBatch[] }
  | { readonly kind: 'aggregate'; readonly lane: AggregateLane }
  | { readonly kind: 'aggregate_sets'; readonly lanes: readonly AggregateLane[] };

/** `owned`: allocations that only this batch uses, freed with it. Others lie in the source or in memory of the task. */
export interface CollectedBatch extends Batch {
  readonly owned: readonly number[];
}

export interface Counter {
  rows: number;
  bytes: number;
  microseconds: number;
}

export interface TaskResult {
  /** Allocations that now belong to whoever asked. */
  readonly owned: readonly number[];
  readonly lanes: readonly { readonly lane: number; readonly output: LaneOutput }[];
  /** merge_aggregate: the result; sort, limit_by and top_by: the columns as they came. */
  readonly batch: Batch | null;
  /** sort, limit_by, top_by: row numbers in order (uint32), how many are wanted. */
  readonly order: { readonly rows: number; readonly count: number } | null;
  readonly table: JoinTable | null;
  /** asof_build, asof_keys. */
  readonly asof: AsofBuilt | null;
  /** window_place: one for each of the task's partitionings. */
  readonly placed: readonly PlacedRows[];
  /** match_build. */
  readonly match: MatchTable | null;
  /** window_tails, window_stream: what is left to later lanes, by call (0 = nothing); null when the rows do not come in order. */
  readonly tails: readonly number[] | null;
  /** By counter number; a thread took part where it is set. */
  readonly counters: readonly (Counter | undefined)[];
}
