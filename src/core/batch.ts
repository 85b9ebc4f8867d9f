/**
 * Vectors and batches: descriptors (plain objects that survive structured clone) of values that lie in an arena.
 * Buffers have Arrow's layout, so the same bytes go from disk or wire to kernel to wire.
 */
import type { DataType } from './types.js';

/**
 * One column's values in a batch.
 *
 * - `flat`: fixed-width types: `values` points at the first value. bool: `values` points at a bitmap. utf8/symbol/binary: `offsets` points at
 *   length + 1 int32 (they need not start at 0), `values` at the byte that offset 0 means. list: `offsets` and children[0]. struct: children.
 * - `dictionary`: utf8/symbol/binary only: `values` points at int32 codes into `dictionary` (a code in a null slot may be anything in range).
 * - `constant`: one value for all rows: the layout of `flat` with one row; `validity` has one bit.
 *
 * A slice moves pointers: bitmaps can be sliced at multiples of 8 rows only, so scans cut at multiples of 64.
 */
export interface Vector {
  readonly type: DataType;
  readonly encoding: 'flat' | 'dictionary' | 'constant';
  readonly length: number;
  /** Address of the validity bitmap (bit set = value present); 0 = every row is present. */
  readonly validity: number;
  readonly values: number;
  readonly offsets: number;
  readonly dictionary: DictionaryView | null;
  readonly children: readonly Vector[];
}

/** The values of a dictionary as they were at some moment: append-only, so a view stays right for ever. Codes are [0, count). */
export interface DictionaryView {
  /** Equal ids mean: the same codes for the same values (one dictionary seen at two moments has one id). */
  readonly id: number;
  readonly count: number;
  /** Address of count + 1 int32 offsets. */
  readonly offsets: number;
  /** Address of the bytes. */
  readonly values: number;
}

/** Up to some thousands of rows that flow between operators or out of a query. All vectors have rowCount rows and lie in one arena. */
export interface Batch {
  readonly arena: number;
  readonly rowCount: number;
  readonly columns: readonly Vector[];
}

/** A batch that leaves the query engine: whoever gets it calls release() once when its bytes are no longer needed. */
export interface OwnedBatch extends Batch {
  release(): void;
}

/** Values of one row for tests, shells and small results: see core/values.ts. */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | IntervalValue
  | readonly Value[]
  | { readonly [name: string]: Value };

export interface IntervalValue {
  readonly months: number;
  readonly days: number;
  readonly nanoseconds: bigint;
}

/** Bytes of a bitmap of rowCount bits, padded to 8 bytes. */
export function bitmapBytes(rowCount: number): number {
  return Math.ceil(rowCount / 64) * 8;
}

export function flatVector(
  type: DataType,
  length: number,
  values: number,
  validity = 0,
  offsets = 0,
  children: readonly Vector[] = [],
): Vector {
  return { type, encoding: 'flat', length, validity, values, offsets, dictionary: null, children };
}

export function dictionaryVector(type: DataType, length: number, codes: number, dictionary: DictionaryView, validity = 0): Vector {
  return { type, encoding: 'dictionary', length, validity, values: codes, offsets: 0, dictionary, children: [] };
}
