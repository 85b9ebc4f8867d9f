/** CSV and TSV bodies (RFC 4180: quotes, doubled quotes, line ends in quotes). An empty cell without quotes, and \N, are null. */
import { kernelsOf } from '../../arrow/arena-kernels.js';
import type { Arena } from '../../core/arena.js';
import { DbError } from '../../core/errors.js';
import type { MemoryScope } from '../../core/memory-scope.js';
import type { Field } from '../../core/types.js';
import { markNulls } from './column-reader.js';
import { type IngestTarget, matchColumns } from './match-columns.js';
import { CellTable, RowDecoder, type RowSource, type Tokenizer } from './row-decoder.js';
import { TextWindow } from './text-window.js';

export interface CsvOptions {
  readonly delimiter: string;
  /** The first row has the names of the columns; without it they come in the order of the table. */
  readonly header: boolean;
  /** Names of the columns, in turn, whatever the header says. */
  readonly names?: readonly string[] | undefined;
  /** The text of NULL, without quotes, in place of the empty cell and \N. */
  readonly nullText?: string | undefined;
  /** Memory for one batch. */
  readonly memory?: (() => MemoryScope) | undefined;
}

const QUOTE = 0x22;
const NEWLINE = 0x0a;
const BOM = [0xef, 0xbb, 0xbf];
const MAX_COLUMNS = 16_384;

const FAILURES: Readonly<Record<number, string>> = {
  2: 'text follows the closing quote of a cell',
  3: 'a quote is opened and never closed',
};

export async function decodeCsv(
  arena: Arena,
  bytes: AsyncIterable<Uint8Array>,
  target: IngestTarget,
  options: CsvOptions,
): Promise<RowSource> {
  const window = new TextWindow(arena, bytes);
  let table: CellTable | undefined;
  try {
    await window.fill();
    if (BOM.every((byte, i) => arena.u8[window.start + i] === byte && window.start + i < window.end)) window.start += BOM.length;
    const first = await firstRow(window, options.delimiter);
    const names = namesOf(options, target, first.cells);
    const known = matchColumns(target, names, 'the header');
    const lines = options.header ? kernelsOf(arena).count_newlines(window.start, first.end) : 0;
    if (options.header) window.start = first.end;
    table = new CellTable(arena, names.length);
    const decoder = new RowDecoder(window, table, new CsvTokenizer(arena, table, names.length, options), lines, options.memory);
    const fields = known ?? inferred(names, decoder);
    return { schema: { fields }, batches: decoder.batches(fields) };
  } catch (error) {
    table?.scope.release();
    await window.close();
    throw error;
  }
}

function inferred(names: readonly string[], decoder: RowDecoder): Field[] {
  const types = decoder.infer(names.length);
  return names.map((name, i) => ({ name, type: types[i] as Field['type'], nullable: true }));
}

function namesOf({ header, names }: CsvOptions, target: IngestTarget, first: readonly string[]): readonly string[] {
  if (names === undefined) return header ? first.map((cell) => cell.trim()) : positionalNames(target, first.length);
  if (names.length === first.length) return names;
  throw new DbError('invalid_data', `line 1: ${first.length} cells where ${names.length} are expected`);
}

function positionalNames(target: IngestTarget, count: number): string[] {
  if (!target.columns) return Array.from({ length: count }, (_, i) => `column${i + 1}`);
  if (count > target.columns.length)
    throw new DbError('invalid_data', `line 1: ${count} cells, but table ${target.table} has ${target.columns.length} columns`);
  return target.columns.slice(0, count).map((column) => column.name);
}

/** The cells of the first row, and the address behind it. The row is read on its own because the number of columns comes from it. */
async function firstRow(window: TextWindow, delimiter: string): Promise<{ cells: string[]; end: number }> {
  let end = rowEnd(window);
  while (end === undefined && !window.atEnd) {
    await window.fill();
    end = rowEnd(window);
  }
  const stop = end ?? window.end;
  const line = window.text(window.start, stop).replace(/\r?\n$/, '');
  if (line === '') throw new DbError('invalid_data', 'the CSV has no first row');
  const cells = splitRow(line, delimiter);
  if (cells.length > MAX_COLUMNS) throw new DbError('invalid_data', `the CSV has ${cells.length} columns, more than ${MAX_COLUMNS}`);
  return { cells, end: stop };
}

function rowEnd(window: TextWindow): number | undefined {
  let inQuotes = false;
  for (let at = window.start; at < window.end; at++) {
    const byte = window.arena.u8[at];
    if (byte === QUOTE) inQuotes = !inQuotes;
    else if (byte === NEWLINE && !inQuotes) return at + 1;
  }
  return undefined;
}

function splitRow(line: string, delimiter: string): string[] {
  const cells: string[] = [];
  let cell = '';
  let inQuotes = false;
  for (let i = 0; i < line.length; i++) {
    const character = line[i] as string;
    if (character === '"') {
      if (inQuotes && line[i + 1] === '"') cell += line[i++];
      else inQuotes = !inQuotes;
    } else if (character === delimiter && !inQuotes) {
      cells.push(cell);
      cell = '';
    } else cell += character;
  }
  return [...cells, cell];
}

/** Words of the plan: see native-free/assembly/format/cells-csv.ts. */
class CsvTokenizer implements Tokenizer {
  readonly syntax = 'csv';
  private readonly arena: Arena;
  private readonly plan: number;
  private readonly columns: number;
  private readonly table: CellTable;
  private readonly nullBytes: Uint8Array | undefined;

  constructor(arena: Arena, table: CellTable, columns: number, { delimiter, nullText }: CsvOptions) {
    this.arena = arena;
    this.plan = table.plan;
    this.columns = columns;
    this.table = table;
    this.nullBytes = nullText === undefined ? undefined : Buffer.from(nullText);
    arena.u32.set([columns, table.capacity, table.cells, delimiter.charCodeAt(0)], table.plan / 4);
  }

  cut(window: TextWindow): number {
    const rows = kernelsOf(this.arena).csv_cells(this.plan, window.start, window.end, window.atEnd ? 1 : 0);
    if (this.nullBytes !== undefined) {
      for (let column = 0; column < this.columns; column++) markNulls(this.arena, this.table.column(column), rows, this.nullBytes);
    }
    return rows;
  }

  consumed(): number {
    return this.arena.u32[this.plan / 4 + 4] as number;
  }

  check(lineOf: (address: number) => number): void {
    const [failure, address, found] = this.arena.u32.subarray(this.plan / 4 + 5, this.plan / 4 + 8) as unknown as [number, number, number];
    if (failure === 0) return;
    const what = FAILURES[failure] ?? `${found} cells where ${this.columns} are expected`;
    throw new DbError('invalid_data', `line ${lineOf(address)}: ${what}`);
  }

  finish(): void {
    // With nothing to follow, the kernel takes the rest of the text as a row or says what is wrong with it.
  }
}
