/** Window nodes: computed over all their rows in memory or, when they do not fit there, partition after partition with the disk. */
import type { WindowPlan } from '../../plan/logical.js';
import { inParts, type PartedStage } from '../../spill/partition.js';
import { SpooledRows } from '../../spill/spooled.js';
import { inMemoryElse, mayBeMany } from '../../spill/waves.js';
import type { Executor } from '../executor.js';
import { columnOf, idsOf } from '../output-columns.js';
import { ascendingColumn } from '../sort/known-order.js';
import { type Pipeline, withOperator } from '../sources.js';
import { computeWindows, type PreparedWindows, prepareWindows } from './window-stage.js';

export async function openWindow(plan: WindowPlan, executor: Executor): Promise<Pipeline> {
  const { run } = executor;
  const prepared = prepareWindows(plan, run, () => executor.newId());
  const opened = await executor.open(prepared.input);
  const { ids, expressions, node } = prepared;
  const rows = prepared.computes ? withOperator(opened, { kind: 'project', ids, expressions, counter: node.counter }) : opened;
  if (!mayBeMany(rows, run)) return windowsOf(plan, prepared, rows, executor);
  return inMemoryElse(
    run,
    (part) => windowsOf(plan, prepared, rows, executor.within(part)),
    () => windowsOnDisk(plan, prepared, rows, executor),
  );
}

async function windowsOf(plan: WindowPlan, prepared: PreparedWindows, rows: Pipeline, executor: Executor): Promise<Pipeline> {
  const { ids, node } = prepared;
  const { batches } = await executor.collect(rows, { kind: 'collect', ids, limit: null, copy: false, counter: node.sourceCounter });
  return executor.batchesPipeline(await computeWindows(prepared, batches, executor.run), plan.output, node.sourceCounter);
}

async function windowsOnDisk(plan: WindowPlan, prepared: PreparedWindows, rows: Pipeline, executor: Executor): Promise<Pipeline> {
  const { run } = executor;
  const { ids, expressions, node } = prepared;
  const common = commonPartition(prepared);
  // One partition is all rows; there may be more room than before.
  if (common.length === 0) return windowsOf(plan, prepared, rows, executor);
  const columns = expressions.map(({ type, nullable }, i) => ({ id: ids[i] ?? -1, name: '', type, nullable }));
  const keys = common.flatMap((place) => columns[place] ?? []).map(columnOf);
  const result = new SpooledRows(idsOf(plan.output), run);
  const stage: PartedStage = {
    inputs: [{ pipeline: rows, columns, keys }],
    run: ([part], partRun) => windowsOf(plan, prepared, part as Pipeline, executor.within(partRun)),
    counter: node.counter,
    newId: () => executor.newId(),
  };
  await inParts(stage, result, run);
  return inKnownOrder(plan, result.pipeline(node.sourceCounter), executor);
}

/** Columns by which every one of the windows is partitioned. */
function commonPartition({ windows }: PreparedWindows): readonly number[] {
  const [first = [], ...others] = windows.map(({ spec, places }) => spec.partition.map((column) => places[column] ?? -1));
  return first.filter((place) => others.every((partition) => partition.includes(place)));
}

/** What is above a window may count on rows that come in the order of time. */
function inKnownOrder(plan: WindowPlan, rows: Pipeline, executor: Executor): Promise<Pipeline> | Pipeline {
  const ascending = ascendingColumn(plan);
  const column = plan.output.find(({ id }) => id === ascending);
  if (!column) return rows;
  const key = { expression: columnOf(column), descending: false, nullsFirst: false };
  return executor.sortPipeline(rows, plan.output, [key], null, executor.run.nodes.streamCounter);
}
