/**
 * WINDOW JOIN on the coordinating thread. The right side is put in order by keys and time, and the columns that the calls read are moved
 * there; left rows are put in the same order, so that their intervals slide over the right rows and nothing is looked at more than a few
 * times; ranges of left rows are worked on side by side, and the results moved back beside the left side's rows.
 */
import { assert } from '../../../core/assert.js';
import type { Batch, Vector } from '../../../core/batch.js';
import { BOOL } from '../../../core/types.js';
import type { Expression } from '../../plan/expression.js';
import type { IntervalBound, WindowJoinPlan } from '../../plan/logical.js';
import { allocateTarget, type ColumnTarget, finishTarget } from '../../windows/column-target.js';
import { compileWindow } from '../../windows/compile-window.js';
import type { PlacedRows } from '../../windows/place-rows.js';
import type { WindowSpec } from '../../windows/spec.js';
import type { Executor } from '../executor.js';
import { columnOf } from '../output-columns.js';
import type { OperatorNode } from '../profile.js';
import type { QueryRun } from '../query-run.js';
import type { Pipeline } from '../sources.js';
import type { CollectedBatch, TaskResult, WindowPiece, WindowResultTask } from '../task.js';
import { addressesOf, batchesOf, grouped, MOST_RANGES, piecesOf, RANGE_VECTORS } from '../window/window-pieces.js';
import { reachedTimes } from './range.js';
import { collectedSide, matchSide, oneColumn, wholeColumns } from './side.js';
import type { LimitSpec } from './task.js';

export async function openWindowJoin(plan: WindowJoinPlan, executor: Executor): Promise<Pipeline> {
  const { run } = executor;
  const node = run.nodes.of(plan);
  const left = await leftRows(plan, executor, node);
  if (left.rowCount === 0) return { branches: [] };
  const join = new WindowJoin(plan, executor, node);
  const batches = await join.results(left);
  node.countRows(left.rowCount);
  node.threads = Math.min(node.threads, Math.max(1, run.options.pool.threads));
  return executor.batchesPipeline(batches, plan.output, node.sourceCounter);
}

/** The left side's columns, then what its rows are matched by, by column of the pieces. */
interface LeftRows {
  readonly pieces: readonly WindowPiece[];
  readonly rowCount: number;
  readonly keys: readonly number[];
  readonly time: number;
  /** Columns that the intervals' bounds are measured from; null: no bound. */
  readonly low: Omit<LimitSpec, 'target'> | null;
  readonly high: Omit<LimitSpec, 'target'> | null;
}

async function leftRows({ left, keys, time, start, end }: WindowJoinPlan, executor: Executor, node: OperatorNode): Promise<LeftRows> {
  const expressions: Expression[] = left.output.map(columnOf);
  const add = (expression: Expression): number => {
    const known = expression.kind === 'column' ? left.output.findIndex((column) => column.id === expression.id) : -1;
    return known >= 0 ? known : expressions.push(expression) - 1;
  };
  const timeColumn = add(time.left);
  const bound = (each: IntervalBound): Omit<LimitSpec, 'target'> | null => {
    if (each.kind === 'unbounded') return null;
    return each.kind === 'ticks' ? { column: timeColumn, ticks: each.ticks } : { column: add(each.limit), ticks: 0n };
  };
  const places = { keys: keys.map((key) => add(key.left)), time: timeColumn, low: bound(start), high: bound(end) };
  const { batches } = await collectedSide(left, expressions, executor, node);
  return { ...places, pieces: piecesOf(batches, executor.run), rowCount: batches.reduce((sum, batch) => sum + batch.rowCount, 0) };
}

const NEVER: Expression = { kind: 'literal', value: false, type: BOOL, nullable: false, position: -1 };

class WindowJoin {
  private readonly plan: WindowJoinPlan;
  private readonly executor: Executor;
  private readonly node: OperatorNode;
  private readonly run: QueryRun;
  private readonly spec: WindowSpec;
  /** What the calls read, by column of the specification. */
  private readonly columns: readonly Expression[];
  /** What is freed when the results are there. */
  private readonly owned: number[] = [];

  constructor(plan: WindowJoinPlan, executor: Executor, node: OperatorNode) {
    this.plan = plan;
    this.executor = executor;
    this.node = node;
    this.run = executor.run;
    const { right, calls } = plan;
    const compiled = compileWindow(
      { kind: 'window', input: right, partitionBy: [], orderBy: [], calls, output: right.output },
      this.run.context,
    );
    this.spec = compiled.spec;
    this.columns = compiled.columns;
  }

