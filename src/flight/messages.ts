/** Flight's messages (Flight.proto) ⇄ bytes. */
import { DbError } from '../core/errors.js';
import { MessageWriter, readFields } from './protobuf.js';

export interface FlightDescriptor {
  readonly kind: 'command' | 'path' | 'unknown';
  readonly command: Uint8Array;
  readonly path: readonly string[];
}

const DESCRIPTOR_KINDS = ['unknown', 'path', 'command'] as const;
const decoder = new TextDecoder('utf-8', { fatal: true });

export function readText(bytes: Uint8Array, what: string): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new DbError('invalid_argument', `${what} is not valid UTF-8`, { cause });
  }
}

export function readDescriptor(message: Uint8Array): FlightDescriptor {
  let kind = 0;
  let command: Uint8Array = new Uint8Array(0);
  const path: string[] = [];
  for (const [field, value] of readFields(message)) {
    if (field === 1 && typeof value === 'number') kind = value;
    else if (field === 2 && typeof value !== 'number') command = value;
    else if (field === 3 && typeof value !== 'number') path.push(readText(value, 'a descriptor path'));
  }
  return { kind: DESCRIPTOR_KINDS[kind] ?? 'unknown', command, path };
}

function writeDescriptor(descriptor: FlightDescriptor): MessageWriter {
  const writer = new MessageWriter().number(1, DESCRIPTOR_KINDS.indexOf(descriptor.kind));
  if (descriptor.kind === 'command') writer.bytes(2, descriptor.command);
  for (const step of descriptor.path) writer.bytes(3, Buffer.from(step));
  return writer;
}

/** Messages with one byte field of number 1: Ticket, Criteria, SchemaResult, Result, PutResult, Location. */
export function readBytes(message: Uint8Array): Uint8Array {
  for (const [field, value] of readFields(message)) if (field === 1 && typeof value !== 'number') return value;
  return new Uint8Array(0);
}

export function writeBytes(value: Uint8Array): Buffer {
  return new MessageWriter().bytes(1, value).finish();
}

export interface FlightInfo {
  /** Encapsulated IPC schema message. */
  readonly schema: Uint8Array;
  readonly descriptor: FlightDescriptor;
  readonly tickets: readonly Uint8Array[];
  /** -1 = unknown. */
  readonly rows: number;
  readonly sizeBytes: number;
  readonly isOrdered: boolean;
}

export function writeFlightInfo(info: FlightInfo): MessageWriter {
  const writer = new MessageWriter().bytes(1, info.schema).message(2, writeDescriptor(info.descriptor));
  for (const ticket of info.tickets) writer.message(3, new MessageWriter().message(1, new MessageWriter().bytes(1, ticket)));
  return writer
    .number(4, info.rows)
    .number(5, info.sizeBytes)
    .number(6, info.isOrdered ? 1 : 0);
}

/** A PollInfo that is complete: the query is planned and runs when its ticket is redeemed. */
export function writePollInfo(info: FlightInfo): Buffer {
  return new MessageWriter().message(1, writeFlightInfo(info)).finish();
}

export interface Action {
  readonly type: string;
  readonly body: Uint8Array;
}

export function readAction(message: Uint8Array): Action {
  let type = '';
  let body: Uint8Array = new Uint8Array(0);
  for (const [field, value] of readFields(message)) {
    if (typeof value === 'number') continue;
    if (field === 1) type = readText(value, 'an action type');
    else if (field === 2) body = value;
  }
  return { type, body };
}

export function writeActionType(type: string, description: string): Buffer {
  return new MessageWriter().text(1, type).text(2, description).finish();
}

export interface FlightData {
  readonly descriptor: FlightDescriptor | null;
  /** Flatbuffer of an IPC message; empty for messages of metadata only. */
  readonly header: Uint8Array;
  readonly body: Uint8Array;
}

export function readFlightData(message: Uint8Array): FlightData {
  let descriptor: FlightDescriptor | null = null;
  let header: Uint8Array = new Uint8Array(0);
  let body: Uint8Array = new Uint8Array(0);
  for (const [field, value] of readFields(message)) {
    if (typeof value === 'number') continue;
    if (field === 1) descriptor = readDescriptor(value);
    else if (field === 2) header = value;
    else if (field === 1000) body = value;
  }
  return { descriptor, header, body };
}
