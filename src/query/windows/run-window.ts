/** The task of a window node: rows into positions, then every call in one pass over them. */
import type { Batch } from '../../core/batch.js';
import { MemoryScope } from '../../core/memory-scope.js';
import type { TaskRun } from '../execution/run-task.js';
import { concatenate } from '../execution/sinks.js';
import type { TaskResult, WindowTask } from '../execution/task.js';
import { ExpandCall } from './expand-call.js';
import { type FramePiece, Framer, Stretches } from './frames.js';
import { orderedCall } from './ordered-calls.js';
import { rankCall } from './rank-calls.js';
import { slidingCall } from './slide-calls.js';
import type { WindowCallSpec } from './spec.js';
import { valueCall } from './value-calls.js';
import type { WindowComputation } from './window-call.js';
import { WindowRows } from './window-rows.js';

/** Positions that are worked on at once: their arrays should stay in the cache. */
const STRETCH_ROWS = 8192;

/** One column per call, by row. */
export function* runWindow(task: WindowTask, run: TaskRun): Generator<void, Partial<TaskResult>> {
  const { context, kept, temporary } = run;
  const { spec } = task;
  run.counters.enter(task.counter);
  const memory = new MemoryScope(temporary.arena, temporary.limitBytes, temporary.budget);
  try {
    const batch = task.batches.length === 0 ? null : concatenate(task.batches, spec.types, memory, context, run.check);
    context.scratch.reset();
    yield;
    const n = task.rowCount;
    const rows = new WindowRows(spec, batch?.columns ?? [], n, {
      context,
      memory,
      results: kept,
      vectorRows: task.frame.vectorRows,
      check: run.check,
    });
    const framers = spec.frames.map((frame) => new Framer(frame, rows, spec.order[0]));
    const calls = spec.calls.map((call) => computationOf(call, rows, spec.frames[call.frame]?.exclude === 'none'));
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
        const mark = context.scratch.mark();
        call.add(stretch, pieces);
        context.scratch.rewind(mark);
      }
      yield;
    }
    const columns = [];
    for (const call of calls) {
      run.check();
      context.scratch.reset();
      columns.push(call.finish());
      yield;
    }
    const result: Batch = { arena: kept.arena.id, rowCount: n, columns };
    return { batch: result };
  } finally {
    memory.release();
  }
}

/** slides: frames have one piece each, whose bounds never go back. */
function computationOf(spec: WindowCallSpec, rows: WindowRows, slides: boolean): WindowComputation {
  rows.run.check();
  if (!spec.aggregate) return valueCall(spec, rows) ?? rankCall(spec, rows);
  return slidingCall(spec, rows) ?? (slides ? orderedCall(spec, rows) : undefined) ?? new ExpandCall(spec, rows);
}
