/** Rows on their way into a table: batches are matched to its columns, cast, and kept as tail records, or as sealed segments when they are many. */
import type { Batch, Vector } from '../../core/batch.js';
import type { ColumnDefinition } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import type { Schema } from '../../core/types.js';
import { type TailRecord, writeTailRecord } from '../catalog/tail-record.js';
import { castVector } from '../columns/cast.js';
import type { StorageContext } from '../storage-context.js';
import type { Layout, TableColumn } from '../tables/layout.js';
import type { Table } from '../tables/table.js';
import { BulkLoad } from './bulk-load.js';
import { stageColumn, stageNulls } from './stage-column.js';

const DESIGNATED_HINT =
  'it is the designated timestamp, which a table made on demand takes from its first timestamp column; ' +
  'create the table first, with TIMESTAMP(another column) or without (drop it before if it is there and empty)';

/** Most rows of one tail record; no record spans two segments. */
const RECORD_ROWS = 131_072;

export class StagedRows {
  /** Of the table when the rows began. */
  readonly layout: Layout;
  records: TailRecord[] = [];
  rows = 0;
  /** Set once there are more rows than a segment takes; then there are no records. */
  bulk: BulkLoad | null = null;
  private readonly context: StorageContext;
  private readonly table: Table;
  private readonly name: string;
  private readonly isHeld: boolean;

  /** isHeld: a snapshot that is open until the end keeps what the table has, even when it is dropped. */
  constructor(context: StorageContext, table: Table, layout: Layout, name: string, isHeld: boolean) {
    this.context = context;
    this.table = table;
    this.layout = layout;
    this.name = name;
    this.isHeld = isHeld;
  }

  get sizeBytes(): number {
    return this.records.reduce((sum, record) => sum + record.sizeBytes, 0);
  }

  /** Adds a whole batch or, when it fails with `column_not_found`, `constraint_violation` and so on, nothing of it. */
  add(batch: Batch, schema: Schema): void {
    const before = this.records.length;
    try {
      this.stage(batch, schema);
    } catch (error) {
      for (const record of this.records.splice(before)) this.context.memory.free(record.address);
      throw error;
    }
    this.rows += batch.rowCount;
  }

  /** Moves rows on to segments of their own when they are too many. After a failure the rows can only be discarded. */
  async settle(): Promise<void> {
    if (this.bulk !== null || !this.table.holds(this.rows, this.sizeBytes)) await this.load();
    await this.context.sealer.ready();
  }

  /** Resolves when all segments of the rows are on disk. */
  async finish(): Promise<void> {
    await this.bulk?.finish();
  }

  /** Frees what nobody has taken. */
  discard(): void {
    for (const record of this.records) this.context.memory.free(record.address);
    this.records = [];
    if (this.bulk !== null) this.context.background.add(this.bulk.discard());
  }

  private async load(): Promise<void> {
    this.bulk ??= new BulkLoad(this.context, this.table, this.layout, this.isHeld);
    for (let record = this.records.shift(); record !== undefined; record = this.records.shift()) {
      try {
        await this.bulk.add(record);
      } finally {
        this.context.memory.free(record.address);
      }
    }
  }

  private stage(batch: Batch, schema: Schema): void {
    const { table, context, layout } = this;
    const { memory } = context;
    const { definitions } = layout;
    const given = matchColumns(this.name, definitions, schema, batch);
    const pieceRows = Math.min(RECORD_ROWS, context.settings.segment_rows);
    memory.scratch((allocate) => {
      const vectors = definitions.map((definition, i) => {
        const vector = given[i];
        if (vector === undefined || batch.rowCount === 0) return undefined;
        return castVector({ memory, allocate, column: definition.name, firstRow: this.rows }, vector, definition.type);
      });
      definitions.forEach((definition, i) => {
        this.checkNulls(definition, vectors[i], batch.rowCount, i === layout.timestampColumn);
      });
      for (let from = 0; from < batch.rowCount; from += pieceRows) {
        const rows = Math.min(pieceRows, batch.rowCount - from);
        const staging = { memory, allocate };
        const columns = definitions.map((definition, i) => {
          const dictionary = table.dictionaryForAppend(layout.columns[i] as TableColumn, rows);
          const vector = vectors[i];
          const isNull = vector === undefined || given[i]?.type.kind === 'null';
          if (isNull) return stageNulls(staging, definition.type, rows, dictionary !== null);
          return stageColumn(staging, vector, from, rows, dictionary);
        });
        this.records.push(writeTailRecord(memory, definitions, columns, rows));
      }
    });
  }

  private checkNulls(definition: ColumnDefinition, vector: Vector | undefined, rows: number, isDesignated: boolean): void {
    if (definition.nullable || rows === 0) return;
    const row = vector === undefined ? 0 : this.firstNull(vector, rows);
    if (row < 0) return;
    const what = vector === undefined ? 'is missing' : `is null in row ${this.rows + row}`;
    const hint = isDesignated ? DESIGNATED_HINT : undefined;
    throw new DbError('constraint_violation', `column "${definition.name}" is NOT NULL and ${what}`, { hint });
  }

  private firstNull(vector: Vector, rows: number): number {
    if (vector.validity === 0) return -1;
    return this.context.memory.kernels.find_clear_bit(vector.validity, 0, vector.encoding === 'constant' ? 1 : rows);
  }
}

/** The batch's vector of each table column. Fails with `column_not_found` or `invalid_argument`. */
function matchColumns(
  tableName: string,
  definitions: readonly ColumnDefinition[],
  schema: Schema,
  batch: Batch,
): readonly (Vector | undefined)[] {
  const indexes = new Map(definitions.map((definition, i) => [definition.name.toLowerCase(), i]));
  const matched: (Vector | undefined)[] = definitions.map(() => undefined);
  schema.fields.forEach((field, i) => {
    const index = indexes.get(field.name.toLowerCase());
    if (index === undefined) {
      throw new DbError('column_not_found', `table "${tableName}" has no column "${field.name}"`, {
        hint: `its columns are ${definitions.map((definition) => definition.name).join(', ')}`,
      });
    }
    if (matched[index] !== undefined) throw new DbError('invalid_argument', `column "${field.name}" is given twice`);
    const vector = batch.columns[i];
    if (vector === undefined || vector.length < batch.rowCount) {
      throw new DbError('invalid_data', `the batch has no ${batch.rowCount} values of column "${field.name}"`);
    }
    matched[index] = vector;
  });
  return matched;
}
