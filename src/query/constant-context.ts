/** What expressions without columns are evaluated with, before a plan runs. */
import type { Kernels } from '../../native-free/kernels.js';
import type { Arena } from '../core/arena.js';
import type { Scratch } from '../core/memory-scope.js';
import type { EvaluationContext } from './functions/contract.js';

export class ConstantContext implements EvaluationContext {
  readonly arena: Arena;
  readonly kernels: Kernels;
  readonly scratch: Scratch;
  readonly timezone: string;
  /** How often the statement's start was read: a plan that holds it is not kept. */
  clockReads = 0;
  private readonly now: bigint;

  constructor(arena: Arena, kernels: Kernels, scratch: Scratch, timezone: string, now: bigint) {
    this.arena = arena;
    this.kernels = kernels;
    this.scratch = scratch;
    this.timezone = timezone;
    this.now = now;
  }

  get nowNanoseconds(): bigint {
    this.clockReads += 1;
    return this.now;
  }
}
