/**
 * Sealing writes columns as they are, so that appends need not wait. Later, in the background, the segment gets a file with compressed columns in
 * place of that one. It stays the same segment: rows, their order and what is resident do not change.
 */

import type { SegmentRecord } from '../catalog/catalog.js';
import { columnBytes } from '../columns/column-buffers.js';
import type { CachedColumn } from '../columns/column-cache.js';
import type { StorageContext } from '../storage-context.js';
import type { Segment } from '../tables/segment.js';
import type { Table } from '../tables/table.js';
import { GivenUp } from './replace-segments.js';
import { removeSegmentFile, type WrittenFile } from './segment-file.js';
import { writeFile } from './store-segment.js';

/** Told apart from the name that the segment's file got when it was sealed. */
const PACKED_MARK = 'c';

/** Smaller files are left as they are when nobody asks: they are merged soon, or few. */
export const LEAST_PACKED_BYTES = 1 << 16;

/** Whether a segment has a file of so many bytes whose columns were not compressed yet. */
export function isUnpacked({ state, record, discarded, became, rows, visibleRows }: Segment, leastBytes: number): boolean {
  if (state !== 'sealed' || record === null || record.file === '' || discarded || became !== null) return false;
  return record.plainBytes === undefined && record.sizeBytes >= leastBytes && rows === visibleRows;
}

/** The caller holds the segment. Fails as reading and storing do, and as `turn` does, and then leaves nothing behind. */
export async function packSegment(context: StorageContext, table: Table, segment: Segment, turn: () => Promise<void>): Promise<void> {
  const { memory, environment, segmentsFolder, opening } = context;
  if (segmentsFolder === null) return;
  const file = `${table.info.id}-${segment.id}-${opening}${PACKED_MARK}.arrow`;
  let isPlanned = false;
  try {
    const packed = await writePacked(context, table, segment, file, turn);
    await context.queue.submit({
      plan: (_sequence, writes) => {
        context.assertWritable();
        const { plannedRecord } = segment;
        if (table.dropped || plannedRecord === null || !isUnpacked(segment, 0) || !table.segments.includes(segment)) throw new GivenUp();
        isPlanned = true;
        segment.plannedRecord = packedRecord(segment, plannedRecord, packed);
        writes.push({ store: 'segment', key: [table.id, segment.id], value: segment.plannedRecord });
      },
      apply: () => {
        const replaced = segment.record?.file;
        segment.record = segment.plannedRecord;
        table.touch(segment);
        if (replaced !== undefined) memory.epochs.retire(() => context.removeFile(replaced));
        context.tableChanged();
      },
    });
    context.written.compactedBytes += packed.written.sizeBytes;
  } finally {
    if (!isPlanned) await removeSegmentFile(environment.files, segmentsFolder, file);
  }
}

interface Packed {
  readonly written: WrittenFile;
  readonly plainBytes: number;
  readonly file: string;
}

async function writePacked(
  context: StorageContext,
  table: Table,
  segment: Segment,
  file: string,
  turn: () => Promise<void>,
): Promise<Packed> {
  const { memory, cache, segmentsFolder } = context;
  const { layout, rows } = segment;
  const pinned: (CachedColumn & { readonly column: NonNullable<CachedColumn['column']> })[] = [];
  try {
    for (const index of layout.columns.keys()) {
      await turn();
      pinned.push(await cache.pin(segment, index));
    }
    const columns = pinned.map(({ column }) => column);
    const plainBytes = columns.reduce((sum, column) => sum + columnBytes(memory.arena, column), 0);
    const dictionaries = layout.columns.map((column) => column.dictionary);
    const { definitions } = layout;
    const content = { tableName: table.info.definition.name, definitions, rows, columns, dictionaries, packing: turn };
    const written = await writeFile(context, table, segmentsFolder ?? '', file, content, plainBytes);
    return { written, plainBytes, file };
  } finally {
    for (const entry of pinned) cache.unpin(entry);
  }
}

function packedRecord(segment: Segment, record: SegmentRecord, { written, plainBytes, file }: Packed): SegmentRecord {
  const ids = segment.layout.columns.map((column) => column.id);
  return {
    ...record,
    file,
    sizeBytes: written.sizeBytes,
    plainBytes,
    checksum: written.checksum,
    columns: record.columns.map((column) => ({ ...column, node: written.nodes[ids.indexOf(column.id)] ?? column.node })),
  };
}
