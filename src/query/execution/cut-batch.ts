/** Some rows of a batch. */
import type { Batch, Vector } from '../../core/batch.js';
import { gatherVector, gatherVectorOrNull } from '../expression/gather.js';
import type { QueryRun } from './query-run.js';
import { sliceVector } from './slice-vector.js';
import type { CollectedBatch } from './task.js';

/** Rows [offset, offset + limit) of the batches. */
export function trimmed(batches: readonly CollectedBatch[], offset: number, limit: number | null, run: QueryRun): CollectedBatch[] {
  let skip = offset;
  let left = limit ?? Number.POSITIVE_INFINITY;
  const kept: CollectedBatch[] = [];
  for (const batch of batches) {
    const first = Math.min(skip, batch.rowCount);
    skip -= first;
    const count = Math.min(left, batch.rowCount - first);
    left -= count;
    if (count > 0) kept.push(cutBatch(batch, first, count, run));
  }
  return kept;
}

/** Rows [first, first + count) of a batch; in place where the layout allows it. */
export function cutBatch(batch: CollectedBatch, first: number, count: number, run: QueryRun): CollectedBatch {
  if (first === 0 && count === batch.rowCount) return batch;
  const columns = batch.columns.map((column) => cutVector(column, first, count, run));
  return { ...batch, rowCount: count, columns };
}

function cutVector(vector: Vector, first: number, count: number, run: QueryRun): Vector {
  if (vector.encoding === 'constant' || first % 64 === 0) return sliceVector(vector, first, count);
  const { kernels } = run.options;
  const rows = run.scope.allocate(Math.max(64, count * 4));
  kernels.row_numbers(first, count, rows);
  return gatherVector(vector, rows, count, run.context, run.scope);
}

/** Vectors of `count` rows with NULLs up to rowCount. */
export function padded(columns: readonly Vector[], count: number, rowCount: number, run: QueryRun): readonly Vector[] {
  const { kernels } = run.options;
  const rows = run.scope.allocate(Math.max(64, rowCount * 4));
  kernels.fill_u32(0xffffffff, rowCount, rows);
  kernels.row_numbers(0, count, rows);
  return columns.map((column) => gatherVectorOrNull(column, rows, rowCount, run.context, run.scope));
}

/** The batches without what says who owns their memory. */
export function plain(batches: readonly CollectedBatch[]): Batch[] {
  return batches.map(({ arena, rowCount, columns }) => ({ arena, rowCount, columns }));
}
