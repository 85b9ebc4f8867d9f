/** Reading the catalog (layout: catalog.ts) in LMDB: as of the last commit, or of one that is held. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Database, Key, RootDatabase, Transaction } from 'lmdb';
import type { ViewDefinition } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import { ioError } from '../io-error.js';
import type { CatalogKey, HeldCatalog, SegmentRecord, StoredRecord, StoreName, TableRecord, TailEntry } from './catalog.js';
import { checkedValue, keyText } from './record-checksum.js';

/** 2: dropped columns, views. 3: clusters. 4: checksums of records. 5: compressed columns. */
export const FORMAT_VERSION = 5;
export const FORMAT_KEY = 'format';
const FIRST_CHECKED_FORMAT = 4;

/** One LMDB environment, its databases by name. A database is undefined where an older format lacks it, and nothing may be written. */
export interface LmdbStores {
  readonly folder: string;
  readonly root: RootDatabase;
  readonly stores: Readonly<Record<StoreName, Database | undefined>>;
}

export class LmdbReader {
  readonly persistent = true;
  protected readonly lmdb: LmdbStores;
  /** undefined: every read is of the last commit. */
  protected transaction: Transaction | undefined;
  /** Records have checksums. */
  protected isChecked = true;

  constructor(lmdb: LmdbStores, transaction?: Transaction) {
    this.lmdb = lmdb;
    this.transaction = transaction;
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

  tail(table: number): Iterable<TailEntry> {
    return this.tailRange({ start: [table], end: [table + 1] });
  }

  tailOf(table: number, segment: number, after: readonly number[] | undefined): Iterable<TailEntry> {
    return this.tailRange({ start: after ? [...after, 0] : [table, segment], end: [table, segment + 1] });
  }

  *tailSegments(table: number): Iterable<number> {
    for (let next = 0; ; next++) {
      const bounds = { start: [table, next], end: [table + 1], limit: 1, ...this.asOf() };
      const [key] = this.lmdb.stores.tail?.getKeys(bounds) ?? [];
      if (key === undefined) return;
      const found = Array.isArray(key) ? key[1] : undefined;
      if (typeof found !== 'number' || !(found >= next))
        throw new DbError('corrupt', `catalog, tail record ${keyText(key)} has no valid key`);
      next = found;
      yield next;
    }
  }

  storedTable(table: number): Buffer | undefined {
    return this.raw('table', [table]);
  }

  *storedSegments(table: number): Iterable<StoredRecord> {
    for (const { key, value } of this.entries('segment', { start: [table], end: [table + 1] })) {
      yield { id: (key as number[])[1] as number, bytes: value as Buffer };
    }
  }

  segmentOf(table: number, { id, bytes }: StoredRecord): SegmentRecord {
    const key = [table, id];
    return parsed(this.valueOf('segment', key, bytes), 'segment', key) as SegmentRecord;
  }

  private *tailRange(bounds: { start: CatalogKey; end: CatalogKey }): Iterable<TailEntry> {
    for (const [key, bytes] of this.range('tail', bounds)) {
      const numbers = key as number[];
      yield { key: numbers, segment: numbers[1] as number, bytes };
    }
  }

  *dictionary(table: number, column: number, from = 0): Iterable<Uint8Array> {
    let next = from;
    for (const [key, bytes] of this.range('dictionary', { start: [table, column, from], end: [table, column + 1] })) {
      if (key[2] !== next) throw new DbError('corrupt', `the catalog lacks entries from ${next} on of dictionary ${table}-${column}`);
      next += bytes.readUInt32LE(0);
      yield bytes;
    }
  }

  /**
   * A record whose key has changed is not found under the key that it had, and nobody misses some of them. So records that belong to nothing that
   * is known are read: their checksums have the key in them. So are all that say which rows are deleted. Fails with `corrupt`.
   */
  checkStrays(): void {
    const readAll = (store: StoreName) => {
      for (const record of this.range(store)) void record;
    };
    for (const store of ['meta', 'view', 'schema'] as const) readAll(store);
    const tables = Array.from(this.range('table'), ([key]) => Number(key));
    for (const store of ['segment', 'tail', 'deletion', 'cluster', 'dictionary'] as const) {
      const known = tables.reduce((sum, table) => sum + this.count(store, { start: [table], end: [table + 1] }), 0);
      if (known !== this.count(store, {})) readAll(store);
    }
    for (const [key] of this.range('deletion')) this.assertOwn('deletion', key);
  }

  /** A key that is written otherwise than its values are reads as another one's, and is found by none. */
  private assertOwn(store: StoreName, key: CatalogKey): void {
    if (Array.isArray(key) && key.every((part) => Number.isInteger(part)) && this.raw(store, key) !== undefined) return;
    throw new DbError('corrupt', `catalog, ${store} record ${keyText(key)} has no valid key`);
  }

  private count(store: StoreName, bounds: { start?: CatalogKey; end?: CatalogKey }): number {
    return this.lmdb.stores[store]?.getKeysCount({ ...bounds, ...this.asOf() }) ?? 0;
  }

  deletion(table: number, segment: number): Uint8Array | undefined {
    return this.get('deletion', [table, segment]);
  }

  cluster(table: number, segment: number): Uint8Array | undefined {
    return this.get('cluster', [table, segment]);
  }

  sizeBytes(): number {
    return statSync(join(this.lmdb.folder, 'data.mdb'), { throwIfNoEntry: false })?.size ?? 0;
  }

  private asOf(): { transaction?: Transaction } {
    return this.transaction ? { transaction: this.transaction } : {};
  }

  private raw(store: StoreName, key: CatalogKey): Buffer | undefined {
    return this.lmdb.stores[store]?.get(key, this.asOf()) as Buffer | undefined;
  }

  private get(store: StoreName, key: CatalogKey): Buffer | undefined {
    const bytes = this.raw(store, key);
    return bytes && this.valueOf(store, key, bytes);
  }

  protected *range(store: StoreName, bounds: { start?: CatalogKey; end?: CatalogKey } = {}): Iterable<readonly [CatalogKey, Buffer]> {
    for (const { key, value } of this.entries(store, bounds)) {
      const whole = wholeKey(key);
      yield [whole, this.valueOf(store, whole, value as Buffer)];
    }
  }

  private *entries(store: StoreName, bounds: { start?: CatalogKey; end?: CatalogKey }): Iterable<{ key: Key; value: unknown }> {
    try {
      yield* this.lmdb.stores[store]?.getRange({ ...bounds, ...this.asOf() }) ?? [];
    } catch (error) {
      // lmdb reads keys as it goes, and has errors of its own for bytes that are none.
      const isKey = error instanceof RangeError || error instanceof TypeError;
      throw isKey
        ? new DbError('corrupt', `catalog, a ${store} record has no valid key`, { cause: error })
        : ioError(error, `catalog, ${store}`);
    }
  }

  *examine(store: StoreName): Iterable<{ readonly key: CatalogKey; readonly value: Buffer | null }> {
    for (const { key, value } of this.entries(store, {})) {
      const whole = wholeKey(key);
      yield { key: whole, value: this.soundValue(store, whole, value as Buffer) };
    }
  }

  private soundValue(store: StoreName, key: CatalogKey, bytes: Buffer): Buffer | null {
    try {
      return this.valueOf(store, key, bytes);
    } catch (error) {
      if (error instanceof DbError && error.code === 'corrupt') return null;
      throw error;
    }
  }

  private records(store: StoreName, bounds: { start?: CatalogKey; end?: CatalogKey } = {}): unknown[] {
    return Array.from(this.range(store, bounds), ([key, bytes]) => parsed(bytes, store, key));
  }

  /** Programs of every version read the format, so it has no checksum. */
  private valueOf(store: StoreName, key: CatalogKey, bytes: Buffer): Buffer {
    return this.isChecked && key !== FORMAT_KEY ? checkedValue(bytes, store, key) : bytes;
  }
}

export class HeldLmdb extends LmdbReader implements HeldCatalog {
  private readonly held: Transaction;

  constructor(lmdb: LmdbStores, transaction: Transaction) {
    super(lmdb, transaction);
    this.held = transaction;
  }

  copy(): HeldCatalog {
    return new HeldLmdb(this.lmdb, this.transaction ?? this.held);
  }

  moveTo(newer: HeldLmdb): void {
    this.transaction = newer.transaction;
  }

  release(): void {
    this.held.done();
  }

  commit(): Promise<void> {
    return Promise.reject(new DbError('read_only', 'the database was opened read-only'));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** An array of one number is read back as the number, which is another key. */
export function wholeKey(key: Key): CatalogKey {
  return typeof key === 'number' ? [key] : (key as CatalogKey);
}

function parsed(bytes: Buffer, store: StoreName, key: CatalogKey): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw new DbError('corrupt', `catalog, ${store} record ${keyText(key)} is not JSON`, { cause: error });
  }
}
