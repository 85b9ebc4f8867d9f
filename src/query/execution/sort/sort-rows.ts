/** Sorting: vectors become 64-bit order keys, and row numbers are sorted by them, least significant key first. */

import type { Kernels } from '../../../../native-free/kernels.js';
import type { Vector } from '../../../core/batch.js';
import type { Allocator } from '../../../core/build-vector.js';
import { MemoryScope } from '../../../core/memory-scope.js';
import { type PhysicalType, physicalOf, WIDTH_BYTES } from '../../../core/types.js';
import { type MoveContext, toFlat } from '../../expression/gather.js';
import { inPieces } from '../../expression/in-pieces.js';
import { nestedToBytes } from '../../expression/nested-bytes.js';
import { TextEncoder32 } from '../aggregate/text-encoder.js';

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
  const wide = WIDTH_BYTES[physicalOf(flat.type)];
  inPieces(flat.length, context, (first, count) => {
    // Bits have no width: pieces begin at whole bytes.
    const from = flat.values + (wide === 0 ? first / 8 : first * wide);
    context.kernels[kernel](from, count, descending ? 1 : 0, out + first * 8);
  });
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
    inPieces(flat.length, context, (first, count) => {
      context.kernels[kernel](flat.values + first * 16, count, direction.descending ? 1 : 0, which, out + first * 8);
    });
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
  encoder.reserve(n);
  for (let first = 0; first < n; first += TEXTS_AT_ONCE) {
    context.check?.();
    const mark = context.scratch.mark();
    encoder.encode(textsFrom(source, first, Math.min(TEXTS_AT_ONCE, n - first)), 0, context, ids + first * 4);
    context.scratch.rewind(mark);
  }
  const ranks = textRanks(encoder, context, temporary);
  kernels.map_ids(ids, ranks, n, ids);
  const keys = temporary.allocate(Math.max(64, n * 8));
  kernels.order_u32(ids, n, direction.descending ? 1 : 0, keys);
  temporary.free(ids);
  return tied({ ...direction, keys: [keys], validity: source.validity }, n, context, temporary);
}

/** Rows [first, first + length) of flat or encoded texts; first is a multiple of 64. */
function textsFrom(vector: Vector, first: number, length: number): Vector {
  const validity = vector.validity === 0 ? 0 : vector.validity + first / 8;
  if (vector.encoding === 'dictionary') return { ...vector, length, values: vector.values + first * 4, validity };
  return { ...vector, length, offsets: vector.offsets + first * 4, validity };
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
    if (width * 2 <= TEXTS_AT_ONCE) {
      for (let first = 0; first < count; first += TEXTS_AT_ONCE) {
        context.check?.();
        kernels.merge_text_runs(
          texts.offsets,
          texts.values,
          ids + first * 4,
          Math.min(TEXTS_AT_ONCE, count - first),
          width,
          other + first * 4,
        );
      }
    } else {
      for (let first = 0; first < count; first += width * 2) {
        const middle = Math.min(first + width, count);
        mergeTexts(texts, ids, [first, middle, middle, Math.min(first + width * 2, count)], other + first * 4, context);
      }
    }
    [ids, other] = [other, ids];
  }
  inPieces(count, context, (first, some) => kernels.invert_u32(ids, first, first + some, other));
  memory.free(ids);
  return other;
}

/** Texts that are encoded or compared between two looks at the stop signal; a power of two. */
const TEXTS_AT_ONCE = 1 << 16;

