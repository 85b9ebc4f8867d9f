/**
 * Sealing, in the background and one segment at a time: sort by the designated timestamp, zone maps, file, one catalog transaction that puts the
 * segment's record in place of its tail records. Between columns others get their turn. A crash in between leaves the tail and a file that the
 * catalog does not know, which the next opening removes.
 */
import { DbError } from '../core/errors.js';
import { sealedAlive, writeAlive } from './alive-rows.js';
import type { CatalogWrite, SegmentRecord } from './catalog.js';
import { becomeSealed, discardPrepared, type PreparedSegment, prepareSegment } from './seal-segment.js';
import type { AliveRows, Segment } from './segment.js';
import type { StorageContext } from './storage-context.js';
import type { Table } from './table.js';

/** Closed segments that may wait before appends do. */
const BACKLOG = 4;

const yieldToOthers = () => new Promise<void>((resolve) => setImmediate(resolve));

interface Waiting {
  readonly table: Table;
  readonly segment: Segment;
}

class Discarded extends Error {}

export class Sealer {
  sealed = 0;
  private readonly context: () => StorageContext;
  private readonly waiting: Waiting[] = [];
  /** Segments that could not be sealed for want of memory or disk; they are tried again with the next one. */
  private readonly postponed: Waiting[] = [];
  private postponedBy: DbError | undefined;
  private running: Promise<void> | undefined;
  private wakeAppends: (() => void)[] = [];
  private stopped = false;

  constructor(context: () => StorageContext) {
    this.context = context;
  }

  enqueue(table: Table, segment: Segment): void {
    this.retry();
    this.waiting.push({ table, segment });
    if (!this.stopped) this.running ??= this.run();
  }

  /** Tries postponed segments again. */
  retry(): void {
    this.waiting.push(...this.postponed.splice(0));
    this.postponedBy = undefined;
    if (this.waiting.length > 0 && !this.stopped) this.running ??= this.run();
  }

  /** Resolves when appends may go on. */
  async ready(): Promise<void> {
    while (this.waiting.length > BACKLOG && !this.stopped) await new Promise<void>((resolve) => this.wakeAppends.push(resolve));
  }

  /** Resolves when no segment waits. Fails with what kept a segment from being sealed. */
  async drain(): Promise<void> {
    while (this.running !== undefined) await this.running;
    if (this.postponedBy !== undefined && !this.stopped) throw this.postponedBy;
  }

  /** Finishes the segment that is being sealed; the others stay in the tail. */
  async stop(): Promise<void> {
    this.stopped = true;
    await this.drain();
    this.wake();
  }

  private wake(): void {
    const wake = this.wakeAppends;
    this.wakeAppends = [];
    for (const resolve of wake) resolve();
  }

  private async run(): Promise<void> {
    for (let next = this.waiting[0]; next !== undefined && !this.stopped; next = this.waiting[0]) {
      await yieldToOthers();
      try {
        await this.seal(next.table, next.segment);
      } catch (error) {
        // Its rows stay in the tail and in memory.
        const isWant = error instanceof DbError && (error.code === 'query_memory_exceeded' || error.code === 'read_only');
        if (isWant) {
          this.postponed.push(next);
          this.postponedBy = error;
        } else this.context().refuseWrites(error);
      }
      this.waiting.shift();
      this.wake();
    }
    this.running = undefined;
  }

  private async seal(table: Table, segment: Segment): Promise<void> {
    if (segment.discarded) return;
    const context = this.context();
    const holder = context.memory.epochs.enter();
    let prepared: PreparedSegment | undefined;
    try {
      prepared = await prepareSegment(context, table, segment, segment.id);
      await this.commit(context, table, segment, prepared);
      this.sealed += 1;
      context.cache.trim();
    } catch (error) {
      if (!(error instanceof Discarded)) throw error;
    } finally {
      // Once planned, the catalog may know the file, even when the commit seems to have failed.
      if (prepared !== undefined && segment.plannedRecord === null) await discardPrepared(context, prepared);
      context.memory.epochs.leave(holder);
    }
  }

  private async commit(context: StorageContext, table: Table, segment: Segment, prepared: PreparedSegment): Promise<void> {
    const { memory, catalog, queue } = context;
    let alive: AliveRows;
    let record: SegmentRecord;
    await queue.submit({
      plan: (_sequence, writes) => {
        if (segment.discarded) throw new Discarded();
        alive = sealedAlive(memory, segment.plannedAlive, prepared.order, segment.rows);
        record = { ...prepared.record, deleted: alive.deleted };
        segment.plannedAlive = alive;
        segment.plannedRecord = record;
        segment.order = prepared.order;
        segment.reordered = prepared.order !== 0;
        if (catalog.persistent) this.write(table, segment, record, alive, writes);
      },
      apply: () => {
        memory.retire(segment.alive.address);
        segment.alive = alive;
        becomeSealed(context, segment, prepared, record);
        table.touch(segment);
        context.tableChanged();
      },
    });
  }

  private write(table: Table, segment: Segment, record: SegmentRecord, alive: AliveRows, writes: CatalogWrite[]): void {
    const key = [table.info.id, segment.id];
    writes.push({ store: 'segment', key, value: record });
    for (const tailKey of segment.tailKeys) writes.push({ store: 'tail', key: tailKey, remove: true });
    if (alive.deleted > 0) writes.push({ store: 'deletion', key, value: writeAlive(this.context().memory, alive, segment.rows) });
  }
}
