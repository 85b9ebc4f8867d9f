/**
 * How a join finds the partners of a row: whole-number keys in a narrow range by a rank table, several whole numbers packed into one, all
 * else through the groups of a group table.
 */

import type { Kernels } from '../../../../native-free/kernels.js';
import { assert } from '../../../core/assert.js';
import { bitmapBytes, type Vector } from '../../../core/batch.js';
import type { MemoryScope } from '../../../core/memory-scope.js';
import { toFlat } from '../../expression/gather.js';
import type { EvaluationContext } from '../../functions/contract.js';
import { hasWholeKeys, type KeyRange, keysOf, rangeOfKeys } from '../aggregate/direct-map.js';
import { GroupFinder, GroupTable, type GroupTableHandle } from '../aggregate/group-table.js';
import { KeyTable, NO_ID } from '../aggregate/key-table.js';
import { sliceVector } from '../slice-vector.js';

/** What a thread needs for look-ups: addresses only. */
export type LookupHandle =
  | { readonly kind: 'groups'; readonly groups: GroupTableHandle }
  | {
      readonly kind: 'whole';
      /** Address of least key and span (int64) of each column; of a single column in a rank table they are not needed. */
      readonly ranges: number;
      readonly by: 'rank' | 'hash';
      readonly table: number;
    };

export interface BuiltLookup {
  readonly handle: LookupHandle;
  readonly groupCount: number;
  /** Address of the group of each build row; rows with a NULL key have none (0xFFFFFFFF) or one that nothing finds. */
  readonly groups: number;
}

interface BuildRun {
  readonly context: EvaluationContext;
  readonly kept: MemoryScope;
  check(): void;
}

/** Blocks of a rank table that a row may cost, and that cost nothing. */
const BLOCKS_PER_ROW = 4;
const FREE_BLOCKS = 1 << 14;

/** Combinations of whole numbers from which on they are not packed into one of 64 bits. */
const MOST_COMBINATIONS = 2n ** 62n;

/** The look-up over all rows of the keys, pausing after every `vectorRows` of them. */
export function* buildLookup(keys: readonly Vector[], rowCount: number, vectorRows: number, run: BuildRun): Generator<void, BuiltLookup> {
  const { context, kept } = run;
  const mark = context.scratch.mark();
  const groups = kept.allocate(Math.max(64, rowCount * 4));
  const ranges = rowCount > 0 && keys.every((key) => hasWholeKeys(key.type)) ? rangesOf(keys, context) : undefined;
  // Exact: a span that is rounded down loses the largest key.
  const spans = ranges?.map(({ least, most }) => most - least + 1n);
  const combinations = spans?.reduce((product, span) => product * span, 1n) ?? MOST_COMBINATIONS;
  const blocks = Math.ceil(Number(combinations) / 64);
  const by =
    blocks <= FREE_BLOCKS + BLOCKS_PER_ROW * rowCount ? 'rank' : keys.length > 1 && combinations < MOST_COMBINATIONS ? 'hash' : null;
  if (!ranges || by === null) return yield* buildGroups(keys, rowCount, vectorRows, groups, run);
  const slots = kept.allocate(64 * keys.length);
  ranges.forEach(({ least }, i) => {
    context.arena.i64[slots / 8 + i * 8] = least;
    context.arena.i64[slots / 8 + i * 8 + 1] = spans?.[i] ?? 0n;
  });
  const table = by === 'rank' ? rankTable(keys, ranges, slots, blocks, vectorRows, run) : new KeyTable(kept, context.kernels, 8);
  const handle: LookupHandle = { kind: 'whole', ranges: slots, by, table: typeof table === 'number' ? table : table.table };
  const finder = typeof table === 'number' ? createLookup(handle, kept, context.kernels) : undefined;
  for (let first = 0; first < rowCount; first += vectorRows) {
    run.check();
    context.scratch.rewind(mark);
    const n = Math.min(vectorRows, rowCount - first);
    const slices = keys.map((key) => sliceVector(key, first, n));
    if (finder) context.kernels.copy_bytes(groups + first * 4, finder.find(slices, n, context), n * 4);
    else if (typeof table !== 'number') {
      table.reserve(n, context);
      const { packed, known } = packKeys(slices, slots, n, context);
      context.kernels.encode_u64(table.table, packed, known, 0, n, groups + first * 4);
    }
    yield;
  }
  const groupCount = typeof table === 'number' ? (context.arena.u32[table / 4 + 1] as number) : table.count;
  return { handle, groupCount, groups };
}

function* buildGroups(
  keys: readonly Vector[],
  rowCount: number,
  vectorRows: number,
  groups: number,
  { context, kept, check }: BuildRun,
): Generator<void, BuiltLookup> {
  const table = new GroupTable(
    keys.map((key) => key.type),
    kept,
    context.kernels,
  );
  const mark = context.scratch.mark();
  for (let first = 0; first < rowCount; first += vectorRows) {
    check();
    context.scratch.rewind(mark);
    const n = Math.min(vectorRows, rowCount - first);
    const slices = keys.map((key) => sliceVector(key, first, n));
    context.kernels.copy_bytes(groups + first * 4, table.assign(slices, 0, n, context), n * 4);
    yield;
  }
  return { handle: { kind: 'groups', groups: table.seal() }, groupCount: table.groupCount, groups };
}

