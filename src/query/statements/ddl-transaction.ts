/** Changes of definitions in one commit: in the open transaction, or in one of its own. */
import type { StorageTransaction } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import type { StatementContext } from './statement.js';
import { writeAtomically } from './write-atomically.js';

/** As writeAtomically; errors of storage, which knows no positions, get this one. */
export async function inTransaction<Result>(
  context: StatementContext,
  position: number,
  work: (writer: StorageTransaction) => Promise<Result>,
): Promise<Result> {
  try {
    return await writeAtomically(context, work);
  } catch (error) {
    if (!(error instanceof DbError) || error.position !== undefined) throw error;
    throw new DbError(error.code, error.message, { position, hint: error.hint, cause: error });
  }
}
