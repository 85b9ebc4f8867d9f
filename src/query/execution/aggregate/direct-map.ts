/** Ids of whole-number keys through an array by key: for keys in a range that is not much wider than they are many. */
import type { Kernels } from '../../../../native-free/kernels.js';
import type { Vector } from '../../../core/batch.js';
import type { MemoryScope } from '../../../core/memory-scope.js';
import { type DataType, type PhysicalType, physicalOf } from '../../../core/types.js';
import type { MoveContext } from '../../expression/gather.js';
import { GrowingArray } from '../growing-array.js';
import { KEY_KERNEL, type KeyTable } from './key-table.js';

const WHOLE: ReadonlySet<PhysicalType> = new Set(['i8', 'i16', 'i32', 'i64', 'u8', 'u16', 'u32']);

/** True when keys of the type are int64 numbers. */
export function hasWholeKeys(type: DataType): boolean {
  return WHOLE.has(physicalOf(type));
}

/** The 64-bit keys of a flat vector, made in scratch unless the values are such keys already. */
export function keysOf(vector: Vector, context: MoveContext): number {
  const physical = physicalOf(vector.type);
  if (!(physical in KEY_KERNEL)) return vector.values;
  const out = context.scratch.allocate(vector.length * 8);
  context.kernels[KEY_KERNEL[physical as keyof typeof KEY_KERNEL]](vector.values, vector.length, out);
  return out;
}

export interface KeyRange {
  readonly least: bigint;
  readonly most: bigint;
}

/** Range of the keys that are valid and in the mask (0 = all); undefined when there are none. */
export function rangeOfKeys(keys: number, validity: number, mask: number, n: number, context: MoveContext): KeyRange | undefined {
  const { arena, kernels, scratch } = context;
  const slot = scratch.allocate(64);
  arena.i64[slot / 8] = 0x7fffffffffffffffn;
  arena.i64[slot / 8 + 1] = -0x8000000000000000n;
  const count = kernels.extent_i64(keys, validity, mask, n, slot);
  return count === 0 ? undefined : { least: arena.i64[slot / 8] as bigint, most: arena.i64[slot / 8 + 1] as bigint };
}

/** Entries that a map may have beyond those that its keys pay for, at most and for each row that was seen. */
const FREE_ENTRIES = 1 << 16;
const FREE_PER_ROW = 32;
/** Entries a key. */
const SPARSEST = 16;

export class DirectMap {
  private readonly table: KeyTable;
  private readonly map: GrowingArray;
  private readonly slot: number;
  private readonly kernels: Kernels;
  private least = 0n;
  private entries = 0;
  private usable = true;
  private rowsSeen = 0;

  constructor(scope: MemoryScope, kernels: Kernels, table: KeyTable) {
    this.table = table;
    this.kernels = kernels;
    this.map = new GrowingArray(scope, kernels);
    this.slot = scope.allocate(64);
  }

  /** As a key table's encode; false when the range is too wide, for good. */
  encode(keys: number, validity: number, mask: number, n: number, context: MoveContext, out: number): boolean {
    if (!this.usable) return false;
    this.rowsSeen += n;
    const range = rangeOfKeys(keys, validity, mask, n, context);
    if (range && !this.covers(range) && !this.grow(range, n, context)) {
      this.usable = false;
      this.release();
      return false;
    }
    this.table.reserveKeys(n);
    this.table.forgetSlots();
    this.kernels.encode_direct(this.table.table, this.map.address, this.slot, keys, validity, mask, n, out);
    return true;
  }

  release(): void {
    this.map.free();
    this.entries = 0;
  }

  private covers({ least, most }: KeyRange): boolean {
    return this.entries > 0 && least >= this.least && most < this.least + BigInt(this.entries);
  }

  private grow({ least, most }: KeyRange, n: number, context: MoveContext): boolean {
    const end = this.least + BigInt(this.entries) - 1n;
    const isFirst = this.entries === 0;
    const low = isFirst || least < this.least ? least : this.least;
    const high = isFirst || most > end ? most : end;
    const span = Number(high - low + 1n);
    const largest = SPARSEST * (this.table.count + n) + Math.min(FREE_ENTRIES, FREE_PER_ROW * this.rowsSeen);
    if (span > largest) return false;
    // Room in the direction in which it grows.
    const entries = Math.min(largest, isFirst ? span + 64 : span * 2);
    this.least = !isFirst && least < this.least && most <= end ? high - BigInt(entries) + 1n : low;
    this.entries = entries;
    context.arena.i64[this.slot / 8] = this.least;
    this.map.replaceZeroed(entries * 4);
    this.kernels.remap_direct(this.table.table, this.map.address, this.slot);
    return true;
  }
}
