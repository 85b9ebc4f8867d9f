/** One call of Flight SQL: who asks, with which session, and what stops it. */

import type { Metadata } from '@grpc/grpc-js';
import type { OwnedBatch, Value } from '../../core/batch.js';
import type { Engine, Parameters, QueryRequest, QueryResult, QuerySession } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import { ANONYMOUS, type Principal } from '../../core/principal.js';
import type { Settings } from '../../core/settings.js';
import type { StopSignal } from '../../core/stop-signal.js';
import { valueAt } from '../../core/values.js';
import type { FlightContext } from '../call.js';
import type { ClientSession } from './sessions.js';
import type { SqlState } from './state.js';
import type { HeldSession } from './transactions.js';

const COOKIE = 'arrow_flight_session_id';

export interface SqlCall {
  readonly engine: Engine;
  readonly settings: Settings;
  readonly state: SqlState;
  readonly principal: Principal;
  /** The cookie that came; it may name a session that is no more. */
  readonly sessionId: string | null;
  /** What the client calls itself. */
  readonly userAgent: string;
  readonly signal: StopSignal;
}

/** What an action answers, and headers that go before. */
export interface ActionAnswer {
  readonly body: Uint8Array | null;
  readonly headers?: Readonly<Record<string, string>>;
}

export function sqlCallOf({ engine, settings, sql }: FlightContext, metadata: Metadata, signal: StopSignal): SqlCall {
  const userAgent = String(metadata.get('user-agent')[0] ?? '');
  return { engine, settings, state: sql, principal: ANONYMOUS, sessionId: sessionIdOf(metadata), userAgent, signal };
}

function sessionIdOf(metadata: Metadata): string | null {
  for (const cookies of metadata.get('cookie')) {
    for (const cookie of String(cookies).split(';')) {
      const [name, value] = cookie.trim().split('=', 2);
      if (name === COOKIE && value) return value.replaceAll('"', '');
    }
  }
  return null;
}

export function cookieOf(session: ClientSession): string {
  return `${COOKIE}=${session.id}; Path=/`;
}

export function closedCookie(): string {
  return `${COOKIE}=; Path=/; Max-Age=0`;
}

/** Undefined without a cookie. Options that are gone would change what statements mean, so a cookie of no session is an error. */
export function sessionOf({ state, sessionId }: SqlCall): ClientSession | undefined {
  const session = state.sessions.find(sessionId);
  if (session || sessionId === null) return session;
  throw new DbError('not_found', 'the session of this cookie is no more: it was closed, idle for too long, or the server restarted', {
    hint: 'set its options again, or send no cookie',
  });
}

/** The session that a statement runs in: that of its transaction, else the client's; undefined: one of its own. */
export async function holdSession(call: SqlCall, transaction: string | null): Promise<HeldSession | undefined> {
  if (transaction !== null) return call.state.transactions.hold(transaction);
  const own = sessionOf(call);
  return own && { session: own.query, release: () => undefined };
}

export interface SqlRun {
  readonly sql: string;
  readonly parameters?: Parameters | undefined;
  readonly session: QuerySession | undefined;
  readonly queryId?: string | undefined;
}

export function requestOf({ principal, signal }: SqlCall, { sql, parameters, session, queryId }: SqlRun): QueryRequest {
  return { sql, parameters, session, queryId, principal, signal };
}

/** Runs a statement to its end. */
export async function runToEnd(call: SqlCall, run: SqlRun): Promise<QueryResult> {
  const result = await call.engine.query.execute(requestOf(call, run));
  for await (const batch of result.batches) batch.release();
  return result;
}

/** All rows of a small result. */
export async function readRows(call: SqlCall, sql: string): Promise<Value[][]> {
  const { arena, query } = call.engine;
  const result = await query.execute(requestOf(call, { sql, session: sessionOf(call)?.query }));
  const rows: Value[][] = [];
  for await (const batch of result.batches) {
    try {
      for (let row = 0; row < batch.rowCount; row++) rows.push(batch.columns.map((column) => valueAt(arena, column, row)));
    } finally {
      batch.release();
    }
  }
  return rows;
}

/** The batches; `release` is called when they end in any way. */
export async function* releasedAfter(batches: AsyncIterable<OwnedBatch>, release: () => void): AsyncGenerator<OwnedBatch> {
  try {
    yield* batches;
  } finally {
    release();
  }
}
