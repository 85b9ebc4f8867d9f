/**
 * Sealing, in the background and one segment at a time: sort by the designated timestamp, zone maps, file, one catalog transaction that puts the
 * segment's record in place of its tail records. Between columns others get their turn. A crash in between leaves the tail and a file that the
 * catalog does not know, which the next opening removes.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ZoneMap } from '../core/contracts.js';
import { DbError } from '../core/errors.js';
import { sealedAlive, writeAlive } from './alive-rows.js';
import type { CatalogWrite, SegmentRecord } from './catalog.js';
import { addressesOf, type ColumnBuffers, columnBytes, freeze, nodesOf } from './column-buffers.js';
import { permuteColumn } from './column-permute.js';
import { type AliveRows, columnAt, type Segment } from './segment.js';
import { type WrittenFile, writeSegmentFile } from './segment-file.js';
import type { StorageContext } from './storage-context.js';
import type { Table } from './table.js';
import { storeBound, zoneMapOf } from './zone-map.js';

/** Closed segments that may wait before appends do. */
const BACKLOG = 4;
const SORT_SCRATCH_BYTES = 8192;

const yieldToOthers = () => new Promise<void>((resolve) => setImmediate(resolve));

interface SortedColumns {
  readonly columns: readonly ColumnBuffers[];
  /** 0 = the order has not changed, and the columns are the segment's own. */
  readonly order: number;
}

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
    const { memory, segmentsFolder, cache, catalog } = this.context();
    const holder = memory.epochs.enter();
    let sorted: SortedColumns | undefined;
    let file: string | null = null;
    try {
      sorted = await this.sort(table, segment);
      const { columns } = sorted;
      const zones: ZoneMap[] = [];
      for (const [i, column] of columns.entries()) {
        for (const node of nodesOf(column)) {
          if (node.validity !== 0) memory.kernels.trim_bits(node.validity, node.length);
          if (node.type.kind === 'bool' && node.length > 0) memory.kernels.trim_bits(node.values, node.length);
        }
        zones.push(zoneMapOf(memory, column, table.columns[i]?.dictionary ?? null));
        await yieldToOthers();
      }
      let written: WrittenFile | null = null;
      if (segmentsFolder !== null) {
        file = `${table.info.id}-${segment.id}.arrow`;
        const dictionaries = table.columns.map((column) => column.dictionary);
        catalog.assertRoom(columns.reduce((sum, column) => sum + columnBytes(memory.arena, column), 0));
        const content = { definition: table.info.definition, rows: segment.rows, columns, dictionaries };
        written = await writeSegmentFile(memory, segmentsFolder, file, content);
      }
      await this.commit(table, segment, sorted, zones, file, written);
      sorted = undefined;
      file = null;
      this.sealed += 1;
      cache.trim();
    } catch (error) {
      if (!(error instanceof Discarded)) throw error;
    } finally {
      if (sorted !== undefined && sorted.order !== 0) {
        for (const column of sorted.columns) for (const address of addressesOf(column)) memory.free(address);
        memory.free(sorted.order);
      }
      if (file !== null && segmentsFolder !== null) await rm(join(segmentsFolder, file), { force: true });
      memory.epochs.leave(holder);
    }
  }

  /** Columns in time order. When memory does not suffice for a second copy, they stay as they are. */
  private async sort(table: Table, segment: Segment): Promise<SortedColumns> {
    const { memory } = this.context();
    const asTheyAre = { columns: segment.columns.map(freeze), order: 0 };
    if (table.timestampColumn < 0 || segment.sorted) return asTheyAre;
    const held: number[] = [];
    const allocate = (sizeBytes: number) => {
      const address = memory.allocate(sizeBytes);
      held.push(address);
      return address;
    };
    try {
      const times = columnAt(segment.columns, table.timestampColumn);
      const order = allocate(segment.rows * 4);
      memory.scratch((scratch) => {
        memory.kernels.sort_rows_i64(order, times.values, segment.rows, scratch(segment.rows * 20 + SORT_SCRATCH_BYTES));
      });
      const columns: ColumnBuffers[] = [];
      for (const column of segment.columns) {
        await yieldToOthers();
        columns.push(permuteColumn(memory, column, order, segment.rows, allocate));
      }
      return { columns, order };
    } catch (error) {
      for (const address of held) memory.free(address);
      if (error instanceof DbError && error.code === 'query_memory_exceeded') return asTheyAre;
      throw error;
    }
  }

  private async commit(
    table: Table,
    segment: Segment,
    sorted: SortedColumns,
    zones: readonly ZoneMap[],
    file: string | null,
    written: WrittenFile | null,
  ): Promise<void> {
    const { memory, catalog, queue } = this.context();
    let alive: AliveRows;
    let record: SegmentRecord;
    await queue.submit({
      plan: (_sequence, writes) => {
        if (segment.discarded) throw new Discarded();
        alive = sealedAlive(memory, segment.plannedAlive, sorted.order, segment.rows);
        record = this.record(table, segment, sorted, zones, file, written, alive.deleted);
        segment.plannedAlive = alive;
        segment.plannedRecord = record;
        segment.order = sorted.order;
        segment.reordered = sorted.order !== 0;
        if (catalog.persistent) this.write(table, segment, record, alive, writes);
      },
      apply: () => this.apply(table, segment, sorted, zones, alive, record),
    });
  }

  private write(table: Table, segment: Segment, record: SegmentRecord, alive: AliveRows, writes: CatalogWrite[]): void {
    const key = [table.info.id, segment.id];
    writes.push({ store: 'segment', key, value: record });
    for (const tailKey of segment.tailKeys) writes.push({ store: 'tail', key: tailKey, remove: true });
    if (alive.deleted > 0) writes.push({ store: 'deletion', key, value: writeAlive(this.context().memory, alive, segment.rows) });
  }

  private apply(
    table: Table,
    segment: Segment,
    sorted: SortedColumns,
    zones: readonly ZoneMap[],
    alive: AliveRows,
    record: SegmentRecord,
  ): void {
    const { memory, cache, catalog, tableChanged } = this.context();
    const evictable = catalog.persistent;
    const replaced = segment.columns.flatMap(addressesOf);
    const entries = sorted.columns.map((column, i) => cache.adopt(segment, i, column, evictable && sorted.order !== 0));
    segment.state = 'sealed';
    segment.columns = [];
    segment.tailKeys.length = 0;
    segment.zoneMaps = zones;
    segment.record = record;
    memory.retire(segment.alive.address);
    segment.alive = alive;
    if (sorted.order !== 0) {
      segment.sorted = true;
      for (const address of replaced) memory.retire(address);
      memory.epochs.retire(() => {
        memory.free(segment.order);
        segment.order = 0;
      });
    } else if (evictable) {
      // Older snapshots read these very buffers without pinning them in the cache.
      memory.epochs.retire(() => {
        for (const entry of entries) entry.evictable = true;
      });
    }
    table.touch(segment);
    tableChanged();
  }

  private record(
    table: Table,
    segment: Segment,
    sorted: SortedColumns,
    zones: readonly ZoneMap[],
    file: string | null,
    written: WrittenFile | null,
    deleted: number,
  ): SegmentRecord {
    const { arena } = this.context().memory;
    const columns = table.columns.map(({ definition }, i) => {
      const zone = zones[i];
      return {
        id: definition.id,
        dictionary: sorted.columns[i]?.dictionary === true,
        node: written?.nodes[i] ?? { rows: segment.rows, buffers: [], children: [] },
        zone: [zone?.nullCount ?? 0, storeBound(zone?.min), storeBound(zone?.max)] as const,
      };
    });
    const sizeBytes = written?.sizeBytes ?? sorted.columns.reduce((sum, column) => sum + columnBytes(arena, column), 0);
    return {
      id: segment.id,
      rows: segment.rows,
      deleted,
      sorted: segment.sorted || sorted.order !== 0,
      file: file ?? '',
      sizeBytes,
      columns,
    };
  }
}
