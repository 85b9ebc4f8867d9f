/** One data statement from its plan to its outcome: atomic, constraints kept, run again when it meets another's change. */
import { assert } from '../../core/assert.js';
import type { AppendSession, Snapshot, StatementKind, StorageTransaction, StorageWriter, TableDefinition } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import type { BindContext } from '../binder/context.js';
import { storedName } from '../binder/object-name.js';
import { ConstrainedAppend } from '../constraints/constrained-append.js';
import { hasKeys, isConstrained, type KeyRule } from '../constraints/enforce.js';
import { type AppliedChanges, applyChanges } from './apply-changes.js';
import type { ChangePlan } from './change-plan.js';
import type { TargetSyntax } from './change-target.js';
import { withPivotValues } from './find-pivot-values.js';
import type { StatementContext, StatementOutcome } from './statement.js';
import { existingTable } from './table-names.js';
import { changeOutcome, retried, writeAtomically } from './write-atomically.js';

type Writer = StorageWriter | StorageTransaction;

/** Binds the statement. It is called anew when values of a PIVOT had to be found first. */
export type MakeChange = (bind: BindContext) => ChangePlan;

interface PlannedChange {
  /** The change's rows are read from it. */
  readonly snapshot: Snapshot;
  readonly change: ChangePlan;
}

export async function runChange(
  kind: StatementKind,
  statement: TargetSyntax,
  make: MakeChange,
  context: StatementContext,
): Promise<StatementOutcome> {
  const discard = (applied: AppliedChanges): void => applied.returned?.release();
  const work = async (writer: StorageTransaction) => applyPlanned(await planned(make, writer, context), writer, context);
  const applied = await writeTable(statement, context, work, discard);
  return changeOutcome(kind, applied);
}

async function planned(make: MakeChange, writer: Writer, context: StatementContext): Promise<PlannedChange> {
  const snapshot = writer.snapshot();
  try {
    return { snapshot, change: await withPivotValues(context, snapshot, make) };
  } catch (error) {
    snapshot.release();
    throw error;
  }
}

/** Rows that are returned may lie in the snapshot's memory. */
async function applyPlanned({ snapshot, change }: PlannedChange, writer: Writer, context: StatementContext): Promise<AppliedChanges> {
  let returned: AppliedChanges['returned'] = null;
  try {
    const { definition } = change.table.table;
    const applied = await applyChanges(change, writer, () => openAppend(definition, change.keys, writer, context), context);
    returned = applied.returned;
    returned?.alsoRelease(snapshot);
    return applied;
  } finally {
    if (!returned) snapshot.release();
  }
}

/** Runs the work in a transaction: the open one, or its own. Statements over one table with keys wait for each other. */
export async function writeTable<Result>(
  statement: TargetSyntax,
  context: StatementContext,
  work: (writer: StorageTransaction) => Promise<Result>,
  discard?: (result: Result) => void,
): Promise<Result> {
  const definition = definitionNow(statement, context);
  const inTurn = () => writeAtomically(context, work, discard);
  try {
    if (context.transaction || !hasKeys(definition)) return await inTurn();
    return await context.keyQueue.run(storedName(definition), inTurn);
  } catch (error) {
    throw positioned(error, statement);
  }
}

/** Rows that only are deleted need no transaction: the deletion is one commit. */
export async function runDeletion(make: MakeChange, context: StatementContext): Promise<StatementOutcome> {
  const attempt = async () => applyPlanned(await planned(make, context.writer, context), context.writer, context);
  return changeOutcome('delete', context.transaction ? await attempt() : await retried(attempt));
}

/** An append to the table that keeps its constraints; where it has some, `writer` is a transaction. */
export function openAppend(definition: TableDefinition, rule: KeyRule, writer: Writer, context: StatementContext): AppendSession {
  const table = storedName(definition);
  if (!isConstrained(definition)) return stoppable(writer.openAppend(table), context);
  assert('expectUnchanged' in writer, 'constraints are kept in a transaction');
  if (hasKeys(definition) && rule !== 'unchanged') writer.expectUnchanged(table);
  return stoppable(new ConstrainedAppend(writer, table, definition, rule, context), context);
}

/** The session, which is aborted as soon as the statement is told to stop: it may be waiting for the disk. */
export function stoppable(session: AppendSession, { signal }: StatementContext): AppendSession {
  signal.addEventListener('abort', () => session.abort(), { once: true });
  if (signal.aborted) session.abort();
  return session;
}

export function definitionNow(statement: TargetSyntax, context: StatementContext): TableDefinition {
  const snapshot = context.writer.snapshot();
  try {
    return existingTable(statement.table, snapshot, context.session.searchPath).table.definition;
  } finally {
    snapshot.release();
  }
}

/** Constraints and keys are looked at by storage, which knows no positions. */
export function positioned(error: unknown, statement: TargetSyntax): unknown {
  if (!(error instanceof DbError) || error.position !== undefined) return error;
  if (error.code !== 'constraint_violation' && error.code !== 'cardinality_violation') return error;
  const position = statement.table[0]?.position ?? statement.position;
  return new DbError(error.code, error.message, { position, hint: error.hint, cause: error });
}
