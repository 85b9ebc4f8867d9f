/**
 * The rows of several segments as one order: those that are alive, by time, equal times in their order of insertion. Rows are numbered through
 * the segments, one after the other.
 */
import type { ColumnBuffers } from '../columns/column-buffers.js';
import type { CachedColumn } from '../columns/column-cache.js';
import type { StorageContext } from '../storage-context.js';
import type { Segment } from '../tables/segment.js';
import type { Table } from '../tables/table.js';

const SORT_SCRATCH_BYTES = 8192;
/** Rows that are merged before others get their turn. */
const ROWS_PER_TURN = 262_144;

export interface MergeJob {
  readonly table: Table;
  /** Sealed, of one shape, in their order in the table; the caller holds them. */
  readonly sources: readonly Segment[];
  /** Of one result. */
  readonly segmentRows: number;
  readonly segmentBytes: number;
  /** Gives others their turn; fails when the merge is to end. */
  readonly turn: () => Promise<void>;
  /** Hears of a segment that cannot be read. */
  readonly onDamage: (source: Segment) => void;
}

export interface MergedRows {
  /** Address of row numbers (u32); the caller frees it. */
  readonly order: number;
  readonly rows: number;
  /** Of all rows by their number (i64); the caller frees it. 0 = they have no designated timestamp. */
  readonly times: number;
  /** By segment: the numbers of its rows are below. */
  readonly ends: readonly number[];
  /** By segment: its rows stand in their own order. */
  readonly keeps: readonly boolean[];
  /** Rows ascend by their number. */
  readonly isConcat: boolean;
}

export type PinColumn = (source: Segment, index: number) => Promise<CachedColumn & { column: ColumnBuffers }>;

/** A list of rows that ascend in time. */
interface Run {
  readonly at: number;
  readonly rows: number;
}

/** `pin` makes a column resident until it is unpinned. Fails as `pin` and `turn` do, and with `query_memory_exceeded`. */
export async function mergeRows(context: StorageContext, { sources, turn }: MergeJob, pin: PinColumn): Promise<MergedRows> {
  const { memory } = context;
  const held = new Set<number>();
  const allocate = (sizeBytes: number) => {
    const address = memory.allocate(Math.max(64, sizeBytes));
    held.add(address);
    return address;
  };
  try {
    const ends: number[] = [];
    for (const { rows } of sources) ends.push((ends.at(-1) ?? 0) + rows);
    const total = ends.at(-1) ?? 0;
    const [order, spare] = [allocate(total * 4), allocate(total * 4)];
    const isTimed = sources.every(({ layout }) => layout.timestampColumn >= 0);
    const times = isTimed ? allocate(total * 8) : 0;
    let rows = 0;
    let runs: Run[] = [];
    for (const [i, source] of sources.entries()) {
      const found = await aliveInOrder(context, pin, source, ends[i - 1] ?? 0, times, order + rows * 4);
      runs.push({ at: order + rows * 4, rows: found });
      rows += found;
      await turn();
    }
    let [from, to] = [order, spare];
    while (isTimed && runs.length > 1) {
      runs = await mergePairs(context, runs, times, to, turn);
      [from, to] = [to, from];
    }
    held.delete(from);
    held.delete(times);
    const keeps = sources.map((source) => !isTimed || source.sorted);
    const { i64 } = memory.arena;
    const follows = (end: number) => end === total || (i64[times / 8 + end - 1] as bigint) <= (i64[times / 8 + end] as bigint);
    const isConcat = keeps.every((keep) => keep) && (!isTimed || ends.every(follows));
    return { order: from, rows, times, ends, keeps, isConcat };
  } finally {
    for (const address of held) memory.free(address);
  }
}

/** Writes the numbers of the rows that are alive, in order of time, and the times of all; gives how many are alive. */
async function aliveInOrder(
  { memory, cache }: StorageContext,
  pin: PinColumn,
  source: Segment,
  base: number,
  times: number,
  out: number,
): Promise<number> {
  const { kernels } = memory;
  const { rows, alive } = source;
  const bitmap = alive.deleted === 0 ? 0 : alive.address;
  if (times === 0) return kernels.alive_rows(0, rows, bitmap, base, out);
  const entry = await pin(source, source.layout.timestampColumn);
  try {
    const own = times + base * 8;
    kernels.copy_bytes(own, entry.column.values, rows * 8);
    if (source.sorted) return kernels.alive_rows(0, rows, bitmap, base, out);
    return memory.scratch((allocate) => {
      const order = allocate(rows * 4);
      kernels.sort_rows_i64(order, own, rows, allocate(rows * 20 + SORT_SCRATCH_BYTES));
      return kernels.alive_rows(order, rows, bitmap, base, out);
    });
  } finally {
    cache.unpin(entry);
  }
}

/** Every two neighbours become one, from `to` on. */
async function mergePairs(
  { memory }: StorageContext,
  runs: readonly Run[],
  times: number,
  to: number,
  turn: () => Promise<void>,
): Promise<Run[]> {
  const { kernels, arena } = memory;
  const state = memory.allocate(64);
  const merged: Run[] = [];
  try {
    let at = to;
    for (let i = 0; i < runs.length; i += 2) {
      const first = runs[i] as Run;
      const second = runs[i + 1] ?? { at: first.at, rows: 0 };
      const rows = first.rows + second.rows;
      arena.i64[state / 8] = 0n;
      while (kernels.merge_rows_i64(times, first.at, first.rows, second.at, second.rows, at, state, ROWS_PER_TURN) === 0) await turn();
      merged.push({ at, rows });
      at += rows * 4;
    }
    return merged;
  } finally {
    memory.free(state);
  }
}
