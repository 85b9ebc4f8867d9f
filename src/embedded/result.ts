/** What a query gives to TypeScript: batches as they come, or everything as rows, columns or an Arrow table. */
import { type ApacheTable, toApacheTable } from '../arrow/to-apache.js';
import type { Arena } from '../core/arena.js';
import type { OwnedBatch, Value, Vector } from '../core/batch.js';
import type { QueryResult } from '../core/contracts.js';
import { DbError } from '../core/errors.js';
import { type DataType, physicalOf, type Schema, type TimeUnit, typeName, UNITS_PER_SECOND } from '../core/types.js';
import { dateText, decimalText, intervalText, timestampText, valueAt } from '../core/values.js';

export interface ResultOptions {
  /** How int64 and uint64 come back. `number` fails with `invalid_value` beyond ±2^53. Default bigint. */
  readonly int64?: 'bigint' | 'number';
  /** How timestamps come back: ticks of the column's unit, RFC 3339 text, or Date (finer digits are cut). Default bigint. */
  readonly timestamps?: 'bigint' | 'iso' | 'date';
}

/** A value as it comes back: decimals as text with all digits, uuid as text, interval as ISO 8601 text, date32 as ISO text, time64 as ticks of its unit, lists and structs as plain arrays and objects. */
export type SqlValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Date
  | Uint8Array
  | readonly SqlValue[]
  | { readonly [name: string]: SqlValue };

export type Row = Record<string, SqlValue>;

/** Typed arrays for numeric columns without nulls, arrays otherwise. */
export type ColumnValues =
  | readonly SqlValue[]
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | Float32Array
  | Float64Array;

export interface ResultColumn {
  readonly name: string;
  /** Arrow's spelling: int64, timestamp[ns], utf8, …. */
  readonly type: string;
  readonly nullable: boolean;
}

/** Some thousands of rows of a result. Its memory goes back when the loop moves on; what toRows() and toColumns() gave stays. */
export class ResultBatch {
  readonly rowCount: number;
  private batch: OwnedBatch | undefined;
  private readonly arena: Arena;
  private readonly schema: Schema;
  private readonly options: ResultOptions;

  constructor(batch: OwnedBatch, arena: Arena, schema: Schema, options: ResultOptions) {
    this.rowCount = batch.rowCount;
    this.batch = batch;
    this.arena = arena;
    this.schema = schema;
    this.options = options;
  }

  toRows<R = Row>(): R[] {
    const columns = this.open().columns.map((vector) => this.values(vector));
    const names = uniqueNames(this.schema);
    return Array.from(
      { length: this.rowCount },
      (_, row) => Object.fromEntries(names.map((name, i) => [name, columns[i]?.[row] ?? null])) as R,
    );
  }

  toColumns(): Record<string, ColumnValues> {
    const names = uniqueNames(this.schema);
    return Object.fromEntries(
      this.open().columns.map((vector, i) => [names[i] as string, this.typedValues(vector) ?? this.values(vector)]),
    );
  }

  /** Gives the memory back; done by the loop that yielded the batch. */
  release(): void {
    this.batch?.release();
    this.batch = undefined;
  }

  private open(): OwnedBatch {
    if (!this.batch)
      throw new DbError('closed', 'this batch was released when the loop moved on', {
        hint: 'call toRows() or toColumns() inside the loop',
      });
    return this.batch;
  }

  private values(vector: Vector): SqlValue[] {
    return Array.from({ length: vector.length }, (_, row) => sqlValue(valueAt(this.arena, vector, row), vector.type, this.options));
  }

  private typedValues(vector: Vector): ColumnValues | undefined {
    if (vector.validity !== 0 || vector.encoding !== 'flat') return undefined;
    const { type } = vector;
    if ((type.kind === 'int64' || type.kind === 'uint64') && this.options.int64 === 'number') return undefined;
    if ((type.kind === 'timestamp' && (this.options.timestamps ?? 'bigint') !== 'bigint') || type.kind === 'date32') return undefined;
    const physical = physicalOf(type);
    if (!(physical in VIEWS)) return undefined;
    const view = this.arena[physical as keyof typeof VIEWS];
    const first = vector.values / view.BYTES_PER_ELEMENT;
    const copy = new VIEWS[physical as keyof typeof VIEWS](vector.length);
    (copy as Float64Array).set(view.subarray(first, first + vector.length) as Float64Array);
    return copy;
  }
}

const VIEWS = {
  i8: Int8Array,
  u8: Uint8Array,
  i16: Int16Array,
  u16: Uint16Array,
  i32: Int32Array,
  u32: Uint32Array,
  i64: BigInt64Array,
  u64: BigUint64Array,
  f32: Float32Array,
  f64: Float64Array,
} as const;

/** A second column of the same name becomes name_1, as rows are objects. */
function uniqueNames(schema: Schema): string[] {
  const taken = new Set<string>();
  return schema.fields.map((field) => {
    let { name } = field;
    for (let times = 1; taken.has(name); times++) name = `${field.name}_${times}`;
    taken.add(name);
    return name;
  });
}

