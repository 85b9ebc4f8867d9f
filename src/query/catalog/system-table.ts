/** A system table: named columns, and rows made from what a statement's snapshot and server say when it is read. */
import type { Value } from '../../core/batch.js';
import type { RunningQuery, Snapshot, ViewDefinition } from '../../core/contracts.js';
import { BOOL, type DataType, FLOAT32, FLOAT64, INT32, INT64, TIMESTAMP_US, UTF8 } from '../../core/types.js';

export interface TableColumn {
  readonly name: string;
  readonly type: DataType;
}

export interface SettingFact {
  readonly name: string;
  readonly value: string;
  readonly scope: string;
  readonly type: string;
  readonly fallback: string;
  readonly doc: string;
}

/** What the server knows beside the data. */
export interface ServerFacts {
  readonly version: string;
  readonly principal: string;
  settings(): readonly SettingFact[];
  queries(): readonly RunningQuery[];
}

export interface CatalogFacts {
  readonly snapshot: Snapshot;
  readonly server: ServerFacts;
  /** Schemas where names without one are looked for. */
  readonly searchPath: readonly string[];
  /** Columns of a stored query; empty when it can no longer be bound. */
  viewColumns(view: ViewDefinition): readonly TableColumn[];
}

export type Row = Readonly<Record<string, Value>>;

export interface SystemTable {
  readonly columns: readonly TableColumn[];
  /** Columns that a row leaves away are NULL. */
  rows(facts: CatalogFacts): readonly Row[];
}

const LETTERS: Readonly<Record<string, DataType>> = {
  b: BOOL,
  s: { kind: 'int16' },
  i: INT32,
  l: INT64,
  r: FLOAT32,
  d: FLOAT64,
  t: TIMESTAMP_US,
  L: { kind: 'list', item: { name: 'item', type: INT64, nullable: true } },
  T: { kind: 'list', item: { name: 'item', type: UTF8, nullable: true } },
};

/** `oid:l relname relhasindex:b`: names, and a letter of LETTERS where the type is not text. */
export function systemTable(columns: string, rows: SystemTable['rows'] = () => []): SystemTable {
  return {
    columns: columns
      .trim()
      .split(/\s+/)
      .map((column) => {
        const [name = '', letter] = column.split(':');
        return { name, type: letter === undefined ? UTF8 : (LETTERS[letter] ?? UTF8) };
      }),
    rows,
  };
}