/** Merges two sorted runs of ids, [a, endA) and [b, endB), piece by piece: halves of the longer one with what of the other belongs there. */
function mergeTexts(texts: Vector, ids: number, runs: readonly [number, number, number, number], out: number, context: MoveContext): void {
  const { kernels, arena } = context;
  const [a, endA, b, endB] = runs;
  if (endA - a + (endB - b) <= TEXTS_AT_ONCE) {
    context.check?.();
    kernels.merge_texts(texts.offsets, texts.values, ids, a, endA, b, endB, out);
    return;
  }
  const halfA = a + ((endA - a) >>> 1);
  const halfB = b + ((endB - b) >>> 1);
  const byFirst = endA - a >= endB - b;
  const splitter = arena.u32[ids / 4 + (byFirst ? halfA : halfB)] as number;
  // Equal texts of the first run come first.
  const atA = byFirst ? halfA : kernels.text_place(texts.offsets, texts.values, ids, a, endA, splitter, 1);
  const atB = byFirst ? kernels.text_place(texts.offsets, texts.values, ids, b, endB, splitter, 0) : halfB;
  mergeTexts(texts, ids, [a, atA, b, atB], out, context);
  mergeTexts(texts, ids, [atA, endA, atB, endB], out + (atA - a + (atB - b)) * 4, context);
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

/** Counts (uint32) of 256 bytes at eight places. */
const HISTOGRAM_BYTES = 8 * 256 * 4;

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
    this.histogram = memory.allocate(HISTOGRAM_BYTES);
    this.kernels.row_numbers(0, n, this.rows);
  }

  sortBy(keys: number, check: () => void): void {
    const { kernels, n, histogram } = this;
    if (this.untouched && kernels.is_sorted_u64(keys, n)) return;
    kernels.fill_bytes(histogram, 0, HISTOGRAM_BYTES);
    inPieces(n, { check }, (first, count) => {
      const piece = this.keys + first * 8;
      if (this.untouched) kernels.copy_bytes(piece, keys + first * 8, count * 8);
      else kernels.gather_u64(keys, this.rows + first * 4, count, piece);
      kernels.radix_counts_u64(piece, count, histogram);
    });
    this.untouched = false;
    for (let digit = 0; digit < 8; digit++) {
      if (kernels.radix_digit_uniform(histogram, digit, n)) continue;
      kernels.radix_places(histogram, digit);
      inPieces(n, { check }, (first, count) => {
        kernels.radix_pass_u64(this.keys + first * 8, this.rows + first * 4, count, digit, histogram, this.otherKeys, this.otherRows);
      });
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
  inPieces(n, input.context, (first, count) => kernels.count_ids(groups + first * 4, count, starts));
  kernels.running_sum_u32(starts, groupCount);
  const cursors = memory.allocate(bytes);
  kernels.copy_bytes(cursors, starts, bytes);
  const out = memory.allocate(Math.max(64, n * 4));
  inPieces(n, input.context, (first, count) => kernels.bucket_rows(groups, rows, first, first + count, cursors, out));
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
    const rows = sortRows([order], n, input.context, temporary, () => input.context.check?.());
    const ranks = input.memory.allocate(Math.max(64, n * 8));
    const [key = 0, ...more] = order.keys;
    if (more.length === 0) input.kernels.copy_bytes(ranks, key, n * 8);
    else writeRanks(order.keys, rows, n, input.context, ranks);
    return { ...bucketRows(input, list.groups, n, rows), ranks };
  } finally {
    temporary.release();
  }
}

/** Of values with several keys: by row, how many other values come before its own (uint64). */
function writeRanks(keys: readonly number[], rows: number, n: number, context: MoveContext, ranks: number): void {
  const { u32 } = context.arena;
  let rank = 0;
  let before = n > 0 ? (u32[rows / 4] as number) : 0;
  const isSame = (row: number): boolean =>
    keys.every(
      (key) => u32[key / 4 + 2 * row] === u32[key / 4 + 2 * before] && u32[key / 4 + 2 * row + 1] === u32[key / 4 + 2 * before + 1],
    );
  inPieces(n, context, (first, count) => {
    for (let at = first; at < first + count; at++) {
      const row = u32[rows / 4 + at] as number;
      if (!isSame(row)) rank += 1;
      u32[ranks / 4 + 2 * row] = rank;
      u32[ranks / 4 + 2 * row + 1] = 0;
      before = row;
    }
  });
}
