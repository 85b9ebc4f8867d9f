/** How messages and the status of a call leave: together where they can, else one after the other. */
import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { StopController } from '../../src/core/stop-signal.js';
import { type ResponseStream, ResponseWriter } from '../../src/flight/call.js';

interface Sent {
  readonly stream: ResponseStream;
  /** What was done to the call, in order. */
  readonly log: string[];
  /** Ends the write under way. */
  leave(): void;
}

/** A stream as grpc-js makes it; `hasCall`: with the call behind it that it writes to. */
function streamWith(hasCall: boolean): Sent {
  const log: string[] = [];
  const leaving: (() => void)[] = [];
  const write = (chunk: Buffer, done: () => void) => {
    log.push(`message ${chunk.byteLength}`);
    leaving.push(done);
  };
  const plain = new Writable({ objectMode: true, write: (chunk: Buffer, _encoding, done) => write(chunk, done) });
  const call = { sendMessage: write, sendStatus: ({ code }: { code: number }) => log.push(`status ${code}`) };
  const stream = Object.assign(plain, { cancelled: false, sendMetadata: () => undefined }, hasCall ? { call } : {});
  return { stream: stream as unknown as ResponseStream, log, leave: () => leaving.shift()?.() };
}

test('the last message and the status leave at once', async () => {
  const { stream, log } = streamWith(true);
  expect(await new ResponseWriter(stream, new StopController()).end([Buffer.alloc(7)])).toBe('ended');
  expect(log).toEqual(['message 7', 'status 0']);
});

test('a message does not overtake one that is on its way, and the call is then still to be ended', async () => {
  const { stream, log, leave } = streamWith(true);
  const writer = new ResponseWriter(stream, new StopController());
  await writer.write(Buffer.alloc(1));
  const end = writer.end([Buffer.alloc(2), Buffer.alloc(3)]);
  expect(log).toEqual(['message 1']);
  for (let i = 0; i < 3; i++) {
    leave();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(await end).toBe('open');
  expect(log).toEqual(['message 1', 'message 2', 'message 3']);
});

test('without the call behind the stream the message is written and the call is still to be ended', async () => {
  const { stream, log, leave } = streamWith(false);
  const end = new ResponseWriter(stream, new StopController()).end([Buffer.alloc(5)]);
  leave();
  expect(await end).toBe('open');
  expect(log).toEqual(['message 5']);
});

test('everybody who waits for room is woken, also by a call that is cancelled', async () => {
  const large = Buffer.alloc(9 * 2 ** 20);
  for (const cancelled of [false, true]) {
    const { stream, leave } = streamWith(false);
    const stop = new StopController();
    const writer = new ResponseWriter(stream, stop);
    const writes = [1, 2, 3].map(() => writer.write(large));
    if (cancelled) stop.abort(new Error('gone'));
    else
      for (let i = 0; i < 3; i++) {
        leave();
        await new Promise((resolve) => setImmediate(resolve));
      }
    const ends = await Promise.allSettled(writes);
    expect(ends.map(({ status }) => status)).toEqual(cancelled ? ['fulfilled', 'rejected', 'rejected'] : Array(3).fill('fulfilled'));
  }
});
