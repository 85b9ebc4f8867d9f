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

/** In front of each message: a byte that says whether it is compressed, and its length. gRPC writes that of the first. */
const PREFIX_BYTES = 5;
/** Messages go out in one write up to so many bytes; of more, each is a write of its own. */
export const MAX_TOGETHER_BYTES = 1 << 16;

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

/** The same messages in as few writes as their sizes allow: a small result costs one. */
export function together(messages: readonly (OutgoingMessage | Buffer)[]): (OutgoingMessage | Buffer)[] {
  if (messages.length < 2 || !acceptsOutgoingMessage()) return [...messages];
  const writes: (OutgoingMessage | Buffer)[] = [];
  let small: (OutgoingMessage | Buffer)[] = [];
  let bytes = 0;
  const flush = () => {
    if (small.length > 0) writes.push(small.length === 1 && small[0] ? small[0] : joined(small));
    small = [];
    bytes = 0;
  };
  for (const message of messages) {
    if (bytes + message.byteLength > MAX_TOGETHER_BYTES) flush();
    small.push(message);
    bytes += message.byteLength;
  }
  flush();
  return writes;
}

/** Several messages in the place of one: their prefixes stand between them, and the first one's takes the place of that of all. */
function joined(messages: readonly (OutgoingMessage | Buffer)[]): OutgoingMessage {
  const byteLength = messages.reduce((sum, message) => sum + PREFIX_BYTES + message.byteLength, -PREFIX_BYTES);
  return {
    byteLength,
    copy: (target, offset) => {
      const view = new DataView(target.buffer, target.byteOffset, target.byteLength);
      let at = offset - PREFIX_BYTES;
      for (const message of messages) {
        view.setUint8(at, 0);
        view.setUint32(at + 1, message.byteLength);
        message.copy(target, at + PREFIX_BYTES);
        at += PREFIX_BYTES + message.byteLength;
      }
      return byteLength;
    },
  };
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

/**
 * Whether this grpc-js frames whatever has byteLength and copy(), and has it copied behind a prefix that is already there. It is an internal of
 * the package, so it is tried; else one copy more is made, and every message is a write.
 */
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
    const three = { byteLength: 3, copy: (target: Uint8Array, offset: number) => copyParts(parts, target, offset) };
    const message = joined([three, Buffer.of(6)]);
    const framed = internals.BaseServerInterceptingCall?.prototype.serializeMessage?.call(
      { handler: { serialize: (value: unknown) => value } },
      message,
    );
    return framed instanceof Uint8Array && Buffer.from([0, 0, 0, 0, 3, 7, 8, 9, 0, 0, 0, 0, 1, 6]).equals(framed);
  } catch {
    return false;
  }
}
