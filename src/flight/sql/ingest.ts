/** CommandStatementIngest: the rows of a stream into a table, which it may create or replace. All of them or none. */
import type { Arena } from '../../core/arena.js';
import type { Batch } from '../../core/batch.js';
import { CATALOG } from '../../core/catalog-name.js';
import type { IngestOptions, QuerySession } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import type { Schema } from '../../core/types.js';
import { isValid } from '../../core/values.js';
import { quoted } from '../command.js';
import type { IncomingRows } from '../incoming-rows.js';
import { Message } from './message.js';
import { requestOf, runToEnd, type SqlCall } from './sql-call.js';
import { atomically } from './statements.js';

const IF_ABSENT = { create: 1, fail: 2 } as const;
const IF_EXISTS = { fail: 1, append: 2, replace: 3 } as const;

interface Target {
  readonly table: string;
  /** null: public. */
  readonly schema: string | null;
  readonly ifAbsent: number;
  readonly ifExists: number;
  readonly transaction: string | null;
}

/** Gives the rows that were stored. */
export async function ingest(call: SqlCall, message: Message, rows: IncomingRows): Promise<number> {
  const target = targetOf(message);
  const schema = await rows.schema();
  const isPlain = target.ifAbsent !== IF_ABSENT.create && target.ifExists === IF_EXISTS.append;
  if (isPlain && target.transaction === null && call.sessionId === null) return append(call, target, schema, rows, {});
  return atomically(call, target.transaction, async (session) => {
    const exists = await tableExists(call, target, session);
    if (exists && target.ifExists !== IF_EXISTS.append && target.ifExists !== IF_EXISTS.replace) {
      throw new DbError('table_exists', `table ${target.table} exists already`, { hint: 'append to it, or replace it' });
    }
    if (exists && target.ifExists === IF_EXISTS.replace) await runToEnd(call, { sql: `DROP TABLE ${sqlName(target)}`, session });
    const isNew = !exists || target.ifExists === IF_EXISTS.replace;
    return append(call, target, schema, rows, { session, create: isNew && (exists || target.ifAbsent === IF_ABSENT.create) });
  });
}

function targetOf(message: Message): Target {
  const options = new Message(message.bytes(1));
  const [table, catalog, schema] = [message.text(2), message.text(4), message.text(3)];
  if (table === '') throw new DbError('invalid_argument', 'the ingest names no table');
  if (catalog !== '' && catalog.toLowerCase() !== CATALOG) throw new DbError('not_found', `no catalog is called ${catalog}`);
  if (message.has(1000)) throw new DbError('unsupported', 'there are no options of an ingest besides those of the protocol');
  if (message.flag(5)) throw new DbError('unsupported', 'there are no temporary tables', { hint: 'ingest into a table and drop it later' });
  const isPublic = schema === '' || schema.toLowerCase() === 'public';
  return {
    table,
    schema: isPublic ? null : schema,
    ifAbsent: options.number(1),
    ifExists: options.number(2),
    transaction: message.text(6) || null,
  };
}

async function append(
  { engine, principal, signal }: SqlCall,
  { table, schema }: Target,
  rowSchema: Schema,
  rows: IncomingRows,
  options: Pick<Partial<IngestOptions>, 'create' | 'session'>,
): Promise<number> {
  const name = schema === null ? table : `${schema}.${table}`;
  let batch = await rows.batch();
  try {
    const designated = batch === null || !lacksTimestamps(batch, rowSchema, engine.arena);
    const open = { create: false, ...options, designated, mode: 'append', schema: schema ?? undefined, principal, signal } as const;
    const session = await engine.ingest.open(name, rowSchema, open);
    try {
      for (; batch; batch = await rows.batch()) {
        await session.append(batch, rowSchema);
        batch.release();
        batch = null;
      }
      signal.throwIfAborted();
      return (await session.commit()).rows;
    } catch (error) {
      session.abort();
      throw error;
    }
  } finally {
    batch?.release();
  }
}

/** A designated timestamp is never null, and frames have timestamps that are: the first rows tell. */
function lacksTimestamps(batch: Batch, { fields }: Schema, arena: Arena): boolean {
  const vector = batch.columns[fields.findIndex((field) => field.type.kind === 'timestamp')];
  if (vector === undefined || vector.validity === 0) return false;
  for (let row = 0; row < batch.rowCount; row++) if (!isValid(arena, vector, row)) return true;
  return false;
}

async function tableExists(call: SqlCall, target: Target, session: QuerySession): Promise<boolean> {
  try {
    await call.engine.query.describe(requestOf(call, { sql: `SELECT * FROM ${sqlName(target)}`, session }));
    return true;
  } catch (error) {
    if (error instanceof DbError && error.code === 'table_not_found') return false;
    throw error;
  }
}

function sqlName({ schema, table }: Target): string {
  return `${quoted(schema ?? 'public')}.${quoted(table)}`;
}
