/**
 * Arrow IPC streams as bytes: out for HTTP's `arrow` format, in for its ingest (stream or file, told apart by the first bytes).
 *
 *   stream: schema │ (dictionary │ record batch)* │ FFFFFFFF 00000000      file: "ARROW1" 00 00 │ stream │ footer │ "ARROW1"
 */
import type { Arena } from '../core/arena.js';
import type { OwnedBatch } from '../core/batch.js';
import { DbError } from '../core/errors.js';
import { MemoryScope } from '../core/memory-scope.js';
import type { Schema } from '../core/types.js';
import { copyIntoArena } from './arena-copy.js';
import { groupRows } from './group-rows.js';
import { messageParts } from './ipc-batch.js';
import { IpcDecoder } from './ipc-decoder.js';
import { FILE_MAGIC } from './ipc-file.js';
import { encapsulate } from './ipc-schema.js';
import type { MessageHead } from './message.js';
import { StreamEncoder, type StreamEncoderOptions } from './stream-encoder.js';

const END_OF_STREAM = Uint8Array.from([255, 255, 255, 255, 0, 0, 0, 0]);
const CONTINUATION = 0xffffffff;
const MAX_METADATA_BYTES = 64 * 2 ** 20;

/**
 * The result as bytes of an IPC stream. Each step gives parts to write in order; they are views of the arena, valid until the next step is
 * asked for: await the write first. Batches are released here. Leaving the loop early ends the query.
 */
export async function* encodeIpcStream(
  arena: Arena,
  schema: Schema,
  batches: AsyncIterable<OwnedBatch>,
  options: StreamEncoderOptions = {},
): AsyncGenerator<readonly Uint8Array[]> {
  const encoder = new StreamEncoder(arena, schema, options);
  try {
    yield [encapsulate(encoder.schemaMetadata())];
    for await (const group of groupRows(batches)) {
      const scope = new MemoryScope(arena);
      try {
        for (const message of encoder.encode(group.runs, scope)) yield messageParts(arena, message);
      } finally {
        scope.release();
        group.release();
      }
    }
    yield [END_OF_STREAM];
  } finally {
    encoder.close();
  }
}

export interface IncomingStream {
  readonly schema: Schema;
  /** Each batch lies in the arena and is released by the consumer. Leaving the loop early ends the source. */
  readonly batches: AsyncIterable<OwnedBatch>;
}

/**
 * Reads an IPC stream or file from bytes as they come; bodies are copied once, to aligned memory of the arena. Resolves when the schema has
 * come. Malformed or truncated bytes fail with `invalid_data`, here or while batches are pulled; maxBytes bounds one message.
 */
export async function decodeIpcStream(arena: Arena, source: AsyncIterable<Uint8Array>, maxBytes: number): Promise<IncomingStream> {
  const bytes = new ByteSource(source);
  const decoder = new IpcDecoder(arena, maxBytes);
  try {
    const isFile = await bytes.skipMagic();
    const head = await nextHead(bytes, decoder);
    if (head === undefined || decoder.schema === undefined) throw new DbError('invalid_data', 'no Arrow schema in the body');
    return { schema: decoder.schema, batches: pullBatches(arena, bytes, decoder, isFile) };
  } catch (error) {
    decoder.close();
    await bytes.close();
    throw error;
  }
}

async function* pullBatches(arena: Arena, bytes: ByteSource, decoder: IpcDecoder, isFile: boolean): AsyncGenerator<OwnedBatch> {
  try {
    for (let head = await nextHead(bytes, decoder); head !== undefined; head = await nextHead(bytes, decoder)) {
      const scope = new MemoryScope(arena);
      let address = 0;
      try {
        address = scope.allocate(head.bodyBytes + 64);
        await bytes.readInto(arena, address, head.bodyBytes);
      } catch (error) {
        scope.release();
        throw error;
      }
      const batch = decoder.decode(head, scope, address);
      if (batch !== null) yield batch;
    }
    if (isFile) await bytes.skipFooter();
    else await bytes.skipRest();
  } finally {
    decoder.close();
    await bytes.close();
  }
}

