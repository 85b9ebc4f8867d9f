/**
 * The few protobuf messages of Flight.proto, read and written by hand. A message is a row of fields: key varint (number << 3 | wire type),
 * then a varint (0), 8 bytes (1), a length and bytes (2) or 4 bytes (5). Unknown fields are skipped; bounds are checked.
 */
import { DbError } from '../core/errors.js';

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/** Fields of a message in order: byte fields and 8-byte numbers as views, other numbers as numbers (beyond ±2^53 they lose digits; none of Flight's does). */
export function* readFields(message: Uint8Array): Generator<readonly [field: number, value: Uint8Array | number]> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    // All bits turned, so that small negative numbers keep their digits.
    let turned = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = message[at++];
      if (byte === undefined) break;
      if (shift === 63) return byte === 1 ? -turned - 1 : value;
      value += (byte & 127) * 2 ** shift;
      turned += (~byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
    throw malformed();
  };
  const bytes = (length: number): Uint8Array => {
    if (length > message.length - at) throw malformed();
    at += length;
    return message.subarray(at - length, at);
  };
  while (at < message.length) {
    const key = varint();
    const field = Math.floor(key / 8);
    switch (key % 8) {
      case VARINT:
        yield [field, varint()];
        break;
      case FIXED64:
        yield [field, bytes(8)];
        break;
      case BYTES:
        yield [field, bytes(varint())];
        break;
      case FIXED32:
        bytes(4);
        break;
      default:
        throw malformed();
    }
  }
}

function malformed(): DbError {
  return new DbError('invalid_data', 'a Flight message is malformed: a protobuf field runs over its end');
}

/** A protobuf message in the making. Fields with default values are left out, as protobuf does. */
export class MessageWriter {
  private readonly parts: Uint8Array[] = [];

  bytes(field: number, value: Uint8Array): this {
    this.parts.push(keyAndLength(field, value.length), value);
    return this;
  }

  text(field: number, value: string): this {
    return value === '' ? this : this.bytes(field, Buffer.from(value));
  }

  number(field: number, value: number): this {
    return value === 0 ? this : this.explicitNumber(field, value);
  }

  /** Also a 0, for readers that take a message without any byte for none. */
  explicitNumber(field: number, value: number): this {
    this.parts.push(Uint8Array.from([...varintBytes(field * 8 + VARINT), ...varintBytes(value)]));
    return this;
  }

  /** Eight bytes as they are. */
  fixed64(field: number, value: Uint8Array): this {
    this.parts.push(Uint8Array.from(varintBytes(field * 8 + FIXED64)), value);
    return this;
  }

  message(field: number, value: MessageWriter): this {
    return this.bytes(field, value.finish());
  }

  finish(): Buffer {
    return Buffer.concat(this.parts);
  }
}

/** The head of a byte field: its key and length. */
export function keyAndLength(field: number, length: number): Uint8Array {
  const head = varintBytes(field * 8 + BYTES);
  for (const byte of varintBytes(length)) head.push(byte);
  return Uint8Array.from(head);
}

/** Negative numbers (-1 = unknown in FlightInfo) take ten bytes, as 64-bit two's complement. */
function varintBytes(value: number): number[] {
  if (value < 0) {
    let rest = BigInt.asUintN(64, BigInt(value));
    const long: number[] = [];
    for (; rest > 127n; rest >>= 7n) long.push(Number(rest & 127n) | 128);
    return [...long, Number(rest)];
  }
  const bytes: number[] = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  bytes.push(value);
  return bytes;
}
