/** The messages of a DoPut, and the batches in them. */

import type { Duplex } from 'node:stream';
import { copyIntoArena } from '../arrow/arena-copy.js';
import { IpcDecoder } from '../arrow/ipc-decoder.js';
import type { Arena } from '../core/arena.js';
import type { OwnedBatch } from '../core/batch.js';
import { DbError } from '../core/errors.js';
import { MemoryScope } from '../core/memory-scope.js';
import type { StopSignal } from '../core/stop-signal.js';
import type { Schema } from '../core/types.js';
import type { ResponseStream } from './call.js';
import { type FlightData, readFlightData } from './messages.js';
import { limitReadAhead } from './tuning.js';

/** A batch, which the caller releases; null for messages that are none: a schema, a dictionary, metadata alone. */
export function decodeMessage(decoder: IpcDecoder, data: FlightData): OwnedBatch | null {
  if (data.header.length === 0) return null;
  const head = decoder.head(data.header);
  if (head.kind === 'schema') return null;
  if (head.bodyBytes > data.body.length) {
    throw new DbError('invalid_data', `a Flight message claims a body of ${head.bodyBytes} bytes and has ${data.body.length}`);
  }
  const scope = new MemoryScope(decoder.arena);
  const address = scope.allocate(head.bodyBytes + 64);
  copyIntoArena(decoder.arena, address, data.body.subarray(0, head.bodyBytes));
  return decoder.decode(head, scope, address);
}

/** Messages in order; the first can be looked at before the rest is read. */
export class IncomingMessages {
  private readonly messages: AsyncIterator<Buffer>;
  private readonly signal: StopSignal;
  private waiting: FlightData | null = null;

  constructor(call: Duplex & ResponseStream, signal: StopSignal) {
    limitReadAhead(call);
    this.signal = signal;
    this.messages = (call.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  }

  /** null when there is none. */
  async first(): Promise<FlightData | null> {
    this.waiting ??= await this.read();
    return this.waiting;
  }

  /** null at the end, which is not the end when the signal is aborted. */
  async next(): Promise<FlightData | null> {
    const { waiting } = this;
    this.waiting = null;
    return waiting ?? this.read();
  }

  /** Reads no further. */
  async leave(): Promise<void> {
    await this.messages.return?.();
  }

  private async read(): Promise<FlightData | null> {
    const { done, value } = await this.messages.next();
    if (done !== true) {
      this.signal.throwIfAborted();
      return readFlightData(value);
    }
    await settle();
    this.signal.throwIfAborted();
    return null;
  }
}

/**
 * Some clients (Node's) end their stream before they reset it when a call is cancelled: what looks like the end of the rows may be followed by
 * a reset in the same packet. A turn of the event loop lets it be seen before an atomic stream is committed.
 */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** The rows of a stream whose schema comes first. */
export class IncomingRows {
  private readonly messages: IncomingMessages;
  private readonly decoder: IpcDecoder;

  constructor(messages: IncomingMessages, arena: Arena, maxBytes: number) {
    this.messages = messages;
    this.decoder = new IpcDecoder(arena, maxBytes);
  }

  /** Fails with `invalid_data` when the stream ends before it. */
  async schema(): Promise<Schema> {
    for (let data = await this.messages.first(); data; data = await this.messages.first()) {
      if (this.decoder.schema) return this.decoder.schema;
      await this.messages.next();
      if (decodeMessage(this.decoder, data) === null && this.decoder.schema) return this.decoder.schema;
    }
    throw new DbError('invalid_data', 'DoPut ended before its schema came');
  }

  /** The next batch, which the caller releases; null at the end. */
  async batch(): Promise<OwnedBatch | null> {
    for (let data = await this.messages.next(); data; data = await this.messages.next()) {
      const batch = decodeMessage(this.decoder, data);
      if (batch !== null) return batch;
    }
    return null;
  }

  close(): void {
    this.decoder.close();
  }
}
