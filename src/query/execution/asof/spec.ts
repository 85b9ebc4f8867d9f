/** What an ASOF join hands to threads: plain data over the arena. */
import type { Vector } from '../../../core/batch.js';
import type { ColumnId, Expression } from '../../plan/expression.js';
import type { AsofDirection } from '../../plan/logical.js';
import type { LookupHandle } from '../join/join-lookup.js';
import type { CollectedRows, QueryFrame } from '../task.js';

/** How the kernels number directions. */
export const ASOF_DIRECTION = { ge: 0, gt: 1, le: 2, lt: 3, nearest: 4 } as const satisfies Record<AsofDirection, number>;

/** Columns of the right side, in one piece or in several; rows are numbered piece << shift | row. */
export interface PieceColumns {
  readonly shift: number;
  readonly columns: readonly PieceColumn[];
}

export interface PieceColumn {
  readonly id: ColumnId;
  /** One per piece; all of one encoding and dictionary. */
  readonly vectors: readonly Vector[];
  /** Addresses of the pieces' values and validities (uint32 each), where there are several; validities 0 = no nulls in any. */
  readonly values: number;
  readonly validities: number;
}

/** Rows key by key, each ascending in time. */
export interface AsofIndex {
  /** Where each key's positions begin, and the last ones end (uint32). */
  readonly starts: number;
  /** Times (int64) and rows (uint32) by position. */
  readonly times: number;
  readonly rows: number;
}

/** Pieces that ascend in time one behind the other. */
export interface AsofPieces {
  /** Descriptions as the kernels of module asof have them. */
  readonly address: number;
  readonly count: number;
}

/** The right side, ready for look-ups. */
export interface AsofTable {
  readonly columns: PieceColumns;
  /** Null: no keys. */
  readonly lookup: LookupHandle | null;
  /** When the keys are the codes of this dictionary: its id, else −1. */
  readonly dictionary: number;
  readonly keyCount: number;
  readonly by: { readonly kind: 'index'; readonly index: AsofIndex } | { readonly kind: 'merge'; readonly pieces: AsofPieces };
}

export interface AsofSpec {
  readonly kind: 'asof';
  readonly join: 'inner' | 'left';
  readonly table: AsofTable;
  readonly keys: readonly Expression[];
  readonly time: Expression;
  readonly direction: AsofDirection;
  /** Address of the largest distance (int64 or float64); 0 = any. */
  readonly limit: number;
  readonly residual: Expression | null;
  readonly counter: number;
}

/** Makes the look-up over a right side that is all there: `batches` have the columns of `ids`. */
export interface AsofBuildTask extends CollectedRows {
  readonly kind: 'asof_build';
  readonly keys: readonly Expression[];
  readonly time: Expression;
  readonly counter: number;
}

/** Counts the rows of some pieces by key, or puts them into an index. */
export interface AsofPlaceTask {
  readonly kind: 'asof_place';
  readonly frame: QueryFrame;
  readonly pieces: AsofPieces;
  /** Pieces [first, end). */
  readonly first: number;
  readonly end: number;
  readonly shift: number;
  readonly keyCount: number;
  /** Address of what is counted by key, or of the next positions by key (uint32). */
  readonly byKey: number;
  /** Null: count. */
  readonly index: AsofIndex | null;
  readonly counter: number;
}

/** Numbers the values of a dictionary, so that codes of other ones find them. */
export interface AsofKeysTask {
  readonly kind: 'asof_keys';
  readonly frame: QueryFrame;
  readonly values: Vector;
  readonly counter: number;
}

/** What the tasks give. */
export interface AsofBuilt {
  readonly lookup: LookupHandle | null;
  readonly keyCount: number;
  readonly index: AsofIndex | null;
  readonly columns: readonly Vector[];
}
