/**
 * Outgoing FlightData, framed over the column buffers: the parts are copied once, into the buffer that goes to the socket.
 *
 *   12 │ length │ flatbuffer │ C2 3E │ length │ body: pieces of the arena with their padding
 */
import { createRequire } from 'node:module';
import type { EncodedMessage } from '../arrow/encoded-message.js';
import { bodyParts } from '../arrow/ipc-batch.js';
import type { Arena } from '../core/arena.js';
import { keyAndLength } from './protobuf.js';

const HEADER_FIELD = 2;
const BODY_FIELD = 1000;
/** Below, plain copying is faster than a call of Buffer.fill. */
const SMALL_BYTES = 512;

/** What gRPC's serializer is given: it asks for the length, makes room, and has the bytes copied there. */
export interface OutgoingMessage {
  readonly byteLength: number;
  copy(target: Uint8Array, offset: number): number;
}

export function schemaData(metadata: Uint8Array): Buffer {
  return Buffer.concat([keyAndLength(HEADER_FIELD, metadata.length), metadata]);
}

/** The parts of a message as one FlightData. They are read when gRPC copies them, so the batch must stay until the write is done. */
export function batchData(arena: Arena, message: EncodedMessage): OutgoingMessage | Buffer {
  const parts = [
    keyAndLength(HEADER_FIELD, message.metadata.length),
    message.metadata,
    keyAndLength(BODY_FIELD, message.bodyBytes),
    ...bodyParts(arena, message.pieces),
  ];
  const byteLength = parts.reduce((sum, part) => sum + part.length, 0);
  const outgoing = { byteLength, copy: (target: Uint8Array, offset: number) => copyParts(parts, target, offset) };
  if (acceptsOutgoingMessage()) return outgoing;
  const whole = Buffer.allocUnsafe(byteLength);
  copyParts(parts, whole, 0);
  return whole;
}

/** Buffer.fill and not TypedArray.set: the latter is slow between shared and own memory that are aligned differently. */
function copyParts(parts: readonly Uint8Array[], target: Uint8Array, offset: number): number {
  const buffer = Buffer.from(target.buffer, target.byteOffset, target.byteLength);
  let at = offset;
  for (const part of parts) {
    if (part.length < SMALL_BYTES) buffer.set(part, at);
    else buffer.fill(part, at, at + part.length);
    at += part.length;
  }
  return at - offset;
}

let accepted: boolean | undefined;

/** Whether this grpc-js frames whatever has byteLength and copy(). It is an internal of the package, so it is tried; else one copy more is made. */
function acceptsOutgoingMessage(): boolean {
  accepted ??= tryOutgoingMessage();
  return accepted;
}

interface ServerCallInternals {
  readonly BaseServerInterceptingCall?: { readonly prototype: { serializeMessage?(this: unknown, value: unknown): unknown } };
}

function tryOutgoingMessage(): boolean {
  try {
    const internals = createRequire(import.meta.url)('@grpc/grpc-js/build/src/server-interceptors.js') as ServerCallInternals;
    const parts = [Uint8Array.of(7, 8), Uint8Array.of(9)];
    const message = { byteLength: 3, copy: (target: Uint8Array, offset: number) => copyParts(parts, target, offset) };
    const framed = internals.BaseServerInterceptingCall?.prototype.serializeMessage?.call(
      { handler: { serialize: (value: unknown) => value } },
      message,
    );
    return framed instanceof Uint8Array && Buffer.from([0, 0, 0, 0, 3, 7, 8, 9]).equals(framed);
  } catch {
    return false;
  }
}
