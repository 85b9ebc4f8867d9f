/** The columns that rows are stored in. A segment keeps the layout that it was made with; ALTER TABLE gives the table another one. */
import { assert } from '../../core/assert.js';
import type { Value } from '../../core/batch.js';
import type { ColumnDefinition, TableDefinition, TableInfo } from '../../core/contracts.js';
import { type DataType, isText } from '../../core/types.js';
import type { Catalog, TableRecord } from '../catalog/catalog.js';
import { loadValue } from '../catalog/stored-value.js';
import { ColumnDictionary } from '../columns/column-dictionary.js';
import type { StorageMemory } from '../memory.js';

/** What a column of one id keeps through renames and changed constraints. */
export interface TableColumn {
  readonly id: number;
  readonly type: DataType;
  /** null: not text. */
  readonly dictionary: ColumnDictionary | null;
  /** Text with too many distinct values: new rows are stored plain. */
  plain: boolean;
  rowsEncoded: number;
  /** The value of rows in segments that are older than the column. */
  readonly fill: Value;
}

export interface Layout {
  readonly definitions: readonly ColumnDefinition[];
  /** By position, as the definitions. */
  readonly columns: readonly TableColumn[];
  /** Position of the designated timestamp; −1 = none. */
  readonly timestampColumn: number;
  /** The same object: rows checked and staged for one layout may be stored with the other. */
  readonly shape: object;
}

/** What ALTER TABLE changes. */
export interface TableForm {
  readonly info: TableInfo;
  readonly layout: Layout;
  /** Columns that were dropped; older segments may hold them. */
  readonly retired: readonly ColumnDefinition[];
  readonly nextColumnId: number;
}

export type ColumnMaker = (definition: ColumnDefinition, fill: Value) => TableColumn;

export function columnMaker(memory: StorageMemory, catalog: Catalog, tableId: number): ColumnMaker {
  return ({ id, type }, fill) => {
    const dictionary = isText(type) ? new ColumnDictionary(memory, () => catalog.dictionary(tableId, id)) : null;
    return { id, type, dictionary, plain: false, rowsEncoded: 0, fill };
  };
}

export function layoutOf(definition: TableDefinition, columns: readonly TableColumn[], shape: object): Layout {
  assert(columns.length === definition.columns.length, 'a layout has a column for each definition');
  return { definitions: definition.columns, columns, timestampColumn: definition.timestampColumn ?? -1, shape };
}

/** Form and columns (dropped ones last) as the catalog has them. */
export function formOfRecord(
  record: TableRecord,
  make: ColumnMaker,
): { readonly form: TableForm; readonly columns: readonly TableColumn[] } {
  const { definition, retired = [] } = record;
  const fills = new Map((record.fills ?? []).map(([id, value]) => [id, loadValue(value)]));
  const known = (column: ColumnDefinition): TableColumn => {
    const made = make(column, fills.get(column.id) ?? null);
    made.plain = record.plainColumns.includes(column.id);
    return made;
  };
  const live = definition.columns.map(known);
  const columns = [...live, ...retired.map(known)];
  const nextColumnId = Math.max(record.nextColumnId ?? 0, ...columns.map((column) => column.id + 1));
  const form = { info: { id: record.id, definition }, layout: layoutOf(definition, live, {}), retired, nextColumnId };
  return { form, columns };
}

/** The layout of a segment that has the columns of these ids; the table's own where they are its columns. */
export function layoutOfIds(ids: readonly number[], form: TableForm, columns: readonly TableColumn[]): Layout | undefined {
  const { layout, retired } = form;
  if (ids.length === layout.columns.length && ids.every((id, i) => layout.columns[i]?.id === id)) return layout;
  const definitions = [...layout.definitions, ...retired];
  const found = ids.map((id) => definitions.findIndex((definition) => definition.id === id));
  if (found.includes(-1)) return undefined;
  const timestampId = layout.definitions[layout.timestampColumn]?.id;
  return {
    definitions: found.map((at) => definitions[at] as ColumnDefinition),
    columns: found.map((at) => columns[at] as TableColumn),
    timestampColumn: timestampId === undefined ? -1 : ids.indexOf(timestampId),
    shape: {},
  };
}

/** Whether rows of one layout lie in the same buffers as rows of the other. */
export function hasSameColumns(a: Layout, b: Layout): boolean {
  return a.columns.length === b.columns.length && a.columns.every((column, i) => column.id === b.columns[i]?.id);
}

/** For each column of `to`, its position in `from`; −1 = it is not there. */
export function positionsIn(from: Layout, to: Layout): readonly number[] {
  return to.columns.map(({ id }) => from.columns.findIndex((column) => column.id === id));
}
