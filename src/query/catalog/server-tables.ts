/** `sys`: what SHOW shows, as tables to select from; `fletch_settings()` and so on are the same. */
import { AGGREGATE_FUNCTIONS } from '../aggregates/registry.js';
import { SCALAR_FUNCTIONS } from '../functions/registry.js';
import { relationsOf } from './relations.js';
import { SEGMENT_COLUMNS, segmentRows } from './segment-rows.js';
import { type SystemTable, systemTable } from './system-table.js';

export const SERVER_TABLES = {
  settings: systemTable('name value scope type default description', ({ server }) =>
    server.settings().map((each) => ({
      name: each.name,
      value: each.value,
      scope: each.scope,
      type: each.type,
      default: each.fallback,
      description: each.doc,
    })),
  ),
  functions: systemTable('function_name kind category aliases description', () =>
    [
      ...Object.values(SCALAR_FUNCTIONS).map((entry) => ({ entry, kind: 'scalar', category: entry.category as string })),
      ...AGGREGATE_FUNCTIONS.map((entry) => ({ entry, kind: 'aggregate', category: 'aggregate' })),
    ]
      .sort((a, b) => (a.entry.name < b.entry.name ? -1 : 1))
      .map(({ entry, kind, category }) => ({
        function_name: entry.name,
        kind,
        category,
        aliases: (entry.aliases ?? []).join(', '),
        description: entry.doc,
      })),
  ),
  queries: systemTable('query_id query state principal started_at:t elapsed_us:l rows_scanned:l rows_returned:l', ({ server }) =>
    server.queries().map((query) => ({
      query_id: query.queryId,
      query: query.sql.slice(0, 1000),
      state: query.state,
      principal: query.principal.name,
      started_at: query.startedAt / 1000n,
      elapsed_us: BigInt(Math.round(query.elapsedMicroseconds)),
      rows_scanned: BigInt(query.rowsScanned),
      rows_returned: BigInt(query.rowsReturned),
    })),
  ),
  tables: systemTable('schema_name table_name kind rows:l size_bytes:l columns:l designated_timestamp partition_by comment', (facts) =>
    relationsOf(facts).map((relation) => ({
      schema_name: relation.schema,
      table_name: relation.name,
      kind: relation.kind,
      rows: relation.table ? BigInt(relation.rows) : null,
      size_bytes: relation.table ? BigInt(relation.sizeBytes) : null,
      columns: BigInt(relation.columns.length),
      designated_timestamp: relation.columns[relation.table?.timestampColumn ?? -1]?.name ?? null,
      partition_by: relation.table?.partitionBy.toUpperCase() ?? null,
      comment: relation.comment,
    })),
  ),
  segments: systemTable(SEGMENT_COLUMNS, (facts) =>
    relationsOf(facts).flatMap(({ schema, name, table }) => {
      const snapshot = table && facts.snapshot.table(schema === 'public' ? name : `${schema}.${name}`);
      return snapshot ? segmentRows(snapshot) : [];
    }),
  ),
} satisfies Readonly<Record<string, SystemTable>>;
