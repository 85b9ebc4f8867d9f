/** An append inside a transaction: its commit() makes the rows part of the transaction. */
import type { Batch } from '../core/batch.js';
import type { AppendResult, AppendSession } from '../core/contracts.js';
import { DbError } from '../core/errors.js';
import type { Schema } from '../core/types.js';
import type { StagedRows } from './staged-rows.js';

interface Owner {
  readonly sequence: bigint;
  /** Whether rows of the layout can still be taken. */
  isOpen(): boolean;
  take(staged: StagedRows): Promise<void>;
}

export class TransactionAppend implements AppendSession {
  private readonly staged: StagedRows;
  private readonly owner: Owner;
  private state: 'open' | 'committed' | 'aborted' = 'open';

  constructor(staged: StagedRows, owner: Owner) {
    this.staged = staged;
    this.owner = owner;
  }

  async append(batch: Batch, schema: Schema): Promise<void> {
    this.assertOpen();
    this.staged.add(batch, schema);
    try {
      await this.staged.settle();
    } catch (error) {
      this.abort();
      throw error;
    }
  }

  async commit(): Promise<AppendResult> {
    this.assertOpen();
    this.state = 'committed';
    const { rows } = this.staged;
    try {
      await this.owner.take(this.staged);
      return { rows, sequence: this.owner.sequence };
    } finally {
      this.staged.discard();
    }
  }

  abort(): void {
    if (this.state !== 'open') return;
    this.state = 'aborted';
    this.staged.discard();
  }

  private assertOpen(): void {
    if (this.state === 'aborted') throw new DbError('cancelled', 'the append was aborted');
    if (this.state === 'committed') throw new DbError('invalid_argument', 'the append session is already committed');
    if (!this.owner.isOpen()) throw new DbError('invalid_argument', 'the transaction is over, or has altered the table meanwhile');
  }
}
