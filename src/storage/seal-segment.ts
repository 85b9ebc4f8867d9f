/** From rows in memory to a sealed segment: sort by the designated timestamp, zone maps, file, record, and the change of state. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ZoneMap } from '../core/contracts.js';
import { DbError } from '../core/errors.js';
import type { SegmentRecord } from './catalog.js';
import { addressesOf, type ColumnBuffers, columnBytes, freeze, nodesOf } from './column-buffers.js';
import type { CachedColumn } from './column-cache.js';
import { permuteColumn } from './column-permute.js';
import type { Epochs } from './epochs.js';
import { columnAt, type Segment } from './segment.js';
import { type WrittenFile, writeSegmentFile } from './segment-file.js';
import type { StorageContext } from './storage-context.js';
import type { Table } from './table.js';
import { storeBound, zoneMapOf } from './zone-map.js';

const SORT_SCRATCH_BYTES = 8192;

/** A segment whose file is on disk, and that the catalog does not know yet. */
export interface PreparedSegment {
  readonly columns: readonly ColumnBuffers[];
  /** Row i was row order[i] (address of u32s); 0 = the order has not changed, and the columns are the segment's own. */
  readonly order: number;
  readonly zones: readonly ZoneMap[];
  readonly record: SegmentRecord;
}

const yieldToOthers = () => new Promise<void>((resolve) => setImmediate(resolve));

/**
 * Sorts (unless the order is to be kept) and writes a segment that takes no more rows; between columns others get their turn. Fails with `query_memory_exceeded`, `read_only`,
 * `io_error`, and then leaves nothing behind.
 */
export async function prepareSegment(
  context: StorageContext,
  table: Table,
  segment: Segment,
  fileNumber: number,
  keepOrder = false,
): Promise<PreparedSegment> {
  const { memory, segmentsFolder, catalog } = context;
  const { columns, order } = await sortColumns(context, segment, keepOrder);
  try {
    const zones: ZoneMap[] = [];
    for (const [i, column] of columns.entries()) {
      trimBitmaps(context, column);
      zones.push(zoneMapOf(memory, column, segment.layout.columns[i]?.dictionary ?? null));
      await yieldToOthers();
    }
    const sizeBytes = columns.reduce((sum, column) => sum + columnBytes(memory.arena, column), 0);
    let file = '';
    let written: WrittenFile | null = null;
    if (segmentsFolder !== null) {
      catalog.assertRoom(sizeBytes);
      file = `${table.info.id}-${fileNumber}.arrow`;
      const dictionaries = segment.layout.columns.map((column) => column.dictionary);
      written = await writeSegmentFile(memory, segmentsFolder, file, {
        tableName: table.info.definition.name,
        definitions: segment.layout.definitions,
        rows: segment.rows,
        columns,
        dictionaries,
      });
    }
    const record: SegmentRecord = {
      id: segment.id,
      rows: segment.rows,
      deleted: 0,
      sorted: segment.sorted || order !== 0,
      file,
      sizeBytes: written?.sizeBytes ?? sizeBytes,
      columns: segment.layout.columns.map(({ id }, i) => ({
        id,
        dictionary: columns[i]?.dictionary === true,
        node: written?.nodes[i] ?? { rows: segment.rows, buffers: [], children: [] },
        zone: [zones[i]?.nullCount ?? 0, storeBound(zones[i]?.min), storeBound(zones[i]?.max)],
      })),
    };
    return { columns, order, zones, record };
  } catch (error) {
    freeSorted(context, columns, order);
    throw error;
  }
}

/** Undoes prepareSegment. */
export async function discardPrepared(context: StorageContext, { columns, order, record }: PreparedSegment): Promise<void> {
  freeSorted(context, columns, order);
  if (context.segmentsFolder !== null) await rm(join(context.segmentsFolder, record.file), { force: true });
}

/**
 * The segment's columns come from the cache from now on. Its own old buffers go when no snapshot sees them any more. `readers`: whose snapshots
 * may have seen the segment; null = nobody's.
 */
export function becomeSealed(
  context: StorageContext,
  segment: Segment,
  prepared: PreparedSegment,
  record: SegmentRecord,
  readers: Epochs | null = context.memory.epochs,
): void {
  const { memory, cache, catalog } = context;
  const replaced = segment.columns.flatMap(addressesOf);
  const isMoved = prepared.order !== 0;
  const entries = prepared.columns.map((column, i) => cache.adopt(segment, i, column, catalog.persistent && (isMoved || readers === null)));
  segment.state = 'sealed';
  segment.columns = [];
  segment.tailKeys.length = 0;
  segment.zoneMaps = prepared.zones;
  segment.record = record;
  if (isMoved) {
    segment.sorted = true;
    segment.order = prepared.order;
    const free = () => {
      for (const address of [...replaced, segment.order]) memory.free(address);
      segment.order = 0;
    };
    if (readers === null) free();
    else readers.retire(free);
  } else if (catalog.persistent && readers !== null) allowEviction(readers, entries);
}

/** Older snapshots read these very buffers without pinning them in the cache. */
function allowEviction(readers: Epochs, entries: readonly CachedColumn[]): void {
  readers.retire(() => {
    for (const entry of entries) entry.evictable = true;
  });
}

function freeSorted({ memory }: StorageContext, columns: readonly ColumnBuffers[], order: number): void {
  if (order === 0) return;
  for (const column of columns) for (const address of addressesOf(column)) memory.free(address);
  memory.free(order);
}

function trimBitmaps({ memory }: StorageContext, column: ColumnBuffers): void {
  for (const node of nodesOf(column)) {
    if (node.validity !== 0) memory.kernels.trim_bits(node.validity, node.length);
    if (node.type.kind === 'bool' && node.length > 0) memory.kernels.trim_bits(node.values, node.length);
  }
}

/** Columns in time order. When memory does not suffice for a second copy, they stay as they are. */
async function sortColumns(
  { memory }: StorageContext,
  segment: Segment,
  keepOrder: boolean,
): Promise<{ readonly columns: readonly ColumnBuffers[]; readonly order: number }> {
  const asTheyAre = { columns: segment.columns.map(freeze), order: 0 };
  const { timestampColumn } = segment.layout;
  if (keepOrder || timestampColumn < 0 || segment.sorted) return asTheyAre;
  const held: number[] = [];
  const allocate = (sizeBytes: number) => {
    const address = memory.allocate(sizeBytes);
    held.push(address);
    return address;
  };
  try {
    const times = columnAt(segment.columns, timestampColumn);
    const order = allocate(segment.rows * 4);
    memory.scratch((scratch) => {
      memory.kernels.sort_rows_i64(order, times.values, segment.rows, scratch(segment.rows * 20 + SORT_SCRATCH_BYTES));
    });
    const columns: ColumnBuffers[] = [];
    for (const column of segment.columns) {
      await yieldToOthers();
      columns.push(permuteColumn(memory, column, order, segment.rows, allocate));
    }
    return { columns, order };
  } catch (error) {
    for (const address of held) memory.free(address);
    if (error instanceof DbError && error.code === 'query_memory_exceeded') return asTheyAre;
    throw error;
  }
}
