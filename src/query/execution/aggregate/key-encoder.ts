/**
 * Key encoders: equal values of a key column get equal dense ids (uint32) in order of first appearance; NULLs are equal to each other.
 * An encoder holds its distinct values by id, so that group keys and join keys come back out of it.
 */
import type { Kernels } from '../../../../native-free/kernels.js';
import { bitmapBytes, flatVector, type Vector } from '../../../core/batch.js';
import type { MemoryScope } from '../../../core/memory-scope.js';
import { type DataType, type PhysicalType, physicalOf } from '../../../core/types.js';
import { type MoveContext, toFlat } from '../../expression/gather.js';
import { DirectMap, hasWholeKeys, keysOf } from './direct-map.js';
import { KeyTable, MASK, NO_ID } from './key-table.js';
import { NestedEncoder } from './nested-encoder.js';
import { TextEncoder32 } from './text-encoder.js';

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

/** Encoder of everything but text. */
export class FixedEncoder implements KeyEncoder {
  readonly type: DataType;
  readonly keys: KeyTable;
  private readonly wide: boolean;
  private readonly direct: DirectMap | null;

  constructor(type: DataType, scope: MemoryScope, kernels: Kernels) {
    this.type = type;
    this.wide = WIDE.has(physicalOf(type));
    this.keys = new KeyTable(scope, kernels, this.wide ? 16 : 8);
    this.direct = hasWholeKeys(type) ? new DirectMap(scope, kernels, this.keys) : null;
  }

  get count(): number {
    return this.keys.count;
  }

  /** Nothing is added any more. */
  end(): void {
    this.direct?.release();
  }

  get handle(): EncoderHandle {
    this.keys.reserve(1);
    return { kind: 'fixed', type: this.type, table: this.keys.table };
  }

  encode(vector: Vector, mask: number, context: MoveContext, out: number): void {
    const { kernels } = context;
    if (vector.type.kind === 'null') {
      this.keys.reserve(vector.length, context);
      const none = context.scratch.allocateZeroed(bitmapBytes(vector.length));
      kernels.encode_u64(this.keys.table, 0, none, mask, vector.length, out);
      return;
    }
    const flat = toFlat(vector, context);
    const keys = this.wide ? 0 : keysOf(flat, context);
    if (this.direct?.encode(keys, flat.validity, mask, flat.length, context, out)) return;
    this.keys.reserve(vector.length, context);
    if (this.wide) kernels.encode_u128(this.keys.table, flat.values, flat.validity, mask, flat.length, out);
    else kernels.encode_u64(this.keys.table, keys, flat.validity, mask, flat.length, out);
  }

  find(vector: Vector, context: MoveContext, out: number): void {
    this.keys.reserve(1, context);
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
