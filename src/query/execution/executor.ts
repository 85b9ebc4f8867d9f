/**
 * Turns a logical plan into pipelines and runs the stages that must be complete before the next one starts (aggregates, sorts, join tables).
 * What comes out of open() is the streaming rest.
 */
import { assert, unreachable } from '../../core/assert.js';
import type { Batch } from '../../core/batch.js';
import { conjuncts } from '../binder/expressions.js';
import type { ColumnId, Expression } from '../plan/expression.js';
import type {
  AggregatePlan,
  DistinctPlan,
  LimitByPlan,
  LogicalPlan,
  OutputColumn,
  ProjectPlan,
  SortPlan,
  UnionPlan,
  UnnestPlan,
} from '../plan/logical.js';
import type { RunsInput } from '../spill/runs.js';
import { sortOnDisk } from '../spill/sort.js';
import { inMemoryElse, mayBeMany } from '../spill/waves.js';
import { openAggregate, openGroupingSets } from './aggregate/aggregation.js';
import { openAsof } from './asof/stage.js';
import { openCut } from './cut.js';
import { plain, trimmed } from './cut-batch.js';
import { openGapFill } from './gap-fill.js';
import { openJoin } from './join/join-stage.js';
import { openPositional } from './join/positional.js';
import { openHorizonJoin } from './match/horizon-stage.js';
import { openWindowJoin } from './match/window-join-stage.js';
import { openNumbered } from './number-rows.js';
import { columnOf, idsOf } from './output-columns.js';
import type { QueryRun } from './query-run.js';
import { openLimitedRecursion, Recursion } from './recursion.js';
import { Relations } from './relations.js';
import { openFile } from './scan/file-source.js';
import { openScan } from './scan/picked-rows.js';
import { seriesUnits, valuesBatch } from './scan/row-sources.js';
import { comesSorted } from './sort/known-order.js';
import { openTopBy } from './sort/top-by.js';
import {
  bytesOf,
  lanesOf,
  OpenLanes,
  openSome,
  type Pipeline,
  pieceUnit,
  rowsOf,
  type SourceUnit,
  sourcePipeline,
  withOperator,
} from './sources.js';
import type { CollectedBatch, LaneOutput, OrderSpec, ProbeSpec, SinkSpec } from './task.js';
import { openWindow } from './window/open-window.js';

/** Rows up to which the first rows of an order are kept as candidates instead of sorting everything. */
const TOP_LIMIT = 100_000;

export class Executor {
  readonly run: QueryRun;
  /** What references read: relations of WITH, working tables of recursions. */
  readonly relations: Relations;
  /** Columns that only execution knows have ids that no plan uses. */
  private readonly ids: { next: number };
  /** Nodes that are being opened, inside each other. */
  private depth = 0;
  /** Joins whose keys are all that matters of a node below. */
  readonly keyFilters = new Map<LogicalPlan, ProbeSpec>();

  constructor(run: QueryRun, relations: Relations = new Relations(), ids = { next: -1000 }) {
    this.run = run;
    this.relations = relations;
    this.ids = ids;
  }

  newId(): ColumnId {
    return this.ids.next--;
  }

  /** An executor over a part of the run, which sees other relations. */
  nested(run: QueryRun, relations: Relations): Executor {
    return new Executor(run, relations);
  }

  /** This executor over a part of its run. */
  within(run: QueryRun): Executor {
    return run === this.run ? this : new Executor(run, this.relations, this.ids);
  }

  /** A pipeline whose chunks have the plan's output columns (and perhaps others). */
  async open(plan: LogicalPlan): Promise<Pipeline> {
    this.depth += 1;
    try {
      // What follows an await starts on an empty stack: deep plans do not exhaust it.
      if (this.depth % 32 === 0) await Promise.resolve();
      const pipeline = await this.openNode(plan);
      const filter = this.keyFilters.get(plan);
      return filter ? withOperator(pipeline, filter) : pipeline;
    } finally {
      this.depth -= 1;
    }
  }

