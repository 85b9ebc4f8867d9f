/**
 * Read-only openings of a folder that another process writes to. Every snapshot is of the last commit of any process: when there is a newer one
 * than was seen, tables take over what has changed in the catalog, as they do with commits of their own. While a snapshot is open, so is a read
 * transaction of LMDB as of its commit: it keeps the catalog's records, and the writer keeps the files that they name (removed-files.ts).
 */
import { assert } from '../core/assert.js';
import { DbError } from '../core/errors.js';
import type { HeldCatalog, SharedCatalog, TableRecord } from './catalog/catalog.js';
import { FORMAT_KEY, FORMAT_VERSION } from './catalog/lmdb-reader.js';
import { knownLayout, recoverRows } from './recovery.js';
import type { StorageContext } from './storage-context.js';
import { deletedOf, readAlive } from './tables/alive-rows.js';
import { type Names, namesIn } from './tables/names.js';
import { comparePlaces, Segment } from './tables/segment.js';
import { Table, type TableLimits } from './tables/table.js';

/** What was read as of one commit. */
interface Seen {
  readonly sequence: number;
  /** Its catalog reads by what is held. */
  readonly context: StorageContext;
  readonly catalog: HeldCatalog;
  /** While a snapshot is open. */
  held: HeldCatalog | null;
  /** Somebody waits for the last snapshot to end. */
  isWatched: boolean;
}

interface FollowedTable {
  readonly table: Table;
  /** Goes on to newer commits as long as the table is there. */
  readonly catalog: HeldCatalog;
  readonly record: Buffer;
  /** Of sealed segments. */
  readonly segments: Map<number, Buffer>;
  /** Of unsealed ones: which rows are deleted. */
  readonly deletions: Map<number, Buffer>;
}

export class Follower {
  private readonly catalog: SharedCatalog;
  private readonly context: StorageContext;
  private readonly limits: TableLimits;
  private readonly tables = new Map<number, FollowedTable>();
  private seen: Seen | null = null;

  /** context: of the opening; what it shares with others goes by the last commit. */
  constructor(catalog: SharedCatalog, context: StorageContext, limits: TableLimits) {
    this.catalog = catalog;
    this.context = context;
    this.limits = limits;
  }

  /**
   * Brings everything up to the last commit. `show` hears of the names when there is a newer one. The context is for reading as of that commit;
   * it serves what is opened before releaseWhenIdle() is called, and as long as that is open.
   */
  latest(show: (names: Names) => void): StorageContext {
    const held = this.catalog.hold();
    try {
      const sequence = held.meta('sequence') ?? 0;
      const { seen } = this;
      if (seen?.sequence === sequence) {
        if (seen.held) held.release();
        else this.resume(seen, held);
        return seen.context;
      }
      this.assertReadable(held);
      const names = this.namesOf(held);
      this.releaseLater(seen);
      this.context.queue.sequence = sequence;
      const catalog = held.copy();
      this.seen = { sequence, catalog, context: { ...this.context, catalog }, held, isWatched: false };
      show(names);
      return this.seen.context;
    } catch (error) {
      // What was taken over in part is read anew by the next snapshot.
      this.forget();
      this.context.memory.epochs.retire(() => held.release());
      throw error;
    }
  }

  /** Lets the commit go when no snapshot is open any more: LMDB cannot use space again that an open transaction may read. */
  releaseWhenIdle(): void {
    const { seen } = this;
    if (!seen || seen.isWatched) return;
    const { epochs } = this.context.memory;
    const look = (): void => {
      if (this.seen !== seen || !seen.held) return;
      if (!epochs.isIdle) {
        epochs.retire(look);
        return;
      }
      seen.held.release();
      seen.held = null;
      seen.isWatched = false;
    };
    seen.isWatched = true;
    epochs.retire(look);
  }

  private resume(seen: Seen, held: HeldCatalog): void {
    seen.catalog.moveTo(held);
    for (const { catalog } of this.tables.values()) catalog.moveTo(held);
    seen.held = held;
  }

  private assertReadable(held: HeldCatalog): void {
    const format = held.meta(FORMAT_KEY) ?? FORMAT_VERSION;
    if (format <= FORMAT_VERSION) return;
    throw new DbError(
      'unsupported',
      `the database is written in format ${format} by now; this version reads formats up to ${FORMAT_VERSION}`,
      {
        hint: 'use a newer version of FletchDB',
      },
    );
  }

