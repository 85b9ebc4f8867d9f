/**
 * Lists and structs as byte strings whose order is the values' order, and back: what keys, sorts and states of aggregates work with.
 *
 *   value   = 01 bytes | 02 (NULL, which is the greatest)
 *   list    = value* 00          struct = value for each field
 *   integer = big-endian, sign bit flipped          float = order of its bits; −0 is 0, all NaN one
 *   text    = bytes, 00 written as 00 ff, then 00 00          interval = its nanoseconds, a month counted as 30 days
 */
import type { Value, Vector } from '../../core/batch.js';
import { type Allocator, bytesVector } from '../../core/build-vector.js';
import { BINARY, type DataType, physicalOf, WIDTH_BYTES } from '../../core/types.js';
import { intervalNanoseconds, justified } from '../functions/interval-values.js';
import type { MoveContext } from './gather.js';
import { valuesOf, vectorOf } from './vector-values.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const PRESENT = 1;
const NULL = 2;

/** A binary vector of the values' bytes; NULLs stay NULLs. */
export function nestedToBytes(vector: Vector, context: MoveContext): Vector {
  const writer = new Writer();
  const values = valuesOf(vector, context);
  const bytes = values.map((value) => (value === null ? new Uint8Array(0) : writer.bytesOf(value, vector.type)));
  const flat = bytesVector(bytes, BINARY, context.arena, context.scratch);
  const validity = values.includes(null)
    ? vectorOf(
        values.map((value) => (value === null ? null : true)),
        { kind: 'bool' },
        context,
      ).validity
    : 0;
  return { ...flat, validity };
}

/** The values of a binary vector that nestedToBytes() has made. */
export function bytesToNested(vector: Vector, type: DataType, context: MoveContext, memory: Allocator = context.scratch): Vector {
  const values = valuesOf(vector, context).map((bytes) => (bytes instanceof Uint8Array ? new Reader(bytes).value(type) : null));
  return vectorOf(values, type, context, memory);
}

class Writer {
  private bytes = new Uint8Array(256);
  private length = 0;

  bytesOf(value: Value, type: DataType): Uint8Array {
    this.length = 0;
    this.value(value, type);
    return this.bytes.slice(0, this.length);
  }

  private byte(value: number): void {
    this.ensure(1);
    this.bytes[this.length++] = value;
  }

  private ensure(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const grown = new Uint8Array(2 * (this.length + count));
    grown.set(this.bytes);
    this.bytes = grown;
  }

  private value(value: Value, type: DataType): void {
    if (type.kind === 'list') {
      for (const item of value as readonly Value[]) this.member(item, type.item.type);
      this.byte(0);
    } else if (type.kind === 'struct') {
      const row = value as { readonly [name: string]: Value };
      for (const field of type.fields) this.member(row[field.name] ?? null, field.type);
    } else this.leaf(value, type);
  }

  private member(value: Value, type: DataType): void {
    if (value === null) {
      this.byte(NULL);
      return;
    }
    this.byte(PRESENT);
    this.value(value, type);
  }

  private leaf(value: Value, type: DataType): void {
    switch (physicalOf(type)) {
      case 'bytes':
        this.text(value instanceof Uint8Array ? value : encoder.encode(String(value)));
        return;
      case 'bit':
        this.byte(value === true ? 1 : 0);
        return;
      case 'f32':
      case 'f64':
        this.integer(floatOrder(Number(value)), 8);
        return;
      case 'fixed16':
        this.text(encoder.encode(String(value)));
        return;
      case 'interval':
        this.integer(intervalNanoseconds(value as Parameters<typeof intervalNanoseconds>[0]) + (1n << 127n), 16);
        return;
      case 'none':
        return;
      default: {
        const width = WIDTH_BYTES[physicalOf(type)];
        const offset = physicalOf(type).startsWith('u') ? 0n : 1n << BigInt(8 * width - 1);
        this.integer(BigInt(value as bigint | number) + offset, width);
      }
    }
  }

  private text(bytes: Uint8Array): void {
    this.ensure(2 * bytes.length + 2);
    for (const byte of bytes) {
      this.bytes[this.length++] = byte;
      if (byte === 0) this.bytes[this.length++] = 255;
    }
    this.bytes[this.length++] = 0;
    this.bytes[this.length++] = 0;
  }

  private integer(value: bigint, width: number): void {
    this.ensure(width);
    let rest = value;
    for (let i = width - 1; i >= 0; i--) {
      this.bytes[this.length + i] = Number(rest & 255n);
      rest >>= 8n;
    }
    this.length += width;
  }
}

const bits = new DataView(new ArrayBuffer(8));

/** Bits of a float64 as an unsigned number in the order of the floats. */
function floatOrder(value: number): bigint {
  bits.setFloat64(0, value === 0 ? 0 : value);
  const raw = Number.isNaN(value) ? 0x7ff8n << 48n : bits.getBigUint64(0);
  return raw >> 63n === 0n ? raw | (1n << 63n) : raw ^ 0xffff_ffff_ffff_ffffn;
}

function floatOf(order: bigint): number {
  bits.setBigUint64(0, order >> 63n === 1n ? order ^ (1n << 63n) : order ^ 0xffff_ffff_ffff_ffffn);
  return bits.getFloat64(0);
}

class Reader {
  private readonly bytes: Uint8Array;
  private at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  value(type: DataType): Value {
    if (type.kind === 'list') {
      const items: Value[] = [];
      while (this.bytes[this.at] !== 0) items.push(this.member(type.item.type));
      this.at += 1;
      return items;
    }
    if (type.kind === 'struct') return Object.fromEntries(type.fields.map((field) => [field.name, this.member(field.type)]));
    return this.leaf(type);
  }

  private member(type: DataType): Value {
    return this.bytes[this.at++] === NULL ? null : this.value(type);
  }

  private leaf(type: DataType): Value {
    switch (physicalOf(type)) {
      case 'bytes': {
        const bytes = this.text();
        return type.kind === 'binary' ? bytes : decoder.decode(bytes);
      }
      case 'bit':
        return this.bytes[this.at++] === 1;
      case 'f32':
      case 'f64':
        return floatOf(this.integer(8));
      case 'fixed16':
        return decoder.decode(this.text());
      case 'interval':
        return { ...justified(this.integer(16) - (1n << 127n)) };
      case 'none':
        return null;
      default: {
        const physical = physicalOf(type);
        const width = WIDTH_BYTES[physical];
        const value = this.integer(width) - (physical.startsWith('u') ? 0n : 1n << BigInt(8 * width - 1));
        return width > 4 ? value : Number(value);
      }
    }
  }

  private text(): Uint8Array {
    const out: number[] = [];
    for (;;) {
      const byte = this.bytes[this.at++] as number;
      if (byte !== 0) out.push(byte);
      else if (this.bytes[this.at++] === 255) out.push(0);
      else return Uint8Array.from(out);
    }
  }

  private integer(width: number): bigint {
    let value = 0n;
    for (let i = 0; i < width; i++) value = (value << 8n) | BigInt(this.bytes[this.at++] as number);
    return value;
  }
}
