/** Drives the row kernel: fills its plan (layout in native-free/assembly/format/rows.ts) from a batch and writes rows to an output. */
import type { Kernels } from '../../../native-free/kernels.js';
import { kernelsOf } from '../../arrow/arena-kernels.js';
import type { Arena } from '../../core/arena.js';
import type { Batch, Vector } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import type { DataType, Schema, TypeKind } from '../../core/types.js';
import { MAX_VALUE_WEIGHT, weightAt } from '../../core/value-weight.js';
import { valueAt } from '../../core/values.js';
import type { Output } from './output.js';
import { jsonText, type ValueOptions } from './value-text.js';

const STYLES = { json: 0, csv: 1, tsv: 2 } as const;

/** What stands around the values of a row. */
export interface RowStyle {
  readonly style: keyof typeof STYLES;
  /** Before the value of each column. */
  readonly prefixes: readonly string[];
  readonly rowEnd: string;
  /** Bytes at the start of every row that separate it from the row before: the very first row loses them. */
  readonly separatorBytes: number;
  readonly nullText: string;
  readonly delimiter: string;
  readonly values: ValueOptions;
}

const KINDS = {
  null: 0,
  bool: 1,
  int8: 2,
  int16: 3,
  int32: 4,
  int64: 5,
  uint8: 6,
  uint16: 7,
  uint32: 8,
  uint64: 9,
  float32: 10,
  float64: 11,
  decimal: 12,
  date32: 13,
  time64: 14,
  timestamp: 15,
  uuid: 16,
  interval: 17,
  utf8: 18,
  symbol: 18,
  binary: 19,
  list: 20,
  struct: 20,
} as const satisfies Record<TypeKind, number>;

const RAW = 20;
const QUOTED = 1;
const NONFINITE_TEXT = 2;
const PLACES = { s: 0, ms: 3, us: 6, ns: 9 } as const;
const PLAN_WORDS = 8;
const COLUMN_WORDS = 24;
const TEXT_PADDING_BYTES = 16;
/** Most bytes of a value whose length does not depend on its data, with room for SIMD stores behind it. */
const VALUE_BYTES = 64;
const DECIMAL_BYTES = 192;
/** The day that the kernel's calendar cache starts with: day 0 (word 12 and 13 are zero) and its text. */
const EPOCH_DAY = Buffer.from('1970-01-01');

export class RowEncoder {
  private readonly arena: Arena;
  private readonly kernels: Kernels;
  private readonly style: RowStyle;
  private readonly schema: Schema;
  private readonly plan: number;
  private readonly result: number;
  private readonly rowBytes: number;
  private surplusBytes: number;

  constructor(arena: Arena, schema: Schema, style: RowStyle) {
    this.arena = arena;
    this.kernels = kernelsOf(arena);
    this.schema = schema;
    this.style = style;
    this.surplusBytes = style.separatorBytes;
    const texts = [style.rowEnd, style.nullText, ...style.prefixes].map((text) => Buffer.from(text, 'utf8'));
    const headBytes = (PLAN_WORDS + COLUMN_WORDS * schema.fields.length) * 4;
    const textBytes = texts.reduce((sum, text) => sum + text.length + TEXT_PADDING_BYTES, 0);
    this.plan = arena.allocateZeroed(headBytes + 16 + textBytes);
    this.result = this.plan + headBytes;
    let at = this.result + 16;
    const places = texts.map((text) => {
      arena.u8.set(text, at);
      at += text.length + TEXT_PADDING_BYTES;
      return { address: at - text.length - TEXT_PADDING_BYTES, length: text.length };
    });
    this.rowBytes = this.writeHead(places);
  }

  private writeHead(texts: readonly { address: number; length: number }[]): number {
    const words = this.arena.i32;
    const head = this.plan / 4;
    const [rowEnd, nullText, ...prefixes] = texts;
    let rowBytes = (rowEnd?.length ?? 0) + VALUE_BYTES;
    this.schema.fields.forEach((field, i) => {
      const column = head + PLAN_WORDS + i * COLUMN_WORDS;
      words[column] = this.kindOf(field.type);
      words[column + 1] = this.flagsOf(field.type);
      words[column + 8] = scaleOf(field.type);
      words[column + 9] = prefixes[i]?.address ?? 0;
      words[column + 10] = prefixes[i]?.length ?? 0;
      this.arena.u8.set(EPOCH_DAY, (column + 14) * 4);
      rowBytes += (prefixes[i]?.length ?? 0) + (field.type.kind === 'decimal' ? DECIMAL_BYTES : VALUE_BYTES);
    });
    words.set(
      [
        this.schema.fields.length,
        STYLES[this.style.style],
        rowEnd?.address ?? 0,
        rowEnd?.length ?? 0,
        rowBytes,
        this.style.delimiter.charCodeAt(0),
        nullText?.address ?? 0,
        nullText?.length ?? 0,
      ],
      head,
    );
    return rowBytes;
  }

