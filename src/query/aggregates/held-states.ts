/** States that hold values of rows: first, last, at an extreme of another, lists. */
import type { Kernels } from '../../../native-free/kernels.js';
import { bitmapBytes, dictionaryVector, flatVector, type Vector } from '../../core/batch.js';
import type { MemoryScope } from '../../core/memory-scope.js';
import { type DataType, type PhysicalType, physicalOf, WIDTH_BYTES } from '../../core/types.js';
import type { IdRuns, NewGroups } from '../execution/aggregate/group-table.js';
import { nextDictionaryId } from '../execution/dictionary-id.js';
import { GrowingArray } from '../execution/growing-array.js';
import { narrowOrderKey } from '../execution/sort/sort-rows.js';
import type { MoveContext } from '../expression/gather.js';
import type { SlotResult } from './contract.js';
import { type MergeInput, PartState, type State, type StateInput, type StateResult, type StateValues } from './states.js';

type Width = 1 | 2 | 4 | 8 | 16;

/** More groups than any vector has rows. */
const NO_END = 0xffffffff;

/** Bytes of an input as it comes to a state: ids for text, bytes for bool. */
function stateWidth(physical: PhysicalType): Width {
  if (physical === 'bytes') return 4;
  return physical === 'bit' || physical === 'none' ? 1 : (WIDTH_BYTES[physical] as Width);
}

/** Bitmaps of the states that hold anything, and of those that hold a value. */
function heldBits(kernels: Kernels, flags: number, n: number, context: MoveContext): { held: number; valid: number } {
  const held = context.scratch.allocate(bitmapBytes(n));
  const valid = context.scratch.allocate(bitmapBytes(n));
  kernels.bits_eq_u8(flags, 0, n, held);
  kernels.mask_and_not(0, held, n, held);
  kernels.bits_eq_u8(flags, 1, n, valid);
  return { held, valid };
}

/** Values of state arrays that may be text ids, as ids here. */
function translated(kernels: Kernels, from: number, input: MergeInput): number {
  if (input.ids === 0) return from;
  const mapped = input.context.scratch.allocate(Math.max(64, input.n * 4));
  kernels.map_ids(from, input.ids, input.n, mapped);
  return mapped;
}

/** First or last row. Parts: value, flag, and for the last one the stamp of the rows that gave it. */
export class PositionState extends PartState {
  private readonly kind: 'first' | 'last';
  private readonly width: Width;
  /** Groups that have a first row: when all have, further rows do not matter. */
  private held = 0;
  /** Groups [0, settled) are among them. */
  private settled = 0;
  private stamp = 0;
  /** True: looking for last rows from the end was no shorter than looking at all rows. */
  looksAtAll = false;

  constructor(scope: MemoryScope, kernels: Kernels, kind: 'first' | 'last', physical: PhysicalType) {
    super(scope, kernels, kind === 'last' ? [stateWidth(physical), 1, 4] : [stateWidth(physical), 1]);
    this.kind = kind;
    this.width = stateWidth(physical);
  }

  update(input: StateInput): void {
    const { values, mask, n, runs } = input;
    const value = values[0];
    if (!value) return;
    if (runs && mask === 0 && value.validity === 0) this.pickEdges(value.address, runs);
    else if (!this.takeAdded(input, value)) this.pick(value.address, value.validity, mask, input.groups, n);
  }

  /** First rows of groups that are new, where all others have one and it is known which rows they are. */
  private takeAdded({ added, mask }: StateInput, value: StateValues): boolean {
    const { kind, width, parts } = this;
    if (kind !== 'first' || !added || mask !== 0 || value.validity !== 0 || (width !== 8 && width !== 4)) return false;
    const { first, count, rows } = added;
    if (this.held !== first || first + count !== this.groupCount) return false;
    this.kernels[width === 8 ? 'gather_64' : 'gather_32'](value.address, rows, count, parts.at(0) + first * width);
    this.kernels.fill_bytes(parts.at(1) + first, 1, count);
    this.held = this.groupCount;
    this.settled = this.groupCount;
    return true;
  }

