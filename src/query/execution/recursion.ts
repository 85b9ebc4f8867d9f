/**
 * WITH RECURSIVE. Every round runs the step over the rows of the round before; a round's memory is given back when the next one is done, so
 * that only the result grows. UNION keeps the rows that are known in a group table, which grows with them; USING KEY the last row of each key.
 */
import type { Batch, Vector } from '../../core/batch.js';
import { yieldToOthers } from '../../core/yield-to-others.js';
import { ColumnBuilder } from '../expression/column-builder.js';
import { gatherVector, type MoveContext, toFlat } from '../expression/gather.js';
import type { LimitPlan, LogicalPlan, RecursivePlan, ReferencePlan } from '../plan/logical.js';
import { GroupTable } from './aggregate/group-table.js';
import type { Executor } from './executor.js';
import { KeyedRows } from './keyed-rows.js';
import { columnOf, idsOf } from './output-columns.js';
import type { QueryRun } from './query-run.js';
import { type Pipeline, withOperator } from './sources.js';
import type { CollectedBatch } from './task.js';

/** Rounds between two looks at what else the thread has to do. */
const ROUNDS_AT_ONCE = 64;

export class Recursion {
  readonly plan: RecursivePlan;
  private readonly executor: Executor;
  private readonly builders: readonly ColumnBuilder[];
  private readonly known: GroupTable | null;
  private readonly keyed: KeyedRows | null;
  private working: readonly Batch[] = [];
  /** Owner of the working rows. */
  private current: QueryRun | null = null;
  private rounds = 0;
  private rowCount = 0;

  get hasBegun(): boolean {
    return this.rounds > 0;
  }

  constructor(plan: RecursivePlan, executor: Executor) {
    const { run } = executor;
    this.plan = plan;
    this.executor = executor;
    this.builders = plan.output.map((column) => new ColumnBuilder(column.type, run.scope));
    const types = plan.output.map((column) => column.type);
    const { kernels } = run.options;
    this.keyed = plan.keyColumns ? new KeyedRows(types, plan.keyColumns, plan.distinct, run.scope, kernels) : null;
    this.known = plan.distinct && !this.keyed && types.length > 0 ? new GroupTable(types, run.scope, kernels) : null;
  }

  /** The rows of the next round, which are kept for all() too; valid until the one after it; [] when there are none any more. */
  async next(): Promise<readonly Batch[]> {
    if (this.rounds > 0 && this.working.length === 0) return [];
    const { run, relations } = this.executor;
    run.check();
    const part = run.part();
    run.hold(part);
    const { plan } = this;
    const isFirst = this.rounds === 0;
    const executor = this.executor.nested(part, isFirst ? relations : this.visibleRows(part));
    const rows = await collectPlan(isFirst ? plan.base : plan.step, executor);
    const fresh = rows.flatMap((batch) => this.freshOf(batch, part));
    if (this.current) run.unhold(this.current);
    this.current = part;
    this.working = fresh;
    this.rounds += 1;
    for (const batch of fresh) this.append(batch);
    run.nodes.of(plan).rows += fresh.reduce((sum, batch) => sum + batch.rowCount, 0);
    if (this.rounds % ROUNDS_AT_ONCE === 0) await yieldToOthers();
    return fresh;
  }

  /** What the step reads: the last round's rows and, where it asks for them, all. */
  private visibleRows(part: QueryRun): Executor['relations'] {
    const { plan, executor } = this;
    const last = executor.relations.withRows(plan.key, plan, this.working, executor);
    return plan.recurring === null ? last : last.withRows(plan.recurring, plan, [this.result(part)], executor);
  }

  /** All rows so far. */
  private result(part: QueryRun): Batch {
    const arena = part.scope.arena.id;
    const all = this.builders.map((builder) => builder.view());
    if (!this.keyed) return { arena, rowCount: this.rowCount, columns: all };
    return { arena, ...this.keyed.lastRows(all, part) };
  }

  /** All rows that are left, as one batch of the run. */
  async all(): Promise<readonly Batch[]> {
    const { run } = this.executor;
    while ((await this.next()).length > 0) run.check();
    if (this.current) run.unhold(this.current);
    this.current = null;
    return [this.result(run)];
  }

  async finish(): Promise<Pipeline> {
    return this.executor.batchesPipeline(await this.all(), this.plan.output, this.executor.run.nodes.of(this.plan).sourceCounter);
  }

  private append(batch: Batch): void {
    const { context } = this.executor.run;
    const mark = context.scratch.mark();
    this.builders.forEach((builder, i) => {
      // A dictionary may belong to the round.
      builder.append(toFlat(batch.columns[i] as Vector, context), context);
    });
    context.scratch.rewind(mark);
    this.rowCount += batch.rowCount;
  }

