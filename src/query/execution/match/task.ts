/** Tasks of interval joins. The right side lies by position, group of equal keys after group, each in the order of its times. */
import type { Batch } from '../../../core/batch.js';
import type { DataType } from '../../../core/types.js';
import type { ColumnTarget } from '../../windows/column-target.js';
import type { WindowSpec } from '../../windows/spec.js';
import type { TaskColumn } from '../../windows/window-rows.js';
import type { LookupHandle } from '../join/join-lookup.js';
import type { QueryFrame, WindowPiece } from '../task.js';

/** The right side, ready for look-ups: addresses only. */
export interface MatchTable {
  readonly rowCount: number;
  /** null: no keys, all rows are one group. */
  readonly lookup: LookupHandle | null;
  readonly groupCount: number;
  /** Where each group begins (uint32), then of an empty group, which rows without a partner have, its beginning and its end. */
  readonly starts: number;
  /** Order keys of the times, by position (uint64). */
  readonly keys: number;
  /** Position of each row and row of each position (uint32); 0 = the same. */
  readonly positions: number;
  readonly rows: number;
}

/** Makes the table of the right side. None of its keys and times is NULL. */
export interface MatchBuildTask {
  readonly kind: 'match_build';
  readonly frame: QueryFrame;
  /** Columns: keys, then the time. */
  readonly batches: readonly Batch[];
  readonly types: readonly DataType[];
  readonly counter: number;
}

/** A bound of each row's interval: its column, or the column of its time and how far it is away. */
export interface LimitSpec {
  readonly column: number;
  readonly ticks: bigint;
  /** Address of the order keys of all rows (uint64). */
  readonly target: number;
}

/** Groups and limits of left rows that follow each other. */
export interface MatchLeftTask {
  readonly kind: 'match_left';
  readonly frame: QueryFrame;
  readonly pieces: readonly WindowPiece[];
  readonly table: MatchTable;
  /** Columns of the pieces. Rows in which one of them is NULL are in the empty group. */
  readonly keys: readonly number[];
  readonly time: number;
  readonly limits: readonly LimitSpec[];
  /** Address of the group of each row (uint32). */
  readonly groups: number;
  readonly counter: number;
}

/** Puts left rows in the order of their groups and limits. */
export interface MatchPlaceTask {
  readonly kind: 'match_place';
  readonly frame: QueryFrame;
  readonly rowCount: number;
  readonly groups: number;
  readonly groupCount: number;
  /** Order keys (uint64) by row; 0 = rows stay as they come. */
  readonly keys: number;
  readonly counter: number;
}

/** Aggregates over the intervals of left rows that follow each other by position: one column per call without a target. */
export interface MatchWindowTask {
  readonly kind: 'match_window';
  readonly frame: QueryFrame;
  readonly first: number;
  readonly rowCount: number;
  /** Left row of each position; group and limits of each left row (0 = unbounded). */
  readonly rows: number;
  readonly groups: number;
  readonly low: number;
  readonly high: number;
  readonly prevailing: boolean;
  readonly table: MatchTable;
  readonly columns: readonly TaskColumn[];
  readonly targets: readonly (ColumnTarget | null)[];
  readonly spec: WindowSpec;
  readonly counter: number;
}

export type MatchTask = MatchBuildTask | MatchLeftTask | MatchPlaceTask | MatchWindowTask;
