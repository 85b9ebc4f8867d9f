/**
 * Sealed segments become others that have their rows: in order, without those that are deleted, one after the other and column by column, so that
 * memory holds one result and one column of what it is made of.
 */
import { assert } from '../../core/assert.js';
import type { ClusterIndex } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import { plainBytesOf } from '../catalog/catalog.js';
import { addressesOf, type ColumnBuffers } from '../columns/column-buffers.js';
import type { CachedColumn } from '../columns/column-cache.js';
import { permuteColumn } from '../columns/column-permute.js';
import { concatColumns } from '../columns/concat-columns.js';
import type { StorageContext } from '../storage-context.js';
import { hasSameColumns, type Layout } from '../tables/layout.js';
import { placeOf, type Segment } from '../tables/segment.js';
import type { Table } from '../tables/table.js';
import { type MergedRows, type MergeJob, mergeRows } from './merge-order.js';
import type { PreparedSegment } from './seal-segment.js';
import { type ClusterOrder, clusterRows, endsOfPartitions } from './sealed-order.js';
import { removeSegmentFile } from './segment-file.js';
import { storeSegment } from './store-segment.js';

/** A segment that sources become: its columns are in the cache already, its file is on disk, the catalog does not know it. */
export type MergedSegment = Omit<PreparedSegment, 'columns'>;

/** Fails as reading and storing do, with `query_memory_exceeded`, or as `turn` does, and then leaves nothing behind. None: no row is alive. */
export async function mergeSegments(context: StorageContext, job: MergeJob): Promise<MergedSegment[]> {
  const { memory } = context;
  const made: MergedSegment[] = [];
  const merged = await mergeRows(context, job, (source, index) => pin(context, job, source, index));
  try {
    const ends = endsOfResults(context, job, merged);
    for (const [i, end] of ends.entries()) {
      const first = ends[i - 1] ?? 0;
      made.push(await mergeSlice(context, job, merged, { first, rows: end - first, place: placeOfResult(job.sources, i) }));
    }
    return made;
  } catch (error) {
    for (const part of made) await discardMerged(context, part);
    throw error;
  } finally {
    memory.free(merged.order);
    memory.free(merged.times);
  }
}

/** Undoes what mergeSegments has made. */
export async function discardMerged(context: StorageContext, { target, order, record }: MergedSegment): Promise<void> {
  context.cache.drop(target);
  context.memory.free(order);
  if (context.segmentsFolder !== null) await removeSegmentFile(context.environment.files, context.segmentsFolder, record.file);
}

/** Where the i-th result stands: where the i-th source stood; or, of a single one that was cut, as its i-th part. */
function placeOfResult(sources: readonly Segment[], i: number): readonly [number, number] {
  const at = sources[i];
  return at === undefined ? [sources[0]?.id ?? 0, i] : placeOf(at);
}

/** The rows of a single segment are cut where partitions end, those of several into even parts of at most a segment each. */
function endsOfResults({ memory }: StorageContext, job: MergeJob, { order, times, rows }: MergedRows): number[] {
  const { table, sources, segmentRows, segmentBytes } = job;
  if (rows === 0) return [];
  const [only] = sources;
  assert(only, 'something is merged');
  if (sources.length === 1) {
    const type = only.layout.definitions[only.layout.timestampColumn]?.type;
    if (times === 0 || type === undefined || only.record?.place !== undefined) return [rows];
    const { i64, u32 } = memory.arena;
    const timeAt = (row: number) => i64[times / 8 + (u32[order / 4 + row] as number)] as bigint;
    return endsOfPartitions(table.info.definition.partitionBy, type, rows, timeAt);
  }
  const all = sources.reduce((sum, source) => sum + source.rows, 0);
  const sizeBytes = (sources.reduce((sum, { record }) => sum + plainBytesOf(record), 0) * rows) / all;
  const wanted = Math.max(1, Math.ceil(rows / segmentRows), Math.ceil(sizeBytes / segmentBytes));
  const count = Math.min(wanted, sources.length);
  return Array.from({ length: count }, (_, i) => Math.ceil((rows * (i + 1)) / count)).filter((end, i, ends) => end > (ends[i - 1] ?? 0));
}

