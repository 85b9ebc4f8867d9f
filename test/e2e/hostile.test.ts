import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import { tableFromArrays, tableToIPC } from 'apache-arrow';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ServerProcess, startServerProcess } from './server.js';

const folder = mkdtempSync(join(tmpdir(), 'fletch-hostile-'));
let server: ServerProcess;

async function sql(text: string): Promise<{ status: number; body: { code?: string; position?: number; data?: unknown[][] } }> {
  const response = await fetch(server.httpUrl, { method: 'POST', body: text, headers: { 'content-type': 'text/plain' } });
  return { status: response.status, body: (await response.json()) as { code?: string; position?: number; data?: unknown[][] } };
}

async function ingest(body: string | Uint8Array<ArrayBuffer>, format: string): Promise<{ status: number; body: { code?: string } }> {
  const response = await fetch(`${server.httpUrl}/tables/t/rows?format=${format}`, { method: 'POST', body });
  return { status: response.status, body: (await response.json()) as { code?: string } };
}

async function stillWhole(): Promise<void> {
  expect((await sql('SELECT count(*), sum(a) FROM t')).body.data).toEqual([[3, 6]]);
}

beforeAll(async () => {
  server = await startServerProcess(['--path', folder]);
  await sql('CREATE TABLE t (a BIGINT, b UTF8)');
  await sql("INSERT INTO t VALUES (1, 'x'), (2, 'y'), (3, NULL)");
});

afterAll(async () => {
  expect(await server.stop()).toBe(0);
  rmSync(folder, { recursive: true, force: true });
});

test('200,000 nested parentheses are an error with a position', async () => {
  const { status, body } = await sql(`SELECT ${'('.repeat(200_000)}1${')'.repeat(200_000)}`);
  expect([status, body.code]).toEqual([400, 'nesting_too_deep']);
  expect(body.position).toBeGreaterThan(0);
  await stillWhole();
});

test('a statement of 50 MB is refused as too large', async () => {
  const { status, body } = await sql(`SELECT '${'x'.repeat(50_000_000)}'`);
  expect([status, body.code]).toEqual([413, 'statement_too_large']);
  await stillWhole();
});

test('a truncated Arrow stream leaves nothing behind', async () => {
  const bytes = Uint8Array.from(tableToIPC(tableFromArrays({ a: BigInt64Array.from({ length: 5000 }, (_, i) => BigInt(i)) }), 'stream'));
  for (const length of [bytes.length - 9, Math.floor(bytes.length / 2), 200, 7]) {
    const { status, body } = await ingest(bytes.slice(0, length), 'arrow');
    expect([status, body.code]).toEqual([400, 'invalid_data']);
  }
  await stillWhole();
});

test('a batch of a wrong type is refused by name of its column', async () => {
  const bytes = Uint8Array.from(tableToIPC(tableFromArrays({ a: ['not', 'a', 'number'] }), 'stream'));
  const { status, body } = await ingest(bytes, 'arrow');
  expect([status, body.code]).toEqual([400, 'type_mismatch']);
  expect((await ingest('a,b\n4,z\nfive,z\n', 'csv')).body.code).toBe('invalid_value');
  await stillWhole();
});

/** Protobuf field with a length-delimited value. */
function field(number: number, value: Uint8Array): Buffer {
  const length: number[] = [];
  for (let rest = value.length; ; rest >>>= 7) {
    if (rest < 128) {
      length.push(rest);
      break;
    }
    length.push((rest & 127) | 128);
  }
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), value]);
}

/** Sends raw FlightData messages as one DoPut into table t; resolves with the status. */
function doPut(messages: readonly Buffer[]): Promise<grpc.ServiceError | null> {
  const client = new grpc.Client(server.flightUrl.replace('grpc://', ''), grpc.credentials.createInsecure());
  return new Promise((resolve) => {
    const identity = (bytes: Buffer) => bytes;
    const call = client.makeBidiStreamRequest('/arrow.flight.protocol.FlightService/DoPut', identity, identity);
    call.on('data', () => undefined);
    call.on('error', (error: grpc.ServiceError) => {
      client.close();
      resolve(error);
    });
    call.on('end', () => {
      client.close();
      resolve(null);
    });
    for (const message of messages) call.write(message);
    call.end();
  });
}

/** Splits an IPC stream into FlightData messages; change() may spoil one. */
function flightMessages(
  stream: Uint8Array,
  change: (message: { header: Buffer; body: Buffer }, index: number) => { header: Buffer; body: Buffer },
): Buffer[] {
  const bytes = Buffer.from(stream);
  const messages: Buffer[] = [];
  const descriptor = field(1, Buffer.concat([Buffer.from([0x08, 0x01]), field(3, Buffer.from('t'))]));
  for (let at = 0; at + 8 <= bytes.length; ) {
    const headerLength = bytes.readInt32LE(at + 4);
    if (headerLength === 0) break;
    const header = bytes.subarray(at + 8, at + 8 + headerLength);
    const bodyLength = messages.length === 0 ? 0 : bytes.length - 8 - (at + 8 + headerLength);
    const body = bytes.subarray(at + 8 + headerLength, at + 8 + headerLength + bodyLength);
    const sent = change({ header: Buffer.from(header), body: Buffer.from(body) }, messages.length);
    messages.push(Buffer.concat([messages.length === 0 ? descriptor : Buffer.alloc(0), field(2, sent.header), field(1000, sent.body)]));
    at += 8 + headerLength + bodyLength;
  }
  return messages;
}

test('Flight messages with lying lengths are errors, and the server lives', async () => {
  const stream = tableToIPC(tableFromArrays({ a: BigInt64Array.from({ length: 100 }, (_, i) => BigInt(i)) }), 'stream');
  const cutBody = flightMessages(stream, (m, i) => (i === 1 ? { ...m, body: m.body.subarray(0, 64) } : m));
  const noBody = flightMessages(stream, (m, i) => (i === 1 ? { ...m, body: Buffer.alloc(0) } : m));
  const cutHeader = flightMessages(stream, (m, i) => (i === 1 ? { ...m, header: m.header.subarray(0, 20) } : m));
  for (const messages of [cutBody, noBody, cutHeader]) {
    const error = await doPut(messages);
    expect(error?.code).toBe(grpc.status.INVALID_ARGUMENT);
  }
  for (let byte = 0; byte < 200; byte++) {
    await doPut(
      flightMessages(stream, (m, i) => {
        if (i === 1) m.header[byte % m.header.length] = (m.header[byte % m.header.length] ?? 0) ^ 0xff;
        return m;
      }),
    );
  }
  expect((await sql('SELECT 1')).body.data).toEqual([[1]]);
}, 120_000);
