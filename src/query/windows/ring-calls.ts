/**
 * Sums and averages over the last rows of a partition, whose rows come in order: a ring of values per partition
 * (kernels: native-free/assembly/window/rings.ts). Whole numbers and decimals are summed exactly.
 */
import { bitmapBytes, flatVector, type Vector } from '../../core/batch.js';
import type { MemoryScope } from '../../core/memory-scope.js';
import { type DataType, FLOAT64, INT64, isInteger } from '../../core/types.js';
import { aggregateFunction } from '../aggregates/registry.js';
import type { TaskRun } from '../execution/run-task.js';
import { castNumber } from '../expression/cast-number.js';
import type { MoveContext } from '../expression/gather.js';
import type { EvaluationContext } from '../functions/contract.js';
import type { WindowCallSpec, WindowSpec } from './spec.js';

/** Rows of a frame up to which a ring per partition is worth it. */
const LONGEST_RING = 4096;

/** Digits up to which so many decimals can be summed in 38. */
const MOST_DIGITS = 34;

export interface RingCall {
  readonly kind: 'ring';
  readonly spec: WindowCallSpec;
  readonly column: number;
  /** Rows of a frame. */
  readonly size: number;
  /** What values are summed as. */
  readonly values: 'float' | 'int64' | 'int128';
  /** True when a value anywhere is NULL. */
  readonly nulls: boolean;
}

export function ringCall(spec: WindowCallSpec, { frames }: WindowSpec): RingCall | undefined {
  const [column = -1] = spec.args;
  const [type] = spec.argTypes;
  const values = type && valuesOf(type);
  if (!values || column < 0 || !spec.aggregate || (spec.function !== 'avg' && spec.function !== 'sum')) return undefined;
  const frame = frames[spec.frame];
  if (frame?.unit !== 'rows' || frame.exclude !== 'none' || frame.end.kind !== 'current') return undefined;
  const { start } = frame;
  const before = start.kind === 'count' && !start.following ? start.count : start.kind === 'current' ? 0 : LONGEST_RING;
  return before >= LONGEST_RING ? undefined : { kind: 'ring', spec, column, size: before + 1, values, nulls: false };
}

function valuesOf(type: DataType): RingCall['values'] | undefined {
  if (type.kind === 'float64' || type.kind === 'float32') return 'float';
  if (type.kind === 'decimal') return type.precision <= MOST_DIGITS ? 'int128' : undefined;
  if (type.kind === 'uint64') return 'int128';
  return isInteger(type) ? 'int64' : undefined;
}

function widthOf({ values }: RingCall): number {
  return values === 'int128' ? 16 : 8;
}

/** The column as the kernels sum it. */
function widened(call: RingCall, vector: Vector, context: MoveContext): Vector {
  if (call.values === 'float') return castNumber(vector, FLOAT64, false, context);
  if (call.values === 'int64') return castNumber(vector, INT64, false, context);
  return vector.type.kind === 'decimal' ? vector : castNumber(vector, { kind: 'decimal', precision: 38, scale: 0 }, false, context);
}

/** Bytes of a partition's tail: its last size − 1 rows, with flags. */
export function ringTailBytes(call: RingCall): number {
  const most = call.size - 1;
  return 8 + most * widthOf(call) + Math.ceil(most / 8) * 8;
}

function ringBytes(call: RingCall): number {
  return 32 + (call.size + 1) * widthOf(call) + Math.ceil(call.size / 8) * 8;
}

/** Adds a piece's rows to tails, of which `full` are full; returns how many are now. */
export function addToTails(
  call: RingCall,
  vector: Vector,
  codes: number,
  partitions: number,
  full: number,
  tails: number,
  context: EvaluationContext,
): number {
  const { values, validity, length } = widened(call, vector, context);
  const kernel = widthOf(call) === 16 ? context.kernels.stream_tails_16 : context.kernels.stream_tails_8;
  return kernel(codes, values, validity, length, call.size - 1, partitions, full, tails);
}

export function mergeTails(
  call: RingCall,
  before: number,
  behind: number,
  partitions: number,
  out: number,
  { kernels }: Pick<EvaluationContext, 'kernels'>,
): void {
  kernels.stream_merge_tails(widthOf(call), before, behind, partitions, call.size - 1, out);
}

/** Makes the call's column of one piece of a lane after the other; start: tails of the rows before, 0 = there are none. */
export class RingStream {
  private readonly call: RingCall;
  private readonly nulls: number;
  private readonly rings: number;
  private readonly run: TaskRun;

  constructor(call: RingCall, start: number, partitions: number, run: TaskRun) {
    this.call = call;
    this.nulls = call.nulls ? 1 : 0;
    this.run = run;
    this.rings = run.temporary.allocate(Math.max(64, partitions * ringBytes(call)));
    run.context.kernels.stream_rings(call.values === 'float' ? 1 : 0, widthOf(call), start, partitions, call.size, this.rings);
  }

  next(vector: Vector, codes: number): Vector {
    const { context, kept } = this.run;
    const { call } = this;
    const wide = widened(call, vector, context);
    return call.values === 'float' ? this.floats(wide, codes, kept) : this.wholes(wide, codes, kept);
  }

  private floats({ values, validity, length }: Vector, codes: number, kept: MemoryScope): Vector {
    const { call, nulls, rings } = this;
    const out = kept.allocate(Math.max(64, length * 8));
    const present = nulls === 0 ? 0 : kept.allocate(bitmapBytes(length));
    const average = call.spec.function === 'avg' ? 1 : 0;
    this.run.context.kernels.stream_floats(nulls, average, codes, values, validity, length, call.size, rings, out, present);
    return flatVector(FLOAT64, length, out, present);
  }

  private wholes({ values, validity, length }: Vector, codes: number, kept: MemoryScope): Vector {
    const { call, nulls, rings, run } = this;
    const { context } = run;
    const { kernels, scratch, arena } = context;
    const { spec } = call;
    const sums = (spec.type.kind === 'decimal' ? kept : scratch).allocate(Math.max(64, length * 16));
    const counts = scratch.allocate(Math.max(64, length * 8));
    const kernel = call.values === 'int64' ? kernels.stream_i64 : kernels.stream_i128;
    kernel(nulls, codes, values, validity, length, call.size, rings, sums, counts);
    const recipe = aggregateFunction(spec.function)?.recipe(spec.argTypes);
    if (!recipe) throw new Error(`${spec.function} is an aggregate`);
    return recipe.finish({
      arena,
      kernels,
      context,
      memory: kept,
      groupCount: length,
      type: spec.type,
      counts,
      present: 0,
      slots: [{ parts: [sums, scratch.allocateZeroed(Math.max(64, length))], texts: null, list: null }],
      constants: spec.constants,
      position: spec.position,
    });
  }
}