  /** Address of the flags of last rows for rows that all count and are not NULL; 0 = all flags are set. */
  flagsOf(added: NewGroups | null): number {
    const flags = this.parts.at(1);
    if (!added || this.held !== added.first || added.first + added.count !== this.groupCount) return flags;
    this.kernels.fill_bytes(flags + added.first, 1, added.count);
    this.held = this.groupCount;
    return 0;
  }

  private pickEdges(values: number, { ids, ends, runs }: IdRuns): void {
    const { parts, width, kind } = this;
    this.held += this.kernels.agg_edge_runs(kind === 'last' ? 1 : 0, width, values, ids, ends, runs, parts.at(0), parts.at(1));
  }

  merge(other: StateResult, input: MergeInput): void {
    const { held, valid } = heldBits(this.kernels, other.parts[1] ?? 0, input.n, input.context);
    this.pick(translated(this.kernels, other.parts[0] ?? 0, input), valid, held, input.groups, input.n);
  }

  private pick(values: number, validity: number, mask: number, groups: number, n: number): void {
    const { kernels, parts, kind, width } = this;
    if (kind === 'first') {
      if (this.held >= this.groupCount) return;
      const { settled, groupCount } = this;
      this.held += kernels[`agg_first_w${width}`](values, validity, mask, groups, n, parts.at(0), parts.at(1), settled, groupCount);
      if (this.held >= this.groupCount) this.settled = this.groupCount;
      return;
    }
    this.stamp += 1;
    const most = this.looksAtAll ? NO_END : this.groupCount;
    const rows = kernels[`agg_last_w${width}`](values, validity, mask, groups, n, parts.at(0), parts.at(1), parts.at(2), this.stamp, most);
    this.looksAtAll ||= rows > n / 2;
  }
}

/**
 * The row with the smallest or largest order key. Parts: key, value, flag, stamp. As long as rows come in the order of a key of 64 bits, as
 * times do, a first row is only looked for in groups without one, and a last row from the end.
 */
export class PickState extends PartState {
  private readonly kind: 'arg_min' | 'arg_max' | 'arg_max_last';
  private readonly width: Width;
  private held = 0;
  private stamp = 0;
  private ascending: boolean;
  private allCount = true;
  private newest: bigint | null = null;

  constructor(scope: MemoryScope, kernels: Kernels, kind: PickState['kind'], physical: PhysicalType) {
    super(scope, kernels, [8, stateWidth(physical), 1, 4]);
    this.kind = kind;
    this.width = stateWidth(physical);
    this.ascending = kind !== 'arg_max';
  }

  update({ values, mask, groups, n, context }: StateInput): void {
    const [value, order] = values;
    if (!value || !order || n === 0) return;
    this.ascending &&= order.physical === 'i64' && order.validity === 0 && this.goesOn(order.address, n, context);
    this.allCount &&= mask === 0;
    let rows = mask;
    if (this.ascending) {
      const isFirst = this.kind === 'arg_min';
      if (isFirst && this.held >= this.groupCount) return;
      rows = context.scratch.allocate(bitmapBytes(n) + 64);
      if (isFirst) this.kernels.first_rows(groups, mask, n, this.parts.at(2), rows);
      else {
        this.stamp += 1;
        this.kernels.last_rows(groups, mask, n, this.parts.at(3), this.stamp, this.groupCount, rows);
      }
      // Every group that is known has a row when none was ever left out.
      if (this.allCount) this.held = this.groupCount;
    }
    // Bool order values come as bytes.
    const type: DataType = order.type.kind === 'bool' ? { kind: 'uint8' } : order.type;
    const keys = narrowOrderKey(flatVector(type, n, order.address), this.kind !== 'arg_min', context, context.scratch);
    this.pick(keys, value.address, value.validity, rows, groups, n);
  }

  /** True when the keys ascend, and begin where those before have ended. */
  private goesOn(keys: number, n: number, { arena }: MoveContext): boolean {
    const first = arena.i64[keys / 8] as bigint;
    if ((this.newest !== null && first < this.newest) || !this.kernels.is_sorted_i64(keys, n)) return false;
    this.newest = arena.i64[keys / 8 + n - 1] as bigint;
    return true;
  }