  /** The rows of a batch that count: those that were not there before, each once; with keys those that change the last row of their key. */
  private freshOf(batch: CollectedBatch, part: QueryRun): readonly CollectedBatch[] {
    const { known, keyed } = this;
    const { context } = part;
    // What a column passes on lies in memory of the round before, and so may its dictionary.
    if (!known && !keyed) return [{ ...batch, columns: batch.columns.map((column) => toFlat(column, context, part.scope)) }];
    const mark = context.scratch.mark();
    const columns = batch.columns.map((column) => toFlat(column, context));
    const kept = context.scratch.allocate(batch.rowCount * 4) / 4;
    const count = keyed ? keyed.take(columns, batch.rowCount, kept, context) : takeUnknown(columns, batch.rowCount, kept, known, context);
    const fresh = count === 0 ? [] : columns.map((column) => gatherVector(column, kept * 4, count, context, part.scope));
    context.scratch.rewind(mark);
    return count === 0 ? [] : [{ ...batch, rowCount: count, columns: fresh, owned: [] }];
  }
}

/** Writes the rows that open a group; gives how many. */
function takeUnknown(columns: readonly Vector[], rows: number, kept: number, known: GroupTable | null, context: MoveContext): number {
  if (!known) return 0;
  let next = known.groupCount;
  const groups = known.assign(columns, 0, rows, context) / 4;
  const { u32 } = context.arena;
  let count = 0;
  for (let row = 0; row < rows; row++) {
    if (u32[groups + row] !== next) continue;
    u32[kept + count++] = row;
    next += 1;
  }
  return count;
}

/** The rows of a plan in memory of the executor's run, but for dictionaries. */
async function collectPlan(plan: LogicalPlan, executor: Executor): Promise<readonly CollectedBatch[]> {
  const counter = executor.run.nodes.streamCounter;
  const { batches } = await executor.collect(await executor.open(plan), {
    kind: 'collect',
    ids: idsOf(plan.output),
    limit: null,
    copy: true,
    counter,
  });
  return batches.filter((batch) => batch.rowCount > 0);
}

// ---- LIMIT around a recursion ----

/** The reference to a recursion that a limit reads through operators which need not see all rows. */
function referenceBelow(plan: LogicalPlan): ReferencePlan | null {
  if (plan.kind === 'reference') return plan;
  return plan.kind === 'project' || plan.kind === 'filter' ? referenceBelow(plan.input) : null;
}

export function readsRecursion(plan: LimitPlan, executor: Executor): boolean {
  const reference = plan.limit === null ? null : referenceBelow(plan.input);
  return reference !== null && executor.relations.recursionOf(reference) !== null;
}

/** The first rows of a recursion, which need not end by itself; null when the plan is no such limit. */
export async function openLimitedRecursion(plan: LimitPlan, executor: Executor): Promise<Pipeline | null> {
  const reference = plan.limit === null ? null : referenceBelow(plan.input);
  const recursion = reference && executor.relations.recursionOf(reference);
  if (!reference || !recursion || plan.limit === null) return null;
  const { run } = executor;
  const wanted = plan.limit + plan.offset;
  const ids = idsOf(plan.output);
  const builders = plan.output.map((column) => new ColumnBuilder(column.type, run.scope));
  let count = 0;
  while (count < wanted) {
    const rows = await recursion.next();
    if (rows.length === 0) break;
    const part = run.part();
    run.hold(part);
    const inner = executor.nested(part, executor.relations);
    const source = inner.batchesPipeline(rows, recursion.plan.output, run.nodes.of(reference).sourceCounter);
    const pipeline = operatorsOf(plan.input, source, run);
    const batches = await inner.collectLimited(pipeline, ids, wanted - count, 0, run.nodes.of(plan).counter);
    const { context } = run;
    for (const batch of batches) {
      const mark = context.scratch.mark();
      builders.forEach((builder, i) => {
        builder.append(toFlat(batch.columns[i] as Vector, context), context);
      });
      context.scratch.rewind(mark);
      count += batch.rowCount;
    }
    run.unhold(part);
  }
  const batch: CollectedBatch = {
    arena: run.scope.arena.id,
    rowCount: count,
    columns: builders.map((builder) => builder.view()),
    owned: [],
  };
  const all = executor.batchPipeline(batch, plan.output, run.nodes.of(plan).sourceCounter);
  const kept = await executor.collectLimited(all, ids, plan.limit, plan.offset, run.nodes.streamCounter);
  return executor.batchesPipeline(kept, plan.output, run.nodes.of(plan).sourceCounter);
}

/** The operators between a limit and its reference, over the rows of one round. */
function operatorsOf(plan: LogicalPlan, source: Pipeline, run: QueryRun): Pipeline {
  const { counter } = run.nodes.of(plan);
  if (plan.kind === 'reference') return withOperator(source, renaming(plan, counter));
  if (plan.kind === 'filter') {
    return withOperator(operatorsOf(plan.input, source, run), { kind: 'filter', conditions: [plan.condition], counter });
  }
  if (plan.kind !== 'project') return source;
  const project = { kind: 'project', ids: idsOf(plan.output), expressions: plan.expressions, counter } as const;
  return withOperator(operatorsOf(plan.input, source, run), project);
}

/** The relation's columns under the reference's ids. */
export function renaming(plan: ReferencePlan, counter: number) {
  const expressions = plan.output.map((column, i) => ({ ...columnOf(column), id: plan.columns[i] ?? -1 }));
  return { kind: 'project', ids: idsOf(plan.output), expressions, counter } as const;
}
