/** The rows of a file into a table, in one atomic append, batch by batch. */
import type { OwnedBatch } from '../../core/batch.js';
import type { AppendSession, ColumnDefinition, StorageWriter, TableDefinition } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import { MemoryScope } from '../../core/memory-scope.js';
import { type Field, isText, type Schema, sameType, UTF8 } from '../../core/types.js';
import type { FileOptions } from '../../formats/files/file-options.js';
import { type FileReading, readFile } from '../../formats/files/read-file.js';
import { assignmentCast, castTo } from '../binder/coercion.js';
import type { BindContext } from '../binder/context.js';
import { columnOf } from '../binder/expressions.js';
import { projectPlan } from '../binder/plans.js';
import { positioned } from '../files/statement-files.js';
import type { FileRows, LogicalPlan } from '../plan/logical.js';
import type { Identifier } from '../syntax/ast/node.js';
import type { TargetSyntax } from './change-target.js';
import { defaultOf } from './defaults.js';
import { columnNamed, targetColumns } from './insert-targets.js';
import { openAppend } from './run-change.js';
import { optimizePlan, runPlan } from './run-plan.js';
import { bindContextOf, type StatementContext } from './statement.js';
import { existingTable } from './table-names.js';

export interface CopiedFile {
  readonly path: string;
  readonly options: FileOptions;
  /** The columns of the file's columns, in turn; empty: they are matched by name, without names in turn. */
  readonly columns: readonly Identifier[];
  readonly position: number;
}

/** Resolves to the number of rows when they are committed. */
export async function loadFile(target: TargetSyntax, file: CopiedFile, writer: StorageWriter, context: StatementContext): Promise<number> {
  const snapshot = writer.snapshot();
  try {
    const { definition } = existingTable(target.table, snapshot, context.session.searchPath).table;
    const bind = bindContextOf(context, snapshot);
    return await positioned(file.position, () => load(definition, file, bind, writer, context));
  } finally {
    snapshot.release();
  }
}

async function load(
  definition: TableDefinition,
  file: CopiedFile,
  bind: BindContext,
  writer: StorageWriter,
  context: StatementContext,
): Promise<number> {
  const { arena } = context.storage;
  const named = file.columns.map((column) => columnNamed(column, definition));
  const reading: FileReading = {
    arena,
    memory: () => new MemoryScope(arena),
    signal: context.signal,
    maxBytes: context.serverSettings.memory_limit,
    names: named.length === 0 ? undefined : named.map((column) => column.name),
  };
  const readAs = (named.length === 0 ? definition.columns : named).map(
    ({ name, type }): Field => ({ name, type: type.kind === 'list' || type.kind === 'struct' ? UTF8 : type, nullable: true }),
  );
  const source = await readFile(file.path, file.options, { table: definition.name, columns: readAs }, reading);
  const iterator = source.batches[Symbol.asyncIterator]();
  let session: AppendSession | undefined;
  try {
    const targets = targetsOf(source.schema, definition, file);
    const shape = shapeOf(source.schema, targets, definition, bind, file, context);
    // The first rows are read before the table is touched.
    let step = await iterator.next();
    session = openAppend(definition, 'replace', writer, context);
    for (; !step.done; step = await iterator.next()) {
      context.signal.throwIfAborted();
      await appendBatch(session, step.value, shape, context);
    }
    return (await session.commit()).rows;
  } catch (error) {
    session?.abort();
    throw error;
  } finally {
    await iterator.return?.();
  }
}

/** The table's column of each of the file's. */
function targetsOf({ fields }: Schema, definition: TableDefinition, { columns, options }: CopiedFile): readonly ColumnDefinition[] {
  const isPositional = columns.length > 0 && options.format !== 'json';
  if (isPositional) return targetColumns(columns, definition, fields.length, columns[0]?.position);
  return fields.map((field) => columnNamed(field, definition));
}

interface Shape {
  /** Names the table's columns. */
  readonly schema: Schema;
  /** What makes the table's columns of the file's; undefined: they are so already. */
  readonly converted: { readonly plan: LogicalPlan; readonly rows: GivenRows } | undefined;
}

function shapeOf(
  { fields }: Schema,
  targets: readonly ColumnDefinition[],
  definition: TableDefinition,
  bind: BindContext,
  { position }: CopiedFile,
  context: StatementContext,
): Shape {
  const missing = definition.columns.filter((column) => !targets.includes(column) && column.defaultSql !== null);
  const fits = fields.every((field, i) => {
    const type = targets[i]?.type ?? field.type;
    return sameType(field.type, type) || (isText(field.type) && isText(type));
  });
  const schema = { fields: [...targets, ...missing].map(({ name, type }) => ({ name, type, nullable: true })) };
  if (fits && missing.length === 0) return { schema, converted: undefined };
  const rows = new GivenRows(fields);
  const output = fields.map((field) => ({ ...field, id: bind.nextId() }));
  const input: LogicalPlan = { kind: 'file', source: rows, columnIndexes: output.map((_, i) => i), output };
  const values = output.map((column, i) => {
    const target = targets[i];
    if (!target) throw new DbError('internal', 'a column of the file without a target');
    const value = columnOf(column, position);
    const isNestedText = isText(column.type) && (target.type.kind === 'list' || target.type.kind === 'struct');
    return isNestedText ? castTo(value, target.type) : assignmentCast(value, target.type, target.name);
  });
  const expressions = [...values, ...missing.map((column) => defaultOf(column, bind, position))];
  const columns = expressions.map((expression, i) => ({ id: bind.nextId(), name: schema.fields[i]?.name ?? '', expression }));
  return { schema, converted: { plan: optimizePlan(projectPlan(input, columns), bind, context), rows } };
}

/** Takes the batch over. */
async function appendBatch(
  session: AppendSession,
  batch: OwnedBatch,
  { schema, converted }: Shape,
  context: StatementContext,
): Promise<void> {
  if (!converted) {
    try {
      return await session.append(batch, schema);
    } finally {
      batch.release();
    }
  }
  converted.rows.batch = batch;
  for await (const changed of runPlan(converted.plan, context).batches) {
    try {
      await session.append(changed, schema);
    } finally {
      changed.release();
    }
  }
}

/** One batch at a time as the source of a plan. */
class GivenRows implements FileRows {
  readonly name = 'rows';
  readonly fields: readonly Field[];
  batch: OwnedBatch | undefined;

  constructor(fields: readonly Field[]) {
    this.fields = fields;
  }

  async *read(columnIndexes: readonly number[]): AsyncGenerator<OwnedBatch> {
    const { batch } = this;
    this.batch = undefined;
    if (!batch) return;
    const columns = columnIndexes.map((index) => batch.columns[index] as OwnedBatch['columns'][number]);
    yield { arena: batch.arena, rowCount: batch.rowCount, columns, release: () => batch.release() };
  }
}
