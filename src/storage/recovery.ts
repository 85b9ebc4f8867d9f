/** Opening: tables and segments from the catalog, unsealed segments from their tail records. Segment files are not read. */
import { DbError } from '../core/errors.js';
import type { Files } from '../core/files.js';
import type { Catalog, TableRecord, TailEntry } from './catalog/catalog.js';
import { columnIdsOf, readTailRecord, type TailRecord } from './catalog/tail-record.js';
import type { StorageMemory } from './memory.js';
import { deletedOf, readAlive } from './tables/alive-rows.js';
import { type Layout, layoutOfIds } from './tables/layout.js';
import { comparePlaces, Segment } from './tables/segment.js';
import { Table, type TableLimits } from './tables/table.js';

export interface Recovered {
  readonly tables: readonly Table[];
  /** Segments that were to be sealed when the process ended. */
  readonly closed: readonly (readonly [Table, Segment])[];
}

export function recoverTables(memory: StorageMemory, catalog: Catalog, limits: TableLimits): Recovered {
  const closed: [Table, Segment][] = [];
  const tables = catalog.tables().map((record) => {
    const table = recoverTable(memory, catalog, record, limits);
    for (const segment of table.segments) if (segment.state === 'closed') closed.push([table, segment]);
    return table;
  });
  return { tables, closed };
}

function recoverTable(memory: StorageMemory, catalog: Catalog, record: TableRecord, limits: TableLimits): Table {
  const table = new Table(memory, catalog, record, limits);
  const segments = new Map<number, Segment>();
  for (const stored of catalog.segments(record.id)) {
    const ids = stored.columns.map((column) => column.id);
    segments.set(stored.id, Segment.fromRecord(stored, knownLayout(table, ids, `segment ${record.id}-${stored.id}`)));
  }
  for (const entry of catalog.tail(record.id)) {
    recoverRows(memory, table, segments, entry);
  }
  table.segments = [...segments.values()].sort(comparePlaces);
  for (const segment of table.segments) {
    table.nextSegmentId = Math.max(table.nextSegmentId, segment.id + 1);
    if (segment.state !== 'sealed') recoverUnsealed(memory, catalog, table, segment, limits);
  }
  const rows = table.segments.reduce((sum, segment) => sum + segment.rows, 0);
  for (const column of table.layout.columns) if (!column.plain) column.rowsEncoded = rows;
  return table;
}

/** The layout of columns of these ids. Fails with `corrupt`. */
export function knownLayout(table: Table, ids: readonly number[], where: string): Layout {
  const layout = layoutOfIds(ids, table.form, table.allColumns);
  if (layout === undefined)
    throw new DbError('corrupt', `${where} of table "${table.info.definition.name}" has a column that the table never had`);
  return layout;
}

/** Adds the rows of a tail record to its segment, which is made where `segments` lacks it. */
export function recoverRows(
  memory: StorageMemory,
  table: Table,
  segments: Map<number, Segment>,
  { key, segment: id, bytes }: TailEntry,
): void {
  const address = memory.allocate(bytes.byteLength);
  try {
    memory.arena.u8.set(bytes, address);
    let record: TailRecord;
    let segment = segments.get(id);
    try {
      const ids = columnIdsOf(memory, address, bytes.byteLength);
      segment ??= table.newSegment(knownLayout(table, ids, 'a tail record'), id);
      record = readTailRecord(memory, segment.layout.definitions, address, bytes.byteLength);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw new DbError('corrupt', `table "${table.info.definition.name}", tail record ${key.join('-')}: ${message}`, { cause: error });
    }
    segments.set(id, segment);
    for (const [i, column] of record.columns.entries()) if (column.dictionary) segment.layout.columns[i]?.dictionary?.expectCodes(column);
    if (segment.rows === 0) table.shapeSegment(segment, record);
    table.addRows(segment, record, [], 0);
    segment.visibleRows = segment.rows;
    segment.tailKeys.push(key);
  } finally {
    memory.free(address);
  }
}

/** The newest segment takes rows again when it is not full. */
function recoverUnsealed(memory: StorageMemory, catalog: Catalog, table: Table, segment: Segment, limits: TableLimits): void {
  const isLast = segment === table.segments.at(-1);
  if (isLast && segment.rows < limits.segmentRows && segment.layout === table.layout) table.active = segment;
  else segment.state = 'closed';
  const deletion = catalog.deletion(table.info.id, segment.id);
  if (deletion === undefined) return;
  const address = readAlive(memory, deletion, Math.max(limits.segmentRows, segment.rows));
  segment.alive = segment.plannedAlive = { deleted: deletedOf(deletion), address };
}

/** Files that a crash left, or an opening whose files were still read: those that no segment record names. */
export async function unknownFiles(files: Files, folder: string, tables: readonly Table[]): Promise<readonly string[]> {
  const known = new Set(tables.flatMap((table) => table.segments.map((segment) => segment.record?.file)));
  const names = (await files.names(folder)) ?? [];
  return names.filter((name) => /^\d+-\d+(?:-[0-9a-f]+)?\.arrow$/.test(name) && !known.has(name));
}
