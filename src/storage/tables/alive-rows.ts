/** Bitmaps of the rows that are not deleted, in memory and in the catalog (layout: catalog.ts, `deletion`). */
import { DbError } from '../../core/errors.js';
import type { Catalog } from '../catalog/catalog.js';
import type { StorageMemory } from '../memory.js';
import { ALL_ALIVE, type AliveRows, aliveBytes } from './segment.js';

const HEADER_BYTES = 8;

/** Reads a bitmap that is still in the catalog only. capacityRows: rows that the segment may grow to. */
export function loadAlive(
  memory: StorageMemory,
  catalog: Catalog,
  alive: AliveRows,
  tableId: number,
  segmentId: number,
  capacityRows: number,
): void {
  if (alive.deleted === 0 || alive.address !== 0) return;
  const record = catalog.deletion(tableId, segmentId);
  if (record === undefined) throw new DbError('corrupt', `the catalog lacks the deleted rows of segment ${tableId}-${segmentId}`);
  alive.address = readAlive(memory, record, capacityRows);
}

/** The bitmap of a catalog record; rows past those that it knows are alive, up to capacityRows. */
export function readAlive(memory: StorageMemory, record: Uint8Array, capacityRows: number): number {
  const rows = Buffer.from(record.buffer, record.byteOffset, HEADER_BYTES).readUInt32LE(0);
  const address = memory.allocate(aliveBytes(Math.max(rows, capacityRows)));
  memory.kernels.fill_bytes(address, 255, aliveBytes(Math.max(rows, capacityRows)));
  const bytes = record.subarray(HEADER_BYTES);
  memory.arena.u8.set(bytes, address);
  if (capacityRows <= rows) memory.kernels.trim_bits(address, rows);
  else memory.kernels.fill_bits(address, rows, capacityRows - rows);
  return address;
}

export function deletedOf(record: Uint8Array): number {
  return Buffer.from(record.buffer, record.byteOffset, HEADER_BYTES).readUInt32LE(4);
}

export function writeAlive(memory: StorageMemory, alive: AliveRows, rows: number): Uint8Array {
  const record = Buffer.alloc(HEADER_BYTES + aliveBytes(rows));
  record.writeUInt32LE(rows, 0);
  record.writeUInt32LE(alive.deleted, 4);
  record.fill(memory.arena.u8.subarray(alive.address, alive.address + aliveBytes(rows)), HEADER_BYTES);
  return record;
}

/** The bitmap in the row order of the sealed segment (order 0 = the same), bits past the rows clear. */
export function sealedAlive(memory: StorageMemory, alive: AliveRows, order: number, rows: number): AliveRows {
  if (alive.deleted === 0) return ALL_ALIVE;
  const address = memory.allocate(aliveBytes(rows));
  if (order !== 0) memory.kernels.permute_bits(address, alive.address, order, rows);
  else memory.kernels.copy_bytes(address, alive.address, aliveBytes(rows));
  memory.kernels.trim_bits(address, rows);
  return { deleted: alive.deleted, address };
}
