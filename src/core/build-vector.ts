/** Vectors made of JavaScript values, one by one: constants, small results, and files whose readers give values. */
import type { Arena } from './arena.js';
import { bitmapBytes, flatVector, type IntervalValue, type Value, type Vector } from './batch.js';
import { DbError } from './errors.js';
import { type DataType, physicalOf, WIDTH_BYTES } from './types.js';

export interface Allocator {
  allocate(sizeBytes: number): number;
}

const encoder = new TextEncoder();
const MAX_TEXT_BYTES = 2 ** 31 - 1;

/** A flat vector of the values (in the form of valueAt()). */
export function buildVector(values: readonly Value[], type: DataType, arena: Arena, memory: Allocator): Vector {
  const validity = validityOf(values, arena, memory);
  switch (physicalOf(type)) {
    case 'none':
      return flatVector(type, values.length, 0);
    case 'bit':
      return flatVector(type, values.length, bitsOf(values, arena, memory), validity);
    case 'bytes': {
      const bytes = values.map((value) => (value instanceof Uint8Array ? value : encoder.encode(value === null ? '' : String(value))));
      return { ...bytesVector(bytes, type, arena, memory), validity };
    }
    case 'list':
      return { ...listOf(values, type, arena, memory), validity };
    case 'struct':
      return { ...structOf(values, type, arena, memory), validity };
    default: {
      const width = WIDTH_BYTES[physicalOf(type)];
      const address = memory.allocate(width * values.length);
      for (let row = 0; row < values.length; row++) writeValue(arena, type, address + width * row, values[row] ?? null);
      return flatVector(type, values.length, address, validity);
    }
  }
}

function validityOf(values: readonly Value[], arena: Arena, memory: Allocator): number {
  if (!values.includes(null)) return 0;
  return bitsOf(
    values.map((value) => value !== null),
    arena,
    memory,
  );
}

function bitsOf(values: readonly Value[], arena: Arena, memory: Allocator): number {
  const address = memory.allocate(bitmapBytes(values.length));
  arena.u8.fill(0, address, address + bitmapBytes(values.length));
  for (let row = 0; row < values.length; row++) {
    if (values[row] === true) setBit(arena, address, row);
  }
  return address;
}

export function setBit(arena: Arena, bitmap: number, row: number): void {
  const byte = bitmap + (row >> 3);
  arena.u8[byte] = (arena.u8[byte] as number) | (1 << (row & 7));
}

/** A flat utf8, symbol or binary vector of byte strings. */
export function bytesVector(bytes: readonly Uint8Array[], type: DataType, arena: Arena, memory: Allocator): Vector {
  let size = 0;
  for (const each of bytes) size += each.length;
  if (size > MAX_TEXT_BYTES) throw tooMuchText();
  const offsets = memory.allocate(4 * (bytes.length + 1));
  const values = memory.allocate(size);
  let end = 0;
  for (let row = 0; row < bytes.length; row++) {
    const each = bytes[row] as Uint8Array;
    arena.i32[offsets / 4 + row] = end;
    arena.u8.set(each, values + end);
    end += each.length;
  }
  arena.i32[offsets / 4 + bytes.length] = end;
  return flatVector(type, bytes.length, values, 0, offsets);
}

function listOf(values: readonly Value[], type: DataType, arena: Arena, memory: Allocator): Vector {
  const item = type.kind === 'list' ? type.item.type : type;
  const offsets = memory.allocate(4 * (values.length + 1));
  const elements: Value[] = [];
  for (let row = 0; row < values.length; row++) {
    arena.i32[offsets / 4 + row] = elements.length;
    const value = values[row];
    if (Array.isArray(value)) for (const element of value as readonly Value[]) elements.push(element);
  }
  arena.i32[offsets / 4 + values.length] = elements.length;
  return flatVector(type, values.length, 0, 0, offsets, [buildVector(elements, item, arena, memory)]);
}

function structOf(values: readonly Value[], type: DataType, arena: Arena, memory: Allocator): Vector {
  const fields = type.kind === 'struct' ? type.fields : [];
  const children = fields.map((field) =>
    buildVector(
      values.map((value) => (value === null ? null : ((value as { readonly [name: string]: Value })[field.name] ?? null))),
      field.type,
      arena,
      memory,
    ),
  );
  return flatVector(type, values.length, 0, 0, 0, children);
}

/** Writes one value (in the form of valueAt()) of a type that has a width in bytes; NULL as zero bytes. */
export function writeValue(arena: Arena, type: DataType, address: number, value: Value): void {
  if (value === null) {
    arena.u8.fill(0, address, address + WIDTH_BYTES[physicalOf(type)]);
    return;
  }
  switch (physicalOf(type)) {
    case 'i8':
    case 'u8':
      arena.u8[address] = Number(value);
      return;
    case 'i16':
    case 'u16':
      arena.u16[address / 2] = Number(value);
      return;
    case 'i32':
    case 'u32':
      arena.u32[address / 4] = Number(value);
      return;
    case 'i64':
    case 'u64':
      writeWord(arena, address, value as bigint | number);
      return;
    case 'f32':
      arena.f32[address / 4] = Number(value);
      return;
    case 'f64':
      arena.f64[address / 8] = Number(value);
      return;
    case 'i128': {
      const unscaled = BigInt(value as bigint | number);
      arena.u64[address / 8] = BigInt.asUintN(64, unscaled);
      arena.i64[address / 8 + 1] = BigInt.asIntN(64, unscaled >> 64n);
      return;
    }
    case 'interval': {
      const interval = value as IntervalValue;
      arena.i32[address / 4] = interval.months;
      arena.i32[address / 4 + 1] = interval.days;
      arena.i64[address / 8 + 1] = interval.nanoseconds;
      return;
    }
    default:
      arena.u8.set(Buffer.from(String(value).replaceAll('-', ''), 'hex'), address);
  }
}

/** Safe integers go in as two halves: a BigInt per value is ten times slower. */
function writeWord(arena: Arena, address: number, value: number | bigint): void {
  if (typeof value === 'bigint') {
    arena.i64[address / 8] = value;
    return;
  }
  arena.u32[address / 4] = value >>> 0;
  arena.i32[address / 4 + 1] = Math.floor(value / 4_294_967_296);
}

export function tooMuchText(): DbError {
  return new DbError('query_memory_exceeded', 'the text or lists of one column of a batch exceed 2 GiB', {
    hint: 'work on fewer or shorter values at once',
  });
}
