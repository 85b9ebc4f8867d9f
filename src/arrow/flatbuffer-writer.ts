/**
 * Writes flatbuffers front to back: a table's vtable, its inline slots, then what the slots point at, so that every reference points forward.
 *
 *   root offset (u32) │ vtable: size, table size, slot positions (u16 each) │ table: distance back to vtable (i32), inline slots │ referenced …
 */
import { assert } from '../core/assert.js';

/** One slot of a table. null = absent, which readers take as the schema's default. */
export type FlatSlot =
  | { readonly kind: 'u8' | 'i16' | 'i32' | 'i64'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'table'; readonly slots: FlatSlots }
  | { readonly kind: 'tables'; readonly items: readonly FlatSlots[] }
  | { readonly kind: 'integers'; readonly values: readonly number[] }
  /** A vector of structs that consist of 64-bit words only: `words` holds all of them in a row. */
  | { readonly kind: 'structs'; readonly wordsPerStruct: number; readonly words: readonly number[] }
  | null;

export type FlatSlots = readonly FlatSlot[];

export const u8 = (value: number): FlatSlot => ({ kind: 'u8', value });
export const bool = (value: boolean): FlatSlot => ({ kind: 'u8', value: value ? 1 : 0 });
export const i16 = (value: number): FlatSlot => ({ kind: 'i16', value });
export const i32 = (value: number): FlatSlot => ({ kind: 'i32', value });
export const i64 = (value: number): FlatSlot => ({ kind: 'i64', value });
export const text = (value: string): FlatSlot => ({ kind: 'string', value });
export const table = (slots: FlatSlots): FlatSlot => ({ kind: 'table', slots });
export const tables = (items: readonly FlatSlots[]): FlatSlot => ({ kind: 'tables', items });
export const integers = (values: readonly number[]): FlatSlot => ({ kind: 'integers', values });
export const structs = (wordsPerStruct: number, words: readonly number[]): FlatSlot => ({ kind: 'structs', wordsPerStruct, words });

const INLINE_BYTES = { u8: 1, i16: 2, i32: 4, i64: 8, string: 4, table: 4, tables: 4, integers: 4, structs: 4 } as const;
const encoder = new TextEncoder();

class FlatWriter {
  private bytes = new Uint8Array(1024);
  private view = new DataView(this.bytes.buffer);
  private end = 0;

  clear(): void {
    this.bytes.fill(0, 0, this.end);
    this.end = 0;
  }

  /** Position of sizeBytes zero bytes; position + lead is a multiple of alignment. */
  reserve(sizeBytes: number, alignment: number, lead = 0): number {
    const position = Math.ceil((this.end + lead) / alignment) * alignment - lead;
    this.end = position + sizeBytes;
    if (this.end > this.bytes.length) {
      const grown = new Uint8Array(Math.max(this.end, this.bytes.length * 2));
      grown.set(this.bytes);
      this.bytes = grown;
      this.view = new DataView(grown.buffer);
    }
    return position;
  }

  /** Points the u32 at `position` forward to `target`. */
  patch(position: number, target: number): void {
    this.view.setUint32(position, target - position, true);
  }

  finish(): Uint8Array {
    return this.bytes.slice(0, this.end);
  }

  table(slots: FlatSlots): number {
    const positions = new Array<number>(slots.length).fill(0);
    let size = 4;
    for (const [i, slot] of slots.entries()) {
      if (slot === null) continue;
      const width = INLINE_BYTES[slot.kind];
      positions[i] = Math.ceil(size / width) * width;
      size = (positions[i] as number) + width;
    }
    const vtableBytes = 4 + 2 * slots.length;
    const vtable = this.reserve(vtableBytes, 2);
    const start = this.reserve(size, 8);
    this.view.setUint16(vtable, vtableBytes, true);
    this.view.setUint16(vtable + 2, size, true);
    for (const [i, position] of positions.entries()) this.view.setUint16(vtable + 4 + 2 * i, position, true);
    this.view.setInt32(start, start - vtable, true);
    for (const [i, slot] of slots.entries()) if (slot !== null) this.slot(start + (positions[i] as number), slot);
    return start;
  }

  private slot(at: number, slot: NonNullable<FlatSlot>): void {
    switch (slot.kind) {
      case 'u8':
        this.view.setUint8(at, slot.value);
        return;
      case 'i16':
        this.view.setInt16(at, slot.value, true);
        return;
      case 'i32':
        this.view.setInt32(at, slot.value, true);
        return;
      case 'i64':
        this.word(at, slot.value);
        return;
      case 'string':
        this.patch(at, this.string(slot.value));
        return;
      case 'table':
        this.patch(at, this.table(slot.slots));
        return;
      case 'tables':
        this.patch(at, this.tables(slot.items));
        return;
      case 'integers':
        this.patch(at, this.integers(slot.values));
        return;
      case 'structs':
        this.patch(at, this.structs(slot.wordsPerStruct, slot.words));
    }
  }

  private word(at: number, value: number): void {
    assert(Number.isSafeInteger(value), `flatbuffer word ${value}`);
    this.view.setInt32(at + 4, Math.floor(value / 2 ** 32), true);
    this.view.setUint32(at, value >>> 0, true);
  }

  private string(value: string): number {
    const utf8 = encoder.encode(value);
    const at = this.reserve(4 + utf8.length + 1, 4);
    this.view.setUint32(at, utf8.length, true);
    this.bytes.set(utf8, at + 4);
    return at;
  }

  private tables(items: readonly FlatSlots[]): number {
    const at = this.reserve(4 + 4 * items.length, 4);
    this.view.setUint32(at, items.length, true);
    for (const [i, item] of items.entries()) this.patch(at + 4 + 4 * i, this.table(item));
    return at;
  }

  private integers(values: readonly number[]): number {
    const at = this.reserve(4 + 4 * values.length, 4);
    this.view.setUint32(at, values.length, true);
    for (const [i, value] of values.entries()) this.view.setInt32(at + 4 + 4 * i, value, true);
    return at;
  }

  private structs(wordsPerStruct: number, words: readonly number[]): number {
    const at = this.reserve(4 + 8 * words.length, 8, 4);
    this.view.setUint32(at, words.length / wordsPerStruct, true);
    for (const [i, value] of words.entries()) this.word(at + 4 + 8 * i, value);
    return at;
  }
}

/** Kept between messages for its bytes. */
const writer = new FlatWriter();

/** The bytes of a flatbuffer with this root table, padded to a multiple of 8. */
export function writeFlatbuffer(root: FlatSlots): Uint8Array {
  writer.clear();
  writer.reserve(4, 8);
  writer.patch(0, writer.table(root));
  writer.reserve(0, 8);
  return writer.finish();
}
