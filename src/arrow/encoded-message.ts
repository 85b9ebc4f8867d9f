/** What encoding a message takes and gives: rows in, a flatbuffer and pieces of the arena out. */
import type { Arena } from '../core/arena.js';
import type { Batch, Vector } from '../core/batch.js';
import type { MemoryScope } from '../core/memory-scope.js';
import type { WireField } from './wire-type.js';

/** Bytes of the arena, then paddingBytes zero bytes. */
export interface BodyPiece {
  readonly address: number;
  readonly sizeBytes: number;
  readonly paddingBytes: number;
}

export interface EncodedMessage {
  /** The flatbuffer alone (FlightData.data_header). */
  readonly metadata: Uint8Array;
  readonly pieces: readonly BodyPiece[];
  /** Length of the body, padding included. */
  readonly bodyBytes: number;
  /** [offset, length] of every buffer, relative to the body's first byte, in Arrow's order; absent buffers have length 0. */
  readonly buffers: readonly (readonly [number, number])[];
}

/** Rows [start, start + count) of a vector. */
export interface Rows {
  readonly vector: Vector;
  readonly start: number;
  readonly count: number;
}

/** Rows [start, start + count) of a batch. */
export interface BatchRows {
  readonly batch: Batch;
  readonly start: number;
  readonly count: number;
}

export interface EncodeContext {
  readonly arena: Arena;
  /** Owns the scratch memory that pieces point into. */
  readonly scope: MemoryScope;
  /** 64 for files whose buffers are read in place, 8 for the wire. */
  readonly alignmentBytes: 8 | 64;
  /**
   * Addresses of the int32 codes of a dictionary-encoded field's rows, one per run. Without it the vectors' own codes go out as they are
   * (they must then be dictionary vectors of one dictionary).
   */
  readonly codes?: (field: WireField, rows: readonly Rows[]) => readonly number[];
}
