/** Sorting: vectors become 64-bit order keys, and row numbers are sorted by them, least significant key first. */

import type { Kernels } from '../../../native-free/kernels.js';
import type { Vector } from '../../core/batch.js';
import type { Allocator } from '../../core/build-vector.js';
import { MemoryScope } from '../../core/memory-scope.js';
import { type PhysicalType, physicalOf } from '../../core/types.js';
import { type MoveContext, toFlat } from '../expression/gather.js';
import { nestedToBytes } from '../expression/nested-bytes.js';
import { TextEncoder32 } from './text-encoder.js';

export interface SortDirection {
  readonly descending: boolean;
  readonly nullsFirst: boolean;
}

/** A column's order: key arrays (uint64 per row, most significant first) and its validity. */
export interface OrderKeys extends SortDirection {
  readonly keys: readonly number[];
  readonly validity: number;
}

type NarrowOrder = Extract<keyof Kernels, `order_${'i8' | 'i16' | 'i32' | 'i64' | 'u8' | 'u16' | 'u32' | 'u64' | 'f32' | 'f64' | 'bit'}`>;

const ORDER_KERNEL = {
  bit: 'order_bit',
  i8: 'order_i8',
  i16: 'order_i16',
  i32: 'order_i32',
  i64: 'order_i64',
  u8: 'order_u8',
  u16: 'order_u16',
  u32: 'order_u32',
  u64: 'order_u64',
  f32: 'order_f32',
  f64: 'order_f64',
} as const satisfies Partial<Record<PhysicalType, NarrowOrder>>;

const WIDE_ORDER_KERNEL = {
  i128: 'order_i128',
  fixed16: 'order_fixed16',
  interval: 'order_interval',
} as const satisfies Partial<Record<PhysicalType, keyof Kernels>>;

/** The one key of a type of at most 64 bits, in the given memory. */
export function narrowOrderKey(flat: Vector, descending: boolean, context: MoveContext, memory: Allocator): number {
  const out = memory.allocate(Math.max(64, flat.length * 8));
  const kernel = ORDER_KERNEL[physicalOf(flat.type) as keyof typeof ORDER_KERNEL];
  context.kernels[kernel](flat.values, flat.length, descending ? 1 : 0, out);
  return out;
}

/** The order keys of a column; `temporary` holds what they need, to be released after the sort. */
export function orderKeysOf(vector: Vector, direction: SortDirection, context: MoveContext, temporary: MemoryScope): OrderKeys {
  const physical = physicalOf(vector.type);
  if (physical === 'none') return { ...direction, keys: [], validity: 0 };
  if (physical === 'list' || physical === 'struct') return textOrderKeys(nestedToBytes(vector, context), direction, context, temporary);
  if (physical === 'bytes') return textOrderKeys(vector, direction, context, temporary);
  const flat = toFlat(vector, context, temporary);
  if (physical in ORDER_KERNEL) {
    const key = narrowOrderKey(flat, direction.descending, context, temporary);
    return tied({ ...direction, keys: [key], validity: flat.validity }, flat.length, context, temporary);
  }
  const keys = [1, 0].map((which) => {
    const out = temporary.allocate(Math.max(64, flat.length * 8));
    const kernel = WIDE_ORDER_KERNEL[physical as keyof typeof WIDE_ORDER_KERNEL];
    context.kernels[kernel](flat.values, flat.length, direction.descending ? 1 : 0, which, out);
    return out;
  });
  return tied({ ...direction, keys, validity: flat.validity }, flat.length, context, temporary);
}

/** NULL rows get equal keys, whatever lies in their slots, so that the columns after this one decide between them. */
function tied(order: OrderKeys, n: number, context: MoveContext, temporary: MemoryScope): OrderKeys {
  if (order.validity === 0) return order;
  const zero = temporary.allocateZeroed(8);
  for (const key of order.keys) context.kernels.select_64(order.validity, key, 1, zero, 0, n, key);
  return order;
}

/** Text: the rank of each row's value among the distinct ones. */
function textOrderKeys(vector: Vector, direction: SortDirection, context: MoveContext, temporary: MemoryScope): OrderKeys {
  const { kernels } = context;
  const n = vector.length;
  const source = vector.encoding === 'constant' ? toFlat(vector, context, temporary) : vector;
  const encoder = new TextEncoder32(vector.type, temporary, kernels);
  const ids = temporary.allocate(Math.max(64, n * 4));
  encoder.encode(source, 0, context, ids);
  const ranks = textRanks(encoder, context, temporary);
  kernels.map_ids(ids, ranks, n, ids);
  const keys = temporary.allocate(Math.max(64, n * 8));
  kernels.order_u32(ids, n, direction.descending ? 1 : 0, keys);
  temporary.free(ids);
  return tied({ ...direction, keys: [keys], validity: source.validity }, n, context, temporary);
}

