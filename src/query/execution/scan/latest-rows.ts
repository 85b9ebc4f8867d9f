/**
 * The rows of the largest time of each value of a dictionary-encoded column. Segments are looked at from the one with the newest row on, each from
 * its end, until every value is found and nothing that is left can be newer. What is known of each code lies in three arrays (kernels latest_…).
 */
import { assert } from '../../../core/assert.js';
import { bitmapBytes, type Vector } from '../../../core/batch.js';
import type { NewestRows } from '../../../core/contracts.js';
import { yieldToOthers } from '../../../core/yield-to-others.js';
import type { ScanPick, ScanPlan } from '../../plan/logical.js';
import type { Chunk } from '../chunk.js';
import type { QueryRun } from '../query-run.js';
import {
  columnsToRead,
  type KeptScan,
  type KeptSegment,
  keptSegments,
  type OpenUnit,
  type Pipeline,
  type ReadColumn,
  type SourceUnit,
  segmentUnit,
  sourcePipeline,
} from '../sources.js';
import { allGroups, groupAt, isGroupedBy, type SymbolCondition } from './scan-ranges.js';
import { filterColumns, fromEnd, Walk } from './segment-walk.js';
import { orderedUnit } from './symbol-rows.js';
import { timeBounds } from './zone-pruning.js';

type LatestPick = Extract<ScanPick, { kind: 'latest' }>;

/** A scan's column of row numbers. */
const ROW_IN_SEGMENT = -2;
const NONE = 0xffff_ffff;
const UNWANTED = 0xffff_fffe;
const FIRST_STEP = 4096;
/** Rows after which others get their turn. */
const SLICE_ROWS = 1 << 20;

export async function latestRows(plan: ScanPlan, pick: LatestPick, run: QueryRun): Promise<Pipeline> {
  const scan = keptSegments(plan);
  const { kept, total } = scan;
  const node = run.nodes.of(plan);
  const search = new LatestSearch(plan, pick, scan, run);
  const looked = new Set<KeptSegment>();
  let since = 0;
  for (const each of fromEnd(kept, search.time.columnIndex, true)) {
    if (search.isOver(each)) continue;
    looked.add(each);
    await search.look(each);
    if (search.rowsLookedAt - since > SLICE_ROWS) {
      since = search.rowsLookedAt;
      await yieldToOthers();
    }
  }
  const read = columnsToRead(plan, []);
  const units: SourceUnit[] = [];
  for (const each of kept) {
    if (!looked.has(each)) continue;
    const rows = pick.ties === 'last' ? search.rowsOf(each) : await search.tiedRows(each);
    if (rows.length > 0) units.push(rowsUnit(plan, each, read, rows, run));
  }
  node.segments = { total, pruned: total - looked.size };
  const whole = plan.source.segments.reduce((sum, segment) => sum + segment.rowCount, 0);
  node.prunedRows += Math.max(0, whole - search.rowsLookedAt);
  return sourcePipeline(
    read.map((column) => column.id),
    units,
    node.counter,
  );
}

/** Rows of a segment, ascending. */
function rowsUnit(plan: ScanPlan, { segment }: KeptSegment, read: readonly ReadColumn[], rows: Uint32Array, run: QueryRun): SourceUnit {
  const whole = segmentUnit(plan, segment, read, null, run, 0, segment.rowCount);
  const order = run.scope.allocate(Math.max(64, rows.length * 4));
  run.options.arena.u32.set(rows, order / 4);
  return orderedUnit(whole, order, rows.length);
}

class LatestSearch {
  readonly time: ReadColumn;
  rowsLookedAt = 0;
  private readonly plan: ScanPlan;
  private readonly run: QueryRun;
  private readonly key: ReadColumn;
  private readonly number: ReadColumn;
  private readonly walk: Walk;
  private readonly isFiltered: boolean;
  private readonly codeCount: number;
  private readonly best: number;
  private readonly segments: number;
  private readonly rows: number;
  private readonly slot: number;
  /** Segments, in the order of the table, by their number in `segments`. */
  private readonly numbers: ReadonlyMap<KeptSegment['segment'], number>;
  private missing: number;
  /** The smallest of the times found; meaningful when nothing is missing. */
  private least = 0n;

