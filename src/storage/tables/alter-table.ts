/** ALTER TABLE as a function from one form of a table to the next. */
import type { Value } from '../../core/batch.js';
import type { ColumnDefinition, TableChange, TableDefinition } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import { checkFill } from '../columns/fill-column.js';
import { type ColumnMaker, layoutOf, type TableColumn, type TableForm } from './layout.js';
import { checkedDefinition } from './table-definition.js';

interface Draft {
  definition: TableDefinition;
  columns: readonly TableColumn[];
  retired: readonly ColumnDefinition[];
  nextColumnId: number;
  /** Rows that were checked against the table of before may break a rule of now. */
  isStricter: boolean;
}

/** Fails with `column_not_found`, `column_exists`, `invalid_argument`, `unsupported`. */
export function alteredForm(form: TableForm, changes: readonly TableChange[], make: ColumnMaker): TableForm {
  const { info, layout, retired, nextColumnId } = form;
  const draft: Draft = { definition: info.definition, columns: layout.columns, retired, nextColumnId, isStricter: false };
  for (const change of changes) applyChange(draft, change, make);
  const definition = checkedDefinition(draft.definition);
  const hasNewShape = draft.isStricter || draft.columns !== layout.columns;
  return {
    info: { id: info.id, definition },
    layout: layoutOf(definition, draft.columns, hasNewShape ? {} : layout.shape),
    retired: draft.retired,
    nextColumnId: draft.nextColumnId,
  };
}

function applyChange(draft: Draft, change: TableChange, make: ColumnMaker): void {
  switch (change.kind) {
    case 'rename_table':
      draft.definition = { ...draft.definition, name: change.name, ...(change.schema === undefined ? {} : { schema: change.schema }) };
      return;
    case 'add_column':
      addColumn(draft, change.column, change.fill, make);
      return;
    case 'drop_column':
      dropColumn(draft, change.name);
      return;
    case 'rename_column':
      assertFree(draft, change.to, change.from);
      replaceColumn(draft, change.from, (column) => ({ ...column, name: change.to }));
      return;
    case 'change_column':
      if (change.change.nullable === false) draft.isStricter = true;
      replaceColumn(draft, change.name, (column) => ({ ...column, ...change.change }));
      return;
    case 'set_options':
      if (change.change.constraints !== undefined || change.change.dedupKeys !== undefined) draft.isStricter = true;
      draft.definition = { ...draft.definition, ...change.change };
  }
}

function indexOf({ definition }: Draft, name: string): number {
  const index = definition.columns.findIndex((column) => column.name.toLowerCase() === name.toLowerCase());
  if (index >= 0) return index;
  throw new DbError('column_not_found', `table "${definition.name}" has no column "${name}"`, {
    hint: `its columns are ${definition.columns.map((column) => column.name).join(', ')}`,
  });
}

function assertFree({ definition }: Draft, name: string, except?: string): void {
  const key = name.toLowerCase();
  if (key === except?.toLowerCase() || !definition.columns.some((column) => column.name.toLowerCase() === key)) return;
  throw new DbError('column_exists', `table "${definition.name}" has a column "${name}"`);
}

function replaceColumn(draft: Draft, name: string, change: (column: ColumnDefinition) => ColumnDefinition): void {
  const index = indexOf(draft, name);
  const columns = draft.definition.columns.map((column, i) => (i === index ? change(column) : column));
  draft.definition = { ...draft.definition, columns };
}

function addColumn(draft: Draft, given: Omit<ColumnDefinition, 'id'>, fill: Value, make: ColumnMaker): void {
  assertFree(draft, given.name);
  checkFill(given.type, fill);
  const { definition, nextColumnId: id } = draft;
  draft.definition = checkedDefinition({ ...definition, columns: [...definition.columns, { ...given, id }] });
  draft.columns = [...draft.columns, make(draft.definition.columns.at(-1) as ColumnDefinition, fill)];
  draft.nextColumnId = id + 1;
}

/** Keys that the column belongs to go with it, as constraints do in PostgreSQL. */
function dropColumn(draft: Draft, name: string): void {
  const index = indexOf(draft, name);
  const { definition } = draft;
  const column = definition.columns[index] as ColumnDefinition;
  if (index === definition.timestampColumn)
    throw new DbError('invalid_argument', `column "${column.name}" is the designated timestamp and cannot be dropped`);
  if (definition.columns.length === 1) throw new DbError('invalid_argument', `column "${column.name}" is the only one of its table`);
  const shifted = (indexes: readonly number[]) => indexes.filter((each) => each !== index).map((each) => (each > index ? each - 1 : each));
  const constraints = (definition.constraints ?? [])
    .filter((constraint) => constraint.kind !== 'unique' || !constraint.columns.includes(index))
    .map((constraint) => (constraint.kind === 'unique' ? { ...constraint, columns: shifted(constraint.columns) } : constraint));
  draft.definition = {
    ...definition,
    columns: definition.columns.filter((_, i) => i !== index),
    timestampColumn: definition.timestampColumn === null ? null : (shifted([definition.timestampColumn])[0] ?? null),
    clusterBy: shifted(definition.clusterBy),
    dedupKeys: definition.dedupKeys.includes(index) ? [] : shifted(definition.dedupKeys),
    ...(definition.constraints === undefined ? {} : { constraints }),
  };
  draft.columns = draft.columns.filter((_, i) => i !== index);
  draft.retired = [...draft.retired, column];
}
