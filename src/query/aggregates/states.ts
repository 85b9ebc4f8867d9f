/**
 * States of aggregates: arrays of one element per group that are updated from vectors and merged with the states of later rows.
 * The kernels of each kind are in number-states.ts and held-states.ts; what a state means is its aggregate's business.
 */
import type { Kernels } from '../../../native-free/kernels.js';
import { bitmapBytes, type Vector } from '../../core/batch.js';
import type { MemoryScope } from '../../core/memory-scope.js';
import type { DataType, PhysicalType } from '../../core/types.js';
import type { IdRuns, NewGroups } from '../execution/aggregate/group-table.js';
import { GrowingArray } from '../execution/growing-array.js';
import type { MoveContext } from '../expression/gather.js';
import type { SlotResult } from './contract.js';

/** What one update sees. Inputs are flat; bool inputs are bytes (uint8), text inputs ids (uint32) of an encoder. */
export interface StateInput {
  /** Group of each row (uint32), or 0: all rows are of group 0. */
  readonly groups: number;
  /** The same groups where rows come in runs of them; then the groups by row are made when they are asked for. */
  readonly runs?: IdRuns | null;
  /** Groups that are new with these rows; null: not known. */
  readonly added?: NewGroups | null;
  /** Rows that count; 0 = all. */
  readonly mask: number;
  readonly n: number;
  readonly values: readonly StateValues[];
  readonly context: MoveContext;
}

export interface StateValues {
  readonly type: DataType;
  readonly physical: PhysicalType;
  readonly address: number;
  readonly validity: number;
  /** Text: offsets and bytes of the values that ids mean; else null. */
  readonly texts: Vector | null;
  /** The argument as it came, in any encoding. */
  readonly vector: Vector;
}

/** A state as plain data for another thread. */
export interface StateResult {
  readonly parts: readonly number[];
  /** Lists: number of kept values. */
  readonly length: number;
}

/** How states of other rows come in. */
export interface MergeInput {
  /** Group here of each group there (uint32), or 0: all are group 0. */
  readonly groups: number;
  /** Groups there. */
  readonly n: number;
  readonly context: MoveContext;
  /** Text states: id here of each id there, and the values that ids here mean. */
  readonly ids: number;
  readonly texts: Vector | null;
}

export interface State {
  ensure(groupCount: number): void;
  /** Room for groups to come, so that it does not grow step by step. */
  reserve?(groupCount: number): void;
  /** Room for values to come, of states that keep them all. */
  reserveValues?(count: number): void;
  update(input: StateInput): void;
  merge(other: StateResult, input: MergeInput): void;
  result(): StateResult;
  /** For the aggregate's finish. */
  slot(texts: Vector | null): SlotResult;
}

/** Arrays of one element per group, new elements filled with a pattern. */
export class Parts {
  readonly arrays: readonly GrowingArray[];
  private readonly kernels: Kernels;
  private readonly widths: readonly number[];
  private readonly pattern: number;
  private filled = 0;

  /** The pattern (16 bytes) fills the first part; the others start as zeros. */
  constructor(scope: MemoryScope, kernels: Kernels, widths: readonly number[], pattern: Uint8Array | null) {
    this.kernels = kernels;
    this.widths = widths;
    this.arrays = widths.map(() => new GrowingArray(scope, kernels));
    this.pattern = pattern ? scope.allocate(16) : 0;
    if (pattern) scope.arena.u8.set(pattern, this.pattern);
  }

  at(index: number): number {
    return this.arrays[index]?.address ?? 0;
  }

  get addresses(): number[] {
    return this.arrays.map((array) => array.address);
  }

  reserve(groupCount: number): void {
    this.arrays.forEach((array, i) => {
      array.ensure(groupCount * (this.widths[i] ?? 0), this.filled * (this.widths[i] ?? 0));
    });
  }

