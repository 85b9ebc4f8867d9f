/**
 * Key encoders: equal values of a key column get equal dense ids (uint32) in order of first appearance; NULLs are equal to each other.
 * An encoder holds its distinct values by id, so that group keys and join keys come back out of it.
 */
import type { Kernels } from '../../../native-free/kernels.js';
import { bitmapBytes, flatVector, type Vector } from '../../core/batch.js';
import type { MemoryScope } from '../../core/memory-scope.js';
import { type DataType, type PhysicalType, physicalOf } from '../../core/types.js';
import { type MoveContext, toFlat } from '../expression/gather.js';
import { GrowingArray } from './growing-array.js';
import { NestedEncoder } from './nested-encoder.js';
import { TextEncoder32 } from './text-encoder.js';

/** The id of NULL keys and unknown values in look-ups; also the header's word for "no NULL met". */
const NO_ID = 0xffffffff;

export interface KeyEncoder {
  readonly count: number;
  /** Ids of the rows in the mask (0 = all) at `out` (uint32 × n, n rounded up to 64); unknown values are added. Rows outside the mask get 0. */
  encode(vector: Vector, mask: number, context: MoveContext, out: number): void;
  /** As encode without adding: NULLs and unknown values get NO_ID. Several threads may look up at once. */
  find(vector: Vector, context: MoveContext, out: number): void;
  /** The distinct values by id. Valid until the next encode. */
  values(context: MoveContext): Vector;
}

/** What makes an encoder of another thread usable here: addresses only. */
export type EncoderHandle =
  | { readonly kind: 'fixed'; readonly type: DataType; readonly table: number }
  | { readonly kind: 'text'; readonly type: DataType; readonly table: number };

export function createKeyEncoder(type: DataType, scope: MemoryScope, kernels: Kernels): FixedEncoder | TextEncoder32 {
  const physical = physicalOf(type);
  if (physical === 'bytes') return new TextEncoder32(type, scope, kernels);
  if (physical === 'list' || physical === 'struct') return new NestedEncoder(type, scope, kernels);
  return new FixedEncoder(type, scope, kernels);
}

type KeyKernel = 'key_i8' | 'key_i16' | 'key_i32' | 'key_u8' | 'key_u16' | 'key_u32' | 'key_f32' | 'key_f64' | 'key_bit';

const KEY_KERNEL = {
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

const WIDE: ReadonlySet<PhysicalType> = new Set(['i128', 'interval', 'fixed16']);

const UNKEY = {
  i8: 'unkey_w1',
  u8: 'unkey_w1',
  i16: 'unkey_w2',
  u16: 'unkey_w2',
  i32: 'unkey_w4',
  u32: 'unkey_w4',
  f32: 'unkey_f32',
} as const satisfies Partial<Record<PhysicalType, keyof Kernels>>;

/** Table header words (see native-free/assembly/relation/encode.ts). */
const SLOTS = 0;
const MASK = 1;
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

  /** Room for `rows` more ids, slots included. */
  reserve(rows: number): void {
    this.reserveKeys(rows);
    const wanted = 2 * (this.count + rows + 1);
    if (wanted <= this.slotCount) return;
    this.slotCount = 2 ** Math.ceil(Math.log2(Math.max(64, wanted)));
    this.slots.replaceZeroed(this.slotCount * 4);
    this.setWord(SLOTS, this.slots.address);
    this.setWord(MASK, this.slotCount - 1);
    if (this.keyBytes === 8) this.kernels.rehash_u64(this.table);
    else this.kernels.rehash_u128(this.table);
  }

  private word(index: number): number {
    return this.scope.arena.u32[this.table / 4 + index] as number;
  }

  private setWord(index: number, value: number): void {
    this.scope.arena.u32[this.table / 4 + index] = value;
  }
}

/** The 64-bit keys of a flat vector, made in scratch unless the values are such keys already. */
function keysOf(vector: Vector, context: MoveContext): number {
  const physical = physicalOf(vector.type);
  if (!(physical in KEY_KERNEL)) return vector.values;
  const out = context.scratch.allocate(vector.length * 8);
  context.kernels[KEY_KERNEL[physical as keyof typeof KEY_KERNEL]](vector.values, vector.length, out);
  return out;
}

