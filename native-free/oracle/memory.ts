/** Bytes as the twins of kernels see them: any number type at any address, bitmaps, rows. */

export type NumberType = 'i8' | 'i16' | 'i32' | 'i64' | 'u8' | 'u16' | 'u32' | 'u64' | 'f32' | 'f64' | 'i128';

export const TYPE_BYTES = {
  i8: 1,
  i16: 2,
  i32: 4,
  i64: 8,
  u8: 1,
  u16: 2,
  u32: 4,
  u64: 8,
  f32: 4,
  f64: 8,
  i128: 16,
} as const satisfies Record<NumberType, number>;

export const INTEGER_TYPES = ['i8', 'i16', 'i32', 'i64', 'u8', 'u16', 'u32', 'u64'] as const;
export const FLOAT_TYPES = ['f32', 'f64'] as const;

/** Bits and sign of an integer type. */
export function bitsOf(type: NumberType): { readonly bits: number; readonly signed: boolean } {
  return { bits: 8 * TYPE_BYTES[type], signed: type.startsWith('i') };
}

export function wrap(type: NumberType, value: bigint): bigint {
  const { bits, signed } = bitsOf(type);
  return signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
}

export class OracleMemory {
  readonly bytes: Uint8Array;
  readonly view: DataView;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Integers of any width as bigint. */
  integer(type: NumberType, address: number, row = 0): bigint {
    const at = address + row * TYPE_BYTES[type];
    let value = 0n;
    for (let byte = TYPE_BYTES[type] - 1; byte >= 0; byte--) value = (value << 8n) | BigInt(this.bytes[at + byte] as number);
    return wrap(type, value);
  }

  setInteger(type: NumberType, address: number, row: number, value: bigint): void {
    const at = address + row * TYPE_BYTES[type];
    for (let byte = 0; byte < TYPE_BYTES[type]; byte++) this.bytes[at + byte] = Number((value >> BigInt(8 * byte)) & 255n);
  }

  float(type: 'f32' | 'f64', address: number, row = 0): number {
    return type === 'f32' ? this.view.getFloat32(address + 4 * row, true) : this.view.getFloat64(address + 8 * row, true);
  }

  setFloat(type: 'f32' | 'f64', address: number, row: number, value: number): void {
    if (type === 'f32') this.view.setFloat32(address + 4 * row, value, true);
    else this.view.setFloat64(address + 8 * row, value, true);
  }

  i32(address: number, row = 0): number {
    return this.view.getInt32(address + 4 * row, true);
  }

  setI32(address: number, row: number, value: number): void {
    this.view.setInt32(address + 4 * row, value, true);
  }

  /** 0 as address: every bit is set. */
  bit(bitmap: number, row: number): boolean {
    return bitmap === 0 || (((this.bytes[bitmap + (row >> 3)] as number) >> (row & 7)) & 1) === 1;
  }

  putBit(bitmap: number, row: number, value: boolean): void {
    const at = bitmap + (row >> 3);
    this.bytes[at] = ((this.bytes[at] as number) & ~(1 << (row & 7))) | (Number(value) << (row & 7));
  }

  /** A bitmap of whole 64-bit words; bits past n are 0. */
  writeBits(out: number, n: number, value: (row: number) => boolean): void {
    const bits = Array.from({ length: n }, (_, row) => value(row));
    this.bytes.fill(0, out, out + 8 * Math.ceil(n / 64));
    for (const [row, bit] of bits.entries()) this.putBit(out, row, bit);
  }

  copy(target: number, source: number, size: number): void {
    this.bytes.copyWithin(target, source, source + size);
  }

  /** Bytes of value `row` of a text column. */
  text(offsets: number, values: number, row: number): Uint8Array {
    return this.bytes.slice(values + this.i32(offsets, row), values + this.i32(offsets, row + 1));
  }

  /** Writes n texts with offsets from 0; returns their bytes. */
  writeTexts(n: number, outOffsets: number, out: number, text: (row: number) => Uint8Array): number {
    let end = 0;
    for (const [row, each] of Array.from({ length: n }, (_, row) => text(row)).entries()) {
      this.setI32(outOffsets, row, end);
      this.bytes.set(each, out + end);
      end += each.length;
    }
    this.setI32(outOffsets, n, end);
    return end;
  }
}

/** Rows 0 … n − 1. */
export function rows(n: number): readonly number[] {
  return Array.from({ length: n }, (_, row) => row);
}

/** The first row for which `fails` holds and that is not NULL; −1 when there is none. Every row is visited. */
export function firstError(memory: OracleMemory, n: number, validity: number, fails: (row: number) => boolean): number {
  let first = -1;
  for (const row of rows(n)) if (fails(row) && first < 0 && memory.bit(validity, row)) first = row;
  return first;
}

/** As firstError for the casts: with ok ≠ 0 the bit of a failing row is cleared instead. */
export function checkedRows(memory: OracleMemory, n: number, validity: number, ok: number, fails: (row: number) => boolean): number {
  for (const row of rows(n)) {
    if (!fails(row) || !memory.bit(validity, row)) continue;
    if (ok === 0) return row;
    memory.putBit(ok, row, false);
  }
  return -1;
}
