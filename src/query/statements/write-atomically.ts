/** The transaction that a data statement writes in, and what becomes of its result. */
import type { StatementKind, StorageTransaction } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import { BatchStream } from '../batch-stream.js';
import type { AppliedChanges } from './apply-changes.js';
import { done, type StatementContext, type StatementOutcome } from './statement.js';

const ATTEMPTS = 8;

/**
 * Runs the work in the open transaction, or in one of its own that is committed after it. On `conflict` the work runs again on newer rows; what
 * it had returned is given back before.
 */
export async function writeAtomically<Result>(
  context: StatementContext,
  work: (writer: StorageTransaction) => Promise<Result>,
  discard: (result: Result) => void = () => undefined,
): Promise<Result> {
  if (context.transaction) return work(context.transaction);
  return retried(async () => {
    const transaction = context.storage.begin();
    let result: { readonly value: Result } | undefined;
    try {
      result = { value: await work(transaction) };
      context.signal.throwIfAborted();
      await transaction.commit();
      return result.value;
    } catch (error) {
      transaction.rollback();
      if (result) discard(result.value);
      throw error;
    }
  });
}

/** Again while it fails with `conflict`, a few times. */
export async function retried<Result>(attempt: () => Promise<Result>): Promise<Result> {
  for (let left = ATTEMPTS; ; left--) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof DbError && error.code === 'conflict') || left <= 1) throw error;
    }
  }
}

export function changeOutcome(kind: StatementKind, applied: AppliedChanges): StatementOutcome {
  const { returned, rows, rowsScanned } = applied;
  if (!returned) return done(kind, rows, rowsScanned);
  return {
    kind,
    schema: returned.schema,
    affectedRows: rows,
    ordered: false,
    batches: new BatchStream(returned.batches(), { onEnd: () => returned.release() }),
    rowsScanned: () => rowsScanned,
  };
}