/** Ranges of the columns; undefined when one has no value at all. */
function rangesOf(keys: readonly Vector[], context: EvaluationContext): KeyRange[] | undefined {
  const ranges: KeyRange[] = [];
  const mark = context.scratch.mark();
  for (const key of keys) {
    const flat = toFlat(key, context);
    const range = rangeOfKeys(keysOf(flat, context), flat.validity, 0, flat.length, context);
    context.scratch.rewind(mark);
    if (!range) return undefined;
    ranges.push(range);
  }
  return ranges;
}

function rankTable(
  keys: readonly Vector[],
  ranges: readonly KeyRange[],
  slots: number,
  blocks: number,
  vectorRows: number,
  run: BuildRun,
): number {
  const { context, kept } = run;
  const { arena, kernels } = context;
  const table = kept.allocateZeroed(64);
  arena.u32[table / 4] = kept.allocateZeroed(blocks * 16);
  arena.i64[table / 8 + 1] = keys.length === 1 ? (ranges[0]?.least ?? 0n) : 0n;
  arena.u32[table / 4 + 4] = blocks;
  const mark = context.scratch.mark();
  const rowCount = keys[0]?.length ?? 0;
  for (let first = 0; first < rowCount; first += vectorRows) {
    run.check();
    context.scratch.rewind(mark);
    const n = Math.min(vectorRows, rowCount - first);
    const slices = keys.map((key) => sliceVector(key, first, n));
    const { packed, known } = oneKey(slices, slots, n, context);
    kernels.rank_mark(table, packed, known, n);
  }
  context.scratch.rewind(mark);
  kernels.rank_number(table);
  return table;
}

interface PackedKeys {
  readonly packed: number;
  /** Bitmap of the rows whose keys are not NULL and in range; 0 = all. */
  readonly known: number;
}

function oneKey(keys: readonly Vector[], slots: number, n: number, context: EvaluationContext): PackedKeys {
  const [only] = keys;
  if (!only || keys.length > 1) return packKeys(keys, slots, n, context);
  const flat = toFlat(only, context);
  return { packed: keysOf(flat, context), known: flat.validity };
}

function packKeys(keys: readonly Vector[], slots: number, n: number, context: EvaluationContext): PackedKeys {
  const { kernels, scratch } = context;
  const packed = scratch.allocateZeroed(n * 8);
  const known = scratch.allocate(bitmapBytes(n));
  kernels.mask_range(0, n, n, known);
  keys.forEach((key, i) => {
    const flat = toFlat(key, context);
    kernels.pack_keys(keysOf(flat, context), flat.validity, slots + i * 64, n, packed, known);
  });
  return { packed, known };
}

/** Looks rows up in a look-up that was built before, perhaps by another thread. */
export interface Lookup {
  /** Address in scratch of the group of each row; NO_ID for NULL keys and rows without a group. */
  find(keys: readonly Vector[], n: number, context: EvaluationContext): number;
  /** The rows of the mask (0 = all) that have a group; null where only find() tells. */
  narrow(keys: readonly Vector[], mask: number, n: number, context: EvaluationContext): Narrowed | null;
}

/** Rows whose keys are in a rank table. */
export interface Narrowed {
  readonly table: number;
  /** Address of the keys (int64), one a row. */
  readonly keys: number;
  /** Bitmap of the rows. */
  readonly found: number;
}

export function createLookup(handle: LookupHandle, scope: MemoryScope, kernels: Kernels): Lookup {
  return handle.kind === 'groups' ? new GroupLookup(handle.groups, scope, kernels) : new WholeLookup(handle);
}

class GroupLookup extends GroupFinder implements Lookup {
  narrow(): null {
    return null;
  }
}

class WholeLookup implements Lookup {
  private readonly handle: Extract<LookupHandle, { kind: 'whole' }>;

  constructor(handle: Extract<LookupHandle, { kind: 'whole' }>) {
    this.handle = handle;
  }

  find(keys: readonly Vector[], n: number, context: EvaluationContext): number {
    const { ranges, by, table } = this.handle;
    const { kernels, scratch } = context;
    const out = scratch.allocate(Math.max(64, n * 4));
    if (keys.some((key) => key.type.kind === 'null')) {
      kernels.fill_u32(NO_ID, n, out);
      return out;
    }
    assert(by === 'rank' || keys.length > 1, 'a packed key has several columns');
    const { packed, known } = oneKey(keys, ranges, n, context);
    if (by === 'rank') kernels.rank_find(table, packed, known, n, out);
    else kernels.find_u64(table, packed, known, n, out);
    return out;
  }

  narrow(keys: readonly Vector[], mask: number, n: number, context: EvaluationContext): Narrowed | null {
    const { ranges, by, table } = this.handle;
    if (by !== 'rank' || keys.some((key) => key.type.kind === 'null')) return null;
    const { packed, known } = oneKey(keys, ranges, n, context);
    const found = context.scratch.allocate(bitmapBytes(n));
    context.kernels.rank_test(table, packed, known, mask, n, found);
    return { table, keys: packed, found };
  }
}
