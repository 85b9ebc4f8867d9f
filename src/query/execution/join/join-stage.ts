/** Joins: a table is made of one side, the rows of the other look their partners up in it. On disk, part after part of both sides. */
import { assert } from '../../../core/assert.js';
import { estimatedRows } from '../../optimizer/cardinality.js';
import { type ColumnId, columnsOf, type Expression } from '../../plan/expression.js';
import type { JoinPlan, LogicalPlan, OutputColumn } from '../../plan/logical.js';
import { inParts, type PartedStage } from '../../spill/partition.js';
import { SpooledRows } from '../../spill/spooled.js';
import { inMemoryElse, mayBeMany } from '../../spill/waves.js';
import { plain } from '../cut-batch.js';
import type { Executor } from '../executor.js';
import { columnOf, idsOf, nullOf } from '../output-columns.js';
import { type Pipeline, pieceUnit, sourcePipeline, withOperator } from '../sources.js';
import type { JoinTable, ProbeSpec } from '../task.js';
import { PROBE_JOIN, sidesOf } from './join-sides.js';
import { filterPlace } from './key-filter.js';
import type { RangeLookup } from './range-conditions.js';

/** One side, its keys, and the columns of it that are read. */
interface JoinSide {
  readonly plan: LogicalPlan;
  readonly keys: readonly Expression[];
  readonly columns: readonly OutputColumn[];
}

interface JoinShape {
  readonly plan: JoinPlan;
  readonly build: JoinSide;
  readonly probe: JoinSide;
  readonly lookup: RangeLookup | null;
  /** A semi or anti join with the table over its left side, whose rows are marked by those of the right. */
  readonly marks: boolean;
}

type OpenProbe = () => Promise<Pipeline>;

export async function openJoin(plan: JoinPlan, executor: Executor): Promise<Pipeline> {
  const { run } = executor;
  const shape = shapeOf(plan);
  const build = await executor.open(shape.build.plan);
  let opened: Promise<Pipeline> | undefined;
  const openProbe: OpenProbe = () => {
    opened ??= executor.open(shape.probe.plan);
    return opened;
  };
  const inMemory = (inner: Executor): Promise<Pipeline> => joinRows(shape, build, openProbe, inner, executor);
  if (plan.keys.length === 0 || !mayBeMany(build, run)) return inMemory(executor);
  return inMemoryElse(
    run,
    (part) => inMemory(executor.within(part)),
    async () => joinOnDisk(shape, build, await openProbe(), executor),
  );
}

function shapeOf(plan: JoinPlan): JoinShape {
  const { swapped, lookup } = sidesOf(plan);
  const existence = plan.join === 'semi' || plan.join === 'anti';
  const marks = existence && !lookup && plan.keys.length > 0 && estimatedRows(plan.left) * 2 < estimatedRows(plan.right);
  const left = sideOf(plan, 'left');
  const right = sideOf(plan, 'right');
  const isLeftBuilt = marks || swapped;
  return { plan, build: isLeftBuilt ? left : right, probe: isLeftBuilt ? right : left, lookup: marks ? null : lookup, marks };
}

function sideOf(plan: JoinPlan, side: 'left' | 'right'): JoinSide {
  const keys = plan.keys.map((key) => key[side]);
  const read = [...keys, ...(plan.residual ? [plan.residual] : [])].flatMap((expression) => [...columnsOf(expression)]);
  const needed = new Set<ColumnId>([...read, ...idsOf(plan.output)]);
  return { plan: plan[side], keys, columns: plan[side].output.filter((column) => needed.has(column.id)) };
}

/** Both sides divided by their keys: what comes out of each part goes to disk. */
async function joinOnDisk(shape: JoinShape, build: Pipeline, probe: Pipeline, executor: Executor): Promise<Pipeline> {
  const { run } = executor;
  const { counter, sourceCounter } = run.nodes.of(shape.plan);
  const result = new SpooledRows(idsOf(shape.plan.output), run);
  const stage: PartedStage = {
    inputs: [
      { ...shape.build, pipeline: build },
      { ...shape.probe, pipeline: probe },
    ],
    run: ([buildRows, probeRows], part) => {
      const inner = executor.within(part);
      return joinRows(shape, buildRows as Pipeline, () => Promise.resolve(probeRows as Pipeline), inner, null);
    },
    counter,
    newId: () => executor.newId(),
  };
  await inParts(stage, result, run);
  return result.pipeline(sourceCounter);
}

