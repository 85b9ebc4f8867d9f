/** One atomic append: batches are matched to the table's columns, cast, and kept as tail records until commit or abort. */
import type { Batch, Vector } from '../core/batch.js';
import type { AppendResult, AppendSession, ColumnDefinition } from '../core/contracts.js';
import { DbError } from '../core/errors.js';
import type { Schema } from '../core/types.js';
import { BulkLoad } from './bulk-load.js';
import { castVector } from './cast.js';
import { ArenaBytes, type CatalogWrite } from './catalog.js';
import type { Segment } from './segment.js';
import { stageColumn, stageNulls } from './stage-column.js';
import type { StorageContext } from './storage-context.js';
import { type Table, type Undo, undoAll } from './table.js';
import { type TailRecord, writeTailRecord } from './tail-record.js';

const DESIGNATED_HINT =
  'it is the designated timestamp, which a table made on demand takes from its first timestamp column; ' +
  'create the table first, with TIMESTAMP(another column) or without (drop it before if it is there and empty)';

/** Most rows of one tail record; no record spans two segments. */
const RECORD_ROWS = 131_072;

export class TableAppendSession implements AppendSession {
  private readonly context: StorageContext;
  private readonly table: Table;
  private readonly replace: boolean;
  private records: TailRecord[] = [];
  private rows = 0;
  /** Set once the session has more rows than a segment takes. */
  private bulk: BulkLoad | null = null;
  private state: 'open' | 'committed' | 'aborted' = 'open';

  /** replace: at commit all rows that the table has are removed first. */
  constructor(context: StorageContext, table: Table, replace: boolean) {
    this.context = context;
    this.table = table;
    this.replace = replace;
  }

  async append(batch: Batch, schema: Schema): Promise<void> {
    this.assertOpen();
    const before = this.records.length;
    try {
      this.stage(batch, schema);
    } catch (error) {
      for (const record of this.records.splice(before)) this.context.memory.free(record.address);
      throw error;
    }
    this.rows += batch.rowCount;
    if (this.bulk !== null || !this.table.holds(this.rows, this.stagedBytes())) await this.load();
    await this.context.sealer.ready();
  }

  /** Moves staged rows on to segments of the session's own. A failure ends the session. */
  private async load(): Promise<void> {
    this.bulk ??= new BulkLoad(this.context, this.table);
    try {
      for (let record = this.records.shift(); record !== undefined; record = this.records.shift()) {
        try {
          await this.bulk.add(record);
        } finally {
          this.context.memory.free(record.address);
        }
      }
    } catch (error) {
      this.abort();
      throw error;
    }
  }

  async commit(): Promise<AppendResult> {
    this.assertOpen();
    this.state = 'committed';
    const placed: Segment[] = [];
    const closed: Segment[] = [];
    const doomed: Segment[] = [];
    try {
      await this.bulk?.finish();
      return await this.context.queue.submit({
        sizeBytes: this.stagedBytes(),
        plan: (sequence, writes) => this.plan(sequence, writes, placed, closed, doomed),
        apply: (sequence) => this.apply(sequence, placed, closed, doomed),
      });
    } finally {
      this.finish();
    }
  }

  abort(): void {
    if (this.state !== 'open') return;
    this.state = 'aborted';
    this.finish();
  }

  private stagedBytes(): number {
    return this.records.reduce((sum, record) => sum + record.sizeBytes, 0);
  }

  private finish(): void {
    for (const record of this.records) this.context.memory.free(record.address);
    this.records = [];
    this.bulk?.discard().catch((error: unknown) => this.context.refuseWrites(error));
  }

  private assertOpen(): void {
    if (this.state === 'aborted') throw new DbError('cancelled', 'the append was aborted');
    if (this.state === 'committed') throw new DbError('invalid_argument', 'the append session is already committed');
    if (this.table.dropped) throw new DbError('table_not_found', `table "${this.table.info.definition.name}" was dropped`);
    this.context.assertWritable();
  }

