/**
 * A tail record: some rows of one table, as they lie in the arena while a session is open, and in the catalog until a segment file holds them.
 *
 *   0      u32 "FTL1"
 *   4      u32 CRC-32 (zlib's, twice as fast here as CRC32C) of the bytes [8, size)
 *   8      u32 size of the record in bytes
 *   12     u32 rows
 *   16     u32 columns c
 *   20     u32 nodes n (of all columns, parents first)
 *   24     u32 buffers b
 *   28     u32 0
 *   32     c × u32 column id
 *          n × (u32 flags: bit 0 has validity, bit 1 dictionary codes; u32 rows of the node)
 *          b × u32 size in bytes, in the order of rolesOf; absent validity has no entry
 *          zero padding to a multiple of 8, then the buffers, each padded to a multiple of 8
 *
 * All numbers are little-endian.
 */
import { crc32 } from 'node:zlib';
import type { Arena } from '../../core/arena.js';
import type { ColumnDefinition } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import type { DataType } from '../../core/types.js';
import { type ColumnBuffers, childTypes, nodesOf, rolesOf } from '../columns/column-buffers.js';
import type { StorageMemory } from '../memory.js';

const MAGIC = 0x314c5446;
const HEADER_BYTES = 32;
const HAS_VALIDITY = 1;
const IS_DICTIONARY = 2;

/** One buffer that a record will hold: its size, and how its bytes get to their place. */
export interface PlannedBuffer {
  readonly sizeBytes: number;
  write(address: number): void;
}

/** A column whose bytes are still where they came from. */
export interface PlannedColumn {
  readonly dictionary: boolean;
  readonly length: number;
  readonly validity: PlannedBuffer | null;
  /** Without validity, in the order of rolesOf. */
  readonly buffers: readonly PlannedBuffer[];
  readonly children: readonly PlannedColumn[];
}

export interface TailRecord {
  readonly address: number;
  readonly sizeBytes: number;
  readonly rows: number;
  /** By position in the table; addresses point into the record. */
  readonly columns: readonly ColumnBuffers[];
}

function plannedNodes(column: PlannedColumn): PlannedColumn[] {
  return [column, ...column.children.flatMap(plannedNodes)];
}

const aligned = (sizeBytes: number) => Math.ceil(sizeBytes / 8) * 8;

/** Writes a record into the arena. The caller frees its address. */
export function writeTailRecord(
  memory: StorageMemory,
  definitions: readonly ColumnDefinition[],
  columns: readonly PlannedColumn[],
  rows: number,
): TailRecord {
  const { arena } = memory;
  const nodes = columns.flatMap(plannedNodes);
  const buffers = nodes.flatMap((node) => (node.validity === null ? node.buffers : [node.validity, ...node.buffers]));
  const directoryBytes = aligned(HEADER_BYTES + 4 * columns.length + 8 * nodes.length + 4 * buffers.length);
  const sizeBytes = buffers.reduce((sum, buffer) => sum + aligned(buffer.sizeBytes), directoryBytes);
  const address = memory.allocate(sizeBytes);
  try {
    memory.kernels.fill_bytes(address, 0, directoryBytes);
    let word = address / 4;
    for (const value of [MAGIC, 0, sizeBytes, rows, columns.length, nodes.length, buffers.length, 0]) arena.u32[word++] = value;
    for (const definition of definitions) arena.u32[word++] = definition.id;
    for (const node of nodes) {
      arena.u32[word++] = (node.validity === null ? 0 : HAS_VALIDITY) | (node.dictionary ? IS_DICTIONARY : 0);
      arena.u32[word++] = node.length;
    }
    let place = address + directoryBytes;
    for (const buffer of buffers) {
      arena.u32[word++] = buffer.sizeBytes;
      const end = place + aligned(buffer.sizeBytes);
      if (end > place) arena.u8.fill(0, end - 8, end);
      if (buffer.sizeBytes > 0) buffer.write(place);
      place = end;
    }
    arena.u32[address / 4 + 1] = checksum(arena, address, sizeBytes);
    return readTailRecord(memory, definitions, address, sizeBytes, false);
  } catch (error) {
    memory.free(address);
    throw error;
  }
}

