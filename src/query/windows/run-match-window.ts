/** Aggregates of a window join over a range of left rows: frames over the right rows, which the computations of window functions slide over. */
import { MemoryScope } from '../../core/memory-scope.js';
import type { MatchWindowTask } from '../execution/match/task.js';
import type { TaskRun } from '../execution/run-task.js';
import type { TaskResult } from '../execution/task.js';
import { ExpandCall } from './expand-call.js';
import type { FramePiece } from './frames.js';
import { addStretch, computationOf, finishCalls, STRETCH_ROWS } from './run-window.js';
import { WindowRows } from './window-rows.js';

export function* runMatchWindow(task: MatchWindowTask, run: TaskRun): Generator<void, Partial<TaskResult>> {
  const { context, kept, temporary } = run;
  const { spec, rowCount: n } = task;
  run.counters.enter(task.counter);
  const memory = new MemoryScope(temporary.arena, temporary.limitBytes, temporary.budget);
  try {
    const frames = { low: memory.allocate(Math.max(64, n * 4)), high: memory.allocate(Math.max(64, n * 4)) };
    yield* findFrames(task, frames, memory, run);
    const { first, end, slides } = commonPositions(frames, n, memory, run);
    const starts = memory.allocate(64);
    context.arena.u32.set([first, end], starts / 4);
    const range = { rowCount: end - first, first, starts, partitions: 1, rows: task.table.rows };
    const rows = new WindowRows(spec, task.columns, range, task.targets, { context, memory, results: kept, check: run.check }, task);
    const calls = spec.calls.map((call) => (slides ? computationOf(call, rows, 'whole') : new ExpandCall(call, rows)));
    for (let from = 0; from < n; from += STRETCH_ROWS) {
      run.check();
      context.scratch.reset();
      const low = frames.low + from * 4;
      const high = frames.high + from * 4;
      const stretch = { first: from, n: Math.min(STRETCH_ROWS, n - from), low, high };
      for (const call of calls) yield* addStretch(call, stretch, [{ low, high }], run);
      yield;
    }
    return { batch: { arena: kept.arena.id, rowCount: n, columns: yield* finishCalls(calls, run) } };
  } finally {
    memory.release();
  }
}

/** The positions of the right rows that each left row's interval has. */
function* findFrames(task: MatchWindowTask, frames: FramePiece, memory: MemoryScope, run: TaskRun): Generator<void> {
  const { kernels, scratch } = run.context;
  const { table, prevailing } = task;
  const states = memory.allocateZeroed(64);
  for (let from = 0; from < task.rowCount; from += STRETCH_ROWS) {
    run.check();
    scratch.reset();
    const n = Math.min(STRETCH_ROWS, task.rowCount - from);
    const rows = task.rows + (task.first + from) * 4;
    const groups = scratch.allocate(n * 4);
    kernels.gather_32(task.groups, rows, n, groups);
    const limits = scratch.allocate(n * 8);
    const bound = (keys: number, end: 0 | 1, out: number): void => {
      if (keys === 0) {
        kernels.match_edges(groups, end, table.starts, n, out);
        return;
      }
      kernels.gather_64(keys, rows, n, limits);
      kernels.match_bounds(groups, limits, end, table.starts, table.keys, n, states + end * 8, out);
    };
    const [low, high] = [frames.low + from * 4, frames.high + from * 4];
    bound(task.high, 1, high);
    // The limits of the beginnings stay for the rows that prevail there.
    bound(task.low, 0, low);
    if (prevailing && task.low !== 0) kernels.match_prevailing(groups, limits, table.starts, table.keys, n, low, high);
    yield;
  }
}

/** The positions that the frames have together; the frames then count from the first of them. slides: their bounds never go back. */
function commonPositions({ low, high }: FramePiece, n: number, memory: MemoryScope, run: TaskRun) {
  const { kernels, arena } = run.context;
  const extent = memory.allocate(64);
  const slides = kernels.frames_extent(low, high, n, extent) === 0;
  const [first = 0, end = 0] = arena.u32.subarray(extent / 4, extent / 4 + 2);
  kernels.shift_frames(low, high, n, first);
  return { first, end, slides };
}
