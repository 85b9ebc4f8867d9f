/** One atomic append: its rows are staged until commit or abort. */
import type { Batch } from '../../core/batch.js';
import type { AppendResult, AppendSession } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import type { Schema } from '../../core/types.js';
import type { StagedRows } from './staged-rows.js';

/** Where the rows go. */
export interface AppendTarget {
  /** Fails when rows can no longer be taken. */
  assertOpen(): void;
  commit(staged: StagedRows): Promise<AppendResult>;
}

/** An abort ends what is waiting for the disk at once; what it leaves behind is cleared away in the background. */
export class StagedAppend implements AppendSession {
  private readonly staged: StagedRows;
  private readonly target: AppendTarget;
  private state: 'open' | 'finishing' | 'committed' | 'aborted' = 'open';
  private stopWaiting: (error: DbError) => void = () => undefined;

  constructor(staged: StagedRows, target: AppendTarget) {
    this.staged = staged;
    this.target = target;
  }

  async append(batch: Batch, schema: Schema): Promise<void> {
    this.assertOpen();
    this.staged.add(batch, schema);
    try {
      await this.unlessAborted(this.staged.settle());
    } catch (error) {
      this.abort();
      throw error;
    }
  }

  async commit(): Promise<AppendResult> {
    this.assertOpen();
    this.state = 'finishing';
    try {
      await this.unlessAborted(this.staged.finish());
    } catch (error) {
      this.abort();
      throw error;
    }
    this.state = 'committed';
    try {
      return await this.target.commit(this.staged);
    } finally {
      this.staged.discard();
    }
  }

  abort(): void {
    if (this.state === 'committed' || this.state === 'aborted') return;
    this.state = 'aborted';
    this.staged.discard();
    this.stopWaiting(aborted());
  }

  /** The work, or an error as soon as the append is aborted. */
  private async unlessAborted(work: Promise<void>): Promise<void> {
    // When nobody waits for it any more, its failure is a consequence of the abort.
    work.catch(() => undefined);
    const stopped = new Promise<never>((_, reject) => {
      this.stopWaiting = reject;
    });
    stopped.catch(() => undefined);
    await Promise.race([work, stopped]);
    if (this.state === 'aborted') throw aborted();
  }

  private assertOpen(): void {
    if (this.state === 'aborted') throw aborted();
    if (this.state !== 'open') throw new DbError('invalid_argument', 'the append session is already committed');
    this.target.assertOpen();
  }
}

function aborted(): DbError {
  return new DbError('cancelled', 'the append was aborted');
}
