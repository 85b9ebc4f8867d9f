/** DoAction and ListActions: one row of the table per action. Bodies are JSON; a body that is plain text is the one required value. */

import { DbError } from '../core/errors.js';
import { ANONYMOUS } from '../core/principal.js';
import type { StopSignal } from '../core/stop-signal.js';
import { type CallEnd, type FlightContext, type ResponseStream, ResponseWriter, type UnaryCall } from './call.js';
import { jsonObject, quoted, refuseUnknown } from './command.js';
import { readAction, readText, writeActionType, writeBytes } from './messages.js';
import { findSqlAction, headersOf, requestMessage, SQL_ACTIONS, type SqlAction } from './sql/actions.js';
import { type SqlCall, sqlCallOf } from './sql/sql-call.js';

type Body = Readonly<Record<string, unknown>>;

interface ActionRow {
  /** Key of the value that a body in plain text is; null = a body is not read. */
  readonly plainKey: string | null;
  readonly description: string;
  run(context: FlightContext, body: Body, signal: StopSignal): Promise<string>;
}

const ACTIONS = {
  ping: { plainKey: null, description: 'Answers pong.', run: async () => 'pong' },
  healthcheck: {
    plainKey: null,
    description: 'Answers {"status","engine","version"}.',
    run: async ({ engine }) => JSON.stringify({ status: 'ok', engine: 'FletchDB', version: engine.version }),
  },
  'create-table': {
    plainKey: null,
    description:
      'Creates a table. Body: {"table","columns":[{"name","type","nullable"}],"timestamp","partition_by","if_not_exists"}; types as SQL writes them.',
    run: createTable,
  },
  'drop-table': { plainKey: 'table', description: 'Drops a table. Body: {"table","if_exists"}, or its name.', run: dropTable },
  flush: {
    plainKey: 'table',
    description: 'Seals active rows into files. Body: {"table"}, its name, or nothing for all tables.',
    run: flush,
  },
  'cancel-query': {
    plainKey: 'query_id',
    description: 'Stops a running query. Body: {"query_id"}, or the id. Answers {"cancelled"}.',
    run: cancelQuery,
  },
} as const satisfies Record<string, ActionRow>;

export async function doAction(context: FlightContext, call: UnaryCall & ResponseStream, signal: StopSignal): Promise<CallEnd> {
  const { type, body } = readAction(call.request);
  const sqlAction = findSqlAction(type);
  if (sqlAction) return doSqlAction(sqlAction, sqlCallOf(context, call.metadata, signal), body, call);
  const row: ActionRow | undefined = Object.hasOwn(ACTIONS, type) ? ACTIONS[type as keyof typeof ACTIONS] : undefined;
  if (row === undefined) {
    throw new DbError('unsupported', `no action ${JSON.stringify(type)}`, { hint: `there are ${Object.keys(ALL_ACTIONS).join(', ')}` });
  }
  const answer = await row.run(context, bodyOf(row, readText(body, 'the action body')), signal);
  const writer = new ResponseWriter(call, signal);
  await writer.write(writeBytes(Buffer.from(answer)));
  return writer.end([]);
}

const ALL_ACTIONS: Readonly<Record<string, { readonly description: string }>> = { ...ACTIONS, ...SQL_ACTIONS };

async function doSqlAction(action: SqlAction, sql: SqlCall, body: Uint8Array, call: UnaryCall & ResponseStream): Promise<CallEnd> {
  const answer = await action.run(sql, requestMessage(action, body));
  if (answer.headers) call.sendMetadata(headersOf(answer.headers));
  return new ResponseWriter(call, sql.signal).end(answer.body === null ? [] : [writeBytes(answer.body)]);
}

export async function listActions(_context: FlightContext, call: UnaryCall & ResponseStream, signal: StopSignal): Promise<CallEnd> {
  const writer = new ResponseWriter(call, signal);
  for (const [type, { description }] of Object.entries(ALL_ACTIONS)) await writer.write(writeActionType(type, description));
  return writer.end([]);
}

function bodyOf(row: ActionRow, text: string): Body {
  const json = jsonObject(text, 'the action body');
  if (json !== undefined) return json;
  if (text.trim() === '' || row.plainKey === null) return {};
  return { [row.plainKey]: text.trim() };
}

async function createTable({ engine }: FlightContext, body: Body, signal: StopSignal): Promise<string> {
  const { table, columns, timestamp, partition_by: partitionBy, if_not_exists: ifNotExists = false, ...others } = body;
  refuseUnknown(others as Record<string, null>, 'the action body');
  if (!Array.isArray(columns) || columns.length === 0) throw new DbError('invalid_argument', 'the action body has no "columns"');
  const clauses = [
    `CREATE TABLE ${ifNotExists === true ? 'IF NOT EXISTS ' : ''}${quoted(required(table, 'table'))} (${columns.map(columnSql).join(', ')})`,
  ];
  if (timestamp !== undefined) clauses.push(`TIMESTAMP(${quoted(required(timestamp, 'timestamp'))})`);
  if (partitionBy !== undefined) clauses.push(`PARTITION BY ${word(required(partitionBy, 'partition_by'), 'partition_by')}`);
  await run(engine, clauses.join(' '), signal);
  return JSON.stringify({ table });
}

function columnSql(column: unknown): string {
  if (typeof column !== 'object' || column === null) throw new DbError('invalid_argument', 'a column is {"name","type","nullable"}');
  const { name, type, nullable = true } = column as Body;
  return `${quoted(required(name, 'name'))} ${word(required(type, 'type'), 'type')}${nullable === false ? ' NOT NULL' : ''}`;
}

async function dropTable({ engine }: FlightContext, body: Body, signal: StopSignal): Promise<string> {
  const { table, if_exists: ifExists = false, ...others } = body;
  refuseUnknown(others as Record<string, null>, 'the action body');
  await run(engine, `DROP TABLE ${ifExists === true ? 'IF EXISTS ' : ''}${quoted(required(table, 'table'))}`, signal);
  return JSON.stringify({ table });
}

async function flush({ engine }: FlightContext, body: Body): Promise<string> {
  const { table, ...others } = body;
  refuseUnknown(others as Record<string, null>, 'the action body');
  await engine.storage.flush(table === undefined ? undefined : required(table, 'table'));
  return JSON.stringify({ flushed: table ?? 'all' });
}

async function cancelQuery({ engine }: FlightContext, body: Body): Promise<string> {
  const { query_id: queryId, ...others } = body;
  refuseUnknown(others as Record<string, null>, 'the action body');
  return JSON.stringify({ cancelled: engine.query.cancel(required(queryId, 'query_id')) });
}

function required(value: unknown, key: string): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new DbError('invalid_argument', `the action body has no ${JSON.stringify(key)} text`);
}

/** SQL that is nothing but a type or a unit: words, numbers, commas, brackets. */
function word(text: string, key: string): string {
  if (/^[\w ,()[\]<>:]+$/.test(text)) return text;
  throw new DbError('invalid_argument', `the action body has ${JSON.stringify(text)} for ${JSON.stringify(key)}`);
}

async function run(engine: FlightContext['engine'], sql: string, signal: StopSignal): Promise<void> {
  const result = await engine.query.execute({ sql, principal: ANONYMOUS, signal });
  for await (const batch of result.batches) batch.release();
}
