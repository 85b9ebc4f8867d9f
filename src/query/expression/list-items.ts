/** Lists opened: their items as one column. */
import { assert } from '../../core/assert.js';
import type { Vector } from '../../core/batch.js';
import { isValid } from '../../core/values.js';
import type { EvaluationContext } from '../functions/contract.js';
import { gatherVector, toFlat } from './gather.js';

/** The items of all lists one after another. NULL lists have none. */
export interface ListItems {
  readonly items: Vector;
  readonly count: number;
  /** Address of the row of each item (uint32). */
  readonly rows: number;
  /** Address of rowCount + 1 int32 offsets into items. */
  readonly offsets: number;
  /** Validity of the lists; 0 = all are there. */
  readonly validity: number;
}

export function itemsOf(list: Vector, context: EvaluationContext): ListItems {
  const flat = toFlat(list, context);
  const { arena, scratch } = context;
  const child = flat.children[0];
  assert(child, 'a list has a child');
  const { length } = flat;
  const from = flat.offsets / 4;
  const offsets = scratch.allocate(4 * (length + 1));
  let count = 0;
  for (let row = 0; row < length; row++) {
    arena.i32[offsets / 4 + row] = count;
    if (isValid(arena, flat, row)) count += (arena.i32[from + row + 1] as number) - (arena.i32[from + row] as number);
  }
  arena.i32[offsets / 4 + length] = count;
  const rows = scratch.allocate(4 * count);
  const picked = scratch.allocate(4 * count);
  for (let row = 0; row < length; row++) {
    const first = arena.i32[offsets / 4 + row] as number;
    const end = arena.i32[offsets / 4 + row + 1] as number;
    const source = arena.i32[from + row] as number;
    for (let at = first; at < end; at++) {
      arena.u32[rows / 4 + at] = row;
      arena.u32[picked / 4 + at] = source + at - first;
    }
  }
  const items = gatherVector(toFlat(child, context), picked, count, context);
  return { items, count, rows, offsets, validity: flat.validity };
}