  private async openNode(plan: LogicalPlan): Promise<Pipeline> {
    this.run.check();
    const counter = this.run.nodes.of(plan).counter;
    switch (plan.kind) {
      case 'scan':
        return openScan(plan, this.run);
      case 'values':
        return this.batchPipeline(valuesBatch(plan, this.run), plan.output, counter);
      case 'series':
        return sourcePipeline(idsOf(plan.output), seriesUnits(plan, this.run), counter);
      case 'file':
        return openFile(plan, this);
      case 'filter':
        return withOperator(await this.open(plan.input), { kind: 'filter', conditions: conjuncts(plan.condition), counter });
      case 'project':
        return this.openProject(plan);
      case 'aggregate':
        return openAggregate(plan, plan, this);
      case 'distinct':
        return openAggregate(distinctAsAggregate(plan), plan, this);
      case 'sort':
        return this.openSort(plan);
      case 'limit':
        return (
          (await openLimitedRecursion(plan, this)) ??
          this.batchesPipeline(
            await this.collectLimited(await this.open(plan.input), idsOf(plan.output), plan.limit, plan.offset, counter),
            plan.output,
            this.run.nodes.of(plan).sourceCounter,
          )
        );
      case 'limit_by':
        return this.openLimitBy(plan);
      case 'top_by':
        return openTopBy(plan, this);
      case 'unnest':
        return this.openUnnest(plan);
      case 'positional':
        return openPositional(plan, this);
      case 'join':
        return openJoin(plan, this);
      case 'asof':
        return openAsof(plan, this);
      case 'union':
        return this.openUnion(plan);
      case 'window':
        return openWindow(plan, this);
      case 'window_join':
        return openWindowJoin(plan, this);
      case 'horizon_join':
        return openHorizonJoin(plan, this);
      case 'grouping_sets':
        return openGroupingSets(plan, this);
      case 'number':
        return openNumbered(plan, this);
      case 'cut':
        return openCut(plan, this);
      case 'gap_fill':
        return openGapFill(plan, this);
      case 'with':
        return this.relations.define(plan.relations, this).open(plan.input);
      case 'reference':
        return this.relations.open(plan, this);
      case 'recursive':
        return new Recursion(plan, this).finish();
      default:
        return unreachable(plan);
    }
  }

  private async openProject(plan: ProjectPlan): Promise<Pipeline> {
    const counter = this.run.nodes.of(plan).counter;
    return withOperator(await this.open(plan.input), { kind: 'project', ids: idsOf(plan.output), expressions: plan.expressions, counter });
  }

  private async openUnion(plan: UnionPlan): Promise<Pipeline> {
    const counter = this.run.nodes.of(plan).counter;
    const ids = idsOf(plan.output);
    const branches = [];
    for (const input of plan.inputs) {
      const expressions = input.output.map(columnOf);
      const renamed = withOperator(await this.open(input), { kind: 'project', ids, expressions, counter });
      branches.push(...renamed.branches);
    }
    return { branches };
  }

  // ---- sorts ---------------------------------------------------------------------------------------------------------------------

  private async openSort(plan: SortPlan): Promise<Pipeline> {
    if (comesSorted(plan)) return this.open(plan.input);
    const node = this.run.nodes.of(plan);
    return this.sortPipeline(await this.open(plan.input), plan.output, plan.keys, plan.limit, node.counter);
  }

  async sortPipeline(
    input: Pipeline,
    output: readonly OutputColumn[],
    keys: readonly OrderSpec[],
    limit: number | null,
    counter: number,
  ): Promise<Pipeline> {
    const columns = [...output];
    const made: { id: ColumnId; expression: Expression }[] = [];
    const specs = keys.map((key): OrderSpec => {
      const { expression } = key;
      if (expression.kind === 'column' && output.some((column) => column.id === expression.id)) return key;
      const id = this.newId();
      made.push({ id, expression });
      columns.push({ id, name: 'key', type: expression.type, nullable: true });
      return { ...key, expression: columnOf({ id, name: 'key', type: expression.type, nullable: true }) };
    });
    const ids = idsOf(columns);
    const types = columns.map((column) => column.type);
    const expressions = [...output.map(columnOf), ...made.map((one) => one.expression)];
    const pipeline = made.length === 0 ? input : withOperator(input, { kind: 'project', ids, expressions, counter });
    const rows: RunsInput = { pipeline, ids, types, keys: specs, counter, limit };
    const inMemory = (run: QueryRun): Promise<Pipeline> => this.within(run).sortInMemory(rows);
    return mayBeMany(pipeline, this.run) ? inMemoryElse(this.run, inMemory, () => sortOnDisk(rows, this.run)) : inMemory(this.run);
  }

