/** A column that is written value by value from the literals of INSERT … VALUES: Arrow buffers in the arena. */
import type { Arena } from '../../core/arena.js';
import { flatVector, type Value, type Vector } from '../../core/batch.js';
import { setBit, writeValue } from '../../core/build-vector.js';
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
  /** Bytes of a value; 0 for bits and text. */
  private readonly width: number;
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
    this.width = WIDTH_BYTES[physical];
    this.validity = scope.allocateZeroed(Math.ceil(capacity / 64) * 8);
    this.values =
      physical === 'bit' ? scope.allocateZeroed(Math.ceil(capacity / 64) * 8) : scope.allocateZeroed(Math.max(8, this.width * capacity));
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
    setBit(this.arena, this.validity, row);
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
        if (value === true) setBit(arena, values, row);
        return;
      case 'bytes':
        this.writeBytes(row, value as string | Uint8Array);
        return;
      case 'none':
      case 'list':
      case 'struct':
        throw new Error(`values of ${this.type.kind} are not written here`);
      default:
        writeValue(arena, this.type, values + this.width * row, value);
    }
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
