/** What is stored. */
import type { FastifyRequest } from 'fastify';
import type { ColumnDefinition, TableDefinition, TableSnapshot } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import { nearestName } from '../../core/nearest-name.js';
import { typeName } from '../../core/types.js';
import { timestampText, valueAt } from '../../core/values.js';
import { type Handler, type HttpContext, principalOf } from '../context.js';

export const getTables: Handler = async (context) => {
  const snapshot = context.engine.storage.snapshot();
  try {
    const tables = snapshot.tables().map((table) => {
      const view = snapshot.table(table.definition.name);
      return { name: table.definition.name, rows: view?.rowCount ?? 0, bytes: view?.sizeBytes ?? 0, segments: view?.segments.length ?? 0 };
    });
    return { tables };
  } finally {
    snapshot.release();
  }
};

export const getTable: Handler = async (context, request) => {
  const { name } = request.params as { name: string };
  const snapshot = context.engine.storage.snapshot();
  try {
    const table = snapshot.table(name);
    if (!table) {
      const nearest = nearestName(
        name,
        snapshot.tables().map((other) => other.definition.name),
      );
      throw new DbError('table_not_found', `no table is called ${name}`, nearest === undefined ? {} : { hint: `did you mean ${nearest}?` });
    }
    return await describeTable(context, request, table);
  } finally {
    snapshot.release();
  }
};

async function describeTable(context: HttpContext, request: FastifyRequest, table: TableSnapshot): Promise<object> {
  const { definition } = table.table;
  const nameOf = (index: number) => definition.columns[index]?.name;
  return {
    name: definition.name,
    rows: table.rowCount,
    bytes: table.sizeBytes,
    segments: table.segments.length,
    timestamp: definition.timestampColumn === null ? null : nameOf(definition.timestampColumn),
    partition_by: definition.partitionBy,
    cluster_by: definition.clusterBy.map(nameOf),
    dedup_keys: definition.dedupKeys.map(nameOf),
    ttl: definition.ttl,
    time_range: zoneRange(table, definition) ?? (await scannedRange(context, request, table)),
    columns: definition.columns.map((column: ColumnDefinition) => ({
      name: column.name,
      type: typeName(column.type),
      nullable: column.nullable,
      default: column.defaultSql,
      comment: column.comment,
    })),
  };
}

interface TimeRange {
  readonly min: string;
  readonly max: string;
}

/** First and last designated timestamp by the zone maps; null when there is none, or a segment does not know. */
function zoneRange(table: TableSnapshot, definition: TableDefinition): TimeRange | null {
  const index = definition.timestampColumn;
  const type = index === null ? undefined : definition.columns[index]?.type;
  if (index === null || type?.kind !== 'timestamp') return null;
  let min: bigint | undefined;
  let max: bigint | undefined;
  for (const segment of table.segments) {
    const zone = segment.zoneMaps[index];
    if (typeof zone?.min !== 'bigint' || typeof zone.max !== 'bigint') return null;
    if (min === undefined || zone.min < min) min = zone.min;
    if (max === undefined || zone.max > max) max = zone.max;
  }
  return min === undefined || max === undefined ? null : { min: timestampText(min, type.unit), max: timestampText(max, type.unit) };
}

/** The same by reading the column: active segments have no zone maps yet. */
async function scannedRange(context: HttpContext, request: FastifyRequest, table: TableSnapshot): Promise<TimeRange | null> {
  const { definition } = table.table;
  const column = definition.columns[definition.timestampColumn ?? -1];
  if (column?.type.kind !== 'timestamp' || table.rowCount === 0) return null;
  const { engine } = context;
  const name = quoted(column.name);
  const sql = `SELECT min(${name}), max(${name}) FROM ${quoted(definition.name)}`;
  const result = await engine.query.execute({ sql, principal: principalOf(request), readOnly: true });
  let range: TimeRange | null = null;
  for await (const batch of result.batches) {
    const [min, max] = batch.columns.map((vector) => (batch.rowCount === 0 ? null : valueAt(engine.arena, vector, 0)));
    if (typeof min === 'bigint' && typeof max === 'bigint')
      range = { min: timestampText(min, column.type.unit), max: timestampText(max, column.type.unit) };
    batch.release();
  }
  return range;
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
