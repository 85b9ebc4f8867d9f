/** Runs logical plans: the door of the execution engine. */

import type { Kernels } from '../../../native-free/kernels.js';
import type { Arena } from '../../core/arena.js';
import type { OwnedBatch } from '../../core/batch.js';
import type { Storage } from '../../core/contracts.js';
import type { Environment } from '../../core/environment.js';
import type { QuerySettings } from '../../core/settings.js';
import type { StopSignal } from '../../core/stop-signal.js';
import type { Schema } from '../../core/types.js';
import type { LogicalPlan } from '../plan/logical.js';
import type { SpillSpace } from '../spill/spill-space.js';
import { Executor } from './executor.js';
import { idsOf } from './output-columns.js';
import { OperatorNodes, type OperatorProfile } from './profile.js';
import { QueryRun } from './query-run.js';
import { readsRecursion } from './recursion.js';
import { streamPipeline } from './stream.js';
import type { WorkerPool } from './worker-pool.js';

export { describePhysical } from './describe.js';

export interface ExecutionOptions {
  readonly arena: Arena;
  readonly kernels: Kernels;
  readonly pool: WorkerPool;
  readonly settings: QuerySettings;
  /** Aborting stops the work; the consumer gets the reason when it is a DbError, else `cancelled`. */
  readonly signal: StopSignal;
  /** Statement start, what now() gives. */
  readonly nowNanoseconds: bigint;
  readonly timezone: string;
  /** Bytes that the query may hold beyond the pinned columns. */
  readonly memoryLimitBytes: number;
  readonly environment: Environment;
  /** Who holds columns in the arena that may go when a query needs the room. */
  readonly memory?: Pick<Storage, 'room' | 'makeRoom'>;
  /** Where rows go that do not fit in memory; undefined: nowhere. */
  readonly spill?: SpillSpace | undefined;
}

export interface PlanExecution {
  readonly schema: Schema;
  /** True when the order of the rows means something (ORDER BY, or the insertion order of one table). */
  readonly ordered: boolean;
  /**
   * Work begins with the first pull and goes on only as the consumer pulls. Each batch is released by the consumer; its bytes stay valid until
   * then, also after the end. return() cancels the rest. When the iteration has ended and all batches are released, the query holds no memory.
   * Can be iterated once.
   */
  readonly batches: AsyncIterable<OwnedBatch>;
  /** Rows read from tables so far, after pruning. */
  rowsScanned(): number;
  /** One entry per operator, in the order of describePhysical; final after the last batch. */
  profile(): readonly OperatorProfile[];
}

export function executePlan(plan: LogicalPlan, options: ExecutionOptions): PlanExecution {
  const nodes = new OperatorNodes(plan);
  return {
    schema: schemaOf(plan),
    ordered: isOrdered(plan),
    batches: runPlan(plan, nodes, options),
    rowsScanned: () => nodes.rowsScanned(),
    profile: () => nodes.list.map((node) => node.profile()),
  };
}

/** Of plans that are run again and again, so that what is made of a schema can be kept with it; over other tables a plan keeps its columns. */
const schemas = new WeakMap<LogicalPlan['output'], Schema>();

function schemaOf({ output }: LogicalPlan): Schema {
  let schema = schemas.get(output);
  if (!schema) {
    schema = { fields: output.map(({ name, type, nullable }) => ({ name, type, nullable })) };
    schemas.set(output, schema);
  }
  return schema;
}

async function* runPlan(plan: LogicalPlan, nodes: OperatorNodes, options: ExecutionOptions): AsyncGenerator<OwnedBatch> {
  const run = new QueryRun(nodes, options);
  try {
    const executor = new Executor(run);
    const body = plan.kind === 'with' ? plan.input : plan;
    if (plan.kind === 'with') executor.relations.define(plan.relations, executor);
    // A limit at the top ends the stream instead of collecting.
    const limited = body.kind === 'limit' && !readsRecursion(body, executor) ? body : null;
    const input = limited ? limited.input : body;
    const pipeline = await executor.open(input);
    const counter = limited ? run.nodes.of(limited).counter : run.nodes.streamCounter;
    yield* streamPipeline(pipeline, idsOf(plan.output), limited?.limit ?? null, limited?.offset ?? 0, counter, run);
  } catch (error) {
    run.cancel();
    throw run.errorOf(error);
  } finally {
    run.release();
    await run.removeSpilled();
  }
}

/** Whether clients may rely on the order of rows. */
function isOrdered(plan: LogicalPlan): boolean {
  switch (plan.kind) {
    case 'scan':
    case 'values':
    case 'series':
    case 'file':
    case 'sort':
      return true;
    case 'filter':
    case 'project':
    case 'limit':
    case 'number':
    case 'cut':
    case 'with':
      return isOrdered(plan.input);
    default:
      return false;
  }
}
