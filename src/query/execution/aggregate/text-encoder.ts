/** Encoder of text and binary values: distinct byte strings are copied to a heap of its own and numbered in order of first appearance. */
import type { Kernels } from '../../../../native-free/kernels.js';
import { bitmapBytes, flatVector, type Vector } from '../../../core/batch.js';
import { DbError } from '../../../core/errors.js';
import type { MemoryScope } from '../../../core/memory-scope.js';
import type { DataType } from '../../../core/types.js';
import { type MoveContext, toFlat } from '../../expression/gather.js';
import { GrowingArray } from '../growing-array.js';
import type { EncoderHandle, KeyEncoder } from './key-encoder.js';

const NO_ID = 0xffffffff;
/** Most texts of a dictionary that get ids without being looked for in the rows. */
const WHOLE_DICTIONARY = 1024;
/** Rows that are encoded between two looks at the stop signal. */
const ROWS_AT_ONCE = 1 << 16;
const HEAP_LIMIT_BYTES = 2 ** 31 - 64;

/** Table header words (see native-free/assembly/relation/encode-text.ts). */
const SLOTS = 0;
const MASK = 1;
const OFFSETS = 2;
const COUNT = 3;
const NULL_ID = 4;
const HEAP = 5;
const USED = 6;
const CAPACITY = 7;

export class TextEncoder32 implements KeyEncoder {
  readonly type: DataType;
  readonly table: number;
  private readonly scope: MemoryScope;
  private readonly kernels: Kernels;
  private readonly slots: GrowingArray;
  private readonly offsets: GrowingArray;
  private readonly heap: GrowingArray;
  /** Per dictionary that was met: id + 1 by code. */
  private readonly maps = new Map<number, { readonly map: GrowingArray; count: number }>();
  private slotCount = 0;
  /** The dictionary whose codes are the ids. */
  private whole: { readonly id: number; readonly count: number } | undefined;

  /** With `table`: a view of another encoder's table, for find() only. */
  constructor(type: DataType, scope: MemoryScope, kernels: Kernels, table = 0) {
    this.type = type;
    this.scope = scope;
    this.kernels = kernels;
    this.slots = new GrowingArray(scope, kernels);
    this.offsets = new GrowingArray(scope, kernels);
    this.heap = new GrowingArray(scope, kernels);
    this.table = table;
    if (table !== 0) return;
    this.table = scope.allocateZeroed(64);
    this.setWord(NULL_ID, NO_ID);
    this.growHeap(1024);
    this.reserve(16);
    scope.arena.u32[this.offsets.address / 4] = 0;
  }

  get count(): number {
    return this.word(COUNT);
  }

  get handle(): EncoderHandle {
    return { kind: 'text', type: this.type, table: this.table };
  }

  encode(vector: Vector, mask: number, context: MoveContext, out: number): void {
    const { kernels } = this;
    this.reserve(vector.length);
    const source = vector.encoding === 'constant' ? toFlat(vector, context) : vector;
    const map = source.dictionary ? this.mapOf(source) : 0;
    for (let row = 0, end = 0; row < source.length; ) {
      if (row > 0 && row === end) context.check?.();
      if (row === end) end = Math.min(source.length, end + ROWS_AT_ONCE);
      row = source.dictionary
        ? kernels.encode_text_codes(
            this.table,
            map,
            source.values,
            source.dictionary.offsets,
            source.dictionary.values,
            source.validity,
            mask,
            row,
            end,
            out,
          )
        : kernels.encode_text(this.table, source.offsets, source.values, source.validity, mask, row, end, out);
      if (row >= end) continue;
      this.growHeap(Math.max(this.word(CAPACITY) * 2, this.word(USED) + this.bytesAt(source, row)));
    }
  }

  /**
   * Ids of rows without NULLs, where codes of a small dictionary may be taken as they are: all of its texts get ids then, also those that no row
   * has, unless they are to be `seen`. Undefined when they cannot. Rows outside the mask have ids as well.
   */
  codesAsIds(vector: Vector, mask: number, seen: SeenCodes | null, context: MoveContext): number | undefined {
    const { dictionary, validity } = vector;
    if (vector.encoding !== 'dictionary' || !dictionary || validity !== 0 || dictionary.count > WHOLE_DICTIONARY) return undefined;
    const isFirst = this.count === 0 && dictionary.count <= vector.length;
    if (!isFirst && this.whole?.id !== dictionary.id) return undefined;
    const known = this.whole?.count ?? 0;
    if (known < dictionary.count) {
      if (this.count !== known) return undefined;
      const more = dictionary.count - known;
      if (seen && !seen.add(vector, mask, known, more, context)) return undefined;
      const [codes, ids] = [context.scratch.allocate(Math.max(64, more * 4)), context.scratch.allocate(Math.max(64, more * 4))];
      context.kernels.row_numbers(known, more, codes);
      this.encode({ ...vector, values: codes, length: more }, 0, context, ids);
      // Equal texts in one dictionary share an id.
      if (this.count !== dictionary.count) return undefined;
      this.whole = { id: dictionary.id, count: dictionary.count };
    }
    return vector.values;
  }

