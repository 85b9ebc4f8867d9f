/** Growing columns: rows are added at the end; a buffer that is too small is replaced by one of twice its size. */
import { assert } from '../../core/assert.js';
import { bitmapBytes } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { physicalOf } from '../../core/types.js';
import type { StorageMemory } from '../memory.js';
import { type ColumnBuffers, lastOffset, rolesOf, widthOf } from './column-buffers.js';

const LARGEST_OFFSET = 2 ** 31 - 1;

/** Makes room for the rows of `source` at the end of `target`. Readers keep the old buffers. Fails with `query_memory_exceeded`. */
export function reserveColumn(memory: StorageMemory, target: ColumnBuffers, source: ColumnBuffers, expectedRows: number): void {
  const rows = target.length + source.length;
  const capacity = Math.max(rows, expectedRows);
  for (const role of rolesOf(target.type, target.dictionary)) {
    if (role === 'offsets') growOffsets(memory, target, rows, capacity);
    else if (role === 'values') growValues(memory, target, source, rows, capacity);
    else if (target.validity !== 0 || source.validity !== 0) growValidity(memory, target, rows, capacity);
  }
  target.children.forEach((child, i) => {
    const from = source.children[i];
    assert(from, 'columns have the same shape');
    reserveColumn(memory, child, from, target.type.kind === 'struct' ? expectedRows : 0);
  });
}

function growValidity(memory: StorageMemory, target: ColumnBuffers, rows: number, capacity: number): void {
  const isNew = target.validity === 0;
  target.validity = grown(memory, target.validity, bitmapBytes(target.length), bitmapBytes(rows), bitmapBytes(capacity));
  if (isNew) memory.kernels.fill_bits(target.validity, 0, target.length);
}

function growOffsets(memory: StorageMemory, target: ColumnBuffers, rows: number, capacity: number): void {
  const isNew = target.offsets === 0;
  target.offsets = grown(memory, target.offsets, (target.length + 1) * 4, (rows + 1) * 4, (capacity + 1) * 4);
  if (isNew) memory.arena.i32[target.offsets / 4] = 0;
}

function growValues(memory: StorageMemory, target: ColumnBuffers, source: ColumnBuffers, rows: number, capacity: number): void {
  const width = widthOf(target);
  if (width > 0) target.values = grown(memory, target.values, target.length * width, rows * width, capacity * width);
  else if (target.type.kind === 'bool')
    target.values = grown(memory, target.values, bitmapBytes(target.length), bitmapBytes(rows), bitmapBytes(capacity));
  else {
    const used = lastOffset(memory.arena, target);
    const wanted = used + lastOffset(memory.arena, source);
    if (wanted > LARGEST_OFFSET) throw new DbError('request_too_large', `more than ${LARGEST_OFFSET} bytes of text in one segment`);
    if (wanted > 0) target.values = grown(memory, target.values, used, wanted, wanted);
  }
}

function grown(memory: StorageMemory, address: number, usedBytes: number, neededBytes: number, wantedBytes: number): number {
  const capacityBytes = address === 0 ? 0 : memory.arena.capacityBytes(address);
  if (address !== 0 && capacityBytes >= neededBytes) return address;
  const replacement = memory.allocate(Math.max(wantedBytes, neededBytes, Math.min(2 * capacityBytes, capacityBytes + (256 << 20)), 64));
  if (address !== 0) {
    memory.kernels.copy_bytes(replacement, address, usedBytes);
    memory.retire(address);
  }
  return replacement;
}

/** Adds the rows of `source`; reserveColumn came before. */
export function appendColumn(memory: StorageMemory, target: ColumnBuffers, source: ColumnBuffers): void {
  const { kernels, arena } = memory;
  const { length: rows } = source;
  if (rows === 0) return;
  if (target.validity !== 0) {
    if (source.validity === 0) kernels.fill_bits(target.validity, target.length, rows);
    else kernels.move_bits(target.validity, target.length, source.validity, 0, rows);
  }
  const width = widthOf(target);
  if (width > 0) kernels.copy_bytes(target.values + target.length * width, source.values, rows * width);
  else if (target.type.kind === 'bool') kernels.move_bits(target.values, target.length, source.values, 0, rows);
  else if (target.offsets !== 0) {
    const used = lastOffset(arena, target);
    kernels.shift_offsets(target.offsets + target.length * 4, source.offsets, used, rows + 1);
    if (physicalOf(target.type) === 'bytes') kernels.copy_bytes(target.values + used, source.values, lastOffset(arena, source));
  }
  target.children.forEach((child, i) => {
    appendColumn(memory, child, source.children[i] as ColumnBuffers);
  });
  target.length += rows;
}

/** What truncateColumn needs to forget rows that were added after it. */
export function lengthsOf(column: ColumnBuffers): number[] {
  return [column.length, ...column.children.flatMap(lengthsOf)];
}

/** Takes the column back to earlier lengths. */
export function truncateColumn(column: ColumnBuffers, lengths: number[]): void {
  column.length = lengths.shift() ?? 0;
  for (const child of column.children) truncateColumn(child, lengths);
}
