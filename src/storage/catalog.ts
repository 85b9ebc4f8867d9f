/**
 * What must be transactional: an LMDB environment in <path>/catalog with one database per kind of record. Keys are arrays of numbers or
 * strings in lmdb-js's "ordered-binary" encoding, so ranges of one table or segment are contiguous. Behind every value but meta's "format"
 * stand four bytes: its checksum (record-checksum.ts).
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
import { type Database, type Key, open, type RootDatabase } from 'lmdb';
import type { Kernels } from '../../native-free/kernels.js';
import type { Arena } from '../core/arena.js';
import { assert } from '../core/assert.js';
import type { ColumnDefinition, TableDefinition, ViewDefinition } from '../core/contracts.js';
import { DbError } from '../core/errors.js';
import { ioError } from './io-error.js';
import { CHECKSUM_BYTES, checkedValue, keyChecksum, sealValue } from './record-checksum.js';
import type { StoredValue } from './stored-value.js';
import type { StoredBound } from './zone-map.js';

/** 2: dropped columns, views. 3: clusters. 4: checksums of records. */
const FORMAT_VERSION = 4;
const FIRST_CHECKED_FORMAT = 4;
const FORMAT_KEY = 'format';

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
  /** How often compaction has written its rows anew, at most. Absent: never. */
  readonly level?: number;
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
  private readonly kernels: Kernels;
  private readonly root: RootDatabase;
  private readonly stores: Readonly<Record<StoreName, Database | undefined>>;
  private readonly pool: Buffer[] = [];
  /** Records have checksums. */
  private isChecked = true;

  constructor(folder: string, arena: Arena, kernels: Kernels, readOnly: boolean) {
    this.folder = folder;
    this.arena = arena;
    this.kernels = kernels;
    this.root = open({ path: folder, maxDbs: 16, overlappingSync: false, eventTurnBatching: false, encoding: 'binary', readOnly });
    /** undefined: an older format lacks it, and nothing may be written. */
    const store = (name: string) => this.root.openDB({ name, encoding: 'binary' }) as Database | undefined;
    this.stores = {
      meta: store('meta'),
      table: store('table'),
      segment: store('segment'),
      tail: store('tail'),
      dictionary: store('dictionary'),
      deletion: store('deletion'),
      cluster: store('cluster'),
      view: store('view'),
      schema: store('schema'),
    };
    this.isChecked = (this.meta(FORMAT_KEY) ?? FORMAT_VERSION) >= FIRST_CHECKED_FORMAT;
  }

  meta(key: string): number | undefined {
    const bytes = this.get('meta', key);
    return bytes && (parsed(bytes, 'meta', key) as number);
  }

  tables(): TableRecord[] {
    return this.records('table') as TableRecord[];
  }

  views(): ViewDefinition[] {
    return this.records('view') as ViewDefinition[];
  }

  schemas(): string[] {
    return this.records('schema') as string[];
  }

  segments(table: number): SegmentRecord[] {
    return this.records('segment', { start: [table], end: [table + 1] }) as SegmentRecord[];
  }

  *tail(table: number): Iterable<TailEntry> {
    for (const [key, bytes] of this.range('tail', { start: [table], end: [table + 1] })) {
      const numbers = key as number[];
      yield { key: numbers, segment: numbers[1] as number, bytes };
    }
  }

  *dictionary(table: number, column: number): Iterable<Uint8Array> {
    for (const [, bytes] of this.range('dictionary', { start: [table, column], end: [table, column + 1] })) yield bytes;
  }

  deletion(table: number, segment: number): Uint8Array | undefined {
    return this.get('deletion', [table, segment]);
  }

  cluster(table: number, segment: number): Uint8Array | undefined {
    return this.get('cluster', [table, segment]);
  }

  /** Gives the records of an older format their checksums, all or none, and says that the format is the newest. */
  async renew(): Promise<void> {
    const names = Object.keys(this.stores) as StoreName[];
    const old = this.isChecked ? [] : names.flatMap((store) => [...this.range(store)].map(([key, value]) => ({ store, key, value })));
    this.isChecked = true;
    await this.commit([...old, { store: 'meta', key: FORMAT_KEY, value: FORMAT_VERSION }]);
  }

  private get(store: StoreName, key: CatalogKey): Buffer | undefined {
    const bytes = this.stores[store]?.get(key) as Buffer | undefined;
    return bytes && this.valueOf(store, key, bytes);
  }

  private *range(store: StoreName, bounds: { start?: CatalogKey; end?: CatalogKey } = {}): Iterable<readonly [CatalogKey, Buffer]> {
    for (const { key, value } of this.stores[store]?.getRange(bounds) ?? []) {
      const whole = wholeKey(key);
      yield [whole, this.valueOf(store, whole, value as Buffer)];
    }
  }

  private records(store: StoreName, bounds: { start?: CatalogKey; end?: CatalogKey } = {}): unknown[] {
    return Array.from(this.range(store, bounds), ([key, bytes]) => parsed(bytes, store, key));
  }

  /** Programs of every version read the format, so it has no checksum. */
  private valueOf(store: StoreName, key: CatalogKey, bytes: Buffer): Buffer {
    return this.isChecked && key !== FORMAT_KEY ? checkedValue(bytes, store, key) : bytes;
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
      return [...store.getKeys(range)].map((key) => store.remove(wholeKey(key)));
    }
    if ('remove' in write) return [store.remove(write.key)];
    const { key, value } = write;
    if (value instanceof ArenaBytes) return [store.put(key, this.copied(value, keyChecksum(write.store, key), borrowed))];
    const bytes = value instanceof Uint8Array ? value : Buffer.from(JSON.stringify(value));
    if (key === FORMAT_KEY) return [store.put(key, bytes)];
    return [store.put(key, sealValue(Buffer.concat([bytes, Buffer.alloc(CHECKSUM_BYTES)]), write.store, key))];
  }

  /** lmdb takes no address inside a shared memory, so bytes of the arena go through a buffer that is used again. */
  private copied({ address, sizeBytes }: ArenaBytes, seed: number, borrowed: Buffer[]): Uint8Array {
    const wanted = sizeBytes + CHECKSUM_BYTES;
    const index = this.pool.findIndex((buffer) => buffer.length >= wanted && buffer.length <= 4 * wanted);
    const [pooled] = index < 0 ? [] : this.pool.splice(index, 1);
    const buffer = pooled ?? Buffer.allocUnsafeSlow(wanted);
    borrowed.push(buffer);
    buffer.fill(this.arena.u8.subarray(address, address + sizeBytes), 0, sizeBytes);
    buffer.writeUInt32LE(this.kernels.crc32c(address, sizeBytes, seed) >>> 0, sizeBytes);
    return buffer.length === wanted ? buffer : buffer.subarray(0, wanted);
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

/** An array of one number is read back as the number, which is another key. */
function wholeKey(key: Key): CatalogKey {
  return typeof key === 'number' ? [key] : (key as CatalogKey);
}

function parsed(bytes: Buffer, store: StoreName, key: CatalogKey): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw new DbError('corrupt', `catalog, ${store} record ${JSON.stringify(key)} is not JSON`, { cause: error });
  }
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
export async function openCatalog(folder: string, arena: Arena, kernels: Kernels, readOnly: boolean): Promise<Catalog> {
  const exists = statSync(join(folder, 'data.mdb'), { throwIfNoEntry: false }) !== undefined;
  if (readOnly && !exists) throw new DbError('not_found', `no database in ${join(folder, '..')}`, { hint: 'open it once for writing' });
  let catalog: LmdbCatalog;
  try {
    mkdirSync(folder, { recursive: true });
    if (exists) checkMagic(join(folder, 'data.mdb'));
    catalog = new LmdbCatalog(folder, arena, kernels, readOnly);
  } catch (error) {
    throw ioError(error, `the catalog in ${folder} could not be opened`);
  }
  const format = catalog.meta(FORMAT_KEY);
  if (format !== undefined && format > FORMAT_VERSION) {
    await catalog.close();
    throw new DbError('unsupported', `the database was written in format ${format}; this version reads formats up to ${FORMAT_VERSION}`, {
      hint: 'use a newer version of FletchDB',
    });
  }
  if (format !== undefined && !(format >= 1)) {
    await catalog.close();
    throw new DbError('corrupt', `the catalog in ${folder} says that it is of format ${format}`);
  }
  // Programs of before would misread what this one writes, so they are kept away.
  if (!readOnly && format !== FORMAT_VERSION) await catalog.renew();
  return catalog;
}
