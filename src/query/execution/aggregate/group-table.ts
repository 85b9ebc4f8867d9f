/**
 * Groups of rows with equal keys. Each key column has its encoder; ids of several columns are combined pair by pair, so a table of any
 * number of keys of any types is a chain of tables with 64-bit keys. Groups are numbered in order of first appearance.
 */
import type { Kernels } from '../../../../native-free/kernels.js';
import { dictionaryVector, type Vector } from '../../../core/batch.js';
import type { MemoryScope } from '../../../core/memory-scope.js';
import { type DataType, physicalOf } from '../../../core/types.js';
import { gatherVector, type MoveContext } from '../../expression/gather.js';
import { inPieces } from '../../expression/in-pieces.js';
import type { BucketRuns } from '../../functions/bucket-grid.js';
import { nextDictionaryId } from '../dictionary-id.js';
import { GrowingArray } from '../growing-array.js';
import { sliceVector } from '../slice-vector.js';
import { createKeyEncoder, type EncoderHandle, FixedEncoder, KeyFinder } from './key-encoder.js';
import { KeyTable } from './key-table.js';
import { SeenCodes, TextEncoder32 } from './text-encoder.js';

/** Groups that a text should have on average, so that it is worth being looked up. */
const GROUPS_PER_TEXT = 4;

/** Largest map of pairs that is indexed directly instead of hashed, in entries. */
const DIRECT_ENTRIES = 1 << 20;

/** Word of a pair table's header (see native-free/assembly/relation/encode.ts). */
const NEW_ROWS = 5;

/** What another thread needs to know of a table: distinct keys by column, and the pairs of ids that make the groups. */
export interface GroupTableResult {
  readonly groupCount: number;
  readonly keys: readonly Vector[];
  /** For key columns 1, 2, …: address of groupCount pairs (id of what came before, id of this column) and how many there are. */
  readonly pairs: readonly { readonly address: number; readonly count: number }[];
  /** Of the only column: groups in the order of their first rows; empty = ascending. */
  readonly order: readonly number[];
}

/**
 * Codes of dictionaries as ids of texts: of several columns, one may have ids for values that no row has, and such tables cannot be merged by some
 * of their columns; of an only column, groups may come in another order than their rows, which result() tells, unless they must be `ordered`.
 */
export type CodesAsIds = 'never' | 'ordered' | 'any order';

export interface GroupTableHandle {
  readonly encoders: readonly EncoderHandle[];
  readonly pairs: readonly number[];
}

/** Runs of rows with one id each: addresses of the ids and of the row after each run, ascending to the number of rows. No run is empty. */
export interface IdRuns {
  readonly ids: number;
  readonly runs: number;
  readonly ends: number;
}

/** Groups [first, first + count) are new with these rows: the address of the first row of each (uint32). */
export interface NewGroups {
  readonly first: number;
  readonly count: number;
  readonly rows: number;
}

/** Ids of a key column: by row (an address), or of runs of rows. */
type KeyIds = number | IdRuns;

/** The groups of rows. */
export class RowGroups {
  /** null: not known. */
  readonly added: NewGroups | null;
  private readonly ids: KeyIds;
  private readonly n: number;
  private readonly context: MoveContext;
  private byRow = 0;

  constructor(ids: KeyIds, n: number, context: MoveContext, added: NewGroups | null = null) {
    this.added = added;
    this.ids = ids;
    this.n = n;
    this.context = context;
  }

  /** Where rows come in runs of groups. */
  get runs(): IdRuns | null {
    return typeof this.ids === 'number' ? null : this.ids;
  }

  /** Address of the group of each row (uint32). */
  get rows(): number {
    if (this.byRow === 0) this.byRow = rowIds(this.ids, this.n, this.context);
    return this.byRow;
  }
}

/** Ids of pairs of ids. */
class PairTable {
  /** What the last rows have added; null: not known. */
  added: NewGroups | null = null;
  readonly keys: KeyTable;
  private readonly kernels: Kernels;
  private readonly map: GrowingArray;
  private stride = 0;
  private height = 0;
  private hashed = false;
  private rowsSeen = 0;

  constructor(scope: MemoryScope, kernels: Kernels) {
    this.keys = new KeyTable(scope, kernels, 8);
    this.kernels = kernels;
    this.map = new GrowingArray(scope, kernels);
  }