/** The next message's head; undefined at the end of the stream. */
async function nextHead(bytes: ByteSource, decoder: IpcDecoder): Promise<MessageHead | undefined> {
  const first = await bytes.word();
  if (first === undefined) return undefined;
  const length = first === CONTINUATION ? await bytes.word() : first;
  if (length === undefined) throw truncated();
  if (length === 0) return undefined;
  if (length > MAX_METADATA_BYTES) throw new DbError('invalid_data', `not an Arrow stream, or a message head of ${length} bytes`);
  return decoder.head(await bytes.read(length));
}

function truncated(): DbError {
  return new DbError('invalid_data', 'the Arrow data ends in the middle of a message');
}

/** Bytes that come in chunks, read in the sizes that are wanted. */
class ByteSource {
  private readonly iterator: AsyncIterator<Uint8Array>;
  private chunk: Uint8Array = new Uint8Array(0);
  private isAtEnd = false;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.iterator = source[Symbol.asyncIterator]();
  }

  /** The next little-endian u32; undefined at a clean end. */
  async word(): Promise<number | undefined> {
    if (!(await this.fill())) return undefined;
    const bytes = await this.read(4);
    return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
  }

  /** sizeBytes bytes; they are collected as they come, so a lying size takes no memory before its bytes. */
  async read(sizeBytes: number): Promise<Uint8Array> {
    if (this.chunk.length >= sizeBytes) return this.take(sizeBytes);
    const parts: Uint8Array[] = [];
    for (let left = sizeBytes; left > 0; ) {
      if (!(await this.fill())) throw truncated();
      const part = this.take(Math.min(left, this.chunk.length));
      parts.push(part);
      left -= part.length;
    }
    return Buffer.concat(parts);
  }

  async readInto(arena: Arena, address: number, sizeBytes: number): Promise<void> {
    for (let done = 0; done < sizeBytes; ) {
      if (!(await this.fill())) throw truncated();
      const part = this.take(Math.min(sizeBytes - done, this.chunk.length));
      copyIntoArena(arena, address + done, part);
      done += part.length;
    }
  }

  /** True when the source begins with the magic of a file, which is then skipped. */
  async skipMagic(): Promise<boolean> {
    const head = await this.upTo(FILE_MAGIC.length);
    const isFile = FILE_MAGIC.subarray(0, 6).every((byte, i) => head[i] === byte);
    this.chunk = isFile ? this.chunk : Buffer.concat([head, this.chunk]);
    return isFile;
  }

  /** The footer repeats what came; that it is there at all tells that the file is whole. */
  async skipFooter(): Promise<void> {
    let tail: Uint8Array = new Uint8Array(0);
    while (await this.fill()) tail = Buffer.concat([tail, this.take(this.chunk.length)]).subarray(-6);
    if (tail.length < 6 || !FILE_MAGIC.subarray(0, 6).every((byte, i) => tail[i] === byte)) {
      throw new DbError('invalid_data', 'the Arrow file is truncated: its footer is missing');
    }
  }

  async skipRest(): Promise<void> {
    while (await this.fill()) this.take(this.chunk.length);
  }

  async close(): Promise<void> {
    if (!this.isAtEnd) await this.iterator.return?.();
  }

  private async upTo(sizeBytes: number): Promise<Uint8Array> {
    let bytes: Uint8Array = new Uint8Array(0);
    while (bytes.length < sizeBytes && (await this.fill())) {
      bytes = Buffer.concat([bytes, this.take(Math.min(sizeBytes - bytes.length, this.chunk.length))]);
    }
    return bytes;
  }

  private async fill(): Promise<boolean> {
    while (this.chunk.length === 0) {
      if (this.isAtEnd) return false;
      const next = await this.iterator.next();
      if (next.done === true) this.isAtEnd = true;
      else this.chunk = next.value;
    }
    return true;
  }

  private take(sizeBytes: number): Uint8Array {
    const part = this.chunk.subarray(0, sizeBytes);
    this.chunk = this.chunk.subarray(sizeBytes);
    return part;
  }
}
