/** BEGIN, COMMIT, ROLLBACK, SAVEPOINT. */
import { DbError } from '../../core/errors.js';
import type { Savepoint, Statement, Transaction } from '../syntax/ast/statement.js';
import { done, type StatementContext, type StatementOutcome } from './statement.js';

export async function transaction(statement: Transaction, context: StatementContext): Promise<StatementOutcome> {
  return positioned(statement, async () => {
    const { client } = context;
    if (statement.action === 'commit') await client.commit();
    else if (statement.action === 'rollback') client.rollback();
    else {
      if (statement.isolation === 'serializable') {
        throw new DbError('unsupported', 'transactions have snapshot isolation, not SERIALIZABLE', {
          hint: 'leave ISOLATION LEVEL away, or say REPEATABLE READ',
        });
      }
      client.begin(false, statement.readOnly ?? false);
    }
    return done('utility');
  });
}

export async function savepoint(statement: Savepoint, context: StatementContext): Promise<StatementOutcome> {
  return positioned(statement, () => {
    const { client } = context;
    const { name } = statement.name;
    if (statement.action === 'create') client.setSavepoint(name);
    else if (statement.action === 'release') client.releaseSavepoint(name);
    else client.rollbackTo(name);
    return done('utility');
  });
}

async function positioned(statement: Statement, work: () => StatementOutcome | Promise<StatementOutcome>): Promise<StatementOutcome> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof DbError) || error.position !== undefined) throw error;
    throw new DbError(error.code, error.message, { position: statement.position, hint: error.hint, cause: error.cause });
  }
}

/** Fails when the open transaction does not let the statement run. */
export function checkTransaction(statement: Statement, writes: boolean, context: StatementContext): void {
  const open = context.client.transaction;
  if (!open) return;
  const endsIt = statement.kind === 'transaction' && statement.action !== 'begin';
  const goesBack = statement.kind === 'savepoint' && statement.action === 'rollback';
  if (open.failure && !endsIt && !goesBack) {
    throw new DbError('transaction_aborted', `the transaction has failed with "${open.failure.message}"; nothing runs in it any more`, {
      position: statement.position,
      hint: 'ROLLBACK, or ROLLBACK TO a savepoint',
      cause: open.failure,
    });
  }
  if (open.readOnly && writes && !endsIt) {
    throw new DbError('transaction_state', 'the transaction was begun as READ ONLY', { position: statement.position });
  }
}
