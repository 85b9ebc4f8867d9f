/** What order the rows of a table have, so far as its snapshot declares one. Operators that want sorted input ask here, and sort otherwise. */
import type { SegmentView } from '../../../core/contracts.js';

/**
 * Of the rows of segments, one segment after the other, by the designated timestamp:
 * - `ascending`: all of them ascend; equal times are in insertion order;
 * - `runs`: each segment ascends by itself;
 * - `none`: nothing is known.
 */
export type TimeOrder = 'ascending' | 'runs' | 'none';

/** `timestampColumn`: index of the table's designated timestamp; null = it has none. */
export function timeOrderOf(segments: readonly SegmentView[], timestampColumn: number | null): TimeOrder {
  if (timestampColumn === null || segments.some((segment) => segment.order.kind !== 'time' && segment.rowCount > 1)) return 'none';
  let last: bigint | undefined;
  for (const [i, { zoneMaps, rowCount }] of segments.entries()) {
    if (rowCount === 0) continue;
    const zone = zoneMaps[timestampColumn];
    const isLast = i === segments.length - 1;
    if (typeof zone?.min !== 'bigint' || typeof zone.max !== 'bigint') return isLast && last === undefined ? 'ascending' : 'runs';
    if (last !== undefined && zone.min < last) return 'runs';
    last = zone.max;
  }
  return 'ascending';
}
