/** The index of a grouped segment in the catalog (layout: catalog.ts, `cluster`), and in memory once it was asked for. */
import type { ClusterIndex } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import type { Segment } from '../tables/segment.js';
import type { Catalog } from './catalog.js';

export function writeCluster({ codes, ends }: ClusterIndex): Uint8Array {
  const record = Buffer.alloc(4 + 8 * codes.length);
  record.writeUInt32LE(codes.length, 0);
  codes.forEach((code, i) => {
    record.writeUInt32LE(code, 4 + 4 * i);
    record.writeUInt32LE(ends[i] ?? 0, 4 + 4 * (codes.length + i));
  });
  return record;
}

function readCluster(bytes: Uint8Array): ClusterIndex | undefined {
  const record = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = record.length < 4 ? 0 : record.readUInt32LE(0);
  if (record.length !== 4 + 8 * count) return undefined;
  const word = (at: number) => record.readUInt32LE(4 + 4 * at);
  return {
    codes: Uint32Array.from({ length: count }, (_, i) => word(i)),
    ends: Uint32Array.from({ length: count }, (_, i) => word(count + i)),
  };
}

/** Of a sealed segment; null when its rows are not grouped. Fails with `corrupt`. */
export function clusterOf(catalog: Catalog, tableId: number, segment: Segment): ClusterIndex | null {
  if (segment.record?.cluster === undefined) return null;
  if (segment.cluster !== null) return segment.cluster;
  const bytes = catalog.cluster(tableId, segment.id);
  const index = bytes && readCluster(bytes);
  if (index === undefined || (index.ends.at(-1) ?? 0) !== segment.rows)
    throw new DbError('corrupt', `the catalog lacks the index of segment ${tableId}-${segment.id}`);
  segment.cluster = index;
  return index;
}
