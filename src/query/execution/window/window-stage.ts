/**
 * Window nodes on the coordinating thread. Nodes that stand on each other and do not read each other's results are computed together, over
 * one input: rows are placed once for every order and partitioning, columns moved to their positions in the order of the rows (which is how
 * memory likes it), ranges of whole partitions worked on side by side, and the results moved back beside the input's rows.
 */
import { assert } from '../../../core/assert.js';
import type { Batch, Vector } from '../../../core/batch.js';
import type { DataType } from '../../../core/types.js';
import { fingerprint } from '../../binder/expressions.js';
import { type ColumnId, columnsOf, type Expression } from '../../plan/expression.js';
import type { LogicalPlan, WindowPlan } from '../../plan/logical.js';
import { ownExpressions } from '../../plan/traverse.js';
import { allocateTarget, type ColumnTarget, finishTarget, isMovable } from '../../windows/column-target.js';
import { compileWindow } from '../../windows/compile-window.js';
import type { PlacedRows } from '../../windows/place-rows.js';
import type { WindowOrder, WindowSpec } from '../../windows/spec.js';
import { streamCalls } from '../../windows/stream-calls.js';
import { ignoresTieOrder } from '../../windows/tie-order.js';
import type { PositionRange, TaskColumn } from '../../windows/window-rows.js';
import { cutBatch } from '../cut-batch.js';
import { columnOf } from '../output-columns.js';
import type { OperatorNodes } from '../profile.js';
import type { QueryRun } from '../query-run.js';
import { ascendingColumn } from '../sort/known-order.js';
import type { CollectedBatch, TaskResult, WindowPiece, WindowResultTask } from '../task.js';
import { addressesOf, batchesOf, grouped, MOST_RANGES, piecesOf, RANGE_VECTORS } from './window-pieces.js';
import { streamedColumns } from './window-stream.js';

interface PreparedWindow {
  readonly spec: WindowSpec;
  readonly node: ReturnType<OperatorNodes['of']>;
  /** Where the specification's columns stand in the batches. */
  readonly places: readonly number[];
  /** True when the rows are known to come in the window's order. */
  readonly ascends: boolean;
}

export interface PreparedWindows {
  /** What the lowest of the nodes reads. */
  readonly input: LogicalPlan;
  /** The node that the common work is counted at. */
  readonly node: PreparedWindow['node'];
  /** In the order of the output's columns. */
  readonly windows: readonly PreparedWindow[];
  /** Columns of the input, then what the calls need besides. */
  readonly ids: readonly ColumnId[];
  readonly expressions: readonly Expression[];
  /** False: the input has everything already. */
  readonly computes: boolean;
  readonly inputColumns: number;
}

export function prepareWindows(plan: WindowPlan, run: QueryRun, nextId: () => ColumnId): PreparedWindows {
  const plans = windowsOf(plan);
  const { input } = plans[0] as WindowPlan;
  const made: { key: string; id: ColumnId; expression: Expression }[] = [];
  const ascending = ascendingColumn(input);
  const windows = plans.map((each): PreparedWindow => {
    const { spec, columns } = compileWindow(each, run.context);
    const [key, ...moreKeys] = spec.order;
    const column = key && columns[key.column];
    const ascends = column?.kind === 'column' && column.id === ascending && !key?.descending && moreKeys.length === 0;
    const places = columns.map((expression) => {
      const known = expression.kind === 'column' ? input.output.findIndex((column) => column.id === expression.id) : -1;
      if (known >= 0) return known;
      const key = fingerprint(expression);
      let index = made.findIndex((one) => one.key === key);
      if (index < 0) index = made.push({ key, id: nextId(), expression }) - 1;
      return input.output.length + index;
    });
    return { spec, places, ascends, node: run.nodes.of(each) };
  });
  return {
    input,
    node: run.nodes.of(plan),
    windows,
    ids: [...input.output.map((column) => column.id), ...made.map((one) => one.id)],
    expressions: [...input.output.map(columnOf), ...made.map((one) => one.expression)],
    computes: made.length > 0,
    inputColumns: input.output.length,
  };
}

/** The window nodes from the lowest up to this one that do not read what one of them computes. */
function windowsOf(plan: WindowPlan): readonly WindowPlan[] {
  const read = new Set<ColumnId>();
  const found: WindowPlan[] = [];
  for (let node: LogicalPlan = plan; node.kind === 'window' && !node.calls.some((call) => read.has(call.id)); node = node.input) {
    for (const expression of ownExpressions(node)) for (const id of columnsOf(expression)) read.add(id);
    found.unshift(node);
  }
  return found;
}