  private forget(): void {
    for (const followed of this.tables.values()) this.retire(followed);
    this.releaseLater(this.seen);
    this.seen = null;
  }

  /** When the snapshots that are open now are not any more. */
  private releaseLater(seen: Seen | null): void {
    const held = seen?.held;
    if (held) this.context.memory.epochs.retire(() => held.release());
  }

  private namesOf(held: HeldCatalog): Names {
    const records = held.tables();
    const ids = new Set(records.map((record) => record.id));
    for (const [id, followed] of this.tables) if (!ids.has(id)) this.retire(followed);
    for (const record of records) this.takeOver(this.followed(record, held));
    const tables = [...this.tables.values()].map(({ table }) => table);
    return namesIn(held, tables);
  }

  /** The table as it was followed so far; one that was altered is read anew. */
  private followed(record: TableRecord, held: HeldCatalog): FollowedTable {
    const stored = held.storedTable(record.id);
    assert(stored !== undefined, 'all reads of a held catalog are of one commit');
    const known = this.tables.get(record.id);
    if (known?.record.equals(stored)) {
      known.catalog.moveTo(held);
      return known;
    }
    if (known) this.retire(known);
    const catalog = held.copy();
    const table = new Table(this.context.memory, catalog, record, this.limits);
    const followed: FollowedTable = { table, catalog, record: Buffer.from(stored), segments: new Map(), deletions: new Map() };
    this.tables.set(record.id, followed);
    return followed;
  }

  private takeOver(followed: FollowedTable): void {
    const { table, catalog } = followed;
    for (const { dictionary, id } of table.allColumns) dictionary?.extend((code) => catalog.dictionary(table.id, id, code));
    const before = new Map(table.segments.map((segment) => [segment.id, segment]));
    const after = new Map<number, Segment>();
    for (const stored of catalog.storedSegments(table.id)) {
      const known = before.get(stored.id);
      if (known && followed.segments.get(stored.id)?.equals(stored.bytes)) {
        after.set(known.id, known);
        continue;
      }
      const record = catalog.segmentOf(table.id, stored);
      const ids = record.columns.map((column) => column.id);
      after.set(record.id, Segment.fromRecord(record, knownLayout(table, ids, `segment ${table.id}-${record.id}`)));
      followed.segments.set(stored.id, Buffer.from(stored.bytes));
    }
    for (const id of catalog.tailSegments(table.id)) {
      const known = before.get(id);
      if (known?.state === 'active') after.set(id, known);
      this.addRows(followed, after, id);
    }
    for (const [id, segment] of before) {
      if (after.get(id) === segment) continue;
      if (after.get(id)?.state !== 'sealed') followed.segments.delete(id);
      followed.deletions.delete(id);
      this.context.retireSegment(segment);
    }
    table.segments = [...after.values()].sort(comparePlaces);
    table.touchAll();
  }

  /** Rows of an unsealed segment that came, and rows of it that went. */
  private addRows({ table, catalog, deletions }: FollowedTable, segments: Map<number, Segment>, id: number): void {
    const { memory } = this.context;
    const rows = segments.get(id)?.rows ?? 0;
    for (const entry of catalog.tailOf(table.id, id, segments.get(id)?.tailKeys.at(-1))) recoverRows(memory, table, segments, entry);
    const segment = segments.get(id) as Segment;
    const deletion = catalog.deletion(table.id, id) as Buffer | undefined;
    const isSame = deletion === undefined || deletions.get(id)?.equals(deletion) === true;
    if (isSame && segment.rows === rows) return;
    if (deletion) {
      const address = readAlive(memory, deletion, Math.max(this.limits.segmentRows, segment.rows));
      if (segment.alive.address !== 0) memory.retire(segment.alive.address);
      segment.alive = segment.plannedAlive = { deleted: deletedOf(deletion), address };
      deletions.set(id, Buffer.from(deletion));
    }
    table.touch(segment);
  }

  private retire({ table }: FollowedTable): void {
    this.tables.delete(table.id);
    for (const segment of table.segments) this.context.retireSegment(segment);
    for (const { dictionary } of table.allColumns) dictionary?.retire();
  }
}
