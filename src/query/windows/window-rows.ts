/** A range of positions, whole partitions: its columns by position, its partitions, its peers. */
import { flatVector, type Vector } from '../../core/batch.js';
import type { MemoryScope } from '../../core/memory-scope.js';
import { physicalOf, WIDTH_BYTES } from '../../core/types.js';
import { sliceVector } from '../execution/slice-vector.js';
import { orderKeysOf } from '../execution/sort/sort-rows.js';
import { gatherVector, toFlat } from '../expression/gather.js';
import type { EvaluationContext } from '../functions/contract.js';
import { type ColumnTarget, isMovable } from './column-target.js';
import type { WindowCallSpec, WindowOrder, WindowSpec } from './spec.js';

export interface WindowRun {
  readonly context: EvaluationContext;
  /** Lives as long as the task. */
  readonly memory: MemoryScope;
  /** What the task gives away. */
  readonly results: MemoryScope;
  check(): void;
}

/** The positions [first, first + rowCount) of placed rows. */
export interface PositionRange {
  readonly rowCount: number;
  readonly first: number;
  /** Where each partition begins, and where the last one ends, as positions (uint32). */
  readonly starts: number;
  readonly partitions: number;
  /** Row of each position; 0 = the position. */
  readonly rows: number;
}

export interface ResultRange {
  readonly first: number;
  readonly rowCount: number;
}

/** A column of all rows, by position or by row. */
export interface TaskColumn {
  readonly vector: Vector;
  readonly byPosition: boolean;
}

/** Peers by position: number of the group of each, where each group begins (and a last one, where the rows end). */
export interface Peers {
  readonly groups: number;
  readonly starts: number;
}

/** Order keys in position order. minor = 0: one word is all. */
export interface PositionKeys {
  readonly keys: number;
  readonly minor: number;
  readonly validity: number;
  readonly nullsFirst: boolean;
}

export class WindowRows {
  readonly n: number;
  /** Where each partition begins in the range, and the number of rows at the end (uint32). */
  readonly starts: number;
  /** The first of the positions, among all. */
  readonly first: number;
  /** Which rows have results, of all that have: the positions, unless said otherwise. */
  readonly results: ResultRange;
  readonly run: WindowRun;
  private readonly partitions: number;
  private readonly spec: WindowSpec;
  /** Row of each position; 0 = the position. */
  private readonly rows: number;
  private readonly columns: readonly TaskColumn[];
  private readonly targets: readonly (ColumnTarget | null)[];
  private known: Peers | undefined;
  private readonly placed = new Map<number, Vector>();
  private readonly flat = new Map<number, number>();

  /** targets: where the results of the calls go, by position. */
  constructor(
    spec: WindowSpec,
    columns: readonly TaskColumn[],
    range: PositionRange,
    targets: readonly (ColumnTarget | null)[],
    run: WindowRun,
    results: ResultRange = range,
  ) {
    this.n = range.rowCount;
    this.results = results;
    this.first = range.first;
    this.run = run;
    this.spec = spec;
    this.columns = columns;
    this.targets = targets;
    this.rows = range.rows === 0 ? 0 : range.rows + range.first * 4;
    this.partitions = range.partitions;
    this.starts = this.startsIn(range);
  }

  private startsIn({ starts, partitions, first }: PositionRange): number {
    if (first === 0) return starts;
    const { memory, context } = this.run;
    const { u32 } = context.arena;
    const own = memory.allocate(Math.max(64, (partitions + 1) * 4));
    for (let i = 0; i <= partitions; i++) u32[own / 4 + i] = (u32[starts / 4 + i] ?? 0) - first;
    return own;
  }

  targetOf(call: WindowCallSpec): ColumnTarget | null {
    return this.targets[call.index] ?? null;
  }

  /** A column by position. */
  column(index: number): Vector {
    const column = this.columns[index];
    if (!column) throw new Error(`window column ${index}`);
    let placed = this.placed.get(index);
    if (!placed) {
      placed = this.place(column);
      this.placed.set(index, placed);
    }
    return placed;
  }

  private place({ vector, byPosition }: TaskColumn): Vector {
    const { n, first, run } = this;
    const { context, memory } = run;
    if (n === vector.length && (byPosition || this.rows === 0)) return vector;
    if (!byPosition) return gatherVector(vector, this.rows, n, context, memory);
    if (first % 64 === 0) return sliceVector(vector, first, n);
    const values = sliceValues(vector, first, n);
    if (values && vector.validity === 0) return values;
    const numbers = memory.allocate(Math.max(64, n * 4));
    context.kernels.row_numbers(first, n, numbers);
    return gatherVector(vector, numbers, n, context, memory);
  }

  /** Made when first asked for: ranks and most frames need it, ROWS frames do not. */
  get peers(): Peers {
    if (this.known) return this.known;
    const { n, run, spec } = this;
    const { memory, context } = run;
    const { kernels } = context;
    const marks = memory.allocateZeroed(Math.max(64, n));
    kernels.mark_starts(this.starts, this.partitions, n, marks);
    for (const order of spec.order) {
      const { keys, validity } = orderKeysOf(this.column(order.column), order, context, memory);
      for (const key of keys) {
        run.check();
        kernels.mark_changes_u64(key, n, marks);
      }
      if (validity !== 0) kernels.mark_changes_bits(validity, n, marks);
    }
    const groups = memory.allocate(Math.max(64, n * 4));
    const starts = memory.allocate(Math.max(64, (n + 1) * 4));
    kernels.number_groups(marks, n, groups, starts);
    memory.free(marks);
    this.known = { groups, starts };
    return this.known;
  }

  /** The order keys of a column by position. */
  keysOf(column: number, order: Omit<WindowOrder, 'column'>): PositionKeys {
    const { context, memory } = this.run;
    const { keys, validity } = orderKeysOf(this.column(column), order, context, memory);
    const [first = 0, minor = 0] = keys;
    return { keys: first, minor, validity, nullsFirst: order.nullsFirst };
  }

  /** A column's values by position, flat. Bool becomes bytes. */
  values(index: number): number {
    const known = this.flat.get(index);
    if (known !== undefined) return known;
    const { context, memory } = this.run;
    const flat = toFlat(this.column(index), context, memory);
    let address = flat.values;
    if (flat.type.kind === 'bool') {
      address = memory.allocate(Math.max(64, this.n));
      context.kernels.expand_bits(flat.values, this.n, address);
    }
    this.flat.set(index, address);
    return address;
  }
}

/** Flat values in place; undefined where they do not begin at a byte. */
function sliceValues(vector: Vector, first: number, n: number): Vector | undefined {
  if (vector.type.kind === 'bool' || vector.encoding !== 'flat' || !isMovable(vector.type)) return undefined;
  return flatVector(vector.type, n, vector.values + first * WIDTH_BYTES[physicalOf(vector.type)]);
}
