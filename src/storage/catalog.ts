/**
 * What must be transactional: an LMDB environment in <path>/catalog with one database per kind of record. Keys are arrays of numbers or
 * strings in lmdb-js's "ordered-binary" encoding, so ranges of one table or segment are contiguous.
 *
 *   database    key                              value
 *   meta        "format"                         JSON number: version of this layout (FORMAT_VERSION)
 *   meta        "sequence"                       JSON number: of the last commit
 *   meta        "nextTableId"                    JSON number
 *   table       [table]                          JSON TableRecord
 *   segment     [table, segment]                 JSON SegmentRecord (sealed segments only)
 *   tail        [table, segment, commit, index]  a tail record (tail-record.ts) of an unsealed segment
 *   dictionary  [table, column, first code]      dictionary entries (column-dictionary.ts)
 *   view        "schema.name", lower case        JSON ViewDefinition
 *   schema      "name", lower case               JSON text: the name
 *   cluster     [table, segment]                 u32 n, n codes (u32, ascending; 0xffffffff = NULL), n times the row after the last of a code (u32)
 *   deletion    [table, segment]                 u32 rows, u32 deleted rows, then the bitmap of the rows that are alive, in 8-byte words
 *
 * A commit is one LMDB transaction; LMDB syncs it (fdatasync) before its promise resolves, since overlappingSync is off.
 */
