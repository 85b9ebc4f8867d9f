/** Relations that several places of a plan read: computed when the first of them does, kept until the run's end. */
import { assert } from '../../core/assert.js';
import type { Batch } from '../../core/batch.js';
import type { LogicalPlan, ReferencePlan, SharedRelation } from '../plan/logical.js';
import { SpooledRows } from '../spill/spooled.js';
import { inMemoryElse, mayBeMany } from '../spill/waves.js';
import type { Executor } from './executor.js';
import { idsOf } from './output-columns.js';
import { Recursion, renaming } from './recursion.js';
import { type Pipeline, withOperator } from './sources.js';

interface Relation {
  readonly plan: LogicalPlan;
  /** Whoever computes it: the memory is that run's. */
  readonly owner: Executor;
  rows: Promise<Pipeline> | null;
  recursion: Recursion | null;
}

export class Relations {
  private readonly outer: Relations | null;
  private readonly byKey = new Map<number, Relation>();

  constructor(outer: Relations | null = null) {
    this.outer = outer;
  }

  /** Makes relations known to the executor; returns it. */
  define(relations: readonly SharedRelation[], owner: Executor): Executor {
    for (const { key, plan } of relations) this.byKey.set(key, { plan, owner, rows: null, recursion: null });
    return owner;
  }

  /** Relations as a step of a recursion sees them: the rows that came last under its key. */
  withRows(key: number, plan: LogicalPlan, rows: readonly Batch[], owner: Executor): Relations {
    const inner = new Relations(this);
    const source = owner.batchesPipeline(rows, plan.output, owner.run.nodes.streamCounter);
    inner.byKey.set(key, { plan, owner, rows: Promise.resolve(source), recursion: null });
    return inner;
  }

  async open(plan: ReferencePlan, executor: Executor): Promise<Pipeline> {
    const relation = this.find(plan.key);
    relation.rows ??= compute(relation);
    const { branches } = await relation.rows;
    const { counter, sourceCounter } = executor.run.nodes.of(plan);
    // Units of their own: two references may come together in one pipeline.
    const source = {
      branches: branches.map((branch) => ({ ...branch, units: branch.units.map((unit) => ({ ...unit })), counter: sourceCounter })),
    };
    return withOperator(source, renaming(plan, counter));
  }

  /** The recursion behind a reference, when nobody has read it so far. */
  recursionOf(plan: ReferencePlan): Recursion | null {
    const relation = this.find(plan.key);
    if (relation.plan.kind !== 'recursive' || relation.plan.keyColumns || relation.rows) return null;
    relation.recursion ??= new Recursion(relation.plan, relation.owner);
    return relation.recursion.hasBegun ? null : relation.recursion;
  }

  private find(key: number): Relation {
    const relation = this.byKey.get(key) ?? this.outer?.find(key);
    assert(relation, `relation ${key}`);
    return relation;
  }
}

async function compute(relation: Relation): Promise<Pipeline> {
  const { owner, plan } = relation;
  const { run } = owner;
  const counter = run.nodes.streamCounter;
  if (relation.recursion) return owner.batchesPipeline(await relation.recursion.all(), plan.output, counter);
  if (plan.kind === 'recursive') return owner.batchesPipeline(await new Recursion(plan, owner).all(), plan.output, counter);
  const ids = idsOf(plan.output);
  const rows = await owner.open(plan);
  const inMemory = async (executor: Executor): Promise<Pipeline> => {
    const { batches } = await executor.collect(rows, { kind: 'collect', ids, limit: null, copy: false, counter });
    return executor.batchesPipeline(batches, plan.output, counter);
  };
  if (!mayBeMany(rows, run)) return inMemory(owner);
  return inMemoryElse(
    run,
    (part) => inMemory(owner.within(part)),
    async () => {
      const result = new SpooledRows(ids, run);
      await result.add(rows, null);
      return result.pipeline(counter);
    },
  );
}
