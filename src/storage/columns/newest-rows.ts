/**
 * The newest row of each code in a segment that still grows: made when first asked for, then carried on over the rows that have come since. It goes
 * when the segment is sealed, or when rows that it has seen are taken back.
 */
import type { NewestRows } from '../../core/contracts.js';
import type { StorageMemory } from '../memory.js';
import { columnAt, type Segment, type SegmentVersion } from '../tables/segment.js';

/** Rows per code below which looking at the rows is as good as knowing something of each code. */
export const ROWS_PER_CODE = 8;

/** What is known of one column. Arrays of capacity + 1; NULL's place is the last. */
export interface KnownNewest {
  /** Rows that were looked at. */
  rows: number;
  readonly capacity: number;
  /** Address of u32. */
  readonly newest: number;
  /** Address of i64: times of these rows. */
  readonly best: number;
}

/** `index`: the column's place in the segment; `codeCount`: codes of its dictionary. undefined: it does not pay, or later rows were looked at already. */
export function newestRowsOf(
  memory: StorageMemory,
  { segment, columns, rowCount }: SegmentVersion,
  index: number,
  codeCount: number,
): NewestRows | undefined {
  const { timestampColumn } = segment.layout;
  // Once it is sealed, its buffers are only those of older snapshots.
  if (columns === null || segment.columns.length === 0 || timestampColumn < 0) return undefined;
  if (rowCount < codeCount * ROWS_PER_CODE) return undefined;
  const codes = columnAt(columns, index);
  const times = columnAt(columns, timestampColumn);
  const before = segment.newestRows.get(index);
  if (!codes.dictionary || times.validity !== 0 || (before !== undefined && before.rows > rowCount)) return undefined;
  const known = before !== undefined && before.capacity >= codeCount ? before : grown(memory, segment, index, codeCount, before);
  const { capacity, best, newest } = known;
  memory.kernels.newest_rows(codes.values, codes.validity, times.values, known.rows, rowCount, capacity, best, newest);
  known.rows = rowCount;
  return { codeCount: capacity, newest };
}

/** Room for more codes, with what was known. */
function grown(memory: StorageMemory, segment: Segment, index: number, codeCount: number, before: KnownNewest | undefined): KnownNewest {
  const { kernels } = memory;
  const capacity = Math.max(16, codeCount + (codeCount >> 1));
  const bestBytes = Math.ceil(((capacity + 1) * 8) / 64) * 64;
  const newestBytes = (capacity + 1) * 4;
  const best = memory.allocate(bestBytes + newestBytes);
  const newest = best + bestBytes;
  kernels.fill_bytes(newest, 255, newestBytes);
  if (before !== undefined) {
    kernels.copy_bytes(best, before.best, before.capacity * 8);
    kernels.copy_bytes(newest, before.newest, before.capacity * 4);
    kernels.copy_bytes(best + capacity * 8, before.best + before.capacity * 8, 8);
    kernels.copy_bytes(newest + capacity * 4, before.newest + before.capacity * 4, 4);
    memory.free(before.best);
  }
  const known = { rows: before?.rows ?? 0, capacity, newest, best };
  segment.newestRows.set(index, known);
  return known;
}

/** Rows from `rows` on are taken back. */
export function forgetNewest(memory: StorageMemory, segment: Segment, rows: number): void {
  for (const [index, known] of segment.newestRows) {
    if (known.rows <= rows) continue;
    memory.free(known.best);
    segment.newestRows.delete(index);
  }
}
