/**
 * Handles of prepared statements and tickets of results. They hold all that they stand for, so nothing of them is kept here: they outlast a
 * restart, and two clients with one handle do not meet. To clients they are opaque.
 */
import { crc32c } from '../../core/crc32c.js';
import { DbError } from '../../core/errors.js';
import type { FlightData } from '../messages.js';
import { readFlightData } from '../messages.js';
import { MessageWriter } from '../protobuf.js';
import { Message } from './message.js';

export interface StatementHandle {
  readonly sql: string;
  /** null: it runs by itself, or in the transaction of its session. */
  readonly transaction: string | null;
  /** As QueryService.prepare() names them. */
  readonly parameterNames: readonly string[];
  /** Schema and batches of the values, as they came; one row is one run. */
  readonly rows: readonly FlightData[];
  /** What CancelFlightInfo stops; null in handles of prepared statements. */
  readonly queryId: string | null;
  /** Of the schema that the client was told; null in handles of prepared statements. */
  readonly schemaChecksum: number | null;
  /** It was run when it was described, since it has no result. */
  readonly isDone: boolean;
}

export const NEW_HANDLE: Omit<StatementHandle, 'sql' | 'transaction'> = {
  parameterNames: [],
  rows: [],
  queryId: null,
  schemaChecksum: null,
  isDone: false,
};

const VERSION = 1;

export function writeHandle(handle: StatementHandle): Buffer {
  const writer = new MessageWriter()
    .number(1, VERSION)
    .text(2, handle.sql)
    .text(3, handle.transaction ?? '');
  for (const name of handle.parameterNames) writer.text(4, name);
  for (const { header, body } of handle.rows) writer.message(5, new MessageWriter().bytes(2, header).bytes(1000, body));
  writer.text(6, handle.queryId ?? '').number(7, handle.isDone ? 1 : 0);
  if (handle.schemaChecksum !== null) writer.number(8, handle.schemaChecksum + 1);
  const bytes = writer.finish();
  return new MessageWriter().bytes(1, bytes).number(2, crc32c(bytes)).finish();
}

/** Fails with `invalid_argument` for what is no handle of ours. */
export function readHandle(bytes: Uint8Array): StatementHandle {
  const outer = new Message(bytes);
  const inner = outer.bytes(1);
  const message = new Message(inner);
  if (message.number(1) !== VERSION || outer.number(2) !== crc32c(inner)) {
    throw new DbError('invalid_argument', 'this is no handle of a statement of this server', { hint: 'prepare the statement again' });
  }
  const checksum = message.number(8);
  return {
    sql: message.text(2),
    transaction: message.text(3) || null,
    parameterNames: message.texts(4),
    rows: message.allBytes(5).map(readFlightData),
    queryId: message.text(6) || null,
    isDone: message.flag(7),
    schemaChecksum: checksum === 0 ? null : checksum - 1,
  };
}