  /** aCount, bCount: all ids are below them. */
  encode(a: KeyIds, aCount: number, b: KeyIds, bCount: number, mask: number, n: number, context: MoveContext): number {
    this.rowsSeen += n;
    const out = allocateIds(n, context);
    if (!this.hashed && this.fitsMap(aCount, bCount)) {
      this.keys.reserveKeys(Math.min(n, this.stride * this.height));
      this.encodeDirect(a, b, mask, n, context, out);
    } else this.encodeHashed(rowIds(a, n, context), rowIds(b, n, context), mask, n, context, out);
    return out;
  }

  private encodeDirect(a: KeyIds, b: KeyIds, mask: number, n: number, context: MoveContext, out: number): void {
    const { kernels, stride } = this;
    const { table, count: first } = this.keys;
    const rows = allocateIds(n, context);
    context.arena.u32[table / 4 + NEW_ROWS] = rows - first * 4;
    const map = this.map.address;
    if (mask === 0 && typeof a === 'number' && typeof b === 'object') {
      kernels.encode_pairs_runs(table, map, stride, a, b.ids, b.ends, b.runs, 0, out);
    } else if (mask === 0 && typeof a === 'object' && typeof b === 'number') {
      kernels.encode_pairs_runs(table, map, stride, b, a.ids, a.ends, a.runs, 1, out);
    } else kernels.encode_pairs_direct(table, map, stride, rowIds(a, n, context), rowIds(b, n, context), mask, n, out);
    this.added = { first, count: this.keys.count - first, rows };
  }

  private encodeHashed(a: number, b: number, mask: number, n: number, context: MoveContext, out: number): void {
    if (!this.hashed) {
      this.hashed = true;
      this.added = null;
      this.map.free();
    }
    this.keys.reserve(n, context);
    this.kernels.encode_pairs(this.keys.table, a, b, mask, n, out);
  }

  /** Makes slots from what the map knows, so that find works. */
  seal(): void {
    this.keys.reserve(1);
  }

  private fitsMap(aCount: number, bCount: number): boolean {
    if (aCount <= this.stride && bCount <= this.height) return true;
    const stride = Math.max(this.stride, 2 ** Math.ceil(Math.log2(Math.max(16, aCount))));
    const height = Math.max(this.height, 2 ** Math.ceil(Math.log2(Math.max(16, bCount))));
    // A few rows do not pay for a large map, of which grouping sets may want thousands.
    if (stride * height > Math.min(DIRECT_ENTRIES, 1024 + this.rowsSeen ** 2 / 4)) return false;
    this.stride = stride;
    this.height = height;
    this.map.replaceZeroed(stride * height * 4);
    this.kernels.remap_pairs(this.keys.table, this.map.address, stride);
    return true;
  }
}

export class GroupTable {
  readonly encoders: readonly (FixedEncoder | TextEncoder32)[];
  private readonly pairs: readonly PairTable[];
  private readonly codes: CodesAsIds;
  private readonly seen: SeenCodes | null;

  constructor(types: readonly DataType[], scope: MemoryScope, kernels: Kernels, codes: CodesAsIds = 'never') {
    this.codes = codes;
    this.seen = types.length === 1 ? new SeenCodes(codes === 'ordered') : null;
    this.encoders = types.map((type) => createKeyEncoder(type, scope, kernels));
    this.pairs = types.slice(1).map(() => new PairTable(scope, kernels));
  }

  get groupCount(): number {
    return this.pairs.at(-1)?.keys.count ?? this.encoders[0]?.count ?? 0;
  }

  /** Address of the group of each row (uint32); that of rows outside the mask means nothing. */
  assign(keys: readonly Vector[], mask: number, n: number, context: MoveContext): number {
    return this.group(keys, mask, n, context).rows;
  }