function sqlValue(value: Value, type: DataType, options: ResultOptions): SqlValue {
  if (value === null) return null;
  switch (type.kind) {
    case 'int64':
    case 'uint64':
      return options.int64 === 'number' ? exactNumber(value as bigint) : (value as bigint);
    case 'timestamp': {
      if (options.timestamps === 'iso') return timestampText(value as bigint, type.unit);
      return options.timestamps === 'date' ? dateOf(value as bigint, type.unit) : (value as bigint);
    }
    case 'date32':
      return dateText(value as number);
    case 'decimal':
      return decimalText(value as bigint, type.scale);
    case 'interval': {
      const { months, days, nanoseconds } = value as { months: number; days: number; nanoseconds: bigint };
      return intervalText(months, days, nanoseconds);
    }
    case 'list':
      return (value as readonly Value[]).map((item) => sqlValue(item, type.item.type, options));
    case 'struct':
      return Object.fromEntries(
        type.fields.map((field) => [field.name, sqlValue((value as Record<string, Value>)[field.name] ?? null, field.type, options)]),
      );
    default:
      return value as SqlValue;
  }
}

function exactNumber(value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number))
    throw new DbError('invalid_value', `${value} is not exact as a number`, { hint: "leave out { int64: 'number' }" });
  return number;
}

/** Finer digits are cut: the Date is at or before the timestamp. Fails with `invalid_value` beyond the years of Date. */
function dateOf(ticks: bigint, unit: TimeUnit): Date {
  const perSecond = UNITS_PER_SECOND[unit];
  const scaled = ticks * 1000n;
  const milliseconds = (scaled - (((scaled % perSecond) + perSecond) % perSecond)) / perSecond;
  const date = new Date(Number(milliseconds));
  if (Number.isNaN(date.getTime())) throw new DbError('invalid_value', `${timestampText(ticks, unit)} is beyond the years of Date`);
  return date;
}

/** The result of a query. Read it once: as a loop over batches, or by one of the to… methods. One that is not read is closed. */
export class Result implements AsyncIterable<ResultBatch> {
  readonly queryId: string;
  readonly columns: readonly ResultColumn[];
  /** Rows changed by INSERT, DELETE or UPDATE; null for others. */
  readonly affectedRows: number | null;
  private readonly result: QueryResult;
  private readonly arena: Arena;
  private readonly options: ResultOptions;
  private isTaken = false;

  constructor(result: QueryResult, arena: Arena, options: ResultOptions) {
    this.queryId = result.queryId;
    this.columns = result.schema.fields.map(({ name, type, nullable }) => ({ name, type: typeName(type), nullable }));
    this.affectedRows = result.affectedRows;
    this.result = result;
    this.arena = arena;
    this.options = options;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ResultBatch> {
    for await (const owned of this.take().batches) {
      const batch = new ResultBatch(owned, this.arena, this.result.schema, this.options);
      try {
        yield batch;
      } finally {
        batch.release();
      }
    }
  }

  async toRows<R = Row>(): Promise<R[]> {
    const rows: R[] = [];
    for await (const batch of this) for (const row of batch.toRows<R>()) rows.push(row);
    return rows;
  }

  async toColumns(): Promise<Record<string, ColumnValues>> {
    const parts: Record<string, ColumnValues>[] = [];
    for await (const batch of this) parts.push(batch.toColumns());
    return Object.fromEntries(
      uniqueNames(this.result.schema).map((name, i) => [
        name,
        joinColumns(
          parts.map((part) => part[name] ?? []),
          this.result.schema.fields[i]?.type,
        ),
      ]),
    );
  }

  /** An apache-arrow Table. */
  async toArrow(): Promise<ApacheTable> {
    return toApacheTable(this.take(), this.arena);
  }

  /** Ends a query whose result is not wanted (any more). Harmless after it was read. */
  async close(): Promise<void> {
    if (this.isTaken) return;
    this.isTaken = true;
    await this.result.batches[Symbol.asyncIterator]().return?.();
  }

  private take(): QueryResult {
    if (this.isTaken) {
      throw new DbError('closed', 'this result was read or closed already', {
        hint: 'keep what the first reading gave, or run the query again',
      });
    }
    this.isTaken = true;
    return this.result;
  }
}

/** One typed array when every batch gave one, else one array. */
function joinColumns(parts: readonly ColumnValues[], type: DataType | undefined): ColumnValues {
  const physical = type ? physicalOf(type) : 'none';
  if (parts.length > 0 && physical in VIEWS && parts.every((part) => ArrayBuffer.isView(part))) {
    const whole = new VIEWS[physical as keyof typeof VIEWS](parts.reduce((sum, part) => sum + part.length, 0));
    let end = 0;
    for (const part of parts) {
      (whole as Float64Array).set(part as Float64Array, end);
      end += part.length;
    }
    return whole;
  }
  return parts.flatMap((part) => Array.from(part as ArrayLike<SqlValue>));
}
