import { expect, test } from 'vitest';
import { type OutgoingMessage, together } from '../../src/flight/flight-data.js';

/** As gRPC frames a message: a prefix of five bytes, then what copy() writes. */
function framed(message: OutgoingMessage | Buffer): Buffer {
  const frame = Buffer.alloc(5 + message.byteLength);
  frame.writeUInt32BE(message.byteLength, 1);
  message.copy(frame, 5);
  return frame;
}

test('small messages go out in one write that reads as one message after the other', () => {
  const messages = [Buffer.of(1, 2, 3), Buffer.of(), Buffer.alloc(300, 7)];
  const writes = together(messages);
  expect(writes).toHaveLength(1);
  expect(Buffer.concat(writes.map(framed))).toEqual(Buffer.concat(messages.map(framed)));
});

test('large messages stay writes of their own, in their order', () => {
  const messages = [Buffer.of(1), Buffer.alloc(70_000, 2), Buffer.of(3), Buffer.of(4)];
  const writes = together(messages);
  expect(writes).toHaveLength(3);
  expect(Buffer.concat(writes.map(framed))).toEqual(Buffer.concat(messages.map(framed)));
  expect(together([])).toEqual([]);
});
