/**
 * Calls of windows whose rows come in order already: one pass over the rows with a state per partition, lanes of rows side by side
 * (kernels: native-free/assembly/window/stream.ts, exponential.ts). Partitions are the codes of a dictionary.
 */
import { bitmapBytes, flatVector, type Vector } from '../../core/batch.js';
import type { MemoryScope } from '../../core/memory-scope.js';
import { FLOAT64 } from '../../core/types.js';
import type { TaskRun } from '../execution/run-task.js';
import type { CollectedBatch, TaskResult, WindowAddTask, WindowStreamTask, WindowTailsTask } from '../execution/task.js';
import type { EvaluationContext } from '../functions/contract.js';
import type { WindowCallSpec, WindowSpec } from './spec.js';

/** Rows of a frame up to which a ring per partition is worth it. */
const LONGEST_RING = 4096;

/** Sums or averages of the last `size` rows. */
export interface RingCall {
  readonly kind: 'ring';
  readonly column: number;
  readonly average: boolean;
  readonly size: number;
}

export interface EmaCall {
  readonly kind: 'ema';
  readonly column: number;
  readonly alpha: number;
}

export type StreamCall = RingCall | EmaCall;

/** Bytes of the state of an exponential average. */
const EMA_BYTES = 24;

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
  return call.kind === 'ema' ? EMA_BYTES : call.size * 8;
}

/** True when results need rows of lanes before; others are made without them, and what they leave is added. */
export function hasFrame(call: StreamCall): boolean {
  return call.kind === 'ring' && call.size > 1;
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
    if (call.kind !== 'ring' || !hasFrame(call)) {
      tails.push(0);
      continue;
    }
    const address = kept.allocateZeroed(Math.max(64, task.partitions * tailBytes(call)));
    tails.push(address);
    let full = 0;
    for (const { columns, rowCount } of task.isLast ? [] : [...task.pieces].reverse()) {
      if (full >= task.partitions) break;
      const values = columns[call.column]?.values ?? 0;
      full = kernels.stream_tails(codesOf(columns[task.partition]), values, rowCount, call.size - 1, task.partitions, full, address);
      yield;
    }
  }
  return { tails };
}

/** What every lane begins with, from what the lanes have left: addresses by lane and call, 0 for calls that have left nothing. */
export function startsOfLanes(
  calls: readonly StreamCall[],
  lanes: readonly (readonly number[])[],
  partitions: number,
  memory: MemoryScope,
  { kernels }: Pick<EvaluationContext, 'kernels'>,
): readonly (readonly number[])[] {
  const starts: number[][] = [];
  lanes.forEach((own, lane) => {
    starts.push(
      calls.map((call, i) => {
        if (!own[i]) return 0;
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

/** The calls' columns beside the rows of a lane, and what it leaves where that was not known before. */
export function* runWindowStream(task: WindowStreamTask, run: TaskRun): Generator<void, Partial<TaskResult>> {
  const { context, kept } = run;
  run.counters.enter(task.counter);
  const rows = task.pieces.reduce((sum, piece) => sum + piece.rowCount, 0);
  const streams = task.calls.map((call, i) => {
    const results = kept.allocate(Math.max(64, rows * 8));
    return call.kind === 'ring' ? ringStream(call, task.starts[i] ?? 0, task, results, run) : emaStream(call, task, results, run);
  });
  const batches: CollectedBatch[] = [];
  let first = 0;
  for (const { columns, rowCount } of task.pieces) {
    run.check();
    const codes = codesOf(columns[task.partition]);
    const made = streams.map(({ next }, i) => next(columns[task.calls[i]?.column ?? -1] as Vector, codes, first));
    batches.push({ arena: context.arena.id, rowCount, columns: made, owned: [] });
    first += rowCount;
    yield;
  }
  return { lanes: [{ lane: 0, output: { kind: 'batches', batches } }], tails: streams.map(({ end }) => end) };
}

/** Makes a call's column of one piece after the other. */
interface Stream {
  /** The results of the rows from `first` on of the lane. */
  next(values: Vector, codes: number, first: number): Vector;
  /** Address of what is left to later lanes at the end; 0 = nothing. */
  readonly end: number;
}

function ringStream(call: RingCall, start: number, { partitions }: WindowStreamTask, results: number, run: TaskRun): Stream {
  const { kernels } = run.context;
  const { size, average } = call;
  const rings = run.temporary.allocate(Math.max(64, partitions * (size * 8 + 24)));
  kernels.stream_rings(start, partitions, size, rings);
  return {
    end: 0,
    next: ({ values, length }, codes, first) => {
      const out = results + first * 8;
      if (average) kernels.stream_average(codes, values, length, size, rings, out);
      else kernels.stream_sum(codes, values, length, size, rings, out);
      return flatVector(FLOAT64, length, out);
    },
  };
}

function emaStream({ alpha }: EmaCall, { partitions }: WindowStreamTask, results: number, run: TaskRun): Stream {
  const { kernels } = run.context;
  const states = run.kept.allocateZeroed(Math.max(64, partitions * EMA_BYTES));
  return {
    end: states,
    next: ({ values, validity, length }, codes, first) => {
      const out = results + first * 8;
      const present = validity === 0 ? 0 : run.kept.allocate(bitmapBytes(length));
      kernels.stream_ema(alpha, codes, values, validity, length, states, out, present);
      return flatVector(FLOAT64, length, out, present);
    },
  };
}

/** Exponential averages begin anew in every lane; here is added what came before it. */
export function* runWindowAdd(task: WindowAddTask, run: TaskRun): Generator<void, Partial<TaskResult>> {
  const { kernels } = run.context;
  run.counters.enter(task.counter);
  for (const [i, call] of task.calls.entries()) {
    if (call.kind !== 'ema') continue;
    const nulls = task.pieces.some(({ columns }) => columns[call.column]?.validity !== 0) ? 1 : 0;
    const added = run.temporary.allocate(Math.max(64, task.partitions * EMA_BYTES));
    let open = kernels.stream_ema_begin(task.starts[i] ?? 0, task.ends[i] ?? 0, nulls, task.partitions, added);
    for (const [at, { columns, rowCount }] of task.pieces.entries()) {
      if (open === 0) break;
      run.check();
      const { values = 0, validity = 0 } = task.results[at]?.[i] ?? {};
      const codes = codesOf(columns[task.partition]);
      open = kernels.stream_ema_add(call.alpha, codes, columns[call.column]?.validity ?? 0, rowCount, added, open, values, validity);
      yield;
    }
  }
  return {};
}