/** The input's rows as they are, with the calls' columns beside them. */
export async function computeWindows(
  prepared: PreparedWindows,
  batches: readonly CollectedBatch[],
  run: QueryRun,
): Promise<readonly CollectedBatch[]> {
  const rowCount = batches.reduce((sum, batch) => sum + batch.rowCount, 0);
  if (rowCount === 0) return [];
  const pieces = piecesOf(batches, run);
  const results =
    (await streamed(prepared, pieces, rowCount, run)) ?? (await new WindowComputation(prepared, pieces, rowCount, run).results());
  for (const { node } of prepared.windows) {
    node.countRows(rowCount);
    // Tasks are many more than threads.
    node.threads = Math.min(node.threads, Math.max(1, run.options.pool.threads));
  }
  return results;
}

/** The results of windows whose rows come in their order already; undefined unless all are of this kind. */
async function streamed(
  { windows, inputColumns }: PreparedWindows,
  pieces: readonly WindowPiece[],
  rowCount: number,
  run: QueryRun,
): Promise<readonly CollectedBatch[] | undefined> {
  if (!windows.every(({ spec }) => streamCalls(spec))) return undefined;
  const results: (readonly (readonly Vector[])[])[] = [];
  for (const { node, ...window } of windows) {
    const columns = await streamedColumns({ ...window, counter: node.counter }, pieces, rowCount, run);
    if (!columns) return undefined;
    results.push(columns);
  }
  const arena = run.scope.arena.id;
  return pieces.map(({ columns, rowCount: rows }, i): CollectedBatch => {
    return { arena, rowCount: rows, columns: [...columns.slice(0, inputColumns), ...results.flatMap((each) => each[i] ?? [])], owned: [] };
  });
}

/** A window with its rows placed and room for its results. */
interface PlacedWindow extends PreparedWindow {
  readonly placed: PlacedRows;
  readonly ranges: readonly PositionRange[];
  readonly targets: readonly (ColumnTarget | null)[];
}

class WindowComputation {
  private readonly prepared: PreparedWindows;
  private readonly pieces: readonly WindowPiece[];
  private readonly rowCount: number;
  private readonly run: QueryRun;
  private readonly here: boolean;
  /** Rows that are worth a task. */
  private readonly size: number;
  /** What is freed when the results are there. */
  private readonly owned: number[] = [];

  constructor(prepared: PreparedWindows, pieces: readonly WindowPiece[], rowCount: number, run: QueryRun) {
    this.prepared = prepared;
    this.pieces = pieces;
    this.rowCount = rowCount;
    this.run = run;
    this.here = run.runsHere(rowCount);
    this.size = Math.max(run.frame.vectorRows * RANGE_VECTORS, Math.ceil(rowCount / MOST_RANGES));
  }

  async results(): Promise<readonly CollectedBatch[]> {
    const { run, here } = this;
    const columns = await this.wholeColumns();
    const windows = await this.placedWindows(columns);
    const moved: TaskColumn[][] = [];
    for (const window of windows) moved.push(await this.moved(window, columns));
    const tasks = windows.flatMap(({ spec, targets, ranges, node }, i) =>
      ranges.map((range) => {
        return { kind: 'window', frame: run.frame, columns: moved[i] ?? [], range, targets, spec, counter: node.counter } as const;
      }),
    );
    const done = await run.runAll(tasks, here);
    this.own(done);
    const results: { vector: Vector; positions: number }[] = [];
    let next = 0;
    for (const window of windows) {
      const own = done.slice(next, next + window.ranges.length);
      next += window.ranges.length;
      for (const vector of await this.byPosition(window, own)) results.push({ vector, positions: window.placed.positions });
    }
    const batches = await this.byRow(results);
    // Without an order to undo, results are handed on as they lie.
    const gathered = results.every(({ positions }) => positions !== 0);
    if (gathered) for (const address of new Set(this.owned)) run.scope.free(address);
    return batches;
  }

  private own(results: readonly TaskResult[]): void {
    for (const { owned } of results) this.owned.push(...owned);
  }

  /** The columns that rows are placed by, and those that cannot be moved value by value, by place. */
  private async wholeColumns(): Promise<ReadonlyMap<number, Vector>> {
    const { prepared } = this;
    const types = new Map<number, DataType>();
    for (const { spec, places } of prepared.windows) {
      const keys = new Set([...spec.partition, ...spec.order.map((key) => key.column)]);
      places.forEach((place, i) => {
        const type = spec.types[i];
        if (type && (keys.has(i) || !isMovable(type) || keepsRows(spec))) types.set(place, type);
      });
    }
    const vectors = await this.joined(
      [...types].map(([place, type]) => ({
        type,
        batches: this.pieces.map((piece) => this.batchOf([piece.columns[place] as Vector], piece)),
      })),
      prepared.node.counter,
    );
    return new Map([...types.keys()].map((place, i) => [place, vectors[i] as Vector]));
  }

