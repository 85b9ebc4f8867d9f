/**
 * TTL: segments whose rows are all too old go, each as a whole. Too old is before the table's newest row, or before now where that is earlier, by
 * the span of the TTL: neither a clock that jumps ahead nor a row from the future alone makes anything go. Of a partitioned table a segment goes
 * when its partition has passed, so that partitions go as a whole too.
 */
import { partitionOf } from '../../core/partitions.js';
import { beforeTicks, parseTimeToLive } from '../../core/time-to-live.js';
import { UNITS_PER_SECOND } from '../../core/types.js';
import type { CatalogWrite } from '../catalog/catalog.js';
import type { StorageContext } from '../storage-context.js';
import { tryLoadForReaders } from '../tables/load-for-readers.js';
import type { Segment } from '../tables/segment.js';
import { markChanged, type Table, type Undo, undoAll } from '../tables/table.js';
import { truncateApplied } from '../writes/append-session.js';

/** How often a table that changes is looked at. */
const PAUSE_MS = 1000;
/** How often all tables are, as time passes. */
const TICK_MS = 60_000;

export class Retention {
  private readonly context: StorageContext;
  private readonly tables: () => Iterable<Table>;
  private soon: NodeJS.Timeout | undefined;
  private tick: NodeJS.Timeout | undefined;
  private last: Promise<void> = Promise.resolve();
  private isStopped = false;

  constructor(context: StorageContext, tables: () => Iterable<Table>) {
    this.context = context;
    this.tables = tables;
  }

  start(): void {
    this.notice();
    this.tick = setInterval(() => this.notice(), TICK_MS);
    this.tick.unref();
  }

  /** Something has changed. */
  notice(): void {
    if (this.soon !== undefined || this.isStopped || ![...this.tables()].some(hasTimeToLive)) return;
    this.soon = setTimeout(() => {
      this.soon = undefined;
      this.expire().catch((error: unknown) => {
        // It is tried again; what keeps it from being written keeps appends from it too.
        if (!this.isStopped) process.emitWarning(`rows that are past their TTL could not be dropped: ${String(error)}`);
      });
    }, PAUSE_MS);
    this.soon.unref();
  }

  /** Resolves when what is due now is gone. */
  expire(): Promise<void> {
    const work = async () => {
      for (const table of this.tables()) {
        if (!this.isStopped && hasTimeToLive(table) && dueSegments(this.context, table).length > 0) await this.drop(table);
      }
    };
    this.last = this.last.then(work, work);
    return this.last;
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.soon);
    clearInterval(this.tick);
    await this.last.catch(() => undefined);
  }

  private async drop(table: Table): Promise<void> {
    const { context } = this;
    const doomed: Segment[] = [];
    await context.queue.submit({
      plan: (sequence, writes) => {
        context.assertWritable();
        const undo: Undo = [];
        try {
          doomed.push(...dueSegments(context, table));
          if (doomed.length > 0) markChanged(table, sequence, undo);
          for (const segment of doomed) discard(context, table, segment, undo, writes);
        } catch (error) {
          undoAll(undo);
          throw error;
        }
      },
      apply: () => truncateApplied(context, table, doomed),
    });
  }
}

function hasTimeToLive(table: Table): boolean {
  return table.info.definition.ttl !== null && !table.dropped && table.refusal === null;
}

function discard(context: StorageContext, table: Table, segment: Segment, undo: Undo, writes: CatalogWrite[]): void {
  const { active } = table;
  tryLoadForReaders(context, table, segment);
  segment.discarded = true;
  if (active === segment) table.active = null;
  undo.push(() => {
    segment.discarded = false;
    table.active = active;
  });
  if (!context.catalog.persistent) return;
  const key = [table.id, segment.id];
  // What the group being planned may write of it comes before, and is not seen by a look at the catalog.
  for (const store of ['segment', 'deletion', 'cluster'] as const) writes.push({ store, key, remove: true });
  for (const tailKey of segment.tailKeys) writes.push({ store: 'tail', key: tailKey, remove: true });
}

/** Segments all of whose rows are too old; none of them has rows of a commit under way. */
export function dueSegments({ environment }: StorageContext, table: Table): Segment[] {
  const { definition } = table.info;
  const span = definition.ttl === null ? undefined : parseTimeToLive(definition.ttl);
  const column = definition.columns[definition.timestampColumn ?? -1];
  if (span === undefined || column?.type.kind !== 'timestamp') return [];
  const { type } = column;
  const mostOf = (segment: Segment): bigint | undefined => {
    const most = segment.zoneMaps[segment.layout.timestampColumn]?.max;
    return typeof most === 'bigint' ? most : undefined;
  };
  const visible = table.segments.filter((segment) => !segment.discarded && segment.visibleRows > segment.alive.deleted);
  let newest: bigint | undefined;
  for (const most of visible.map(mostOf)) if (most !== undefined && (newest === undefined || most > newest)) newest = most;
  if (newest === undefined) return [];
  const now = (environment.nowNanoseconds() * UNITS_PER_SECOND[type.unit]) / 1_000_000_000n;
  const limit = beforeTicks(newest < now ? newest : now, type, span);
  return table.segments.filter((segment) => {
    const most = mostOf(segment);
    if (most === undefined || segment.discarded || segment.rows === 0 || segment.became !== null || segment.visibleRows !== segment.rows)
      return false;
    const partition = partitionOf(definition.partitionBy, type, most);
    return partition === null ? most < limit : partition.end <= limit;
  });
}
