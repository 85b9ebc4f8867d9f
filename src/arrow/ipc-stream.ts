/**
 * Arrow IPC streams as bytes: out for HTTP's `arrow` format, in for its ingest (stream or file, told apart by the first bytes).
 *
 *   stream: schema │ (dictionary │ record batch)* │ FFFFFFFF 00000000      file: "ARROW1" 00 00 │ stream │ footer │ "ARROW1"
 *
 * Some writers of files (apache-arrow's for JavaScript) leave the schema out of the stream: it is in the footer only.
 */
import type { Arena } from '../core/arena.js';
import type { OwnedBatch } from '../core/batch.js';
import { closedByReturn } from '../core/batch-source.js';
import { DbError } from '../core/errors.js';
import { MemoryScope } from '../core/memory-scope.js';
import { type Field, type Schema, UTF8 } from '../core/types.js';
import { copyIntoArena } from './arena-copy.js';
import { groupRows } from './group-rows.js';
import { messageParts } from './ipc-batch.js';
import { IpcDecoder } from './ipc-decoder.js';
import { FILE_MAGIC, FileLayout } from './ipc-file.js';
import { encapsulate } from './ipc-schema.js';
import { type MessageHead, readMessage } from './message.js';
import { StreamEncoder, type StreamEncoderOptions } from './stream-encoder.js';

const END_OF_STREAM = Uint8Array.from([255, 255, 255, 255, 0, 0, 0, 0]);
const CONTINUATION = 0xffffffff;
const MAX_METADATA_BYTES = 64 * 2 ** 20;
/** Footer length and magic. */
const FILE_END_BYTES = 10;

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

/** The same rows as an IPC file. Text goes out without dictionaries, which a file could not replace. */
export async function* encodeIpcFile(
  arena: Arena,
  schema: Schema,
  batches: AsyncIterable<OwnedBatch>,
): AsyncGenerator<readonly Uint8Array[]> {
  const encoder = new StreamEncoder(arena, { fields: schema.fields.map(withoutSymbols) });
  const layout = new FileLayout(arena, encoder.schema, 8);
  try {
    yield layout.open();
    for await (const group of groupRows(batches)) {
      const scope = new MemoryScope(arena);
      try {
        for (const message of encoder.encode(group.runs, scope)) yield layout.batch(message).parts;
      } finally {
        scope.release();
        group.release();
      }
    }
    yield layout.close();
  } finally {
    encoder.close();
  }
}

function withoutSymbols(field: Field): Field {
  const { type } = field;
  if (type.kind === 'symbol') return { ...field, type: UTF8 };
  if (type.kind === 'list') return { ...field, type: { kind: 'list', item: withoutSymbols(type.item) } };
  return type.kind === 'struct' ? { ...field, type: { kind: 'struct', fields: type.fields.map(withoutSymbols) } } : field;
}

export interface IncomingStream {
  readonly schema: Schema;
  /** Each batch lies in the arena and is released by the consumer. Leaving the loop early ends the source. */
  readonly batches: AsyncIterable<OwnedBatch>;
}

/**
 * Reads an IPC stream or file from bytes as they come; bodies are copied once, to aligned memory of the arena. Resolves when the schema has
 * come, which in a file without a schema message is when all bytes have. Malformed or truncated bytes fail with `invalid_data`, here or while
 * batches are pulled; maxBytes bounds one message, and a file that is held whole.
 */
export async function decodeIpcStream(
  arena: Arena,
  source: AsyncIterable<Uint8Array>,
  maxBytes: number,
  memory: () => MemoryScope = () => new MemoryScope(arena),
): Promise<IncomingStream> {
  const bytes = new ByteSource(source);
  const decoder = new IpcDecoder(arena, maxBytes);
  try {
    const isFile = await bytes.skipMagic();
    const first = await nextMetadata(bytes);
    if (first !== undefined && (!isFile || readMessage(first).kind === 'schema')) decoder.head(first);
    else if (isFile) await takeFooter(bytes, decoder, first, maxBytes);
    if (decoder.schema === undefined) throw new DbError('invalid_data', 'no Arrow schema in the body');
    const batches = closedByReturn(pullBatches(arena, bytes, decoder, isFile, memory), async () => {
      decoder.close();
      await bytes.close();
    });
    return { schema: decoder.schema, batches };
  } catch (error) {
    decoder.close();
    await bytes.close();
    throw error;
  }
}

