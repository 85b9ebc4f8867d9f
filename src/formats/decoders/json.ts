/** NDJSON bodies and JSON arrays of objects. Integers are exact; nested values become their JSON text. */
import { kernelsOf } from '../../arrow/arena-kernels.js';
import type { Arena } from '../../core/arena.js';
import { DbError } from '../../core/errors.js';
import type { MemoryScope } from '../../core/memory-scope.js';
import type { Field } from '../../core/types.js';
import { jsonString } from './column-reader.js';
import { fieldNamed, type IngestTarget, matchColumns } from './match-columns.js';
import { CellTable, RowDecoder, type RowSource, type Tokenizer } from './row-decoder.js';
import { TextWindow } from './text-window.js';

const MAX_COLUMNS = 4096;
const MALFORMED = 1;
const UNKNOWN_NAME = 2;
const STATE_WORD = 9;
const NAME_SLACK_BYTES = 16;
const ENDS = [0, 4, 5];

export interface JsonOptions {
  /** Memory for one batch. */
  readonly memory?: (() => MemoryScope) | undefined;
}

export async function decodeJson(
  arena: Arena,
  bytes: AsyncIterable<Uint8Array>,
  target: IngestTarget,
  options: JsonOptions = {},
): Promise<RowSource> {
  const window = new TextWindow(arena, bytes);
  let table: CellTable | undefined;
  try {
    await window.fill();
    const names = target.columns ? target.columns.map((column) => column.name) : await findNames(arena, window, target);
    table = new CellTable(arena, names.length);
    const tokenizer = new JsonTokenizer(arena, table, names, target);
    const decoder = new RowDecoder(window, table, tokenizer, 0, options.memory);
    const fields = target.columns ?? inferred(names, decoder, tokenizer);
    return { schema: { fields }, batches: decoder.batches(fields) };
  } catch (error) {
    table?.scope.release();
    await window.close();
    throw error;
  }
}

function inferred(names: readonly string[], decoder: RowDecoder, tokenizer: JsonTokenizer): Field[] {
  const types = decoder.infer(names.length);
  tokenizer.restart();
  return names.map((name, i) => ({ name, type: types[i] as Field['type'], nullable: true }));
}

/** The members of all objects in the window, in order of appearance: every unknown one that the tokenizer stops at is a new one. */
async function findNames(arena: Arena, window: TextWindow, target: IngestTarget): Promise<string[]> {
  const names: string[] = [];
  for (;;) {
    const table = new CellTable(arena, Math.max(1, names.length));
    try {
      const tokenizer = new JsonTokenizer(arena, table, names, target);
      const rows = tokenizer.cut(window);
      const unknown = tokenizer.unknownName(window);
      if (unknown === undefined) {
        if (rows === 0 && !window.atEnd) {
          await window.fill();
          continue;
        }
        tokenizer.check(() => kernelsOf(arena).count_newlines(window.start, tokenizer.failedAt()) + 1);
        if (names.length === 0) throw new DbError('invalid_data', 'the body has no object whose members could become columns');
        matchColumns(target, names, 'the objects');
        return names;
      }
      names.push(unknown);
      if (names.length > MAX_COLUMNS) throw new DbError('invalid_data', `the objects have more than ${MAX_COLUMNS} different members`);
    } finally {
      table.scope.release();
    }
  }
}

/** Words of the plan: see native-free/assembly/format/cells-json.ts. */
class JsonTokenizer implements Tokenizer {
  readonly syntax = 'json';
  private readonly arena: Arena;
  private readonly word: number;
  private readonly plan: number;
  private readonly target: IngestTarget;
  private window: TextWindow | undefined;

  constructor(arena: Arena, table: CellTable, names: readonly string[], target: IngestTarget) {
    this.arena = arena;
    this.plan = table.plan;
    this.word = table.plan / 4;
    this.target = target;
    arena.u32.set([names.length, table.capacity, table.cells, placeNames(table.scope, names)], this.word);
  }

  /** Forgets the array that it was in: the text is going to be read again from its start. */
  restart(): void {
    this.arena.i32[this.word + STATE_WORD] = 0;
  }

  cut(window: TextWindow): number {
    this.window = window;
    return kernelsOf(this.arena).json_cells(this.plan, window.start, window.end);
  }

  consumed(): number {
    return this.arena.u32[this.word + 4] as number;
  }

  failedAt(): number {
    return this.arena.u32[this.word + 6] as number;
  }

  /** The name that the last cut stopped at because no column has it. */
  unknownName(window: TextWindow): string | undefined {
    if (this.arena.i32[this.word + 5] !== UNKNOWN_NAME) return undefined;
    const start = this.failedAt();
    let end = start;
    while (end < window.end && this.arena.u8[end] !== 0x22) end += this.arena.u8[end] === 0x5c ? 2 : 1;
    return jsonString(window.text(start, end));
  }

  check(lineOf: (address: number) => number): void {
    const failure = this.arena.i32[this.word + 5];
    if (failure === 0) return;
    const place = `line ${lineOf(this.failedAt())}`;
    if (failure === UNKNOWN_NAME && this.window) {
      const name = this.unknownName(this.window) ?? '';
      if (this.target.columns) fieldNamed(this.target, name, place);
      throw new DbError(
        'invalid_data',
        `${place}: member ${name} does not occur in the first objects, so table ${this.target.table} has no column for it`,
        {
          hint: 'create the table with all its columns first',
        },
      );
    }
    throw new DbError('invalid_data', `${place}: ${failure === MALFORMED ? 'this is no valid JSON' : 'an object is expected here'}`);
  }

  finish(window: TextWindow, lineOf: (address: number) => number): void {
    if (window.start === window.end && ENDS.includes(this.arena.i32[this.word + STATE_WORD] as number)) return;
    throw new DbError('invalid_data', `line ${lineOf(window.end)}: the JSON ends in the middle`);
  }
}

/** Addresses and lengths of the names as they stand in JSON. */
function placeNames(scope: MemoryScope, names: readonly string[]): number {
  const { arena } = scope;
  const texts = names.map((name) => Buffer.from(JSON.stringify(name).slice(1, -1)));
  const table = scope.allocate(names.length * 8 + texts.reduce((sum, text) => sum + text.length, NAME_SLACK_BYTES));
  let at = table + names.length * 8;
  texts.forEach((text, i) => {
    arena.u32[table / 4 + 2 * i] = at;
    arena.u32[table / 4 + 2 * i + 1] = text.length;
    arena.u8.set(text, at);
    at += text.length;
  });
  return table;
}
