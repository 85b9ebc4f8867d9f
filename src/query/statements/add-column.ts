/** ALTER TABLE … ADD COLUMN: a constant default becomes the value of all rows without writing them; another one writes the table anew. */
import type { Value } from '../../core/batch.js';
import type { ColumnDefinition } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import { type DataType, isNested } from '../../core/types.js';
import { storedName } from '../binder/object-name.js';
import { quoteName, resolveType } from '../binder/type-names.js';
import { analyse } from '../expression/analysis.js';
import type { AlterAction, ColumnConstraint, ColumnDefinition as ColumnSyntax } from '../syntax/ast/statement.js';
import { addConstraint } from './alter-constraints.js';
import { type Altering, definitionNow } from './altering.js';
import { checkDefault, defaultOf } from './defaults.js';
import { rewriteTable } from './rewrite-table.js';
import { bindContextOf, type StatementContext } from './statement.js';

export async function addColumn(action: Extract<AlterAction, { kind: 'addColumn' }>, altering: Altering): Promise<undefined> {
  const { definition, writer, context, rowCount } = altering;
  const syntax = action.column;
  const { name } = syntax.name;
  if (definition.columns.some((column) => column.name.toLowerCase() === name.toLowerCase())) {
    if (action.ifNotExists) return undefined;
    throw new DbError('column_exists', `table ${definition.name} has a column ${name}`, { position: syntax.name.position });
  }
  if (!syntax.type) throw new DbError('syntax_error', `column ${name} has no type`, { position: syntax.position });
  const column = columnOfSyntax(syntax, resolveType(syntax.type), context);
  const stored = storedName(definition);
  const fallback = fallbackOf(column, altering, syntax.position);
  if (fallback.isConstant || rowCount === 0) {
    await writer.alterTable(stored, [{ kind: 'add_column', column, fill: fallback.isConstant ? fallback.value : null }]);
  } else {
    const id = Math.max(...definition.columns.map((each) => each.id)) + 1;
    const values = [...definition.columns.map((each) => quoteName(each.name)), column.defaultSql ?? 'NULL'];
    const to = { ...definition, columns: [...definition.columns, { ...column, id }] };
    await rewriteTable(definition, to, values, writer, context, syntax.position);
  }
  for (const constraint of syntax.constraints) await keepConstraint(constraint, syntax, altering);
  return undefined;
}

function columnOfSyntax(syntax: ColumnSyntax, type: DataType, context: StatementContext): Omit<ColumnDefinition, 'id'> {
  const given = syntax.constraints.find((constraint) => constraint.kind === 'default');
  if (given !== undefined) checkDefault(given.value, type, syntax.name.name, context);
  const defaultSql = given === undefined ? null : context.sql.slice(given.value.position, given.value.end);
  const nullable = !syntax.constraints.some((constraint) => constraint.kind === 'notNull');
  return { name: syntax.name.name, type, nullable, defaultSql, comment: null };
}

type Fallback = { readonly isConstant: true; readonly value: Value } | { readonly isConstant: false };

/** What the rows that are there get. */
function fallbackOf(column: Omit<ColumnDefinition, 'id'>, { writer, context }: Altering, position: number): Fallback {
  if (column.defaultSql === null) return { isConstant: true, value: null };
  const snapshot = writer.snapshot();
  try {
    const bind = bindContextOf(context, snapshot);
    const expression = defaultOf({ ...column, id: 0 }, bind, position);
    if (isNested(column.type) || !analyse(expression).deterministic) return { isConstant: false };
    return { isConstant: true, value: bind.evaluateConstant(expression) };
  } finally {
    snapshot.release();
  }
}

async function keepConstraint(constraint: ColumnConstraint, { name }: ColumnSyntax, altering: Altering): Promise<void> {
  const { position, end } = constraint;
  const now = { ...altering, definition: definitionNow(altering.writer, storedName(altering.definition)) };
  switch (constraint.kind) {
    case 'primaryKey':
    case 'unique':
      await addConstraint({ kind: constraint.kind, name: constraint.name, columns: [name], position, end }, now);
      return;
    case 'check':
      await addConstraint({ kind: 'check', name: constraint.name, condition: constraint.condition, position, end }, now);
      return;
    case 'generated':
    case 'identity':
    case 'references':
      throw new DbError('unsupported', `the constraint ${constraint.kind.toUpperCase()} is not kept by this version`, { position });
    default:
  }
}
