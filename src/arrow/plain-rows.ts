/**
 * JavaScript values → one Arrow record batch, for small tables whose types the engine's vectors do not have (unions, maps). Buffers are made
 * here and belong to nobody else. Layout: ipc-batch.ts, and for a dense union: type ids (i8), offsets (i32), then the children.
 */
import { assert } from '../core/assert.js';
import { i16, i64, structs, table, u8, writeFlatbuffer } from './flatbuffer-writer.js';
import { MESSAGE_KIND, METADATA_V5 } from './ipc-schema.js';
import type { WireField, WireSchema, WireType } from './wire-type.js';

/** A list is an array, a map an array of [key, value]. */
export type PlainValue = null | string | number | bigint | boolean | Uint8Array | UnionValue | readonly PlainValue[];

/** A value of the union's child at position `child`. */
export interface UnionValue {
  readonly child: number;
  readonly value: PlainValue;
}

/** Values by column; all columns have the same length. */
export type PlainColumns = readonly (readonly PlainValue[])[];

export interface PlainMessage {
  /** The flatbuffer alone (FlightData.data_header). */
  readonly metadata: Uint8Array;
  readonly body: Buffer;
}

export function encodePlainRows(schema: WireSchema, columns: PlainColumns): PlainMessage {
  const rowCount = columns[0]?.length ?? 0;
  const body = new PlainBody();
  for (const [i, field] of schema.fields.entries()) encodeField(body, field, columns[i] ?? []);
  const batch = [i64(rowCount), structs(2, body.nodes), structs(2, body.buffers)];
  const metadata = writeFlatbuffer([i16(METADATA_V5), u8(MESSAGE_KIND.batch), table(batch), i64(body.sizeBytes)]);
  return { metadata, body: body.finish() };
}

class PlainBody {
  /** [length, null count] of each node in a row, and [offset, length] of each buffer. */
  readonly nodes: number[] = [];
  readonly buffers: number[] = [];
  sizeBytes = 0;
  private readonly parts: Uint8Array[] = [];

  node(length: number, nullCount: number): void {
    this.nodes.push(length, nullCount);
  }

  buffer(bytes: Uint8Array): void {
    this.buffers.push(this.sizeBytes, bytes.length);
    const padding = -bytes.length & 7;
    this.parts.push(bytes, new Uint8Array(padding));
    this.sizeBytes += bytes.length + padding;
  }

  finish(): Buffer {
    return Buffer.concat(this.parts);
  }
}

function encodeField(body: PlainBody, field: WireField, values: readonly PlainValue[]): void {
  const { type } = field;
  const child = (i: number) => field.children[i] as WireField;
  if (type.kind === 'dense_union') {
    encodeUnion(body, field, values as readonly UnionValue[]);
    return;
  }
  const nullCount = values.filter((value) => value === null).length;
  body.node(values.length, nullCount);
  body.buffer(nullCount === 0 ? new Uint8Array(0) : bits(values.map((value) => value !== null)));
  switch (type.kind) {
    case 'utf8':
    case 'binary': {
      const bytes = values.map((value) => (value instanceof Uint8Array ? value : Buffer.from(String(value ?? ''))));
      body.buffer(offsets(bytes));
      body.buffer(Buffer.concat(bytes));
      return;
    }
    case 'bool':
      body.buffer(bits(values.map((value) => value === true)));
      return;
    case 'list': {
      const lists = values.map((value) => (value ?? []) as readonly PlainValue[]);
      body.buffer(offsets(lists));
      encodeField(body, child(0), lists.flat(1) as readonly PlainValue[]);
      return;
    }
    case 'map': {
      const maps = values.map((value) => (value ?? []) as readonly (readonly PlainValue[])[]);
      const entries = maps.flat(1);
      body.buffer(offsets(maps));
      body.node(entries.length, 0);
      body.buffer(new Uint8Array(0));
      for (const [i, part] of child(0).children.entries())
        encodeField(
          body,
          part,
          entries.map((entry) => entry[i] ?? null),
        );
      return;
    }
    default:
      body.buffer(numbers(type, values));
  }
}

function encodeUnion(body: PlainBody, field: WireField, values: readonly UnionValue[]): void {
  body.node(values.length, 0);
  const children: PlainValue[][] = field.children.map(() => []);
  const places = values.map(({ child, value }) => (children[child] as PlainValue[]).push(value) - 1);
  body.buffer(Uint8Array.from(values, ({ child }) => child));
  body.buffer(bytesOf(Int32Array.from(places)));
  for (const [i, child] of field.children.entries()) encodeField(body, child, children[i] ?? []);
}

const NUMBERS: { readonly [Kind in WireType['kind']]?: (values: readonly (number | bigint)[]) => ArrayBufferView } = {
  int32: (values) => Int32Array.from(values, Number),
  uint8: (values) => Uint8Array.from(values, Number),
  uint32: (values) => Uint32Array.from(values, Number),
  int64: (values) => BigInt64Array.from(values, BigInt),
};

function numbers(type: WireType, values: readonly PlainValue[]): Uint8Array {
  const encode = NUMBERS[type.kind];
  assert(encode !== undefined, `plain values of ${type.kind}`);
  return bytesOf(encode(values.map((value) => (value ?? 0) as number | bigint)));
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function bits(values: readonly boolean[]): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(values.length / 8));
  for (const [i, value] of values.entries()) if (value) bytes[i >> 3] = (bytes[i >> 3] as number) | (1 << (i & 7));
  return bytes;
}

function offsets(items: readonly { readonly length: number }[]): Uint8Array {
  const ends = new Int32Array(items.length + 1);
  for (const [i, item] of items.entries()) ends[i + 1] = (ends[i] as number) + item.length;
  return bytesOf(ends);
}
