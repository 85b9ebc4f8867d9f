/** Tables that are made of the rows that come. */
import type { ColumnDefinition, IngestOptions, TableDefinition } from './contracts.js';
import type { DataType, Schema } from './types.js';

/** How the table is made, as IngestOptions say it. */
type TableOptions = Pick<IngestOptions, 'schema' | 'designated'>;

/** The table that ingest makes for a schema: the first timestamp is the designated one, partitioned by day; columns without a type are text. */
export function definitionOfSchema(name: string, rows: Schema, { schema, designated = true }: TableOptions = {}): TableDefinition {
  const timestamp = designated ? rows.fields.findIndex((field) => field.type.kind === 'timestamp') : -1;
  const columns = rows.fields.map((field, id): ColumnDefinition => {
    const type: DataType = field.type.kind === 'null' ? { kind: 'utf8' } : field.type;
    return { name: field.name, type, nullable: field.nullable, id, defaultSql: null, comment: null };
  });
  return {
    name: schema === undefined ? name : name.slice(schema.length + 1),
    columns,
    timestampColumn: timestamp < 0 ? null : timestamp,
    partitionBy: timestamp < 0 ? 'none' : 'day',
    clusterBy: [],
    dedupKeys: [],
    ttl: null,
    options: {},
    ...(schema === undefined ? {} : { schema }),
  };
}
