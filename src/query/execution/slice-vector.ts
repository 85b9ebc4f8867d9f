/** Vectors cut without moving anything. */
import { assert } from '../../core/assert.js';
import type { Vector } from '../../core/batch.js';
import { physicalOf, WIDTH_BYTES } from '../../core/types.js';

/** Rows [from, from + length) of a vector, in place. from is a multiple of 64. */
export function sliceVector(vector: Vector, from: number, length: number): Vector {
  if (from === 0 && length === vector.length) return vector;
  if (vector.encoding === 'constant') return { ...vector, length };
  assert(from % 64 === 0, `slice at row ${from}`);
  const validity = vector.validity === 0 ? 0 : vector.validity + from / 8;
  if (vector.encoding === 'dictionary') return { ...vector, length, validity, values: vector.values + from * 4 };
  const physical = physicalOf(vector.type);
  if (physical === 'bytes' || physical === 'list') return { ...vector, length, validity, offsets: vector.offsets + from * 4 };
  if (physical === 'struct') {
    return { ...vector, length, validity, children: vector.children.map((child) => sliceVector(child, from, length)) };
  }
  const values = physical === 'none' ? 0 : vector.values + (physical === 'bit' ? from / 8 : from * WIDTH_BYTES[physical]);
  return { ...vector, length, validity, values };
}
