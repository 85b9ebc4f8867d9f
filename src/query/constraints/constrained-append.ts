/** An append whose commit looks at the constraints of its table. */
import type { Batch } from '../../core/batch.js';
import type { AppendResult, AppendSession, StorageWriter, TableDefinition } from '../../core/contracts.js';
import type { Schema } from '../../core/types.js';
import { sliceVector } from '../execution/slice-vector.js';
import type { PlanContext } from '../statements/statement.js';
import { enforceConstraints, type KeyRule } from './enforce.js';

export class ConstrainedAppend implements AppendSession {
  private readonly writer: StorageWriter;
  private readonly table: string;
  private readonly rule: KeyRule;
  private readonly context: PlanContext;
  /** Rows after which the constraints are looked at before the commit. */
  private readonly pieceRows: number;
  private session: AppendSession;
  private pieceCount = 0;
  private rows = 0;

  /** `writer` is a transaction. */
  constructor(writer: StorageWriter, table: string, definition: TableDefinition, rule: KeyRule, context: PlanContext) {
    this.writer = writer;
    this.table = table;
    this.rule = rule;
    this.context = context;
    this.pieceRows = losesOrder(definition) && rule !== 'refuse' ? pieceRowsOf(context) : Number.POSITIVE_INFINITY;
    this.session = writer.openAppend(table);
  }

  async append(batch: Batch, schema: Schema): Promise<void> {
    for (let from = 0; from < batch.rowCount; from += this.pieceRows) {
      const rowCount = Math.min(this.pieceRows, batch.rowCount - from);
      const columns = batch.columns.map((column) => sliceVector(column, from, rowCount));
      await this.appendPiece(rowCount === batch.rowCount ? batch : { arena: batch.arena, rowCount, columns }, schema);
    }
  }

  private async appendPiece(batch: Batch, schema: Schema): Promise<void> {
    if (this.pieceCount > 0 && this.pieceCount + batch.rowCount > this.pieceRows) {
      await this.commitPiece();
      this.session = this.writer.openAppend(this.table);
    }
    await this.session.append(batch, schema);
    this.pieceCount += batch.rowCount;
  }

  async commit(): Promise<AppendResult> {
    const { sequence } = await this.commitPiece();
    return { rows: this.rows, sequence };
  }

  abort(): void {
    this.session.abort();
  }

  private async commitPiece(): Promise<AppendResult> {
    const result = await this.session.commit();
    await enforceConstraints(this.writer, this.table, this.pieceCount, this.rule, this.context);
    this.rows += this.pieceCount;
    this.pieceCount = 0;
    return result;
  }
}

/** Few enough to stay in the order in which they come; a multiple of 64, where vectors can be cut. */
function pieceRowsOf({ serverSettings }: PlanContext): number {
  return Math.max(64, Math.min(MOST_PIECE_ROWS, Math.floor(serverSettings.segment_rows / 128) * 64));
}

const MOST_PIECE_ROWS = 131_072;

/**
 * Which of two rows with one key came last is told by their places. Large appends sort rows by time within a segment, which changes the order of
 * equal keys unless the time is part of the key.
 */
function losesOrder({ timestampColumn, dedupKeys }: TableDefinition): boolean {
  return timestampColumn !== null && dedupKeys.length > 0 && !dedupKeys.includes(timestampColumn);
}
