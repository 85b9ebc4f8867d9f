/**
 * DoPut: batches into a table. Every batch is an append of its own, acknowledged by a PutResult with {"rows","sequence"} when it is on disk;
 * several are on their way at once, in order, so that a client that does not read its acknowledgements is not slowed down. An atomic stream
 * (`atomic`, or mode `replace`) is one append, acknowledged once at its end.
 */

import type { Duplex } from 'node:stream';
import { IpcDecoder } from '../arrow/ipc-decoder.js';
import type { OwnedBatch } from '../core/batch.js';
import type { AppendResult, AppendSession, Engine, IngestOptions } from '../core/contracts.js';
import { DbError } from '../core/errors.js';
import { ANONYMOUS } from '../core/principal.js';
import type { StopSignal } from '../core/stop-signal.js';
import type { Schema } from '../core/types.js';
import type { FlightContext, ResponseStream } from './call.js';
import { type PutCommand, putOfDescriptor } from './command.js';
import { decodeMessage, IncomingMessages } from './incoming-rows.js';
import { type FlightData, writeBytes } from './messages.js';
import { putCommand } from './sql/commands.js';
import { readAny } from './sql/message.js';
import { sqlCallOf } from './sql/sql-call.js';

/** Commits on their way at once. */
const MAX_COMMITS = 8;

export async function doPut(context: FlightContext, call: Duplex & ResponseStream, signal: StopSignal): Promise<void> {
  const messages = new IncomingMessages(call, signal);
  const first = await messages.first();
  const command = first?.descriptor ? readAny(first.descriptor.command) : undefined;
  if (!command) return putRows(context, call, messages, signal);
  call.write(writeBytes(await putCommand(sqlCallOf(context, call.metadata, signal), command, messages)));
}

async function putRows(
  { engine, settings }: FlightContext,
  call: Duplex & ResponseStream,
  messages: IncomingMessages,
  signal: StopSignal,
): Promise<void> {
  const decoder = new IpcDecoder(engine.arena, settings.max_body_bytes);
  const put = new PutStream(engine, signal, (ack) => call.write(ack));
  try {
    for (let data = await messages.next(); data; data = await messages.next()) await takeMessage(put, decoder, data);
    await put.finish();
  } catch (error) {
    await put.abandon();
    throw signal.aborted ? signal.reason : error;
  } finally {
    decoder.close();
  }
}

async function takeMessage(put: PutStream, decoder: IpcDecoder, data: FlightData): Promise<void> {
  if (data.descriptor !== null && put.command === undefined && data.descriptor.kind !== 'unknown')
    put.command = putOfDescriptor(data.descriptor);
  const hadSchema = decoder.schema !== undefined;
  const batch = decodeMessage(decoder, data);
  if (!hadSchema && decoder.schema) await put.open(decoder.schema);
  if (batch !== null) await put.add(batch);
}

/** The appends of one DoPut. */
class PutStream {
  command: PutCommand | undefined;
  private readonly engine: Engine;
  private readonly signal: StopSignal;
  private readonly acknowledge: (ack: Buffer) => void;
  private schema: Schema | undefined;
  /** Opened and not yet committed. */
  private session: AppendSession | undefined;
  private readonly commits: Promise<void>[] = [];
  private failure: { readonly error: unknown } | undefined;
  private hasCommitted = false;

  constructor(engine: Engine, signal: StopSignal, acknowledge: (ack: Buffer) => void) {
    this.engine = engine;
    this.signal = signal;
    this.acknowledge = acknowledge;
  }

  /** Opens (and creates) the table, so that a schema that does not fit is refused before any row is sent. */
  async open(schema: Schema): Promise<void> {
    if (this.command === undefined) {
      throw new DbError('invalid_argument', 'DoPut needs a descriptor that names the table', {
        hint: 'path = [table], or command = table',
      });
    }
    this.schema = schema;
    this.session = await this.openSession(this.command, true);
  }

  /** Appends a batch, which is released here. Resolves when the next one may come. */
  async add(batch: OwnedBatch): Promise<void> {
    const { command, schema } = this;
    try {
      if (command === undefined || schema === undefined) throw new DbError('invalid_data', 'a batch came before its schema');
      this.throwFailure();
      this.session ??= await this.openSession(command, false);
      await this.session.append(batch, schema);
    } finally {
      batch.release();
    }
    if (!command.isAtomic) await this.commit();
  }

  /** Commits what is open; resolves when everything is acknowledged. */
  async finish(): Promise<void> {
    if (this.command === undefined || this.schema === undefined) throw new DbError('invalid_data', 'DoPut ended before its schema came');
    if (this.command.isAtomic || !this.hasCommitted) await this.commit();
    await Promise.all(this.commits);
    this.throwFailure();
  }

  /** Gives up what is not committed; commits under way are still acknowledged. */
  async abandon(): Promise<void> {
    this.session?.abort();
    this.session = undefined;
    await Promise.all(this.commits);
  }

  private openSession(command: PutCommand, isFirst: boolean): Promise<AppendSession> {
    const options: IngestOptions = {
      principal: ANONYMOUS,
      create: isFirst && command.create,
      mode: isFirst ? command.mode : 'append',
    };
    return this.engine.ingest.open(command.table, this.schema as Schema, options);
  }

  private async commit(): Promise<void> {
    const { session } = this;
    if (session === undefined) return;
    this.session = undefined;
    this.hasCommitted = true;
    const before = this.commits.at(-1) ?? Promise.resolve();
    this.commits.push(this.acknowledged(session.commit(), before));
    if (this.commits.length > MAX_COMMITS) await this.commits.shift();
    this.throwFailure();
  }

  /** Acknowledges a commit after the ones before it. Never rejects: the first failure is kept. */
  private async acknowledged(commit: Promise<AppendResult>, before: Promise<void>): Promise<void> {
    try {
      const { rows, sequence } = await commit;
      await before;
      if (this.failure === undefined && !this.signal.aborted)
        this.acknowledge(writeBytes(Buffer.from(`{"rows":${rows},"sequence":${sequence}}`)));
    } catch (error) {
      this.failure ??= { error };
    }
  }

  private throwFailure(): void {
    if (this.failure !== undefined) throw this.failure.error;
  }
}
