/** The tasks that put both sides of an interval join in order: right rows by group and time, left rows by group and where their interval begins. */
import type { Vector } from '../../../core/batch.js';
import { MemoryScope } from '../../../core/memory-scope.js';
import { toFlat } from '../../expression/gather.js';
import { buildLookup, createLookup } from '../join/join-lookup.js';
import type { TaskRun } from '../run-task.js';
import { concatenate } from '../sinks.js';
import { sliceVector } from '../slice-vector.js';
import { narrowOrderKey, sortRows } from '../sort/sort-rows.js';
import type { TaskResult } from '../task.js';
import type { LimitSpec, MatchBuildTask, MatchLeftTask, MatchPlaceTask } from './task.js';

/** Left rows that are looked up at once: their arrays should stay in the cache. */
const STRETCH_ROWS = 8192;

export function* runMatchBuild(task: MatchBuildTask, run: TaskRun): Generator<void, Partial<TaskResult>> {
  const { context, kept, temporary } = run;
  const { kernels } = context;
  run.counters.enter(task.counter);
  const { rowCount: n, columns } = concatenate(task.batches, task.types, temporary, context, run.check);
  context.scratch.reset();
  yield;
  const keyColumns = columns.slice(0, -1);
  const built = keyColumns.length === 0 ? null : yield* buildLookup(keyColumns, n, task.frame.vectorRows, run);
  const groupCount = built?.groupCount ?? 1;
  const memory = new MemoryScope(temporary.arena, temporary.limitBytes, temporary.budget);
  try {
    run.check();
    const time = toFlat(columns.at(-1) as Vector, context, memory);
    const byRow = narrowOrderKey(time, false, context, built ? memory : kept);
    const base = { rowCount: n, lookup: built?.handle ?? null, groupCount };
    const inOrder = kernels.is_sorted_u64(byRow, n) === 1;
    if (!built && inOrder) {
      return { match: { ...base, starts: startsOf(0, n, 1, run), keys: byRow, positions: 0, rows: 0 } };
    }
    const sorted = inOrder ? 0 : sortRows([timeOrder(byRow)], n, context, memory, run.check);
    yield;
    const groups = built?.groups ?? memory.allocateZeroed(Math.max(64, n * 4));
    const placed = place(groups, sorted, n, groupCount, run);
    const keys = kept.allocate(Math.max(64, n * 8));
    kernels.gather_u64(byRow, placed.rows, n, keys);
    if (built) kept.free(built.groups);
    else kept.free(byRow);
    return { match: { ...base, ...placed, keys } };
  } finally {
    memory.release();
  }
}

function timeOrder(keys: number) {
  return { keys: [keys], validity: 0, descending: false, nullsFirst: false };
}

/** Where each of the groups begins, and an empty one behind them. groups: of each row; 0 = all rows are one. */
function startsOf(groups: number, n: number, groupCount: number, { context, kept }: TaskRun): number {
  const { kernels, arena } = context;
  const bytes = Math.max(64, (groupCount + 2) * 4);
  const starts = kept.allocate(bytes);
  kernels.fill_bytes(starts, 0, bytes);
  if (groups !== 0) {
    kernels.count_ids(groups, n, starts);
    kernels.running_sum_u32(starts, groupCount);
  }
  arena.u32[starts / 4 + groupCount] = n;
  arena.u32[starts / 4 + groupCount + 1] = n;
  return starts;
}

/** Rows (in the order of `sorted`, 0 = as they come) one group after the other. */
function place(groups: number, sorted: number, n: number, groupCount: number, run: TaskRun) {
  const { context, kept } = run;
  const { kernels } = context;
  const starts = startsOf(groups, n, groupCount, run);
  const positions = kept.allocate(Math.max(64, n * 4));
  const rows = kept.allocate(Math.max(64, n * 4));
  const bytes = (groupCount + 1) * 4;
  const cursors = kept.allocate(Math.max(64, bytes));
  kernels.copy_bytes(cursors, starts, bytes);
  run.check();
  kernels.place_rows(groups, sorted, n, cursors, positions, rows);
  kept.free(cursors);
  return { starts, positions, rows };
}

export function* runMatchPlace(task: MatchPlaceTask, run: TaskRun): Generator<void, Partial<TaskResult>> {
  const { context, temporary } = run;
  const { rowCount: n, keys, groups, groupCount } = task;
  run.counters.enter(task.counter);
  const memory = new MemoryScope(temporary.arena, temporary.limitBytes, temporary.budget);
  try {
    const inOrder = keys === 0 || context.kernels.is_sorted_u64(keys, n) === 1;
    const sorted = inOrder ? 0 : sortRows([timeOrder(keys)], n, context, memory, run.check);
    yield;
    return { placed: [{ ...place(groups, sorted, n, groupCount, run), partitions: groupCount }] };
  } finally {
    memory.release();
  }
}

export function* runMatchLeft(task: MatchLeftTask, run: TaskRun): Generator<void, Partial<TaskResult>> {
  const { context, temporary } = run;
  const { kernels, scratch } = context;
  const { table, groups } = task;
  run.counters.enter(task.counter);
  const finder = table.lookup ? createLookup(table.lookup, temporary, kernels) : null;
  for (const { first, rowCount, columns } of task.pieces) {
    for (let start = 0; start < rowCount; start += STRETCH_ROWS) {
      run.check();
      scratch.reset();
      const n = Math.min(STRETCH_ROWS, rowCount - start);
      const column = (index: number): Vector => sliceVector(columns[index] as Vector, start, n);
      const own = groups + (first + start) * 4;
      if (finder) kernels.copy_bytes(own, finder.find(task.keys.map(column), n, context), n * 4);
      else kernels.fill_bytes(own, 0, n * 4);
      const flat = new Map(
        [task.time, ...task.limits.map((limit) => limit.column)].map((index) => [index, toFlat(column(index), context)]),
      );
      for (const { validity } of flat.values()) if (validity !== 0) kernels.exclude_rows(validity, n, own);
      kernels.fill_missing_u32(table.groupCount, n, own);
      for (const limit of task.limits) limitKeys(flat.get(limit.column) as Vector, limit, first + start, run);
      yield;
    }
  }
  return {};
}

/** Order keys of the bound, at the ends of the range where there are none so far away. */
function limitKeys(time: Vector, { ticks, target }: LimitSpec, first: number, { context }: TaskRun): void {
  const { kernels, scratch, arena } = context;
  const n = time.length;
  const keys = narrowOrderKey(time, false, context, scratch);
  const out = target + first * 8;
  if (ticks === 0n) {
    kernels.copy_bytes(out, keys, n * 8);
    return;
  }
  const slot = scratch.allocate(64);
  arena.u64[slot / 8] = ticks < 0n ? -ticks : ticks;
  kernels.range_limits(keys, ticks < 0n ? 0 : 1, slot, n, out);
}
