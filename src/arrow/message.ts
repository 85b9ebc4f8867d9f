/** The head of one Arrow IPC message, read and checked. */
import { DbError } from '../core/errors.js';
import { type FlatTable, readFlatbuffer } from './flatbuffer-reader.js';
import { MESSAGE_KIND } from './ipc-schema.js';

export interface MessageHead {
  readonly kind: keyof typeof MESSAGE_KIND;
  /** The Schema, DictionaryBatch or RecordBatch table. */
  readonly header: FlatTable;
  readonly bodyBytes: number;
}

/** Reads the flatbuffer of a message. Fails with `invalid_data`, for tensors with `unsupported`. */
export function readMessage(metadata: Uint8Array): MessageHead {
  const message = readFlatbuffer(metadata);
  const code = message.u8(1);
  const kind = (Object.keys(MESSAGE_KIND) as (keyof typeof MESSAGE_KIND)[]).find((name) => MESSAGE_KIND[name] === code);
  if (kind === undefined)
    throw new DbError('unsupported', `an Arrow message of kind ${code} is neither schema, dictionary nor record batch`);
  const header = message.table(2);
  const bodyBytes = message.i64(3);
  if (header === undefined || bodyBytes < 0) throw new DbError('invalid_data', 'an Arrow message has no header or a negative body length');
  return { kind, header, bodyBytes };
}
