/**
 * Transactions of Flight SQL: begun and ended by actions, named in the commands between. One that has not been used yet has taken no snapshot
 * and costs nothing, so it may wait for ever: a Python connection begins one as soon as it is opened. One that was used and then is left alone
 * for too long is rolled back; its name is remembered, so that the client is told why.
 */
import type { QueryService, QuerySession } from '../../core/contracts.js';
import { systemEnvironment } from '../../core/environment.js';
import { DbError } from '../../core/errors.js';
import type { Principal } from '../../core/principal.js';
import type { Settings } from '../../core/settings.js';

interface Entry {
  readonly principal: Principal;
  /** What is run in its session before it begins. */
  readonly setup: readonly string[];
  /** null: not used yet, or given up. */
  session: Promise<QuerySession> | null;
  isExpired: boolean;
  /** Statements that run or stream in it. */
  users: number;
  timer: NodeJS.Timeout | undefined;
  savepoints: number;
}

/** A session that somebody uses until release(). */
export interface HeldSession {
  readonly session: QuerySession;
  release(): void;
}

/** Names of transactions without a session that are remembered. */
const MOST_REMEMBERED = 65_536;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export class Transactions {
  private readonly query: QueryService;
  private readonly limits: Pick<Settings, 'flight_max_transactions' | 'flight_transaction_idle_ms'>;
  private readonly entries = new Map<string, Entry>();
  private openCount = 0;

  constructor(query: QueryService, limits: Settings) {
    this.query = query;
    this.limits = limits;
  }

  begin(principal: Principal, setup: readonly string[]): string {
    if (this.entries.size >= MOST_REMEMBERED) this.forgetOne();
    const id = systemEnvironment.uuid();
    this.entries.set(id, { principal, setup, session: null, isExpired: false, users: 0, timer: undefined, savepoints: 0 });
    return id;
  }

  /** Fails with `transaction_state` when there is none of this name, or no more. */
  async hold(id: string): Promise<HeldSession> {
    const entry = this.entryOf(id);
    if (entry.isExpired) throw this.expired();
    entry.users++;
    clearTimeout(entry.timer);
    const release = () => this.release(entry);
    try {
      entry.session ??= this.open(entry);
      return { session: await entry.session, release };
    } catch (error) {
      entry.session = null;
      release();
      throw error;
    }
  }

  /** Of one that was given up only ROLLBACK is right. */
  async end(id: string, action: 'COMMIT' | 'ROLLBACK'): Promise<void> {
    const entry = this.entryOf(id);
    this.entries.delete(id);
    clearTimeout(entry.timer);
    if (entry.isExpired && action === 'COMMIT') throw this.expired();
    if (entry.session === null) return;
    const session = await entry.session;
    try {
      await this.run(action, session, entry.principal);
    } finally {
      this.drop(entry, session);
    }
  }

  async setSavepoint(id: string, name: string): Promise<string> {
    const entry = this.entryOf(id);
    const point = `${id}/${++entry.savepoints}`;
    await this.inSession(id, `SAVEPOINT ${nameOf(point)}`);
    // The name is the client's own; the id is what counts.
    return name === '' ? point : `${point}/${name}`;
  }

  async endSavepoint(savepoint: string, action: 'RELEASE' | 'ROLLBACK TO'): Promise<void> {
    const [id = '', number = ''] = savepoint.split('/');
    if (!/^\d+$/.test(number)) throw new DbError('transaction_state', 'no such savepoint is open');
    await this.inSession(id, `${action} SAVEPOINT ${nameOf(`${id}/${number}`)}`);
  }

  /** Gives all of them up. */
  async close(): Promise<void> {
    const entries = [...this.entries.values()];
    this.entries.clear();
    for (const entry of entries) {
      clearTimeout(entry.timer);
      if (entry.session) (await entry.session.catch(() => null))?.close();
    }
  }

  private async inSession(id: string, sql: string): Promise<void> {
    const { principal } = this.entryOf(id);
    const { session, release } = await this.hold(id);
    try {
      await this.run(sql, session, principal);
    } finally {
      release();
    }
  }

  private async run(sql: string, session: QuerySession, principal: Principal): Promise<void> {
    const { batches } = await this.query.execute({ sql, session, principal });
    for await (const batch of batches) batch.release();
  }

  private async open({ principal, setup }: Entry): Promise<QuerySession> {
    const most = this.limits.flight_max_transactions;
    if (this.openCount >= most) {
      throw new DbError('overloaded', `${most} transactions are open already`, {
        hint: 'end some of them, or raise flight_max_transactions',
      });
    }
    this.openCount++;
    const session = this.query.openSession(principal);
    try {
      for (const sql of [...setup, 'BEGIN']) await this.run(sql, session, principal);
      return session;
    } catch (error) {
      this.openCount--;
      session.close();
      throw error;
    }
  }

  private release(entry: Entry): void {
    if (--entry.users > 0 || entry.session === null) return;
    entry.timer = setTimeout(() => this.giveUp(entry), Math.min(this.limits.flight_transaction_idle_ms, LONGEST_TIMER_MS));
    entry.timer.unref();
  }

  private giveUp(entry: Entry): void {
    const { session } = entry;
    if (session === null || entry.users > 0) return;
    entry.isExpired = true;
    entry.session = null;
    void session.then((open) => this.drop(entry, open));
  }

  private drop(entry: Entry, session: QuerySession): void {
    clearTimeout(entry.timer);
    this.openCount--;
    entry.session = null;
    session.close();
  }

  private entryOf(id: string): Entry {
    const entry = this.entries.get(id);
    if (entry) return entry;
    throw new DbError('transaction_state', 'no such transaction is open', {
      hint: 'BeginTransaction starts one; a restart ends all of them',
    });
  }

  private forgetOne(): void {
    for (const [id, { session }] of this.entries) {
      if (session !== null) continue;
      this.entries.delete(id);
      return;
    }
  }

  private expired(): DbError {
    const { flight_transaction_idle_ms: limit } = this.limits;
    return new DbError('transaction_state', `the transaction was rolled back: nobody had used it for ${limit} ms`, {
      hint: 'roll it back and begin anew; flight_transaction_idle_ms says how long one may wait',
    });
  }
}

function nameOf(point: string): string {
  return `"flight ${point.slice(point.indexOf('/') + 1)}"`;
}