/** Encoder of everything but text. */
export class FixedEncoder implements KeyEncoder {
  readonly type: DataType;
  readonly keys: KeyTable;
  private readonly wide: boolean;

  constructor(type: DataType, scope: MemoryScope, kernels: Kernels) {
    this.type = type;
    this.wide = WIDE.has(physicalOf(type));
    this.keys = new KeyTable(scope, kernels, this.wide ? 16 : 8);
  }

  get count(): number {
    return this.keys.count;
  }

  get handle(): EncoderHandle {
    return { kind: 'fixed', type: this.type, table: this.keys.table };
  }

  encode(vector: Vector, mask: number, context: MoveContext, out: number): void {
    const { kernels } = context;
    this.keys.reserve(vector.length);
    if (vector.type.kind === 'null') {
      const none = context.scratch.allocateZeroed(bitmapBytes(vector.length));
      kernels.encode_u64(this.keys.table, 0, none, mask, vector.length, out);
      return;
    }
    const flat = toFlat(vector, context);
    if (this.wide) kernels.encode_u128(this.keys.table, flat.values, flat.validity, mask, flat.length, out);
    else kernels.encode_u64(this.keys.table, keysOf(flat, context), flat.validity, mask, flat.length, out);
  }

  find(vector: Vector, context: MoveContext, out: number): void {
    findFixed(this.keys.table, this.wide, vector, context, out);
  }

  values(context: MoveContext): Vector {
    const { arena, kernels, scratch } = context;
    const { count, keysAddress, nullId } = this.keys;
    if (this.type.kind === 'null') return flatVector(this.type, count, 0);
    const physical = physicalOf(this.type);
    let values = keysAddress;
    if (physical === 'bit') values = this.bits(context);
    else if (physical in UNKEY) {
      values = scratch.allocate(count * 8);
      kernels[UNKEY[physical as keyof typeof UNKEY]](keysAddress, count, values);
    }
    if (nullId === NO_ID) return flatVector(this.type, count, values);
    const validity = scratch.allocate(bitmapBytes(count));
    kernels.mask_range(0, count, count, validity);
    arena.u8[validity + (nullId >> 3)] = (arena.u8[validity + (nullId >> 3)] as number) & ~(1 << (nullId & 7));
    return flatVector(this.type, count, values, validity);
  }

  private bits(context: MoveContext): number {
    const { count, keysAddress } = this.keys;
    const bytes = context.scratch.allocate(count);
    context.kernels.unkey_w1(keysAddress, count, bytes);
    const out = context.scratch.allocate(bitmapBytes(count));
    context.kernels.bits_eq_u8(bytes, 1, count, out);
    return out;
  }
}

function findFixed(table: number, wide: boolean, vector: Vector, context: MoveContext, out: number): void {
  const { kernels } = context;
  if (vector.type.kind === 'null' || context.arena.u32[table / 4 + MASK] === 0) {
    kernels.fill_u32(NO_ID, vector.length, out);
    return;
  }
  const flat = toFlat(vector, context);
  if (wide) kernels.find_u128(table, flat.values, flat.validity, flat.length, out);
  else kernels.find_u64(table, keysOf(flat, context), flat.validity, flat.length, out);
}

/** Looks up keys in a table that another thread has filled. */
export class KeyFinder {
  private readonly handle: EncoderHandle;
  private readonly text: TextEncoder32 | null;

  constructor(handle: EncoderHandle, scope: MemoryScope, kernels: Kernels) {
    this.handle = handle;
    const physical = physicalOf(handle.type);
    if (handle.kind !== 'text') this.text = null;
    else if (physical === 'bytes') this.text = new TextEncoder32(handle.type, scope, kernels, handle.table);
    else this.text = new NestedEncoder(handle.type, scope, kernels, handle.table);
  }

  find(vector: Vector, context: MoveContext, out: number): void {
    if (this.text) this.text.find(vector, context, out);
    else findFixed(this.handle.table, WIDE.has(physicalOf(this.handle.type)), vector, context, out);
  }
}