interface Slice {
  readonly first: number;
  readonly rows: number;
  readonly place: readonly [number, number];
}

/** Rows of one result, by source. Addresses of u32. */
interface SplitRows {
  readonly rows: number;
  /** Numbers in their source, the sources one after the other; starts[s] = where those of source s begin. */
  readonly bySource: number;
  readonly starts: readonly number[];
  /** Row i of the result stands at places[i] of bySource; 0 = at i. */
  readonly places: number;
}

async function mergeSlice(context: StorageContext, job: MergeJob, merged: MergedRows, slice: Slice): Promise<MergedSegment> {
  const { memory } = context;
  const { table, sources, turn } = job;
  const { rows } = slice;
  const layout = layoutOf(table, sources);
  const scratch: number[] = [];
  const columns: ColumnBuffers[] = [];
  let order = 0;
  try {
    order = memory.allocate(rows * 4);
    memory.kernels.copy_bytes(order, merged.order + slice.first * 4, rows * 4);
    let split = splitRows(context, merged, order, rows, scratch);
    let cluster: ClusterOrder | null = null;
    const grouping = clusterPosition(table, sources, layout);
    if (grouping >= 0) {
      const codes = await gatherColumn(context, job, merged, split, grouping);
      try {
        const places = memory.allocate(rows * 4);
        scratch.push(places);
        cluster = groupRows(context, layout, grouping, codes, { order, split, places });
        split = { ...split, places };
      } finally {
        free(context, codes);
      }
    }
    const resident = layout.columns.map((_, i) => !context.catalog.persistent || sources.some((source) => source.cached[i]?.column));
    for (const index of layout.columns.keys()) {
      await turn();
      columns.push(await gatherColumn(context, job, merged, split, index));
    }
    const target = table.newSegment(layout);
    const packing = context.settings.segment_compression === 'none' ? null : turn;
    const part = { rows, cluster, sorted: cluster === null && merged.times !== 0 };
    const { zones, record } = await storeSegment(context, table, { id: target.id, layout, columns, part, packing });
    context.written.compactedBytes += record.sizeBytes;
    target.rows = rows;
    for (const [i, column] of columns.entries()) {
      if (resident[i]) context.cache.adopt(target, i, column, context.catalog.persistent);
      else free(context, column);
    }
    const level = 1 + Math.max(...sources.map((source) => source.record?.level ?? 0));
    return { target, order, cluster: cluster?.index ?? null, zones, record: { ...record, level, place: slice.place } };
  } catch (error) {
    for (const column of columns) free(context, column);
    memory.free(order);
    throw error;
  } finally {
    for (const address of scratch) memory.free(address);
  }
}

function free({ memory }: StorageContext, column: ColumnBuffers): void {
  for (const address of addressesOf(column)) memory.free(address);
}

/** The table's own where it is the same, so that its snapshots need not match columns. */
function layoutOf(table: Table, sources: readonly Segment[]): Layout {
  const { layout } = sources.at(-1) as Segment;
  return hasSameColumns(table.layout, layout) ? table.layout : layout;
}

/** The position of the column that rows are grouped by; −1 = none, or its text has no codes. */
function clusterPosition({ info: { definition } }: Table, sources: readonly Segment[], layout: Layout): number {
  const id = definition.clusterBy.length === 1 ? definition.columns[definition.clusterBy[0] ?? -1]?.id : undefined;
  const isCoded = sources.every(({ record }) => record?.columns.some((column) => column.id === id && column.dictionary));
  return isCoded ? layout.columns.findIndex((column) => column.id === id) : -1;
}

