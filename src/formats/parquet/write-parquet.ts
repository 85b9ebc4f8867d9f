/** Batches → a Parquet file, row group by row group: memory is bounded by one group. */
import zlib from 'node:zlib';
import type { Arena } from '../../core/arena.js';
import type { OwnedBatch, Value } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import type { DataType, Field } from '../../core/types.js';
import { valueAt } from '../../core/values.js';
import type { Output } from '../encoders/output.js';
import type { MakeEncoder } from '../encoders/result-encoder.js';
import { elementsOf } from './parquet-types.js';

export type ParquetCodec = 'SNAPPY' | 'GZIP' | 'UNCOMPRESSED';

const GROUP_ROWS = 122_880;
const GROUP_VALUES = 4_000_000;

export const parquetEncoder: MakeEncoder = (arena, schema, options) => ({
  begin: async () => undefined,
  consume: (batches, output) => writeGroups(arena, schema.fields, options.codec ?? 'SNAPPY', batches, output),
  batch: async () => undefined,
  end: async () => undefined,
  release: () => undefined,
});

async function writeGroups(
  arena: Arena,
  fields: readonly Field[],
  codec: ParquetCodec,
  batches: AsyncIterable<OwnedBatch>,
  output: Output,
): Promise<void> {
  const { ByteWriter, ParquetWriter } = await import('hyparquet-writer');
  const bytes = new ByteWriter(1 << 16);
  const schema = [{ name: 'schema', num_children: fields.length }, ...fields.flatMap(elementsOf)];
  const compressors = { GZIP: (input: Uint8Array) => new Uint8Array(zlib.gzipSync(input)) };
  const writer = new ParquetWriter({ writer: bytes, schema, codec, compressors, createdBy: 'FletchDB' });
  const writers = fields.map((field) => writerOf(field.name, field.type));
  const flush = async (): Promise<void> => {
    await output.through(bytes.getBytes());
    bytes.index = 0;
  };
  const groupRows = Math.max(1024, Math.min(GROUP_ROWS, Math.floor(GROUP_VALUES / fields.length)));
  let columns = fields.map((): unknown[] => []);
  const writeGroup = async (): Promise<void> => {
    const rows = columns[0]?.length ?? 0;
    await writer.write({ columnData: fields.map(({ name }, i) => ({ name, data: columns[i] ?? [] })), rowGroupSize: rows });
    columns = fields.map(() => []);
    await flush();
  };
  for await (const batch of batches) {
    try {
      for (let row = 0; row < batch.rowCount; ) {
        const end = Math.min(batch.rowCount, row + groupRows - (columns[0]?.length ?? 0));
        batch.columns.forEach((vector, i) => {
          const write = writers[i] as Writer;
          const column = columns[i] as unknown[];
          for (let at = row; at < end; at++) column.push(write(valueAt(arena, vector, at)));
        });
        row = end;
        if ((columns[0]?.length ?? 0) >= groupRows) await writeGroup();
      }
    } finally {
      batch.release();
    }
  }
  if ((columns[0]?.length ?? 0) > 0) await writeGroup();
  await writer.finish();
  await flush();
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
