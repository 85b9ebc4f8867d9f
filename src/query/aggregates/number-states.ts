/** States of numbers: sums, moments, extremes. */
import type { Kernels } from '../../../native-free/kernels.js';
import { assert } from '../../core/assert.js';
import { bitmapBytes, type Vector } from '../../core/batch.js';
import type { MemoryScope } from '../../core/memory-scope.js';
import { type PhysicalType, WIDTH_BYTES } from '../../core/types.js';
import { GrowingArray } from '../execution/growing-array.js';
import type { SlotResult } from './contract.js';
import { type MergeInput, PartState, type StateInput, type StateResult, type StateValues } from './states.js';

type FoldKernel = (values: number, mask: number, groups: number, n: number, states: number) => void;

/** The kernel of this name for the physical type. Slots are only made for types that have one. */
function kernelOf(kernels: Kernels, prefix: 'agg_sum' | 'agg_min' | 'agg_max', physical: PhysicalType): FoldKernel {
  return kernels[`${prefix}_${physical}` as 'agg_min_i64'];
}

type RunKernel = (values: number, ids: number, ends: number, runs: number, states: number) => void;

/** The kernel over runs of groups; undefined when the type has none. */
function runKernelOf(kernels: Kernels, prefix: 'agg_sum' | 'agg_min' | 'agg_max', physical: PhysicalType): RunKernel | undefined {
  return kernels[`${prefix}_runs_${physical}` as 'agg_min_runs_i64'];
}

export class SumState extends PartState {
  private readonly kind: 'sum_float' | 'sum_decimal' | 'product';

  constructor(scope: MemoryScope, kernels: Kernels, kind: SumState['kind']) {
    super(
      scope,
      kernels,
      kind === 'sum_decimal' ? [16, 1] : [8],
      kind === 'product' ? bytesOf((view) => view.setFloat64(0, 1, true)) : null,
    );
    this.kind = kind;
  }

  update(input: StateInput): void {
    const { values, mask, n, runs } = input;
    const value = values[0];
    if (!value) return;
    const states = this.parts.at(0);
    const inRuns = runs && mask === 0 ? runKernelOf(this.kernels, 'agg_sum', value.physical) : undefined;
    if (runs && inRuns && this.kind !== 'product') {
      inRuns(value.address, runs.ids, runs.ends, runs.runs, states);
      return;
    }
    const { groups } = input;
    if (this.kind === 'sum_decimal') this.kernels.agg_sum_i128(value.address, mask, groups, n, states, this.parts.at(1));
    else if (this.kind === 'product') this.kernels.agg_product_f64(value.address, mask, groups, n, states);
    else kernelOf(this.kernels, 'agg_sum', value.physical)(value.address, mask, groups, n, states);
  }

  merge(other: StateResult, { groups, n }: MergeInput): void {
    const from = other.parts[0] ?? 0;
    if (this.kind === 'sum_float') this.kernels.agg_merge_f64(from, 0, groups, n, this.parts.at(0));
    else if (this.kind === 'product') this.kernels.agg_product_f64(from, 0, groups, n, this.parts.at(0));
    else mergeWide(this.kernels, this.parts, other, groups, n);
  }
}

/** 128-bit sums with the flags of those that have overflown. */
function mergeWide(kernels: Kernels, parts: { at(index: number): number }, other: StateResult, groups: number, n: number): void {
  kernels.agg_sum_i128(other.parts[0] ?? 0, 0, groups, n, parts.at(0), parts.at(1));
  kernels.agg_max_u8(other.parts[1] ?? 0, 0, groups, n, parts.at(1));
}

type AddKernel = (values: number, mask: number, groups: number, n: number, states: number) => number;

/** What a 64-bit sum may have grown by at most when more rows come, and what those may add: together they fit. */
const MOST_GROWTH = 2 ** 61;

/** Groups beyond which faster states beside the states that are merged are too much memory. */
export const MOST_NARROW_GROUPS = 1 << 17;

/**
 * Exact sums of whole numbers. Parts: 128 bits, flag of an overflow. Rows of many groups are first added in 64 bits, as long as it is certain that their
 * sums fit, which is half the work.
 */
export class WholeSumState extends PartState {
  private readonly scope: MemoryScope;
  private narrow: GrowingArray | null = null;
  private narrowGroups = 0;
  private growth = 0;
  private staysWide = false;

  constructor(scope: MemoryScope, kernels: Kernels) {
    super(scope, kernels, [16, 1]);
    this.scope = scope;
  }

