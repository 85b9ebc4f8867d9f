/** DoGet: runs the ticket's query and streams its batches. */

import type { EncodedMessage } from '../arrow/encoded-message.js';
import { groupRows, type RowGroup } from '../arrow/group-rows.js';
import { StreamEncoder, type StreamEncoderOptions } from '../arrow/stream-encoder.js';
import type { Arena } from '../core/arena.js';
import type { QueryResult } from '../core/contracts.js';
import { MemoryScope } from '../core/memory-scope.js';
import { ANONYMOUS } from '../core/principal.js';
import type { StopSignal } from '../core/stop-signal.js';
import { type CallEnd, type FlightContext, type ResponseStream, ResponseWriter, type UnaryCall } from './call.js';
import { queryOfBytes } from './command.js';
import { batchData, MAX_TOGETHER_BYTES, type OutgoingMessage, schemaData, together } from './flight-data.js';
import { readBytes } from './messages.js';
import { type PlainResult, queryOf } from './sql/commands.js';
import { readAny } from './sql/message.js';
import { plainMessages } from './sql/plain-messages.js';
import { sqlCallOf } from './sql/sql-call.js';
import type { SqlResult } from './sql/statements.js';

export async function doGet(context: FlightContext, call: UnaryCall & ResponseStream, signal: StopSignal): Promise<CallEnd> {
  const { engine } = context;
  const ticket = readBytes(call.request);
  const writer = new ResponseWriter(call, signal);
  const command = readAny(ticket);
  if (command)
    return sendSql(engine.arena, await queryOf(command).rows(sqlCallOf(context, call.metadata, signal), command.message), writer);
  const { sql, parameters } = queryOfBytes(ticket, 'the ticket');
  const result = await engine.query.execute({ sql, parameters, principal: ANONYMOUS, readOnly: true, signal });
  return sendResult(engine.arena, result, writer);
}

/** Clients of Flight SQL take messages of 4 MiB by default, headers included. */
const MAX_SQL_BODY_BYTES = 2 * 2 ** 20;

function sendSql(arena: Arena, rows: SqlResult | PlainResult, writer: ResponseWriter): Promise<CallEnd> {
  if ('rows' in rows) return writer.end(plainMessages(rows));
  return sendResult(arena, rows.result, writer, { wire: rows.wire, maxBodyBytes: MAX_SQL_BODY_BYTES });
}

async function sendResult(arena: Arena, result: QueryResult, writer: ResponseWriter, options: StreamEncoderOptions = {}): Promise<CallEnd> {
  const encoder = new StreamEncoder(arena, result.schema, options);
  const sent = new Set<SentGroup>();
  const held = new HeldMessages(schemaData(encoder.schemaMetadata()), writer);
  try {
    for await (const group of groupRows(result.batches)) {
      const own = new SentGroup(group, new MemoryScope(arena), sent);
      const messages = own.encode(encoder);
      const last = messages.length - 1;
      for (const [i, message] of messages.entries()) await held.add(batchData(arena, message), i === last ? own : undefined);
    }
    return await held.end();
  } finally {
    held.drop();
    for (const group of sent) group.release();
    encoder.close();
  }
}

/** Messages that go out in one write with those that come at once, the last ones with the end of the call, and otherwise before them. */
class HeldMessages {
  private readonly writer: ResponseWriter;
  private messages: (OutgoingMessage | Buffer)[];
  private bytes: number;
  /** Whose last messages are among them. */
  private groups: SentGroup[] = [];
  private turn: NodeJS.Immediate | undefined;
  /** A write that nobody waits for yet. */
  private writing: Promise<void> | undefined;

  constructor(schema: Buffer, writer: ResponseWriter) {
    this.writer = writer;
    this.messages = [schema];
    this.bytes = schema.byteLength;
    this.wait();
  }

  /** Resolves when there is room for more. `group`: the one whose last message it is. */
  async add(message: OutgoingMessage | Buffer, group?: SentGroup): Promise<void> {
    if (this.writing) await this.writing;
    if (this.bytes > 0 && this.bytes + message.byteLength > MAX_TOGETHER_BYTES) await this.write();
    this.messages.push(message);
    this.bytes += message.byteLength;
    if (group) this.groups.push(group);
    if (this.bytes > MAX_TOGETHER_BYTES) await this.write();
    else this.wait();
  }

  /** The last of them, and the end of the call where both can leave at once. */
  end(): Promise<CallEnd> {
    const { messages } = this;
    this.drop();
    return this.writer.end(together(messages));
  }

  drop(): void {
    if (this.turn) clearImmediate(this.turn);
    this.turn = undefined;
    this.messages = [];
    this.bytes = 0;
    this.groups = [];
  }

  private async write(): Promise<void> {
    const { messages, groups } = this;
    this.drop();
    const writes = together(messages);
    const last = writes.length - 1;
    const done = () => {
      for (const group of groups) group.release();
    };
    // All are handed over before anything is waited for, so that no later one overtakes them.
    await Promise.all(writes.map((write, i) => this.writer.write(write, i === last ? done : undefined)));
  }

  private wait(): void {
    // When this fails, so does the next write, which is waited for.
    this.turn ??= setImmediate(() => {
      this.writing = this.write().catch(() => undefined);
    });
  }
}

/** Batches that are on their way: they and their scratch memory go back when the last of their messages has left. */
class SentGroup {
  private readonly group: RowGroup;
  private readonly scope: MemoryScope;
  private readonly sent: Set<SentGroup>;

  constructor(group: RowGroup, scope: MemoryScope, sent: Set<SentGroup>) {
    this.group = group;
    this.scope = scope;
    this.sent = sent;
    sent.add(this);
  }

  encode(encoder: StreamEncoder): readonly EncodedMessage[] {
    return encoder.encode(this.group.runs, this.scope);
  }

  release(): void {
    if (!this.sent.delete(this)) return;
    this.scope.release();
    this.group.release();
  }
}
