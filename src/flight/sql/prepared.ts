/** Prepared statements: their handles say all, see statement-handle.ts. */
import { encodeSchema } from '../../arrow/ipc-schema.js';
import { DbError } from '../../core/errors.js';
import type { IncomingMessages, IncomingRows } from '../incoming-rows.js';
import type { FlightData } from '../messages.js';
import { MessageWriter } from '../protobuf.js';
import { boundRows, parameterRows } from './bound-rows.js';
import { resultSchemaOf } from './column-metadata.js';
import type { Message } from './message.js';
import { parameterSchemaOf } from './parameter-schema.js';
import { holdSession, requestOf, type SqlCall } from './sql-call.js';
import { NEW_HANDLE, readHandle, type StatementHandle, writeHandle } from './statement-handle.js';
import { atomically, update, updateEach } from './statements.js';

/** ActionCreatePreparedStatementRequest → ActionCreatePreparedStatementResult. */
export async function prepareStatement(call: SqlCall, message: Message): Promise<MessageWriter> {
  const [sql, transaction] = [message.text(1), message.text(2) || null];
  const held = await holdSession(call, transaction);
  try {
    const { schema, parameters, kind } = await call.engine.query.prepare(requestOf(call, { sql, session: held?.session }));
    const handle = { ...NEW_HANDLE, sql, transaction, parameterNames: parameters.map(({ name }) => name) };
    const result = new MessageWriter().bytes(1, checkedHandle(call, handle));
    // An empty schema message says that there is no result; none at all, that it is not known yet.
    if (schema && schema.fields.length > 0) result.bytes(2, encodeSchema(resultSchemaOf(schema)));
    if (parameters.length > 0) result.bytes(3, encodeSchema(parameterSchemaOf(parameters, call.userAgent)));
    return result.number(4, kind === 'query' || (schema && schema.fields.length > 0) ? 0 : 1);
  } finally {
    held?.release();
  }
}

/** Binds the rows of a DoPut: DoPutPreparedStatementResult with another handle, which has them. */
export async function bindRows(call: SqlCall, message: Message, messages: IncomingMessages): Promise<MessageWriter> {
  const handle = readHandle(message.bytes(1));
  const { flight_max_handle_bytes: most, max_body_bytes: maxBytes } = call.settings;
  const rows: FlightData[] = [];
  let sizeBytes = 0;
  for (let data = await messages.next(); data; data = await messages.next()) {
    if (data.header.length === 0) continue;
    sizeBytes += data.header.length + data.body.length;
    if (sizeBytes > most) throw tooLarge(most);
    rows.push({ descriptor: null, header: data.header, body: data.body });
  }
  // Values that cannot be read are told now, and not when the statement runs.
  boundRows(call.engine, maxBytes, rows, handle.parameterNames);
  return new MessageWriter().bytes(1, checkedHandle(call, { ...handle, rows }));
}

/** CommandPreparedStatementUpdate: one run for each row of the stream, all of them or none. Gives the rows changed. */
export async function updatePrepared(call: SqlCall, message: Message, rows: IncomingRows): Promise<number> {
  const { sql, transaction, parameterNames, rows: bound } = readHandle(message.bytes(1));
  const handle: StatementHandle = { ...NEW_HANDLE, sql, transaction };
  if (parameterNames.length === 0) return update(call, handle, [[]]);
  if (bound.length > 0) return update(call, handle, boundRows(call.engine, call.settings.max_body_bytes, bound, parameterNames));
  return atomically(call, transaction, async (session) => {
    const schema = await rows.schema();
    let total = 0;
    for (let batch = await rows.batch(); batch; batch = await rows.batch()) {
      try {
        const changed = await updateEach(call, sql, parameterRows(call.engine, batch, schema, parameterNames), session);
        total = total < 0 || changed < 0 ? -1 : total + changed;
      } finally {
        batch.release();
      }
    }
    return total;
  });
}

function checkedHandle(call: SqlCall, handle: StatementHandle): Buffer {
  const bytes = writeHandle(handle);
  const most = call.settings.flight_max_handle_bytes;
  if (bytes.length > most) throw tooLarge(most);
  return bytes;
}

function tooLarge(most: number): DbError {
  return new DbError('request_too_large', `statement and bound values together have more than ${most} bytes`, {
    hint: 'send rows by an ingest or an update, or raise flight_max_handle_bytes',
  });
}
