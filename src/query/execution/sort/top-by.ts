/**
 * The first rows of each group in an order: at least those that fewer than `limit` rows come before by the first key, so that whoever asked
 * (a window, a sort, an aggregate over it) finds what it wants among few rows.
 *
 * Rows are looked at twice. On the way in each thread drops what cannot be wanted, for what it has seen; then all that is left is offered once
 * more, and exactly the wanted rows stay, in the order in which they came: they do not depend on threads.
 */
import { assert } from '../../../core/assert.js';
import { bitmapBytes } from '../../../core/batch.js';
import type { MemoryScope } from '../../../core/memory-scope.js';
import { evaluate } from '../../expression/evaluate.js';
import { toFlat } from '../../expression/gather.js';
import type { EvaluationContext } from '../../functions/contract.js';
import type { Expression } from '../../plan/expression.js';
import type { TopByPlan } from '../../plan/logical.js';
import { GroupTable } from '../aggregate/group-table.js';
import { type Chunk, mayFail } from '../chunk.js';
import type { Executor } from '../executor.js';
import { GrowingArray } from '../growing-array.js';
import type { Emit, Operator } from '../operators.js';
import { idsOf } from '../output-columns.js';
import type { TaskRun } from '../run-task.js';
import { concatenate } from '../sinks.js';
import { sliceVector } from '../slice-vector.js';
import { type Pipeline, pieceUnit, sourcePipeline, withOperator } from '../sources.js';
import type { OrderSpec, TaskResult, TopByTask, TopFilterSpec } from '../task.js';
import { narrowOrderKey } from './sort-rows.js';
import { chunkOf } from './top-sink.js';

/** Bytes of heaps beyond which nothing is dropped any more. */
const MOST_HEAP_BYTES = 128 * 1024 * 1024;

/** Rows after which a filter that drops next to none gives up, when its groups have been full for long. */
const PROBATION_ROWS = 65_536;
const WORTHWHILE = 0.9;

/** Collects what the filters leave, and cuts it. */
export async function openTopBy(plan: TopByPlan, executor: Executor): Promise<Pipeline> {
  const { run } = executor;
  const { counter } = run.nodes.of(plan);
  const ids = idsOf(plan.output);
  const types = plan.output.map((column) => column.type);
  const { keys, order, limit } = plan;
  const filtered = withOperator(await executor.open(plan.input), { kind: 'top_filter', keys, order, limit, counter });
  const collected = await executor.collect(filtered, { kind: 'collect', ids, limit: null, copy: false, counter });
  const batches = collected.batches.map(({ arena, rowCount, columns }) => ({ arena, rowCount, columns }));
  const rows = batches.reduce((sum, batch) => sum + batch.rowCount, 0);
  const task: TopByTask = { kind: 'top_by', frame: run.frame, ids, types, batches, keys, order, limit };
  const { batch, order: kept } = await run.run(task, run.runsHere(rows));
  assert(batch && kept, 'the first rows of groups');
  collected.release();
  const unit = pieceUnit({ kind: 'rows', columns: batch.columns, alive: 0, order: kept.rows }, kept.count);
  return sourcePipeline(ids, [unit], counter + 1);
}

/** Groups and the least keys of each. */
class Tops {
  private readonly table: GroupTable | null;
  private readonly keys: readonly Expression[];
  private readonly order: OrderSpec;
  private readonly limit: number;
  private readonly counts: GrowingArray;
  private readonly heaps: GrowingArray;
  private groupCount = 0;

  constructor(keys: readonly Expression[], order: OrderSpec, limit: number, scope: MemoryScope, context: EvaluationContext) {
    const types = keys.map((key) => key.type);
    this.table = types.length === 0 ? null : new GroupTable(types, scope, context.kernels);
    this.keys = keys;
    this.order = order;
    this.limit = limit;
    this.counts = new GrowingArray(scope, context.kernels);
    this.heaps = new GrowingArray(scope, context.kernels);
  }

  /** Rows that the heaps may hold. */
  get capacity(): number {
    return this.groupCount * this.limit;
  }

  get isFull(): boolean {
    return this.capacity * 8 > MOST_HEAP_BYTES;
  }

  /** Groups of the rows (uint32), 0 = one group, and their order keys. */
  read(chunk: Chunk, context: EvaluationContext): TopRows {
    const flat = toFlat(evaluate(this.order.expression, chunk, context), context);
    const keys = narrowOrderKey(flat, this.order.descending, context, context.scratch);
    const groups =
      this.table?.assign(
        this.keys.map((key) => evaluate(key, chunk, context)),
        chunk.mask,
        chunk.rowCount,
        context,
      ) ?? 0;
    this.ensure(this.table?.groupCount ?? 1, context);
    return { keys, validity: flat.validity, groups };
  }

