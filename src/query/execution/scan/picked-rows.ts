/** Scans of which only some rows are wanted: the newest or oldest, or the latest of each key. Segments are looked at from that end, and no further than needed. */
import { assert } from '../../../core/assert.js';
import type { SegmentView } from '../../../core/contracts.js';
import { columnsOf } from '../../plan/expression.js';
import { type ScanPick, type ScanPlan, timeColumnOf } from '../../plan/logical.js';
import type { QueryRun } from '../query-run.js';
import { keptSegments, type OpenUnit, type Pipeline, type PipelineBranch, type SourceUnit, scanBranch, segmentUnit } from '../sources.js';
import { latestRows } from './latest-rows.js';
import type { SymbolCondition } from './scan-ranges.js';
import { filterColumns, fromEnd, Walk } from './segment-walk.js';
import { symbolPick } from './symbol-rows.js';
import { NO_BOUNDS, type TimeBounds, timeBounds } from './zone-pruning.js';

/** Rows that are looked at, at most, to learn how far back the wanted ones reach; beyond that all threads read everything. */
const MOST_LOOKED_AT = 1 << 18;
/** Units that are looked at one by one before a scan begins. */
const MOST_TRIMMED = 8;
const FIRST_STEP = 2048;
/** The last row of a symbol is known, so that few rows of others lie in the first step. */
const FIRST_SYMBOL_STEP = 64;
const NOWHERE = 0xffff_ffff;

export async function openScan(plan: ScanPlan, run: QueryRun): Promise<Pipeline> {
  const { pick } = plan;
  if (pick?.kind === 'latest') return latestRows(plan, pick, run);
  const branch = scanBranch(plan, run, [], pick ? await endBounds(plan, pick, run) : NO_BOUNDS);
  return { branches: [await trimmed(plan, branch, run)] };
}

/** Bounds of the time may leave little of segments that are not left out. */
function isCut(plan: ScanPlan): boolean {
  const time = timeColumnOf(plan);
  return time !== undefined && (plan.pick?.kind === 'end' || plan.filters.some((filter) => columnsOf(filter).has(time.id)));
}

/** With units as short as they are, small scans are known to be small before anything runs. */
async function trimmed(plan: ScanPlan, branch: PipelineBranch, run: QueryRun): Promise<PipelineBranch> {
  if (branch.units.length > MOST_TRIMMED) return branch;
  const bounded = isCut(plan);
  const symbol = symbolPick(plan, branch, run, bounded);
  if (!bounded && !symbol) return branch;
  const units: SourceUnit[] = [];
  for (const unit of branch.units) {
    const open = await unit.open(run.options.signal);
    // Several units would take more memory side by side than one after the other.
    const again = branch.units.length === 1 ? stillOpen(unit, open, run) : unit;
    try {
      symbol?.add(again, open);
    } finally {
      if (again === unit) open.release();
    }
    if (open.first < open.end) units.push({ first: open.first, rowCount: open.end - open.first, open: again.open });
  }
  return symbol?.finish() ?? { ...branch, units };
}

/** The unit, which is open already for whoever opens it next. */
function stillOpen(unit: SourceUnit, open: OpenUnit, run: QueryRun): SourceUnit {
  let held: OpenUnit | null = open;
  const pin = { release: () => held?.release() };
  run.hold(pin);
  return {
    first: unit.first,
    rowCount: unit.rowCount,
    open: async (signal) => {
      if (!held) return unit.open(signal);
      const taken = held;
      held = null;
      run.unhold(pin);
      return taken;
    },
  };
}

/** Bounds of the time that leave at least the first `count` rows, from one end, that pass the filters. */
async function endBounds(plan: ScanPlan, pick: Extract<ScanPick, { kind: 'end' }>, run: QueryRun): Promise<TimeBounds> {
  const { kept, filters, symbols } = keptSegments(plan);
  const time = plan.columns.find((column) => column.id === pick.time);
  assert(time, 'the time is a column of the scan');
  const own = timeBounds(plan.filters, pick.time);
  const walk = new Walk(plan, [time, ...filterColumns(plan, filters)], { filters, symbols }, run);
  const firstStep = Math.max(symbols.length > 0 ? FIRST_SYMBOL_STEP : FIRST_STEP, pick.count);
  let found = 0;
  let looked = 0;
  let reached: bigint | undefined;
  for (const { segment, ranges } of fromEnd(kept, time.columnIndex, pick.descending)) {
    if (found >= pick.count) break;
    // A segment in no order, or of several groups, says nothing at its end; it is read like the others in the end.
    if (segment.order.kind !== 'time' && ranges?.length !== 1) continue;
    const [from, to] = ranges?.[0] ?? [0, segment.rowCount];
    const unit = segmentUnit(plan, segment, walk.columns, { ...time, ...own }, run, from, to);
    const open = await unit.open(run.options.signal);
    try {
      const times = open.piece.kind === 'rows' ? open.piece.columns[0] : undefined;
      if (times?.encoding !== 'flat') return NO_BOUNDS;
      const [first, end] = filters.length === 0 ? [open.first, open.end] : await narrowed(plan, segment, symbols, open, run);
      for (let done = 0, step = firstStep; done < end - first && found < pick.count; step *= 4) {
        const rows = Math.min(step, end - first - done);
        const at = pick.descending ? end - done - rows : first + done;
        found += walk.count(open, at, at + rows);
        done += rows;
        looked += rows;
        const edge = run.options.arena.i64[times.values / 8 + (pick.descending ? at : at + rows - 1)] ?? 0n;
        if (reached === undefined || (pick.descending ? edge < reached : edge > reached)) reached = edge;
        if (looked > MOST_LOOKED_AT && found < pick.count) return NO_BOUNDS;
      }
    } finally {
      open.release();
    }
  }
  if (found < pick.count || reached === undefined) return NO_BOUNDS;
  return pick.descending ? { low: { value: reached, above: false }, high: null } : { low: null, high: { value: reached, above: true } };
}

/** Rows [first, end) of an open segment, without those before the first and after the last that a condition `column = text` looks for. */
async function narrowed(
  plan: ScanPlan,
  segment: SegmentView,
  conditions: readonly SymbolCondition[],
  open: OpenUnit,
  run: QueryRun,
): Promise<[number, number]> {
  let { first, end } = open;
  for (const { columnIndex, codes } of conditions) {
    const rows = codes.length === 1 ? await plan.source.codeRows?.(segment, columnIndex) : undefined;
    const [code = -1] = codes;
    if (!rows) continue;
    const { u32 } = run.options.arena;
    const last = code < rows.codeCount ? (u32[rows.last / 4 + code] ?? NOWHERE) : NOWHERE;
    if (last === NOWHERE) return [first, first];
    first = Math.max(first, u32[rows.first / 4 + code] ?? 0);
    end = Math.min(end, last + 1);
  }
  return [first, Math.max(first, end)];
}
