/** Files → batches. Text and Arrow are decoded as they are read; Parquet by row groups. */

import { createReadStream } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { decodeIpcStream } from '../../arrow/ipc-stream.js';
import type { Arena } from '../../core/arena.js';
import type { OwnedBatch } from '../../core/batch.js';
import { closedByReturn } from '../../core/batch-source.js';
import { DbError } from '../../core/errors.js';
import type { MemoryScope } from '../../core/memory-scope.js';
import type { StopSignal } from '../../core/stop-signal.js';
import { decodeCsv } from '../decoders/csv.js';
import { isPlain, withPlainQuotes } from '../decoders/csv-quotes.js';
import { decodeJson } from '../decoders/json.js';
import type { IngestTarget } from '../decoders/match-columns.js';
import type { RowSource } from '../decoders/row-decoder.js';
import { decodeParquet } from '../parquet/read-parquet.js';
import { type FileOptions, isGzipName } from './file-options.js';

export interface FileReading {
  readonly arena: Arena;
  /** Memory for one batch. */
  readonly memory: () => MemoryScope;
  readonly signal: StopSignal;
  /** Bounds one message of an Arrow file. */
  readonly maxBytes: number;
  /** csv and tsv: the columns of the cells, in turn, whatever the header says. */
  readonly names?: readonly string[] | undefined;
  /** parquet: the columns that are wanted, in this order; undefined = all. */
  readonly columns?: readonly string[] | undefined;
}

const READ_BYTES = 1 << 20;

/**
 * The rows of a file. Leaving the batches early closes it. Fails with `not_found`, `io_error`, `invalid_data` and so on; errors in text say the line.
 */
export async function readFile(path: string, options: FileOptions, target: IngestTarget, reading: FileReading): Promise<RowSource> {
  const status = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw fileError(error, path);
  });
  if (!status.isFile()) throw new DbError('io_error', `${path} is not a file`);
  const { arena, memory, names } = reading;
  switch (options.format) {
    case 'parquet':
      return readParquet(path, reading);
    case 'arrow':
      return decodeIpcStream(arena, bytesOf(path, options, reading), reading.maxBytes, memory);
    case 'json':
      return decodeJson(arena, bytesOf(path, options, reading), target, { memory });
    default: {
      const { delimiter, header, nullText } = options;
      const bytes = bytesOf(path, options, reading);
      const plain = isPlain(options) ? bytes : withPlainQuotes(bytes, options);
      return decodeCsv(arena, plain, target, { delimiter, header, nullText, names, memory });
    }
  }
}

export function fileError(error: NodeJS.ErrnoException, path: string): DbError {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') {
    return new DbError('not_found', `there is no file ${path}`, { cause: error });
  }
  return new DbError('io_error', `${path}: ${error.message}`, { cause: error });
}

async function* bytesOf(path: string, { compression }: FileOptions, { signal }: FileReading): AsyncGenerator<Uint8Array> {
  const isGzip = compression === 'gzip' || (compression === 'auto' && isGzipName(path));
  signal.throwIfAborted();
  const file = createReadStream(path, { highWaterMark: READ_BYTES });
  const abort = () => file.destroy(signal.reason as Error);
  signal.addEventListener('abort', abort, { once: true });
  const bytes = isGzip ? createGunzip({ chunkSize: READ_BYTES }) : file;
  // An error of the file comes out of the stream behind it.
  const copying = isGzip ? pipeline(file, bytes as ReturnType<typeof createGunzip>).catch(() => undefined) : undefined;
  try {
    for await (const part of bytes) yield part as Buffer;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof DbError) throw error;
    const failure = error as NodeJS.ErrnoException;
    if (failure.code?.startsWith('Z_')) throw new DbError('invalid_data', `${path} is not gzip: ${failure.message}`, { cause: error });
    throw fileError(failure, path);
  } finally {
    signal.removeEventListener('abort', abort);
    file.destroy();
    await copying;
  }
}

async function readParquet(path: string, { memory, columns, signal }: FileReading): Promise<RowSource> {
  const file = await open(path).catch((error: NodeJS.ErrnoException) => {
    throw fileError(error, path);
  });
  try {
    const { size } = await file.stat();
    const source = await decodeParquet(
      { byteLength: size, slice: (start, end = size) => slice(file, start, end) },
      { memory, columns, signal },
    );
    return { schema: source.schema, batches: closedByReturn(closing(source.batches, file), () => file.close()) };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function slice(file: FileHandle, start: number, end: number): Promise<ArrayBuffer> {
  const bytes = new Uint8Array(Math.max(0, end - start));
  for (let done = 0; done < bytes.length; ) {
    const { bytesRead } = await file.read(bytes, done, bytes.length - done, start + done);
    if (bytesRead === 0) throw new DbError('invalid_data', 'the Parquet file ends early');
    done += bytesRead;
  }
  return bytes.buffer;
}

async function* closing(batches: AsyncIterable<OwnedBatch>, file: FileHandle): AsyncGenerator<OwnedBatch> {
  try {
    yield* batches;
  } finally {
    await file.close();
  }
}
