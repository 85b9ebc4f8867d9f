/** Statements of Flight SQL: planned by GetFlightInfo, run by DoGet or DoPut. */
import { encodeSchemaMetadata } from '../../arrow/ipc-schema.js';
import type { WireSchema } from '../../arrow/wire-type.js';
import type { OwnedBatch } from '../../core/batch.js';
import type { Parameters, QueryDescription, QueryResult, QuerySession, StatementKind } from '../../core/contracts.js';
import { crc32c } from '../../core/crc32c.js';
import { systemEnvironment } from '../../core/environment.js';
import { DbError } from '../../core/errors.js';
import type { Schema } from '../../core/types.js';
import { MessageWriter } from '../protobuf.js';
import { boundRows } from './bound-rows.js';
import { resultSchemaOf } from './column-metadata.js';
import { writeAny } from './message.js';
import { holdSession, releasedAfter, requestOf, runToEnd, type SqlCall } from './sql-call.js';
import { type StatementHandle, writeHandle } from './statement-handle.js';

/** What GetFlightInfo and GetSchema tell. */
export interface SqlFlight {
  readonly schema: WireSchema;
  readonly ticket: Uint8Array;
  /** −1: unknown. */
  readonly rows: number;
  readonly isOrdered: boolean;
}

/** Rows on their way to the client. */
export interface SqlResult {
  readonly result: QueryResult;
  readonly wire: WireSchema;
}

const NO_COLUMNS: Schema = { fields: [] };

export async function schemaOfStatement(call: SqlCall, handle: StatementHandle): Promise<WireSchema> {
  return resultSchemaOf((await describe(call, handle, parametersOf(call, handle))).schema);
}

/** A statement without a result is run now, since clients do not wait for the rows of one; its ticket gives no rows. */
export async function flightOfStatement(call: SqlCall, handle: StatementHandle): Promise<SqlFlight> {
  const runs = parametersOf(call, handle);
  const described = await describe(call, handle, runs);
  const isDone = described.schema.fields.length === 0;
  if (isDone) await update(call, handle, runs);
  const schema = resultSchemaOf(isDone ? NO_COLUMNS : described.schema);
  const ticket = writeTicket({ ...handle, isDone, queryId: systemEnvironment.uuid(), schemaChecksum: checksumOf(schema) });
  const rows = isDone ? 0 : runs.length === 1 ? (described.rowCount ?? -1) : -1;
  return { schema, ticket, rows, isOrdered: described.ordered };
}

/** Runs a statement for its rows. */
export async function resultOfStatement(call: SqlCall, handle: StatementHandle): Promise<SqlResult> {
  if (handle.isDone) return { result: EMPTY, wire: resultSchemaOf(NO_COLUMNS) };
  const { queryId } = handle;
  if (queryId !== null && call.state.isCancelled(queryId)) throw new DbError('cancelled', 'the query was cancelled');
  const result = await runAll(call, handle, parametersOf(call, handle));
  return { result, wire: resultSchemaOf(result.schema) };
}

/** What is sent is what was told. */
async function checkSchema(result: QueryResult, { schemaChecksum }: StatementHandle): Promise<void> {
  if (schemaChecksum === null || schemaChecksum === checksumOf(resultSchemaOf(result.schema))) return;
  await result.batches[Symbol.asyncIterator]().return?.();
  throw new DbError('conflict', 'the columns of the result have changed since GetFlightInfo', { hint: 'ask for the FlightInfo again' });
}

/** Runs a statement for what it changes: once for each row of parameters, all or none. Gives the rows changed, −1 when that is not known. */
export async function update(call: SqlCall, { sql, transaction }: StatementHandle, runs: readonly Parameters[]): Promise<number> {
  const [only] = runs;
  if (runs.length === 1 || runs.length === 0) {
    const held = await holdSession(call, transaction);
    try {
      if (runs.length === 0) return 0;
      return changedRows(await runToEnd(call, { sql, parameters: only, session: held?.session }));
    } finally {
      held?.release();
    }
  }
  return atomically(call, transaction, (session) => updateEach(call, sql, runs, session));
}

/** In a session that is in a transaction. */
export async function updateEach(call: SqlCall, sql: string, runs: Iterable<Parameters>, session: QuerySession): Promise<number> {
  let total = 0;
  for (const parameters of runs) {
    const changed = changedRows(await runToEnd(call, { sql, parameters, session }));
    total = changed < 0 || total < 0 ? -1 : total + changed;
  }
  return total;
}

