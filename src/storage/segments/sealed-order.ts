/**
 * Where the rows of a segment go when it is sealed: by time, cut into parts at the bounds of partitions, and inside each part grouped by the
 * CLUSTER BY column. Rows that tie keep their order of insertion.
 */
import { assert } from '../../core/assert.js';
import { type ClusterIndex, NULL_CODE, type PartitionUnit, type TableDefinition } from '../../core/contracts.js';
import { partitionOf } from '../../core/partitions.js';
import type { DataType } from '../../core/types.js';
import type { ColumnBuffers } from '../columns/column-buffers.js';
import type { StorageMemory } from '../memory.js';
import { columnAt, type Segment } from '../tables/segment.js';

const SORT_SCRATCH_BYTES = 8192;

/** More parts than that are not made of one segment: neighbouring partitions then share a part of at least 1/256 of the rows. */
const MOST_PARTS = 256;

/** Which rows of a segment become a segment of their own. */
export interface SealedPart {
  /** Address of the row numbers (u32) in their new order; the caller owns it. 0 = all rows, as they are. */
  readonly order: number;
  readonly rows: number;
  readonly cluster: ClusterOrder | null;
  /** Rows ascend in time. */
  readonly sorted: boolean;
}

export interface ClusterOrder {
  readonly columnId: number;
  readonly index: ClusterIndex;
}

/** Fails with `query_memory_exceeded` when there is no room; nothing stays allocated then. */
export function sealedParts(memory: StorageMemory, definition: TableDefinition, segment: Segment): SealedPart[] {
  const asTheyAre: SealedPart = { order: 0, rows: segment.rows, cluster: null, sorted: segment.sorted };
  const { timestampColumn } = segment.layout;
  const cluster = clusterPosition(definition, segment);
  if (segment.rows === 0 || (timestampColumn < 0 && cluster < 0)) return [asTheyAre];
  return memory.scratch((allocate) => {
    const inTime = timestampColumn < 0 || segment.sorted ? 0 : timeOrder(memory, segment, allocate);
    const cuts = timestampColumn < 0 ? [segment.rows] : partitionEnds(memory, definition, segment, inTime);
    if (cluster < 0 && cuts.length === 1 && inTime === 0) return [asTheyAre];
    const order = inTime !== 0 ? inTime : numbered(memory, segment.rows, allocate);
    const made: SealedPart[] = [];
    try {
      cuts.forEach((end, i) => {
        const first = cuts[i - 1] ?? 0;
        made.push(cluster < 0 ? timePart(memory, order, first, end) : clusterPart(memory, segment, cluster, order, first, end));
      });
    } catch (error) {
      for (const part of made) memory.free(part.order);
      throw error;
    }
    return made;
  });
}

/** Position in the segment of the column that its rows are to be grouped by; −1 = none, or its text has too many values for a dictionary. */
function clusterPosition({ clusterBy, columns }: TableDefinition, segment: Segment): number {
  const id = columns[clusterBy[0] ?? -1]?.id;
  const position = id === undefined || clusterBy.length !== 1 ? -1 : segment.layout.columns.findIndex((column) => column.id === id);
  return position >= 0 && columnAt(segment.columns, position).dictionary ? position : -1;
}

function timeOrder({ kernels }: StorageMemory, segment: Segment, allocate: (sizeBytes: number) => number): number {
  const order = allocate(segment.rows * 4);
  const times = columnAt(segment.columns, segment.layout.timestampColumn);
  kernels.sort_rows_i64(order, times.values, segment.rows, allocate(segment.rows * 20 + SORT_SCRATCH_BYTES));
  return order;
}

function numbered({ kernels }: StorageMemory, rows: number, allocate: (sizeBytes: number) => number): number {
  const order = allocate(rows * 4);
  kernels.row_numbers(0, rows, order);
  return order;
}

function timePart(memory: StorageMemory, order: number, first: number, end: number): SealedPart {
  const own = memory.allocate((end - first) * 4);
  memory.kernels.copy_bytes(own, order + first * 4, (end - first) * 4);
  return { order: own, rows: end - first, cluster: null, sorted: true };
}

function clusterPart(memory: StorageMemory, segment: Segment, position: number, order: number, first: number, end: number): SealedPart {
  const column = columnAt(segment.columns, position);
  const { id: columnId, dictionary } = segment.layout.columns[position] ?? {};
  assert(columnId !== undefined && dictionary, 'rows are grouped by a dictionary-encoded column');
  const own = memory.allocate((end - first) * 4);
  const index = clusterRows(memory, own, order + first * 4, column, end - first, dictionary.count);
  return { order: own, rows: end - first, cluster: { columnId, index }, sorted: false };
}

/** Writes rows of an order to `target`, grouped by the codes of a column; gives where each code lies. */
export function clusterRows(
  memory: StorageMemory,
  target: number,
  order: number,
  { values, validity }: ColumnBuffers,
  rows: number,
  codeCount: number,
): ClusterIndex {
  return memory.scratch((allocate) => {
    const ends = allocate((codeCount + 1) * 4);
    memory.kernels.cluster_rows(target, order, values, validity, rows, codeCount, ends);
    return indexOf(memory.arena.u32.subarray(ends / 4, ends / 4 + codeCount + 1), codeCount);
  });
}

/** From the end of every code, the last being that of NULL. */
function indexOf(ends: Uint32Array, count: number): ClusterIndex {
  const used: number[] = [];
  for (let code = 0, before = 0; code <= count; code++) {
    const end = ends[code] ?? 0;
    if (end > before) used.push(code);
    before = end;
  }
  return {
    codes: Uint32Array.from(used, (code) => (code === count ? NULL_CODE : code)),
    ends: Uint32Array.from(used, (code) => ends[code] ?? 0),
  };
}

/** The ends of the parts that rows in time order (order 0 = as they lie) are cut into. */
function partitionEnds(memory: StorageMemory, { partitionBy }: TableDefinition, segment: Segment, order: number): number[] {
  const { timestampColumn } = segment.layout;
  const { i64, u32 } = memory.arena;
  const times = columnAt(segment.columns, timestampColumn).values / 8;
  const type = segment.layout.definitions[timestampColumn]?.type;
  if (type === undefined) return [segment.rows];
  const timeAt = (row: number) => i64[times + (order === 0 ? row : (u32[order / 4 + row] ?? 0))] ?? 0n;
  return endsOfPartitions(partitionBy, type, segment.rows, timeAt);
}

/** `timeAt`: times of the rows, which ascend. */
export function endsOfPartitions(unit: PartitionUnit, type: DataType, rows: number, timeAt: (row: number) => bigint): number[] {
  if (unit === 'none') return [rows];
  /** The end of the partition that a row lies in. */
  const endAfter = (row: number): number => {
    const partition = partitionOf(unit, type, timeAt(row));
    if (partition === null || timeAt(rows - 1) < partition.end) return rows;
    let low = row + 1;
    let high = rows;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (timeAt(middle) < partition.end) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const cut = (leastRows: number, most: number): number[] | null => {
    const ends: number[] = [];
    for (let row = 0; row < rows; ) {
      if (ends.length === most) return null;
      row = endAfter(Math.min(rows - 1, row + leastRows - 1));
      ends.push(row);
    }
    return ends;
  };
  return cut(1, MOST_PARTS) ?? cut(Math.ceil(rows / MOST_PARTS), rows) ?? [rows];
}
