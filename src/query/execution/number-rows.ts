/** Numbers rows, among all or among those with equal keys: rows are collected in order, and every batch gets one more column. */
import { type Batch, flatVector, type Vector } from '../../core/batch.js';
import type { MemoryScope } from '../../core/memory-scope.js';
import { INT64 } from '../../core/types.js';
import { yieldToOthers } from '../../core/yield-to-others.js';
import { evaluate } from '../expression/evaluate.js';
import type { EvaluationContext } from '../functions/contract.js';
import type { NumberPlan } from '../plan/logical.js';
import { GroupTable } from './aggregate/group-table.js';
import type { Executor } from './executor.js';
import { idsOf } from './output-columns.js';
import { chunkOf } from './sort/top-sink.js';
import type { Pipeline } from './sources.js';

const SLICE_MS = 8;

export async function openNumbered(plan: NumberPlan, executor: Executor): Promise<Pipeline> {
  const { run } = executor;
  const { counter, sourceCounter } = run.nodes.of(plan);
  const ids = idsOf(plan.input.output);
  const input = await executor.open(plan.input);
  const { batches } = await executor.collect(input, { kind: 'collect', ids, limit: null, copy: false, counter });
  const numbers = plan.keys.length === 0 ? null : new KeyNumbers(plan, run.scope, run.context);
  const out: Batch[] = [];
  let first = 0;
  let sliceEnd = performance.now() + SLICE_MS;
  for (const batch of batches) {
    run.check();
    const column = numbers ? numbers.of(batch, ids) : consecutive(first, batch.rowCount, run.scope);
    first += batch.rowCount;
    out.push({ arena: batch.arena, rowCount: batch.rowCount, columns: [...batch.columns, column] });
    if (performance.now() < sliceEnd) continue;
    await yieldToOthers();
    sliceEnd = performance.now() + SLICE_MS;
  }
  return executor.batchesPipeline(out, plan.output, sourceCounter);
}

/** Rows of a table are far below 2^53, so a float's arithmetic gives both halves of the int64. */
function consecutive(first: number, rowCount: number, scope: MemoryScope): Vector {
  const values = scope.allocate(Math.max(64, rowCount * 8));
  const { u32 } = scope.arena;
  for (let row = 0, at = values / 4; row < rowCount; row++, at += 2) {
    const number = first + row + 1;
    u32[at] = number;
    u32[at + 1] = Math.floor(number / 2 ** 32);
  }
  return flatVector(INT64, rowCount, values);
}

/** How many rows each group of keys has had. */
class KeyNumbers {
  private readonly plan: NumberPlan;
  private readonly scope: MemoryScope;
  private readonly context: EvaluationContext;
  private readonly table: GroupTable;
  private counts = 0;
  private capacity = 0;

  constructor(plan: NumberPlan, scope: MemoryScope, context: EvaluationContext) {
    this.plan = plan;
    this.scope = scope;
    this.context = context;
    this.table = new GroupTable(
      plan.keys.map((key) => key.type),
      scope,
      context.kernels,
    );
  }

  of(batch: Batch, ids: readonly number[]): Vector {
    const { context, scope, table } = this;
    const mark = context.scratch.mark();
    const chunk = chunkOf(batch, ids);
    const keys = this.plan.keys.map((key) => evaluate(key, chunk, context));
    const groups = table.assign(keys, 0, batch.rowCount, context) / 4;
    this.reserve(table.groupCount);
    const values = scope.allocate(Math.max(64, batch.rowCount * 8));
    const { u32 } = context.arena;
    const counts = this.counts / 4;
    for (let row = 0, at = values / 4; row < batch.rowCount; row++, at += 2) {
      const slot = counts + (u32[groups + row] ?? 0);
      const number = (u32[slot] ?? 0) + 1;
      u32[slot] = number;
      u32[at] = number;
      u32[at + 1] = 0;
    }
    context.scratch.rewind(mark);
    return flatVector(INT64, batch.rowCount, values);
  }

  private reserve(groups: number): void {
    if (groups <= this.capacity) return;
    const capacity = Math.max(1024, 2 * this.capacity, groups);
    const counts = this.scope.allocateZeroed(capacity * 4);
    if (this.counts !== 0) {
      this.context.kernels.copy_bytes(counts, this.counts, this.capacity * 4);
      this.scope.free(this.counts);
    }
    this.counts = counts;
    this.capacity = capacity;
  }
}
