/** LIMIT whose bounds are known to the run only: expressions, shares, counts from the end, WITH TIES. */
import type { Batch } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { valueAt } from '../../core/values.js';
import { evaluate } from '../expression/evaluate.js';
import type { ColumnId } from '../plan/expression.js';
import type { CutPlan } from '../plan/logical.js';
import { GroupTable } from './aggregate/group-table.js';
import { trimmed } from './cut-batch.js';
import type { Executor } from './executor.js';
import { idsOf } from './output-columns.js';
import type { QueryRun } from './query-run.js';
import { chunkOf } from './sort/top-sink.js';
import type { Pipeline } from './sources.js';
import type { CollectedBatch } from './task.js';

interface Bounds {
  readonly count: number | null;
  readonly offset: number;
}

export async function openCut(plan: CutPlan, executor: Executor): Promise<Pipeline> {
  const { run } = executor;
  const { counter, sourceCounter } = run.nodes.of(plan);
  const bounds = await readBounds(plan, executor);
  const ids = idsOf(plan.input.output);
  const input = await executor.open(plan.input);
  const isPlain = plan.unit === 'rows' && plan.ties.length === 0 && (bounds.count ?? 0) >= 0 && bounds.offset >= 0;
  if (isPlain) {
    const kept = await executor.collectLimited(input, ids, bounds.count, bounds.offset, counter);
    return executor.batchesPipeline(kept, plan.output, sourceCounter);
  }
  const { batches } = await executor.collect(input, { kind: 'collect', ids, limit: null, copy: false, counter });
  const total = batches.reduce((sum, batch) => sum + batch.rowCount, 0);
  const [first, end] = rangeOf(plan, bounds, total);
  const last = plan.ties.length > 0 && end > first ? endOfTies(plan, batches, ids, end, run) : end;
  return executor.batchesPipeline(trimmed(batches, first, Math.max(0, last - first), run), plan.output, sourceCounter);
}

async function readBounds(plan: CutPlan, executor: Executor): Promise<Bounds> {
  const { run } = executor;
  const sink = { kind: 'collect', ids: idsOf(plan.bounds.output), limit: 2, copy: false, counter: run.nodes.streamCounter } as const;
  const { batches } = await executor.collect(await executor.open(plan.bounds), sink);
  const batch = batches.find((each) => each.rowCount > 0);
  const read = (id: ColumnId | null): number | null => {
    const vector = batch?.columns[plan.bounds.output.findIndex((column) => column.id === id)];
    const value = vector ? valueAt(run.scope.arena, vector, 0) : null;
    return value === null ? null : Number(value);
  };
  return checked(plan, read(plan.count), read(plan.offset));
}

function checked(plan: CutPlan, count: number | null, offset: number | null): Bounds {
  const { position } = plan;
  if (plan.unit === 'range') return { count: count ?? Number.POSITIVE_INFINITY, offset: offset ?? 0 };
  if (plan.unit === 'percent' && count !== null && !(count >= 0 && count <= 100)) {
    throw new DbError('invalid_value', `LIMIT takes 0 to 100 percent, not ${count}`, { position });
  }
  const isFromEnd = count !== null && count < 0;
  if (offset !== null && offset < 0 && !isFromEnd) throw new DbError('invalid_value', 'OFFSET may not be negative', { position });
  return { count, offset: offset ?? 0 };
}

/** Rows [first, end) of the total. */
function rangeOf(plan: CutPlan, { count, offset }: Bounds, total: number): readonly [number, number] {
  const within = (row: number) => Math.min(total, Math.max(0, row));
  if (plan.unit === 'range') {
    const fromEnd = (row: number) => within(row < 0 ? total + row : row);
    return [fromEnd(offset), fromEnd(count ?? total)];
  }
  const first = within(offset < 0 ? 0 : offset);
  if (plan.unit === 'percent') {
    const rows = count === null ? total : Math.floor((total * count) / 100);
    return [first, within(first + rows)];
  }
  if (count === null) return [first, total];
  if (count >= 0) return [first, within(first + count)];
  const end = offset < 0 ? within(total + offset) : total;
  return [Math.max(first, end + count), end];
}

/** The end of the rows that are equal to row end − 1 by the keys. */
function endOfTies(plan: CutPlan, batches: readonly CollectedBatch[], ids: readonly ColumnId[], end: number, run: QueryRun): number {
  const types = plan.ties.map((key) => key.expression.type);
  const table = new GroupTable(types, run.scope, run.options.kernels);
  let start = 0;
  for (const batch of batches) {
    const stop = start + batch.rowCount;
    if (stop >= end) {
      const tied = tiedRows(plan, batch, ids, table, Math.max(0, end - 1 - start), run);
      if (tied < batch.rowCount) return start + tied;
    }
    start = stop;
  }
  return start;
}

/** The first row from `from` on that is not in the table's only group, which the first row of all makes. */
function tiedRows(plan: CutPlan, batch: Batch, ids: readonly ColumnId[], table: GroupTable, from: number, run: QueryRun): number {
  const { context } = run;
  run.check();
  const rows = trimmed([{ ...batch, owned: [] }], from, batch.rowCount - from, run)[0];
  if (!rows) return batch.rowCount;
  const mark = context.scratch.mark();
  const chunk = chunkOf(rows, ids);
  const keys = plan.ties.map((key) => evaluate(key.expression, chunk, context));
  const groups = table.assign(keys, 0, rows.rowCount, context) / 4;
  let tied = 0;
  while (tied < rows.rowCount && context.arena.u32[groups + tied] === 0) tied += 1;
  context.scratch.rewind(mark);
  return from + tied;
}