  private batchOf(columns: readonly Vector[], { rowCount }: { readonly rowCount: number }): Batch {
    return { arena: this.run.scope.arena.id, rowCount, columns };
  }

  /** Batches of one column as one vector each. */
  private async joined(columns: readonly { type: DataType; batches: readonly Batch[] }[], counter: number): Promise<readonly Vector[]> {
    const { run } = this;
    const tasks = columns.map(({ type, batches }) => ({ kind: 'window_column' as const, frame: run.frame, batches, type, counter }));
    const done = await run.runAll(tasks, this.here);
    this.own(done);
    return done.map(({ batch }) => batch?.columns[0] as Vector);
  }

  /** One task for every order, each with all partitionings that go with it. */
  private async placedWindows(columns: ReadonlyMap<number, Vector>): Promise<readonly PlacedWindow[]> {
    const { run, rowCount, prepared } = this;
    const byOrder = new Map<string, { readonly order: readonly WindowOrder[]; readonly partitions: Map<string, readonly number[]> }>();
    const own = prepared.windows.map(placementOf);
    const wanted = prepared.windows.map((window, i) => {
      const { order, partition } = sharedPlacement(own[i] as Placement, ignoresTieOrder(window.spec), own);
      const orderKey = JSON.stringify(order);
      const entry = byOrder.get(orderKey) ?? { order, partitions: new Map() };
      byOrder.set(orderKey, entry);
      entry.partitions.set(partition.join(), partition);
      return { orderKey, partitionKey: partition.join() };
    });
    const known = [...columns.keys()];
    const tasks = [...byOrder.values()].map(({ order, partitions }) => ({
      kind: 'window_place' as const,
      frame: run.frame,
      columns: [...columns.values()],
      rowCount,
      order: order.map((key) => ({ ...key, column: known.indexOf(key.column) })),
      partitions: [...partitions.values()].map((keys) => keys.map((place) => known.indexOf(place))),
      counter: prepared.node.counter,
    }));
    const done = await run.runAll(tasks, this.here);
    this.own(done);
    return prepared.windows.map((window, i): PlacedWindow => {
      const { orderKey = '', partitionKey = '' } = wanted[i] ?? {};
      const group = [...byOrder.keys()].indexOf(orderKey);
      const placed = done[group]?.placed[[...(byOrder.get(orderKey)?.partitions.keys() ?? [])].indexOf(partitionKey)];
      assert(placed, 'rows are placed for every window');
      const targets = window.spec.calls.map(({ type }) => allocateTarget(type, rowCount, run.scope, run.context));
      return { ...window, placed, ranges: this.rangesOf(placed), targets };
    });
  }

