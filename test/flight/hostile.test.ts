import { Client, type ClientDuplexStream, credentials, type Metadata, type ServiceError } from '@grpc/grpc-js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { bodyParts } from '../../src/arrow/ipc-batch.js';
import { StreamEncoder } from '../../src/arrow/stream-encoder.js';
import { type Batch, flatVector } from '../../src/core/batch.js';
import { MemoryScope } from '../../src/core/memory-scope.js';
import { settingsWith } from '../../src/core/settings.js';
import { INT64 } from '../../src/core/types.js';
import { MessageWriter } from '../../src/flight/protobuf.js';
import { startFlight } from '../../src/flight/server.js';
import type { FlightServer } from '../../src/flight/server-interface.js';
import { FakeEngine } from './fake-engine.js';

const identity = (message: Buffer) => message;
const method = (name: string) => `/arrow.flight.protocol.FlightService/${name}`;

let fake: FakeEngine;
let server: FlightServer;
let client: Client;
let schemaHeader: Uint8Array;
let batchHeader: Uint8Array;
let batchBody: Buffer;

beforeEach(async () => {
  fake = new FakeEngine(1 << 26);
  const settings = settingsWith({ max_body_bytes: '1MB' });
  server = await startFlight(fake.engine, { host: '127.0.0.1', port: 0, settings });
  client = new Client(`127.0.0.1:${server.port}`, credentials.createInsecure());
  const encoder = new StreamEncoder(fake.arena, { fields: [{ name: 'a', type: INT64, nullable: true }] });
  const batch: Batch = { arena: 3, rowCount: 10, columns: [flatVector(INT64, 10, fake.kept.allocateZeroed(80))] };
  const [message] = encoder.encode([{ batch, start: 0, count: 10 }], new MemoryScope(fake.arena));
  if (!message) throw new Error('no message');
  schemaHeader = encoder.schemaMetadata();
  batchHeader = message.metadata;
  batchBody = Buffer.concat(bodyParts(fake.arena, message.pieces));
});

afterEach(async () => {
  client.close();
  await server.close();
});

const path = (table: string) => new MessageWriter().number(1, 1).bytes(3, Buffer.from(table));
const data = (header: Uint8Array, body?: Uint8Array) =>
  body ? new MessageWriter().bytes(2, header).bytes(1000, body) : new MessageWriter().bytes(2, header);
const schemaFor = (table: string) => new MessageWriter().message(1, path(table)).bytes(2, schemaHeader).finish();

interface Outcome {
  readonly code: number;
  readonly details: string;
  readonly answers: string[];
  readonly metadata: Metadata;
}

/** Sends messages to DoPut; the outcome is the status and what was acknowledged. */
function put(...messages: readonly Uint8Array[]): Promise<Outcome> {
  const call: ClientDuplexStream<Buffer, Buffer> = client.makeBidiStreamRequest(method('DoPut'), identity, identity);
  return outcomeOf(call, () => {
    for (const message of messages) call.write(Buffer.from(message));
    call.end();
  });
}

function outcomeOf(call: ClientDuplexStream<Buffer, Buffer>, send: () => void): Promise<Outcome> {
  const answers: string[] = [];
  return new Promise((resolve) => {
    call.on('data', (answer: Buffer) => answers.push(answer.subarray(2).toString()));
    call.on('error', () => undefined);
    call.on('status', (status) => resolve({ code: status.code, details: status.details, answers, metadata: status.metadata }));
    send();
  });
}

const good = () => data(batchHeader, batchBody).finish();

test('a well-formed stream is acknowledged, so the broken ones below are broken by one thing only', async () => {
  expect(await put(schemaFor('t'), good(), good())).toMatchObject({
    code: 0,
    answers: ['{"rows":10,"sequence":1}', '{"rows":10,"sequence":2}'],
  });
});