  update(input: StateInput): void {
    const { values, mask, n, runs } = input;
    const value = values[0];
    if (!value) return;
    const inRuns = runs && mask === 0 ? runKernelOf(this.kernels, 'agg_sum', value.physical) : undefined;
    if (runs && inRuns) {
      inRuns(value.address, runs.ids, runs.ends, runs.runs, this.parts.at(0));
      return;
    }
    const { groups } = input;
    const sums = groups === 0 || value.physical === 'u64' ? 0 : this.narrowSums();
    if (sums !== 0) {
      const bits = (this.kernels[`agg_add_${value.physical}` as 'agg_add_i64'] as AddKernel)(value.address, mask, groups, n, sums);
      if (this.keeps(value, bits, mask, groups, n)) return;
    }
    kernelOf(this.kernels, 'agg_sum', value.physical)(value.address, mask, groups, n, this.parts.at(0));
  }

  /** Address of int64 sums by group that whoever adds rows to them must ask keeps() about; 0 = there are none. */
  narrowSums(): number {
    const { groupCount, kernels } = this;
    if (this.staysWide || groupCount > MOST_NARROW_GROUPS) return 0;
    if (this.growth > MOST_GROWTH) this.settle();
    this.narrow ??= new GrowingArray(this.scope, kernels);
    if (this.narrowGroups < groupCount) {
      this.narrow.ensure(groupCount * 8, this.narrowGroups * 8);
      kernels.fill_bytes(this.narrow.address + this.narrowGroups * 8, 0, (groupCount - this.narrowGroups) * 8);
      this.narrowGroups = groupCount;
    }
    return this.narrow.address;
  }

  /** False when sums of values of so many bits may not fit: then they are taken out again. */
  keeps(value: StateValues, bits: number, mask: number, groups: number, n: number): boolean {
    const growth = n * 2 ** bits;
    if (growth <= MOST_GROWTH) {
      this.growth += growth;
      return true;
    }
    assert(value.physical === 'i64', 'only int64 has values of so many bits');
    this.kernels.agg_take_i64(value.address, mask, groups, n, this.narrow?.address ?? 0);
    this.staysWide = true;
    return false;
  }

  /** Brings the 64-bit sums into the states. */
  private settle(): void {
    if (this.narrow && this.growth > 0) this.kernels.agg_carry_i64(this.narrow.address, this.narrowGroups, this.parts.at(0));
    this.growth = 0;
  }

  merge(other: StateResult, { groups, n }: MergeInput): void {
    mergeWide(this.kernels, this.parts, other, groups, n);
  }

  override result(): StateResult {
    this.settle();
    return super.result();
  }

  override slot(texts: Vector | null): SlotResult {
    this.settle();
    return super.slot(texts);
  }
}

const PRODUCT_FACTORS: ReadonlySet<PhysicalType> = new Set(['f64', 'i64', 'i32']);

/** True when products take values of the type as they are. */
export function multipliesAsIs(physical: PhysicalType): boolean {
  return PRODUCT_FACTORS.has(physical);
}

/** Sums of products of two columns of floats, or whole numbers that multipliesAsIs(). */
export class SumProductState extends PartState {
  constructor(scope: MemoryScope, kernels: Kernels) {
    super(scope, kernels, [8]);
  }

  update({ values, mask, groups, n }: StateInput): void {
    const [a, b] = values;
    if (!a || !b) return;
    const kernel = this.kernels[`agg_sum_product_${a.physical}_${b.physical}` as 'agg_sum_product_f64_f64'];
    kernel(a.address, b.address, mask, groups, n, this.parts.at(0));
  }

  merge(other: StateResult, { groups, n }: MergeInput): void {
    this.kernels.agg_merge_f64(other.parts[0] ?? 0, 0, groups, n, this.parts.at(0));
  }
}

export class MomentsState extends PartState {
  private readonly joint: boolean;

  constructor(scope: MemoryScope, kernels: Kernels, joint: boolean) {
    super(scope, kernels, [joint ? 48 : 24]);
    this.joint = joint;
  }

  update({ values, mask, groups, n }: StateInput): void {
    const x = values[0]?.address ?? 0;
    if (this.joint) this.kernels.agg_co_moments_f64(x, values[1]?.address ?? 0, mask, groups, n, this.parts.at(0));
    else this.kernels.agg_moments_f64(x, mask, groups, n, this.parts.at(0));
  }

  merge(other: StateResult, { groups, n }: MergeInput): void {
    const from = other.parts[0] ?? 0;
    if (this.joint) this.kernels.agg_merge_co_moments(from, groups, n, this.parts.at(0));
    else this.kernels.agg_merge_moments(from, groups, n, this.parts.at(0));
  }
}

export class TrueCountState extends PartState {
  constructor(scope: MemoryScope, kernels: Kernels) {
    super(scope, kernels, [8]);
  }

  update({ values, mask, groups, n, context }: StateInput): void {
    const bits = context.scratch.allocate(bitmapBytes(n));
    this.kernels.bits_eq_u8(values[0]?.address ?? 0, 1, n, bits);
    this.kernels.mask_and(bits, mask, n, bits);
    this.kernels.agg_count(bits, groups, n, this.parts.at(0));
  }

