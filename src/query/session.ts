/** What lasts from one request of a client to the next: settings, prepared statements, an open transaction. */
import type { QuerySession, Storage, StorageTransaction } from '../core/contracts.js';
import { DbError } from '../core/errors.js';
import type { QuerySettings } from '../core/settings.js';
import { SessionSettings } from './session-settings.js';
import type { Prepare } from './syntax/ast/statement.js';

export interface PreparedStatement {
  readonly syntax: Prepare;
  /** The text that it was part of; its positions are offsets in it. */
  readonly sql: string;
}

interface NamedSavepoint {
  /** Lower case. */
  readonly name: string;
  readonly mark: number;
}

/** Between BEGIN and COMMIT or ROLLBACK, or around the statements of one text. */
export interface OpenTransaction {
  readonly storage: StorageTransaction;
  readonly readOnly: boolean;
  /** The text's own, without BEGIN. */
  readonly implicit: boolean;
  readonly savepoints: NamedSavepoint[];
  /** The first error; until ROLLBACK no statement runs. */
  failure: DbError | null;
}

export class Session implements QuerySession {
  readonly id: string;
  readonly settings: SessionSettings;
  /** By name in lower case. */
  readonly prepared = new Map<string, PreparedStatement>();
  private readonly storage: Storage;
  private current: OpenTransaction | null = null;
  private isClosed = false;
  private last: Promise<unknown> = Promise.resolve();

  constructor(id: string, storage: Storage, server: QuerySettings) {
    this.id = id;
    this.storage = storage;
    this.settings = new SessionSettings(server);
  }

  get inTransaction(): boolean {
    return this.current !== null;
  }

  get transaction(): OpenTransaction | null {
    return this.current;
  }

  /** Work of one client on its transaction comes in turn; without a transaction nothing waits. */
  async inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.isClosed) throw new DbError('closed', 'the session is closed');
    const before = this.current === null ? Promise.resolve() : this.last;
    const own = before.then(work);
    this.last = own.catch(() => undefined);
    return own;
  }

  begin(implicit: boolean, readOnly = false): OpenTransaction {
    if (this.current) {
      throw new DbError('transaction_state', 'a transaction is open already', {
        hint: 'COMMIT or ROLLBACK it; for a part of it there is SAVEPOINT',
      });
    }
    this.current = { storage: this.storage.begin(), readOnly, implicit, savepoints: [], failure: null };
    return this.current;
  }

  /** Fails with `conflict`, and with `transaction_aborted` when an error has aborted it; it is over in any case. */
  async commit(): Promise<void> {
    const open = this.required();
    this.current = null;
    if (open.failure) {
      open.storage.rollback();
      throw new DbError('transaction_aborted', `the transaction was rolled back: it had failed with "${open.failure.message}"`, {
        cause: open.failure,
      });
    }
    try {
      await open.storage.commit();
    } catch (error) {
      open.storage.rollback();
      throw error;
    }
  }

  rollback(): void {
    const open = this.required();
    this.current = null;
    open.storage.rollback();
  }

  /** Remembers the error of a statement; the transaction can only be rolled back from here on. */
  fail(error: DbError): void {
    if (this.current) this.current.failure ??= error;
  }

  setSavepoint(name: string): void {
    const open = this.required('SAVEPOINT');
    open.savepoints.push({ name: name.toLowerCase(), mark: open.storage.savepoint() });
  }

  releaseSavepoint(name: string): void {
    const open = this.required('RELEASE');
    open.savepoints.length = this.savepointIndex(open, name);
  }

  /** The savepoint stays; the transaction goes on, also after an error. */
  rollbackTo(name: string): void {
    const open = this.required('ROLLBACK TO');
    const index = this.savepointIndex(open, name);
    open.storage.rollbackTo(open.savepoints[index]?.mark ?? 0);
    open.savepoints.length = index + 1;
    open.failure = null;
  }

  close(): void {
    this.isClosed = true;
    if (this.current) this.rollback();
    this.prepared.clear();
  }

  private required(what = 'this'): OpenTransaction {
    if (this.current && !(this.current.implicit && what !== 'this')) return this.current;
    throw new DbError('transaction_state', `no transaction is open${what === 'this' ? '' : `, which ${what} needs`}`, {
      hint: 'BEGIN starts one',
    });
  }

  private savepointIndex(open: OpenTransaction, name: string): number {
    const index = open.savepoints.findLastIndex((savepoint) => savepoint.name === name.toLowerCase());
    if (index < 0) throw new DbError('transaction_state', `no savepoint is called ${name}`);
    return index;
  }
}
