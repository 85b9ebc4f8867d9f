/** The first and the last row of each code in a sealed segment: made when first asked for, and kept as long as the segment. */
import type { CodeRows } from '../../core/contracts.js';
import type { StorageMemory } from '../memory.js';
import type { Segment, SegmentVersion } from '../tables/segment.js';
import type { ColumnCache } from './column-cache.js';
import { forgetNewest, ROWS_PER_CODE } from './newest-rows.js';

/** `index`: the column's place in the segment; `codeCount`: codes of its dictionary. undefined: it does not pay, or codes may change their rows. */
export async function codeRowsOf(
  memory: StorageMemory,
  cache: ColumnCache,
  { segment, columns }: SegmentVersion,
  index: number,
  codeCount: number,
): Promise<CodeRows | undefined> {
  const known = segment.codeRows.get(index);
  if (known !== undefined) return known;
  if (columns !== null || segment.state !== 'sealed' || segment.rows < codeCount * ROWS_PER_CODE) return undefined;
  const entry = await cache.pin(segment, index);
  try {
    const made = segment.codeRows.get(index);
    if (made !== undefined) return made;
    if (!entry.column.dictionary) return undefined;
    const bytes = (codeCount + 1) * 4;
    const first = memory.allocate(2 * bytes);
    const rows = { codeCount, first, last: first + bytes };
    memory.kernels.code_rows(entry.column.values, entry.column.validity, segment.rows, codeCount, rows.first, rows.last);
    segment.codeRows.set(index, rows);
    return rows;
  } finally {
    cache.unpin(entry);
  }
}

/** Frees what is known of the codes of a segment that nobody reads any more. */
export function forgetCodes(memory: StorageMemory, segment: Segment): void {
  for (const { first } of segment.codeRows.values()) memory.free(first);
  segment.codeRows.clear();
  forgetNewest(memory, segment, -1);
}