function checksum(arena: Arena, address: number, sizeBytes: number): number {
  return crc32(arena.u8.subarray(address + 8, address + sizeBytes));
}

/** Ids of the columns of a record in the arena. Fails with `corrupt`. */
export function columnIdsOf(memory: StorageMemory, address: number, sizeBytes: number): number[] {
  const at = (index: number) => memory.arena.u32[address / 4 + index] as number;
  const count = at(4);
  if (sizeBytes < HEADER_BYTES || at(0) !== MAGIC || HEADER_BYTES + 4 * count > sizeBytes)
    throw new DbError('corrupt', 'a tail record has no valid header');
  return Array.from({ length: count }, (_, i) => at(8 + i));
}

/** Reads the directory of a record in the arena. Fails with `corrupt`. Columns that the record does not have are all null. */
export function readTailRecord(
  memory: StorageMemory,
  definitions: readonly ColumnDefinition[],
  address: number,
  sizeBytes: number,
  verify = true,
): TailRecord {
  const { arena } = memory;
  const word = address / 4;
  const at = (index: number) => arena.u32[word + index] as number;
  if (sizeBytes < HEADER_BYTES || at(0) !== MAGIC || at(2) !== sizeBytes) throw new DbError('corrupt', 'a tail record has no valid header');
  if (verify && checksum(arena, address, sizeBytes) !== at(1)) {
    throw new DbError('corrupt', 'the checksum of a tail record does not match');
  }
  const [rows, columnCount, nodeCount, bufferCount] = [at(3), at(4), at(5), at(6)];
  const ids = Array.from({ length: columnCount }, (_, i) => at(8 + i));
  const byId = new Map(definitions.map((definition) => [definition.id, definition]));
  const cursor: Cursor = {
    arena,
    node: word + 8 + columnCount,
    size: word + 8 + columnCount + 2 * nodeCount,
    place: address + aligned(HEADER_BYTES + 4 * columnCount + 8 * nodeCount + 4 * bufferCount),
  };
  const shapes = ids.map((id) => {
    const definition = byId.get(id);
    if (definition === undefined) throw new DbError('corrupt', `a tail record has a column of unknown id ${id}`);
    return readShape(cursor, definition.type);
  });
  for (const shape of shapes) placeBuffers(cursor, shape);
  const columns = definitions.map((definition) => {
    const shape = shapes[ids.indexOf(definition.id)];
    if (shape === undefined) throw new DbError('corrupt', `a tail record lacks column "${definition.name}"`);
    return shape.column;
  });
  return { address, sizeBytes, rows, columns };
}

interface Cursor {
  readonly arena: Arena;
  /** Word indexes of the next node and the next buffer size, address of the next buffer. */
  node: number;
  size: number;
  place: number;
}

interface Shape {
  readonly column: ColumnBuffers;
  /** Of the column's nodes, parents first. */
  readonly hasValidity: boolean[];
}

function readShape(cursor: Cursor, type: DataType): Shape {
  const flags = cursor.arena.u32[cursor.node] as number;
  const length = cursor.arena.u32[cursor.node + 1] as number;
  cursor.node += 2;
  const children = childTypes(type).map((child) => readShape(cursor, child));
  return {
    column: {
      type,
      dictionary: (flags & IS_DICTIONARY) !== 0,
      length,
      validity: 0,
      offsets: 0,
      values: 0,
      children: children.map((child) => child.column),
    },
    hasValidity: [(flags & HAS_VALIDITY) !== 0, ...children.flatMap((child) => child.hasValidity)],
  };
}

function placeBuffers(cursor: Cursor, shape: Shape): void {
  let index = 0;
  for (const node of nodesOf(shape.column)) {
    const hasValidity = shape.hasValidity[index++] === true;
    for (const role of rolesOf(node.type, node.dictionary)) {
      if (role === 'validity' && !hasValidity) continue;
      node[role] = cursor.place;
      cursor.place += aligned(cursor.arena.u32[cursor.size++] as number);
    }
  }
}
