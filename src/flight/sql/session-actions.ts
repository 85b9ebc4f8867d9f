/** SetSessionOptions, GetSessionOptions, CloseSession. */
import { CATALOG } from '../../core/catalog-name.js';
import { DbError } from '../../core/errors.js';
import { MessageWriter } from '../protobuf.js';
import { Message } from './message.js';
import type { OptionValue } from './sessions.js';
import { type ActionAnswer, closedCookie, cookieOf, type SqlCall, sessionOf } from './sql-call.js';

const CLOSE = { closed: 1, notCloseable: 3 } as const;

/** A cookie of a session that is no more gets a new one, since all that matters is set here. */
export async function setSessionOptions(call: SqlCall, request: Message): Promise<ActionAnswer> {
  const { sessions } = call.state;
  const known = sessions.find(call.sessionId);
  const session = known ?? sessions.open(call.principal);
  const result = new MessageWriter();
  for (const [name, value] of optionsOf(request)) {
    const error = await sessions.set(session, name, value, call.principal);
    if (error !== null) result.message(1, new MessageWriter().text(1, name).message(2, new MessageWriter().number(1, error)));
  }
  const body = result.finish();
  return known ? { body } : { body, headers: { 'set-cookie': cookieOf(session) } };
}

export async function getSessionOptions(call: SqlCall): Promise<ActionAnswer> {
  const options = new Map<string, OptionValue>([['catalog', CATALOG], ...(sessionOf(call)?.options ?? [])]);
  const result = new MessageWriter();
  for (const [name, value] of options) result.message(1, new MessageWriter().text(1, name).message(2, writeValue(value)));
  return { body: result.finish() };
}

export async function closeSession(call: SqlCall): Promise<ActionAnswer> {
  const session = call.state.sessions.find(call.sessionId);
  if (session) call.state.sessions.close(session);
  const status = call.sessionId === null ? CLOSE.notCloseable : CLOSE.closed;
  return { body: new MessageWriter().number(1, status).finish(), headers: { 'set-cookie': closedCookie() } };
}

/** null: back to the default. */
function optionsOf(request: Message): [name: string, value: OptionValue | null][] {
  return request.allBytes(1).map((bytes) => {
    const entry = new Message(bytes);
    return [entry.text(1), readValue(new Message(entry.bytes(2)))];
  });
}

/** SessionOptionValue. */
const VALUE = { text: 1, bool: 2, int64: 3, double: 4, texts: 5 } as const;

function readValue(message: Message): OptionValue | null {
  if (message.has(VALUE.text)) return message.text(VALUE.text);
  if (message.has(VALUE.bool)) return message.flag(VALUE.bool);
  if (message.has(VALUE.int64)) return eightBytes(message, VALUE.int64).getBigInt64(0, true);
  if (message.has(VALUE.double)) return eightBytes(message, VALUE.double).getFloat64(0, true);
  return message.has(VALUE.texts) ? new Message(message.bytes(VALUE.texts)).texts(1) : null;
}

function eightBytes(message: Message, field: number): DataView {
  const bytes = message.bytes(field);
  if (bytes.length === 8) return new DataView(bytes.buffer, bytes.byteOffset, 8);
  throw new DbError('invalid_data', 'a session option is malformed');
}

function writeValue(value: OptionValue): MessageWriter {
  const writer = new MessageWriter();
  switch (typeof value) {
    case 'string':
      return writer.bytes(VALUE.text, Buffer.from(value));
    case 'boolean':
      return writer.explicitNumber(VALUE.bool, value ? 1 : 0);
    case 'bigint': {
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64LE(value);
      return writer.fixed64(VALUE.int64, bytes);
    }
    case 'number': {
      const bytes = Buffer.alloc(8);
      bytes.writeDoubleLE(value);
      return writer.fixed64(VALUE.double, bytes);
    }
    default: {
      const texts = new MessageWriter();
      for (const text of value) texts.bytes(1, Buffer.from(text));
      return writer.message(VALUE.texts, texts);
    }
  }
}
