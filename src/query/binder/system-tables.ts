/** Rows that are made when a statement is bound: constants, and the system tables. */
import type { Value } from '../../core/batch.js';
import type { Snapshot, ViewDefinition } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import type { DataType } from '../../core/types.js';
import type { CatalogFacts, ServerFacts, SystemTable, TableColumn } from '../catalog/system-table.js';
import type { ColumnId } from '../plan/expression.js';
import type { LogicalPlan } from '../plan/logical.js';
import { viewColumns } from './bind-view.js';
import type { BindContext } from './context.js';
import { literal } from './expressions.js';
import type { SearchPath } from './object-name.js';

/** Constant rows as a plan; values in the form of valueAt(). */
export function valuesPlan(columns: readonly TableColumn[], rows: readonly (readonly Value[])[], nextId: () => ColumnId): LogicalPlan {
  return {
    kind: 'values',
    rows: rows.map((row) => columns.map((column, i) => literal(row[i] ?? null, column.type))),
    output: columns.map((column) => ({ id: nextId(), name: column.name, type: column.type, nullable: true })),
  };
}

export function systemTablePlan(table: SystemTable, facts: CatalogFacts, nextId: () => ColumnId): LogicalPlan {
  const rows = table.rows(facts).map((row) => table.columns.map((column) => cellOf(row[column.name] ?? null, column.type)));
  return valuesPlan(table.columns, rows, nextId);
}

/** Catalogs count in numbers; an int64's value is a bigint. */
function cellOf(value: Value, type: DataType): Value {
  return typeof value === 'number' && type.kind === 'int64' ? BigInt(value) : value;
}

const NO_SERVER: ServerFacts = { version: '', principal: '', settings: () => [], queries: () => [] };

/** `context`: read when a view's columns are asked for, so it may be made later. */
export function catalogFacts(
  snapshot: Snapshot,
  server: ServerFacts = NO_SERVER,
  searchPath: SearchPath,
  context: () => BindContext,
): CatalogFacts {
  return { snapshot, server, searchPath, viewColumns: (view) => columnsOfView(view, context()) };
}

function columnsOfView(view: ViewDefinition, context: BindContext): readonly TableColumn[] {
  try {
    return viewColumns(view, context);
  } catch (error) {
    // What the view reads is gone or changed. It is still listed; selecting from it tells why.
    if (error instanceof DbError) return [];
    throw error;
  }
}