  private async sortInMemory({ pipeline, ids, types, keys, counter, limit }: RunsInput): Promise<Pipeline> {
    const { run } = this;
    const sink: SinkSpec =
      limit !== null && limit <= TOP_LIMIT
        ? { kind: 'top', ids, types, keys, limit, counter }
        : { kind: 'collect', ids, limit: null, copy: false, counter };
    const collected = await this.collect(pipeline, sink);
    const rows = collected.batches.reduce((sum, batch) => sum + batch.rowCount, 0);
    const sorted = (units: readonly SourceUnit[]): Pipeline => sourcePipeline(ids, units, counter + 1);
    if (rows === 0) {
      collected.release();
      return sorted([]);
    }
    const node = run.nodes.list.find((each) => each.counter === counter);
    const [first, another] = collected.batches;
    if (first && !another && sink.kind === 'top') {
      // The first rows of one lane are in order already.
      node?.countRows(rows);
      return sorted([pieceUnit({ kind: 'rows', columns: first.columns, alive: 0, order: 0 }, rows)]);
    }
    const task = { kind: 'sort', frame: run.frame, ids, types, batches: plain(collected.batches), keys, limit } as const;
    const { batch, order } = await run.run(task, run.runsHere(rows));
    assert(batch && order, 'sorting gives rows and their order');
    collected.release();
    node?.countRows(order.count);
    return sorted([pieceUnit({ kind: 'rows', columns: batch.columns, alive: 0, order: order.rows }, order.count)]);
  }

  private async openLimitBy(plan: LimitByPlan): Promise<Pipeline> {
    const { run } = this;
    const { counter } = run.nodes.of(plan);
    const ids = idsOf(plan.output);
    const types = plan.output.map((column) => column.type);
    const collected = await this.collect(await this.open(plan.input), { kind: 'collect', ids, limit: null, copy: false, counter });
    const { keys, limit, offset } = plan;
    const batches = plain(collected.batches);
    const rows = batches.reduce((sum, batch) => sum + batch.rowCount, 0);
    const task = { kind: 'limit_by', frame: run.frame, ids, types, batches, keys, limit, offset } as const;
    const { batch, order } = await run.run(task, run.runsHere(rows));
    assert(batch && order, 'a limit by keys gives rows');
    collected.release();
    const unit = pieceUnit({ kind: 'rows', columns: batch.columns, alive: 0, order: order.rows }, order.count);
    return sourcePipeline(ids, [unit], counter + 1);
  }

  private async openUnnest(plan: UnnestPlan): Promise<Pipeline> {
    const { lists, outer, input, ordinality } = plan;
    const added = idsOf(plan.output).slice(input.output.length);
    return withOperator(await this.open(input), {
      kind: 'unnest',
      lists,
      inputIds: idsOf(input.output),
      listIds: added.slice(0, lists.length),
      ordinalId: ordinality ? (added[lists.length] ?? null) : null,
      outer,
      counter: this.run.nodes.of(plan).counter,
    });
  }

  // ---- running pipelines ---------------------------------------------------------------------------------------------------------

  /** All rows of a pipeline, in order. */
  async collect(pipeline: Pipeline, sink: SinkSpec): Promise<{ batches: CollectedBatch[]; release(): void }> {
    const { run } = this;
    const batches: CollectedBatch[] = [];
    const holds = await this.forWaves(pipeline, sink, (outputs) => {
      for (const output of outputs) if (output.kind === 'batches') batches.push(...output.batches);
    });
    const release = (): void => {
      // A single batch is used as it is, not copied.
      if (batches.length === 1) return;
      for (const hold of holds) run.unhold(hold);
      for (const batch of batches) for (const address of batch.owned) run.scope.free(address);
    };
    return { batches, release };
  }

