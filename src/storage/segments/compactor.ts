/**
 * Compaction, in the background and one merge at a time: segments that are small, overlap, or have many deleted rows become fewer and better ones
 * (compaction-choice.ts says which). Queries, appends and deletions go on; a merge takes at most half of the thread's time.
 */

import { asDbError, DbError } from '../../core/errors.js';
import { partitionOf } from '../../core/partitions.js';
import { plainBytesOf } from '../catalog/catalog.js';
import type { StorageContext } from '../storage-context.js';
import { loadForReaders } from '../tables/load-for-readers.js';
import type { Segment } from '../tables/segment.js';
import type { Table, TableLimits } from '../tables/table.js';
import { type Candidate, type CompactionLimits, chooseMerge, type Merge } from './compaction-choice.js';
import { compactionOf } from './compaction-options.js';
import { discardMerged, type MergedSegment, mergeSegments } from './merge-segments.js';
import { isUnpacked, LEAST_PACKED_BYTES, packSegment } from './pack-segment.js';
import { GivenUp, replaceSegments } from './replace-segments.js';
import { dueSegments } from './retention.js';

/** How long after a change its table is looked at. */
const PAUSE_MS = 1000;
/** How long after a failure, for want of memory or disk, it is tried again. */
const RETRY_MS = 60_000;
/** Everything that is merged at once takes at most this share of the memory limit, and so do the numbers and times of its rows. */
const SHARE_OF_MEMORY = 1 / 8;
const BYTES_PER_ROW = 32;
const SEGMENTS_AT_ONCE = 8;
/** Longest stretch of work that is paid back with a pause. */
const LONGEST_PAUSE_MS = 50;

/** Rows that come in keep segments from being compressed for so long at most. */
const LONGEST_WAIT_MS = 60_000;

const MERGES_PER_SEGMENT = 8;

/** What is merged when somebody asks for it: all that may be. */
const ALL = { fanIn: 1, lateShare: 0, deletedShare: 0 } as const;

export class Compactor {
  private readonly context: StorageContext;
  private readonly limits: TableLimits;
  private readonly tables: () => Iterable<Table>;
  /** Segments that cannot be read, or not in so little memory. They are left alone until the next opening. */
  private readonly unfit = new WeakSet<Segment>();
  /** What was so when a table was looked at last. */
  private readonly seen = new WeakMap<Table, string>();
  private soon: NodeJS.Timeout | undefined;
  private last: Promise<void> = Promise.resolve();
  private isStopped = false;
  private notBefore = 0;
  /** When a look for segments to compress was followed by a commit, and by no quiet look since. */
  private busySince: number | undefined;
  /** As of the last look, with those that compressing has made itself. */
  private commitsBefore = 0;

  constructor(context: StorageContext, limits: TableLimits, tables: () => Iterable<Table>) {
    this.context = context;
    this.limits = limits;
    this.tables = tables;
  }

  /** Something has changed. */
  notice(): void {
    if (this.soon !== undefined || this.isStopped || !this.isWanted()) return;
    const wait = Math.max(PAUSE_MS, this.notBefore - this.now());
    this.soon = setTimeout(() => {
      this.soon = undefined;
      this.run(this.tables, false).catch((error: unknown) => {
        this.notBefore = this.now() + RETRY_MS;
        if (!this.isStopped) process.emitWarning(`segments could not be merged: ${asDbError(error).message}`);
        this.notice();
      });
    }, wait);
    this.soon.unref();
  }

  /** Merges whatever can be, also where it costs more than it is worth. Resolves when nothing is left. */
  compact(tables: readonly Table[]): Promise<void> {
    return this.run(() => tables, true);
  }