  private kindOf(type: DataType): number {
    if (type.kind === 'timestamp' && this.style.values.timestampsAsEpoch) return KINDS.int64;
    // Nested values come as JSON text, which CSV and TSV then quote as they quote any text.
    if (KINDS[type.kind] === RAW && this.style.style !== 'json') return KINDS.utf8;
    return KINDS[type.kind];
  }

  private flagsOf(type: DataType): number {
    if (this.style.style !== 'json') return 0;
    const { int64AsText, nonfiniteAsText, timestampsAsEpoch } = this.style.values;
    if (type.kind === 'float32' || type.kind === 'float64') return nonfiniteAsText ? NONFINITE_TEXT : 0;
    const bigInteger = type.kind === 'int64' || type.kind === 'uint64' || (type.kind === 'timestamp' && timestampsAsEpoch);
    if (bigInteger) return int64AsText ? QUOTED : 0;
    return ['date32', 'time64', 'timestamp', 'uuid', 'interval'].includes(type.kind) ? QUOTED : 0;
  }

  /** Writes all rows of a batch. The batch stays the caller's. */
  async encode(batch: Batch, output: Output): Promise<void> {
    const rendered: number[] = [];
    try {
      batch.columns.forEach((vector, i) => {
        this.writeColumn(vector, this.plan / 4 + PLAN_WORDS + i * COLUMN_WORDS, rendered);
      });
      let reserveBytes = this.rowBytes;
      for (let row = 0; row < batch.rowCount; ) {
        const start = output.position;
        const next = this.kernels.encode_rows(this.plan, row, batch.rowCount, start, output.limit, this.result);
        output.position = this.arena.u32[this.result / 4] as number;
        if (this.surplusBytes > 0 && next > row) this.dropSeparator(start, output);
        if (next === batch.rowCount) return;
        // A row that does not fit into an empty buffer gets one of twice the size, until it does.
        reserveBytes = next === row && output.isEmpty ? Math.max(output.limit - output.position, reserveBytes) * 2 : this.rowBytes;
        if (output.isEmpty) await output.reserve(reserveBytes);
        else await output.flush();
        row = next;
      }
    } finally {
      for (const address of rendered) this.arena.free(address);
    }
  }

  private dropSeparator(start: number, output: Output): void {
    this.arena.u8.copyWithin(start, start + this.surplusBytes, output.position);
    output.position -= this.surplusBytes;
    this.surplusBytes = 0;
  }

  private writeColumn(vector: Vector, column: number, rendered: number[]): void {
    const nested = KINDS[vector.type.kind] === RAW;
    const constant = vector.encoding === 'constant';
    const text = nested ? renderNested(this.arena, vector, this.style.values) : 0;
    if (nested) rendered.push(text);
    const words = this.arena.i32;
    words[column + 2] = nested ? text + (vector.length + 1) * 4 : vector.values;
    // A nested constant was rendered row by row, its nulls as JSON's null.
    words[column + 3] = nested && constant ? 0 : vector.validity;
    words[column + 4] = nested ? text : vector.offsets;
    words[column + 5] = constant && !nested ? 0 : -1;
    words[column + 6] = vector.dictionary?.offsets ?? 0;
    words[column + 7] = vector.dictionary?.values ?? 0;
  }

  release(): void {
    this.arena.free(this.plan);
  }
}

function scaleOf(type: DataType): number {
  if (type.kind === 'decimal') return type.scale;
  return type.kind === 'timestamp' || type.kind === 'time64' ? PLACES[type.unit] : 0;
}

/** JSON text of every row of a nested vector: the address of length + 1 int32 offsets with the bytes behind them. Null rows are "null". */
function renderNested(arena: Arena, vector: Vector, options: ValueOptions): number {
  const texts = Array.from({ length: vector.length }, (_, row) => {
    if (weightAt(arena, vector, row) > MAX_VALUE_WEIGHT) {
      throw new DbError('query_memory_exceeded', 'a list or struct of the result is too large to be written as text', {
        hint: 'take the result as Arrow, or unnest the list',
      });
    }
    return Buffer.from(jsonText(vector.type, valueAt(arena, vector, row), options));
  });
  const total = texts.reduce((sum, text) => sum + text.length, 0);
  const address = arena.allocate((texts.length + 1) * 4 + total + TEXT_PADDING_BYTES);
  const bytes = address + (texts.length + 1) * 4;
  let offset = 0;
  texts.forEach((text, row) => {
    arena.i32[address / 4 + row] = offset;
    arena.u8.set(text, bytes + offset);
    offset += text.length;
  });
  arena.i32[address / 4 + texts.length] = offset;
  return address;
}
