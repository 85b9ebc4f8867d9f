/** Columns of one shape, one after the other, in buffers of exactly their size. */
import { assert } from '../../core/assert.js';
import { bitmapBytes } from '../../core/batch.js';
import { physicalOf } from '../../core/types.js';
import type { Allocate, StorageMemory } from '../memory.js';
import { appendColumn } from './column-append.js';
import { type ColumnBuffers, emptyColumn, lastOffset, widthOf } from './column-buffers.js';

/** The result's buffers come from `allocate`. */
export function concatColumns(memory: StorageMemory, sources: readonly ColumnBuffers[], allocate: Allocate): ColumnBuffers {
  const [first] = sources;
  assert(first, 'there is a column');
  const result = emptyColumn(first.type, first.dictionary);
  reserve(memory, result, sources, allocate);
  for (const source of sources) appendColumn(memory, result, source);
  return result;
}

function reserve(memory: StorageMemory, target: ColumnBuffers, sources: readonly ColumnBuffers[], allocate: Allocate): void {
  const { arena } = memory;
  const physical = physicalOf(target.type);
  const rows = sources.reduce((sum, { length }) => sum + length, 0);
  if (physical === 'none') return;
  if (sources.some(({ validity }) => validity !== 0)) target.validity = allocate(bitmapBytes(rows));
  const width = widthOf(target);
  if (width > 0) target.values = allocate(Math.max(1, rows) * width);
  else if (physical === 'bit') target.values = allocate(bitmapBytes(rows));
  else if (physical !== 'struct') {
    target.offsets = allocate((rows + 1) * 4);
    arena.i32[target.offsets / 4] = 0;
    if (physical === 'bytes')
      target.values = allocate(
        Math.max(
          1,
          sources.reduce((sum, source) => sum + lastOffset(arena, source), 0),
        ),
      );
  }
  for (const [i, child] of target.children.entries()) {
    const children = sources.map((source) => source.children[i]).filter((each) => each !== undefined);
    reserve(memory, child, children, allocate);
  }
}
