/**
 * Rows by position: partitions one behind the other, each in the order of the window. A window without PARTITION BY over rows that come in
 * order already leaves every row where it is; a partition key alone costs one counting sort. Windows of one order share its sort.
 */
import type { Vector } from '../../core/batch.js';
import { MemoryScope } from '../../core/memory-scope.js';
import { GroupTable } from '../execution/aggregate/group-table.js';
import type { TaskRun } from '../execution/run-task.js';
import { sliceVector } from '../execution/slice-vector.js';
import { type OrderKeys, orderKeysOf, sortRows } from '../execution/sort/sort-rows.js';
import type { PlaceTask, TaskResult } from '../execution/task.js';
import { inPieces } from '../expression/in-pieces.js';

export interface PlacedRows {
  /** Where each partition begins, and the number of rows at the end (uint32). */
  readonly starts: number;
  readonly partitions: number;
  /** Position of each row and row of each position (uint32); 0 = the same, in one partition. */
  readonly positions: number;
  readonly rows: number;
}

/** One placement for each of the task's partitionings. */
export function* runPlace(task: PlaceTask, run: TaskRun): Generator<void, Partial<TaskResult>> {
  const { context, kept, temporary } = run;
  run.counters.enter(task.counter);
  const { columns, rowCount: n } = task;
  const memory = new MemoryScope(temporary.arena, temporary.limitBytes, temporary.budget);
  try {
    const order: OrderKeys[] = [];
    for (const key of task.order) {
      run.check();
      order.push(orderKeysOf(columns[key.column] as Vector, key, context, memory));
      yield;
    }
    const inOrder = comesInOrder(order, n, run);
    const sorted = inOrder ? 0 : sortRows(order, n, context, task.partitions.some((each) => each.length === 0) ? kept : memory, run.check);
    const placed: PlacedRows[] = [];
    for (const partition of task.partitions) {
      yield;
      if (partition.length === 0) placed.push(onePartition(sorted, n, run));
      else
        placed.push(
          yield* partitioned(
            partition.map((index) => columns[index] as Vector),
            sorted,
            task,
            run,
          ),
        );
    }
    return { placed };
  } finally {
    memory.release();
  }
}

/** Time series mostly do: then nothing is sorted. */
function comesInOrder(order: readonly OrderKeys[], n: number, run: TaskRun): boolean {
  const [key, ...more] = order;
  if (!key) return true;
  if (more.length > 0 || key.keys.length !== 1 || key.validity !== 0) return false;
  return run.context.kernels.is_sorted_u64(key.keys[0] ?? 0, n) === 1;
}

function onePartition(sorted: number, n: number, run: TaskRun): PlacedRows {
  const { kept, context } = run;
  const starts = kept.allocate(64);
  context.arena.u32[starts / 4] = 0;
  context.arena.u32[starts / 4 + 1] = n;
  if (sorted === 0) return { starts, partitions: 1, positions: 0, rows: 0 };
  const positions = kept.allocate(Math.max(64, n * 4));
  inPieces(n, context, (first, count) => context.kernels.invert_u32(sorted, first, first + count, positions));
  return { starts, partitions: 1, positions, rows: sorted };
}

function* partitioned(keys: readonly Vector[], sorted: number, task: PlaceTask, run: TaskRun): Generator<void, PlacedRows> {
  const { context, kept } = run;
  const { kernels } = context;
  const { rowCount: n, frame } = task;
  const temporary = new MemoryScope(kept.arena, kept.limitBytes, kept.budget);
  try {
    const table = new GroupTable(
      keys.map((key) => key.type),
      temporary,
      kernels,
    );
    const ids = temporary.allocate(Math.max(64, n * 4));
    for (let first = 0; first < n; first += frame.vectorRows) {
      run.check();
      context.scratch.reset();
      const length = Math.min(frame.vectorRows, n - first);
      const slices = keys.map((key) => sliceVector(key, first, length));
      kernels.copy_bytes(ids + first * 4, table.assign(slices, 0, length, context), length * 4);
      yield;
    }
    const partitions = table.groupCount;
    const bytes = Math.max(64, (partitions + 1) * 4);
    const starts = kept.allocate(bytes);
    kernels.fill_bytes(starts, 0, bytes);
    kernels.count_ids(ids, n, starts);
    kernels.running_sum_u32(starts, partitions);
    const cursors = temporary.allocate(bytes);
    kernels.copy_bytes(cursors, starts, bytes);
    const positions = kept.allocate(Math.max(64, n * 4));
    const rows = kept.allocate(Math.max(64, n * 4));
    run.check();
    kernels.place_rows(ids, sorted, n, cursors, positions, rows);
    return { starts, partitions, positions, rows };
  } finally {
    temporary.release();
  }
}
