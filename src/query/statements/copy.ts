/** COPY: a table or query into a file, and a file into a table. */
import { DbError } from '../../core/errors.js';
import { type FileOptions, fileOptions } from '../../formats/files/file-options.js';
import { writeFile } from '../../formats/files/write-file.js';
import { findObject } from '../binder/object-name.js';
import { Scope } from '../binder/scope.js';
import { isConstrained } from '../constraints/enforce.js';
import { type FileSetting, givenOptions } from '../files/file-settings.js';
import { assertMayUseFiles, positioned } from '../files/statement-files.js';
import type { Query, Expression as Syntax } from '../syntax/ast/query.js';
import type { Copy, CopySource } from '../syntax/ast/statement.js';
import { parseStatement } from '../syntax/parser.js';
import { loadFile } from './copy-rows.js';
import { columnNamed } from './insert-targets.js';
import { definitionNow, writeTable } from './run-change.js';
import { runQuery } from './select.js';
import { bindContextOf, done, type StatementContext, type StatementOutcome } from './statement.js';
import { existingTable } from './table-names.js';

export async function copy(statement: Copy, context: StatementContext): Promise<StatementOutcome> {
  const { direction, source, position } = statement;
  if (statement.path === null) {
    throw new DbError(
      'unsupported',
      `COPY … ${direction === 'from' ? 'FROM STDIN' : 'TO STDOUT'} is not executed: statements carry no rows`,
      {
        position,
        hint:
          direction === 'from'
            ? 'send the rows: POST /tables/…/rows, DoPut, insert()'
            : 'run the query and take its result as CSV, Arrow, …',
      },
    );
  }
  assertMayUseFiles({ principal: context.principal, allowFileAccess: context.serverSettings.allow_file_access }, statement.path.position);
  const path = pathOf(statement.path, context);
  const settings = statement.options.map((option) => settingOf(option, context));
  const at = statement.path.position;
  const options = await positioned(at, async () => fileOptions(path, givenOptions(settings)));
  if (direction === 'to') return copyTo(source, path, options, at, context);
  if (source.kind === 'query') throw new DbError('syntax_error', 'a query can only be copied out', { position });
  return copyFrom(source, path, options, at, context);
}

function pathOf(syntax: Syntax, context: StatementContext): string {
  const value = constantOf(syntax, context);
  if (typeof value === 'string' && value !== '') return value;
  throw new DbError('type_mismatch', 'the name of a file is a text', { position: syntax.position });
}

const SIMPLE = new Set(['column', 'string', 'number', 'boolean', 'null', 'parameter', 'unary']);

function settingOf({ name, value, position }: Copy['options'][number], context: StatementContext): FileSetting {
  if (value === null) return { name, value: null, position };
  if (!SIMPLE.has(value.kind)) {
    throw new DbError('unsupported', `option ${name} with a list is not executed by this version yet`, { position });
  }
  const given = value.kind === 'column' ? value.name.map((part) => part.name).join('.') : constantOf(value, context);
  if (typeof given === 'object' && given !== null) {
    throw new DbError('type_mismatch', `option ${name} is a text, a number or a bool`, { position });
  }
  return { name, value: given, position };
}

function constantOf(syntax: Syntax, context: StatementContext) {
  if (syntax.kind === 'string') return syntax.value;
  const snapshot = context.writer.snapshot();
  try {
    const bind = bindContextOf(context, snapshot);
    const clause = { context: bind, name: 'COPY', scope: new Scope([], null), commonTables: new Map(), relation: null, aggregates: null };
    return bind.evaluateConstant(bind.bindExpression(syntax, clause));
  } finally {
    snapshot.release();
  }
}

// ---- out -------------------------------------------------------------------------------------------------------------------------

async function copyTo(
  source: CopySource,
  path: string,
  options: FileOptions,
  position: number,
  context: StatementContext,
): Promise<StatementOutcome> {
  const outcome = await (source.kind === 'query'
    ? runQuery(source.query, context)
    : runQuery(tableQuery(source, context), { ...context, parameters: undefined }));
  const { schema, batches } = outcome;
  if (batches === null) throw new DbError('internal', 'a query gives rows');
  const iterator = batches[Symbol.asyncIterator]();
  try {
    const writing = { arena: context.storage.arena, signal: context.signal, uniqueName: context.environment.uuid() };
    const once = { [Symbol.asyncIterator]: () => iterator };
    const rows = await positioned(position, () => writeFile(path, options, schema, once, writing));
    return done('utility', rows, outcome.rowsScanned());
  } finally {
    await iterator.return?.();
  }
}

/** All or the named columns of a table or view, as a query. */
function tableQuery({ name, columns }: Extract<CopySource, { kind: 'table' }>, context: StatementContext): Query {
  const snapshot = context.writer.snapshot();
  try {
    const path = context.session.searchPath;
    if (findObject(name, snapshot, path)?.kind !== 'view') {
      const { definition } = existingTable(name, snapshot, path).table;
      for (const column of columns) columnNamed(column, definition);
    }
  } finally {
    snapshot.release();
  }
  const list = columns.length === 0 ? '*' : columns.map((column) => quoted(column.name)).join(', ');
  const statement = parseStatement(`SELECT ${list} FROM ${name.map((part) => quoted(part.name)).join('.')}`);
  if (statement.kind !== 'query') throw new DbError('internal', 'a SELECT is a query');
  return statement;
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

// ---- in --------------------------------------------------------------------------------------------------------------------------

async function copyFrom(
  { name, columns }: Extract<CopySource, { kind: 'table' }>,
  path: string,
  options: FileOptions,
  position: number,
  context: StatementContext,
): Promise<StatementOutcome> {
  const target = { table: name, alias: null, position: name[0]?.position ?? position, end: position };
  const definition = definitionNow(target, context);
  const file = { path, options, columns, position };
  const rows = isConstrained(definition)
    ? await writeTable(target, context, (writer) => loadFile(target, file, writer, context))
    : await loadFile(target, file, context.writer, context);
  return done('insert', rows);
}
