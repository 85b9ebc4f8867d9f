/** Joins by inequalities: build rows sorted by their order keys inside their groups, and the look-up of spans in them. */

import type { Kernels } from '../../../../native-free/kernels.js';
import type { Vector } from '../../../core/batch.js';
import type { Allocator } from '../../../core/build-vector.js';
import { INT64, physicalOf } from '../../../core/types.js';
import { evaluate } from '../../expression/evaluate.js';
import { toFlat } from '../../expression/gather.js';
import type { EvaluationContext } from '../../functions/contract.js';
import type { Expression } from '../../plan/expression.js';
import type { Chunk } from '../chunk.js';
import type { TaskRun } from '../run-task.js';
import { bucketRows, narrowOrderKey, sortRows } from '../sort/sort-rows.js';
import type { JoinTable, RangeTable } from '../task.js';
import type { RangeBound, RangeLookup } from './range-conditions.js';

interface Keys {
  /** uint64 per row in the values' order. */
  readonly keys: number;
  /** Bitmap of rows that are not NULL, 0 = all. */
  readonly validity: number;
}

function orderKeys(expression: Expression, chunk: Chunk, descending: boolean, context: EvaluationContext, memory: Allocator): Keys {
  const flat = toFlat(evaluate(expression, chunk, context), context, memory);
  return { keys: narrowOrderKey(narrowed(flat, context, memory), descending, context, memory), validity: flat.validity };
}

/** Decimals of at most 18 digits as int64. */
function narrowed(flat: Vector, context: EvaluationContext, memory: Allocator): Vector {
  if (physicalOf(flat.type) !== 'i128') return flat;
  const values = memory.allocate(Math.max(64, flat.length * 8));
  context.kernels.narrow_i128(flat.values, flat.length, values);
  return { ...flat, type: INT64, values };
}

/** Sorts build rows by the look-up's key inside their groups (uint32 by row; changed: rows with NULLs leave). */
export function buildRangeTable(
  lookup: RangeLookup,
  chunk: Chunk,
  groups: number,
  groupCount: number,
  run: TaskRun,
): Pick<JoinTable, 'rows' | 'starts' | 'range'> {
  const { context, kept, temporary, check } = run;
  const { kernels } = context;
  const n = chunk.rowCount;
  const first = orderKeys(lookup.build, chunk, false, context, temporary);
  const second = lookup.second ? orderKeys(lookup.second.build, chunk, !lookup.second.lower, context, temporary) : null;
  for (const each of [first, second]) if (each && each.validity !== 0) kernels.exclude_rows(each.validity, n, groups);
  const order = { keys: [first.keys], validity: 0, descending: false, nullsFirst: false };
  const sorted = sortRows([order], n, context, temporary, check);
  const buckets = bucketRows({ kernels, memory: kept, groupCount, context }, groups, n, sorted);
  const count = context.arena.u32[buckets.starts / 4 + groupCount] as number;
  const keys = kept.allocate(Math.max(64, count * 8));
  kernels.gather_u64(first.keys, buckets.rows, count, keys);
  temporary.free(first.keys);
  if (!second || count === 0) return { ...buckets, range: { keys, tree: 0, leaves: 0 } };
  const leaves = 2 ** Math.ceil(Math.log2(Math.max(2, count)));
  const ordered = temporary.allocate(Math.max(64, count * 8));
  kernels.gather_u64(second.keys, buckets.rows, count, ordered);
  const tree = kept.allocate(16 * leaves);
  kernels.max_tree_u64(ordered, count, leaves, tree);
  return { ...buckets, range: { keys, tree, leaves } };
}

/** The spans of build rows that the rows of one chunk look at; addresses in scratch. */
export class Spans {
  private readonly from: number;
  private readonly to: number;
  private readonly bounds: number;
  private readonly strict: number;
  private readonly table: JoinTable;
  private readonly range: RangeTable;
  private readonly kernels: Kernels;

  /** groups: group of each row, 0 = without equality keys. */
  constructor(lookup: RangeLookup, table: JoinTable, range: RangeTable, chunk: Chunk, groups: number, context: EvaluationContext) {
    const { scratch, kernels } = context;
    const n = chunk.rowCount;
    this.table = table;
    this.range = range;
    this.kernels = kernels;
    this.from = scratch.allocate(Math.max(64, n * 4));
    this.to = scratch.allocate(Math.max(64, n * 4));
    const keysOf = (bound: RangeBound | null, descending: boolean): Keys =>
      bound ? orderKeys(bound.probe, chunk, descending, context, scratch) : { keys: 0, validity: 0 };
    const low = keysOf(lookup.low, false);
    const high = keysOf(lookup.high, false);
    const [lowStrict, highStrict] = [lookup.low?.strict ? 1 : 0, lookup.high?.strict ? 1 : 0];
    kernels.range_spans(
      groups,
      n,
      table.starts,
      range.keys,
      low.keys,
      low.validity,
      lowStrict,
      high.keys,
      high.validity,
      highStrict,
      this.from,
      this.to,
    );
    const { second } = lookup;
    const bound = second ? keysOf(second.bound, !second.lower) : { keys: 0, validity: 0 };
    if (bound.validity !== 0) kernels.clear_spans(bound.validity, n, this.from, this.to);
    this.bounds = bound.keys;
    this.strict = second?.bound.strict ? 1 : 0;
  }

  /** As the kernel probe_pairs; the cursor has three words. */
  pairs(mask: number, n: number, keepUnmatched: number, cursor: number, capacity: number, outProbe: number, outBuild: number): number {
    const { from, to, table, range, bounds, strict } = this;
    const { tree, leaves } = range;
    return this.kernels.span_pairs(
      from,
      to,
      mask,
      n,
      table.rows,
      tree,
      leaves,
      bounds,
      strict,
      keepUnmatched,
      cursor,
      capacity,
      outProbe,
      outBuild,
    );
  }

  /** Bit i: row i has a partner. */
  found(n: number, out: number): void {
    const { tree, leaves } = this.range;
    this.kernels.bits_spans(this.from, this.to, n, tree, leaves, this.bounds, this.strict, out);
  }
}
