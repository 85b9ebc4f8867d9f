/**
 * Aggregates of one node: one pass over the input for all grouping sets. Calls that want their rows in different orders are computed over the
 * same collected rows, sorted for each order, and put together by group.
 */
import { assert } from '../../../core/assert.js';
import type { Batch, Vector } from '../../../core/batch.js';
import { type DataType, INT32 } from '../../../core/types.js';
import type { SlotKind } from '../../aggregates/contract.js';
import { aggregateFunction } from '../../aggregates/registry.js';
import { gatherVector } from '../../expression/gather.js';
import { columnsOf, type Expression } from '../../plan/expression.js';
import type { AggregatePlan, GroupingSetsPlan, LogicalPlan, OutputColumn } from '../../plan/logical.js';
import { ownExpressions } from '../../plan/traverse.js';
import { inParts, type PartedStage } from '../../spill/partition.js';
import { SpooledRows } from '../../spill/spooled.js';
import { inMemoryElse, mayBeMany } from '../../spill/waves.js';
import type { Executor } from '../executor.js';
import { columnOf, idsOf, nullOf } from '../output-columns.js';
import type { QueryRun } from '../query-run.js';
import { concatenate } from '../sinks.js';
import { withKnownOrder } from '../sort/known-order.js';
import { lanesOf, type Pipeline, withOperator } from '../sources.js';
import type { AggregateLane, AggregationSpec, SinkSpec } from '../task.js';
import { compileAggregation, type OrderedCalls, orderedCalls } from './compile-aggregation.js';
import { GroupTable } from './group-table.js';

/** Groups beyond which merging is worth a thread of its own. */
const MERGE_HERE_GROUPS = 20_000;
/** Values that states keep (lists, medians, distinct rows), beyond which it is. */
const MERGE_HERE_VALUES = 50_000;

type Sets = GroupingSetsPlan['sets'];

export async function openAggregate(plan: AggregatePlan, shown: LogicalPlan, executor: Executor): Promise<Pipeline> {
  const input = await executor.open(plan.input);
  const groups = { plan, sets: null, keys: plan.groups, columns: plan.output, shown };
  return inMemoryOrParts(
    input,
    executor.run,
    () => groupsOnDisk(groups, input, executor),
    (part) => groupsOf(groups, input, executor.within(part)),
  );
}

/** The rows of the sets in turn, with NULL for the groups that a set has not. */
export async function openGroupingSets(plan: GroupingSetsPlan, executor: Executor): Promise<Pipeline> {
  const node = executor.run.nodes.of(plan);
  const input = await executor.open(plan.input);
  const groups = plan.output.slice(0, plan.groups.length);
  const calls = plan.output.slice(plan.groups.length + 1);
  const ids = idsOf(plan.output);
  const setOf = (own: readonly number[]): Groups => ({
    plan,
    sets: [own],
    keys: own.map((index) => plan.groups[index]).filter((key) => key !== undefined),
    columns: [...own.map((index) => groups[index]).filter((column) => column !== undefined), ...calls],
    shown: plan,
  });
  const inMemory = async (part: QueryRun): Promise<readonly Pipeline[]> => {
    const inner = executor.within(part);
    const batches = await aggregate(plan, plan.sets, plan, input, inner);
    return batches.map((batch, i) => inner.batchPipeline(batch, setOf(plan.sets[i] ?? []).columns, node.sourceCounter));
  };
  const onDisk = async (): Promise<readonly Pipeline[]> => {
    const sources: Pipeline[] = [];
    for (const own of plan.sets) sources.push(await groupsOnDisk(setOf(own), input, executor));
    return sources;
  };
  const sources = await inMemoryOrParts(input, executor.run, onDisk, inMemory);
  const branches = sources.flatMap((source, i) => {
    const own = plan.sets[i] ?? [];
    const expressions: Expression[] = [
      ...groups.map((column, index) => (own.includes(index) ? columnOf(column) : nullOf(column))),
      { kind: 'literal', value: i, type: INT32, nullable: false, position: -1 },
      ...calls.map(columnOf),
    ];
    return withOperator(source, { kind: 'project', ids, expressions, counter: node.counter }).branches;
  });
  return { branches };
}

