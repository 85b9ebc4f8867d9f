/** Small moves with bitmaps that the evaluator and the functions share. */
import { bitmapBytes, flatVector, type Vector } from '../../core/batch.js';
import { BOOL } from '../../core/types.js';
import { isValid } from '../../core/values.js';
import { type MoveContext, toFlat } from './gather.js';

/** A bitmap with all of rowCount bits set or clear. */
export function filledBitmap(value: boolean, rowCount: number, context: MoveContext): number {
  const bitmap = context.scratch.allocate(bitmapBytes(rowCount));
  context.kernels.bits_fill(rowCount, value ? 1 : 0, bitmap);
  return bitmap;
}

/** Bits set in both; 0 = all set, on either side and as the result. */
export function intersection(a: number, b: number, rowCount: number, context: MoveContext): number {
  if (a === 0 || a === b) return b;
  if (b === 0) return a;
  const out = context.scratch.allocate(bitmapBytes(rowCount));
  context.kernels.bits_and(a, b, rowCount, out);
  return out;
}

/** Rows in which all vectors are present; 0 = all rows. Constants are taken as present unless they are NULL. */
export function commonValidity(vectors: readonly Vector[], rowCount: number, context: MoveContext): number {
  let validity = 0;
  for (const vector of vectors) {
    if (vector.encoding === 'constant') {
      if (rowCount > 0 && !isValid(context.arena, vector, 0)) return filledBitmap(false, rowCount, context);
    } else validity = intersection(validity, vector.validity, rowCount, context);
  }
  return validity;
}

/** The vector with NULL also where `validity` is clear. */
export function restrict(vector: Vector, validity: number, rowCount: number, context: MoveContext): Vector {
  if (validity === 0) return vector;
  const base = vector.encoding === 'constant' ? toFlat(vector, context) : vector;
  const both = intersection(base.validity, validity, rowCount, context);
  return both === base.validity ? base : { ...base, validity: both };
}

/** A bool vector from a bitmap. */
export function boolVector(bitmap: number, rowCount: number, validity = 0): Vector {
  return flatVector(BOOL, rowCount, bitmap, validity);
}
