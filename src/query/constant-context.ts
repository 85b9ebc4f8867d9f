/** What expressions without columns are evaluated with, before a plan runs. */
import type { Kernels } from '../../native-free/kernels.js';
import type { Arena } from '../core/arena.js';
import type { Environment } from '../core/environment.js';
import { DbError } from '../core/errors.js';
import type { Scratch } from '../core/memory-scope.js';
import type { EvaluationContext } from './functions/contract.js';

/** Constants are computed while a statement is planned, which nothing can interrupt; longer ones become part of the query, or are errors. */
const LONGEST_MICROSECONDS = 25_000;

export class ConstantContext implements EvaluationContext {
  readonly arena: Arena;
  readonly kernels: Kernels;
  readonly scratch: Scratch;
  readonly timezone: string;
  /** How often the statement's start was read: a plan that holds it is not kept. */
  clockReads = 0;
  private readonly now: bigint;
  private readonly environment: Pick<Environment, 'monotonicMicroseconds'>;
  private begin: number | undefined;

  constructor(
    arena: Arena,
    kernels: Kernels,
    scratch: Scratch,
    timezone: string,
    now: bigint,
    environment: Pick<Environment, 'monotonicMicroseconds'>,
  ) {
    this.arena = arena;
    this.kernels = kernels;
    this.scratch = scratch;
    this.timezone = timezone;
    this.now = now;
    this.environment = environment;
  }

  /** Fails with `timeout` when the constant takes long. */
  check(): void {
    const now = this.environment.monotonicMicroseconds();
    this.begin ??= now;
    if (now - this.begin > LONGEST_MICROSECONDS) throw new DbError('timeout', 'a constant of the statement takes too long to compute');
  }

  get nowNanoseconds(): bigint {
    this.clockReads += 1;
    return this.now;
  }
}
