/**
 * Text → batches: a window of text is cut into cells by a tokenizer, the cells of each column are read into a vector. Memory is bounded by
 * the window (as long as the longest row) and one batch.
 */
import type { Kernels } from '../../../native-free/kernels.js';
import { kernelsOf } from '../../arrow/arena-kernels.js';
import type { Arena } from '../../core/arena.js';
import type { OwnedBatch } from '../../core/batch.js';
import { closedByReturn } from '../../core/batch-source.js';
import { asDbError, DbError } from '../../core/errors.js';
import { MemoryScope } from '../../core/memory-scope.js';
import type { DataType, Field, Schema } from '../../core/types.js';
import { CELL_BYTES, type CellSyntax, ColumnReader, cellAddress } from './column-reader.js';
import { inferType } from './infer-type.js';
import type { TextWindow } from './text-window.js';

const BATCH_ROWS = 65_536;
/** Cells of one batch take at most this, however many columns there are. */
const CELLS_BYTES = 16 * 1024 * 1024;
const WIDEST_VALUE_BYTES = 16;
const PLAN_BYTES = 64;

/** What decoders of every format give. */
export interface RowSource {
  readonly schema: Schema;
  /** Each batch lies in the arena and is released by the consumer. Leaving the loop early gives everything back. */
  readonly batches: AsyncIterable<OwnedBatch>;
}

/** Cuts [start, end) into cells by way of its plan; says how many whole rows there are and where they end. */
export interface Tokenizer {
  readonly syntax: CellSyntax;
  cut(window: TextWindow): number;
  /** Address behind the last whole row of the last cut. */
  consumed(): number;
  /** What was wrong at the end of the last cut: throws it. `lineOf` gives the line of an address. */
  check(lineOf: (address: number) => number): void;
  /** Throws when what is left at the end of the text is no whole row. */
  finish(window: TextWindow, lineOf: (address: number) => number): void;
}

/** Memory that lives as long as the body is read: the cells and the plan of the tokenizer. */
export class CellTable {
  readonly scope: MemoryScope;
  readonly cells: number;
  readonly capacity: number;
  readonly plan: number;

  constructor(arena: Arena, columns: number) {
    this.capacity = Math.max(1, Math.min(BATCH_ROWS, Math.floor(CELLS_BYTES / (columns * CELL_BYTES))));
    this.scope = new MemoryScope(arena);
    this.cells = this.scope.allocate(this.capacity * columns * CELL_BYTES);
    this.plan = this.scope.allocateZeroed(PLAN_BYTES);
  }

  column(index: number): number {
    return this.cells + index * this.capacity * CELL_BYTES;
  }
}

export class RowDecoder {
  private readonly arena: Arena;
  private readonly kernels: Kernels;
  private readonly window: TextWindow;
  private readonly table: CellTable;
  private readonly tokenizer: Tokenizer;
  private linesBefore: number;
  private readonly memory: () => MemoryScope;

  constructor(window: TextWindow, table: CellTable, tokenizer: Tokenizer, linesBefore: number, memory?: () => MemoryScope) {
    this.arena = window.arena;
    this.kernels = kernelsOf(window.arena);
    this.window = window;
    this.table = table;
    this.tokenizer = tokenizer;
    this.linesBefore = linesBefore;
    this.memory = memory ?? (() => new MemoryScope(window.arena));
  }

  /** Types by the rows that are in the window now. */
  infer(columns: number): DataType[] {
    const rows = this.tokenizer.cut(this.window);
    this.tokenizer.check(this.lineOf);
    const scope = new MemoryScope(this.arena);
    try {
      const out = scope.allocate(rows * WIDEST_VALUE_BYTES);
      return Array.from({ length: columns }, (_, i) =>
        inferType(this.arena, this.kernels, this.table.column(i), rows, out, this.tokenizer.syntax),
      );
    } finally {
      scope.release();
    }
  }

  /** Ends the window and the cells when it ends. */
  batches(fields: readonly Field[]): AsyncIterable<OwnedBatch> {
    return closedByReturn(this.decoded(fields), () => this.close());
  }

  private async close(): Promise<void> {
    this.table.scope.release();
    await this.window.close();
  }

  private async *decoded(fields: readonly Field[]): AsyncGenerator<OwnedBatch> {
    const readers = fields.map((field) => new ColumnReader(this.arena, this.kernels, field, this.tokenizer.syntax));
    try {
      for (;;) {
        const rows = this.tokenizer.cut(this.window);
        this.tokenizer.check(this.lineOf);
        const consumed = this.tokenizer.consumed();
        if (rows > 0) yield this.read(readers, rows, consumed);
        this.linesBefore += this.kernels.count_newlines(this.window.start, consumed);
        this.window.start = consumed;
        if (rows > 0) continue;
        if (this.window.atEnd) return this.tokenizer.finish(this.window, this.lineOf);
        await this.window.fill();
      }
    } finally {
      await this.close();
    }
  }

  private read(readers: readonly ColumnReader[], rows: number, consumed: number): OwnedBatch {
    const bad = this.kernels.check_utf8(this.window.start, consumed) >>> 0;
    if (bad !== 0) throw new DbError('invalid_data', `line ${this.lineOf(bad)}: the text is not UTF-8`);
    const scope = this.memory();
    try {
      const columns = readers.map((reader, i) => {
        const cells = this.table.column(i);
        return reader.read(cells, rows, scope, (row, error) => this.refuse(reader.field.name, cellAddress(this.arena, cells, row), error));
      });
      return { arena: this.arena.id, rowCount: rows, columns, release: () => scope.release() };
    } catch (error) {
      scope.release();
      throw error;
    }
  }

  private refuse(column: string, address: number, thrown: unknown): never {
    const error = asDbError(thrown);
    throw new DbError(error.code, `line ${this.lineOf(address)}, column ${column}: ${error.message}`, { hint: error.hint, cause: thrown });
  }

  /** 1-based line of an address in the window. */
  private readonly lineOf = (address: number): number =>
    this.linesBefore + this.kernels.count_newlines(this.window.start, Math.max(this.window.start, address)) + 1;
}