  merge(other: StateResult, { groups, n }: MergeInput): void {
    this.kernels.agg_add_i64(other.parts[0] ?? 0, 0, groups, n, this.parts.at(0));
  }
}

/** min or max of values of at most 64 bits. */
export class ExtremeState extends PartState {
  private readonly kind: 'min' | 'max';
  private readonly physical: PhysicalType;

  constructor(scope: MemoryScope, kernels: Kernels, kind: 'min' | 'max', physical: PhysicalType) {
    super(scope, kernels, [WIDTH_BYTES[physical]], worstOf(kind, physical));
    this.kind = kind;
    this.physical = physical;
  }

  update(input: StateInput): void {
    const { values, mask, n, runs } = input;
    const address = values[0]?.address ?? 0;
    const inRuns = runs && mask === 0 ? runKernelOf(this.kernels, `agg_${this.kind}`, this.physical) : undefined;
    if (runs && inRuns) inRuns(address, runs.ids, runs.ends, runs.runs, this.parts.at(0));
    else this.fold(address, mask, input.groups, n);
  }

  merge(other: StateResult, { groups, n }: MergeInput): void {
    this.fold(other.parts[0] ?? 0, 0, groups, n);
  }

  private fold(values: number, mask: number, groups: number, n: number): void {
    const kernel =
      this.kind === 'min' ? kernelOf(this.kernels, 'agg_min', this.physical) : kernelOf(this.kernels, 'agg_max', this.physical);
    kernel(values, mask, groups, n, this.parts.at(0));
  }
}

export const WIDE_ORDER = { i128: 0, fixed16: 1, interval: 2 } as const;

export class WideExtremeState extends PartState {
  private readonly largest: number;
  private readonly order: number;

  constructor(scope: MemoryScope, kernels: Kernels, kind: 'min' | 'max', physical: keyof typeof WIDE_ORDER) {
    super(scope, kernels, [16, 1]);
    this.largest = kind === 'max' ? 1 : 0;
    this.order = WIDE_ORDER[physical];
  }

  update({ values, mask, groups, n }: StateInput): void {
    this.kernels.agg_extreme_w16(this.largest, this.order, values[0]?.address ?? 0, mask, groups, n, this.parts.at(0), this.parts.at(1));
  }

  merge(other: StateResult, { groups, n, context }: MergeInput): void {
    const mask = context.scratch.allocate(bitmapBytes(n));
    this.kernels.bits_eq_u8(other.parts[1] ?? 0, 1, n, mask);
    this.kernels.agg_extreme_w16(this.largest, this.order, other.parts[0] ?? 0, mask, groups, n, this.parts.at(0), this.parts.at(1));
  }
}

export class TextExtremeState extends PartState {
  private readonly largest: number;

  constructor(scope: MemoryScope, kernels: Kernels, kind: 'min' | 'max') {
    super(scope, kernels, [4], new Uint8Array(16).fill(255));
    this.largest = kind === 'max' ? 1 : 0;
  }

  update({ values, mask, groups, n }: StateInput): void {
    const texts = values[0]?.texts;
    if (!texts) return;
    this.kernels.agg_extreme_text(this.largest, texts.offsets, texts.values, values[0]?.address ?? 0, mask, groups, n, this.parts.at(0));
  }

  merge(other: StateResult, { groups, n, context, ids, texts }: MergeInput): void {
    if (!texts) return;
    const mapped = context.scratch.allocate(Math.max(64, n * 4));
    const mask = context.scratch.allocate(bitmapBytes(n));
    this.kernels.map_found_ids(other.parts[0] ?? 0, ids, n, mapped);
    this.kernels.bits_found_u32(mapped, n, mask);
    this.kernels.agg_extreme_text(this.largest, texts.offsets, texts.values, mapped, mask, groups, n, this.parts.at(0));
  }
}

function bytesOf(write: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(16);
  write(new DataView(bytes.buffer));
  return bytes;
}

/** The bits that every value of the type replaces. */
function worstOf(kind: 'min' | 'max', physical: PhysicalType): Uint8Array {
  const smallest = kind === 'max';
  switch (physical) {
    case 'f32':
      return bytesOf((view) => view.setFloat32(0, smallest ? Number.NEGATIVE_INFINITY : Number.NaN, true));
    case 'f64':
      return bytesOf((view) => view.setFloat64(0, smallest ? Number.NEGATIVE_INFINITY : Number.NaN, true));
    case 'i8':
    case 'i16':
    case 'i32':
    case 'i64': {
      const bytes = new Uint8Array(16).fill(smallest ? 0 : 255);
      bytes[WIDTH_BYTES[physical] - 1] = smallest ? 0x80 : 0x7f;
      return bytes;
    }
    default:
      return new Uint8Array(16).fill(smallest ? 0 : 255);
  }
}