/** Rank by bytes of each interned text (uint32 by id). */
function textRanks(encoder: TextEncoder32, context: MoveContext, memory: MemoryScope): number {
  const { kernels } = context;
  const texts = encoder.values(context);
  const count = texts.length;
  let ids = memory.allocate(Math.max(64, count * 4));
  let other = memory.allocate(Math.max(64, count * 4));
  kernels.row_numbers(0, count, ids);
  for (let width = 1; width < count; width *= 2) {
    kernels.merge_text_runs(texts.offsets, texts.values, ids, count, width, other);
    [ids, other] = [other, ids];
  }
  kernels.invert_u32(ids, count, other);
  memory.free(ids);
  return other;
}

/**
 * Row numbers [0, n) in the order of the keys (first column most significant), stable, as uint32 allocated from `memory`. `check` is called
 * between passes so that a cancelled query stops.
 */
export function sortRows(columns: readonly OrderKeys[], n: number, context: MoveContext, memory: MemoryScope, check: () => void): number {
  const { kernels } = context;
  const temporary = new MemoryScope(memory.arena, memory.limitBytes, memory.budget);
  try {
    const sorter = new RadixSorter(n, context, temporary);
    for (const column of [...columns].reverse()) {
      for (const key of [...column.keys].reverse()) {
        check();
        sorter.sortBy(key, check);
      }
      if (column.validity !== 0) sorter.moveNulls(column.validity, column.nullsFirst);
    }
    const out = memory.allocate(Math.max(64, n * 4));
    kernels.copy_bytes(out, sorter.rows, n * 4);
    return out;
  } finally {
    temporary.release();
  }
}

class RadixSorter {
  rows: number;
  private otherRows: number;
  private keys: number;
  private otherKeys: number;
  private readonly histogram: number;
  private readonly n: number;
  private readonly kernels: Kernels;
  private untouched = true;

  constructor(n: number, context: MoveContext, memory: MemoryScope) {
    this.n = n;
    this.kernels = context.kernels;
    this.rows = memory.allocate(Math.max(64, n * 4));
    this.otherRows = memory.allocate(Math.max(64, n * 4));
    this.keys = memory.allocate(Math.max(64, n * 8));
    this.otherKeys = memory.allocate(Math.max(64, n * 8));
    this.histogram = memory.allocate(8192);
    this.kernels.row_numbers(0, n, this.rows);
  }

  sortBy(keys: number, check: () => void): void {
    const { kernels, n, histogram } = this;
    if (this.untouched && kernels.is_sorted_u64(keys, n)) return;
    if (this.untouched) kernels.copy_bytes(this.keys, keys, n * 8);
    else kernels.gather_u64(keys, this.rows, n, this.keys);
    this.untouched = false;
    kernels.radix_counts_u64(this.keys, n, histogram);
    for (let digit = 0; digit < 8; digit++) {
      if (kernels.radix_digit_uniform(histogram, digit, n)) continue;
      check();
      kernels.radix_pass_u64(this.keys, this.rows, n, digit, histogram, this.otherKeys, this.otherRows);
      [this.keys, this.otherKeys] = [this.otherKeys, this.keys];
      [this.rows, this.otherRows] = [this.otherRows, this.rows];
    }
  }

  moveNulls(validity: number, first: boolean): void {
    this.kernels.partition_nulls(this.rows, validity, this.n, first ? 1 : 0, this.otherRows);
    [this.rows, this.otherRows] = [this.otherRows, this.rows];
    this.untouched = false;
  }
}

interface Buckets {
  /** Row numbers bucket by bucket, and where each bucket begins (count + 1 uint32). */
  readonly rows: number;
  readonly starts: number;
}

interface BucketInput {
  readonly kernels: Kernels;
  readonly memory: Allocator;
  readonly groupCount: number;
  readonly context: MoveContext;
}

/** Rows by group, in the order of `rows` (0 = ascending). */
export function bucketRows(input: BucketInput, groups: number, n: number, rows: number): Buckets {
  const { kernels, memory, groupCount } = input;
  const bytes = (groupCount + 1) * 4;
  const starts = memory.allocate(bytes + 60);
  kernels.fill_bytes(starts, 0, bytes);
  kernels.count_ids(groups, n, starts);
  kernels.running_sum_u32(starts, groupCount);
  const cursors = memory.allocate(bytes);
  kernels.copy_bytes(cursors, starts, bytes);
  const out = memory.allocate(Math.max(64, n * 4));
  kernels.bucket_rows(groups, rows, n, cursors, out);
  return { rows: out, starts };
}

/** Rows by group and, inside, by value; `ranks` are the values' order keys (equal values, equal keys). */
export function sortedBuckets(
  input: BucketInput,
  list: { readonly values: Vector; readonly groups: number },
  descending = false,
): Buckets & { readonly ranks: number } {
  const n = list.values.length;
  const temporary = input.context.scratch.openScope();
  try {
    const order = orderKeysOf(list.values, { descending, nullsFirst: false }, input.context, temporary);
    const rows = sortRows([order], n, input.context, temporary, () => undefined);
    const ranks = input.memory.allocate(Math.max(64, n * 8));
    input.kernels.copy_bytes(ranks, order.keys.at(-1) ?? 0, n * 8);
    return { ...bucketRows(input, list.groups, n, rows), ranks };
  } finally {
    temporary.release();
  }
}
