/**
 * Sealing, in the background and one segment at a time: sort by the designated timestamp, zone maps, file, one catalog transaction that puts the
 * segment's record in place of its tail records. Between columns others get their turn. A crash in between leaves the tail and a file that the
 * catalog does not know, which the next opening removes.
 */
import { DbError } from '../../core/errors.js';
import { yieldToOthers } from '../../core/yield-to-others.js';
import type { CatalogWrite, SegmentRecord } from '../catalog/catalog.js';
import { writeCluster } from '../catalog/cluster-record.js';
import type { StorageMemory } from '../memory.js';
import type { StorageContext } from '../storage-context.js';
import { sealedAlive, writeAlive } from '../tables/alive-rows.js';
import { ALL_ALIVE, type AliveRows, type Segment } from '../tables/segment.js';
import type { Table } from '../tables/table.js';
import { becomeParts, becomeSealed, discardPrepared, type PreparedSegment, prepareSegments } from './seal-segment.js';

/** Closed segments that may wait before appends do. */
const BACKLOG = 4;

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
        } else if (error instanceof DbError) next.table.refuseWrites(error);
        else this.context().refuseWrites(error);
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
    let prepared: PreparedSegment[] = [];
    const state = { isPlanned: false };
    try {
      prepared = await prepareSegments(context, table, segment);
      if (prepared.length === 1) await this.commit(context, table, segment, prepared[0] as PreparedSegment, state);
      else await this.commitParts(context, table, segment, prepared, state);
      this.sealed += 1;
      context.cache.trim();
    } catch (error) {
      if (!(error instanceof Discarded)) throw error;
    } finally {
      // Once planned, the catalog may know the files, even when the commit seems to have failed.
      if (!state.isPlanned) for (const part of prepared) await discardPrepared(context, part);
      context.memory.epochs.leave(holder);
    }
  }

  private async commit(
    context: StorageContext,
    table: Table,
    segment: Segment,
    prepared: PreparedSegment,
    state: { isPlanned: boolean },
  ): Promise<void> {
    const { memory, catalog, queue } = context;
    let alive: AliveRows;
    let record: SegmentRecord;
    await queue.submit({
      plan: (_sequence, writes) => {
        if (segment.discarded) throw new Discarded();
        alive = sealedAlive(memory, segment.plannedAlive, prepared.order, segment.rows);
        record = { ...prepared.record, deleted: alive.deleted };
        state.isPlanned = true;
        segment.plannedAlive = alive;
        segment.plannedRecord = record;
        segment.order = prepared.order;
        segment.reordered = prepared.order !== 0;
        if (!catalog.persistent) return;
        writeSealed(context, table, prepared, record, alive, writes);
        for (const tailKey of segment.tailKeys) writes.push({ store: 'tail', key: tailKey, remove: true });
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

  /** As commit(), for a segment that becomes several. */
  private async commitParts(
    context: StorageContext,
    table: Table,
    segment: Segment,
    prepared: readonly PreparedSegment[],
    state: { isPlanned: boolean },
  ): Promise<void> {
    const { memory, catalog, queue } = context;
    await queue.submit({
      plan: (_sequence, writes) => {
        if (segment.discarded) throw new Discarded();
        state.isPlanned = true;
        prepared.forEach((part, i) => {
          const { target } = part;
          const alive = partAlive(memory, segment, part);
          const record = { ...part.record, deleted: alive.deleted, place: [segment.id, i] as const };
          target.rows = record.rows;
          target.alive = target.plannedAlive = alive;
          target.plannedRecord = record;
          if (catalog.persistent) writeSealed(context, table, part, record, alive, writes);
        });
        segment.became = { base: 0, total: segment.rows, parts: prepared.map(({ target, order }) => ({ segment: target, order })) };
        if (!catalog.persistent) return;
        for (const tailKey of segment.tailKeys) writes.push({ store: 'tail', key: tailKey, remove: true });
        writes.push({ store: 'deletion', key: [table.id, segment.id], remove: true });
      },
      apply: () => {
        memory.retire(segment.alive.address);
        becomeParts(context, table, segment, prepared);
        table.touch(segment);
        context.tableChanged();
      },
    });
  }
}

/** The rows of a part that are alive. */
function partAlive(memory: StorageMemory, { plannedAlive }: Segment, { order, record }: PreparedSegment): AliveRows {
  const moved = sealedAlive(memory, plannedAlive, order, record.rows);
  const deleted = moved.deleted === 0 ? 0 : record.rows - memory.kernels.tally_bits(moved.address, 0, record.rows);
  if (deleted > 0) return { deleted, address: moved.address };
  memory.free(moved.address);
  return ALL_ALIVE;
}

function writeSealed(
  { memory }: StorageContext,
  table: Table,
  { cluster }: PreparedSegment,
  record: SegmentRecord,
  alive: AliveRows,
  writes: CatalogWrite[],
): void {
  const key = [table.info.id, record.id];
  writes.push({ store: 'segment', key, value: record });
  if (cluster !== null) writes.push({ store: 'cluster', key, value: writeCluster(cluster) });
  if (alive.deleted > 0) writes.push({ store: 'deletion', key, value: writeAlive(memory, alive, record.rows) });
}
