/**
 * The logical plan: what to compute. The binder makes it, the optimizer rewrites it, execution turns it into pipelines.
 * Columns are named by id, so that rules can move nodes without renumbering. Row order is significant only above Sort (and for
 * Scan: insertion order), and Limit without Sort takes the first rows in that order.
 */
import type { IntervalValue, OwnedBatch } from '../../core/batch.js';
import type { TableSnapshot } from '../../core/contracts.js';
import type { MemoryScope } from '../../core/memory-scope.js';
import type { DataType, Field } from '../../core/types.js';
import type { BucketGrid, BucketWidth } from './buckets.js';
import type { ColumnId, Expression, Ids } from './expression.js';
import type { WindowCall } from './window.js';

export interface OutputColumn extends Field {
  readonly id: ColumnId;
}

export type LogicalPlan =
  | ScanPlan
  | ValuesPlan
  | SeriesPlan
  | FilePlan
  | FilterPlan
  | ProjectPlan
  | AggregatePlan
  | DistinctPlan
  | SortPlan
  | LimitPlan
  | JoinPlan
  | AsofPlan
  | UnnestPlan
  | LimitByPlan
  | TopByPlan
  | PositionalPlan
  | WindowJoinPlan
  | HorizonJoinPlan
  | UnionPlan
  | WindowPlan
  | GroupingSetsPlan
  | NumberPlan
  | CutPlan
  | GapFillPlan
  | WithPlan
  | ReferencePlan
  | RecursivePlan;

/** The kinds of nodes, and the node of a kind: what is different for each of them is a table by kind. */
export type PlanKind = LogicalPlan['kind'];
export type PlanOf<Kind extends PlanKind> = Extract<LogicalPlan, { readonly kind: Kind }>;

interface Node {
  readonly output: readonly OutputColumn[];
}

/** Rows of a table that are not deleted, in insertion order, that pass all filters. */
export interface ScanPlan extends Node {
  readonly kind: 'scan';
  readonly source: TableSnapshot;
  /** For each output column, the table's column index; the two row-id columns of DELETE are −1 (index of the segment in source.segments) and −2 (row in the segment), both int32. */
  readonly columnIndexes: readonly number[];
  /** Conjuncts over all columns of the table that were pushed down. `columns` maps their ids to column indexes (a superset of output). */
  readonly filters: readonly Expression[];
  readonly columns: readonly { readonly id: ColumnId; readonly columnIndex: number }[];
  /** Which of these rows are enough; null or absent = all. Rows that it names come, others may not. */
  readonly pick?: ScanPick | null;
}

export type ScanPick =
  /** At least the first `count` rows in the order of a column of the table that is its designated timestamp, and all that tie with them. */
  | { readonly kind: 'end'; readonly time: ColumnId; readonly descending: boolean; readonly count: number }
  /**
   * For each value of the key, a dictionary-encoded column, exactly the rows of the largest time: all that tie, or the last one inserted. NULL is
   * a value where `nulls` says so; else rows without a key do not come.
   */
  | {
      readonly kind: 'latest';
      readonly key: ColumnId;
      readonly time: ColumnId;
      readonly ties: 'all' | 'last';
      readonly nulls: boolean;
    };

/** The table's designated timestamp among the columns that a scan knows. */
export function timeColumnOf({ source, columns }: ScanPlan): ScanPlan['columns'][number] | undefined {
  const { timestampColumn } = source.table.definition;
  return columns.find((column) => column.columnIndex === timestampColumn);
}

/** Constant rows; expressions read no column. No rows and no columns is legal; one row without columns is SELECT without FROM. */
export interface ValuesPlan extends Node {
  readonly kind: 'values';
  readonly rows: readonly (readonly Expression[])[];
}

/** generate_series (closed interval) and range (half-open): int64, or timestamp with an interval step. One output column. */
export interface SeriesPlan extends Node {
  readonly kind: 'series';
  readonly start: Expression;
  readonly stop: Expression;
  readonly step: Expression;
  readonly inclusive: boolean;
}

/** The rows of a file, in its order. */
export interface FilePlan extends Node {
  readonly kind: 'file';
  readonly source: FileRows;
  /** For each output column, the file's column index. */
  readonly columnIndexes: readonly number[];
}

export interface FileRows {
  /** For EXPLAIN. */
  readonly name: string;
  /** True: rows that are in memory, not in a file. */
  readonly isHeld?: boolean;
  readonly fields: readonly Field[];
  /** Batches of the asked columns, in the asked order, in memory of scopes that `memory` makes. */
  read(columnIndexes: readonly number[], memory: () => MemoryScope): AsyncIterable<OwnedBatch>;
}

