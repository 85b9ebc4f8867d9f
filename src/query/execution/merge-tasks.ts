/** Tasks that come after all lanes: merging aggregates, building join tables, sorting. */
import { Accumulator } from '../aggregates/accumulator.js';
import { evaluate } from '../expression/evaluate.js';
import type { EvaluationContext } from '../functions/contract.js';
import { GroupTable, type GroupTableResult } from './aggregate/group-table.js';
import { buildLookup } from './join/join-lookup.js';
import { buildRangeTable } from './join/range-table.js';
import type { TaskRun } from './run-task.js';
import { concatenate, finishedGroups } from './sinks.js';
import { sliceVector } from './slice-vector.js';
import { bucketRows } from './sort/sort-rows.js';
import { chunkOf, sortBatch } from './sort/top-sink.js';
import type { BuildTask, LimitByTask, MergeAggregateTask, SortTask, TaskResult } from './task.js';

/** Merges the groups of lanes in lane order and finishes the aggregates: group columns, then one column per call. */
export function* runMergeAggregate(task: MergeAggregateTask, run: TaskRun): Generator<void, Partial<TaskResult>> {
  const { context, kept } = run;
  const { spec } = task;
  const table =
    spec.groups.length === 0
      ? null
      : new GroupTable(
          spec.groups.map((group) => group.type),
          kept,
          context.kernels,
        );
  // Lanes of a finer set have groups although the merged one has none.
  const accumulator = new Accumulator(spec.calls, kept, context.kernels, table === null && task.columns === null);
  accumulator.reserveValues(task.lanes.map((lane) => lane.states));
  let groupsLeft = task.lanes.reduce((sum, lane) => sum + lane.groupCount, 0);
  for (const lane of task.lanes) {
    run.check();
    context.scratch.reset();
    const before = table?.groupCount ?? 1;
    const groups = lane.table ? groupsOf(lane.table, table, task.columns, context) : 0;
    const found = (table?.groupCount ?? 1) - before;
    // Lanes of other times have other groups.
    if (before > 0 && found > lane.groupCount * NEW_GROUPS) accumulator.reserve(before + groupsLeft);
    groupsLeft -= lane.groupCount;
    accumulator.merge(lane.states, groups, lane.groupCount, table ? table.groupCount : 1, context);
    yield;
  }
  run.check();
  context.scratch.reset();
  return { batch: finishedGroups(table, accumulator, context, kept) };
}

/** Share of a lane's groups that are new from which on those of the lanes after it are taken to be new as well. */
const NEW_GROUPS = 0.9;

/** Partners that a probe row is taken to have where inequalities narrow them. */
const RANGE_PARTNERS = 64;

/** Rows of an equality key from which on sorting them pays for an inequality. */
const SORTED_PARTNERS = 16;

/** The group here of each group of a lane. */
function groupsOf(lane: GroupTableResult, table: GroupTable | null, columns: readonly number[] | null, context: EvaluationContext): number {
  if (columns === null) return table ? table.merge(lane, context) : 0;
  if (table) return table.mergeColumns(lane, columns, context);
  // Distinct values carry their group's number, so 'all are group 0' has to be said for each.
  return context.scratch.allocateZeroed(Math.max(64, lane.groupCount * 4));
}

/** Concatenates the build side, groups it by key and sorts its rows by group. */
export function* runBuild(task: BuildTask, run: TaskRun): Generator<void, Partial<TaskResult>> {
  const { context, kept } = run;
  const batch = concatenate(task.batches, task.types, kept, context, run.check);
  const base = { rowCount: batch.rowCount, ids: task.ids, columns: batch.columns };
  const { lookup } = task;
  if (task.keys.length === 0 && !lookup) {
    return { table: { ...base, groups: null, partners: batch.rowCount, rows: 0, starts: 0, range: null } };
  }
  if (task.keys.length === 0 && lookup) {
    const groups = run.temporary.allocateZeroed(Math.max(64, batch.rowCount * 4));
    context.scratch.reset();
    const sorted = buildRangeTable(lookup, chunkOf(batch, task.ids), groups, 1, run);
    return { table: { ...base, groups: null, partners: Math.min(RANGE_PARTNERS, batch.rowCount), ...sorted } };
  }
  const chunk = chunkOf(batch, task.ids);
  context.scratch.reset();
  const keys = task.keys.map((key) => evaluate(key, chunk, context));
  const { handle, groupCount, groups } = yield* buildLookup(keys, batch.rowCount, task.frame.vectorRows, run);
  context.scratch.reset();
  const partners = batch.rowCount / Math.max(1, groupCount);
  if (lookup && partners >= SORTED_PARTNERS) {
    const sorted = buildRangeTable(lookup, chunk, groups, groupCount, run);
    return { table: { ...base, groups: handle, partners: Math.min(partners, RANGE_PARTNERS), ...sorted } };
  }
  const buckets = bucketRows({ kernels: context.kernels, memory: kept, groupCount, context }, groups, batch.rowCount, 0);
  return { table: { ...base, groups: handle, partners, rows: buckets.rows, starts: buckets.starts, range: null } };
}

/** Groups rows by key and keeps some of each group, in the order in which they come. */
export function* runLimitBy(task: LimitByTask, run: TaskRun): Generator<void, Partial<TaskResult>> {
  const { context, kept, temporary } = run;
  const { kernels } = context;
  const batch = concatenate(task.batches, task.types, kept, context, run.check);
  const n = batch.rowCount;
  const table = new GroupTable(
    task.keys.map((key) => key.type),
    temporary,
    kernels,
  );
  const groups = temporary.allocate(Math.max(64, n * 4));
  const chunk = chunkOf(batch, task.ids);
  context.scratch.reset();
  const keys = task.keys.map((key) => evaluate(key, chunk, context));
  const mark = context.scratch.mark();
  const { vectorRows } = task.frame;
  for (let first = 0; first < n; first += vectorRows) {
    run.check();
    context.scratch.rewind(mark);
    const some = Math.min(vectorRows, n - first);
    const slices = keys.map((key) => sliceVector(key, first, some));
    kernels.copy_bytes(groups + first * 4, table.assign(slices, 0, some, context), some * 4);
    yield;
  }
  const seen = temporary.allocateZeroed(Math.max(64, table.groupCount * 4));
  const rows = kept.allocate(Math.max(64, n * 4));
  const first = Math.min(task.offset, n);
  const end = Math.min(first + (task.limit ?? n), n);
  const count = kernels.limit_groups(groups, n, seen, first, end, rows);
  return { batch, order: { rows, count } };
}

export function* runSort(task: SortTask, run: TaskRun): Generator<void, Partial<TaskResult>> {
  const { context, kept } = run;
  const batch = concatenate(task.batches, task.types, kept, context, run.check);
  yield;
  const rows = sortBatch(batch, task.ids, task.keys, context, kept, run.check);
  return { batch, order: { rows, count: Math.min(task.limit ?? batch.rowCount, batch.rowCount) } };
}
