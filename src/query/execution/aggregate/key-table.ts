/** The hash table of fixed-width keys, and how values become 64-bit keys. */
import type { Kernels } from '../../../../native-free/kernels.js';
import type { MemoryScope } from '../../../core/memory-scope.js';
import type { PhysicalType } from '../../../core/types.js';
import { inPieces } from '../../expression/in-pieces.js';
import type { EvaluationContext } from '../../functions/contract.js';
import { GrowingArray } from '../growing-array.js';

/** The id of NULL keys and unknown values in look-ups; also the header's word for "no NULL met". */
export const NO_ID = 0xffffffff;

type KeyKernel = 'key_i8' | 'key_i16' | 'key_i32' | 'key_u8' | 'key_u16' | 'key_u32' | 'key_f32' | 'key_f64' | 'key_bit';

export const KEY_KERNEL = {
  bit: 'key_bit',
  i8: 'key_i8',
  i16: 'key_i16',
  i32: 'key_i32',
  u8: 'key_u8',
  u16: 'key_u16',
  u32: 'key_u32',
  f32: 'key_f32',
  f64: 'key_f64',
} as const satisfies Partial<Record<PhysicalType, KeyKernel>>;

/** Table header words (see native-free/assembly/relation/encode.ts). */
const SLOTS = 0;
export const MASK = 1;
const KEYS = 2;
const COUNT = 3;
const NULL_ID = 4;

/** The hash table of 64- or 128-bit keys, shared by encoders of values and of pairs. */
export class KeyTable {
  readonly table: number;
  private readonly scope: MemoryScope;
  private readonly kernels: Kernels;
  private readonly keyBytes: number;
  private readonly slots: GrowingArray;
  private readonly keys: GrowingArray;
  private slotCount = 0;

  constructor(scope: MemoryScope, kernels: Kernels, keyBytes: 8 | 16) {
    this.scope = scope;
    this.kernels = kernels;
    this.keyBytes = keyBytes;
    this.slots = new GrowingArray(scope, kernels);
    this.keys = new GrowingArray(scope, kernels);
    this.table = scope.allocateZeroed(64);
    scope.arena.u32[this.table / 4 + NULL_ID] = NO_ID;
  }

  get count(): number {
    return this.word(COUNT);
  }

  get nullId(): number {
    return this.word(NULL_ID);
  }

  get keysAddress(): number {
    return this.word(KEYS);
  }

  /** Room for the keys of `rows` more ids. */
  reserveKeys(rows: number): void {
    const count = this.count;
    if (this.keys.ensure((count + rows + 1) * this.keyBytes, count * this.keyBytes)) this.setWord(KEYS, this.keys.address);
  }

  /** Keys were added without slots: they are made anew when they are needed. */
  forgetSlots(): void {
    this.slotCount = 0;
  }

  /** Room for `rows` more ids, slots included. Nothing can be done with the table when the context's check stops it. */
  reserve(rows: number, context: Pick<EvaluationContext, 'check'> = {}): void {
    this.reserveKeys(rows);
    const wanted = 2 * (this.count + rows + 1);
    if (wanted <= this.slotCount) return;
    this.slotCount = 2 ** Math.ceil(Math.log2(Math.max(64, wanted)));
    this.slots.replaceZeroed(this.slotCount * 4);
    this.setWord(SLOTS, this.slots.address);
    this.setWord(MASK, this.slotCount - 1);
    const rehash = this.kernels[this.keyBytes === 8 ? 'rehash_u64' : 'rehash_u128'];
    inPieces(this.count, context, (first, count) => rehash(this.table, first, first + count));
  }

  private word(index: number): number {
    return this.scope.arena.u32[this.table / 4 + index] as number;
  }

  private setWord(index: number, value: number): void {
    this.scope.arena.u32[this.table / 4 + index] = value;
  }
}