/** Rows for which the condition is true. */
export interface FilterPlan extends Node {
  readonly kind: 'filter';
  readonly input: LogicalPlan;
  readonly condition: Expression;
}

export interface ProjectPlan extends Node {
  readonly kind: 'project';
  readonly input: LogicalPlan;
  /** One per output column. */
  readonly expressions: readonly Expression[];
}

export interface AggregateCall {
  readonly id: ColumnId;
  /** Canonical name in the aggregate registry. */
  readonly function: string;
  readonly args: readonly Expression[];
  readonly type: DataType;
  readonly distinct: boolean;
  readonly filter: Expression | null;
  /** ORDER BY inside the call: first(price ORDER BY ts). */
  readonly orderBy: readonly SortKey[];
  readonly position: number;
}

/** Output: the group columns, then the aggregates. Without groups: exactly one row, also for no input. */
export interface AggregatePlan extends Node {
  readonly kind: 'aggregate';
  readonly input: LogicalPlan;
  readonly groups: readonly Expression[];
  readonly aggregates: readonly AggregateCall[];
}

/** One of each set of equal rows (NULLs are equal), in order of first appearance. */
export interface DistinctPlan extends Node {
  readonly kind: 'distinct';
  readonly input: LogicalPlan;
}

export interface SortKey {
  readonly expression: Expression;
  readonly descending: boolean;
  readonly nullsFirst: boolean;
}

/** Stable. */
export interface SortPlan extends Node {
  readonly kind: 'sort';
  readonly input: LogicalPlan;
  readonly keys: readonly SortKey[];
  /** Top-k: only the first so many rows are wanted (limit + offset); null = all. */
  readonly limit: number | null;
}

export interface LimitPlan extends Node {
  readonly kind: 'limit';
  readonly input: LogicalPlan;
  /** null = no limit. */
  readonly limit: number | null;
  readonly offset: number;
}

/** Output: left columns, then right columns (nullable on the side that may be missing). Semi and anti: left columns only. */
export interface JoinPlan extends Node {
  readonly kind: 'join';
  readonly join: 'inner' | 'left' | 'cross' | 'right' | 'full' | 'semi' | 'anti';
  readonly left: LogicalPlan;
  readonly right: LogicalPlan;
  /** Equal keys of the same type; NULL equals nothing. Empty = every pair (then residual alone decides). */
  readonly keys: readonly { readonly left: Expression; readonly right: Expression }[];
  /** Further condition over both sides' columns, part of the join condition (matters for outer joins). */
  readonly residual: Expression | null;
}

/**
 * Each left row beside the closest right row: that with equal keys and a time in the direction, for which the residual holds, whose time is
 * closest. Among equal right times it is the last row (ge, gt, nearest) or the first (le, lt) in the right side's order. Output: left columns,
 * then right columns (nullable when rows without a match are kept). Rows come in the left side's order.
 */
export interface AsofPlan extends Node {
  readonly kind: 'asof';
  /** inner: left rows without a match are left away. */
  readonly join: 'inner' | 'left';
  readonly left: LogicalPlan;
  readonly right: LogicalPlan;
  /** Equal keys of the same type; NULL equals nothing. */
  readonly keys: readonly { readonly left: Expression; readonly right: Expression }[];
  /** Of one type. NULL matches nothing. */
  readonly time: { readonly left: Expression; readonly right: Expression };
  /** How the left time compares with the right one. Nearest: of two equally far, the earlier. */
  readonly direction: AsofDirection;
  /** Largest distance of the times, inclusive, in the time type's own units (float64: a number); null = any. */
  readonly tolerance: bigint | number | null;
  /** Further condition over the columns of both sides, or of the left side alone. */
  readonly residual: Expression | null;
}

export type AsofDirection = 'ge' | 'gt' | 'le' | 'lt' | 'nearest';

/** Each input row once for every element of its lists, which stand side by side: the shorter ones end in NULLs. Output: the input's columns, one per list, the ordinal. */
export interface UnnestPlan extends Node {
  readonly kind: 'unnest';
  readonly input: LogicalPlan;
  readonly lists: readonly Expression[];
  /** True: the last output column counts the elements of a row from 1 (int64). */
  readonly ordinality: boolean;
  /** True: a row without elements comes once, with NULLs. */
  readonly outer: boolean;
}