  /** Gives up the merge that is going on. */
  async stop(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.soon);
    await this.last.catch(() => undefined);
  }

  private isWanted(): boolean {
    if (this.context.settings.compaction) return true;
    for (const { info } of this.tables()) if (info.definition.options.compaction !== undefined) return true;
    return false;
  }

  private now(): number {
    return this.context.environment.monotonicMicroseconds() / 1000;
  }

  private run(tables: () => Iterable<Table>, isAsked: boolean): Promise<void> {
    const work = async () => {
      for (const table of [...tables()]) await this.compactTable(table, isAsked);
    };
    const done = this.last.then(work, work);
    this.last = done.catch(() => undefined);
    return done;
  }

  private async compactTable(table: Table, isAsked: boolean): Promise<void> {
    let failure: unknown;
    // Merges make segments fewer or part what overlaps, so they come to an end; should they not, this ends them.
    const most = MERGES_PER_SEGMENT * (table.segments.length + 1);
    for (let merges = 0; merges < most; merges++) {
      if (!isAsked && !this.hasChanged(table)) break;
      const merge = this.isStopped || table.dropped || table.refusal !== null ? undefined : this.choose(table, isAsked);
      if (merge === undefined) break;
      try {
        await this.merge(table, merge.sources, isAsked);
      } catch (error) {
        this.seen.delete(table);
        if (error instanceof GivenUp) continue;
        if (!this.takesOut(error, merge.sources)) throw error;
        failure ??= error;
      }
    }
    failure ??= await this.pack(table, isAsked);
    if (failure !== undefined) throw failure;
  }

  /** Compresses what was sealed as it is. Returns what was in the way. */
  private async pack(table: Table, isAsked: boolean): Promise<unknown> {
    const { context } = this;
    const { settings, memory } = context;
    if (settings.segment_compression === 'none' || !(isAsked || compactionOf(table.info.definition, settings).isOn)) return undefined;
    const due = new Set(dueSegments(context, table));
    let failure: unknown;
    for (const segment of table.segments.filter((each) => isUnpacked(each, isAsked ? 0 : LEAST_PACKED_BYTES))) {
      if (this.isStopped || table.dropped || table.refusal !== null) break;
      if (this.unfit.has(segment) || due.has(segment)) continue;
      if (!isAsked && this.isBusy()) {
        this.notice();
        break;
      }
      const holder = memory.epochs.enter();
      try {
        await packSegment(context, table, segment, this.turns(table, [segment], isAsked));
        this.commitsBefore += 1;
      } catch (error) {
        if (error instanceof GivenUp) continue;
        if (!(error instanceof DbError) || !['corrupt', 'query_memory_exceeded'].includes(error.code)) throw error;
        this.unfit.add(segment);
        failure ??= error;
      } finally {
        memory.epochs.leave(holder);
      }
    }
    return failure;
  }

  /** Whether rows come in: what can wait does then, but not for ever. */
  private isBusy(): boolean {
    const { queue, loads } = this.context;
    const isQuiet = loads.size === 0 && queue.commits === this.commitsBefore;
    this.commitsBefore = queue.commits;
    if (isQuiet) this.busySince = undefined;
    else this.busySince ??= this.now();
    return this.busySince !== undefined && this.now() - this.busySince < LONGEST_WAIT_MS;
  }

  /** Whether what a choice goes by has changed since this was asked before. */
  private hasChanged(table: Table): boolean {
    let [sealed, deleted, last] = [0, 0, 0];
    for (const { state: is, alive, id } of table.segments) {
      if (is !== 'sealed') break;
      sealed += 1;
      deleted += alive.deleted;
      last = Math.max(last, id);
    }
    const state = `${sealed} ${deleted} ${last} ${table.alteredAt}`;
    if (this.seen.get(table) === state) return false;
    this.seen.set(table, state);
    return true;
  }

  /** Whether the failure has taken segments out, so that others can be merged. */
  private takesOut(error: unknown, sources: readonly Segment[]): boolean {
    if (sources.some((source) => this.unfit.has(source))) return true;
    if (!(error instanceof DbError) || error.code !== 'query_memory_exceeded') return false;
    for (const source of sources) this.unfit.add(source);
    return true;
  }

  private choose(table: Table, isAsked: boolean): Merge<Segment> | undefined {
    const { settings, memory } = this.context;
    const options = compactionOf(table.info.definition, settings);
    if (!(options.isOn || isAsked)) return undefined;
    const { segmentRows, segmentBytes } = this.limits;
    const most = memory.arena.limitBytes * SHARE_OF_MEMORY;
    const limits: CompactionLimits = {
      segmentRows,
      segmentBytes,
      mergeRows: Math.min(SEGMENTS_AT_ONCE * segmentRows, Math.floor(most / BYTES_PER_ROW)),
      mergeBytes: most,
      ...(isAsked ? ALL : options),
    };
    return chooseMerge(this.candidates(table), limits);
  }

  /** Segments up to the first that is not sealed: what comes after it may have to stay after it. */
  private candidates(table: Table): Candidate<Segment>[] {
    const due = new Set(dueSegments(this.context, table));
    const found: Candidate<Segment>[] = [];
    for (const [index, segment] of table.segments.entries()) {
      if (segment.discarded || segment.rows === 0) continue;
      if (segment.state !== 'sealed' || segment.became !== null || segment.visibleRows !== segment.rows) break;
      found.push(candidateOf(table, segment, index, due.has(segment) || this.unfit.has(segment)));
    }
    return found;
  }

  private async merge(table: Table, sources: readonly Segment[], isAsked: boolean): Promise<void> {
    const { context } = this;
    const { epochs } = context.memory;
    const holder = epochs.enter();
    let results: MergedSegment[] = [];
    let isPlanned = false;
    try {
      for (const source of sources) loadForReaders(context, table, source);
      const { segmentRows, segmentBytes } = this.limits;
      results = await mergeSegments(context, {
        table,
        sources,
        segmentRows,
        segmentBytes,
        turn: this.turns(table, sources, isAsked),
        onDamage: (source) => this.unfit.add(source),
      });
      await replaceSegments(context, table, sources, results, () => {
        isPlanned = true;
      });
      context.written.compactions += 1;
      context.cache.trim();
    } finally {
      if (!isPlanned) for (const result of results) await discardMerged(context, result);
      epochs.leave(holder);
    }
  }

  /** In the background as much time goes to others as was worked. */
  private turns(table: Table, sources: readonly Segment[], isAsked: boolean): () => Promise<void> {
    let began = this.now();
    return async () => {
      const worked = isAsked ? 0 : Math.min(LONGEST_PAUSE_MS, this.now() - began);
      await new Promise<void>((resolve) => (worked < 1 ? setImmediate(resolve) : setTimeout(resolve, worked)));
      began = this.now();
      if (this.isStopped || table.dropped || sources.some((source) => source.discarded)) throw new GivenUp();
    };
  }
}

