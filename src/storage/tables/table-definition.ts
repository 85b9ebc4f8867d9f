/** What a table definition must satisfy, and what it becomes before it is stored. */
import type { TableDefinition } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import type { DataType, Field } from '../../core/types.js';
import { checkCompactionOptions } from '../segments/compaction-options.js';

const LONGEST_NAME = 255;

/** The designated timestamp becomes NOT NULL; symbols inside lists and structs become utf8. Fails with `invalid_argument`. */
export function checkedDefinition(given: TableDefinition): TableDefinition {
  if (given.name === '' || given.name.length > LONGEST_NAME) throw new DbError('invalid_argument', `"${given.name}" is no table name`);
  if (given.columns.length === 0) throw new DbError('invalid_argument', `table "${given.name}" has no columns`);
  const names = new Set<string>();
  for (const { name } of given.columns) {
    const key = name.toLowerCase();
    if (names.has(key)) throw new DbError('invalid_argument', `table "${given.name}" has two columns of the name "${name}"`);
    names.add(key);
  }
  if (new Set(given.columns.map((column) => column.id)).size < given.columns.length) {
    throw new DbError('invalid_argument', `table "${given.name}" has two columns of the same id`);
  }
  checkCompactionOptions(given);
  const { timestampColumn } = given;
  const time = timestampColumn === null ? undefined : given.columns[timestampColumn];
  if (timestampColumn !== null && time?.type.kind !== 'timestamp') {
    throw new DbError('invalid_argument', `the designated timestamp "${time?.name ?? timestampColumn}" is not a timestamp`);
  }
  const columns = given.columns.map((column, i) => {
    const type = column.type.kind === 'symbol' ? column.type : withoutSymbols(column.type);
    return { ...column, type, nullable: column.nullable && i !== timestampColumn };
  });
  return { ...given, columns };
}

function withoutSymbols(type: DataType): DataType {
  const field = (inner: Field): Field => ({ ...inner, type: withoutSymbols(inner.type) });
  if (type.kind === 'symbol') return { kind: 'utf8' };
  if (type.kind === 'list') return { kind: 'list', item: field(type.item) };
  return type.kind === 'struct' ? { kind: 'struct', fields: type.fields.map(field) } : type;
}
