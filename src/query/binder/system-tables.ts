/** information_schema, made from the catalog when it is asked for. */
import type { Value } from '../../core/batch.js';
import type { Snapshot } from '../../core/contracts.js';
import { type DataType, INT32, typeName, UTF8 } from '../../core/types.js';
import type { ColumnId } from '../plan/expression.js';
import type { LogicalPlan } from '../plan/logical.js';
import { literal } from './expressions.js';

export interface TableColumn {
  readonly name: string;
  readonly type: DataType;
}

/** Constant rows as a plan; values in the form of valueAt(). */
export function valuesPlan(columns: readonly TableColumn[], rows: readonly (readonly Value[])[], nextId: () => ColumnId): LogicalPlan {
  return {
    kind: 'values',
    rows: rows.map((row) => columns.map((column, i) => literal(row[i] ?? null, column.type))),
    output: columns.map((column) => ({ id: nextId(), name: column.name, type: column.type, nullable: true })),
  };
}

const CATALOG = 'fletch';
const SCHEMA = 'public';

const text = (name: string): TableColumn => ({ name, type: UTF8 });

interface SystemTable {
  readonly columns: readonly TableColumn[];
  rows(snapshot: Snapshot): readonly (readonly Value[])[];
}

const SYSTEM_TABLES: Readonly<Record<string, SystemTable>> = {
  'information_schema.schemata': {
    columns: [text('catalog_name'), text('schema_name')],
    rows: () => [
      [CATALOG, SCHEMA],
      [CATALOG, 'information_schema'],
    ],
  },
  'information_schema.tables': {
    columns: [text('table_catalog'), text('table_schema'), text('table_name'), text('table_type')],
    rows: (snapshot) => snapshot.tables().map((table) => [CATALOG, SCHEMA, table.definition.name, 'BASE TABLE']),
  },
  'information_schema.columns': {
    columns: [
      text('table_catalog'),
      text('table_schema'),
      text('table_name'),
      text('column_name'),
      { name: 'ordinal_position', type: INT32 },
      text('column_default'),
      text('is_nullable'),
      text('data_type'),
    ],
    rows: (snapshot) =>
      snapshot
        .tables()
        .flatMap((table) =>
          table.definition.columns.map((column, i) => [
            CATALOG,
            SCHEMA,
            table.definition.name,
            column.name,
            i + 1,
            column.defaultSql,
            column.nullable ? 'YES' : 'NO',
            typeName(column.type),
          ]),
        ),
  },
};

export function systemTable(schema: string, name: string, snapshot: Snapshot, nextId: () => ColumnId): LogicalPlan | undefined {
  const table = SYSTEM_TABLES[`${schema}.${name}`];
  return table && valuesPlan(table.columns, table.rows(snapshot), nextId);
}