  constructor(plan: ScanPlan, pick: LatestPick, { kept, filters, symbols }: KeptScan, run: QueryRun) {
    const columnOf = (id: number) => {
      const column = plan.columns.find((each) => each.id === id);
      assert(column, `column ${id} of the scan`);
      return column;
    };
    this.plan = plan;
    this.run = run;
    this.key = columnOf(pick.key);
    this.time = columnOf(pick.time);
    this.number = { id: Number.MIN_SAFE_INTEGER, columnIndex: ROW_IN_SEGMENT };
    const named = symbols.filter((condition) => condition.columnIndex === this.key.columnIndex);
    this.isFiltered = filters.some((filter) => !named.some(({ condition }) => condition === filter));
    this.walk = new Walk(plan, [this.key, this.time, this.number, ...filterColumns(plan, filters)], { filters, symbols }, run);
    this.codeCount = plan.source.distinctValues?.(this.key.columnIndex) ?? 0;
    const slots = this.codeCount + 1;
    this.best = run.scope.allocate(slots * 8);
    this.segments = run.scope.allocate(slots * 4);
    this.rows = run.scope.allocate(slots * 4);
    this.slot = run.scope.allocate(64);
    this.numbers = new Map(kept.map(({ segment }, i) => [segment, i] as const));
    this.missing = this.want(named, pick);
  }

  /** Marks the codes that are looked for; gives how many. */
  private want(named: readonly SymbolCondition[], pick: LatestPick): number {
    const { arena, kernels } = this.run.options;
    const slots = this.codeCount + 1;
    kernels.fill_bytes(this.segments, 255, slots * 4);
    const words = arena.u32.subarray(this.segments / 4, this.segments / 4 + slots);
    if (named.length > 0) {
      words.fill(UNWANTED);
      for (const code of named[0]?.codes ?? []) if (named.every((each) => each.codes.includes(code))) words[code] = NONE;
    } else if (!pick.nulls) words[this.codeCount] = UNWANTED;
    return words.reduce((sum, word) => sum + (word === NONE ? 1 : 0), 0);
  }

  /** Nothing in the segment can be newer than what is known, or as new. */
  isOver({ segment }: KeptSegment): boolean {
    const most = segment.zoneMaps[this.time.columnIndex]?.max;
    return this.missingIn(segment) === 0 && typeof most === 'bigint' && most < this.least;
  }

  /** Wanted keys that the segment may have and that were not found; NULL only where it has NULLs. */
  private missingIn({ zoneMaps }: KeptSegment['segment'], mayHaveNulls = true): number {
    const { arena } = this.run.options;
    const hasNulls = mayHaveNulls && zoneMaps[this.key.columnIndex]?.nullCount !== 0;
    return this.missing - (!hasNulls && arena.u32[this.segments / 4 + this.codeCount] === NONE ? 1 : 0);
  }

  async look(each: KeptSegment): Promise<void> {
    if (!this.isFiltered && (await this.byNewestRows(each))) return;
    if (!this.isFiltered && this.isGrouped(each) && (await this.byGroups(each))) return;
    await this.byRows(each);
  }

  /** From what storage knows of each code. False: nothing, or bounds cut rows off that it may name. */
  private async byNewestRows(each: KeptSegment): Promise<boolean> {
    const { plan, codeCount } = this;
    const { segment } = each;
    const index = this.key.columnIndex;
    // In a segment in the order of time a code's last row is its newest.
    const sealed = segment.order.kind === 'time' ? await plan.source.codeRows?.(segment, index) : undefined;
    return this.opened(each, [this.time], 0, segment.rowCount, (open, [times]) => {
      if (open.first > 0 || open.end < segment.rowCount || times?.encoding !== 'flat') return false;
      const known = sealed ? { codeCount: sealed.codeCount, newest: sealed.last } : plan.source.newestRows?.(segment, index);
      if (!known) return false;
      return this.offerNewest(each, open, times, known.codeCount === codeCount ? known.newest : this.withAllCodes(known));
    });
  }

  /** Dictionaries grow; NULL's row stands after those of all codes. */
  private withAllCodes({ codeCount: knownCount, newest }: NewestRows): number {
    const { codeCount, run } = this;
    const { kernels, arena } = run.options;
    const wider = run.context.scratch.allocate((codeCount + 1) * 4);
    kernels.fill_bytes(wider, 255, (codeCount + 1) * 4);
    kernels.copy_bytes(wider, newest, Math.min(knownCount, codeCount) * 4);
    arena.u32[wider / 4 + codeCount] = arena.u32[newest / 4 + knownCount] ?? NONE;
    return wider;
  }