  async results(left: LeftRows): Promise<readonly CollectedBatch[]> {
    const { run } = this;
    const { prevailing, time } = this.plan;
    // What prevails may lie far before all intervals.
    const reached = reachedTimes(left.pieces, prevailing ? null : left.low, left.high, time.right, run);
    const side = await matchSide(this.plan, this.columns, left.rowCount, this.executor, this.node, reached ?? [NEVER]);
    const { table, columns, here } = side;
    this.owned.push(...side.owned);
    const limits = this.limitsOf(left);
    const groups = run.scope.allocate(Math.max(64, left.rowCount * 4));
    const size = Math.max(run.frame.vectorRows * RANGE_VECTORS, Math.ceil(left.rowCount / MOST_RANGES));
    const common = { frame: run.frame, counter: this.node.counter };
    const specs = [limits.low, limits.high].flatMap((limit) => (limit ? [limit] : []));
    await run.runAll(
      grouped(left.pieces, size).map((pieces) => ({
        ...common,
        kind: 'match_left',
        pieces,
        table,
        keys: left.keys,
        time: left.time,
        limits: specs,
        groups,
      })),
      here,
    );
    const [low, high] = [limits.low?.target ?? 0, limits.high?.target ?? 0];
    const order = low === 0 ? high : low;
    const placing = await run.run(
      { ...common, kind: 'match_place', rowCount: left.rowCount, groups, groupCount: table.groupCount + 1, keys: order },
      here,
    );
    this.own([placing]);
    const [placed] = placing.placed;
    assert(placed, 'left rows are placed');
    const targets = this.spec.calls.map(({ type }) => allocateTarget(type, left.rowCount, run.scope, run.context));
    const ranges = Array.from({ length: Math.ceil(left.rowCount / size) }, (_, i) => i * size);
    const done = await run.runAll(
      ranges.map((first) => {
        const own = { first, rowCount: Math.min(size, left.rowCount - first), rows: placed.rows, groups, low, high, prevailing };
        return { ...common, ...own, kind: 'match_window', table, columns, targets, spec: this.spec };
      }),
      here,
    );
    this.own(done);
    const vectors = await this.byPosition(done, targets, left.rowCount, here);
    const batches = await this.byRow(left, vectors, placed, size, here);
    for (const address of new Set([...this.owned, groups, ...specs.map((limit) => limit.target)])) run.scope.free(address);
    return batches;
  }

  private own(results: readonly TaskResult[]): void {
    for (const { owned } of results) this.owned.push(...owned);
  }

  private limitsOf({ low, high, rowCount }: LeftRows) {
    const room = (limit: Omit<LimitSpec, 'target'> | null): LimitSpec | null =>
      limit && { ...limit, target: this.run.scope.allocate(Math.max(64, rowCount * 8)) };
    return { low: room(low), high: room(high) };
  }

  /** The results of the ranges in one piece per call. */
  private async byPosition(done: readonly TaskResult[], targets: readonly (ColumnTarget | null)[], rowCount: number, here: boolean) {
    const { run, spec, node } = this;
    const rest = spec.calls.filter((_, i) => !targets[i]);
    const joined = await wholeColumns(
      rest.map(({ type }, i) => ({ type, batches: done.map(({ batch }) => oneColumn(batch as Batch, i)) })),
      run,
      node.counter,
      here,
    );
    return spec.calls.map((call, i): Vector => {
      const target = targets[i];
      if (!target) return joined[rest.indexOf(call)] as Vector;
      const vector = finishTarget(call.type, rowCount, target, run.scope, run.context);
      this.owned.push(...addressesOf(vector));
      return vector;
    });
  }

  /** The left side's pieces with the results beside them. */
  private async byRow(left: LeftRows, vectors: readonly Vector[], placed: PlacedRows, size: number, here: boolean) {
    const { run, plan, node } = this;
    const columns = vectors.map((vector) => ({ vector, positions: placed.positions }));
    const tasks = grouped(left.pieces, size).map((group): WindowResultTask => {
      return {
        kind: 'window_result',
        frame: run.frame,
        columns,
        pieces: group.map((piece) => ({ ...piece, columns: [] })),
        counter: node.counter,
      };
    });
    const results = (await run.runAll(tasks, here)).flatMap(batchesOf);
    return left.pieces.map(({ rowCount, columns: own }, i): CollectedBatch => {
      const calls = results[i]?.columns ?? [];
      return { arena: run.scope.arena.id, rowCount, columns: [...own.slice(0, plan.left.output.length), ...calls], owned: [] };
    });
  }
}