  offer({ keys, validity, groups }: TopRows, mask: number, n: number, context: EvaluationContext): void {
    const first = this.order.nullsFirst ? 1 : 0;
    const { limit, counts, heaps } = this;
    context.kernels.top_offer(keys, validity, first, groups, mask, n, limit, counts.address, heaps.address);
  }

  /** Returns how many rows the bitmap `out` has. */
  within({ keys, validity, groups }: TopRows, mask: number, n: number, context: EvaluationContext, out: number): number {
    const first = this.order.nullsFirst ? 1 : 0;
    const { limit, counts, heaps } = this;
    return context.kernels.top_within(keys, validity, first, groups, mask, n, limit, counts.address, heaps.address, out);
  }

  private ensure(groupCount: number, context: EvaluationContext): void {
    if (groupCount <= this.groupCount) return;
    const { limit, counts, heaps } = this;
    counts.ensure(groupCount * 4, this.groupCount * 4);
    context.kernels.fill_bytes(counts.address + this.groupCount * 4, 0, (groupCount - this.groupCount) * 4);
    heaps.ensure(groupCount * limit * 8, this.groupCount * limit * 8);
    this.groupCount = groupCount;
  }
}

interface TopRows {
  readonly keys: number;
  readonly validity: number;
  readonly groups: number;
}

/** Drops rows that enough rows before them, on this thread, come before. */
export class TopFilter implements Operator {
  readonly counter: number;
  private readonly context: EvaluationContext;
  private readonly tops: Tops;
  private readonly mayFail: boolean;
  private seen = 0;
  private kept = 0;
  private active = true;

  constructor(spec: TopFilterSpec, context: EvaluationContext, scope: MemoryScope) {
    this.counter = spec.counter;
    this.context = context;
    this.tops = new Tops(spec.keys, spec.order, spec.limit, scope, context);
    this.mayFail = [...spec.keys, spec.order.expression].some(mayFail);
  }

  push(chunk: Chunk, emit: Emit): void {
    if (!this.active) {
      emit(chunk);
      return;
    }
    const { context, tops } = this;
    const input = chunk.forExpressions(this.mayFail, context);
    const out = context.scratch.allocate(bitmapBytes(input.rowCount));
    const rows = tops.read(input, context);
    tops.offer(rows, input.mask, input.rowCount, context);
    const count = tops.within(rows, input.mask, input.rowCount, context, out);
    this.seen += input.count;
    this.kept += count;
    this.active = !tops.isFull && (this.seen < Math.max(PROBATION_ROWS, 4 * tops.capacity) || this.kept < WORTHWHILE * this.seen);
    if (count > 0) emit(count === input.rowCount ? input.masked(0, count) : input.masked(out, count));
  }
}

/** Offers all rows, then takes those that are within: they stay in the order in which they came. */
export function* runTopBy(task: TopByTask, run: TaskRun): Generator<void, Partial<TaskResult>> {
  const { context, kept, temporary } = run;
  const { kernels } = context;
  const batch = concatenate(task.batches, task.types, kept, context, run.check);
  const n = batch.rowCount;
  const tops = new Tops(task.keys, task.order, task.limit, temporary, context);
  const groups = temporary.allocate(Math.max(64, n * 4));
  const keys = temporary.allocate(Math.max(64, n * 8));
  const validity = temporary.allocate(bitmapBytes(n) + 64);
  const { vectorRows } = task.frame;
  for (let first = 0; first < n; first += vectorRows) {
    run.check();
    context.scratch.reset();
    const some = Math.min(vectorRows, n - first);
    const columns = batch.columns.map((column) => sliceVector(column, first, some));
    const rows = tops.read(chunkOf({ ...batch, rowCount: some, columns }, task.ids), context);
    tops.offer(rows, 0, some, context);
    if (rows.groups === 0) kernels.fill_u32(0, some, groups + first * 4);
    else kernels.copy_bytes(groups + first * 4, rows.groups, some * 4);
    kernels.copy_bytes(keys + first * 8, rows.keys, some * 8);
    if (rows.validity === 0) kernels.mask_range(0, some, some, validity + first / 8);
    else kernels.copy_bytes(validity + first / 8, rows.validity, bitmapBytes(some));
    yield;
  }
  run.check();
  const rows = kept.allocate(Math.max(64, n * 4));
  if (n === 0) return { batch, order: { rows, count: 0 } };
  const out = temporary.allocate(bitmapBytes(n));
  const count = tops.within({ keys, validity, groups }, 0, n, context, out);
  kernels.bits_to_indices(out, n, rows);
  return { batch, order: { rows, count } };
}
