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
import { type WrittenFile, writeSegmentFile } from './segment-file.js';

export interface StorableSegment {
  readonly id: number;
  readonly layout: Layout;
  readonly columns: readonly ColumnBuffers[];
  readonly part: Omit<SealedPart, 'order'>;
}

export interface StoredSegment {
  readonly zones: readonly ZoneMap[];
  readonly record: SegmentRecord;
}

/** Fails with `read_only` or `io_error`, and then leaves no file behind; after a failed sync the table takes no more writes. */
export async function storeSegment(
  context: StorageContext,
  table: Table,
  { id, layout, columns, part }: StorableSegment,
): Promise<StoredSegment> {
  const { memory, environment, segmentsFolder, opening, room } = context;
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
    room.assert(sizeBytes);
    const promise = room.promise(sizeBytes);
    file = `${table.info.id}-${id}-${opening}.arrow`;
    const dictionaries = layout.columns.map((column) => column.dictionary);
    const content = { tableName: table.info.definition.name, definitions: layout.definitions, rows: part.rows, columns, dictionaries };
    try {
      written = await writeSegmentFile(memory, environment.files, segmentsFolder, file, content);
    } catch (error) {
      if (error instanceof SyncFailure) table.refuseWrites(error);
      throw error;
    } finally {
      promise.end();
    }
  }
  const record: SegmentRecord = {
    id,
    rows: part.rows,
    deleted: 0,
    sorted: part.sorted,
    ...(part.cluster === null ? {} : { cluster: part.cluster.columnId }),
    file,
    sizeBytes: written?.sizeBytes ?? sizeBytes,
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

function trimBitmaps({ memory }: StorageContext, column: ColumnBuffers): void {
  for (const node of nodesOf(column)) {
    if (node.validity !== 0) memory.kernels.trim_bits(node.validity, node.length);
    if (node.type.kind === 'bool' && node.length > 0) memory.kernels.trim_bits(node.values, node.length);
  }
}