/** Groups of one kind: all of an aggregate, or those of one grouping set. */
interface Groups {
  readonly plan: AggregatePlan | GroupingSetsPlan;
  readonly sets: Sets | null;
  readonly keys: readonly Expression[];
  readonly columns: readonly OutputColumn[];
  readonly shown: LogicalPlan;
}

async function groupsOf({ plan, sets, columns, shown }: Groups, input: Pipeline, executor: Executor): Promise<Pipeline> {
  const [batch] = await aggregate(plan, sets, shown, input, executor);
  assert(batch, 'an aggregate has one set');
  const node = executor.run.nodes.of(shown);
  if (sets === null) node.rows += batch.rowCount;
  return executor.batchPipeline(batch, columns, node.sourceCounter);
}

/** Rows with equal keys are aggregated together, part after part. Without keys there is one group, whose state is all there is. */
async function groupsOnDisk(groups: Groups, input: Pipeline, executor: Executor): Promise<Pipeline> {
  const { plan, keys, columns, shown } = groups;
  const { run } = executor;
  if (keys.length === 0) return groupsOf(groups, input, executor);
  const { counter, sourceCounter } = run.nodes.of(shown);
  const result = new SpooledRows(idsOf(columns), run);
  const stage: PartedStage = {
    inputs: [{ pipeline: input, columns: columnsRead(plan), keys }],
    run: ([rows], part) => groupsOf(groups, rows as Pipeline, executor.within(part)),
    counter,
    newId: () => executor.newId(),
  };
  await inParts(stage, result, run);
  return result.pipeline(sourceCounter);
}

/** The columns of its input that a node reads; one at least, so that rows can be counted. */
function columnsRead(plan: AggregatePlan | GroupingSetsPlan): readonly OutputColumn[] {
  const read = new Set(ownExpressions(plan).flatMap((expression) => [...columnsOf(expression)]));
  const columns = plan.input.output.filter((column) => read.has(column.id));
  return columns.length > 0 ? columns : plan.input.output.slice(0, 1);
}

function inMemoryOrParts<Result>(
  input: Pipeline,
  run: QueryRun,
  onDisk: () => Promise<Result>,
  inMemory: (part: QueryRun) => Promise<Result>,
): Promise<Result> {
  return mayBeMany(input, run) ? inMemoryElse(run, inMemory, onDisk) : inMemory(run);
}

/** One batch per set: the set's group columns, then all aggregates in the plan's order. */
async function aggregate(
  given: AggregatePlan | GroupingSetsPlan,
  sets: Sets | null,
  shown: LogicalPlan,
  input: Pipeline,
  executor: Executor,
): Promise<readonly Batch[]> {
  const plan = withKnownOrder(given);
  const classes = orderedCalls(plan);
  const { counter, sourceCounter } = executor.run.nodes.of(shown);
  const only = classes.length === 1 ? classes[0] : undefined;
  if (only) return aggregateOnce(plan, only, sets, await inOrder(plan, only, input, counter, executor), counter, executor);
  const columns = columnsRead(plan);
  const ids = idsOf(columns);
  const { batches } = await executor.collect(input, { kind: 'collect', ids, limit: null, copy: false, counter });
  const results: { readonly calls: OrderedCalls; readonly sets: readonly Batch[] }[] = [];
  for (const calls of classes) {
    const source = executor.batchesPipeline(batches, columns, sourceCounter);
    const ordered = await inOrder(plan, calls, source, counter, executor);
    results.push({ calls, sets: await aggregateOnce(plan, calls, sets, ordered, counter, executor) });
  }
  return (sets ?? [plan.groups.map((_, i) => i)]).map((set, i) => {
    const types = set.map((index) => plan.groups[index]?.type ?? INT32);
    const found = new Map<number, Vector>();
    const [first, ...others] = results;
    assert(first?.sets[i], 'the first order has a result');
    const base = first.sets[i];
    const finder = types.length === 0 ? null : new RowFinder(base, types.length, executor, types);
    for (const { calls, sets: own } of [first, ...others]) {
      const batch = own[i];
      assert(batch, 'every order has a result');
      const vectors = batch.columns.slice(types.length);
      const rows = finder && batch !== base ? finder.rowsOf(batch) : 0;
      calls.indexes.forEach((index, c) => {
        const vector = vectors[c];
        assert(vector, `aggregate ${index}`);
        const { context, scope } = executor.run;
        found.set(index, rows === 0 ? vector : gatherVector(vector, rows, base.rowCount, context, scope));
      });
    }
    const aggregates = plan.aggregates.map((_, index) => found.get(index) as Vector);
    return { ...base, columns: [...base.columns.slice(0, types.length), ...aggregates] };
  });
}

