/**
 * Vectors computed value by value: where JavaScript has what is wanted and a kernel would not pay. Values become JavaScript's one row at a time,
 * and results go back to the arena when they are many, so that the memory that nobody counts stays small.
 */
import type { Value, Vector } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import type { MemoryScope } from '../../core/memory-scope.js';
import { type DataType, isText } from '../../core/types.js';
import { MAX_VALUE_WEIGHT, weightAt } from '../../core/value-weight.js';
import { isValid, valueAt } from '../../core/values.js';
import { ColumnBuilder } from './column-builder.js';
import { gatherVector, type MoveContext } from './gather.js';
import { vectorOf } from './vector-values.js';
import { withWatchdog } from './watchdog.js';

/** Rows, or characters and items, between two looks at whether the query shall go on. */
const ROWS_BETWEEN_CHECKS = 64;
const WEIGHT_BETWEEN_CHECKS = 4096;
/** Characters and items of results that are held before they go to the arena. */
const MAX_HELD_WEIGHT = 1 << 20;

/** The values of `compute` for each row. Rows with a NULL argument give NULL unless `nulls` is 'seen'. The arguments have rowCount rows, any encoding. */
export function byValue(
  type: DataType,
  args: readonly Vector[],
  rowCount: number,
  compute: (row: readonly Value[]) => Value,
  nulls: 'strict' | 'seen',
  context: MoveContext,
): Vector {
  const columns = args.map((arg) => readerOf(arg, context));
  const results = new Results(type, context);
  const values = new Array<Value>(columns.length);
  let row = 0;
  const run = (isWatched: boolean) => {
    for (let weight = 0, first = row; row < rowCount && !results.areMany; ) {
      if (!isWatched && (row - first >= ROWS_BETWEEN_CHECKS || weight >= WEIGHT_BETWEEN_CHECKS)) return;
      let missing = false;
      for (let c = 0; c < columns.length; c++) {
        const value = columns[c]?.(row) ?? null;
        values[c] = value;
        weight += weightOf(value);
        if (value === null) missing = true;
      }
      const result = missing && nulls === 'strict' ? null : compute(values);
      weight += results.set(row, result);
      row += 1;
    }
  };
  let watched = false;
  try {
    while (row < rowCount) {
      context.check?.();
      watched = withWatchdog({ run, progress: () => row }, watched, context);
      if (results.areMany) results.flush(row);
    }
    return results.finish(rowCount);
  } finally {
    results.release();
  }
}

/** The results of rows in turn. */
class Results {
  private readonly type: DataType;
  private readonly context: MoveContext;
  private held: Value[] = [];
  private heldWeight = 0;
  private first = 0;
  private builder: ColumnBuilder | undefined;
  private scope: MemoryScope | undefined;

  constructor(type: DataType, context: MoveContext) {
    this.type = type;
    this.context = context;
  }

  /** Returns the value's weight. Writing a row again is no harm. */
  set(row: number, value: Value): number {
    const weight = weightOf(value);
    this.held[row - this.first] = value;
    this.heldWeight += weight;
    return weight;
  }

  get areMany(): boolean {
    return this.heldWeight > MAX_HELD_WEIGHT;
  }

  /** Takes the results of rows up to `end` to the arena. */
  flush(end: number): void {
    const { context } = this;
    this.scope ??= context.scratch.openScope();
    this.builder ??= new ColumnBuilder(this.type, this.scope);
    const mark = context.scratch.mark();
    this.builder.append(vectorOf(this.held, this.type, context), context);
    context.scratch.rewind(mark);
    this.held = [];
    this.heldWeight = 0;
    this.first = end;
  }

  finish(rowCount: number): Vector {
    const { context, builder } = this;
    if (!builder) return vectorOf(this.held, this.type, context);
    if (this.held.length > 0) this.flush(rowCount);
    const rows = context.scratch.allocate(4 * rowCount);
    context.kernels.row_numbers(0, rowCount, rows);
    return gatherVector(builder.view(), rows, rowCount, context);
  }

  release(): void {
    this.scope?.release();
  }
}

/** Characters, items and values of a value: what it costs to hold it. */
function weightOf(value: Value): number {
  if (typeof value === 'string' || value instanceof Uint8Array) return value.length + 1;
  if (!Array.isArray(value)) return 1;
  let weight = 1;
  for (const item of value as readonly Value[]) weight += weightOf(item);
  return weight;
}

/** A column's values by row; a constant is read once. */
function readerOf(vector: Vector, context: MoveContext): (row: number) => Value {
  const { arena } = context;
  const mayBeLarge = isText(vector.type) || ['binary', 'list', 'struct'].includes(vector.type.kind);
  const read = (row: number): Value => {
    if (!isValid(arena, vector, row)) return null;
    if (mayBeLarge) requireModerate(vector, row, context);
    return valueAt(arena, vector, row);
  };
  if (vector.encoding !== 'constant') return read;
  let value: Value | undefined;
  return () => {
    value ??= vector.length === 0 ? null : read(0);
    return value;
  };
}

/** What JavaScript would make many objects of must not be endless: the process would end. */
function requireModerate(vector: Vector, row: number, context: MoveContext): void {
  const weight = weightAt(context.arena, vector, row);
  if (weight <= MAX_VALUE_WEIGHT) return;
  throw new DbError(
    'query_memory_exceeded',
    `a ${vector.type.kind} of ${weight} bytes is larger than the ${MAX_VALUE_WEIGHT} that functions take apart`,
  );
}
