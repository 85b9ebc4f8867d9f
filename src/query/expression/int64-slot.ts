import type { MoveContext } from './gather.js';

/** Address of an int64 constant in scratch. */
export function int64Slot(value: bigint, context: MoveContext): number {
  const slot = context.scratch.allocate(8);
  context.arena.i64[slot / 8] = value;
  return slot;
}
