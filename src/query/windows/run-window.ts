/** The tasks of window nodes: columns in one piece, every call of a window in one pass over a range of positions, results by row. */
import type { Vector } from '../../core/batch.js';
import { MemoryScope } from '../../core/memory-scope.js';
import type { TaskRun } from '../execution/run-task.js';
import { concatenate } from '../execution/sinks.js';
import { sliceVector } from '../execution/slice-vector.js';
import type { CollectedBatch, TaskResult, WindowColumnTask, WindowMoveTask, WindowResultTask, WindowTask } from '../execution/task.js';
import { gatherVector, toFlat } from '../expression/gather.js';
import { scatterColumn } from './column-target.js';
import { ExpandCall } from './expand-call.js';
import { frameRankCall } from './frame-rank-calls.js';
import { type FramePiece, Framer, type Stretch, Stretches } from './frames.js';
import { orderedCall } from './ordered-calls.js';
import { rankCall } from './rank-calls.js';
import { runningCall } from './running-calls.js';
import { slidingCall } from './slide-calls.js';
import type { FrameSpec, WindowCallSpec } from './spec.js';
import { valueCall } from './value-calls.js';
import type { WindowComputation } from './window-call.js';
import { WindowRows } from './window-rows.js';

/** Positions that are worked on at once: their arrays should stay in the cache. */
export const STRETCH_ROWS = 8192;

/** One column per call, by position; those of a fixed width are put into targets instead. */
export function* runWindow(task: WindowTask, run: TaskRun): Generator<void, Partial<TaskResult>> {
  const { context, kept, temporary } = run;
  const { spec, range } = task;
  run.counters.enter(task.counter);
  const memory = new MemoryScope(temporary.arena, temporary.limitBytes, temporary.budget);
  try {
    const n = range.rowCount;
    const rows = new WindowRows(spec, task.columns, range, task.targets, { context, memory, results: kept, check: run.check });
    const framers = spec.frames.map((frame) => new Framer(frame, rows, spec.order[0]));
    const calls = spec.calls.map((call) => computationOf(call, rows, movesOf(spec.frames[call.frame])));
    const stretches = new Stretches(rows);
    yield;
    for (let first = 0; first < n; first += STRETCH_ROWS) {
      run.check();
      context.scratch.reset();
      const stretch = stretches.at(first, Math.min(STRETCH_ROWS, n - first));
      const frames = new Map<number, readonly FramePiece[]>();
      for (const [i, call] of calls.entries()) {
        const index = spec.calls[i]?.frame ?? 0;
        let pieces = frames.get(index);
        if (!pieces) {
          pieces = framers[index]?.pieces(stretch) ?? [];
          frames.set(index, pieces);
        }
        yield* addStretch(call, stretch, pieces, run);
      }
      yield;
    }
    return { batch: { arena: kept.arena.id, rowCount: n, columns: yield* finishCalls(calls, run) } };
  } finally {
    memory.release();
  }
}

/** What a call takes from the scratch for a stretch is given back behind it. */
export function* addStretch(
  call: WindowComputation,
  stretch: Stretch,
  pieces: readonly FramePiece[],
  { context }: TaskRun,
): Generator<void> {
  const mark = context.scratch.mark();
  if (call.addInSteps) yield* call.addInSteps(stretch, pieces);
  else call.add(stretch, pieces);
  context.scratch.rewind(mark);
}

/** The columns of the calls that have no target. */
export function* finishCalls(calls: readonly WindowComputation[], run: TaskRun): Generator<void, readonly Vector[]> {
  const columns: Vector[] = [];
  for (const call of calls) {
    run.check();
    run.context.scratch.reset();
    const column = call.finish();
    if (column) columns.push(column);
    yield;
  }
  return columns;
}

/** Batches of one column as one vector. */
export function* runWindowColumn(task: WindowColumnTask, run: TaskRun): Generator<void, Partial<TaskResult>> {
  run.counters.enter(task.counter);
  const batch = concatenate(task.batches, [task.type], run.kept, run.context, run.check);
  yield;
  return { batch };
}

/** Columns by row into columns by position. */
export function* runWindowMove(task: WindowMoveTask, run: TaskRun): Generator<void, Partial<TaskResult>> {
  const { context } = run;
  run.counters.enter(task.counter);
  for (const { first, rowCount, columns } of task.pieces) {
    for (let start = 0; start < rowCount; start += STRETCH_ROWS) {
      run.check();
      context.scratch.reset();
      const n = Math.min(STRETCH_ROWS, rowCount - start);
      columns.forEach((column, i) => {
        const target = task.targets[i];
        if (target) scatterColumn(toFlat(sliceVector(column, start, n), context), task.positions + (first + start) * 4, target, context);
      });
      yield;
    }
  }
  return {};
}

/** Columns by position into columns by row. */
export function* runWindowResult(task: WindowResultTask, run: TaskRun): Generator<void, Partial<TaskResult>> {
  const { context, kept } = run;
  run.counters.enter(task.counter);
  const batches: CollectedBatch[] = [];
  for (const { first, rowCount } of task.pieces) {
    run.check();
    const columns = task.columns.map(({ vector, positions }) => gatherVector(vector, positions + first * 4, rowCount, context, kept));
    batches.push({ arena: kept.arena.id, rowCount, columns, owned: [] });
    yield;
  }
  return { lanes: [{ lane: 0, output: { kind: 'batches', batches } }] };
}

/** How frames move from position to position: `forward` their bounds never go back, `whole` they have one piece besides. */
export type FrameMoves = 'whole' | 'forward' | 'anyhow';

function movesOf(frame: FrameSpec | undefined): FrameMoves {
  if (frame?.wanders) return 'anyhow';
  return frame?.exclude === 'none' ? 'whole' : 'forward';
}

export function computationOf(spec: WindowCallSpec, rows: WindowRows, moves: FrameMoves): WindowComputation {
  rows.run.check();
  if (!spec.aggregate) return frameRankCall(spec, rows) ?? valueCall(spec, rows) ?? runningCall(spec, rows) ?? rankCall(spec, rows);
  if (moves === 'anyhow' || spec.order.length > 0) return new ExpandCall(spec, rows);
  return slidingCall(spec, rows) ?? (moves === 'whole' ? orderedCall(spec, rows) : undefined) ?? new ExpandCall(spec, rows);
}