  /** One row for each code, the newest of the segment. False: one of them is deleted. */
  private offerNewest(each: KeptSegment, open: OpenUnit, times: Vector, newest: number): boolean {
    const { codeCount, run } = this;
    const { kernels, arena } = run.options;
    const alive = open.piece.kind === 'rows' ? open.piece.alive : 0;
    if (alive !== 0) {
      const isDeleted = (row: number) => row !== NONE && (((arena.u8[alive + (row >> 3)] ?? 0) >> (row & 7)) & 1) === 0;
      if (arena.u32.subarray(newest / 4, newest / 4 + codeCount + 1).some(isDeleted)) return false;
    }
    this.rowsLookedAt += codeCount;
    this.note(kernels.latest_candidates(newest, times.values, codeCount, this.numberOf(each), this.best, this.segments, this.rows));
    return true;
  }

  /** The last rows of the groups. */
  private async byGroups(each: KeptSegment): Promise<boolean> {
    const { plan, run, codeCount } = this;
    const index = plan.source.clusterIndex?.(each.segment);
    const { low, high } = timeBounds(plan.filters, this.time.id);
    if (!index || low || high) return false;
    return this.opened(each, [this.time], 0, each.segment.rowCount, (open, [times]) => {
      if (times?.encoding !== 'flat') return false;
      const { kernels, arena } = run.options;
      const last = run.context.scratch.allocate((codeCount + 1) * 4);
      kernels.fill_bytes(last, 255, (codeCount + 1) * 4);
      index.codes.forEach((code, i) => {
        arena.u32[last / 4 + Math.min(code, codeCount)] = groupAt(index, i)[1] - 1;
      });
      return this.offerNewest(each, open, times, last);
    });
  }

  /** Row by row, from the end where rows ascend in time. */
  private async byRows(each: KeptSegment): Promise<void> {
    const { segment } = each;
    const isGrouped = this.isGrouped(each);
    const ranges = each.ranges ?? (isGrouped ? this.groupsOf(each) : [[0, segment.rowCount] as const]);
    for (const [from, to] of ranges) {
      await this.opened(each, this.walk.columns, from, to, (open, [key, times]) => {
        const { i64 } = this.run.options.arena;
        const hasNulls = key?.validity !== 0;
        const isSorted = (isGrouped || segment.order.kind === 'time') && times?.encoding === 'flat';
        for (let end = open.end, step = FIRST_STEP; end > open.first; step *= 4) {
          const first = Math.max(open.first, isSorted ? end - step : open.first);
          const offered = this.offer(each, open, first, end);
          end = first;
          // The rest of a group is older than its last row.
          if (isGrouped && isSorted && offered > 0) break;
          const isEnough = isSorted && end > open.first && this.missingIn(segment, hasNulls) === 0;
          if (isEnough && (i64[times.values / 8 + end - 1] ?? 0n) < this.least) break;
        }
        return true;
      });
    }
  }

  /** Rows of one key are next to each other. */
  private isGrouped({ segment }: KeptSegment): boolean {
    return isGroupedBy(segment, this.key.columnIndex);
  }

  private groupsOf({ segment }: KeptSegment): (readonly [number, number])[] {
    const index = this.plan.source.clusterIndex?.(segment);
    assert(index, 'a grouped segment has an index');
    return allGroups(index);
  }

  /** Gives how many rows passed the filters. */
  private offer(each: KeptSegment, open: OpenUnit, first: number, end: number): number {
    const { run, codeCount, best, segments, rows } = this;
    const { kernels } = run.options;
    let found = 0;
    let offered = 0;
    this.rowsLookedAt += end - first;
    this.walk.rows(open, first, end, (chunk) => {
      const { codes, valid, times, numbers } = this.keyedRows(chunk);
      const segment = this.numberOf(each);
      found += kernels.latest_rows(codes, valid, times, numbers, chunk.mask, chunk.rowCount, codeCount, segment, best, segments, rows);
      offered += chunk.count;
    });
    this.note(found);
    return offered;
  }

