/**
 * Calls of windows whose rows come in order already: one pass over the rows with a state per partition, lanes of rows side by side
 * (kernels: native-free/assembly/window/stream.ts). Partitions are the codes of a dictionary.
 */
import { flatVector, type Vector } from '../../core/batch.js';
import type { MemoryScope } from '../../core/memory-scope.js';
import { FLOAT64 } from '../../core/types.js';
import type { TaskRun } from '../execution/run-task.js';
import type { CollectedBatch, TaskResult, WindowStreamTask, WindowTailsTask } from '../execution/task.js';
import type { EvaluationContext } from '../functions/contract.js';
import type { WindowCallSpec, WindowSpec } from './spec.js';

/** Rows of a frame up to which a ring per partition is worth it. */
const LONGEST_RING = 4096;

export type StreamCall =
  | { readonly kind: 'ring'; readonly column: number; readonly average: boolean; readonly size: number }
  | { readonly kind: 'ema'; readonly column: number; readonly alpha: number };

/** The calls as streams; undefined when one of them is none. */
export function streamCalls(spec: WindowSpec): readonly StreamCall[] | undefined {
  const calls = spec.calls.map((call) => streamCall(call, spec));
  return calls.every((call) => call !== undefined) ? calls : undefined;
}

function streamCall(call: WindowCallSpec, { frames }: WindowSpec): StreamCall | undefined {
  const [column = -1] = call.args;
  const isFloat = call.argTypes[0]?.kind === 'float64';
  if (!isFloat || column < 0 || call.filter >= 0 || call.distinct) return undefined;
  if (call.function === 'ema' && !call.aggregate) return { kind: 'ema', column, alpha: Number(call.constants[1]) };
  if (!call.aggregate || (call.function !== 'avg' && call.function !== 'sum')) return undefined;
  const frame = frames[call.frame];
  if (frame?.unit !== 'rows' || frame.exclude !== 'none' || frame.end.kind !== 'current') return undefined;
  const { start } = frame;
  const before = start.kind === 'count' && !start.following ? start.count : start.kind === 'current' ? 0 : LONGEST_RING;
  if (before >= LONGEST_RING) return undefined;
  return { kind: 'ring', column, average: call.function === 'avg', size: before + 1 };
}

/** Bytes of what a lane says of one partition. */
export function tailBytes(call: StreamCall): number {
  return call.kind === 'ema' ? 24 : call.size * 8;
}

function stateBytes(call: StreamCall): number {
  return call.kind === 'ema' ? 24 : call.size * 8 + 24;
}

function codesOf(key: Vector | undefined): number {
  return key ? key.values : 0;
}

/** What later lanes must know of this one: an address per call. `order`: true where the rows come in order, with their first and last key. */
export function* runWindowTails(task: WindowTailsTask, run: TaskRun): Generator<void, Partial<TaskResult>> {
  const { context, kept } = run;
  const { kernels, arena } = context;
  run.counters.enter(task.counter);
  let last: bigint | null = null;
  for (const { columns, rowCount } of task.pieces) {
    const key = task.order < 0 ? undefined : columns[task.order];
    if (!key) continue;
    const first = arena.i64[key.values / 8] as bigint;
    if ((last !== null && first < last) || !kernels.is_sorted_i64(key.values, rowCount)) return { tails: null };
    last = arena.i64[key.values / 8 + rowCount - 1] as bigint;
    yield;
  }
  const tails: number[] = [];
  for (const call of task.calls) {
    run.check();
    const bytes = Math.max(64, task.partitions * tailBytes(call));
    const address = kept.allocateZeroed(bytes);
    tails.push(address);
    if (task.isLast) continue;
    if (call.kind === 'ema') {
      for (const { columns, rowCount } of task.pieces) {
        kernels.agg_ema(call.alpha, columns[call.column]?.values ?? 0, 0, codesOf(columns[task.partition]), rowCount, address);
        yield;
      }
      continue;
    }
    let full = 0;
    for (const { columns, rowCount } of [...task.pieces].reverse()) {
      if (call.size === 1 || full >= task.partitions) break;
      const values = columns[call.column]?.values ?? 0;
      full = kernels.stream_tails(codesOf(columns[task.partition]), values, rowCount, call.size - 1, task.partitions, full, address);
      yield;
    }
  }
  return { tails };
}

/** What every lane begins with, from what the lanes have said: addresses by lane and call. */
export function startsOfLanes(
  calls: readonly StreamCall[],
  lanes: readonly (readonly number[])[],
  partitions: number,
  memory: MemoryScope,
  { kernels }: Pick<EvaluationContext, 'kernels'>,
): readonly (readonly number[])[] {
  const starts: number[][] = [];
  lanes.forEach((_, lane) => {
    starts.push(
      calls.map((call, i) => {
        const before = starts[lane - 1]?.[i];
        const said = lanes[lane - 1]?.[i];
        const bytes = Math.max(64, partitions * tailBytes(call));
        if (before === undefined || said === undefined) return memory.allocateZeroed(bytes);
        const out = memory.allocate(bytes);
        if (call.kind === 'ring') kernels.stream_merge_tails(before, said, partitions, call.size - 1, out);
        else {
          kernels.copy_bytes(out, before, bytes);
          kernels.stream_merge_ema(call.alpha, said, partitions, out);
        }
        return out;
      }),
    );
  });
  return starts;
}

/** The calls' columns beside the rows of a lane. */
export function* runWindowStream(task: WindowStreamTask, run: TaskRun): Generator<void, Partial<TaskResult>> {
  const { context, kept, temporary } = run;
  const { kernels } = context;
  run.counters.enter(task.counter);
  const states = task.calls.map((call, i) => {
    const address = temporary.allocate(Math.max(64, task.partitions * stateBytes(call)));
    const start = task.starts[i] ?? 0;
    if (call.kind === 'ring') kernels.stream_rings(call.size === 1 ? 0 : start, task.partitions, call.size, address);
    else kernels.copy_bytes(address, start, task.partitions * 24);
    return address;
  });
  const rows = task.pieces.reduce((sum, piece) => sum + piece.rowCount, 0);
  const results = task.calls.map(() => kept.allocate(Math.max(64, rows * 8)));
  const batches: CollectedBatch[] = [];
  let first = 0;
  for (const { columns, rowCount } of task.pieces) {
    run.check();
    const codes = codesOf(columns[task.partition]);
    const made = task.calls.map((call, i): Vector => {
      const out = (results[i] ?? 0) + first * 8;
      const values = columns[call.column]?.values ?? 0;
      const state = states[i] ?? 0;
      if (call.kind === 'ema') kernels.stream_ema(call.alpha, codes, values, rowCount, state, out);
      else if (call.average) kernels.stream_average(codes, values, rowCount, call.size, state, out);
      else kernels.stream_sum(codes, values, rowCount, call.size, state, out);
      return flatVector(FLOAT64, rowCount, out);
    });
    batches.push({ arena: kept.arena.id, rowCount, columns: made, owned: [] });
    first += rowCount;
    yield;
  }
  return { lanes: [{ lane: 0, output: { kind: 'batches', batches } }] };
}
