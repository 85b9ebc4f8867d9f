/** Everything that is stored, read and compared with its checksums. What the opening itself reads (tables, segment records, the tail) was checked by it. */
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { Verified } from '../core/contracts.js';
import { asDbError, DbError } from '../core/errors.js';
import type { SegmentRecord } from './catalog/catalog.js';
import { addressesOf } from './columns/column-buffers.js';
import { ioError } from './io-error.js';
import { readSegmentColumn } from './segments/segment-file.js';
import type { StorageContext } from './storage-context.js';
import type { Segment } from './tables/segment.js';
import type { Table } from './tables/table.js';

/** One item for the catalog's records of each table, one for each segment file. */
export async function* verifyTables(context: StorageContext, tables: Iterable<Table>): AsyncIterable<Verified> {
  const { epochs } = context.memory;
  // Files of segments that are replaced meanwhile stay until the end.
  const holder = epochs.enter();
  try {
    for (const table of [...tables]) yield* verifyTable(context, table);
  } finally {
    epochs.leave(holder);
  }
}

async function* verifyTable(context: StorageContext, table: Table): AsyncIterable<Verified> {
  const { name, schema } = table.info.definition;
  const of = { table: schema === undefined ? name : `${schema}.${name}` };
  yield { ...of, file: null, sizeBytes: 0, error: await failureOf(() => readRecords(context, table)) };
  for (const segment of [...table.segments]) {
    const { record } = segment;
    if (record === null || record.file === '' || segment.discarded || segment.became !== null) continue;
    const error = await failureOf(() => verifySegment(context, table, segment));
    if (error !== null && context.settings.read_only && !isInCatalog(context, table, record.file)) continue;
    yield { ...of, file: record.file, sizeBytes: record.sizeBytes, error };
  }
}

/** Whether the process that writes the database has it still. */
function isInCatalog({ catalog }: StorageContext, table: Table, file: string): boolean {
  return catalog.segments(table.id).some((record) => record.file === file);
}

async function failureOf(work: () => void | Promise<void>): Promise<DbError | null> {
  try {
    await work();
    return null;
  } catch (error) {
    return asDbError(error);
  }
}

/** Dictionaries, clusters and deleted rows, whose records are read when a query asks for them. */
function readRecords({ catalog }: StorageContext, table: Table): void {
  for (const column of table.allColumns) {
    if (column.dictionary === null) continue;
    for (const record of catalog.dictionary(table.id, column.id)) void record;
  }
  for (const segment of table.segments) {
    catalog.cluster(table.id, segment.id);
    catalog.deletion(table.id, segment.id);
  }
}

/** The whole file when its checksum is known; what no query reads may be damaged too. */
async function verifySegment(context: StorageContext, table: Table, segment: Segment): Promise<void> {
  const { record } = segment;
  if (record === null || context.segmentsFolder === null) return;
  if (record.checksum !== undefined && (await fileChecksum(context, context.segmentsFolder, record)) === record.checksum) return;
  await readColumns(context, table, segment);
  if (record.checksum === undefined) return;
  throw new DbError('corrupt', `segment file ${record.file}: bytes that no query reads do not match the checksum of the file`, {
    hint: 'queries answer right; other programs may misread the file',
  });
}

const READ_BYTES = 1 << 20;

/** Of so many bytes as the catalog says; undefined: the file has more or fewer. */
async function fileChecksum(
  { environment }: StorageContext,
  folder: string,
  { file, sizeBytes }: SegmentRecord,
): Promise<number | undefined> {
  const bytes = Buffer.alloc(READ_BYTES);
  try {
    const handle = await environment.files.open(join(folder, file), 'read');
    try {
      let [checksum, done] = [0, 0];
      for (let count = -1; count !== 0; done += count) {
        count = await handle.read(bytes, 0, READ_BYTES, done);
        checksum = crc32(bytes.subarray(0, count), checksum);
      }
      return done === sizeBytes ? checksum : undefined;
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw ioError(error, `segment file ${file} could not be read`);
  }
}

async function readColumns({ memory, environment, segmentsFolder }: StorageContext, table: Table, segment: Segment): Promise<void> {
  const { record, layout } = segment;
  if (record === null || segmentsFolder === null) return;
  for (const { id, dictionary, node } of record.columns) {
    const type = table.allColumns.find((column) => column.id === id)?.type;
    if (type === undefined) continue;
    const name = layout.definitions.find((definition) => definition.id === id)?.name ?? `number ${id}`;
    const column = await readSegmentColumn(memory, environment.files, segmentsFolder, record.file, { name, type, dictionary, node });
    for (const address of addressesOf(column)) memory.free(address);
  }
}
