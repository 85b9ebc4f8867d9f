/** Runs logical plans: the door of the execution engine. */
import type { Kernels } from '../../../native-free/kernels.js';
import type { Arena } from '../../core/arena.js';
import type { OwnedBatch } from '../../core/batch.js';
import type { Environment } from '../../core/environment.js';
import { DbError } from '../../core/errors.js';
import type { QuerySettings } from '../../core/settings.js';
import type { Schema } from '../../core/types.js';
import type { LogicalPlan } from '../plan/logical.js';
import type { OperatorProfile } from './profile.js';
import type { WorkerPool } from './worker-pool.js';

export interface ExecutionOptions {
  readonly arena: Arena;
  readonly kernels: Kernels;
  readonly pool: WorkerPool;
  readonly settings: QuerySettings;
  readonly signal: AbortSignal;
  /** Statement start, what now() gives. */
  readonly nowNanoseconds: bigint;
  readonly timezone: string;
  /** Bytes that the query may hold beyond the pinned columns. */
  readonly memoryLimitBytes: number;
  readonly environment: Environment;
}

export interface PlanExecution {
  readonly schema: Schema;
  /** True when the order of the rows means something (ORDER BY, or the insertion order of one table). */
  readonly ordered: boolean;
  /**
   * Work begins with the first pull and goes on only as the consumer pulls. Each batch is released by the consumer; its bytes stay valid until
   * then, also after the end. return() cancels the rest. All other memory of the query is free when the iteration has ended.
   */
  readonly batches: AsyncIterable<OwnedBatch>;
  /** Rows read from tables so far, after pruning. */
  rowsScanned(): number;
  /** One entry per operator, in the order of describePhysical; final after the last batch. */
  profile(): readonly OperatorProfile[];
}

export function executePlan(plan: LogicalPlan, options: ExecutionOptions): PlanExecution {
  void options;
  throw new DbError('unsupported', `plans (${plan.kind}) are not executed yet`);
}

/** The lines of EXPLAIN: one per operator and detail, indented by depth. */
export function describePhysical(plan: LogicalPlan): readonly string[] {
  return [plan.kind];
}
