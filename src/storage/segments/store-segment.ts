/** Columns of rows that will not change any more become a segment file, its zone maps, and the record that the catalog will have. */
import type { ZoneMap } from '../../core/contracts.js';
import { yieldToOthers } from '../../core/yield-to-others.js';
import type { SegmentRecord } from '../catalog/catalog.js';
import { type ColumnBuffers, columnBytes, nodesOf } from '../columns/column-buffers.js';
import { storeBound, zoneMapOf } from '../columns/zone-map.js';
import { SyncFailure } from '../io-error.js';
import type { StorageContext } from '../storage-context.js';
import type { Layout } from '../tables/layout.js';
import type { Table } from '../tables/table.js';
import type { SealedPart } from './sealed-order.js';
import { type SegmentFileContent, type WrittenFile, writeSegmentFile } from './segment-file.js';

export interface StorableSegment {
  readonly id: number;
  readonly layout: Layout;
  readonly columns: readonly ColumnBuffers[];
  readonly part: Omit<SealedPart, 'order'>;
  /** Where columns are to be compressed: gives others their turn meanwhile, and fails when the work is to end. */
  readonly packing: (() => Promise<void>) | null;
}

export interface StoredSegment {
  readonly zones: readonly ZoneMap[];
  readonly record: SegmentRecord;
}

/** Fails with `read_only` or `io_error`, and then leaves no file behind; after a failed sync the table takes no more writes. */
export async function storeSegment(
  context: StorageContext,
  table: Table,
  { id, layout, columns, part, packing }: StorableSegment,
): Promise<StoredSegment> {
  const { memory, segmentsFolder, opening } = context;
  const zones: ZoneMap[] = [];
  for (const [i, column] of columns.entries()) {
    trimBitmaps(context, column);
    zones.push(zoneMapOf(memory, column, layout.columns[i]?.dictionary ?? null));
    await yieldToOthers();
  }
  const sizeBytes = columns.reduce((sum, column) => sum + columnBytes(memory.arena, column), 0);
  let file = '';
  let written: WrittenFile | null = null;
  if (segmentsFolder !== null) {
    file = `${table.info.id}-${id}-${opening}.arrow`;
    const dictionaries = layout.columns.map((column) => column.dictionary);
    const entryBytes = columns.reduce((sum, column, i) => sum + (column.dictionary ? (dictionaries[i]?.sizeBytes ?? 0) : 0), 0);
    const { definitions } = layout;
    const content = { tableName: table.info.definition.name, definitions, rows: part.rows, columns, dictionaries, packing };
    written = await writeFile(context, table, segmentsFolder, file, content, sizeBytes + entryBytes);
  }
  const record: SegmentRecord = {
    id,
    rows: part.rows,
    deleted: 0,
    sorted: part.sorted,
    ...(part.cluster === null ? {} : { cluster: part.cluster.columnId }),
    file,
    sizeBytes: written?.sizeBytes ?? sizeBytes,
    ...(written === null || packing === null ? {} : { plainBytes: sizeBytes }),
    ...(written === null ? {} : { checksum: written.checksum }),
    columns: layout.columns.map((column, i) => ({
      id: column.id,
      dictionary: columns[i]?.dictionary === true,
      node: written?.nodes[i] ?? { rows: part.rows, buffers: [], children: [] },
      zone: [zones[i]?.nullCount ?? 0, storeBound(zones[i]?.min), storeBound(zones[i]?.max)],
    })),
  };
  return { zones, record };
}

/** Writes a segment's file of at most so many bytes. After a failed sync the table takes no more writes. */
export async function writeFile(
  { memory, environment, room }: StorageContext,
  table: Table,
  folder: string,
  file: string,
  content: SegmentFileContent,
  sizeBytes: number,
): Promise<WrittenFile> {
  room.assert(sizeBytes);
  const promise = room.promise(sizeBytes);
  try {
    return await writeSegmentFile(memory, environment.files, folder, file, content);
  } catch (error) {
    if (error instanceof SyncFailure) table.refuseWrites(error);
    throw error;
  } finally {
    promise.end();
  }
}

function trimBitmaps({ memory }: StorageContext, column: ColumnBuffers): void {
  for (const node of nodesOf(column)) {
    if (node.validity !== 0) memory.kernels.trim_bits(node.validity, node.length);
    if (node.type.kind === 'bool' && node.length > 0) memory.kernels.trim_bits(node.values, node.length);
  }
}
