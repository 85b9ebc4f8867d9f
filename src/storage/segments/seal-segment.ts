/** From rows in memory to sealed segments: order and partitions (sealed-order.ts), zone maps, files, records, and the change of state. */
import { assert } from '../../core/assert.js';
import type { ClusterIndex, ZoneMap } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import { yieldToOthers } from '../../core/yield-to-others.js';
import type { SegmentRecord } from '../catalog/catalog.js';
import { addressesOf, type ColumnBuffers, freeze } from '../columns/column-buffers.js';
import type { CachedColumn } from '../columns/column-cache.js';
import { permuteColumn } from '../columns/column-permute.js';
import { forgetNewest } from '../columns/newest-rows.js';
import type { Epochs } from '../epochs.js';
import type { StorageMemory } from '../memory.js';
import type { StorageContext } from '../storage-context.js';
import type { Segment } from '../tables/segment.js';
import type { Table } from '../tables/table.js';
import { type SealedPart, sealedParts } from './sealed-order.js';
import { removeSegmentFile } from './segment-file.js';
import { storeSegment } from './store-segment.js';

/** A segment whose file is on disk, and that the catalog does not know yet. */
export interface PreparedSegment {
  /** What it becomes: the segment itself, or, when that is cut into several, a new one. */
  readonly target: Segment;
  readonly columns: readonly ColumnBuffers[];
  /** Row i was row order[i] (address of u32s); 0 = the order has not changed, and the columns are the segment's own. */
  readonly order: number;
  readonly cluster: ClusterIndex | null;
  readonly zones: readonly ZoneMap[];
  readonly record: SegmentRecord;
}

/**
 * Orders (unless the order is to be kept), cuts and writes a segment that takes no more rows; between columns others get their turn. Fails with
 * `query_memory_exceeded`, `read_only`, `io_error`, and then leaves nothing behind.
 */
export async function prepareSegments(
  context: StorageContext,
  table: Table,
  segment: Segment,
  keepOrder = false,
): Promise<PreparedSegment[]> {
  const parts = keepOrder ? [asItIs(segment)] : partsOf(context, table, segment);
  const prepared: PreparedSegment[] = [];
  try {
    for (const part of parts) {
      const target = parts.length === 1 ? segment : table.newSegment(segment.layout);
      prepared.push(await preparePart(context, table, segment, target, part));
    }
    return prepared;
  } catch (error) {
    for (const one of prepared) await discardPrepared(context, one);
    for (const part of parts.slice(prepared.length)) context.memory.free(part.order);
    throw error;
  }
}

function asItIs(segment: Segment): SealedPart {
  return { order: 0, rows: segment.rows, cluster: null, sorted: segment.sorted };
}

/** When memory does not suffice for the new order, rows stay as they are. */
function partsOf({ memory }: StorageContext, table: Table, segment: Segment): SealedPart[] {
  try {
    return sealedParts(memory, table.info.definition, segment);
  } catch (error) {
    if (error instanceof DbError && error.code === 'query_memory_exceeded') return [asItIs(segment)];
    throw error;
  }
}

/** On failure the part's order stays the caller's. */
async function preparePart(
  context: StorageContext,
  table: Table,
  source: Segment,
  target: Segment,
  wanted: SealedPart,
): Promise<PreparedSegment> {
  const { memory } = context;
  const ordered = await orderColumns(context, source, wanted.order, wanted.rows);
  // Without room for a second copy of all rows they stay as they are; a part of them cannot.
  const part = ordered === null ? { ...asItIs(source), order: 0 } : wanted;
  const columns = ordered ?? source.columns.map(freeze);
  try {
    const { zones, record } = await storeSegment(context, table, {
      id: target.id,
      layout: source.layout,
      columns,
      part,
      packing: context.settings.segment_compression === 'always' ? yieldToOthers : null,
    });
    context.written.sealedBytes += record.sizeBytes;
    if (part !== wanted) memory.free(wanted.order);
    return { target, columns, order: part.order, cluster: part.cluster?.index ?? null, zones, record };
  } catch (error) {
    if (part.order !== 0) for (const column of columns) for (const address of addressesOf(column)) memory.free(address);
    throw error;
  }
}

/** Undoes what prepareSegments has made. */
export async function discardPrepared(context: StorageContext, { columns, order, record }: PreparedSegment): Promise<void> {
  freeSorted(context, columns, order);
  if (context.segmentsFolder !== null) await removeSegmentFile(context.environment.files, context.segmentsFolder, record.file);
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
  forgetNewest(memory, segment, -1);
  const replaced = segment.columns.flatMap(addressesOf);
  const isMoved = prepared.order !== 0;
  const entries = prepared.columns.map((column, i) => cache.adopt(segment, i, column, catalog.persistent && (isMoved || readers === null)));
  segment.state = 'sealed';
  segment.columns = [];
  segment.tailKeys.length = 0;
  segment.zoneMaps = prepared.zones;
  segment.record = record;
  segment.cluster = prepared.cluster;
  segment.sorted = record.sorted;
  if (isMoved) {
    segment.order = prepared.order;
    const free = () => {
      for (const address of [...replaced, segment.order]) memory.free(address);
      segment.order = 0;
    };
    if (readers === null) free();
    else readers.retire(free);
  } else if (catalog.persistent && readers !== null) allowEviction(readers, entries);
}

/**
 * The parts that a segment was cut into take its place in the table. Its own buffers, and what maps its rows to theirs, go when no snapshot sees
 * it any more.
 */
export function becomeParts(context: StorageContext, table: Table, segment: Segment, prepared: readonly PreparedSegment[]): void {
  const { memory, cache, catalog } = context;
  for (const part of prepared) {
    const { target, columns, zones } = part;
    target.state = 'sealed';
    target.sorted = part.record.sorted;
    target.cluster = part.cluster;
    target.rows = target.visibleRows = part.record.rows;
    target.zoneMaps = zones;
    target.record = target.plannedRecord;
    columns.forEach((column, i) => {
      cache.adopt(target, i, column, catalog.persistent);
    });
  }
  const at = table.segments.indexOf(segment);
  assert(at >= 0, 'a segment that is sealed is in its table');
  table.segments.splice(at, 1, ...prepared.map((part) => part.target));
  forgetNewest(memory, segment, -1);
  const replaced = segment.columns.flatMap(addressesOf);
  segment.columns = [];
  segment.tailKeys.length = 0;
  memory.epochs.retire(() => {
    for (const address of replaced) memory.free(address);
    forgetOrders(memory, segment);
  });
}

/** Nobody sees the segment any more. */
export function forgetOrders(memory: StorageMemory, segment: Segment): void {
  for (const part of segment.became?.parts ?? []) {
    memory.free(part.order);
    part.order = 0;
  }
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

/** The columns of the rows in an order (0 = as they are); null: memory does not suffice for a second copy of all of them. */
async function orderColumns({ memory }: StorageContext, segment: Segment, order: number, rows: number): Promise<ColumnBuffers[] | null> {
  if (order === 0) return segment.columns.map(freeze);
  const held: number[] = [];
  const allocate = (sizeBytes: number) => {
    const address = memory.allocate(sizeBytes);
    held.push(address);
    return address;
  };
  try {
    const columns: ColumnBuffers[] = [];
    for (const column of segment.columns) {
      await yieldToOthers();
      columns.push(permuteColumn(memory, column, order, rows, allocate));
    }
    return columns;
  } catch (error) {
    for (const address of held) memory.free(address);
    if (rows === segment.rows && error instanceof DbError && error.code === 'query_memory_exceeded') return null;
    throw error;
  }
}
