/** A column that is written value by value from the literals of INSERT … VALUES: Arrow buffers in the arena. */
import type { Arena } from '../../core/arena.js';
import { flatVector, type IntervalValue, type Value, type Vector } from '../../core/batch.js';
import type { MemoryScope } from '../../core/memory-scope.js';
import { type DataType, physicalOf, WIDTH_BYTES } from '../../core/types.js';

const FIRST_TEXT_BYTES = 4096;

/** True for types whose values can be written here; lists and structs go the general way. */
export function isWritable(type: DataType): boolean {
  return type.kind !== 'list' && type.kind !== 'struct' && type.kind !== 'null';
}

export class LiteralColumn {
  readonly type: DataType;
  private readonly scope: MemoryScope;
  private readonly arena: Arena;
  private readonly validity: number;
  private readonly values: number;
  private readonly offsets: number;
  private text = 0;
  private textUsed = 0;
  private nulls = 0;
  private rows = 0;

  /** Takes up to `capacity` values. */
  constructor(type: DataType, capacity: number, scope: MemoryScope) {
    const physical = physicalOf(type);
    this.type = type;
    this.scope = scope;
    this.arena = scope.arena;
    this.validity = scope.allocateZeroed(Math.ceil(capacity / 64) * 8);
    this.values =
      physical === 'bit'
        ? scope.allocateZeroed(Math.ceil(capacity / 64) * 8)
        : scope.allocateZeroed(Math.max(8, WIDTH_BYTES[physical] * capacity));
    this.offsets = physical === 'bytes' ? scope.allocateZeroed(4 * (capacity + 1)) : 0;
    if (physical === 'bytes') this.text = scope.allocate(FIRST_TEXT_BYTES);
  }

  /** The value in the form of valueAt(), already of the column's type. */
  push(value: Value): void {
    const row = this.rows++;
    if (value === null) {
      this.nulls++;
      if (this.offsets !== 0) this.arena.i32[this.offsets / 4 + row + 1] = this.textUsed;
      return;
    }
    const byte = this.validity + (row >> 3);
    this.arena.u8[byte] = (this.arena.u8[byte] as number) | (1 << (row & 7));
    this.write(row, value);
  }

  vector(): Vector {
    const values = this.offsets === 0 ? this.values : this.text;
    return flatVector(this.type, this.rows, values, this.nulls === 0 ? 0 : this.validity, this.offsets);
  }

  private write(row: number, value: Exclude<Value, null>): void {
    const { arena, values } = this;
    switch (physicalOf(this.type)) {
      case 'bit':
        if (value === true) arena.u8[values + (row >> 3)] = (arena.u8[values + (row >> 3)] as number) | (1 << (row & 7));
        return;
      case 'i8':
      case 'u8':
        arena.u8[values + row] = Number(value);
        return;
      case 'i16':
      case 'u16':
        arena.u16[values / 2 + row] = Number(value);
        return;
      case 'i32':
      case 'u32':
        arena.u32[values / 4 + row] = Number(value);
        return;
      case 'f32':
        arena.f32[values / 4 + row] = Number(value);
        return;
      case 'f64':
        arena.f64[values / 8 + row] = Number(value);
        return;
      case 'i64':
      case 'u64':
        this.writeWord(values / 8 + row, value as number | bigint);
        return;
      case 'i128': {
        const wide = BigInt(value as bigint);
        arena.u64[values / 8 + 2 * row] = BigInt.asUintN(64, wide);
        arena.i64[values / 8 + 2 * row + 1] = wide >> 64n;
        return;
      }
      case 'interval': {
        const interval = value as unknown as IntervalValue;
        arena.i32[values / 4 + 4 * row] = interval.months;
        arena.i32[values / 4 + 4 * row + 1] = interval.days;
        arena.i64[values / 8 + 2 * row + 1] = interval.nanoseconds;
        return;
      }
      case 'fixed16':
        arena.u8.set(Buffer.from(String(value).replaceAll('-', ''), 'hex'), values + 16 * row);
        return;
      case 'bytes':
        this.writeBytes(row, value as string | Uint8Array);
        return;
      case 'none':
      case 'list':
      case 'struct':
        throw new Error(`values of ${this.type.kind} are not written here`);
    }
  }

  /** Safe integers go in as two halves: a BigInt per value is ten times slower. */
  private writeWord(index: number, value: number | bigint): void {
    if (typeof value === 'bigint') {
      this.arena.i64[index] = value;
      return;
    }
    this.arena.u32[index * 2] = value >>> 0;
    this.arena.i32[index * 2 + 1] = Math.floor(value / 4_294_967_296);
  }

  private writeBytes(row: number, value: string | Uint8Array): void {
    const most = typeof value === 'string' ? value.length * 3 : value.length;
    this.reserve(this.textUsed + most);
    const target = Buffer.from(this.arena.buffer, this.text + this.textUsed, most);
    if (typeof value === 'string') this.textUsed += target.write(value, 'utf8');
    else {
      target.set(value);
      this.textUsed += value.length;
    }
    this.arena.i32[this.offsets / 4 + row + 1] = this.textUsed;
  }

  private reserve(bytes: number): void {
    const capacity = this.arena.capacityBytes(this.text);
    if (bytes <= capacity) return;
    const larger = this.scope.allocate(Math.max(bytes, capacity * 2));
    this.arena.u8.copyWithin(larger, this.text, this.text + this.textUsed);
    this.scope.free(this.text);
    this.text = larger;
  }
}