async function* pullBatches(
  arena: Arena,
  bytes: ByteSource,
  decoder: IpcDecoder,
  isFile: boolean,
  memory: () => MemoryScope,
): AsyncGenerator<OwnedBatch> {
  try {
    for (let head = await nextHead(bytes, decoder); head !== undefined; head = await nextHead(bytes, decoder)) {
      const scope = memory();
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

async function nextHead(bytes: ByteSource, decoder: IpcDecoder): Promise<MessageHead | undefined> {
  const metadata = await nextMetadata(bytes);
  return metadata === undefined ? undefined : decoder.head(metadata);
}

/** Takes the schema from the end of a file; `first`, which was read already, is put back to be read after that. */
async function takeFooter(bytes: ByteSource, decoder: IpcDecoder, first: Uint8Array | undefined, maxBytes: number): Promise<void> {
  bytes.putBack(first === undefined ? END_OF_STREAM : Buffer.concat([lengthWord(first.length), first]));
  await bytes.hold(maxBytes);
  const end = bytes.tail(FILE_END_BYTES);
  const footerBytes = isMagic(end.subarray(4)) ? new DataView(end.buffer, end.byteOffset, 4).getInt32(0, true) : -1;
  if (footerBytes <= 0) throw missingFooter();
  const footer = bytes.tail(footerBytes + FILE_END_BYTES);
  if (footer.length < footerBytes + FILE_END_BYTES) throw missingFooter();
  decoder.footer(footer.subarray(0, footerBytes));
}

function lengthWord(value: number): Uint8Array {
  const word = new Uint8Array(4);
  new DataView(word.buffer).setUint32(0, value, true);
  return word;
}

function isMagic(bytes: Uint8Array): boolean {
  return bytes.length >= 6 && FILE_MAGIC.subarray(0, 6).every((byte, i) => bytes[i] === byte);
}

function missingFooter(): DbError {
  return new DbError('invalid_data', 'the Arrow file is truncated: its footer is missing');
}

/** The flatbuffer of the next message; undefined at the end of the stream. */
async function nextMetadata(bytes: ByteSource): Promise<Uint8Array | undefined> {
  const first = await bytes.word();
  if (first === undefined) return undefined;
  const length = first === CONTINUATION ? await bytes.word() : first;
  if (length === undefined) throw truncated();
  if (length === 0) return undefined;
  if (length > MAX_METADATA_BYTES) throw new DbError('invalid_data', `not an Arrow stream, or a message head of ${length} bytes`);
  return bytes.read(length);
}

function truncated(): DbError {
  return new DbError('invalid_data', 'the Arrow data ends in the middle of a message');
}

/** Bytes that come in chunks, read in the sizes that are wanted. */
class ByteSource {
  private readonly iterator: AsyncIterator<Uint8Array>;
  private chunk: Uint8Array = new Uint8Array(0);
  private isAtEnd = false;
  /** Chunks that hold() has read ahead. */
  private held: Uint8Array[] = [];

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
    if (isMagic(head)) return true;
    this.putBack(head);
    return false;
  }

  /** The bytes are the next ones to be read. */
  putBack(bytes: Uint8Array): void {
    this.chunk = Buffer.concat([bytes, this.chunk]);
  }

  /** Reads everything that is left, to be read again from here. Fails with `request_too_large` beyond maxBytes. */
  async hold(maxBytes: number): Promise<void> {
    const held: Uint8Array[] = [];
    for (let size = 0; await this.fill(); ) {
      size += this.chunk.length;
      if (size > maxBytes) {
        throw new DbError('request_too_large', `an Arrow file without a schema message is larger than ${maxBytes} bytes`, {
          hint: 'send an Arrow stream, or raise max_body_bytes',
        });
      }
      held.push(this.take(this.chunk.length));
    }
    this.held = held.reverse();
  }

  /** The last bytes of what is held, at most sizeBytes. */
  tail(sizeBytes: number): Uint8Array {
    const parts: Uint8Array[] = [];
    let left = sizeBytes;
    for (const part of this.held) {
      if (left <= 0) break;
      parts.unshift(part.subarray(Math.max(0, part.length - left)));
      left -= part.length;
    }
    return Buffer.concat(parts);
  }

  /** The footer repeats what came; that it is there at all tells that the file is whole. */
  async skipFooter(): Promise<void> {
    let tail: Uint8Array = new Uint8Array(0);
    while (await this.fill()) tail = Buffer.concat([tail, this.take(this.chunk.length)]).subarray(-6);
    if (!isMagic(tail)) throw missingFooter();
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
      const held = this.held.pop();
      if (held !== undefined) {
        this.chunk = held;
        continue;
      }
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