test('lying lengths, garbage and a wrong order are invalid_data, nothing of the message stays, and the server lives', async () => {
  const cases: Record<string, readonly Uint8Array[]> = {
    'a body shorter than the header says': [data(batchHeader, batchBody.subarray(0, 40)).finish()],
    'no body': [data(batchHeader).finish()],
    'a header that is noise': [data(Buffer.alloc(64, 0xee), batchBody).finish()],
    'a header cut short': [data(batchHeader.subarray(0, 40), batchBody).finish()],
    'protobuf that is noise': [Buffer.alloc(64, 0xff)],
    'a protobuf length beyond the end': [Buffer.from([0x12, 0xff, 0xff, 0xff, 0x7f, 1, 2, 3])],
    'a second schema': [schemaFor('t')],
  };
  for (const [name, messages] of Object.entries(cases)) {
    const outcome = await put(schemaFor('t'), ...messages);
    expect({ name, code: outcome.code }).toEqual({ name, code: 3 });
    expect(outcome.details).toMatch(/^invalid_data: /);
    expect(outcome.metadata.get('fletch-code')).toEqual(['invalid_data']);
  }
  expect((await put(good())).details).toMatch(/^invalid_data: /);
  expect((await put()).details).toMatch(/^invalid_data: /);
  expect((await put(data(schemaHeader).finish())).details).toMatch(/^invalid_argument: /);
  expect(fake.commits).toEqual([]);
  expect((await put(schemaFor('t'), good())).code).toBe(0);
});

test('batches before the broken one stay acknowledged', async () => {
  const outcome = await put(schemaFor('t'), good(), data(batchHeader).finish(), good());
  expect(outcome.code).toBe(3);
  expect(outcome.answers).toEqual(['{"rows":10,"sequence":1}']);
  expect(fake.commits).toHaveLength(1);
});

test('a message larger than max_body_bytes is refused', async () => {
  const outcome = await put(schemaFor('t'), data(batchHeader, Buffer.alloc(2_000_000)).finish());
  expect(outcome.code).toBe(8);
  expect(fake.commits).toEqual([]);
});

test('messages of metadata only are skipped, and messages that gRPC compresses are inflated', async () => {
  const metadataOnly = new MessageWriter().bytes(3, Buffer.from('note')).finish();
  expect((await put(schemaFor('t'), metadataOnly, good())).answers).toHaveLength(1);
  const compressing = new Client(`127.0.0.1:${server.port}`, credentials.createInsecure(), { 'grpc.default_compression_algorithm': 2 });
  const call = compressing.makeBidiStreamRequest<Buffer, Buffer>(method('DoPut'), identity, identity);
  const outcome = await outcomeOf(call, () => {
    call.write(schemaFor('t'));
    call.write(good());
    call.end();
  });
  compressing.close();
  expect(outcome).toMatchObject({ code: 0, answers: ['{"rows":10,"sequence":2}'] });
});

test('a client that leaves in the middle of an atomic stream leaves nothing behind', async () => {
  const call: ClientDuplexStream<Buffer, Buffer> = client.makeBidiStreamRequest(method('DoPut'), identity, identity);
  call.on('error', () => undefined);
  const command = new MessageWriter().number(1, 2).bytes(2, Buffer.from('{"table":"t","atomic":true}'));
  call.write(new MessageWriter().message(1, command).bytes(2, schemaHeader).finish());
  call.write(good());
  await new Promise((resolve) => setTimeout(resolve, 100));
  call.cancel();
  await expect.poll(() => fake.abortedSessions, { timeout: 10_000 }).toBe(1);
  expect(fake.commits).toEqual([]);
});

test('unary requests that are noise are refused', async () => {
  for (const name of ['GetFlightInfo', 'GetSchema', 'PollFlightInfo']) {
    const error = await new Promise<ServiceError | null>((resolve) => {
      client.makeUnaryRequest(method(name), identity, identity, Buffer.alloc(9, 0xff), (refused) => resolve(refused));
    });
    expect(error?.details).toMatch(/^invalid_data: /);
  }
});
