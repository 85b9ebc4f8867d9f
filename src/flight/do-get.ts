/** DoGet: runs the ticket's query and streams its batches. */

import type { EncodedMessage } from '../arrow/encoded-message.js';
import { groupRows, type RowGroup } from '../arrow/group-rows.js';
import { StreamEncoder } from '../arrow/stream-encoder.js';
import type { QueryResult } from '../core/contracts.js';
import { MemoryScope } from '../core/memory-scope.js';
import { ANONYMOUS } from '../core/principal.js';
import type { StopSignal } from '../core/stop-signal.js';
import { type FlightContext, type ResponseStream, ResponseWriter, type UnaryCall } from './call.js';
import { queryOfBytes } from './command.js';
import { batchData, schemaData } from './flight-data.js';
import { readBytes } from './messages.js';

export async function doGet({ engine }: FlightContext, call: UnaryCall & ResponseStream, signal: StopSignal): Promise<void> {
  const { sql, parameters } = queryOfBytes(readBytes(call.request), 'the ticket');
  const result = await engine.query.execute({ sql, parameters, principal: ANONYMOUS, readOnly: true, signal });
  await sendResult(engine.arena, result, new ResponseWriter(call, signal));
}

async function sendResult(arena: FlightContext['engine']['arena'], result: QueryResult, writer: ResponseWriter): Promise<void> {
  const encoder = new StreamEncoder(arena, result.schema);
  const held = new Set<SentGroup>();
  try {
    await writer.write(schemaData(encoder.schemaMetadata()));
    for await (const group of groupRows(result.batches)) {
      const sent = new SentGroup(group, new MemoryScope(arena), held);
      const messages = sent.encode(encoder);
      for (const message of messages) await writer.write(batchData(arena, message), () => sent.messageSent());
    }
    await writer.drain();
  } finally {
    for (const group of held) group.release();
    encoder.close();
  }
}

/** Batches whose messages are on their way: they and their scratch memory go back when the last one has left. */
class SentGroup {
  private readonly group: RowGroup;
  private readonly scope: MemoryScope;
  private readonly held: Set<SentGroup>;
  private left = 0;

  constructor(group: RowGroup, scope: MemoryScope, held: Set<SentGroup>) {
    this.group = group;
    this.scope = scope;
    this.held = held;
    held.add(this);
  }

  encode(encoder: StreamEncoder): readonly EncodedMessage[] {
    const messages = encoder.encode(this.group.runs, this.scope);
    this.left = messages.length;
    return messages;
  }

  messageSent(): void {
    this.left--;
    if (this.left === 0) this.release();
  }

  release(): void {
    if (!this.held.delete(this)) return;
    this.scope.release();
    this.group.release();
  }
}