  find(vector: Vector, context: MoveContext, out: number): void {
    const source = vector.encoding === 'constant' ? toFlat(vector, context) : vector;
    const { kernels } = this;
    const { dictionary, validity, length } = source;
    if (!dictionary) kernels.find_text(this.table, source.offsets, source.values, validity, length, out);
    else {
      const map = this.mapOf(source);
      kernels.find_text_codes(this.table, map, source.values, dictionary.offsets, dictionary.values, validity, length, out);
    }
  }

  values(context: MoveContext): Vector {
    const { arena, kernels, scratch } = context;
    const { count } = this;
    const nullId = this.word(NULL_ID);
    let validity = 0;
    if (nullId !== NO_ID) {
      validity = scratch.allocate(bitmapBytes(count));
      kernels.mask_range(0, count, count, validity);
      arena.u8[validity + (nullId >> 3)] = (arena.u8[validity + (nullId >> 3)] as number) & ~(1 << (nullId & 7));
    }
    return flatVector(this.type, count, this.heap.address, validity, this.offsets.address);
  }

  /** id + 1 by code of the vector's dictionary; grown with it. */
  private mapOf(vector: Vector): number {
    const dictionary = vector.dictionary;
    if (!dictionary) return 0;
    let known = this.maps.get(dictionary.id);
    if (!known) {
      // Dictionaries made anew for every vector must not pile up.
      if (this.maps.size >= 8) this.forgetMaps();
      known = { map: new GrowingArray(this.scope, this.kernels), count: 0 };
      this.maps.set(dictionary.id, known);
    }
    if (known.count < dictionary.count) {
      known.map.ensure(dictionary.count * 4, known.count * 4);
      this.kernels.fill_bytes(known.map.address + known.count * 4, 0, (dictionary.count - known.count) * 4);
      known.count = dictionary.count;
    }
    return known.map.address;
  }

  private forgetMaps(): void {
    for (const { map } of this.maps.values()) map.free();
    this.maps.clear();
  }

  private bytesAt(vector: Vector, row: number): number {
    const { i32 } = this.scope.arena;
    const offsets = (vector.dictionary ? vector.dictionary.offsets : vector.offsets) / 4;
    const at = offsets + (vector.dictionary ? (i32[vector.values / 4 + row] as number) : row);
    return (i32[at + 1] as number) - (i32[at] as number);
  }

  /** Room for so many rows to come, all of them different. */
  reserve(rows: number): void {
    const count = this.count;
    if (this.offsets.ensure((count + rows + 2) * 4, (count + 1) * 4)) this.setWord(OFFSETS, this.offsets.address);
    const wanted = 2 * (count + rows + 1);
    if (wanted <= this.slotCount) return;
    this.slotCount = 2 ** Math.ceil(Math.log2(Math.max(64, wanted)));
    this.slots.replaceZeroed(this.slotCount * 8);
    this.setWord(SLOTS, this.slots.address);
    this.setWord(MASK, this.slotCount - 1);
    this.kernels.rehash_text(this.table);
  }

  private growHeap(wantedBytes: number): void {
    const used = this.word(USED);
    if (used >= HEAP_LIMIT_BYTES) throw new DbError('query_memory_exceeded', 'the distinct texts of a key exceed 2 GiB');
    this.heap.ensure(Math.min(wantedBytes, HEAP_LIMIT_BYTES), used);
    this.setWord(HEAP, this.heap.address);
    this.setWord(CAPACITY, this.heap.capacity);
  }

  private word(index: number): number {
    return this.scope.arena.u32[this.table / 4 + index] as number;
  }

  private setWord(index: number, value: number): void {
    this.scope.arena.u32[this.table / 4 + index] = value;
  }
}

/** The codes of a dictionary in the order of their first rows. */
export class SeenCodes {
  /** Ids in the order of their first rows; empty = ascending. */
  order: readonly number[] = [];
  private readonly mustAscend: boolean;

  constructor(mustAscend: boolean) {
    this.mustAscend = mustAscend;
  }

  /** False, and nothing is changed, unless rows in the mask (0 = all) have each of the codes [first, first + count). */
  add({ values, length }: Vector, mask: number, first: number, count: number, { arena, kernels, scratch }: MoveContext): boolean {
    const [flags, order] = [scratch.allocateZeroed(Math.max(64, count)), scratch.allocate(Math.max(64, count * 4))];
    if (kernels.codes_seen(values, mask, length, first, count, flags, order) < count) return false;
    const found = Array.from(arena.u32.subarray(order / 4, order / 4 + count));
    const ascends = this.order.length === 0 && found.every((code, i) => code === first + i);
    if (this.mustAscend && !ascends) return false;
    if (!ascends) this.order = [...(this.order.length === 0 ? Array.from({ length: first }, (_, i) => i) : this.order), ...found];
    return true;
  }
}