  /** Addresses of what the kernels read of a chunk's rows: codes of keys, their validity, times, numbers of rows. */
  private keyedRows(chunk: Chunk) {
    const [key, time, number] = [this.key, this.time, this.number].map(({ id }) => chunk.column(id));
    assert(key && time && number, 'columns of a chunk');
    const [codes, valid] = this.codesOf(key);
    return { codes, valid, times: time.values, numbers: number.values };
  }

  /** Addresses of codes and of their validity. A column that the segment lacks is NULL everywhere. */
  private codesOf(key: Vector): readonly [codes: number, validity: number] {
    if (key.encoding === 'dictionary') return [key.values, key.validity];
    const { scratch } = this.run.context;
    return [scratch.allocateZeroed(key.length * 4), scratch.allocateZeroed(bitmapBytes(key.length))];
  }

  private note(found: number): void {
    const { kernels, arena } = this.run.options;
    const before = this.missing;
    this.missing = kernels.latest_least(this.codeCount, this.best, this.segments, this.slot);
    this.least = arena.i64[this.slot / 8] ?? 0n;
    assert(before - this.missing === found, 'every new code was missing before');
  }

  private numberOf({ segment }: KeptSegment): number {
    return this.numbers.get(segment) ?? NONE;
  }

  private async opened(
    each: KeptSegment,
    columns: readonly ReadColumn[],
    from: number,
    to: number,
    work: (open: OpenUnit, columns: readonly Vector[]) => boolean,
  ): Promise<boolean> {
    const { plan, run, time } = this;
    const bounds = { ...time, ...timeBounds(plan.filters, time.id) };
    const mark = run.context.scratch.mark();
    const open = await segmentUnit(plan, each.segment, columns, bounds, run, from, to).open(run.options.signal);
    try {
      return work(open, open.piece.kind === 'rows' ? open.piece.columns : []);
    } finally {
      open.release();
      run.context.scratch.rewind(mark);
    }
  }

  /** The best rows that lie in a segment, ascending. */
  rowsOf(each: KeptSegment): Uint32Array {
    const { run, codeCount } = this;
    const { kernels, arena } = run.options;
    const mark = run.context.scratch.mark();
    const out = run.context.scratch.allocate((codeCount + 1) * 4);
    const count = kernels.latest_take(codeCount, this.numberOf(each), this.segments, this.rows, out);
    const rows = Uint32Array.from(arena.u32.subarray(out / 4, out / 4 + count)).sort();
    run.context.scratch.rewind(mark);
    return rows;
  }

  /** All rows of a segment that are as new as the best of their key, ascending. */
  async tiedRows(each: KeptSegment): Promise<Uint32Array> {
    const { run, codeCount, best, segments, least } = this;
    const { kernels, arena } = run.options;
    const most = each.segment.zoneMaps[this.time.columnIndex]?.max;
    const found: Uint32Array[] = [];
    if (typeof most === 'bigint' && most < least) return new Uint32Array(0);
    const isGrouped = this.isGrouped(each);
    for (const [from, to] of each.ranges ?? (isGrouped ? this.groupsOf(each) : [[0, each.segment.rowCount] as const])) {
      await this.opened(each, this.walk.columns, from, to, (open, [, times]) => {
        const isSorted = (isGrouped || each.segment.order.kind === 'time') && times?.encoding === 'flat';
        if (isSorted) arena.i64[this.slot / 8] = least;
        const first = isSorted ? kernels.lower_bound_i64(times.values, open.first, open.end, this.slot, 0) >>> 0 : open.first;
        this.walk.rows(open, first, open.end, (chunk) => {
          const keyed = this.keyedRows(chunk);
          const out = run.context.scratch.allocate(chunk.rowCount * 4);
          const count = kernels.latest_ties(
            keyed.codes,
            keyed.valid,
            keyed.times,
            keyed.numbers,
            chunk.mask,
            chunk.rowCount,
            codeCount,
            best,
            segments,
            out,
          );
          found.push(Uint32Array.from(arena.u32.subarray(out / 4, out / 4 + count)));
        });
        return true;
      });
    }
    return found.length === 1 ? (found[0] as Uint32Array) : concatenated(found);
  }
}

function concatenated(parts: readonly Uint32Array[]): Uint32Array {
  const result = new Uint32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}
