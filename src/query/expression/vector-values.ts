/** Vectors from JavaScript values and back: constants, small results, and the functions that work value by value. */
import type { Arena } from '../../core/arena.js';
import type { Value, Vector } from '../../core/batch.js';
import { type Allocator, buildVector } from '../../core/build-vector.js';
import type { DataType } from '../../core/types.js';
import { isValid, valueAt } from '../../core/values.js';
import { type MoveContext, toFlat } from './gather.js';

const decoder = new TextDecoder();

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

/** The texts of a text vector, row by row; null for NULL. For the functions that work value by value. */
export function textsOf(vector: Vector, context: MoveContext): readonly (string | null)[] {
  const { arena } = context;
  if (vector.encoding === 'constant') {
    const text = isValid(arena, vector, 0) ? decodeAt(arena, vector.offsets, vector.values, 0) : null;
    return new Array<string | null>(vector.length).fill(text);
  }
  const offsets = vector.dictionary === null ? vector.offsets : vector.dictionary.offsets;
  const values = vector.dictionary === null ? vector.values : vector.dictionary.values;
  const texts: (string | null)[] = [];
  for (let row = 0; row < vector.length; row++) {
    const index = vector.dictionary === null ? row : (arena.i32[vector.values / 4 + row] as number);
    texts.push(isValid(arena, vector, row) ? decodeAt(arena, offsets, values, index) : null);
  }
  return texts;
}

function decodeAt(arena: Arena, offsets: number, values: number, row: number): string {
  const first = values + (arena.i32[offsets / 4 + row] as number);
  return decoder.decode(arena.u8.slice(first, values + (arena.i32[offsets / 4 + row + 1] as number)));
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
