/** What all methods share: a signal that follows the client, and writing with backpressure. */

import type { EventEmitter } from 'node:events';
import type { Writable } from 'node:stream';
import type { Metadata } from '@grpc/grpc-js';
import type { Engine } from '../core/contracts.js';
import { DbError } from '../core/errors.js';
import type { Settings } from '../core/settings.js';
import { StopController, type StopSignal } from '../core/stop-signal.js';
import type { OutgoingMessage } from './flight-data.js';

export interface FlightContext {
  readonly engine: Engine;
  readonly settings: Settings;
}

/** A call whose request is one message. Responses are written to it when it streams. */
export interface UnaryCall extends EventEmitter {
  readonly request: Buffer;
  readonly cancelled: boolean;
}

export type ResponseStream = Writable & { readonly cancelled: boolean; sendMetadata(metadata: Metadata): void };

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
  private wake: (() => void) | undefined;

  constructor(call: ResponseStream, signal: StopSignal) {
    this.call = call;
    this.signal = signal;
    signal.addEventListener('abort', () => this.wake?.(), { once: true });
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
      this.wake?.();
    });
    await this.until(MAX_IN_FLIGHT_BYTES);
  }

  /** Resolves when everything has left. */
  drain(): Promise<void> {
    return this.until(0);
  }

  private async until(bytes: number): Promise<void> {
    while (this.inFlightBytes > bytes) {
      this.signal.throwIfAborted();
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    this.signal.throwIfAborted();
  }
}