import { closeSync, mkdirSync, openSync, readSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import type { Arena } from '../core/arena.js';
import { assert } from '../core/assert.js';
import type { ColumnDefinition, TableDefinition, ViewDefinition } from '../core/contracts.js';
import { DbError } from '../core/errors.js';
import { ioError } from './io-error.js';
import type { StoredValue } from './stored-value.js';
import type { StoredBound } from './zone-map.js';

export const FORMAT_VERSION = 3;

export interface TableRecord {
  readonly id: number;
  readonly definition: TableDefinition;
  /** Ids of text columns that are stored plain from now on. */
  readonly plainColumns: readonly number[];
  readonly nextSegmentId: number;
  /** Dropped columns; older segments may hold them. */
  readonly retired?: readonly ColumnDefinition[];
  /** By column id: the value in segments older than the column, where it is not NULL. */
  readonly fills?: readonly (readonly [number, StoredValue])[];
  readonly nextColumnId?: number;
}

/** [offset in the file, bytes, CRC32C]; null = the buffer is absent. */
export type StoredBuffer = readonly [number, number, number] | null;

export interface StoredNode {
  readonly rows: number;
  /** In the order of rolesOf. */
  readonly buffers: readonly StoredBuffer[];
  readonly children: readonly StoredNode[];
}

export interface StoredColumn {
  readonly id: number;
  readonly dictionary: boolean;
  readonly node: StoredNode;
  /** [null count, minimum, maximum] */
  readonly zone: readonly [number, StoredBound, StoredBound];
}

export interface SegmentRecord {
  readonly id: number;
  readonly rows: number;
  readonly deleted: number;
  readonly sorted: boolean;
  /** Id of the column by whose codes rows are grouped; `cluster` of the catalog then has the index. */
  readonly cluster?: number;
  /** The segment stands where the segment of this number stood, as its part of that index. Absent: its id tells where it stands. */
  readonly place?: readonly [segment: number, part: number];
  /** Name inside <path>/segments. */
  readonly file: string;
  readonly sizeBytes: number;
  readonly columns: readonly StoredColumn[];
}

export type StoreName = 'meta' | 'table' | 'segment' | 'tail' | 'dictionary' | 'deletion' | 'cluster' | 'view' | 'schema';
export type CatalogKey = string | number[];

export type CatalogWrite =
  | { readonly store: StoreName; readonly key: CatalogKey; readonly value: CatalogValue }
  | { readonly store: StoreName; readonly key: CatalogKey; readonly remove: true }
  /** Removes everything of a table, or of one segment of it, from a database. */
  | { readonly store: StoreName; readonly removeAllOf: readonly [table: number, segment?: number] };

/** JSON, bytes, or bytes of the arena (read before commit() returns its promise). */
export type CatalogValue = object | number | string | Uint8Array | ArenaBytes;

export class ArenaBytes {
  readonly address: number;
  readonly sizeBytes: number;

  constructor(address: number, sizeBytes: number) {
    this.address = address;
    this.sizeBytes = sizeBytes;
  }
}

export interface TailEntry {
  readonly key: number[];
  readonly segment: number;
  readonly bytes: Uint8Array;
}

/** Where storage keeps its records. The catalog in memory keeps none. */
export interface Catalog {
  readonly persistent: boolean;
  meta(key: string): number | undefined;
  tables(): TableRecord[];
  views(): ViewDefinition[];
  /** Names of created schemas. */
  schemas(): string[];
  segments(table: number): SegmentRecord[];
  tail(table: number): Iterable<TailEntry>;
  dictionary(table: number, column: number): Iterable<Uint8Array>;
  deletion(table: number, segment: number): Uint8Array | undefined;
  cluster(table: number, segment: number): Uint8Array | undefined;
  /** Resolves when the writes are on disk, all of them or none. */
  commit(writes: readonly CatalogWrite[]): Promise<void>;
  /**
   * Fails with `read_only` when the disk has no room for so many bytes more. Asked before every large write: lmdb-js 3.5 corrupts its heap when
   * a write of its own meets a full disk.
   */
  assertRoom(sizeBytes: number): void;
  sizeBytes(): number;
  close(): Promise<void>;
}

export const memoryCatalog: Catalog = {
  persistent: false,
  meta: () => undefined,
  tables: () => [],
  views: () => [],
  schemas: () => [],
  segments: () => [],
  tail: () => [],
  dictionary: () => [],
  deletion: () => undefined,
  cluster: () => undefined,
  commit: () => Promise.resolve(),
  assertRoom: () => undefined,
  sizeBytes: () => 0,
  close: () => Promise.resolve(),
};

const POOLED_BUFFERS = 8;
const LARGEST_POOLED_BYTES = 16 << 20;

class LmdbCatalog implements Catalog {
  readonly persistent = true;
  private readonly folder: string;
  private readonly arena: Arena;
  private readonly root: RootDatabase;
  private readonly stores: Readonly<Record<StoreName, Database | undefined>>;
  private readonly pool: Buffer[] = [];

  constructor(folder: string, arena: Arena, readOnly: boolean) {
    this.folder = folder;
    this.arena = arena;
    this.root = open({ path: folder, maxDbs: 16, overlappingSync: false, eventTurnBatching: false, encoding: 'binary', readOnly });
    const store = (name: string, encoding: 'json' | 'binary') => this.root.openDB({ name, encoding });
    /** Databases of older formats lack it; it cannot be made when nothing may be written. */
    const newer = (name: string, encoding: 'json' | 'binary' = 'json') =>
      readOnly && !this.root.doesExist(name) ? undefined : store(name, encoding);
    this.stores = {
      meta: store('meta', 'json'),
      table: store('table', 'json'),
      segment: store('segment', 'json'),
      tail: store('tail', 'binary'),
      dictionary: store('dictionary', 'binary'),
      deletion: store('deletion', 'binary'),
      cluster: newer('cluster', 'binary'),
      view: newer('view'),
      schema: newer('schema'),
    };
  }

  meta(key: string): number | undefined {
    return this.storeOf('meta').get(key) as number | undefined;
  }

  tables(): TableRecord[] {
    return [
      ...this.storeOf('table')
        .getRange({})
        .map(({ value }) => value as TableRecord),
    ];
  }

  views(): ViewDefinition[] {
    return [...(this.stores.view?.getRange({}) ?? [])].map(({ value }) => value as ViewDefinition);
  }

  schemas(): string[] {
    return [...(this.stores.schema?.getRange({}) ?? [])].map(({ value }) => value as string);
  }

  segments(table: number): SegmentRecord[] {
    return [
      ...this.storeOf('segment')
        .getRange({ start: [table], end: [table + 1] })
        .map(({ value }) => value as SegmentRecord),
    ];
  }

  *tail(table: number): Iterable<TailEntry> {
    for (const { key, value } of this.storeOf('tail').getRange({ start: [table], end: [table + 1] })) {
      const numbers = key as number[];
      yield { key: numbers, segment: numbers[1] as number, bytes: value as Uint8Array };
    }
  }

  *dictionary(table: number, column: number): Iterable<Uint8Array> {
    for (const { value } of this.storeOf('dictionary').getRange({ start: [table, column], end: [table, column + 1] }))
      yield value as Uint8Array;
  }

  deletion(table: number, segment: number): Uint8Array | undefined {
    return this.storeOf('deletion').get([table, segment]) as Uint8Array | undefined;
  }

  cluster(table: number, segment: number): Uint8Array | undefined {
    return this.stores.cluster?.get([table, segment]) as Uint8Array | undefined;
  }

  async commit(writes: readonly CatalogWrite[]): Promise<void> {
    const borrowed: Buffer[] = [];
    const issued: Promise<boolean>[] = [];
    try {
      await this.root.batch(() => {
        for (const write of writes) issued.push(...this.issue(write, borrowed));
      });
    } catch (error) {
      throw ioError(await reasonOf(error), 'the catalog could not be written');
    } finally {
      await Promise.allSettled(issued);
      this.pool.push(...borrowed.filter((buffer) => buffer.length <= LARGEST_POOLED_BYTES));
      this.pool.splice(0, this.pool.length - POOLED_BUFFERS);
    }
  }

  assertRoom(sizeBytes: number): void {
    const { bavail, blocks, bsize } = statfsSync(this.folder);
    const reserve = Math.max(1 << 20, Math.min(32 << 20, (blocks * bsize) / 64));
    const free = bavail * bsize;
    if (free >= 2 * sizeBytes + reserve) return;
    throw new DbError('read_only', `the disk of ${this.folder} is full: ${free} bytes are free, ${sizeBytes} are to be written`, {
      hint: 'make room on the disk; reads go on, and writes will too',
    });
  }

  sizeBytes(): number {
    return statSync(join(this.folder, 'data.mdb'), { throwIfNoEntry: false })?.size ?? 0;
  }

  async close(): Promise<void> {
    await this.root.close();
  }

  private storeOf(name: StoreName): Database {
    const store = this.stores[name];
    assert(store !== undefined, `database ${name} is open`);
    return store;
  }

  private issue(write: CatalogWrite, borrowed: Buffer[]): Promise<boolean>[] {
    const store = this.storeOf(write.store);
    if ('removeAllOf' in write) {
      const [table, segment] = write.removeAllOf;
      const range = segment === undefined ? { start: [table], end: [table + 1] } : { start: [table, segment], end: [table, segment + 1] };
      // An array of one number is read back as the number, which is another key.
      return [...store.getKeys(range)].map((key) => store.remove(typeof key === 'number' ? [key] : key));
    }
    if ('remove' in write) return [store.remove(write.key)];
    return [store.put(write.key, write.value instanceof ArenaBytes ? this.copied(write.value, borrowed) : write.value)];
  }

  /** lmdb takes no address inside a shared memory, so bytes of the arena go through a buffer that is used again. */
  private copied(bytes: ArenaBytes, borrowed: Buffer[]): Uint8Array {
    const index = this.pool.findIndex((buffer) => buffer.length >= bytes.sizeBytes && buffer.length <= 4 * bytes.sizeBytes);
    const [pooled] = index < 0 ? [] : this.pool.splice(index, 1);
    const buffer = pooled ?? Buffer.allocUnsafeSlow(bytes.sizeBytes);
    borrowed.push(buffer);
    buffer.fill(this.arena.u8.subarray(bytes.address, bytes.address + bytes.sizeBytes), 0, bytes.sizeBytes);
    return buffer.length === bytes.sizeBytes ? buffer : buffer.subarray(0, bytes.sizeBytes);
  }
}

/** lmdb tells why a commit failed by a second promise, which it rejects in the same turn; unheard it would end the process. */
async function reasonOf(error: unknown): Promise<unknown> {
  if (!(error instanceof Error) || !('commitError' in error)) return error;
  const told = Promise.resolve(error.commitError).then(
    () => error,
    (reason: unknown) => reason,
  );
  const silence = new Promise<unknown>((resolve) => setTimeout(() => resolve(error), 100));
  return Promise.race([told, silence]);
}

const MAGIC_OFFSET = 24;
const LMDB_MAGIC = 0xbeefc0de;

/** lmdb-js 3.5 does not survive opening a file that is not LMDB's. */
function checkMagic(file: string): void {
  const head = Buffer.alloc(MAGIC_OFFSET + 4);
  const descriptor = openSync(file, 'r');
  try {
    readSync(descriptor, head, 0, head.length, 0);
  } finally {
    closeSync(descriptor);
  }
  if (head.readUInt32LE(MAGIC_OFFSET) !== LMDB_MAGIC) throw new DbError('corrupt', `${file} is not an LMDB file`);
}

/** Opens or makes the catalog in a folder. Fails with `io_error`, `read_only`, `unsupported` (written by a newer version). */
export function openCatalog(folder: string, arena: Arena, readOnly: boolean): Catalog {
  const exists = statSync(join(folder, 'data.mdb'), { throwIfNoEntry: false }) !== undefined;
  if (readOnly && !exists) throw new DbError('not_found', `no database in ${join(folder, '..')}`, { hint: 'open it once for writing' });
  let catalog: LmdbCatalog;
  try {
    mkdirSync(folder, { recursive: true });
    if (exists) checkMagic(join(folder, 'data.mdb'));
    catalog = new LmdbCatalog(folder, arena, readOnly);
  } catch (error) {
    throw ioError(error, `the catalog in ${folder} could not be opened`);
  }
  const format = catalog.meta('format');
  if (format !== undefined && format > FORMAT_VERSION) {
    void catalog.close();
    throw new DbError('unsupported', `the database was written in format ${format}; this version reads formats up to ${FORMAT_VERSION}`, {
      hint: 'use a newer version of FletchDB',
    });
  }
  return catalog;
}