/** filtered: whoever opens the probe side, which may leave rows away that no key asks for. */
async function joinRows(
  shape: JoinShape,
  build: Pipeline,
  openProbe: OpenProbe,
  executor: Executor,
  filtered: Executor | null,
): Promise<Pipeline> {
  const { plan } = shape;
  const { run } = executor;
  const node = run.nodes.of(plan);
  const table = await buildTable(shape, build, node.counter, executor);
  if (table.rowCount === 0 && (shape.marks || plan.join === 'inner' || plan.join === 'cross' || plan.join === 'semi'))
    return { branches: [] };
  if (shape.marks) return markedRows(shape, table, openProbe, executor);
  const wanted = new Set([...idsOf(plan.output), ...(plan.residual ? columnsOf(plan.residual) : [])]);
  const matched = plan.join === 'full' ? run.scope.allocateZeroed(Math.max(64, table.rowCount)) : 0;
  const probe: ProbeSpec = {
    kind: 'probe',
    join: PROBE_JOIN[plan.join],
    table,
    keys: shape.probe.keys,
    residual: plan.residual,
    lookup: shape.lookup,
    buildIds: table.ids,
    probeIds: idsOf(shape.probe.plan.output).filter((id) => wanted.has(id)),
    matched,
    counter: node.counter,
  };
  if (filtered && (plan.join === 'inner' || plan.join === 'semi')) filterBelow(shape.probe.plan, probe, filtered);
  const joined = withOperator(await openProbe(), probe);
  return plan.join === 'full' ? withUnmatched(plan, joined, table, matched, executor) : joined;
}

/** An aggregate on the probe side need not see rows of groups that the join does not ask for. */
function filterBelow(probeSide: LogicalPlan, probe: ProbeSpec, executor: Executor): void {
  const place = filterPlace(probeSide, probe.keys);
  if (!place || probe.table.rowCount * 4 > estimatedRows(place.node)) return;
  executor.keyFilters.set(place.node, { ...probe, join: 'semi', keys: place.keys, residual: null, lookup: null, probeIds: [], matched: 0 });
}

async function markedRows({ plan, probe: side }: JoinShape, table: JoinTable, openProbe: OpenProbe, executor: Executor): Promise<Pipeline> {
  const { run } = executor;
  const node = run.nodes.of(plan);
  const matched = run.scope.allocateZeroed(Math.max(64, table.rowCount));
  const probe: ProbeSpec = {
    kind: 'probe',
    join: 'mark',
    table,
    keys: side.keys,
    residual: plan.residual,
    lookup: null,
    buildIds: table.ids,
    probeIds: plan.residual ? idsOf(side.plan.output).filter((id) => columnsOf(plan.residual as Expression).has(id)) : [],
    matched,
    counter: node.counter,
  };
  await executor.collect(withOperator(await openProbe(), probe), {
    kind: 'collect',
    ids: [],
    limit: null,
    copy: false,
    counter: node.counter,
  });
  const alive = run.scope.allocate(Math.ceil(table.rowCount / 64) * 8);
  run.options.kernels.bits_eq_u8(matched, plan.join === 'semi' ? 1 : 0, table.rowCount, alive);
  const unit = pieceUnit({ kind: 'rows', columns: table.columns, alive, order: 0 }, table.rowCount);
  return sourcePipeline(table.ids, [unit], node.sourceCounter);
}

async function buildTable({ build, lookup }: JoinShape, rows: Pipeline, counter: number, executor: Executor): Promise<JoinTable> {
  const { run } = executor;
  const ids = idsOf(build.columns);
  // The rows of the build side are counted there, not as the join's.
  const collected = await executor.collect(rows, { kind: 'collect', ids, limit: null, copy: false, counter });
  const count = collected.batches.reduce((sum, batch) => sum + batch.rowCount, 0);
  const types = build.columns.map((column) => column.type);
  const task = { kind: 'build', frame: run.frame, ids, types, batches: plain(collected.batches), keys: build.keys, lookup } as const;
  const { table } = await run.run(task, run.runsHere(count));
  assert(table, 'building gives a table');
  collected.release();
  return table;
}

/** The rows of a full join: those that the probe side has, then build rows that nothing has matched. */
async function withUnmatched(plan: JoinPlan, joined: Pipeline, table: JoinTable, matched: number, executor: Executor): Promise<Pipeline> {
  const { run } = executor;
  const node = run.nodes.of(plan);
  const ids = idsOf(plan.output);
  const collected = await executor.collect(joined, { kind: 'collect', ids, limit: null, copy: false, counter: node.sourceCounter });
  const found = executor.batchesPipeline(collected.batches, plan.output, node.sourceCounter);
  if (table.rowCount === 0) return found;
  const alive = run.scope.allocate(Math.ceil(table.rowCount / 64) * 8);
  run.options.kernels.bits_eq_u8(matched, 0, table.rowCount, alive);
  const own = new Set(table.ids);
  const expressions = plan.output.map((column): Expression => (own.has(column.id) ? columnOf(column) : nullOf(column)));
  const unit = pieceUnit({ kind: 'rows', columns: table.columns, alive, order: 0 }, table.rowCount);
  const rest = sourcePipeline(table.ids, [unit], node.sourceCounter);
  const shaped = withOperator(rest, { kind: 'project', ids, expressions, counter: node.counter });
  return { branches: [...found.branches, ...shaped.branches] };
}
