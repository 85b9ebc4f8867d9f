/** Opens storage: the folder's lock, the catalog, what it knows, and the parts that work on it. */
import { join, resolve } from 'node:path';
import type { Kernels } from '../../native-free/kernels.js';
import type { Arena } from '../core/arena.js';
import { assert } from '../core/assert.js';
import type { IngestService, Storage } from '../core/contracts.js';
import type { Environment } from '../core/environment.js';
import { asDbError, DbError } from '../core/errors.js';
import type { Settings } from '../core/settings.js';
import { Background } from './background.js';
import { type CatalogWrite, memoryCatalog, type SharedCatalog } from './catalog/catalog.js';
import { openCatalog } from './catalog/lmdb-catalog.js';
import { forgetCodes } from './columns/code-rows.js';
import { addressesOf, type ColumnBuffers } from './columns/column-buffers.js';
import { ColumnCache } from './columns/column-cache.js';
import { DiskRoom } from './disk-room.js';
import { lockFolder } from './folder-lock.js';
import { Follower } from './follower.js';
import { ioError } from './io-error.js';
import { StorageMemory } from './memory.js';
import { type Recovered, recoverTables, unknownFiles } from './recovery.js';
import { RemovedFiles } from './segments/removed-files.js';
import { Sealer } from './segments/sealer.js';
import { readSegmentColumn } from './segments/segment-file.js';
import type { StorageContext } from './storage-context.js';
import { StorageEngine } from './storage-engine.js';
import type { Segment } from './tables/segment.js';
import { type Table, type TableLimits, tableWrites } from './tables/table.js';
import { CatalogWriter } from './writes/catalog-writer.js';
import { CommitQueue } from './writes/commit-queue.js';

export interface StorageOptions {
  /** Folder, or ':memory:'. */
  readonly path: string;
  readonly settings: Settings;
  readonly environment: Environment;
  readonly arena: Arena;
  readonly kernels: Kernels;
}

/** A segment takes at most this share of the memory limit. */
const SEGMENTS_IN_MEMORY = 16;
const LEAST_SEGMENT_BYTES = 1 << 20;

/** Fails with `locked`, `corrupt`, `io_error`, `unsupported` (a newer format), `not_found` (read_only, and nothing is there). */
export async function openStorage(options: StorageOptions): Promise<Storage & { ingest: IngestService }> {
  if (options.path === ':memory:') return assemble(options, null, null, () => undefined);
  const folder = resolve(options.path);
  const { files } = options.environment;
  const unlock = options.settings.read_only ? () => undefined : lockFolder(folder);
  let catalog: SharedCatalog | undefined;
  try {
    catalog = await openCatalog(join(folder, 'catalog'), options.arena, options.kernels, options.settings.read_only);
    catalog.checkStrays();
    const segments = join(folder, 'segments');
    if (!options.settings.read_only) {
      // A file is lost with a folder whose own name is not durable. Who made them may have ended before they were.
      await files.makeFolder(segments);
      for (const made of [join(folder, 'catalog'), folder, join(folder, '..')]) await files.syncFolder(made);
    }
    return await assemble(options, catalog, segments, unlock);
  } catch (error) {
    await catalog?.close();
    unlock();
    throw ioError(error, `the database in ${folder} could not be opened`);
  }
}

