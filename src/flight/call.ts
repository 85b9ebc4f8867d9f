/** What all methods share: a signal that follows the client, and writing with backpressure. */

import type { EventEmitter } from 'node:events';
import type { Writable } from 'node:stream';
import type { Metadata } from '@grpc/grpc-js';
import type { Engine } from '../core/contracts.js';
import { DbError } from '../core/errors.js';
import type { Settings } from '../core/settings.js';
import { StopController, type StopSignal } from '../core/stop-signal.js';
import type { OutgoingMessage } from './flight-data.js';
import type { SqlState } from './sql/state.js';

export interface FlightContext {
  readonly engine: Engine;
  readonly settings: Settings;
  readonly sql: SqlState;
}

/** A call whose request is one message. Responses are written to it when it streams. */
export interface UnaryCall extends EventEmitter {
  readonly request: Buffer;
  /** The headers that came. */
  readonly metadata: Metadata;
  readonly cancelled: boolean;
}

export type ResponseStream = Writable & {
  readonly metadata: Metadata;
  readonly cancelled: boolean;
  sendMetadata(metadata: Metadata): void;
};

/** `ended`: the call's status went out with its last message; `open`: it is still to be ended. */
export type CallEnd = 'ended' | 'open';

/** Bytes that are handed to gRPC and not yet on their way. More is only made when they have left. */
const MAX_IN_FLIGHT_BYTES = 16 * 2 ** 20;

/** Runs a method with a signal that is aborted when the client cancels, goes away, or its deadline passes, before the method ends. */
export async function withSignal<Answer>(
  call: EventEmitter & { readonly cancelled: boolean },
  run: (signal: StopSignal) => Promise<Answer>,
): Promise<Answer> {
  const controller = new StopController();
  const abort = () => controller.abort(new DbError('cancelled', 'the client cancelled the call, left, or its deadline passed'));
  if (call.cancelled) abort();
  else call.once('cancelled', abort);
  try {
    return await run(controller);
  } finally {
    // gRPC reports every call as cancelled once it has ended.
    call.removeListener('cancelled', abort);
  }
}

/** Writes messages in order, some megabytes ahead of the network and no further. */
export class ResponseWriter {
  private readonly call: ResponseStream;
  private readonly signal: StopSignal;
  private inFlightBytes = 0;
  private waiting: (() => void)[] = [];

  constructor(call: ResponseStream, signal: StopSignal) {
    this.call = call;
    this.signal = signal;
    signal.addEventListener('abort', () => this.wake(), { once: true });
  }

  /**
   * Hands a message over; resolves when there is room for another. `sent` is called when its bytes are no longer needed. A call that is
   * cancelled rejects, and then `sent` may never be called.
   */
  async write(message: OutgoingMessage | Buffer, sent?: () => void): Promise<void> {
    this.signal.throwIfAborted();
    this.inFlightBytes += message.byteLength;
    this.call.write(message, () => {
      this.inFlightBytes -= message.byteLength;
      sent?.();
      this.wake();
    });
    await this.until(MAX_IN_FLIGHT_BYTES);
  }

  /** Writes the last messages; resolves when everything has left. Where nothing else is on its way and they are one write, the call ends with it, and their bytes are no longer needed. */
  async end(messages: readonly (OutgoingMessage | Buffer)[]): Promise<CallEnd> {
    this.signal.throwIfAborted();
    const [message, more] = messages;
    if (message && !more && this.inFlightBytes === 0 && endWith(this.call, message)) return 'ended';
    await Promise.all(messages.map((each) => this.write(each)));
    await this.until(0);
    return 'open';
  }

  private async until(bytes: number): Promise<void> {
    while (this.inFlightBytes > bytes) {
      this.signal.throwIfAborted();
      await new Promise<void>((resolve) => {
        this.waiting.push(resolve);
      });
    }
    this.signal.throwIfAborted();
  }

  private wake(): void {
    const { waiting } = this;
    this.waiting = [];
    for (const each of waiting) each();
  }
}

interface CallInternals {
  readonly call?: {
    sendMessage?(message: OutgoingMessage | Buffer, sent: () => void): void;
    sendStatus?(status: { readonly code: number; readonly details: string; readonly metadata: null }): void;
  };
}

/**
 * Message and status in one write, where the client would otherwise wake up twice; false: it cannot be done. grpc-js ends a stream when the last
 * message has left, so its call behind the stream is told directly. It copies the message at once.
 */
function endWith(stream: ResponseStream, message: OutgoingMessage | Buffer): boolean {
  const { call } = stream as CallInternals;
  if (typeof call?.sendMessage !== 'function' || typeof call.sendStatus !== 'function' || stream.writableLength > 0) return false;
  call.sendMessage(message, () => undefined);
  call.sendStatus({ code: 0, details: 'OK', metadata: null });
  return true;
}
