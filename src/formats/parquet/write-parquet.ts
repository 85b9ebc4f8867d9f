/** Batches → a Parquet file, row group by row group: memory is bounded by one group. */
import zlib from 'node:zlib';
import type { RowGroup } from 'hyparquet';
import type { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import type { Arena } from '../../core/arena.js';
import { assert } from '../../core/assert.js';
import type { OwnedBatch, Value, Vector } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { type DataType, type Field, isText, physicalOf } from '../../core/types.js';
import { isValid, valueAt } from '../../core/values.js';
import { yieldToOthers } from '../../core/yield-to-others.js';
import type { Output } from '../encoders/output.js';
import type { EncoderOptions, MakeEncoder } from '../encoders/result-encoder.js';
import { elementsOf } from './parquet-types.js';

export type ParquetCodec = 'SNAPPY' | 'GZIP' | 'UNCOMPRESSED';

const GROUP_ROWS = 122_880;
const GROUP_VALUES = 4_000_000;

export const parquetEncoder: MakeEncoder = (arena, schema, options) => ({
  begin: async () => undefined,
  consume: (batches, output) => writeGroups(arena, schema.fields, options, batches, output),
  batch: async () => undefined,
  end: async () => undefined,
  release: () => undefined,
});

async function writeGroups(
  arena: Arena,
  fields: readonly Field[],
  { codec = 'SNAPPY', signal }: EncoderOptions,
  batches: AsyncIterable<OwnedBatch>,
  output: Output,
): Promise<void> {
  const file = await GroupWriter.begin(fields, codec, output);
  /** Between two columns others may run, and say that the file is not wanted any more. */
  const pause = async (): Promise<void> => {
    await yieldToOthers();
    signal?.throwIfAborted();
  };
  const readers = fields.map((field) => readerOf(arena, field));
  const groupRows = Math.max(1024, Math.min(GROUP_ROWS, Math.floor(GROUP_VALUES / fields.length)));
  let columns = fields.map((): unknown[] => []);
  const writeGroup = async (): Promise<void> => {
    await file.write(columns, pause);
    columns = fields.map(() => []);
  };
  for await (const batch of batches) {
    try {
      for (let row = 0; row < batch.rowCount; ) {
        const end = Math.min(batch.rowCount, row + groupRows - (columns[0]?.length ?? 0));
        for (const [i, vector] of batch.columns.entries()) {
          readers[i]?.(vector, row, end, columns[i] as unknown[]);
          if (end - row >= PAUSE_ROWS) await pause();
        }
        row = end;
        if ((columns[0]?.length ?? 0) >= groupRows) await writeGroup();
      }
    } finally {
      batch.release();
    }
  }
  if ((columns[0]?.length ?? 0) > 0) await writeGroup();
  await file.end();
}

/** Rows of a column that take noticeable time. */
const PAUSE_ROWS = 16_384;

/** A file whose row groups are written column by column: the library writes a group in one step, so each column has a writer of its own. */
class GroupWriter {
  private readonly names: readonly string[];
  private readonly bytes: ByteWriter;
  private readonly whole: ParquetWriter;
  private readonly columns: readonly ParquetWriter[];
  private readonly output: Output;

  private constructor(names: readonly string[], bytes: ByteWriter, writers: readonly [ParquetWriter, ...ParquetWriter[]], output: Output) {
    this.names = names;
    this.bytes = bytes;
    [this.whole, ...this.columns] = writers;
    this.output = output;
  }

  static async begin(fields: readonly Field[], codec: ParquetCodec, output: Output): Promise<GroupWriter> {
    const { ByteWriter, ParquetWriter } = await import('hyparquet-writer');
    const compressors = { GZIP: (input: Uint8Array) => new Uint8Array(zlib.gzipSync(input)) };
    const writerOf = (writer: ByteWriter, some: readonly Field[]): ParquetWriter => {
      const schema = [{ name: 'schema', num_children: some.length }, ...some.flatMap(elementsOf)];
      return new ParquetWriter({ writer, schema, codec, compressors, createdBy: 'FletchDB' });
    };
    const bytes = new ByteWriter(1 << 16);
    const whole = writerOf(bytes, fields);
    const columns = fields.map((field) => {
      // A writer begins with the magic bytes of a file.
      const writer = writerOf(new ByteWriter(64), [field]);
      writer.writer = bytes;
      writer.pendingIndexes = whole.pendingIndexes;
      return writer;
    });
    const names = fields.map(({ name }) => name);
    return new GroupWriter(names, bytes, [whole, ...columns], output);
  }

  /** `columns`: the values of the group's rows. */
  async write(columns: readonly (readonly unknown[])[], pause: () => Promise<void>): Promise<void> {
    const rows = columns[0]?.length ?? 0;
    const group: RowGroup = { columns: [], total_byte_size: 0n, num_rows: BigInt(rows), total_compressed_size: 0n };
    for (const [i, writer] of this.columns.entries()) {
      const data = columns[i] as unknown[];
      await writer.write({ columnData: [{ name: this.names[i] ?? '', data }], rowGroupSize: rows });
      const written = writer.row_groups.pop();
      assert(written, 'a row group was written');
      group.columns.push(...written.columns);
      group.total_byte_size += written.total_byte_size;
      group.total_compressed_size = (group.total_compressed_size ?? 0n) + (written.total_compressed_size ?? 0n);
      await pause();
    }
    this.whole.row_groups.push(group);
    this.whole.num_rows += group.num_rows;
    await this.flush();
  }

  async end(): Promise<void> {
    await this.whole.finish();
    await this.flush();
  }

  private async flush(): Promise<void> {
    await this.output.through(this.bytes.getBytes());
    this.bytes.index = 0;
  }
}

/** Adds the values of rows [first, end) to a column. */
type Reader = (vector: Vector, first: number, end: number, column: unknown[]) => void;

function readerOf(arena: Arena, { name, type }: Field): Reader {
  if (isText(type)) return textReader(arena);
  const write = presentWriter(name, type);
  const physical = physicalOf(type);
  const view = write === undefined && isViewed(physical) ? arena[physical] : undefined;
  return (vector, first, end, column) => {
    if (view === undefined || vector.encoding !== 'flat') {
      for (let row = first; row < end; row++) {
        const value = valueAt(arena, vector, row);
        column.push(value === null || write === undefined ? value : write(value));
      }
      return;
    }
    const base = vector.values / view.BYTES_PER_ELEMENT;
    for (let row = first; row < end; row++) column.push(isValid(arena, vector, row) ? view[base + row] : null);
  };
}

/** Texts of a dictionary are made once each. */
function textReader(arena: Arena): Reader {
  const bytes = Buffer.from(arena.buffer as unknown as ArrayBuffer);
  let known: { readonly id: number; readonly texts: string[] } | undefined;
  return (vector, first, end, column) => {
    const { dictionary } = vector;
    const offsets = (dictionary?.offsets ?? vector.offsets) / 4;
    const values = dictionary?.values ?? vector.values;
    const textAt = (index: number) =>
      bytes.toString('utf8', values + (arena.i32[offsets + index] as number), values + (arena.i32[offsets + index + 1] as number));
    if (dictionary && known?.id !== dictionary.id) known = { id: dictionary.id, texts: [] };
    const texts = dictionary ? known?.texts : undefined;
    for (let row = first; row < end; row++) {
      if (!isValid(arena, vector, row)) column.push(null);
      else if (texts) {
        const code = arena.i32[vector.values / 4 + row] as number;
        texts[code] ??= textAt(code);
        column.push(texts[code]);
      } else column.push(textAt(vector.encoding === 'constant' ? 0 : row));
    }
  };
}

const VIEWED = ['i8', 'u8', 'i16', 'u16', 'i32', 'u32', 'i64', 'u64', 'f32', 'f64'] as const;

function isViewed(physical: string): physical is (typeof VIEWED)[number] {
  return (VIEWED as readonly string[]).includes(physical);
}

/** Our value (in the form of valueAt) → what hyparquet-writer stores as it is. */
type Writer = (value: Value) => unknown;

function writerOf(name: string, type: DataType): Writer {
  const write = presentWriter(name, type);
  return write === undefined ? (value) => value : (value) => (value === null ? null : write(value));
}

function presentWriter(name: string, type: DataType): Writer | undefined {
  switch (type.kind) {
    case 'timestamp':
      // Parquet has no seconds.
      return type.unit === 's' ? (value) => inMilliseconds(name, value as bigint) : undefined;
    case 'interval':
      return (value) => intervalBytes(name, value as { months: number; days: number; nanoseconds: bigint });
    case 'list': {
      const write = writerOf(name, type.item.type);
      return (value) => (value as readonly Value[]).map(write);
    }
    case 'struct': {
      const members = type.fields.map((field) => ({ name: field.name, write: writerOf(name, field.type) }));
      return (value) => {
        const given = value as { readonly [name: string]: Value };
        return Object.fromEntries(members.map((member) => [member.name, member.write(given[member.name] ?? null)]));
      };
    }
    default:
      return undefined;
  }
}

function inMilliseconds(name: string, seconds: bigint): bigint {
  const value = seconds * 1000n;
  if (BigInt.asIntN(64, value) === value) return value;
  throw new DbError('numeric_overflow', `column ${name}: ${seconds} seconds are beyond the timestamps of Parquet`);
}

/** Months, days, milliseconds, each an unsigned u32. */
function intervalBytes(name: string, { months, days, nanoseconds }: { months: number; days: number; nanoseconds: bigint }): Uint8Array {
  const milliseconds = nanoseconds / 1_000_000n;
  if (months < 0 || days < 0 || nanoseconds < 0n || milliseconds * 1_000_000n !== nanoseconds || milliseconds > 0xffffffffn) {
    throw new DbError('invalid_value', `column ${name}: Parquet's intervals have whole milliseconds and no sign`, {
      hint: 'write it as Arrow, or cast the column to text',
    });
  }
  const bytes = new Uint8Array(12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, months, true);
  view.setUint32(4, days, true);
  view.setUint32(8, Number(milliseconds), true);
  return bytes;
}