  /** As assign; without a mask some keys may come as runs of buckets. */
  group(keys: readonly (Vector | BucketRuns)[], mask: number, n: number, context: MoveContext): RowGroups {
    const ids = keys.map((key, i): KeyIds => {
      if ('ends' in key) {
        const runs = key.starts.length;
        const out = allocateIds(runs, context);
        this.encoders[i]?.encode(key.starts, 0, context, out);
        return { ids: out, runs, ends: key.ends };
      }
      const encoder = this.encoders[i];
      const takesCodes = this.codes !== 'never' && encoder instanceof TextEncoder32;
      const codes = takesCodes ? encoder.codesAsIds(key, mask, this.seen, context) : undefined;
      if (codes !== undefined) return codes;
      const out = allocateIds(n, context);
      encoder?.encode(key, mask, context, out);
      return out;
    });
    return new RowGroups(this.combine(ids, mask, n, context), n, context, this.pairs.at(-1)?.added);
  }

  /** The group of each group of another table. */
  merge(other: GroupTableResult, context: MoveContext): number {
    if (other.order.length > 0) return this.mergeInOrder(other, context);
    const maps = other.keys.map((values, i) => {
      const out = allocateIds(values.length, context);
      inPieces(values.length, context, (first, count) => {
        this.encoders[i]?.encode(sliceVector(values, first, count), 0, context, out + first * 4);
      });
      return out;
    });
    let groups = maps[0] ?? 0;
    other.pairs.forEach((pairs, i) => {
      groups = this.mergePairs(i, pairs, groups, maps[i + 1] ?? 0, context);
    });
    return groups;
  }

  /** Ids here of the pairs of ids of another table: `lefts` and `rights` are what those ids are here. */
  private mergePairs(index: number, pairs: GroupTableResult['pairs'][number], lefts: number, rights: number, context: MoveContext): number {
    const { kernels, scratch } = context;
    const out = allocateIds(pairs.count, context);
    inPieces(pairs.count, context, (first, count) => {
      const mark = scratch.mark();
      const [left, right] = [allocateIds(count, context), allocateIds(count, context)];
      const address = pairs.address + first * 8;
      kernels.unpair(address, 0, count, 0, left);
      kernels.unpair(address, 0, count, 1, right);
      kernels.map_ids(left, lefts, count, left);
      kernels.map_ids(right, rights, count, right);
      kernels.copy_bytes(out + first * 4, this.combineAt(index, left, right, 0, count, context), count * 4);
      scratch.rewind(mark);
    });
    return out;
  }

  /** As merge, of an only column: groups that are new come in the order of their first rows. */
  private mergeInOrder({ order, keys: [values] }: GroupTableResult, context: MoveContext): number {
    const { arena, scratch } = context;
    const n = order.length;
    const [rows, ids, out] = [allocateIds(n, context), allocateIds(n, context), allocateIds(n, context)];
    arena.u32.set(order, rows / 4);
    this.encoders[0]?.encode(gatherVector(values as Vector, rows, n, context, scratch), 0, context, ids);
    order.forEach((group, i) => {
      arena.u32[out / 4 + group] = arena.u32[ids / 4 + i] ?? 0;
    });
    return out;
  }

  /** The group of each group of another table, of whose key columns only some are this table's. */
  mergeColumns(other: GroupTableResult, columns: readonly number[], context: MoveContext): number {
    const { kernels } = context;
    const n = other.groupCount;
    let ids = allocateIds(n, context);
    kernels.row_numbers(0, n, ids);
    const own: number[] = [];
    for (let i = other.keys.length - 1; i > 0; i--) {
      const pairs = other.pairs[i - 1]?.address ?? 0;
      const [value, rest] = [allocateIds(n, context), allocateIds(n, context)];
      kernels.unpair(pairs, ids, n, 1, value);
      kernels.unpair(pairs, ids, n, 0, rest);
      own[i] = value;
      ids = rest;
    }
    own[0] = ids;
    const mapped = columns.map((column, i) => {
      const values = other.keys[column] as Vector;
      const map = allocateIds(values.length, context);
      this.encoders[i]?.encode(values, 0, context, map);
      const out = allocateIds(n, context);
      kernels.map_ids(own[column] ?? 0, map, n, out);
      return out;
    });
    return rowIds(this.combine(mapped, 0, n, context), n, context);
  }

