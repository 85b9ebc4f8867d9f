/** Batches → a file, which appears whole or not at all: bytes go to a temporary file beside it, which takes its name at the end. */

import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGzip, type Gzip } from 'node:zlib';
import type { Arena } from '../../core/arena.js';
import type { OwnedBatch } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import type { StopSignal } from '../../core/stop-signal.js';
import type { Schema } from '../../core/types.js';
import { isPlain } from '../decoders/csv-quotes.js';
import { arrowEncoder, arrowFileEncoder } from '../encoders/arrow.js';
import { csvEncoder } from '../encoders/delimited.js';
import { jsonArrayEncoder, ndjsonEncoder } from '../encoders/json.js';
import { BufferPool, type Destination, Output } from '../encoders/output.js';
import { encodeBatches, type MakeEncoder } from '../encoders/result-encoder.js';
import { parquetEncoder } from '../parquet/write-parquet.js';
import { type FileOptions, isGzipName } from './file-options.js';
import { fileError } from './read-file.js';

export interface FileWriting {
  readonly arena: Arena;
  readonly signal: StopSignal;
  /** Makes the temporary file's name its own. */
  readonly uniqueName: string;
}

/** NaN and infinities are kept as text, so that what is read back is what was written. */
const VALUES = { int64AsText: false, nonfiniteAsText: true, timestampsAsEpoch: false };

/** Resolves to the number of rows when the file is there, on disk. When it fails, a file that was there stays as it was. */
export async function writeFile(
  path: string,
  options: FileOptions,
  schema: Schema,
  batches: AsyncIterable<OwnedBatch>,
  { arena, signal, uniqueName }: FileWriting,
): Promise<number> {
  if (!isPlain(options)) {
    throw new DbError('unsupported', 'writing CSV with other quotes than " is not executed by this version yet', {
      hint: 'leave QUOTE, ESCAPE and SKIP away',
    });
  }
  const existing = await stat(path).catch(() => undefined);
  if (existing && !existing.isFile()) throw new DbError('io_error', `${path} is not a file`);
  const temporary = `${path}.${uniqueName}.tmp`;
  const isGzip = options.format !== 'parquet' && (options.compression === 'gzip' || (options.compression === 'auto' && isGzipName(path)));
  const destination = await FileDestination.create(temporary, isGzip, path);
  const pool = new BufferPool(arena);
  try {
    const codec = options.compression === 'gzip' ? 'GZIP' : options.compression === 'none' ? 'UNCOMPRESSED' : 'SNAPPY';
    const { delimiter, header, nullText } = options;
    const encoder = encoderOf(path, options)(arena, schema, { values: VALUES, delimiter, header, nullText, codec, signal });
    const rows = await encodeBatches(batches, encoder, new Output(pool, destination));
    signal.throwIfAborted();
    await destination.finish();
    await rename(temporary, path);
    return rows;
  } catch (error) {
    await destination.discard();
    await rm(temporary, { force: true });
    throw error instanceof Error && 'syscall' in error ? fileError(error as NodeJS.ErrnoException, path) : error;
  } finally {
    pool.close();
  }
}

function encoderOf(path: string, options: FileOptions): MakeEncoder {
  switch (options.format) {
    case 'parquet':
      return parquetEncoder;
    case 'arrow':
      return /\.arrows(?:\.gz)?$/i.test(path) ? arrowEncoder : arrowFileEncoder;
    case 'json':
      return options.array ? jsonArrayEncoder : ndjsonEncoder;
    default:
      return csvEncoder;
  }
}

class FileDestination implements Destination {
  private readonly file: WriteStream;
  private readonly gzip: Gzip | undefined;
  private readonly copying: Promise<void> | undefined;
  private failure: Error | undefined;

  private constructor(file: WriteStream, gzip: Gzip | undefined) {
    this.file = file;
    this.gzip = gzip;
    const failed = (error: Error): void => {
      this.failure ??= error;
    };
    file.on('error', failed);
    gzip?.on('error', failed);
    this.copying = gzip ? pipeline(gzip, file) : undefined;
    this.copying?.catch(failed);
  }

  static async create(temporary: string, isGzip: boolean, path: string): Promise<FileDestination> {
    const file = createWriteStream(temporary, { flags: 'wx' });
    try {
      await once(file, 'open');
    } catch (error) {
      const failure = error as NodeJS.ErrnoException;
      if (failure.code === 'ENOENT') throw new DbError('not_found', `there is no folder for ${path}`, { cause: error });
      throw fileError(failure, path);
    }
    return new FileDestination(file, isGzip ? createGzip({ level: 6 }) : undefined);
  }

  write(bytes: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.failure) return reject(this.failure);
      (this.gzip ?? this.file).write(bytes, (error) => (error ? reject(error) : resolve()));
    });
  }

  async end(bytes: Buffer): Promise<void> {
    if (bytes.length > 0) await this.write(bytes);
  }

  /** Everything is on disk when it resolves. */
  async finish(): Promise<void> {
    const closed = once(this.file, 'close');
    (this.gzip ?? this.file).end();
    await this.copying;
    await closed;
    if (this.failure) throw this.failure;
    const handle = await open(String(this.file.path), 'r+');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  async discard(): Promise<void> {
    this.gzip?.destroy();
    await this.copying?.catch(() => undefined);
    if (this.file.closed) return;
    await new Promise<void>((resolve) => {
      this.file.once('close', () => resolve());
      this.file.destroy();
    });
  }
}