function candidateOf(table: Table, source: Segment, index: number, isLeftAlone: boolean): Candidate<Segment> {
  const { record, layout, rows, alive } = source;
  const { partitionBy } = table.info.definition;
  const type = layout.definitions[layout.timestampColumn]?.type;
  const zone = source.zoneMaps[layout.timestampColumn];
  const times = typeof zone?.min === 'bigint' && typeof zone.max === 'bigint' ? ([zone.min, zone.max] as const) : null;
  const starts = times === null || type === undefined ? [] : times.map((time) => partitionOf(partitionBy, type, time)?.start ?? 0n);
  const isMixed = starts[0] !== starts[1];
  const isUnsorted = layout.timestampColumn >= 0 && !source.sorted && record?.cluster === undefined;
  const isNew = (record?.level ?? 0) === 0;
  // Columns lie side by side in one file only when all have them, and in one encoding.
  const shape = (record?.columns ?? []).map(({ id, dictionary }) => `${id}${dictionary ? 'd' : ''}`).join();
  return {
    source,
    index,
    rows,
    deleted: isLeftAlone ? 0 : alive.deleted,
    sizeBytes: plainBytesOf(record),
    times,
    partition: isLeftAlone || isMixed ? `alone ${index}` : `${starts[0] ?? ''} ${shape}`,
    isDisordered: !isLeftAlone && isNew && (isUnsorted || (isMixed && record?.place === undefined)),
  };
}
