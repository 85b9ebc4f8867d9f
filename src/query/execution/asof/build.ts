/** Tasks that make the look-up of an ASOF join. */
import type { Vector } from '../../../core/batch.js';
import { MemoryScope } from '../../../core/memory-scope.js';
import { evaluate } from '../../expression/evaluate.js';
import { buildLookup } from '../join/join-lookup.js';
import type { TaskRun } from '../run-task.js';
import { concatenate } from '../sinks.js';
import { bucketRows, sortRows } from '../sort/sort-rows.js';
import { chunkOf } from '../sort/top-sink.js';
import type { TaskResult } from '../task.js';
import type { AsofBuildTask, AsofIndex, AsofKeysTask, AsofPlaceTask } from './spec.js';
import { type Times, timesOf } from './times.js';

const NO_KEY = -1;

/** Concatenates the right side, and puts its rows in order: key by key, each by time. Rows without a key or a time are left away. */
export function* runAsofBuild(task: AsofBuildTask, run: TaskRun): Generator<void, Partial<TaskResult>> {
  const { context, kept, temporary, check } = run;
  run.counters.enter(task.counter);
  const batch = concatenate(task.batches, task.types, kept, context, check);
  yield;
  const chunk = chunkOf(batch, task.ids);
  const memory = new MemoryScope(temporary.arena, temporary.limitBytes, temporary.budget);
  try {
    context.scratch.reset();
    const keys = task.keys.map((key) => evaluate(key, chunk, context));
    const time = evaluate(task.time, chunk, context);
    const times = timesOf(time, context, memory);
    const { lookup, keyCount, groups } = yield* groupsOf(keys, batch.rowCount, task, run, memory);
    check();
    if (times.validity !== 0) context.kernels.mask_indices(groups, times.validity, batch.rowCount, NO_KEY, groups);
    const index = indexOf(times, groups, keyCount, batch.rowCount, memory, run);
    return { asof: { lookup, keyCount, index, columns: batch.columns } };
  } finally {
    memory.release();
  }
}

function* groupsOf(keys: readonly Vector[], rowCount: number, task: AsofBuildTask, run: TaskRun, memory: MemoryScope) {
  const { context } = run;
  if (keys.length === 0) {
    return { lookup: null, keyCount: 1, groups: memory.allocateZeroed(Math.max(64, rowCount * 4)) };
  }
  const { handle, groupCount, groups } = yield* buildLookup(keys, rowCount, task.frame.vectorRows, run);
  const own = memory.allocate(Math.max(64, rowCount * 4));
  context.kernels.copy_bytes(own, groups, rowCount * 4);
  keys.forEach((key) => {
    // Groups of several keys may have been made with NULLs, which equal nothing.
    if (key.encoding !== 'constant' && key.validity !== 0) context.kernels.mask_indices(own, key.validity, rowCount, NO_KEY, own);
  });
  run.kept.free(groups);
  return { lookup: handle, keyCount: groupCount, groups: own };
}

function indexOf(times: Times, groups: number, keyCount: number, n: number, memory: MemoryScope, run: TaskRun): AsofIndex {
  const { context, kept, check } = run;
  const { kernels } = context;
  const sorted = memory.allocate(Math.max(64, n * 8));
  kernels.order_i64(times.values, n, 0, sorted);
  const order = kernels.is_sorted_u64(sorted, n) === 1 ? 0 : sortRows([ascending(sorted)], n, context, memory, check);
  memory.free(sorted);
  check();
  const { rows, starts } = bucketRows({ kernels, memory: kept, groupCount: keyCount, context }, groups, n, order);
  const count = context.arena.u32[starts / 4 + keyCount] as number;
  const byPosition = kept.allocate(Math.max(64, n * 8));
  kernels.gather_64(times.values, rows, count, byPosition);
  return { starts, rows, times: byPosition };
}

function ascending(keys: number) {
  return { keys: [keys], validity: 0, descending: false, nullsFirst: false };
}

/** The look-up of a dictionary's values, whose numbers are their codes. */
export function* runAsofKeys(task: AsofKeysTask, run: TaskRun): Generator<void, Partial<TaskResult>> {
  run.counters.enter(task.counter);
  const { handle, groupCount } = yield* buildLookup([task.values], task.values.length, task.frame.vectorRows, run);
  return { asof: { lookup: handle, keyCount: groupCount, index: null, columns: [] } };
}

/** Counts, or places, piece by piece. */
export function* runAsofPlace(task: AsofPlaceTask, run: TaskRun): Generator<void, Partial<TaskResult>> {
  run.counters.enter(task.counter);
  const { kernels } = run.context;
  const { pieces, shift, keyCount, byKey, index } = task;
  for (let piece = task.first; piece < task.end; piece++) {
    run.check();
    const at = pieces.address + piece * 16;
    if (index) kernels.asof_place(at, keyCount, piece * 2 ** shift, byKey, index.times, index.rows);
    else kernels.asof_count(at, keyCount, byKey);
    yield;
  }
  return {};
}
