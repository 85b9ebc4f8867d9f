/** Vectors from JavaScript values and back: constants, small results, and the functions that work value by value. */
import type { Value, Vector } from '../../core/batch.js';
import { type Allocator, buildVector } from '../../core/build-vector.js';
import type { DataType } from '../../core/types.js';
import { isValid, valueAt } from '../../core/values.js';
import { type MoveContext, toFlat } from './gather.js';

/** A flat vector of the values (in the form of valueAt()). */
export function vectorOf(values: readonly Value[], type: DataType, context: MoveContext, memory: Allocator = context.scratch): Vector {
  return buildVector(values, type, context.arena, memory);
}

/** rowCount rows of one value. */
export function constantVector(value: Value, type: DataType, rowCount: number, context: MoveContext): Vector {
  return { ...vectorOf([value], type, context), encoding: 'constant', length: rowCount };
}

/** A one-row vector as rowCount equal rows. */
export function asConstant(vector: Vector, rowCount: number, context: MoveContext): Vector {
  const one = vector.encoding === 'dictionary' ? toFlat(vector, context) : vector;
  return { ...one, encoding: 'constant', length: rowCount };
}

/** All values of a vector, row by row. */
export function valuesOf(vector: Vector, context: MoveContext): Value[] {
  return Array.from({ length: vector.length }, (_, row) => valueAt(context.arena, vector, row));
}

/** True for a constant NULL. */
export function isNullConstant(vector: Vector, context: MoveContext): boolean {
  if (vector.type.kind === 'null') return true;
  return vector.encoding === 'constant' && vector.length > 0 && !isValid(context.arena, vector, 0);
}
