/** A column with its rows in another order: row i of the result is row order[i] (u32) of the source. The result owns its buffers. */
import { assert } from '../../core/assert.js';
import { bitmapBytes } from '../../core/batch.js';
import { physicalOf } from '../../core/types.js';
import type { Allocate, StorageMemory } from '../memory.js';
import { type ColumnBuffers, lastOffset, widthOf } from './column-buffers.js';

export function permuteColumn(
  memory: StorageMemory,
  source: ColumnBuffers,
  order: number,
  rows: number,
  allocate: Allocate,
): ColumnBuffers {
  const { kernels } = memory;
  const result: ColumnBuffers = { ...source, length: rows, validity: 0, offsets: 0, values: 0, children: [] };
  if (source.validity !== 0) {
    result.validity = allocate(bitmapBytes(rows));
    kernels.permute_bits(result.validity, source.validity, order, rows);
  }
  const width = widthOf(source);
  if (width > 0) {
    result.values = allocate(rows * width);
    permuteFixed(memory, width, result.values, source.values, order, rows);
  } else if (source.type.kind === 'bool') {
    result.values = allocate(bitmapBytes(rows));
    kernels.permute_bits(result.values, source.values, order, rows);
  } else if (source.type.kind === 'struct') {
    result.children.push(...source.children.map((child) => permuteColumn(memory, child, order, rows, allocate)));
  } else if (source.type.kind !== 'null') permuteVariable(memory, source, result, order, allocate);
  return result;
}

function permuteFixed(memory: StorageMemory, width: number, target: number, source: number, order: number, rows: number): void {
  const { kernels } = memory;
  if (width === 1) kernels.permute_8(target, source, order, rows);
  else if (width === 2) kernels.permute_16(target, source, order, rows);
  else if (width === 4) kernels.permute_32(target, source, order, rows);
  else if (width === 8) kernels.permute_64(target, source, order, rows);
  else kernels.permute_128(target, source, order, rows);
}

function permuteVariable(memory: StorageMemory, source: ColumnBuffers, result: ColumnBuffers, order: number, allocate: Allocate): void {
  const { kernels, arena } = memory;
  const rows = result.length;
  result.offsets = allocate((rows + 1) * 4);
  kernels.permute_offsets(result.offsets, source.offsets, order, rows);
  const total = lastOffset(arena, result);
  if (physicalOf(source.type) === 'bytes') {
    result.values = allocate(Math.max(total, 1));
    kernels.permute_bytes(result.values, source.offsets, source.values, order, rows);
    return;
  }
  const child = source.children[0];
  assert(child, 'a list has a child');
  memory.scratch((scratch) => {
    const childOrder = scratch(Math.max(total, 1) * 4);
    kernels.permute_ranges(childOrder, source.offsets, order, rows);
    result.children.push(permuteColumn(memory, child, childOrder, total, allocate));
  });
}