async function inOrder(
  plan: AggregatePlan | GroupingSetsPlan,
  calls: OrderedCalls,
  input: Pipeline,
  counter: number,
  executor: Executor,
): Promise<Pipeline> {
  return calls.order.length === 0 ? input : executor.sortPipeline(input, columnsRead(plan), calls.order, null, counter);
}

/** Finds the groups of a batch in another one with the same groups in other order. */
class RowFinder {
  private readonly table: GroupTable;
  private readonly executor: Executor;
  private readonly keys: number;
  private readonly rowCount: number;

  constructor(base: Batch, keys: number, executor: Executor, types: readonly Vector['type'][]) {
    const { run } = executor;
    this.executor = executor;
    this.keys = keys;
    this.rowCount = base.rowCount;
    this.table = new GroupTable(types, run.scope, run.options.kernels);
    this.table.assign(base.columns.slice(0, keys), 0, base.rowCount, run.context);
  }

  /** Address of the row in `other` (uint32) of each row of the base. */
  rowsOf(other: Batch): number {
    const { context, scope } = this.executor.run;
    const mark = context.scratch.mark();
    const groups = this.table.assign(other.columns.slice(0, this.keys), 0, other.rowCount, context) / 4;
    const rows = scope.allocate(Math.max(64, this.rowCount * 4));
    const { u32 } = context.arena;
    for (let row = 0; row < other.rowCount; row++) u32[rows / 4 + (u32[groups + row] ?? 0)] = row;
    context.scratch.rewind(mark);
    return rows;
  }
}

/** The calls of one order over the whole input. */
async function aggregateOnce(
  plan: AggregatePlan | GroupingSetsPlan,
  calls: OrderedCalls,
  sets: Sets | null,
  input: Pipeline,
  counter: number,
  executor: Executor,
): Promise<readonly Batch[]> {
  const { run } = executor;
  const spec = compileAggregation(plan.groups, calls.calls, run.context);
  const finest = sets && finestOf(sets);
  const derived = sets && finest && calls.calls.every(merges);
  const sinkSets = sets && derived ? [finest] : sets;
  if (!sinkSets && lanesOf(input, run.frame.vectorRows).length === 1) return [await aggregateLane(spec, input, counter, executor)];
  const lanes: AggregateLane[][] = (sinkSets ?? [null]).map(() => []);
  const states: number[] = [];
  const sink: SinkSpec = sinkSets
    ? { kind: 'aggregate_sets', spec, sets: sinkSets, counter }
    : { kind: 'aggregate', spec, finishes: false, counter };
  await executor.forWaves(input, sink, (outputs, owned) => {
    for (const output of outputs) {
      if (output.kind === 'aggregate') lanes[0]?.push(output.lane);
      if (output.kind === 'aggregate_sets') output.lanes.forEach((lane, i) => void lanes[i]?.push(lane));
    }
    for (const address of owned) states.push(address);
  });
  const batches: Batch[] = [];
  for (const [i, set] of (sets ?? [null]).entries()) {
    // A lane without rows has states of no group, which say nothing about the group of all rows.
    const own = derived ? (lanes[0] ?? []).filter((lane) => lane.groupCount > 0) : (lanes[i] ?? []);
    const columns = set && derived && finest ? set.map((index) => finest.indexOf(index)) : null;
    batches.push(await mergeLanes(setSpec(spec, set), own, columns, executor));
  }
  for (const address of states) run.scope.free(address);
  return batches;
}

