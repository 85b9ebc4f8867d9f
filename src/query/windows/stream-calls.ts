/**
 * Calls of windows whose rows come in order already: one pass over the rows with a state per partition, lanes of rows side by side
 * (kernels: native-free/assembly/window/rings.ts, exponential.ts). Partitions are the codes of a dictionary.
 */
import { bitmapBytes, flatVector, type Vector } from '../../core/batch.js';
import type { MemoryScope } from '../../core/memory-scope.js';
import { FLOAT64 } from '../../core/types.js';
import type { TaskRun } from '../execution/run-task.js';
import type { CollectedBatch, TaskResult, WindowAddTask, WindowPiece, WindowStreamTask, WindowTailsTask } from '../execution/task.js';
import type { EvaluationContext } from '../functions/contract.js';
import { addToTails, mergeTails, type RingCall, RingStream, ringCall, ringTailBytes } from './ring-calls.js';
import type { WindowCallSpec, WindowSpec } from './spec.js';

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

function streamCall(call: WindowCallSpec, spec: WindowSpec): StreamCall | undefined {
  if (call.filter >= 0 || call.distinct) return undefined;
  const [column = -1] = call.args;
  const isEma = call.function === 'ema' && !call.aggregate && column >= 0;
  return isEma ? { kind: 'ema', column, alpha: Number(call.constants[1]) } : ringCall(call, spec);
}

/** Bytes of what a lane says of one partition. */
export function tailBytes(call: StreamCall): number {
  return call.kind === 'ema' ? EMA_BYTES : ringTailBytes(call);
}

/** True when results need rows of lanes before; others are made without them, and what they leave is added. */
export function hasFrame(call: StreamCall): boolean {
  return call.kind === 'ring' && call.size > 1;
}

/** Partition of each row of a piece; 0 = all are of one. NULLs are the last partition. */
function codesOf(
  { partition, partitions }: Pick<WindowTailsTask, 'partition' | 'partitions'>,
  { columns, rowCount }: WindowPiece,
  { kernels, scratch }: EvaluationContext,
): number {
  const { values = 0, validity = 0 } = columns[partition] ?? {};
  if (validity === 0) return values;
  const codes = scratch.allocate(Math.max(64, rowCount * 4));
  kernels.asof_codes(values, validity, 0, partitions - 1, rowCount, codes);
  return codes;
}

export function hasNulls(pieces: readonly WindowPiece[], column: number): boolean {
  return pieces.some(({ columns }) => columns[column]?.validity !== 0);
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
    for (const piece of task.isLast ? [] : [...task.pieces].reverse()) {
      if (full >= task.partitions) break;
      run.check();
      context.scratch.reset();
      const codes = codesOf(task, piece, context);
      full = addToTails(call, piece.columns[call.column] as Vector, codes, task.partitions, full, address, context);
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
  context: Pick<EvaluationContext, 'kernels'>,
): readonly (readonly number[])[] {
  const { kernels } = context;
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
        if (call.kind === 'ring') mergeTails(call, before, said, partitions, out, context);
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
  const { context } = run;
  run.counters.enter(task.counter);
  const streams = task.calls.map((call, i) =>
    call.kind === 'ring' ? new RingStream(call, task.starts[i] ?? 0, task.partitions, run) : new EmaStream(call, task.partitions, run),
  );
  const batches: CollectedBatch[] = [];
  for (const piece of task.pieces) {
    run.check();
    context.scratch.reset();
    const codes = codesOf(task, piece, context);
    const made = streams.map((stream, i) => stream.next(piece.columns[task.calls[i]?.column ?? -1] as Vector, codes));
    batches.push({ arena: context.arena.id, rowCount: piece.rowCount, columns: made, owned: [] });
    yield;
  }
  const tails = streams.map((stream) => (stream instanceof EmaStream ? stream.states : 0));
  return { lanes: [{ lane: 0, output: { kind: 'batches', batches } }], tails };
}

/** Exponential averages of a lane, as if nothing came before it. */
class EmaStream {
  /** What is left to later lanes. */
  readonly states: number;
  private readonly alpha: number;
  private readonly run: TaskRun;

  constructor({ alpha }: EmaCall, partitions: number, run: TaskRun) {
    this.alpha = alpha;
    this.run = run;
    this.states = run.kept.allocateZeroed(Math.max(64, partitions * EMA_BYTES));
  }

  next({ values, validity, length }: Vector, codes: number): Vector {
    const { kept, context } = this.run;
    const out = kept.allocate(Math.max(64, length * 8));
    const present = validity === 0 ? 0 : kept.allocate(bitmapBytes(length));
    context.kernels.stream_ema(this.alpha, codes, values, validity, length, this.states, out, present);
    return flatVector(FLOAT64, length, out, present);
  }
}

/** Exponential averages begin anew in every lane; here is added what came before it. */
export function* runWindowAdd(task: WindowAddTask, run: TaskRun): Generator<void, Partial<TaskResult>> {
  const { kernels } = run.context;
  run.counters.enter(task.counter);
  for (const [i, call] of task.calls.entries()) {
    if (call.kind !== 'ema') continue;
    const nulls = hasNulls(task.pieces, call.column) ? 1 : 0;
    const added = run.temporary.allocate(Math.max(64, task.partitions * EMA_BYTES));
    let open = kernels.stream_ema_begin(task.starts[i] ?? 0, task.ends[i] ?? 0, nulls, task.partitions, added);
    for (const [at, piece] of task.pieces.entries()) {
      if (open === 0) break;
      run.check();
      run.context.scratch.reset();
      const { values = 0, validity = 0 } = task.results[at]?.[i] ?? {};
      const codes = codesOf(task, piece, run.context);
      const own = piece.columns[call.column]?.validity ?? 0;
      open = kernels.stream_ema_add(call.alpha, codes, own, piece.rowCount, added, open, values, validity);
      yield;
    }
  }
  return {};
}