  /** The key columns of all groups, by group. */
  keyVectors(context: MoveContext, memory: MemoryScope): Vector[] {
    const { kernels } = context;
    const n = this.groupCount;
    let ids = 0;
    const vectors: Vector[] = [];
    for (let i = this.encoders.length - 1; i >= 0; i--) {
      const pair = this.pairs[i - 1];
      let own = ids;
      if (pair) {
        own = allocateIds(n, context);
        kernels.unpair(pair.keys.keysAddress, ids, n, 1, own);
        const rest = allocateIds(n, context);
        kernels.unpair(pair.keys.keysAddress, ids, n, 0, rest);
        ids = rest;
      }
      const values = (this.encoders[i] as FixedEncoder).values(context);
      if (own === 0) {
        own = allocateIds(n, context);
        kernels.row_numbers(0, n, own);
      }
      vectors.unshift(keysOfGroups(values, own, n, context, memory));
    }
    return vectors;
  }

  /** What a merge needs. The addresses stay the scope's. */
  result(context: MoveContext): GroupTableResult {
    for (const encoder of this.encoders) if (encoder instanceof FixedEncoder) encoder.end();
    return {
      groupCount: this.groupCount,
      keys: this.encoders.map((encoder) => encoder.values(context)),
      pairs: this.pairs.map((pair) => ({ address: pair.keys.keysAddress, count: pair.keys.count })),
      order: this.seen?.order ?? [],
    };
  }

  /** For look-ups by other threads; nothing may be added afterwards. */
  seal(): GroupTableHandle {
    for (const pair of this.pairs) pair.seal();
    return { encoders: this.encoders.map((encoder) => encoder.handle), pairs: this.pairs.map((pair) => pair.keys.table) };
  }

  private combine(ids: readonly KeyIds[], mask: number, n: number, context: MoveContext): KeyIds {
    let groups = ids[0] ?? 0;
    for (let i = 1; i < ids.length; i++) groups = this.combineAt(i - 1, groups, ids[i] ?? 0, mask, n, context);
    return groups;
  }

  private combineAt(index: number, a: KeyIds, b: KeyIds, mask: number, n: number, context: MoveContext): number {
    const pair = this.pairs[index] as PairTable;
    const before = index === 0 ? this.encoders[0] : this.pairs[index - 1]?.keys;
    return pair.encode(a, before?.count ?? 0, b, this.encoders[index + 1]?.count ?? 0, mask, n, context);
  }
}

/** Looks rows up in a sealed table. */
export class GroupFinder {
  private readonly finders: readonly KeyFinder[];
  private readonly pairs: readonly number[];

  constructor(handle: GroupTableHandle, scope: MemoryScope, kernels: Kernels) {
    this.finders = handle.encoders.map((encoder) => new KeyFinder(encoder, scope, kernels));
    this.pairs = handle.pairs;
  }

  /** Address in scratch of the group of each row; NO_ID for NULL keys and rows without a group. */
  find(keys: readonly Vector[], n: number, context: MoveContext): number {
    let groups = 0;
    keys.forEach((key, i) => {
      const out = allocateIds(n, context);
      this.finders[i]?.find(key, context, out);
      if (i === 0) groups = out;
      else {
        const both = allocateIds(n, context);
        context.kernels.find_pairs(this.pairs[i - 1] ?? 0, groups, out, n, both);
        groups = both;
      }
    });
    return groups;
  }
}

/** Keys by their ids; of many groups, texts stay where they are. */
function keysOfGroups(values: Vector, ids: number, n: number, context: MoveContext, memory: MemoryScope): Vector {
  if (physicalOf(values.type) !== 'bytes' || values.validity !== 0 || n < values.length * GROUPS_PER_TEXT) {
    return gatherVector(values, ids, n, context, memory);
  }
  const codes = memory.allocate(Math.max(64, n * 4));
  context.kernels.copy_bytes(codes, ids, n * 4);
  const dictionary = { id: nextDictionaryId(), count: values.length, offsets: values.offsets, values: values.values };
  return dictionaryVector(values.type, n, codes, dictionary, 0);
}

function rowIds(ids: KeyIds, n: number, context: MoveContext): number {
  if (typeof ids === 'number') return ids;
  const out = allocateIds(n, context);
  context.kernels.expand_runs_u32(ids.ids, ids.ends, ids.runs, out);
  return out;
}

function allocateIds(n: number, context: MoveContext): number {
  return context.scratch.allocate(Math.max(64, n * 4));
}