  private stage(batch: Batch, schema: Schema): void {
    const { table, context } = this;
    const { memory } = context;
    const definitions = table.info.definition.columns;
    const given = matchColumns(table.info.definition.name, definitions, schema, batch);
    const pieceRows = Math.min(RECORD_ROWS, context.settings.segment_rows);
    memory.scratch((allocate) => {
      const vectors = definitions.map((definition, i) => {
        const vector = given[i];
        if (vector === undefined || batch.rowCount === 0) return undefined;
        return castVector({ memory, allocate, column: definition.name, firstRow: this.rows }, vector, definition.type);
      });
      definitions.forEach((definition, i) => {
        this.checkNulls(definition, vectors[i], batch.rowCount, i === table.info.definition.timestampColumn);
      });
      for (let from = 0; from < batch.rowCount; from += pieceRows) {
        const rows = Math.min(pieceRows, batch.rowCount - from);
        const staging = { memory, allocate };
        const columns = definitions.map((definition, i) => {
          const dictionary = table.dictionaryForAppend(i, rows);
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

  private plan(sequence: number, writes: CatalogWrite[], placed: Segment[], closed: Segment[], doomed: Segment[]): void {
    const { table, context } = this;
    context.assertWritable();
    if (table.dropped) throw new DbError('table_not_found', `table "${table.info.definition.name}" was dropped`);
    const undo: Undo = [];
    const own: CatalogWrite[] = [];
    const { persistent } = context.catalog;
    try {
      if (this.replace) truncatePlanned(table, persistent, undo, doomed, own);
      if (this.bulk !== null) {
        table.closeActive(undo, closed);
        this.bulk.plan(undo, own);
      }
      this.records.forEach((record, index) => {
        const segment = table.place(record, undo, closed);
        placed.push(segment);
        if (!persistent) return;
        const key = [table.info.id, segment.id, sequence, index];
        segment.tailKeys.push(key);
        undo.push(() => void segment.tailKeys.pop());
        own.push({ store: 'tail', key, value: new ArenaBytes(record.address, record.sizeBytes) });
      });
      if (table.active !== null && table.active.rows >= context.settings.segment_rows) table.closeActive(undo, closed);
    } catch (error) {
      undoAll(undo);
      throw error;
    }
    if (this.replace) forgetWrites(table, writes);
    writes.push(...own);
    context.changedTables.add(table);
  }

  private apply(sequence: number, placed: readonly Segment[], closed: readonly Segment[], doomed: readonly Segment[]): AppendResult {
    const { table, context } = this;
    if (this.replace) truncateApplied(context, table, doomed);
    this.bulk?.apply();
    table.touchAll();
    placed.forEach((segment, i) => {
      segment.visibleRows += this.records[i]?.rows ?? 0;
      table.touch(segment);
    });
    context.tableChanged();
    for (const segment of closed) context.sealer.enqueue(table, segment);
    return { rows: this.rows, sequence: BigInt(sequence) };
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

/** Plans the removal of all rows: segments of now are doomed, rows placed from here on stay. */
export function truncatePlanned(table: Table, persistent: boolean, undo: Undo, doomed: Segment[], writes: CatalogWrite[]): void {
  const { active } = table;
  table.active = null;
  undo.push(() => {
    table.active = active;
  });
  for (const segment of table.segments) {
    if (segment.discarded) continue;
    segment.discarded = true;
    doomed.push(segment);
    undo.push(() => {
      segment.discarded = false;
    });
  }
  if (!persistent) return;
  const { id } = table.info;
  for (const store of ['segment', 'tail', 'deletion'] as const) writes.push({ store, removeAllOf: [id] });
}

/** Takes out what the group being planned would write for rows that are removed after it. */
export function forgetWrites(table: Table, writes: CatalogWrite[]): void {
  const kept = writes.filter((write) => {
    const isRow = write.store === 'segment' || write.store === 'tail' || write.store === 'deletion';
    return !isRow || 'removeAllOf' in write || typeof write.key === 'string' || write.key[0] !== table.info.id;
  });
  writes.splice(0, writes.length, ...kept);
}

export function truncateApplied(context: StorageContext, table: Table, doomed: readonly Segment[]): void {
  const gone = new Set(doomed);
  table.segments = table.segments.filter((segment) => !gone.has(segment));
  for (const segment of doomed) {
    table.touch(segment);
    context.retireSegment(segment);
  }
  table.touchAll();
  context.tableChanged();
}
