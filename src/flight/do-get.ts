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
import { batchData, schemaData, together } from './flight-data.js';
import { readBytes } from './messages.js';

export async function doGet({ engine }: FlightContext, call: UnaryCall & ResponseStream, signal: StopSignal): Promise<void> {
  const { sql, parameters } = queryOfBytes(readBytes(call.request), 'the ticket');
  const result = await engine.query.execute({ sql, parameters, principal: ANONYMOUS, readOnly: true, signal });
  await sendResult(engine.arena, result, new ResponseWriter(call, signal));
}

async function sendResult(arena: FlightContext['engine']['arena'], result: QueryResult, writer: ResponseWriter): Promise<void> {
  const encoder = new StreamEncoder(arena, result.schema);
  const held = new Set<SentGroup>();
  const head = new HeldSchema(schemaData(encoder.schemaMetadata()), writer);
  try {
    for await (const group of groupRows(result.batches)) {
      const sent = new SentGroup(group, new MemoryScope(arena), held);
      const messages = sent.encode(encoder).map((message) => batchData(arena, message));
      const writes = together([...head.take(), ...messages]);
      sent.expect(writes.length);
      for (const write of writes) await writer.write(write, () => sent.written());
    }
    for (const schema of head.take()) await writer.write(schema);
    await writer.drain();
  } finally {
    head.drop();
    for (const group of held) group.release();
    encoder.close();
  }
}

/** The schema, which goes out with the first rows where they come at once, and otherwise before them. */
class HeldSchema {
  private held: readonly Buffer[];
  private readonly turn: NodeJS.Immediate;

  constructor(schema: Buffer, writer: ResponseWriter) {
    this.held = [schema];
    this.turn = setImmediate(() => {
      // When this fails, so does the next write, which is waited for.
      for (const waiting of this.take()) writer.write(waiting).catch(() => undefined);
    });
  }

  /** What is still held; it is then the caller's to write. */
  take(): readonly Buffer[] {
    const { held } = this;
    if (held.length > 0) this.drop();
    return held;
  }

  drop(): void {
    clearImmediate(this.turn);
    this.held = [];
  }
}

/** Batches that are on their way: they and their scratch memory go back when the last write has left. */
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
    return encoder.encode(this.group.runs, this.scope);
  }

  expect(writes: number): void {
    this.left = writes;
  }

  written(): void {
    this.left--;
    if (this.left === 0) this.release();
  }

  release(): void {
    if (!this.held.delete(this)) return;
    this.scope.release();
    this.group.release();
  }
}
