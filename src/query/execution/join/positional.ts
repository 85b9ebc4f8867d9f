/** POSITIONAL JOIN: both sides are whole in memory; the shorter one's missing rows are NULLs. */
import { assert } from '../../../core/assert.js';
import type { Batch } from '../../../core/batch.js';
import type { PositionalPlan } from '../../plan/logical.js';
import { padded } from '../cut-batch.js';
import type { Executor } from '../executor.js';
import { idsOf } from '../output-columns.js';
import type { Pipeline } from '../sources.js';

export async function openPositional(plan: PositionalPlan, executor: Executor): Promise<Pipeline> {
  const { run } = executor;
  const { counter, sourceCounter } = run.nodes.of(plan);
  const sides: { readonly batch: Batch; readonly count: number }[] = [];
  for (const side of [plan.left, plan.right]) {
    const ids = idsOf(side.output);
    const collected = await executor.collect(await executor.open(side), { kind: 'collect', ids, limit: null, copy: false, counter });
    const batches = collected.batches.map(({ arena, rowCount, columns }) => ({ arena, rowCount, columns }));
    const count = batches.reduce((sum, batch) => sum + batch.rowCount, 0);
    const types = side.output.map((column) => column.type);
    const task = { kind: 'sort', frame: run.frame, ids, types, batches, keys: [], limit: null } as const;
    const { batch } = await run.run(task, run.runsHere(count));
    assert(batch, 'rows of one side');
    collected.release();
    sides.push({ batch, count });
  }
  const rowCount = Math.max(...sides.map((side) => side.count));
  const columns = sides.flatMap(({ batch, count }) => (count === rowCount ? batch.columns : padded(batch.columns, count, rowCount, run)));
  return executor.batchPipeline({ arena: run.scope.arena.id, rowCount, columns }, plan.output, sourceCounter);
}
