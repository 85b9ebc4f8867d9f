/**
 * How commits reach the catalog, by the level of durability (setting `durability`):
 *
 *   fsync    every commit is one LMDB transaction, which is on disk before the commit is acknowledged
 *   group    commits of rows wait in memory for at most group_commit_ms and then go to LMDB together, as one transaction
 *   memory   they wait until something else has to be on disk (a sealed segment, a changed definition, a flush, the closing), or until
 *            WAITING_BYTES of them have come
 *
 * LMDB syncs every transaction at every level, so its file is whole after a crash, and what survives is a prefix of the commits: a commit that
 * may not wait takes along all that wait. Only commits that add or delete rows in tables that stay as they are may wait. Whatever makes a file
 * known or unknown may not, so no file is removed that the catalog on disk still names.
 *
 * What waits is not read from here: the tables have it in memory, and read records of the catalog only for what they do not have.
 */
import { assert } from '../../core/assert.js';
import { asDbError, DbError } from '../../core/errors.js';
import type { Settings } from '../../core/settings.js';
import type { CatalogKey, CatalogWrite, SharedCatalog, StoreName } from '../catalog/catalog.js';
import type { DiskRoom, RoomPromise } from '../disk-room.js';

export type DurabilitySettings = Pick<Settings, 'durability' | 'group_commit_ms'>;

/** Bytes of waiting records at which they are written, whatever the level. */
const WAITING_BYTES = 64 << 20;
/** How long after a full disk it is tried again. */
const RETRY_MS = 1000;

interface WaitingWrite {
  readonly write: CatalogWrite;
  readonly sizeBytes: number;
}

interface Waiting {
  /** The last write of each key. */
  readonly writes: Map<string, WaitingWrite>;
  sizeBytes: number;
  /** Room for them. */
  readonly promises: RoomPromise[];
}

export class CatalogWriter {
  private readonly catalog: SharedCatalog | null;
  private readonly settings: DurabilitySettings;
  private readonly room: DiskRoom;
  private readonly onFailure: (error: unknown) => void;
  private waiting = nothing();
  private last: Promise<void> = Promise.resolve();
  private timer: NodeJS.Timeout | undefined;
  private failure: DbError | undefined;
  /** Acknowledged commits are not on disk, and never will be. */
  private isLost = false;

  /** null: nothing is kept. onFailure hears of a transaction that could not be written: nothing is written any more then. */
  constructor(catalog: SharedCatalog | null, settings: DurabilitySettings, room: DiskRoom, onFailure: (error: unknown) => void) {
    this.catalog = catalog;
    this.settings = settings;
    this.room = room;
    this.onFailure = onFailure;
  }

  /** Of commits that are acknowledged and not on disk. */
  get waitingBytes(): number {
    return this.waiting.sizeBytes;
  }

  /** Resolves when the writes may be shown: they and those that waited are on disk, or they wait too, where they may and the level allows it. */
  async commit(writes: readonly CatalogWrite[], mayWait: boolean): Promise<void> {
    const { durability, group_commit_ms: groupMs } = this.settings;
    if (this.catalog === null) return;
    if (!mayWait || durability === 'fsync') return this.write(this.catalog, writes);
    if (this.failure !== undefined) throw this.failure;
    const before = this.waiting.sizeBytes;
    for (const write of writes) this.keep(this.catalog, write);
    this.waiting.promises.push(this.room.promise(2 * Math.max(0, this.waiting.sizeBytes - before)));
    if (this.waiting.sizeBytes >= WAITING_BYTES) return this.write(this.catalog, []);
    if (durability === 'group') this.schedule(groupMs);
  }

  /** Resolves when all that waits is on disk. Fails with `read_only` when the disk is full (it goes on waiting then), or when it never will be. */
  async flush(): Promise<void> {
    if (this.catalog !== null && this.waiting.writes.size > 0) {
      this.room.assert(0);
      await this.write(this.catalog, []);
    } else await this.last;
    if (this.isLost && this.failure !== undefined) throw this.failure;
  }

  /** Gives up what waits. */
  stop(): void {
    clearTimeout(this.timer);
    this.waiting = nothing();
  }

  private keep(catalog: SharedCatalog, write: CatalogWrite): void {
    assert('key' in write, 'a commit that may wait removes no ranges');
    const text = keyText(write.store, write.key);
    const kept = catalog.detached(write);
    this.waiting.sizeBytes += kept.sizeBytes - (this.waiting.writes.get(text)?.sizeBytes ?? 0);
    this.waiting.writes.set(text, kept);
  }

  /** One transaction of all that waits and of these, after those under way. */
  private write(catalog: SharedCatalog, own: readonly CatalogWrite[]): Promise<void> {
    const done = this.last.then(async () => {
      if (this.failure !== undefined) throw this.failure;
      clearTimeout(this.timer);
      this.timer = undefined;
      const taken = this.waiting;
      this.waiting = nothing();
      if (taken.writes.size + own.length === 0) return;
      try {
        await catalog.commit([...stillWanted(taken, own), ...own]);
      } catch (error) {
        // Once a sync has failed nobody knows what is on disk, so it is not tried again, and nothing may come after it.
        this.failure = asDbError(error);
        this.isLost = taken.writes.size > 0;
        throw error;
      } finally {
        for (const promise of taken.promises) promise.end();
      }
    });
    this.last = done.catch(() => undefined);
    return done;
  }

  private schedule(waitMs: number): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.flush().catch((error: unknown) => {
        if (this.failure !== undefined || !(error instanceof DbError) || error.code !== 'read_only') return this.onFailure(error);
        process.emitWarning(`the last commits are not on disk yet: ${error.message}`);
        this.schedule(RETRY_MS);
      });
    }, waitMs);
  }
}

function nothing(): Waiting {
  return { writes: new Map(), sizeBytes: 0, promises: [] };
}

const keyText = (store: StoreName, key: CatalogKey): string => `${store} ${JSON.stringify(key)}`;

/** What waits and is not written over or removed by the transaction that takes it along. */
function stillWanted({ writes }: Waiting, own: readonly CatalogWrite[]): CatalogWrite[] {
  const replaced = new Set(own.flatMap((write) => ('key' in write ? [keyText(write.store, write.key)] : [])));
  const ranges = own.flatMap((write) => ('removeAllOf' in write ? [write] : []));
  const isRemoved = (write: CatalogWrite): boolean =>
    ranges.some(({ store, removeAllOf: [table, segment] }) => {
      if (!('key' in write) || write.store !== store) return false;
      return write.key[0] === table && (segment === undefined || write.key[1] === segment);
    });
  return [...writes].flatMap(([text, { write }]) => (replaced.has(text) || isRemoved(write) ? [] : [write]));
}
