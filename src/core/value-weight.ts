/** What single values weigh, before they become JavaScript's: values that would be too many objects, or too long a text, end the process. */
import type { Arena } from './arena.js';
import type { Vector } from './batch.js';
import { isText } from './types.js';

/** Of the largest value that is taken apart in JavaScript. */
export const MAX_VALUE_WEIGHT = 1 << 24;
const ITEM_WEIGHT = 8;

/** The bytes of a value's text, and eight for each item of a list; 0 for other types. */
export function weightAt(arena: Arena, vector: Vector, row: number): number {
  const { encoding, dictionary } = vector;
  if (encoding !== 'dictionary' || !dictionary) {
    const at = encoding === 'constant' ? 0 : row;
    return rangeWeight(arena, vector, at, at + 1);
  }
  const code = arena.i32[vector.values / 4 + row] as number;
  return rangeWeight(arena, { ...vector, offsets: dictionary.offsets }, code, code + 1);
}

function rangeWeight(arena: Arena, { type, offsets, children }: Vector, first: number, end: number): number {
  const { i32 } = arena;
  if (isText(type) || type.kind === 'binary') return (i32[offsets / 4 + end] as number) - (i32[offsets / 4 + first] as number);
  if (type.kind === 'struct') return children.reduce((sum, child) => sum + rangeWeight(arena, child, first, end), 0);
  const [items] = children;
  if (type.kind !== 'list' || !items) return 0;
  const [from, to] = [i32[offsets / 4 + first] as number, i32[offsets / 4 + end] as number];
  return ITEM_WEIGHT * (to - from) + rangeWeight(arena, items, from, to);
}
