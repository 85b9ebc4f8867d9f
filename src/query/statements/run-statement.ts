/** The table of statements: who runs each, and whether it writes. */
import type { PreparedDescription, QueryDescription, StatementKind } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import type { DataStatement, Execute, Statement } from '../syntax/ast/statement.js';
import { alterTable } from './alter-table.js';
import { comment } from './comment.js';
import { copy } from './copy.js';
import { createIndex, createTable } from './create-table.js';
import { deleteRows, truncate } from './delete.js';
import { drop } from './drop.js';
import { explain } from './explain.js';
import { insert } from './insert.js';
import { merge } from './merge.js';
import { deallocate, executed, prepare } from './prepared.js';
import { createSchema, use } from './schemas.js';
import { describeQuery, runQuery } from './select.js';
import { cancelQuery, reset, set } from './settings.js';
import { describe, show } from './show.js';
import { NO_FIELDS, type StatementContext, type StatementOutcome } from './statement.js';
import { SUMMARY_SCHEMA, summarize } from './summarize.js';
import { checkTransaction, savepoint, transaction } from './transactions.js';
import { update } from './update.js';
import { createView } from './views.js';
import { describeChange, describeWriting, isWriting, runWriting } from './writing-with.js';

interface Handler<Kind extends Statement['kind']> {
  readonly kind: StatementKind;
  /** Refused at doors that only read. */
  readonly writes: boolean;
  run(statement: Extract<Statement, { kind: Kind }>, context: StatementContext): StatementOutcome | Promise<StatementOutcome>;
}

type Handlers = { readonly [Kind in Statement['kind']]: Handler<Kind> };

const HANDLERS: Handlers = {
  query: { kind: 'query', writes: false, run: runQuery },
  insert: { kind: 'insert', writes: true, run: insert },
  update: { kind: 'update', writes: true, run: update },
  delete: { kind: 'delete', writes: true, run: deleteRows },
  merge: { kind: 'update', writes: true, run: merge },
  copy: { kind: 'utility', writes: true, run: copy },
  truncate: { kind: 'ddl', writes: true, run: truncate },
  createTable: { kind: 'ddl', writes: true, run: createTable },
  createView: { kind: 'ddl', writes: true, run: createView },
  createSchema: { kind: 'ddl', writes: true, run: createSchema },
  createIndex: { kind: 'ddl', writes: true, run: createIndex },
  drop: { kind: 'ddl', writes: true, run: drop },
  alterTable: { kind: 'ddl', writes: true, run: alterTable },
  comment: { kind: 'ddl', writes: true, run: comment },
  transaction: { kind: 'utility', writes: false, run: transaction },
  savepoint: { kind: 'utility', writes: false, run: savepoint },
  show: { kind: 'utility', writes: false, run: show },
  describe: { kind: 'utility', writes: false, run: describe },
  summarize: { kind: 'utility', writes: false, run: summarize },
  explain: { kind: 'utility', writes: false, run: explain },
  set: { kind: 'utility', writes: false, run: set },
  reset: { kind: 'utility', writes: false, run: reset },
  cancelQuery: { kind: 'utility', writes: true, run: cancelQuery },
  prepare: { kind: 'utility', writes: false, run: prepare },
  execute: { kind: 'utility', writes: false, run: execute },
  deallocate: { kind: 'utility', writes: false, run: deallocate },
  use: { kind: 'utility', writes: false, run: use },
};

function handlerOf(statement: Statement): Handler<Statement['kind']> {
  return HANDLERS[statement.kind] as Handler<Statement['kind']>;
}

function statementKind(statement: Statement): StatementKind {
  return handlerOf(statement).kind;
}

export function writes(statement: Statement): boolean {
  return handlerOf(statement).writes || isWriting(statement);
}

/** True also when that is only known as it runs. */
export function mayWrite(statement: Statement): boolean {
  return statement.kind === 'execute' || writes(statement);
}

export async function runStatement(statement: Statement, context: StatementContext): Promise<StatementOutcome> {
  checkTransaction(statement, writes(statement), context);
  const run = isWriting(statement) ? () => runWriting(statement, context) : () => handlerOf(statement).run(statement, context);
  return context.files.with(run);
}

function execute(statement: Execute, context: StatementContext): Promise<StatementOutcome> {
  const prepared = executed(statement, context);
  if (context.readOnly && writes(prepared.statement)) {
    throw new DbError('method_not_allowed', 'this door only reads', {
      position: statement.position,
      hint: 'send statements that write by POST',
    });
  }
  return runStatement(prepared.statement, prepared.context);
}

/** What planning tells of a statement whose parameters are OpenParameters; those learn their types. */
export async function prepareStatement(
  statement: Statement,
  context: StatementContext,
): Promise<Pick<PreparedDescription, 'kind' | 'schema'>> {
  try {
    const described = await (isData(statement) && !isWriting(statement)
      ? describeData(statement, context)
      : describeStatement(statement, context));
    return { kind: described.kind, schema: described.schema };
  } catch (error) {
    // Values may tell what NULLs without a type do not: which of several functions is meant.
    if (context.parameters && error instanceof DbError && OPEN_TYPES.has(error.code))
      return { kind: statementKind(statement), schema: null };
    throw error;
  }
}

const OPEN_TYPES: ReadonlySet<string> = new Set([
  'type_mismatch',
  'function_not_found',
  'invalid_argument',
  'invalid_value',
  'unsupported',
]);

function describeData(statement: DataStatement, context: StatementContext): Promise<QueryDescription> {
  return context.files.with(() => describeChange(statement, context));
}

function isData(statement: Statement): statement is DataStatement {
  return statement.kind === 'insert' || statement.kind === 'update' || statement.kind === 'delete' || statement.kind === 'merge';
}

/** What planning tells of a statement. The results of SHOW and the like are planned by making them: they are small and change nothing. */
export async function describeStatement(statement: Statement, context: StatementContext): Promise<QueryDescription> {
  if (isWriting(statement)) return context.files.with(() => describeWriting(statement, context));
  if (isData(statement) && statement.returning.length > 0) return describeData(statement, context);
  if (statement.kind === 'query') return context.files.with(() => describeQuery(statement, context));
  if (statement.kind === 'execute') {
    const prepared = executed(statement, context);
    return describeStatement(prepared.statement, prepared.context);
  }
  const kind = statementKind(statement);
  if (statement.kind === 'summarize') return { kind, schema: SUMMARY_SCHEMA, rowCount: null, ordered: true };
  if (statement.kind === 'explain')
    return { kind, schema: { fields: [{ name: 'plan', type: { kind: 'utf8' }, nullable: true }] }, rowCount: null, ordered: true };
  if (statement.kind !== 'show' && statement.kind !== 'describe') return { kind, schema: NO_FIELDS, rowCount: null, ordered: false };
  const outcome = await runStatement(statement, context);
  for await (const batch of outcome.batches ?? []) batch.release();
  return { kind, schema: outcome.schema, rowCount: null, ordered: true };
}
