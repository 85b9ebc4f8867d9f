/** The messages of a small table: its schema, then record batches that every client takes. */
import { encodeSchemaMetadata } from '../../arrow/ipc-schema.js';
import { encodePlainRows, type PlainValue } from '../../arrow/plain-rows.js';
import { schemaData } from '../flight-data.js';
import { MessageWriter } from '../protobuf.js';
import type { PlainResult } from './commands.js';

/** Bytes of values, about, in one batch. */
const BATCH_BYTES = 1 << 20;

export function plainMessages({ rows, wire }: PlainResult): Buffer[] {
  const messages = [schemaData(encodeSchemaMetadata(wire))];
  for (let from = 0; from < rows.length; ) {
    let [to, sizeBytes] = [from, 0];
    while (to < rows.length && sizeBytes < BATCH_BYTES) for (const value of rows[to++] ?? []) sizeBytes += sizeOf(value);
    const some = rows.slice(from, to);
    const columns = wire.fields.map((_, i) => some.map((row) => row[i] ?? null));
    const { metadata, body } = encodePlainRows(wire, columns);
    messages.push(new MessageWriter().bytes(2, metadata).bytes(1000, body).finish());
    from = to;
  }
  return messages;
}

function sizeOf(value: PlainValue): number {
  return typeof value === 'string' || value instanceof Uint8Array ? value.length : 8;
}
