/** Files as sources: their rows are decoded into the query's memory before the pipeline runs. */
import type { Batch } from '../../../core/batch.js';
import { MemoryScope } from '../../../core/memory-scope.js';
import type { FilePlan } from '../../plan/logical.js';
import type { Executor } from '../executor.js';
import type { Pipeline } from '../sources.js';

/** Fails with `query_memory_exceeded` when the rows do not fit. */
export async function openFile(plan: FilePlan, executor: Executor): Promise<Pipeline> {
  const { run } = executor;
  const { arena, limitBytes, budget } = run.scope;
  const batches: Batch[] = [];
  for await (const batch of plan.source.read(plan.columnIndexes, () => new MemoryScope(arena, limitBytes, budget))) {
    run.hold(batch);
    batches.push({ arena: batch.arena, rowCount: batch.rowCount, columns: batch.columns });
    run.check();
  }
  return executor.batchesPipeline(batches, plan.output, run.nodes.of(plan).counter);
}
