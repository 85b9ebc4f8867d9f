/** Results → apache-arrow tables and back, through Arrow IPC: the one form of the two that is specified to the last bit. */
import { Table, tableFromIPC, tableToIPC } from 'apache-arrow';
import type { Arena } from '../core/arena.js';
import type { Batch } from '../core/batch.js';
import type { QueryResult } from '../core/contracts.js';
import { DbError } from '../core/errors.js';
import { MemoryScope } from '../core/memory-scope.js';
import type { Schema } from '../core/types.js';
import { copyIntoArena } from './arena-copy.js';
import { IpcDecoder } from './ipc-decoder.js';
import { encodeIpcStream } from './ipc-stream.js';

/** apache-arrow's table class, for those above this folder. */
export type ApacheTable = Table;

export function isApacheTable(value: unknown): value is ApacheTable {
  return value instanceof Table;
}

/** The whole result as an apache-arrow Table; its buffers are copies, independent of the arena. */
export async function toApacheTable(result: Pick<QueryResult, 'schema' | 'batches'>, arena: Arena): Promise<Table> {
  const parts: Uint8Array[] = [];
  for await (const step of encodeIpcStream(arena, result.schema, result.batches)) for (const part of step) parts.push(part.slice());
  return tableFromIPC(parts);
}

/** An apache-arrow Table (or one RecordBatch as Table) as batches whose memory the scope owns. Fails with `unsupported` naming the field. */
export function fromApacheTable(table: Table, scope: MemoryScope): { readonly batches: readonly Batch[]; readonly schema: Schema } {
  return decodeIpcBytes(tableToIPC(table, 'stream'), scope);
}

/** A whole IPC stream in one buffer as batches whose memory the scope owns. */
function decodeIpcBytes(bytes: Uint8Array, scope: MemoryScope): { readonly batches: readonly Batch[]; readonly schema: Schema } {
  const { arena } = scope;
  const decoder = new IpcDecoder(arena, Number.MAX_SAFE_INTEGER);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const batches: Batch[] = [];
  try {
    for (let at = 0; at + 8 <= bytes.length; ) {
      const length = view.getInt32(at + 4, true);
      if (length === 0) break;
      const head = decoder.head(bytes.subarray(at + 8, at + 8 + length));
      at += 8 + length;
      const own = new MemoryScope(arena);
      const address = own.allocate(head.bodyBytes + 64);
      copyIntoArena(arena, address, bytes.subarray(at, at + head.bodyBytes));
      at += head.bodyBytes;
      const batch = decoder.decode(head, own, address);
      if (batch === null) continue;
      for (const held of own.giveAwayAll()) scope.adopt(held);
      batches.push({ arena: batch.arena, rowCount: batch.rowCount, columns: batch.columns });
    }
  } finally {
    decoder.moveTo(scope);
  }
  if (decoder.schema === undefined) throw new DbError('invalid_data', 'an Arrow table without schema');
  return { batches, schema: decoder.schema };
}