async function assemble(
  options: StorageOptions,
  shared: SharedCatalog | null,
  segmentsFolder: string | null,
  unlock: () => void,
): Promise<StorageEngine> {
  const { settings, environment, arena, kernels } = options;
  const catalog = shared ?? memoryCatalog;
  const memory = new StorageMemory(arena, kernels);
  const limits = limitsOf(options);
  const follows = shared !== null && settings.read_only;
  const recovered = follows ? NOTHING_RECOVERED : recoverTables(memory, catalog, limits);
  const changedTables = new Set<Table>();
  let refusal: DbError | undefined = settings.read_only ? new DbError('read_only', 'the database was opened read-only') : undefined;
  const refuseWrites = (cause: unknown) => {
    refusal ??= refusalOf(cause);
  };
  const closeGroup = (writes: CatalogWrite[]) => {
    if (catalog.persistent) for (const table of changedTables) if (!table.dropped) tableWrites(table, writes);
    changedTables.clear();
  };
  const background = new Background(refuseWrites);
  const owned = settings.read_only ? null : segmentsFolder;
  const removedFiles =
    shared === null || owned === null ? null : new RemovedFiles(environment.files, owned, shared, (work) => background.add(work));
  // The catalog's folder is LMDB's, so it is always on a real disk.
  const room = new DiskRoom(owned && join(owned, '..', 'catalog'));
  const writer = new CatalogWriter(shared, settings, room, refuseWrites);
  const context: StorageContext = {
    memory,
    catalog,
    settings,
    environment,
    segmentsFolder,
    opening: environment.uuid().slice(0, 8),
    changedTables,
    refuseWrites,
    nothing: memory.allocateZeroed(64),
    queue: new CommitQueue(catalog, writer, room, closeGroup, refuseWrites),
    writer,
    room,
    cache: new ColumnCache(memory, (segment, index) => readColumn(segment, index)),
    sealer: new Sealer(() => context),
    background,
    loads: new Set(),
    written: { sealedBytes: 0, compactedBytes: 0, compactions: 0 },
    assertWritable: () => {
      if (refusal !== undefined) throw new DbError(refusal.code, refusal.message, { hint: refusal.hint, cause: refusal });
    },
    tableChanged: () => engine.tableChanged(),
    removeFile: (name) => removedFiles?.add(name),
    retireSegment: (segment) => memory.epochs.retire(() => removeSegment(context, segment)),
  };
  const readColumn = (segment: Segment, index: number) => readStored(context, segment, index);
  const nextTableId = Math.max(catalog.meta('nextTableId') ?? 1, ...recovered.tables.map((table) => table.info.id + 1));
  const follower = shared !== null && follows ? new Follower(shared, context, limits) : null;
  const close = () => {
    removedFiles?.stop();
    return background.settled();
  };
  const engine = new StorageEngine({ context, limits, follower, close, unlock }, recovered.tables, nextTableId);
  try {
    if (removedFiles !== null && owned !== null) {
      for (const name of await unknownFiles(environment.files, owned, recovered.tables)) removedFiles.add(name);
      await background.settled();
    }
  } catch (error) {
    await engine.stop();
    throw error;
  }
  sealLeftOvers(context, recovered);
  if (follower !== null) engine.snapshot().release();
  return engine;
}

function limitsOf({ settings, environment, arena }: StorageOptions): TableLimits {
  return {
    segmentRows: settings.segment_rows,
    segmentBytes: Math.max(LEAST_SEGMENT_BYTES, arena.limitBytes / SEGMENTS_IN_MEMORY),
    dictionaryValues: settings.dictionary_values,
    nowMicroseconds: () => environment.monotonicMicroseconds(),
  };
}

const NOTHING_RECOVERED: Recovered = { tables: [], closed: [] };

function refusalOf(cause: unknown): DbError {
  const error = asDbError(cause);
  if (error.code === 'closed' || error.code === 'read_only') return error;
  return new DbError('read_only', `writes are refused since one failed: ${error.message}`, {
    cause,
    hint: 'open the database again when the cause is gone; reads go on',
  });
}

function sealLeftOvers(context: StorageContext, recovered: Recovered): void {
  if (context.settings.read_only) return;
  for (const [table, segment] of recovered.closed) context.sealer.enqueue(table, segment);
}

async function readStored(
  { memory, environment, segmentsFolder }: StorageContext,
  { record, layout }: Segment,
  index: number,
): Promise<ColumnBuffers> {
  const definition = layout.definitions[index];
  const stored = record?.columns.find((column) => column.id === definition?.id);
  assert(record && definition && stored && segmentsFolder !== null, 'a column that is not resident is in its segment file');
  const { name, type } = definition;
  const { dictionary, node } = stored;
  const column = await readSegmentColumn(memory, environment.files, segmentsFolder, record.file, { name, type, dictionary, node });
  try {
    if (dictionary) layout.columns[index]?.dictionary?.expectCodes(column);
    return column;
  } catch (error) {
    for (const address of addressesOf(column)) memory.free(address);
    throw error;
  }
}

function removeSegment(context: StorageContext, segment: Segment): void {
  const { memory, cache } = context;
  for (const column of segment.columns) for (const address of addressesOf(column)) memory.free(address);
  segment.columns = [];
  cache.drop(segment);
  forgetCodes(memory, segment);
  memory.free(segment.alive.address);
  const file = segment.record?.file;
  if (file !== undefined && file !== '') context.removeFile(file);
}
