/**
 * Rows by position: partitions one behind the other, each in the order of the window. A window without PARTITION BY over rows that come in
 * order already leaves every row where it is; a partition key alone costs one counting sort.
 */
import { bitmapBytes, type Vector } from '../../core/batch.js';
import { MemoryScope } from '../../core/memory-scope.js';
import { physicalOf, WIDTH_BYTES } from '../../core/types.js';
import { GroupTable } from '../execution/group-table.js';
import { sliceVector } from '../execution/piece-reader.js';
import { type OrderKeys, orderKeysOf, sortRows } from '../execution/sort-rows.js';
import { toFlat } from '../expression/gather.js';
import type { EvaluationContext } from '../functions/contract.js';
import type { WindowOrder, WindowSpec } from './spec.js';

export interface WindowRun {
  readonly context: EvaluationContext;
  /** Lives as long as the task. */
  readonly memory: MemoryScope;
  /** What the task gives away. */
  readonly results: MemoryScope;
  readonly vectorRows: number;
  check(): void;
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
  /** Where each partition begins, and the number of rows at the end (uint32). */
  readonly starts: number;
  /** Position of each row and row of each position; 0 = the same. */
  readonly positions: number;
  readonly rows: number;
  readonly run: WindowRun;
  private readonly partitionCount: number;
  private readonly order: readonly OrderKeys[];
  private readonly columns: readonly Vector[];
  private known: Peers | undefined;
  private readonly moved = new Map<number, number>();

  constructor(spec: WindowSpec, columns: readonly Vector[], n: number, run: WindowRun) {
    this.n = n;
    this.run = run;
    this.columns = columns;
    const { context, memory } = run;
    this.order = spec.order.map((key) => {
      run.check();
      return orderKeysOf(this.column(key.column), key, context, memory);
    });
    const ordered = this.comesInOrder() ? 0 : sortRows(this.order, n, context, memory, run.check);
    const placed = spec.partition.length === 0 ? this.onePartition(ordered) : this.partitioned(spec, ordered);
    this.starts = placed.starts;
    this.partitionCount = placed.count;
    this.positions = placed.positions;
    this.rows = placed.rows;
  }

  column(index: number): Vector {
    const vector = this.columns[index];
    if (!vector) throw new Error(`window column ${index}`);
    return vector;
  }

  /** Time series mostly do: then nothing is sorted. */
  private comesInOrder(): boolean {
    const [key, ...more] = this.order;
    if (!key) return true;
    if (more.length > 0 || key.keys.length !== 1 || key.validity !== 0) return false;
    return this.run.context.kernels.is_sorted_u64(key.keys[0] ?? 0, this.n) === 1;
  }

  private onePartition(sorted: number) {
    const { memory, context } = this.run;
    const starts = memory.allocate(64);
    context.arena.u32[starts / 4] = 0;
    context.arena.u32[starts / 4 + 1] = this.n;
    if (sorted === 0) return { starts, count: 1, positions: 0, rows: 0 };
    const positions = memory.allocate(Math.max(64, this.n * 4));
    context.kernels.invert_u32(sorted, this.n, positions);
    return { starts, count: 1, positions, rows: sorted };
  }

  private partitioned(spec: WindowSpec, sorted: number) {
    const { n, run } = this;
    const { memory, context } = run;
    const { kernels } = context;
    const temporary = new MemoryScope(memory.arena, memory.limitBytes, memory.budget);
    try {
      const keys = spec.partition.map((index) => this.column(index));
      const table = new GroupTable(
        keys.map((key) => key.type),
        temporary,
        kernels,
      );
      const ids = temporary.allocate(Math.max(64, n * 4));
      for (let first = 0; first < n; first += run.vectorRows) {
        run.check();
        context.scratch.reset();
        const length = Math.min(run.vectorRows, n - first);
        const slices = keys.map((key) => sliceVector(key, first, length));
        kernels.copy_bytes(ids + first * 4, table.assign(slices, 0, length, context), length * 4);
      }
      const count = table.groupCount;
      const starts = memory.allocate(Math.max(64, (count + 1) * 4));
      kernels.fill_bytes(starts, 0, (count + 1) * 4);
      kernels.count_ids(ids, n, starts);
      kernels.running_sum_u32(starts, count);
      const cursors = temporary.allocate(Math.max(64, (count + 1) * 4));
      kernels.copy_bytes(cursors, starts, (count + 1) * 4);
      const positions = memory.allocate(Math.max(64, n * 4));
      const rows = memory.allocate(Math.max(64, n * 4));
      run.check();
      kernels.place_rows(ids, sorted, n, cursors, positions, rows);
      return { starts, count, positions, rows };
    } finally {
      temporary.release();
    }
  }

  /** Made when first asked for: ranks and most frames need it, ROWS frames do not. */
  get peers(): Peers {
    if (this.known) return this.known;
    const { n, run, order } = this;
    const { memory, context } = run;
    const { kernels } = context;
    const marks = memory.allocateZeroed(Math.max(64, n));
    kernels.mark_starts(this.starts, this.partitionCount, n, marks);
    for (const { keys, validity } of order) {
      for (const key of keys) {
        run.check();
        kernels.mark_changes_u64(this.place(key, 8), n, marks);
      }
      if (validity !== 0) kernels.mark_changes_bits(this.placeBits(validity), n, marks);
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
    const keys = orderKeysOf(this.column(column), order, context, memory);
    const [first = 0, minor = 0] = keys.keys.map((key) => this.place(key, 8));
    return { keys: first, minor, validity: this.placeBits(keys.validity), nullsFirst: order.nullsFirst };
  }

  /** A column's values by position, flat. Bool becomes bytes. */
  values(index: number): number {
    const known = this.moved.get(index);
    if (known !== undefined) return known;
    const { context, memory } = this.run;
    const flat = toFlat(this.column(index), context, memory);
    let address = flat.values;
    let width: number = WIDTH_BYTES[physicalOf(flat.type)];
    if (flat.type.kind === 'bool') {
      width = 1;
      address = memory.allocate(Math.max(64, this.n));
      context.kernels.expand_bits(flat.values, this.n, address);
    }
    const moved = this.place(address, width);
    this.moved.set(index, moved);
    return moved;
  }

  /** A bitmap over rows as one over positions; 0 stays 0. */
  placeBits(bitmap: number): number {
    const { context, memory } = this.run;
    if (bitmap === 0 || this.rows === 0) return bitmap;
    const out = memory.allocate(bitmapBytes(this.n) + 64);
    context.kernels.gather_bits(bitmap, this.rows, this.n, out);
    return out;
  }

  /** Values of a width over rows as values over positions. */
  place(values: number, width: number): number {
    if (this.positions === 0 || width === 0) return values;
    const { context, memory } = this.run;
    const { kernels } = context;
    const out = memory.allocate(Math.max(64, this.n * width));
    const scatter = { 1: kernels.scatter_w1, 2: kernels.scatter_w2, 4: kernels.scatter_w4, 8: kernels.scatter_w8 }[width];
    (scatter ?? kernels.scatter_w16)(values, this.positions, this.n, out);
    return out;
  }
}