  /**
   * Runs all lanes of a pipeline into a sink and hands their outputs over in lane order. Columns are made resident for all lanes at once if they
   * fit, else for as many lanes as do. Returns what must stay held as long as collected batches are used.
   */
  async forWaves(
    pipeline: Pipeline,
    sink: SinkSpec,
    take: (outputs: readonly LaneOutput[], owned: readonly number[]) => void,
  ): Promise<OpenLanes[]> {
    const { run } = this;
    const { fewestLanes, mostBytes } = wavesOf(pipeline, run);
    const lanes = lanesOf(pipeline, run.frame.vectorRows, fewestLanes);
    const holds: OpenLanes[] = [];
    for (let next = 0; next < lanes.length; ) {
      run.check();
      const open = new OpenLanes(pipeline, run.options.signal);
      run.hold(open);
      const opened = await openSome(open, lanes, next, mostBytes);
      const partial = opened < lanes.length - next || next > 0;
      // Later waves need the room, so nothing may point into this one.
      const waveSink: SinkSpec = partial && sink.kind === 'collect' ? { ...sink, copy: true } : sink;
      const task = { branches: open.branches, lanes: open.lanes, sink: waveSink, expectedRows: rowsOf(pipeline) };
      const results = await run.runLanes(task, open.rows);
      const outputs = results.flatMap((result) => result.lanes).sort((a, b) => a.lane - b.lane);
      take(
        outputs.map((output) => output.output),
        results.flatMap((result) => result.owned),
      );
      if (waveSink.kind === 'collect' && !waveSink.copy) holds.push(open);
      else run.unhold(open);
      next += opened;
    }
    return holds;
  }

  /** The first rows of a pipeline as batches; lanes are run one after the other until there are enough. */
  async collectLimited(
    pipeline: Pipeline,
    ids: readonly ColumnId[],
    limit: number | null,
    offset: number,
    counter: number,
  ): Promise<CollectedBatch[]> {
    const { run } = this;
    const wanted = limit === null ? null : limit + offset;
    const kept: CollectedBatch[] = [];
    let rows = 0;
    const sink: SinkSpec = { kind: 'collect', ids, limit: wanted, copy: false, counter };
    if (wanted === null) {
      const { batches } = await this.collect(pipeline, sink);
      return trimmed(batches, offset, null, run);
    }
    for (const lane of lanesOf(pipeline, run.frame.vectorRows)) {
      if (rows >= wanted) break;
      run.check();
      const open = new OpenLanes(pipeline, run.options.signal);
      run.hold(open);
      await open.add(lane);
      const results = await run.runLanes({ branches: open.branches, lanes: open.lanes, sink, expectedRows: rowsOf(pipeline) }, open.rows);
      for (const { output } of results.flatMap((result) => result.lanes)) {
        if (output.kind !== 'batches') continue;
        kept.push(...output.batches);
        rows += output.batches.reduce((sum, batch) => sum + batch.rowCount, 0);
      }
    }
    return trimmed(kept, offset, limit, run);
  }

  batchPipeline(batch: Batch, output: readonly OutputColumn[], counter: number): Pipeline {
    return this.batchesPipeline([batch], output, counter);
  }

  batchesPipeline(batches: readonly Batch[], output: readonly OutputColumn[], counter: number): Pipeline {
    const units = batches
      .filter((batch) => batch.rowCount > 0)
      .map((batch) => pieceUnit({ kind: 'rows', columns: batch.columns, alive: 0, order: 0 }, batch.rowCount));
    return sourcePipeline(idsOf(output), units, counter);
  }
}

/** Lanes whose source does not fit in memory at once leave room for what is made of them. */
function wavesOf(pipeline: Pipeline, run: QueryRun): { readonly fewestLanes: number; readonly mostBytes: number } {
  const bytes = bytesOf(pipeline);
  if (bytes < run.options.arena.limitBytes / 4) return { fewestLanes: 1, mostBytes: Number.POSITIVE_INFINITY };
  const room = run.room();
  if (bytes < room * 0.75) return { fewestLanes: 1, mostBytes: Number.POSITIVE_INFINITY };
  const laneBytes = bytes / 64;
  return { fewestLanes: laneBytes > room / 4 ? Math.ceil(bytes / (room / 8)) : 1, mostBytes: room / 2 };
}

/** DISTINCT is grouping by all columns. */
function distinctAsAggregate(plan: DistinctPlan): AggregatePlan {
  return { kind: 'aggregate', output: plan.output, input: plan.input, groups: plan.input.output.map(columnOf), aggregates: [] };
}