function splitRows({ memory }: StorageContext, merged: MergedRows, order: number, rows: number, scratch: number[]): SplitRows {
  const { kernels, arena } = memory;
  const { ends } = merged;
  const [bySource, places] = [0, 1].map(() => {
    const address = memory.allocate(rows * 4);
    scratch.push(address);
    return address;
  }) as [number, number];
  const starts = memory.scratch((allocate) => {
    const [bounds, found] = [allocate(ends.length * 4), allocate((ends.length + 1) * 4)];
    arena.u32.set(ends, bounds / 4);
    kernels.split_rows(order, rows, bounds, ends.length, bySource, places, found);
    return [...arena.u32.subarray(found / 4, found / 4 + ends.length + 1)];
  });
  return { rows, bySource, starts, places: merged.isConcat ? 0 : places };
}

interface Grouping {
  /** Numbers of the rows through all sources; they are put into the new order. */
  readonly order: number;
  readonly split: SplitRows;
  /** Where the new places are written. */
  readonly places: number;
}

function groupRows(context: StorageContext, layout: Layout, position: number, codes: ColumnBuffers, given: Grouping): ClusterOrder {
  const { memory } = context;
  const { kernels } = memory;
  const { order, places, split } = given;
  const { rows } = split;
  const { id: columnId, dictionary } = layout.columns[position] ?? {};
  assert(columnId !== undefined && dictionary, 'rows are grouped by a dictionary-encoded column');
  return memory.scratch((allocate) => {
    const [numbers, grouped, copy] = [allocate(rows * 4), allocate(rows * 4), allocate(rows * 4)];
    kernels.row_numbers(0, rows, numbers);
    const index: ClusterIndex = clusterRows(memory, grouped, numbers, codes, rows, dictionary.count);
    kernels.permute_32(places, split.places === 0 ? numbers : split.places, grouped, rows);
    kernels.copy_bytes(copy, order, rows * 4);
    kernels.permute_32(order, copy, grouped, rows);
    return { columnId, index };
  });
}

/** One column of a result; the caller owns its buffers. */
async function gatherColumn(
  context: StorageContext,
  job: MergeJob,
  { keeps }: MergedRows,
  { rows, bySource, starts, places }: SplitRows,
  index: number,
): Promise<ColumnBuffers> {
  const { memory, cache } = context;
  const pinned: CachedColumn[] = [];
  const [scratch, own]: [number[], number[]] = [[], []];
  const allocateIn = (list: number[]) => (sizeBytes: number) => {
    const address = memory.allocate(Math.max(64, sizeBytes));
    list.push(address);
    return address;
  };
  try {
    const pieces: ColumnBuffers[] = [];
    for (const [s, source] of job.sources.entries()) {
      const [start, end] = [starts[s] ?? 0, starts[s + 1] ?? 0];
      if (end === start) continue;
      const entry = await pin(context, job, source, index);
      pinned.push(entry);
      const isWhole = keeps[s] === true && end - start === source.rows;
      pieces.push(isWhole ? entry.column : permuteColumn(memory, entry.column, bySource + start * 4, end - start, allocateIn(scratch)));
    }
    if (places === 0) return concatColumns(memory, pieces, allocateIn(own));
    const [first] = pieces;
    const together = pieces.length === 1 && first !== undefined ? first : concatColumns(memory, pieces, allocateIn(scratch));
    return permuteColumn(memory, together, places, rows, allocateIn(own));
  } catch (error) {
    for (const address of own) memory.free(address);
    throw error;
  } finally {
    for (const entry of pinned) cache.unpin(entry);
    for (const address of scratch) memory.free(address);
  }
}

async function pin(
  { cache }: StorageContext,
  job: MergeJob,
  source: Segment,
  index: number,
): Promise<CachedColumn & { column: ColumnBuffers }> {
  try {
    return await cache.pin(source, index);
  } catch (error) {
    if (error instanceof DbError && error.code === 'corrupt') job.onDamage(source);
    throw error;
  }
}
