/** The commands of Flight SQL: what a FlightDescriptor or a ticket may say. One entry each. */
import type { WireSchema } from '../../arrow/wire-type.js';
import { DbError } from '../../core/errors.js';
import { type IncomingMessages, IncomingRows } from '../incoming-rows.js';
import { MessageWriter } from '../protobuf.js';
import { catalogRows, foreignKeyRows, type PlainRows, primaryKeyRows, schemaRows, tableRows, tableTypeRows } from './catalog.js';
import { ingest } from './ingest.js';
import type { Message, NamedMessage } from './message.js';
import { bindRows, updatePrepared } from './prepared.js';
import {
  CATALOGS,
  DB_SCHEMAS,
  FOREIGN_KEYS,
  PRIMARY_KEYS,
  SQL_INFO,
  TABLE_TYPES,
  TABLES,
  TABLES_WITH_SCHEMA,
  XDBC_TYPE_INFO,
} from './result-schemas.js';
import type { SqlCall } from './sql-call.js';
import { sqlInfoRows } from './sql-info.js';
import { xdbcTypeRows } from './sql-types.js';
import { NEW_HANDLE, readHandle, type StatementHandle } from './statement-handle.js';
import { flightOfStatement, resultOfStatement, type SqlFlight, type SqlResult, schemaOfStatement, update } from './statements.js';

/** A small table, made at once. */
export interface PlainResult {
  readonly rows: PlainRows;
  readonly wire: WireSchema;
}

interface Query {
  schema(call: SqlCall, message: Message): Promise<WireSchema>;
  /** What GetFlightInfo tells; `command` is the ticket of metadata, which is made anew whenever it is asked for. */
  flight(call: SqlCall, message: Message, command: Uint8Array): Promise<SqlFlight>;
  rows(call: SqlCall, message: Message): Promise<SqlResult | PlainResult>;
}

/** What a DoPut answers, once. */
type Put = (call: SqlCall, message: Message, messages: IncomingMessages) => Promise<MessageWriter>;

export interface Command {
  /** null: it comes by DoPut only. */
  readonly query: Query | null;
  /** null: it comes by GetFlightInfo and DoGet only. */
  readonly put: Put | null;
}

const COMMANDS = {
  CommandStatementQuery: statement((message) => ({ ...NEW_HANDLE, sql: message.text(1), transaction: message.text(2) || null }), null),
  CommandPreparedStatementQuery: statement((message) => readHandle(message.bytes(1)), bindRows),
  TicketStatementQuery: statement((message) => readHandle(message.bytes(1)), null),
  CommandStatementUpdate: { query: null, put: async (call, message) => updateResult(await runUpdate(call, message)) },
  CommandPreparedStatementUpdate: { query: null, put: withRows(updatePrepared) },
  CommandStatementIngest: { query: null, put: withRows(ingest) },
  CommandStatementSubstraitPlan: { query: refusedQuery(), put: () => Promise.reject(noSubstrait()) },
  CommandGetCatalogs: metadata(CATALOGS, catalogRows),
  CommandGetDbSchemas: metadata(DB_SCHEMAS, schemaRows),
  CommandGetTables: metadata((message) => (message.flag(5) ? TABLES_WITH_SCHEMA : TABLES), tableRows),
  CommandGetTableTypes: metadata(TABLE_TYPES, tableTypeRows),
  CommandGetPrimaryKeys: metadata(PRIMARY_KEYS, primaryKeyRows),
  CommandGetExportedKeys: metadata(FOREIGN_KEYS, foreignKeyRows),
  CommandGetImportedKeys: metadata(FOREIGN_KEYS, foreignKeyRows),
  CommandGetCrossReference: metadata(FOREIGN_KEYS, foreignKeyRows),
  CommandGetXdbcTypeInfo: metadata(XDBC_TYPE_INFO, async (_, message) => xdbcTypeRows(message.has(1) ? message.number(1) : null)),
  CommandGetSqlInfo: metadata(SQL_INFO, sqlInfoRows),
} as const satisfies Record<string, Command>;

/** Fails with `unsupported` for commands of later versions. */
function commandOf({ name }: NamedMessage): Command {
  if (Object.hasOwn(COMMANDS, name)) return COMMANDS[name as keyof typeof COMMANDS];
  throw new DbError('unsupported', `no Flight SQL command ${name}`);
}

/** Fails with `unsupported` when the command does not give rows. */
export function queryOf(named: NamedMessage): Query {
  const { query } = commandOf(named);
  if (query) return query;
  throw new DbError('unsupported', `${named.name} gives no rows`, { hint: 'send it by DoPut' });
}

export async function putCommand(call: SqlCall, named: NamedMessage, messages: IncomingMessages): Promise<Buffer> {
  const { put } = commandOf(named);
  if (put === null) throw new DbError('unsupported', `${named.name} takes no rows`, { hint: 'send it by GetFlightInfo and DoGet' });
  return (await put(call, named.message, messages)).finish();
}

function statement(handleOf: (message: Message) => StatementHandle, put: Put | null): Command {
  const query: Query = {
    schema: (call, message) => schemaOfStatement(call, handleOf(message)),
    flight: (call, message) => flightOfStatement(call, handleOf(message)),
    rows: (call, message) => resultOfStatement(call, handleOf(message)),
  };
  return { query, put };
}

function metadata(
  schema: WireSchema | ((message: Message) => WireSchema),
  rows: (call: SqlCall, message: Message) => Promise<PlainRows> | PlainRows,
): Command {
  const wireOf = typeof schema === 'function' ? schema : () => schema;
  const query: Query = {
    schema: async (_, message) => wireOf(message),
    flight: async (_, message, command) => ({ schema: wireOf(message), ticket: command, rows: -1, isOrdered: true }),
    rows: async (call, message) => ({ rows: await rows(call, message), wire: wireOf(message) }),
  };
  return { query, put: null };
}

/** Answers with a number of rows. */
function withRows(run: (call: SqlCall, message: Message, rows: IncomingRows) => Promise<number>): Put {
  return async (call, message, messages) => {
    const rows = new IncomingRows(messages, call.engine.arena, call.settings.max_body_bytes);
    try {
      return updateResult(await run(call, message, rows));
    } finally {
      rows.close();
    }
  };
}

/** At once: some clients do not end their stream before they are answered. */
function runUpdate(call: SqlCall, message: Message): Promise<number> {
  return update(call, { ...NEW_HANDLE, sql: message.text(1), transaction: message.text(2) || null }, [[]]);
}

/** DoPutUpdateResult. */
function updateResult(rows: number): MessageWriter {
  return new MessageWriter().explicitNumber(1, rows);
}

function refusedQuery(): Query {
  const refuse = () => Promise.reject(noSubstrait());
  return { schema: refuse, flight: refuse, rows: refuse };
}

export function noSubstrait(): DbError {
  return new DbError('unsupported', 'Substrait plans are not executed', { hint: 'send SQL' });
}
