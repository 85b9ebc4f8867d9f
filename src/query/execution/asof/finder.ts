/** How left rows of an ASOF join find their right rows. */
import type { Vector } from '../../../core/batch.js';
import type { Chunk } from '../chunk.js';
import type { Times } from './times.js';

/** What is looked up for a chunk of left rows. */
export interface AsofRows {
  readonly n: number;
  readonly keys: readonly Vector[];
  readonly times: Times;
  /** Rows that have a time and are wanted; 0 = all. */
  readonly valid: number;
}

export interface AsofFinder {
  /** rows: address of the right row of each left row (uint32, 0xFFFFFFFF = none). all: true when every left row is known to have one. */
  find(rows: AsofRows, chunk: Chunk): { readonly rows: number; readonly all: boolean };
}