/** For each combination of the keys (NULLs are equal) the rows [offset, offset + limit) in the order in which they come. */
export interface LimitByPlan extends Node {
  readonly kind: 'limit_by';
  readonly input: LogicalPlan;
  readonly keys: readonly Expression[];
  /** null = no limit. */
  readonly limit: number | null;
  readonly offset: number;
}

/**
 * Of each combination of the keys (NULLs are equal) all rows that fewer than `limit` rows come before by the order, in the input's order. What
 * comes after them in a longer order may be there too.
 */
export interface TopByPlan extends Node {
  readonly kind: 'top_by';
  readonly input: LogicalPlan;
  readonly keys: readonly Expression[];
  readonly order: SortKey;
  readonly limit: number;
}

/** Row n of the left beside row n of the right; the shorter side ends in NULLs. */
export interface PositionalPlan extends Node {
  readonly kind: 'positional';
  readonly left: LogicalPlan;
  readonly right: LogicalPlan;
}

/** Where an interval around a time begins or ends: so many ticks behind it (negative: before it), or a limit of the time's type that is computed for the row. */
export type IntervalBound =
  | { readonly kind: 'unbounded' }
  | { readonly kind: 'ticks'; readonly ticks: bigint }
  | { readonly kind: 'limit'; readonly limit: Expression };

/** What rows of two sides meet by: equal keys (NULL equals nothing) and times of one type of at most 64 bits. */
interface TimedJoin extends Node {
  readonly left: LogicalPlan;
  readonly right: LogicalPlan;
  readonly keys: JoinPlan['keys'];
  readonly time: { readonly left: Expression; readonly right: Expression };
}

/**
 * For each left row aggregates over the right rows of its keys whose time lies in the closed interval around its own; with `prevailing`
 * also over the last one before the interval, unless one lies at its start. Output: the left's columns, then one per call, in the left's order.
 */
export interface WindowJoinPlan extends TimedJoin {
  readonly kind: 'window_join';
  readonly start: IntervalBound;
  readonly end: IntervalBound;
  readonly prevailing: boolean;
  /** Over the right's columns, rows in the order of their times; frames are not looked at. */
  readonly calls: readonly WindowCall[];
}

/**
 * Each left row once for every offset, with the last right row of its keys whose time is at or before the row's time and the offset. Output:
 * the left's columns, the offset (int64) and the time it leads to, the right's columns (NULL where there is none).
 */
export interface HorizonJoinPlan extends TimedJoin {
  readonly kind: 'horizon_join';
  /** The left's time as it is shown, in its own unit. */
  readonly shown: Expression;
  /** In ticks of `shown`. */
  readonly offsets: readonly bigint[];
  /** Ticks of the compared times in one tick of `shown`. */
  readonly scale: bigint;
  /** Where the offsets are written, for errors. */
  readonly position: number;
}

/** UNION ALL: rows of the inputs in turn. Every input has output columns of the same types in the same order. */
export interface UnionPlan extends Node {
  readonly kind: 'union';
  readonly inputs: readonly LogicalPlan[];
}

/**
 * Output: the input's columns, then one column per call. All calls share one partitioning and order (without order all rows of a partition
 * are peers). Rows come in the input's order.
 */
export interface WindowPlan extends Node {
  readonly kind: 'window';
  readonly input: LogicalPlan;
  readonly partitionBy: readonly Expression[];
  readonly orderBy: readonly SortKey[];
  readonly calls: readonly WindowCall[];
}

/**
 * GROUPING SETS, ROLLUP, CUBE. Output: the group columns (NULL in rows of a set without them), the number of the set (int32), the aggregates;
 * the rows of the sets come in turn. A set without columns gives exactly one row, also for no input.
 */
export interface GroupingSetsPlan extends Node {
  readonly kind: 'grouping_sets';
  readonly input: LogicalPlan;
  readonly groups: readonly Expression[];
  /** Indexes into the groups, ascending. Equal sets give equal rows twice. */
  readonly sets: readonly (readonly number[])[];
  readonly aggregates: readonly AggregateCall[];
}

/** The input's rows, in order, and as last column (int64) the number of each among the rows with equal keys so far, from 1; NULLs are equal. */
export interface NumberPlan extends Node {
  readonly kind: 'number';
  readonly input: LogicalPlan;
  readonly keys: readonly Expression[];
}

/**
 * Rows of groups in time, completed: every series has a row for every bucket of a range. Output: the bucket, the series' keys, the value of each
 * fill, and for each fill that asks for it a bool column that is true where nothing filled the value. Rows come ordered by bucket, then
 * in the order in which the series first appear. Rows whose bucket is NULL are left away.
 */
