/**
 * Columns of a fixed width that several tasks write together, each other places. Which values are there is one byte each meanwhile, since
 * neighbours' bits may belong to different tasks.
 */
import { bitmapBytes, flatVector, type Vector } from '../../core/batch.js';
import type { MemoryScope } from '../../core/memory-scope.js';
import { BOOL, type DataType, physicalOf, WIDTH_BYTES } from '../../core/types.js';
import type { MoveContext } from '../expression/gather.js';

/** Addresses. */
export interface ColumnTarget {
  readonly values: number;
  /** One byte per value, 1 from the beginning. */
  readonly valid: number;
  /** A byte that is set when some value is NULL. */
  readonly anyNull: number;
}

/** Bytes of a value, a bool being one byte until the end; 0: values have no fixed width. */
function targetWidth(type: DataType): number {
  const physical = physicalOf(type);
  if (type.kind === 'bool') return 1;
  return physical === 'bytes' || physical === 'list' || physical === 'struct' || physical === 'none' ? 0 : WIDTH_BYTES[physical];
}

/** True when values have a width of their own. */
export function isMovable(type: DataType): boolean {
  return targetWidth(type) > 0;
}

/** Room for `n` values; null when they have no fixed width. */
export function allocateTarget(type: DataType, n: number, memory: MemoryScope, context: MoveContext): ColumnTarget | null {
  const width = targetWidth(type);
  if (width === 0) return null;
  const values = memory.allocate(Math.max(64, n * width) + 64);
  const valid = memory.allocate(Math.max(64, n) + 64);
  context.kernels.fill_bytes(valid, 1, n);
  return { values, valid, anyNull: memory.allocateZeroed(64) };
}

/** Puts values in places one after the other. column: flat. */
export function putColumn(column: Vector, first: number, target: ColumnTarget, context: MoveContext): void {
  const { kernels, scratch } = context;
  const n = column.length;
  const width = targetWidth(column.type);
  if (column.type.kind === 'bool') kernels.expand_bits(column.values, n, target.values + first);
  else kernels.copy_bytes(target.values + first * width, column.values, n * width);
  if (column.validity === 0) return;
  const valid = scratch.allocate(n + 64);
  kernels.expand_bits(column.validity, n, valid);
  kernels.copy_bytes(target.valid + first, valid, n);
  context.arena.u8[target.anyNull] = 1;
}

/** Puts each value in the place that `places` says (uint32). column: flat. */
export function scatterColumn(column: Vector, places: number, target: ColumnTarget, context: MoveContext): void {
  const { kernels, arena, scratch } = context;
  const n = column.length;
  let { values } = column;
  if (column.type.kind === 'bool') {
    values = scratch.allocate(n + 64);
    kernels.expand_bits(column.values, n, values);
  }
  const scatter = { 1: kernels.scatter_w1, 2: kernels.scatter_w2, 4: kernels.scatter_w4, 8: kernels.scatter_w8 }[targetWidth(column.type)];
  (scatter ?? kernels.scatter_w16)(values, places, n, target.values);
  if (column.validity === 0) return;
  const valid = scratch.allocate(n + 64);
  kernels.expand_bits(column.validity, n, valid);
  kernels.scatter_w1(valid, places, n, target.valid);
  arena.u8[target.anyNull] = 1;
}

/** The column, when all tasks have put their values. What it does not need any more is freed. */
export function finishTarget(type: DataType, n: number, target: ColumnTarget, memory: MemoryScope, context: MoveContext): Vector {
  const { kernels, arena } = context;
  let validity = 0;
  if (arena.u8[target.anyNull] !== 0) {
    validity = memory.allocate(bitmapBytes(n) + 64);
    kernels.bits_eq_u8(target.valid, 1, n, validity);
  }
  memory.free(target.valid);
  memory.free(target.anyNull);
  if (type.kind !== 'bool') return flatVector(type, n, target.values, validity);
  const bits = memory.allocate(bitmapBytes(n) + 64);
  kernels.bits_eq_u8(target.values, 1, n, bits);
  memory.free(target.values);
  return flatVector(BOOL, n, bits, validity);
}
