/** One atomic append: its rows are staged until commit or abort. */
import type { Batch } from '../core/batch.js';
import type { AppendResult, AppendSession } from '../core/contracts.js';
import { DbError } from '../core/errors.js';
import type { Schema } from '../core/types.js';
import type { StagedRows } from './staged-rows.js';

/** Where the rows go. */
export interface AppendTarget {
  /** Fails when rows can no longer be taken. */
  assertOpen(): void;
  commit(staged: StagedRows): Promise<AppendResult>;
}

export class StagedAppend implements AppendSession {
  private readonly staged: StagedRows;
  private readonly target: AppendTarget;
  private state: 'open' | 'committed' | 'aborted' = 'open';

  constructor(staged: StagedRows, target: AppendTarget) {
    this.staged = staged;
    this.target = target;
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
    try {
      return await this.target.commit(this.staged);
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
    this.target.assertOpen();
  }
}