  /** Ranges of whole partitions, of about equal size. */
  private rangesOf({ starts, partitions, rows }: PlacedRows): readonly PositionRange[] {
    const { size, run } = this;
    const { u32 } = run.context.arena;
    const startOf = (partition: number): number => u32[starts / 4 + partition] ?? 0;
    const ranges: PositionRange[] = [];
    for (let partition = 0; partition < partitions; ) {
      const first = startOf(partition);
      let [low, high] = [partition + 1, partitions];
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (startOf(middle) >= first + size) high = middle;
        else low = middle + 1;
      }
      ranges.push({ rowCount: startOf(low) - first, first, starts: starts + partition * 4, partitions: low - partition, rows });
      partition = low;
    }
    return ranges;
  }

  /** The window's columns: moved to their positions in one go over the rows where values have a width. */
  private async moved({ spec, places, placed, node }: PlacedWindow, whole: ReadonlyMap<number, Vector>): Promise<TaskColumn[]> {
    const { run, rowCount } = this;
    const readByRow = keepsRows(spec);
    const targets = spec.types.map((type, i) =>
      readByRow || !readsColumn(spec, i) ? null : allocateTarget(type, rowCount, run.scope, run.context),
    );
    const indexes = targets.flatMap((target, i) => (target ? [i] : []));
    if (indexes.length > 0) {
      const tasks = grouped(this.pieces, this.size).map((group) => ({
        kind: 'window_move' as const,
        frame: run.frame,
        pieces: group.map((piece) => ({ ...piece, columns: indexes.map((i) => piece.columns[places[i] ?? -1] as Vector) })),
        targets: indexes.map((i) => targets[i] as ColumnTarget),
        positions: placed.positions,
        counter: node.counter,
      }));
      await run.runAll(tasks, this.here);
    }
    return spec.types.map((type, i): TaskColumn => {
      const target = targets[i];
      if (!target) return { vector: whole.get(places[i] ?? -1) as Vector, byPosition: placed.rows === 0 };
      const vector = finishTarget(type, rowCount, target, run.scope, run.context);
      this.owned.push(...addressesOf(vector));
      return { vector, byPosition: true };
    });
  }

  /** The results of a window's ranges in one piece per call. */
  private async byPosition({ targets, spec, node }: PlacedWindow, done: readonly TaskResult[]): Promise<readonly Vector[]> {
    const { run, rowCount } = this;
    const rest = spec.calls.filter((_, i) => !targets[i]);
    const joined = await this.joined(
      rest.map(({ type }, i) => ({ type, batches: done.map(({ batch }) => this.batchOf([batch?.columns[i] as Vector], batch as Batch)) })),
      node.counter,
    );
    return spec.calls.map((call, i) => {
      const target = targets[i];
      if (!target) return joined[rest.indexOf(call)] as Vector;
      const vector = finishTarget(call.type, rowCount, target, run.scope, run.context);
      this.owned.push(...addressesOf(vector));
      return vector;
    });
  }

  /** The input's pieces with the results beside them. */
  private async byRow(results: readonly { vector: Vector; positions: number }[]): Promise<readonly CollectedBatch[]> {
    const { run, prepared } = this;
    const { arena } = run.scope;
    const moved = results.filter(({ positions }) => positions !== 0);
    const { counter } = prepared.node;
    const tasks = grouped(this.pieces, this.size).map((group): WindowResultTask => {
      const pieces = group.map((piece) => ({ ...piece, columns: [] }));
      return { kind: 'window_result', frame: run.frame, columns: moved, pieces, counter };
    });
    const done = moved.length === 0 ? [] : (await run.runAll(tasks, this.here)).flatMap(batchesOf);
    return this.pieces.map(({ first, rowCount, columns }, i): CollectedBatch => {
      const calls = results.map((result) => {
        const gathered = moved.indexOf(result);
        if (gathered >= 0) return done[i]?.columns[gathered] as Vector;
        const all = { arena: arena.id, rowCount: this.rowCount, columns: [result.vector], owned: [] };
        return cutBatch(all, first, rowCount, run).columns[0] as Vector;
      });
      return { arena: arena.id, rowCount, columns: [...columns.slice(0, prepared.inputColumns), ...calls], owned: [] };
    });
  }
}

/** Windows without partitions often leave rows where they are, and one task reads them: their columns are not moved before. */
function keepsRows(spec: WindowSpec): boolean {
  return spec.partition.length === 0;
}

/** True when the calls read the column; others only say where rows go. */
function readsColumn({ calls, frames, order }: WindowSpec, column: number): boolean {
  if (calls.some((call) => call.args.includes(column) || call.filter === column || call.order.some((key) => key.column === column)))
    return true;
  const peers = frames.some((frame) => frame.unit !== 'rows' || frame.exclude !== 'none') || calls.some((call) => !call.aggregate);
  if (peers && order.some((key) => key.column === column)) return true;
  return frames.some(
    ({ rangeKey, start, end }) => rangeKey === column || [start, end].some((bound) => bound.kind === 'limit' && bound.limit === column),
  );
}

/** What rows are placed by; columns by place. */
interface Placement {
  readonly order: readonly WindowOrder[];
  readonly partition: readonly number[];
}

/** The placement itself or, when the order of ties does not matter, the longest of the others whose order begins with its own. */
function sharedPlacement(own: Placement, anyTieOrder: boolean, all: readonly Placement[]): Placement {
  if (!anyTieOrder) return own;
  const begins = own.order.map((key) => JSON.stringify(key));
  const fitting = all.filter(
    ({ order, partition }) => partition.join() === own.partition.join() && begins.every((key, i) => key === JSON.stringify(order[i])),
  );
  return fitting.reduce((longest, each) => (each.order.length > longest.order.length ? each : longest), own);
}

function placementOf({ spec, places }: PreparedWindow): Placement {
  const place = (column: number): number => places[column] ?? -1;
  return { order: spec.order.map((key) => ({ ...key, column: place(key.column) })), partition: spec.partition.map(place) };
}