  ensure(groupCount: number): void {
    if (groupCount <= this.filled) return;
    this.arrays.forEach((array, i) => {
      const width = this.widths[i] ?? 0;
      array.ensure(groupCount * width, this.filled * width);
      if (i === 0 && this.pattern !== 0)
        this.kernels.fill_states(array.address, this.filled, groupCount - this.filled, width, this.pattern);
      else this.kernels.fill_bytes(array.address + this.filled * width, 0, (groupCount - this.filled) * width);
    });
    this.filled = groupCount;
  }
}

export abstract class PartState implements State {
  protected readonly parts: Parts;
  protected readonly kernels: Kernels;
  protected groupCount = 0;

  constructor(scope: MemoryScope, kernels: Kernels, widths: readonly number[], pattern: Uint8Array | null = null) {
    this.kernels = kernels;
    this.parts = new Parts(scope, kernels, widths, pattern);
  }

  ensure(groupCount: number): void {
    this.parts.ensure(groupCount);
    this.groupCount = Math.max(this.groupCount, groupCount);
  }

  reserve(groupCount: number): void {
    this.parts.reserve(groupCount);
  }

  /** Address of an array of one element per group. */
  part(index: number): number {
    return this.parts.at(index);
  }

  abstract update(input: StateInput): void;
  abstract merge(other: StateResult, input: MergeInput): void;

  result(): StateResult {
    return { parts: this.parts.addresses, length: 0 };
  }

  slot(texts: Vector | null): SlotResult {
    return { parts: this.parts.addresses, texts, list: null };
  }
}

/** Rows per group (int64). */
export class CountState extends PartState {
  constructor(scope: MemoryScope, kernels: Kernels) {
    super(scope, kernels, [8]);
  }

  get counts(): number {
    return this.parts.at(0);
  }

  update(input: StateInput): void {
    const { runs, mask, n } = input;
    if (runs && mask === 0) this.kernels.agg_count_runs(runs.ids, runs.ends, runs.runs, this.parts.at(0));
    else this.kernels.agg_count(mask, input.groups, n, this.parts.at(0));
  }

  merge(other: StateResult, { groups, n }: MergeInput): void {
    this.kernels.agg_add_i64(other.parts[0] ?? 0, 0, groups, n, this.parts.at(0));
  }
}

/**
 * Which groups any row has reached. As long as every row of every vector counts, all groups are reached and no row is looked at; groups
 * [0, full) are known that way, the others by flags.
 */
export class PresenceState extends PartState {
  private full = 0;
  private before = 0;

  constructor(scope: MemoryScope, kernels: Kernels) {
    super(scope, kernels, [1]);
  }

  override ensure(groupCount: number): void {
    super.ensure(groupCount);
    this.groupCount = groupCount;
  }

  update({ groups, mask, n }: StateInput): void {
    this.kernels.mark_groups(mask, groups, n, this.parts.at(0));
    this.before = this.groupCount;
  }

  /** Instead of update: all rows that gave new groups count. */
  updateAll(input: StateInput): void {
    if (this.full < this.before) {
      this.update(input);
      return;
    }
    this.full = this.groupCount;
    this.before = this.groupCount;
  }

  merge(other: StateResult, { groups, n, context }: MergeInput): void {
    const input: StateInput = { groups, mask: 0, n, values: [], context };
    if (other.length >= n) this.updateAll(input);
    else this.update({ ...input, mask: presentBits(this.kernels, other.parts[0] ?? 0, other.length, n, context.scratch) });
  }

  override result(): StateResult {
    return { parts: this.parts.addresses, length: this.full };
  }

  /** Bitmap of the groups; 0 = all. */
  bitmap(memory: { allocate(sizeBytes: number): number }): number {
    const { full, groupCount } = this;
    return full >= groupCount ? 0 : presentBits(this.kernels, this.parts.at(0), full, groupCount, memory);
  }
}

/** Groups below `full` and those with a flag. */
function presentBits(kernels: Kernels, flags: number, full: number, n: number, memory: { allocate(sizeBytes: number): number }): number {
  kernels.fill_bytes(flags, 1, full);
  const bits = memory.allocate(bitmapBytes(n));
  kernels.bits_eq_u8(flags, 1, n, bits);
  return bits;
}
