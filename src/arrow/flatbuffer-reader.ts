/** Reads flatbuffers that nobody has checked: every reference is followed only after its bounds are known, else `invalid_data`. */
import { DbError } from '../core/errors.js';

const decoder = new TextDecoder('utf-8', { fatal: true });

export function readFlatbuffer(bytes: Uint8Array): FlatTable {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return new FlatTable(view, reference(view, 0));
}

/** A table at a position; slots are numbered in the order of its declaration. */
export class FlatTable {
  private readonly view: DataView;
  private readonly start: number;
  private readonly vtable: number;
  private readonly vtableBytes: number;
  private readonly tableBytes: number;

  constructor(view: DataView, start: number) {
    within(view, start, 4);
    this.view = view;
    this.start = start;
    this.vtable = start - view.getInt32(start, true);
    within(view, this.vtable, 4);
    this.vtableBytes = view.getUint16(this.vtable, true);
    this.tableBytes = view.getUint16(this.vtable + 2, true);
    within(view, this.vtable, Math.max(4, this.vtableBytes));
    within(view, start, Math.max(4, this.tableBytes));
  }

  has(slot: number): boolean {
    return this.position(slot, 1) !== 0;
  }

  u8(slot: number, absent = 0): number {
    const at = this.position(slot, 1);
    return at === 0 ? absent : this.view.getUint8(at);
  }

  bool(slot: number, absent = false): boolean {
    return this.u8(slot, absent ? 1 : 0) !== 0;
  }

  i16(slot: number, absent = 0): number {
    const at = this.position(slot, 2);
    return at === 0 ? absent : this.view.getInt16(at, true);
  }

  i32(slot: number, absent = 0): number {
    const at = this.position(slot, 4);
    return at === 0 ? absent : this.view.getInt32(at, true);
  }

  /** A 64-bit word as a number; beyond ±2^53 is `invalid_data`. */
  i64(slot: number, absent = 0): number {
    const at = this.position(slot, 8);
    return at === 0 ? absent : safeInteger(this.view, at);
  }

  string(slot: number): string | undefined {
    const at = this.position(slot, 4);
    if (at === 0) return undefined;
    const start = reference(this.view, at);
    const length = vectorLength(this.view, start, 1);
    try {
      return decoder.decode(new Uint8Array(this.view.buffer, this.view.byteOffset + start + 4, length).slice());
    } catch (cause) {
      throw new DbError('invalid_data', 'a string of the Arrow metadata is not valid UTF-8', { cause });
    }
  }

  table(slot: number): FlatTable | undefined {
    const at = this.position(slot, 4);
    return at === 0 ? undefined : new FlatTable(this.view, reference(this.view, at));
  }

  tables(slot: number): FlatTable[] {
    const at = this.position(slot, 4);
    if (at === 0) return [];
    const start = reference(this.view, at);
    const length = vectorLength(this.view, start, 4);
    return Array.from({ length }, (_, i) => new FlatTable(this.view, reference(this.view, start + 4 + 4 * i)));
  }

  /** All 64-bit words of a vector of structs (or of longs, with wordsPerStruct 1). */
  words(slot: number, wordsPerStruct: number): number[] {
    const at = this.position(slot, 4);
    if (at === 0) return [];
    const start = reference(this.view, at);
    const length = vectorLength(this.view, start, 8 * wordsPerStruct) * wordsPerStruct;
    return Array.from({ length }, (_, i) => safeInteger(this.view, start + 4 + 8 * i));
  }

  /** Position of a slot's inline bytes; 0 when it is absent. */
  private position(slot: number, sizeBytes: number): number {
    const entry = 4 + 2 * slot;
    if (entry + 2 > this.vtableBytes) return 0;
    const offset = this.view.getUint16(this.vtable + entry, true);
    if (offset === 0) return 0;
    if (offset + sizeBytes > this.tableBytes) throw malformed();
    within(this.view, this.start + offset, sizeBytes);
    return this.start + offset;
  }
}

function reference(view: DataView, at: number): number {
  within(view, at, 4);
  const target = at + view.getUint32(at, true);
  within(view, target, 4);
  return target;
}

function vectorLength(view: DataView, start: number, strideBytes: number): number {
  const length = view.getUint32(start, true);
  within(view, start + 4, length * strideBytes);
  return length;
}

function safeInteger(view: DataView, at: number): number {
  const value = view.getInt32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);
  if (!Number.isSafeInteger(value)) throw malformed();
  return value;
}

function within(view: DataView, at: number, sizeBytes: number): void {
  if (at < 0 || at + sizeBytes > view.byteLength) throw malformed();
}

function malformed(): DbError {
  return new DbError('invalid_data', 'Arrow metadata is malformed: a reference points outside of its message');
}