/** The groups of rows that are one lane: nothing is to be merged. */
async function aggregateLane(spec: AggregationSpec, input: Pipeline, counter: number, executor: Executor): Promise<Batch> {
  const { run } = executor;
  const batches: Batch[] = [];
  await executor.forWaves(input, { kind: 'aggregate', spec, finishes: true, counter }, (outputs) => {
    for (const output of outputs) if (output.kind === 'batches') batches.push(...output.batches);
  });
  return concatenate(batches, typesOf(spec), run.scope, run.context, run.check);
}

function typesOf(spec: AggregationSpec): DataType[] {
  return [...spec.groups.map((group) => group.type), ...spec.calls.map((call) => call.type)];
}

function setSpec(spec: AggregationSpec, set: readonly number[] | null): AggregationSpec {
  return set === null ? spec : { ...spec, groups: set.map((index) => spec.groups[index] as Expression) };
}

async function mergeLanes(
  spec: AggregationSpec,
  lanes: readonly AggregateLane[],
  columns: readonly number[] | null,
  executor: Executor,
): Promise<Batch> {
  const { run } = executor;
  const groups = lanes.reduce((sum, lane) => sum + lane.groupCount, 0);
  if (groups === 0 && spec.groups.length > 0) {
    return concatenate([], typesOf(spec), run.scope, run.context, run.check);
  }
  const values = lanes.reduce((sum, lane) => sum + heldValues(lane), 0);
  const here = values <= MERGE_HERE_VALUES && (groups <= MERGE_HERE_GROUPS || run.runsHere(groups));
  const merged = await run.run({ kind: 'merge_aggregate', frame: run.frame, spec, lanes, columns }, here);
  assert(merged.batch, 'merging gives a batch');
  return merged.batch;
}

/** Values and distinct rows that the states of a lane keep. */
function heldValues({ states: { states, distinct } }: AggregateLane): number {
  const held = states.reduce((sum, state) => sum + state.length, 0);
  return distinct.reduce((sum, table) => sum + (table.keys[0]?.length ?? 0), held);
}

/** The set that all others are parts of; undefined when there is none. */
function finestOf(sets: Sets): readonly number[] | undefined {
  const finest = sets.reduce<readonly number[]>((best, set) => (set.length > best.length ? set : best), []);
  return finest.length > 0 && sets.every((set) => set.every((index) => finest.includes(index))) ? finest : undefined;
}

const MERGED_SLOTS: ReadonlySet<SlotKind> = new Set([
  'sum_integer',
  'sum_decimal',
  'sum_float',
  'sum_product',
  'product',
  'moments',
  'co_moments',
  'min',
  'max',
  'true_count',
  'hyperloglog',
  'digest',
  'list',
]);

/** True when states of groups can be merged in the order of the groups instead of the rows: all but what picks a row by its place. */
function merges(call: AggregatePlan['aggregates'][number]): boolean {
  const entry = aggregateFunction(call.function);
  if (!entry || entry.ordered) return false;
  const { slots } = entry.recipe(call.args.map((arg) => arg.type));
  // Of values that are kept in pairs, which comes first may matter.
  return slots.every((slot) => MERGED_SLOTS.has(slot.kind)) && slots.filter((slot) => slot.kind === 'list').length <= 1;
}