  merge(other: StateResult, input: MergeInput): void {
    this.ascending = false;
    const { held, valid } = heldBits(this.kernels, other.parts[2] ?? 0, input.n, input.context);
    this.pick(other.parts[0] ?? 0, translated(this.kernels, other.parts[1] ?? 0, input), valid, held, input.groups, input.n);
  }

  private pick(keys: number, values: number, validity: number, mask: number, groups: number, n: number): void {
    const last = this.kind === 'arg_max_last' ? 1 : 0;
    const { parts } = this;
    this.kernels[`agg_pick_w${this.width}`](last, keys, values, validity, mask, groups, n, parts.at(0), parts.at(1), parts.at(2));
  }
}

/** All values with the group of each. Parts: values, groups, presence (one byte per value). */
export class ListState implements State {
  private readonly type: DataType;
  private readonly kernels: Kernels;
  private readonly scope: MemoryScope;
  private readonly width: Width;
  private readonly values: GrowingArray;
  private readonly groups: GrowingArray;
  private readonly present: GrowingArray;
  private length = 0;

  constructor(scope: MemoryScope, kernels: Kernels, type: DataType) {
    this.type = type;
    this.scope = scope;
    this.kernels = kernels;
    this.width = stateWidth(physicalOf(type));
    this.values = new GrowingArray(scope, kernels);
    this.groups = new GrowingArray(scope, kernels);
    this.present = new GrowingArray(scope, kernels);
  }

  ensure(): void {
    // A list has no states per group.
  }

  reserveValues(count: number): void {
    this.values.ensure((this.length + count) * this.width, this.length * this.width);
    this.groups.ensure((this.length + count) * 4, this.length * 4);
    this.present.ensure(this.length + count, this.length);
  }

  update({ values, mask, groups, n }: StateInput): void {
    const value = values[0];
    if (value) this.append(value.address, value.validity, mask, groups, n);
  }

  merge(other: StateResult, input: MergeInput): void {
    const [values = 0, groups = 0, present = 0] = other.parts;
    const n = other.length;
    const { scratch } = input.context;
    const valid = scratch.allocate(bitmapBytes(n));
    this.kernels.bits_eq_u8(present, 1, n, valid);
    let mapped = 0;
    if (input.groups !== 0) {
      mapped = scratch.allocate(Math.max(64, n * 4));
      this.kernels.map_ids(groups, input.groups, n, mapped);
    }
    this.append(translated(this.kernels, values, { ...input, n }), valid, 0, mapped, n);
  }

  private append(values: number, validity: number, mask: number, groups: number, n: number): void {
    const { length, width, kernels } = this;
    this.values.ensure((length + n) * width, length * width);
    this.groups.ensure((length + n) * 4, length * 4);
    this.present.ensure(length + n, length);
    const kept = kernels[`append_w${width}`](values, mask, n, this.values.address + length * width);
    const at = this.groups.address + length * 4;
    if (groups === 0) kernels.fill_u32(0, kept, at);
    else kernels.append_w4(groups, mask, n, at);
    kernels.append_flags(validity, mask, n, this.present.address + length);
    this.length += kept;
  }

  result(): StateResult {
    return { parts: [this.values.address, this.groups.address, this.present.address], length: this.length };
  }

  slot(texts: Vector | null): SlotResult {
    const { length, scope } = this;
    const bitmap = scope.allocate(bitmapBytes(length) + 64);
    const set = this.kernels.bits_eq_u8(this.present.address, 1, length, bitmap);
    const validity = set === length ? 0 : bitmap;
    return { parts: [], texts, list: { values: this.vector(texts, validity), groups: this.groups.address } };
  }

  private vector(texts: Vector | null, validity: number): Vector {
    const { type, length } = this;
    if (texts) {
      const dictionary = { id: nextDictionaryId(), count: texts.length, offsets: texts.offsets, values: texts.values };
      return dictionaryVector(type, length, this.values.address, dictionary, validity);
    }
    if (type.kind !== 'bool') return flatVector(type, length, this.values.address, validity);
    const bits = this.scope.allocate(bitmapBytes(length) + 64);
    this.kernels.bits_eq_u8(this.values.address, 1, length, bits);
    return flatVector(type, length, bits, validity);
  }
}
