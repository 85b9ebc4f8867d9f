/** The catalog in LMDB (layout: catalog.ts): reading as of one commit or the last, writing, and opening. */
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, open } from 'lmdb';
import type { Kernels } from '../../../native-free/kernels.js';
import type { Arena } from '../../core/arena.js';
import { assert } from '../../core/assert.js';
import { DbError } from '../../core/errors.js';
import { ioError } from '../io-error.js';
import {
  ArenaBytes,
  type CatalogValue,
  type CatalogWrite,
  type HeldCatalog,
  SealedBytes,
  type SharedCatalog,
  type StoreName,
} from './catalog.js';
import { checkLmdbFile } from './lmdb-file.js';
import { FORMAT_KEY, FORMAT_VERSION, HeldLmdb, LmdbReader, type LmdbStores, wholeKey } from './lmdb-reader.js';
import { CHECKSUM_BYTES, keyChecksum, sealValue } from './record-checksum.js';

const POOLED_BUFFERS = 8;
const LARGEST_POOLED_BYTES = 16 << 20;

class LmdbCatalog extends LmdbReader implements SharedCatalog {
  private readonly arena: Arena;
  private readonly kernels: Kernels;
  private readonly pool: Buffer[] = [];

  constructor(lmdb: LmdbStores, arena: Arena, kernels: Kernels) {
    super(lmdb);
    this.arena = arena;
    this.kernels = kernels;
  }

  hold(): HeldCatalog {
    const { root } = this.lmdb;
    root.resetReadTxn();
    return new HeldLmdb(this.lmdb, root.useReadTransaction());
  }

  lastTransaction(): number {
    return (this.lmdb.root.getStats() as { lastTxnId: number }).lastTxnId;
  }

  oldestReader(): number | undefined {
    const { root } = this.lmdb;
    root.resetReadTxn();
    root.readerCheck();
    // A line for each slot: process, thread, transaction; the last is "-" where nothing is being read.
    const reading = [...root.readerList().matchAll(/^\s*\d+\s+\S+\s+(\d+)\s*$/gm)].map(([, transaction]) => Number(transaction));
    return reading.length === 0 ? undefined : Math.min(...reading);
  }

  /** Gives the records of an older format their checksums, all or none, and says that the format is the newest. */
  async renew(): Promise<void> {
    const names = Object.keys(this.lmdb.stores) as StoreName[];
    const old = this.isChecked ? [] : names.flatMap((store) => [...this.range(store)].map(([key, value]) => ({ store, key, value })));
    this.isChecked = true;
    await this.commit([...old, { store: 'meta', key: FORMAT_KEY, value: FORMAT_VERSION }]);
  }

  async commit(writes: readonly CatalogWrite[]): Promise<void> {
    const borrowed: Buffer[] = [];
    const issued: Promise<boolean>[] = [];
    try {
      await this.lmdb.root.batch(() => {
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

  detached(write: CatalogWrite): { readonly write: CatalogWrite; readonly sizeBytes: number } {
    if (!('value' in write)) return { write, sizeBytes: 0 };
    const { store, key, value } = write;
    const isArena = value instanceof ArenaBytes;
    const bytes = isArena
      ? this.sealed(value, keyChecksum(store, key), Buffer.allocUnsafeSlow(value.sizeBytes + CHECKSUM_BYTES))
      : bytesOf(value);
    return { write: { store, key, value: isArena ? new SealedBytes(bytes) : bytes }, sizeBytes: bytes.length };
  }

  async copyTo(folder: string): Promise<void> {
    try {
      await this.lmdb.root.backup(folder, true);
    } catch (error) {
      throw ioError(error, `the catalog could not be copied to ${folder}`);
    }
  }

  async close(): Promise<void> {
    await this.lmdb.root.close();
  }

  private storeOf(name: StoreName): Database {
    const store = this.lmdb.stores[name];
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
    if (value instanceof SealedBytes) return [store.put(key, value.bytes)];
    if (value instanceof ArenaBytes) return [store.put(key, this.copied(value, keyChecksum(write.store, key), borrowed))];
    const bytes = bytesOf(value);
    if (key === FORMAT_KEY) return [store.put(key, bytes)];
    return [store.put(key, sealValue(Buffer.concat([bytes, Buffer.alloc(CHECKSUM_BYTES)]), write.store, key))];
  }

  /** lmdb takes no address inside a shared memory, so bytes of the arena go through a buffer that is used again. */
  private copied(bytes: ArenaBytes, seed: number, borrowed: Buffer[]): Uint8Array {
    const wanted = bytes.sizeBytes + CHECKSUM_BYTES;
    const index = this.pool.findIndex((buffer) => buffer.length >= wanted && buffer.length <= 4 * wanted);
    const [pooled] = index < 0 ? [] : this.pool.splice(index, 1);
    const buffer = pooled ?? Buffer.allocUnsafeSlow(wanted);
    borrowed.push(buffer);
    return this.sealed(bytes, seed, buffer);
  }

  private sealed({ address, sizeBytes }: ArenaBytes, seed: number, into: Buffer): Uint8Array {
    into.fill(this.arena.u8.subarray(address, address + sizeBytes), 0, sizeBytes);
    into.writeUInt32LE(this.kernels.crc32c(address, sizeBytes, seed) >>> 0, sizeBytes);
    return into.subarray(0, sizeBytes + CHECKSUM_BYTES);
  }
}

function bytesOf(value: Exclude<CatalogValue, ArenaBytes | SealedBytes>): Uint8Array {
  return value instanceof Uint8Array ? value : Buffer.from(JSON.stringify(value));
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

function openStores(folder: string, readOnly: boolean): LmdbStores {
  const root = open({ path: folder, maxDbs: 16, overlappingSync: false, eventTurnBatching: false, encoding: 'binary', readOnly });
  const store = (name: string) => root.openDB({ name, encoding: 'binary' }) as Database | undefined;
  const stores = {
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
  return { folder, root, stores };
}

/** Opens or makes the catalog in a folder. Fails with `io_error`, `read_only`, `unsupported` (written by a newer version). */
export async function openCatalog(folder: string, arena: Arena, kernels: Kernels, readOnly: boolean): Promise<SharedCatalog> {
  const exists = statSync(join(folder, 'data.mdb'), { throwIfNoEntry: false }) !== undefined;
  if (readOnly && !exists) throw new DbError('not_found', `no database in ${join(folder, '..')}`, { hint: 'open it once for writing' });
  let catalog: LmdbCatalog;
  try {
    mkdirSync(folder, { recursive: true });
    if (exists) checkLmdbFile(join(folder, 'data.mdb'));
    catalog = new LmdbCatalog(openStores(folder, readOnly), arena, kernels);
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
