/** ema, sessionize, state_duration: what goes on from position to position. */
import { bitmapBytes, flatVector, type Vector } from '../../core/batch.js';
import { FLOAT64, INTERVAL } from '../../core/types.js';
import { ticksPerSecond } from '../aggregates/series-rows.js';
import type { Stretch } from './frames.js';
import { positionMask } from './slide-calls.js';
import type { WindowCallSpec } from './spec.js';
import { ComputedCall, int64Result, type WindowComputation } from './window-call.js';
import type { WindowRows } from './window-rows.js';

abstract class RunningCall extends ComputedCall {
  protected readonly mask: number;
  protected readonly state: number;

  constructor(spec: WindowCallSpec, rows: WindowRows, required: readonly number[]) {
    super(spec, rows);
    this.mask = positionMask(spec, required, rows);
    this.state = rows.run.memory.allocateZeroed(64);
  }

  protected argument(index: number): number {
    return this.rows.values(this.spec.args[index] ?? -1);
  }

  /** One bit where a flag (uint8) is 1. */
  protected bits(flags: number, n: number): number {
    const { kernels, scratch } = this.rows.run.context;
    const validity = scratch.allocate(bitmapBytes(n));
    return kernels.bits_eq_u8(flags, 1, n, validity) === n ? 0 : validity;
  }
}

class EmaCall extends RunningCall {
  private readonly timed: boolean;
  private readonly weight: number;

  constructor(spec: WindowCallSpec, rows: WindowRows) {
    const timed = spec.function === 'ema_by';
    super(spec, rows, timed ? [0, 1] : [0]);
    this.timed = timed;
    this.weight = Number(spec.constants[timed ? 2 : 1] ?? Number.NaN);
  }

  protected compute({ first, n, low }: Stretch): Vector {
    const { kernels, scratch } = this.rows.run.context;
    const { mask, state, weight } = this;
    const out = scratch.allocate(n * 8);
    const flags = scratch.allocate(n);
    const x = this.argument(0);
    if (this.timed) kernels.running_ema_time(weight, x, this.argument(1), mask, low, first, n, state, out, flags);
    else kernels.running_ema(weight, x, mask, low, first, n, state, out, flags);
    return flatVector(FLOAT64, n, out, this.bits(flags, n));
  }
}

class SessionCall extends RunningCall {
  private readonly gap: number;

  constructor(spec: WindowCallSpec, rows: WindowRows) {
    super(spec, rows, [0]);
    this.gap = rows.run.memory.allocate(64);
    const { i64 } = rows.run.context.arena;
    i64[this.gap / 8] = BigInt((spec.constants[1] as bigint | null | undefined) ?? 0n);
  }

  protected compute({ first, n, low }: Stretch): Vector {
    const { kernels, scratch } = this.rows.run.context;
    const out = scratch.allocate(n * 8);
    kernels.running_sessions(this.gap, this.argument(0), this.mask, low, first, n, this.state, out);
    return int64Result(out, n, this.mask === 0 ? 0 : this.mask + first / 8);
  }
}

class StateCall extends RunningCall {
  private readonly held: number;
  private readonly perTick: number;

  constructor(spec: WindowCallSpec, rows: WindowRows) {
    super(spec, rows, [1]);
    const { memory, context } = rows.run;
    const { n } = rows;
    const condition = rows.column(spec.args[0] ?? -1);
    this.held = memory.allocateZeroed(Math.max(64, n));
    if (condition.type.kind === 'bool') {
      const bits = memory.allocate(bitmapBytes(n) + 64);
      context.kernels.mask_and(rows.column(spec.args[0] ?? -1).values, condition.validity, n, bits);
      context.kernels.expand_bits(bits, n, this.held);
    }
    this.perTick = memory.allocate(64);
    context.arena.i64[this.perTick / 8] = 1_000_000_000n / BigInt(ticksPerSecond(spec.argTypes[1]));
  }

  protected compute({ first, n, low }: Stretch): Vector {
    const { kernels, scratch } = this.rows.run.context;
    const ticks = scratch.allocate(n * 8);
    const flags = scratch.allocate(n);
    kernels.running_time_in(this.held, this.argument(1), this.mask, low, first, n, this.state, ticks, flags);
    const out = scratch.allocate(n * 16);
    kernels.interval_from_ticks(ticks, 1, this.perTick, n, out, 0);
    return flatVector(INTERVAL, n, out, this.bits(flags, n));
  }
}

export function runningCall(spec: WindowCallSpec, rows: WindowRows): WindowComputation | undefined {
  switch (spec.function) {
    case 'ema':
    case 'ema_by':
      return new EmaCall(spec, rows);
    case 'sessionize':
      return new SessionCall(spec, rows);
    case 'state_duration':
      return new StateCall(spec, rows);
    default:
      return undefined;
  }
}
