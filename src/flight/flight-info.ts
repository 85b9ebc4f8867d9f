/** GetFlightInfo, PollFlightInfo, GetSchema and ListFlights: what a query or table will give, planned and not executed. */

import { encodeSchema } from '../arrow/ipc-schema.js';
import { wireSchemaOf } from '../arrow/wire-type.js';
import type { QueryDescription } from '../core/contracts.js';
import { DbError } from '../core/errors.js';
import { ANONYMOUS } from '../core/principal.js';
import type { StopSignal } from '../core/stop-signal.js';
import { type CallEnd, type FlightContext, type ResponseStream, ResponseWriter, type UnaryCall } from './call.js';
import { queryOfDescriptor, ticketOf } from './command.js';
import {
  type FlightDescriptor,
  type FlightInfo,
  readBytes,
  readDescriptor,
  readText,
  writeBytes,
  writeFlightInfo,
  writePollInfo,
} from './messages.js';
import { queryOf } from './sql/commands.js';
import { readAny } from './sql/message.js';
import { sqlCallOf } from './sql/sql-call.js';

export async function getFlightInfo(context: FlightContext, call: UnaryCall, signal: StopSignal): Promise<Buffer> {
  return writeFlightInfo(await anyFlightInfo(context, call, signal)).finish();
}

/** The plan is there at once, so the first poll is the last. */
export async function pollFlightInfo(context: FlightContext, call: UnaryCall, signal: StopSignal): Promise<Buffer> {
  return writePollInfo(await anyFlightInfo(context, call, signal));
}

export async function getSchema(context: FlightContext, call: UnaryCall, signal: StopSignal): Promise<Buffer> {
  const descriptor = readDescriptor(call.request);
  const command = readAny(descriptor.command);
  const schema = command
    ? await queryOf(command).schema(sqlCallOf(context, call.metadata, signal), command.message)
    : wireSchemaOf((await describe(context, descriptor, signal)).schema);
  return writeBytes(encodeSchema(schema));
}

/** Of a plain descriptor, or of a command of Flight SQL. */
async function anyFlightInfo(context: FlightContext, call: UnaryCall, signal: StopSignal): Promise<FlightInfo> {
  const descriptor = readDescriptor(call.request);
  const command = readAny(descriptor.command);
  if (!command) return flightInfo(context, descriptor, signal);
  const flight = await queryOf(command).flight(sqlCallOf(context, call.metadata, signal), command.message, descriptor.command);
  const { schema, ticket, rows, isOrdered } = flight;
  return { schema: encodeSchema(schema), descriptor, tickets: [ticket], rows, sizeBytes: -1, isOrdered };
}

/** One flight per table; the criteria are a prefix of its name. */
export async function listFlights(context: FlightContext, call: UnaryCall & ResponseStream, signal: StopSignal): Promise<CallEnd> {
  const prefix = readText(readBytes(call.request), 'the criteria').toLowerCase();
  const writer = new ResponseWriter(call, signal);
  const tables = tableSizes(context).filter(({ name }) => name.toLowerCase().startsWith(prefix));
  for (const { name, sizeBytes } of tables) {
    signal.throwIfAborted();
    const info = await tableInfo(context, name, signal);
    if (info !== undefined) await writer.write(writeFlightInfo({ ...info, sizeBytes }).finish());
  }
  return writer.end([]);
}

function tableSizes({ engine }: FlightContext): { readonly name: string; readonly sizeBytes: number }[] {
  const snapshot = engine.storage.snapshot();
  try {
    return snapshot.tables().map(({ definition: { name } }) => ({ name, sizeBytes: snapshot.table(name)?.sizeBytes ?? -1 }));
  } finally {
    snapshot.release();
  }
}

/** undefined when the table was dropped meanwhile. */
async function tableInfo(context: FlightContext, name: string, signal: StopSignal): Promise<FlightInfo | undefined> {
  try {
    return await flightInfo(context, { kind: 'path', command: new Uint8Array(0), path: [name] }, signal);
  } catch (error) {
    if (error instanceof DbError && error.code === 'table_not_found') return undefined;
    throw error;
  }
}

async function flightInfo(context: FlightContext, descriptor: FlightDescriptor, signal: StopSignal): Promise<FlightInfo> {
  const description = await describe(context, descriptor, signal);
  return {
    schema: encodeSchema(wireSchemaOf(description.schema)),
    descriptor,
    tickets: [ticketOf(descriptor)],
    rows: description.rowCount ?? -1,
    sizeBytes: -1,
    isOrdered: description.ordered,
  };
}

async function describe({ engine }: FlightContext, descriptor: FlightDescriptor, signal: StopSignal): Promise<QueryDescription> {
  if (descriptor.kind === 'unknown') throw new DbError('invalid_argument', 'the descriptor has neither a command nor a path');
  const { sql, parameters } = queryOfDescriptor(descriptor);
  const description = await engine.query.describe({ sql, parameters, principal: ANONYMOUS, readOnly: true, signal });
  if (description.kind === 'query' || description.kind === 'utility') return description;
  throw new DbError('method_not_allowed', 'DoGet only reads: this statement writes', { hint: 'send it over HTTP, or rows by DoPut' });
}