export interface GapFillPlan extends Node {
  readonly kind: 'gap_fill';
  readonly input: LogicalPlan;
  /** A column: starts of buckets. */
  readonly bucket: Expression;
  /** Columns; rows that are equal by them (NULLs are equal) are a series. Without any there is one series. */
  readonly series: readonly Expression[];
  /** A width alone: buckets are counted from the first one that has rows. */
  readonly grid: BucketGrid | BucketWidth;
  /** Ticks [from, to) of the range; null = from the first, to the last bucket that has rows. Rows outside of it stay as they are. */
  readonly from: bigint | null;
  readonly to: bigint | null;
  readonly fills: readonly GapFill[];
  /** Of the clause, for errors. */
  readonly position: number;
}

export interface GapFill {
  /** A column of the input. */
  readonly value: Expression;
  /** null: nothing. prev, next: the value of the nearest row of the series. linear: on the line between both, by time (float64, int64, timestamp). */
  readonly mode: 'null' | 'prev' | 'next' | 'linear';
  /** Farthest distance to the row that a value is taken from (linear: between both rows). */
  readonly maxGap: IntervalValue | null;
  /** True: a row whose value is NULL is filled as if it were missing. */
  readonly skipsNulls: boolean;
  readonly flagged: boolean;
}

/** LIMIT whose bounds only the run knows, or that counts in other units than rows from the first. */
export interface CutPlan extends Node {
  readonly kind: 'cut';
  readonly input: LogicalPlan;
  /** One row of int64 (rows) or float64 (percent). */
  readonly bounds: LogicalPlan;
  /** Columns of the bounds; null = no limit, no offset. A NULL means the same. */
  readonly count: ColumnId | null;
  readonly offset: ColumnId | null;
  /** rows: a negative count means the last rows. percent: of all rows. range: rows offset (exclusive) to count (inclusive), negative ones from the end. */
  readonly unit: 'rows' | 'percent' | 'range';
  /** Rows that are equal to the last one by these keys come too; [] = WITH TIES was not said. */
  readonly ties: readonly SortKey[];
  /** Of the clause, for errors. */
  readonly position: number;
}

/** Relations that are computed once, when first read, and the plan that reads them. Stands at the root only. */
export interface WithPlan extends Node {
  readonly kind: 'with';
  readonly relations: readonly SharedRelation[];
  readonly input: LogicalPlan;
}

/** Its plan may refer to relations before it. */
export interface SharedRelation {
  readonly key: number;
  readonly name: string;
  readonly plan: LogicalPlan;
}

/** The rows of a shared relation, or of the working table of the recursion around it. */
export interface ReferencePlan extends Node {
  readonly kind: 'reference';
  readonly key: number;
  readonly name: string;
  /** The relation's column that each output column is. */
  readonly columns: readonly ColumnId[];
}

/** WITH RECURSIVE: the base's rows, then what the step makes of the rows that came last, until it makes none. */
export interface RecursivePlan extends Node {
  readonly kind: 'recursive';
  /** References to it inside the step are the rows that came last; their columns are those of the output. */
  readonly key: number;
  readonly name: string;
  /** Output columns of base and step have the types of the output, in its order. */
  readonly base: LogicalPlan;
  readonly step: LogicalPlan;
  /** UNION: a row that was there before counts not. */
  readonly distinct: boolean;
  /** USING KEY: places of the output columns of which only the last row of each combination stays; null: all rows stay. */
  readonly keyColumns: readonly number[] | null;
  /** References with this key inside the step are all rows so far; null: there are none. */
  readonly recurring: number | null;
}

/** The columns of a plan, to ask for a few of them: a set of all would cost more to make. */
export function outputIds({ output }: LogicalPlan): Ids {
  return { has: (id) => output.some((column) => column.id === id) };
}

const NO_INPUTS: readonly LogicalPlan[] = [];

export function inputsOf(plan: LogicalPlan): readonly LogicalPlan[] {
  switch (plan.kind) {
    case 'scan':
    case 'values':
    case 'series':
    case 'file':
    case 'reference':
      return NO_INPUTS;
    case 'cut':
      return [plan.input, plan.bounds];
    case 'with':
      return [...plan.relations.map((relation) => relation.plan), plan.input];
    case 'recursive':
      return [plan.base, plan.step];
    case 'join':
    case 'asof':
    case 'positional':
    case 'window_join':
    case 'horizon_join':
      return [plan.left, plan.right];
    case 'union':
      return plan.inputs;
    default:
      return [plan.input];
  }
}
