/** Collected rows in pieces, as the tasks of windows and interval joins share them. */
import type { Vector } from '../../../core/batch.js';
import type { QueryRun } from '../query-run.js';
import { sliceVector } from '../slice-vector.js';
import type { CollectedBatch, TaskResult, WindowPiece } from '../task.js';

/** Vectors' worth of rows below which a range is not cut further. */
export const RANGE_VECTORS = 16;

/** Ranges of one window at most: enough for threads to share them evenly. */
export const MOST_RANGES = 64;

/** The batches, large ones cut, so that tasks can share them. */
export function piecesOf(batches: readonly CollectedBatch[], run: QueryRun): readonly WindowPiece[] {
  const size = run.frame.vectorRows * RANGE_VECTORS;
  const pieces: WindowPiece[] = [];
  let first = 0;
  for (const { rowCount, columns } of batches) {
    for (let start = 0; start < rowCount; start += size) {
      const count = Math.min(size, rowCount - start);
      const cut = count === rowCount ? columns : columns.map((column) => sliceVector(column, start, count));
      pieces.push({ first: first + start, rowCount: count, columns: cut });
    }
    first += rowCount;
  }
  return pieces;
}

/** Pieces in groups of about so many rows. */
export function grouped(pieces: readonly WindowPiece[], rows: number): readonly (readonly WindowPiece[])[] {
  const groups: WindowPiece[][] = [];
  let count = rows;
  for (const piece of pieces) {
    if (count >= rows) {
      groups.push([]);
      count = 0;
    }
    groups.at(-1)?.push(piece);
    count += piece.rowCount;
  }
  return groups;
}

export function batchesOf({ lanes }: TaskResult): readonly CollectedBatch[] {
  return lanes.flatMap(({ output }) => (output.kind === 'batches' ? output.batches : []));
}

export function addressesOf({ values, validity }: Vector): readonly number[] {
  return validity === 0 ? [values] : [values, validity];
}
