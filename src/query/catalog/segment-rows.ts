/** Segments of a table as rows: `sys.segments`, SHOW SEGMENTS. */
import type { SegmentView, TableDefinition, TableSnapshot } from '../../core/contracts.js';
import { partitionName } from '../../core/partitions.js';
import { UNITS_PER_SECOND } from '../../core/types.js';
import type { Row } from './system-table.js';

/** As systemTable() takes them. */
export const SEGMENT_COLUMNS = `schema_name table_name partition segment_id:l state level:l rows:l deleted_rows:l size_bytes:l plain_bytes:l first_time:t last_time:t
  row_order file`;

export function segmentRows(table: TableSnapshot): Row[] {
  const { definition } = table.table;
  return table.segments.map((segment) => {
    const stored = table.storageOf?.(segment);
    return {
      schema_name: definition.schema ?? 'public',
      table_name: definition.name,
      segment_id: stored === undefined ? null : BigInt(stored.number),
      state: stored?.state ?? null,
      level: stored === undefined ? null : BigInt(stored.level),
      rows: BigInt(segment.rowCount),
      deleted_rows: BigInt(segment.deletedCount),
      size_bytes: BigInt(segment.sizeBytes),
      plain_bytes: BigInt(stored?.plainBytes ?? segment.sizeBytes),
      row_order: segment.order.kind,
      file: stored?.file ?? null,
      ...timesOf(segment, definition),
    };
  });
}

/** The partition that a segment lies in (two, when neighbours share it), and its first and last time so far as zone maps know. */
function timesOf(segment: SegmentView, { timestampColumn, columns, partitionBy }: TableDefinition): Row {
  const type = columns[timestampColumn ?? -1]?.type;
  const zone = segment.zoneMaps[timestampColumn ?? -1];
  if (type?.kind !== 'timestamp' || typeof zone?.min !== 'bigint' || typeof zone.max !== 'bigint') return {};
  const [first, last] = [partitionName(partitionBy, type, zone.min), partitionName(partitionBy, type, zone.max)];
  const microseconds = (ticks: bigint) => BigInt.asIntN(64, (ticks * 1_000_000n) / UNITS_PER_SECOND[type.unit]);
  return {
    partition: first === last ? first : `${first} … ${last}`,
    first_time: microseconds(zone.min),
    last_time: microseconds(zone.max),
  };
}