/** In the transaction that is named, or that the client's session has open, else in one of its own, which is committed when the work resolves. */
export async function atomically<Result>(
  call: SqlCall,
  transaction: string | null,
  work: (session: QuerySession) => Promise<Result>,
): Promise<Result> {
  const held = await holdSession(call, transaction);
  const session = held?.session ?? call.engine.query.openSession(call.principal);
  try {
    if (session.inTransaction) return await work(session);
    await runToEnd(call, { sql: 'BEGIN', session });
    const result = await work(session);
    call.signal.throwIfAborted();
    await runToEnd(call, { sql: 'COMMIT', session });
    return result;
  } catch (error) {
    if (transaction === null && session.inTransaction) await rollBack(call, session);
    throw error;
  } finally {
    if (held) held.release();
    else session.close();
  }
}

/** Also for a client that has left. */
async function rollBack({ engine, principal }: SqlCall, session: QuerySession): Promise<void> {
  await engine.query.execute({ sql: 'ROLLBACK', session, principal });
}

const WITHOUT_ROWS: ReadonlySet<StatementKind> = new Set(['ddl', 'utility']);

function changedRows({ affectedRows, kind }: QueryResult): number {
  return affectedRows ?? (WITHOUT_ROWS.has(kind) ? 0 : -1);
}

/** Without parameters there is one run, whatever is bound: some clients bind an empty row. */
function parametersOf({ engine, settings }: SqlCall, { rows, parameterNames }: StatementHandle): readonly Parameters[] {
  if (rows.length === 0 || parameterNames.length === 0) return [[]];
  return boundRows(engine, settings.max_body_bytes, rows, parameterNames);
}

async function describe(call: SqlCall, { sql, transaction }: StatementHandle, runs: readonly Parameters[]): Promise<QueryDescription> {
  const held = await holdSession(call, transaction);
  try {
    return await call.engine.query.describe(requestOf(call, { sql, parameters: runs[0], session: held?.session }));
  } finally {
    held?.release();
  }
}

/** The rows of all runs, one after the other. */
async function runAll(call: SqlCall, handle: StatementHandle, runs: readonly Parameters[]): Promise<QueryResult> {
  const { sql, transaction, queryId } = handle;
  const held = await holdSession(call, transaction);
  const session = held?.session;
  const run = (parameters: Parameters | undefined, id: string | undefined) =>
    call.engine.query.execute(requestOf(call, { sql, parameters, session, queryId: id }));
  try {
    const isTaken = call.engine.query.running().some((each) => each.queryId === queryId);
    const first = await run(runs[0], queryId === null || isTaken ? undefined : queryId);
    await checkSchema(first, handle);
    if (held === undefined && runs.length === 1) return first;
    const batches = inTurn(first, runs.slice(1), (parameters) => run(parameters, undefined));
    return { ...first, batches: releasedAfter(batches, () => held?.release()) };
  } catch (error) {
    held?.release();
    throw error;
  }
}

async function* inTurn(
  first: QueryResult,
  others: readonly Parameters[],
  run: (parameters: Parameters) => Promise<QueryResult>,
): AsyncGenerator<OwnedBatch> {
  yield* first.batches;
  for (const parameters of others) {
    const next = await run(parameters);
    if (checksumOf(resultSchemaOf(next.schema)) !== checksumOf(resultSchemaOf(first.schema))) {
      throw new DbError('type_mismatch', 'the rows of parameters give results of different columns', {
        hint: 'run the statement once for each',
      });
    }
    yield* next.batches;
  }
}

function writeTicket(handle: StatementHandle): Buffer {
  return writeAny('TicketStatementQuery', new MessageWriter().bytes(1, writeHandle(handle)));
}

const checksums = new WeakMap<WireSchema, number>();

function checksumOf(schema: WireSchema): number {
  const known = checksums.get(schema) ?? crc32c(encodeSchemaMetadata(schema));
  checksums.set(schema, known);
  return known;
}

const EMPTY: QueryResult = {
  queryId: '',
  kind: 'utility',
  schema: NO_COLUMNS,
  affectedRows: null,
  batches: { [Symbol.asyncIterator]: () => ({ next: async () => ({ done: true, value: undefined }) }) },
  progress: () => ({ rowsScanned: 0, rowsReturned: 0, elapsedMicroseconds: 0 }),
};
