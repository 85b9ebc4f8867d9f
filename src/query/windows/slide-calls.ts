/** Aggregates whose states are kept while frames slide: sums, counts, moments, and extremes. Each row's frame is a group of its own to finish(). */
import { bitmapBytes, type Vector } from '../../core/batch.js';
import { physicalOf } from '../../core/types.js';
import type { AggregateRecipe, SlotKind, SlotSpec } from '../aggregates/contract.js';
import { aggregateFunction } from '../aggregates/registry.js';
import { GrowingArray } from '../execution/growing-array.js';
import type { FramePiece, Stretch } from './frames.js';
import type { WindowCallSpec } from './spec.js';
import { counting, edgeCall } from './value-calls.js';
import { ComputedCall, PickedCall, type WindowComputation } from './window-call.js';
import type { PositionKeys, WindowRows } from './window-rows.js';

/** Bytes of a state, by kind of slot. */
const STATE_BYTES = {
  sum_integer: 16,
  sum_decimal: 16,
  sum_float: 8,
  sum_product: 8,
  product: 8,
  moments: 24,
  co_moments: 48,
} as const satisfies Partial<Record<SlotKind, number>>;

type SlidingKind = keyof typeof STATE_BYTES;

/** Bytes of a sum that is kept between frames, where it is wider than a state. */
const SUFFIX_BYTES: Partial<Record<SlidingKind, number>> = { sum_decimal: 24 };

function isSliding(slot: SlotSpec): boolean {
  return slot.kind in STATE_BYTES;
}

/** Aggregates that are the value of one row of the frame, and which: the smallest key of an argument, or the edge. */
const PICKS: Readonly<Record<string, { readonly by: number; readonly largest: boolean; readonly last: boolean }>> = {
  min: { by: 0, largest: false, last: false },
  max: { by: 0, largest: true, last: false },
  bool_and: { by: 0, largest: false, last: false },
  bool_or: { by: 0, largest: true, last: false },
  arg_min: { by: 1, largest: false, last: false },
  arg_max: { by: 1, largest: true, last: false },
  first: { by: 1, largest: false, last: false },
  last: { by: 1, largest: true, last: true },
};

/** Positions that count for a call: FILTER, and no NULL in a required argument. 0 = all. */
export function positionMask(spec: WindowCallSpec, required: readonly number[], rows: WindowRows): number {
  const { memory, context } = rows.run;
  const { kernels } = context;
  let mask = 0;
  const also = (bitmap: number): void => {
    if (bitmap === 0) return;
    const both = memory.allocate(bitmapBytes(rows.n) + 64);
    kernels.mask_and(mask, bitmap, rows.n, both);
    mask = both;
  };
  if (spec.filter >= 0) {
    const filter = rows.column(spec.filter);
    if (filter.type.kind === 'null') return memory.allocateZeroed(bitmapBytes(rows.n) + 64);
    also(filter.values);
    also(filter.validity);
  }
  for (const index of required) {
    const column = rows.column(spec.args[index] ?? -1);
    if (column.type.kind === 'null') return memory.allocateZeroed(bitmapBytes(rows.n) + 64);
    also(column.validity);
  }
  return mask;
}

/** The computation of an aggregate that slides; undefined for the others. */
export function slidingCall(spec: WindowCallSpec, rows: WindowRows): WindowComputation | undefined {
  const recipe = aggregateFunction(spec.function)?.recipe(spec.argTypes);
  if (!recipe) return undefined;
  // With one argument more they are lists of several values.
  const known = Object.hasOwn(PICKS, spec.function) ? PICKS[spec.function] : undefined;
  const pick = known && spec.args.length <= known.by + 1 ? known : undefined;
  const indifferent = pick !== undefined || spec.function === 'any_value';
  if (spec.distinct && !indifferent) return undefined;
  if (spec.function === 'any_value' || (pick && pick.by >= spec.args.length)) {
    const counts = counting(positionMask(spec, recipe.required, rows), rows);
    return edgeCall(spec, rows, counts, spec.function === 'last');
  }
  if (pick) return new ExtremeCall(spec, rows, recipe.required, pick);
  if (spec.function === 'count_if') return new CountIfCall(spec, rows, recipe);
  return recipe.slots.every(isSliding) && (recipe.slots.length > 0 || spec.function === 'count')
    ? new SlidingCall(spec, rows, recipe)
    : undefined;
}

/** What slides over one piece of the frames for one slot. */
class Slider {
  private readonly state: number;
  private readonly suffixes: GrowingArray;

  constructor(rows: WindowRows) {
    const { memory, context } = rows.run;
    this.state = memory.allocateZeroed(128);
    this.suffixes = new GrowingArray(memory, context.kernels);
  }

  /** State and room for the suffixes of the longest frame. */
  ready(piece: FramePiece, n: number, width: number, rows: WindowRows): { readonly state: number; readonly suffixes: number } {
    const longest = rows.run.context.kernels.longest_frame(piece.low, piece.high, n);
    this.suffixes.ensure(Math.max(64, longest * width), this.suffixes.capacity);
    return { state: this.state, suffixes: this.suffixes.address };
  }
}

class Sliders {
  private readonly sliders: Slider[] = [];
  private readonly rows: WindowRows;

  constructor(rows: WindowRows) {
    this.rows = rows;
  }

  at(index: number): Slider {
    let slider = this.sliders[index];
    if (!slider) {
      slider = new Slider(this.rows);
      this.sliders[index] = slider;
    }
    return slider;
  }
}

class SlidingCall extends ComputedCall {
  protected readonly mask: number;
  private readonly before: number;
  private readonly recipe: AggregateRecipe;
  private readonly sliders: readonly Sliders[];

  constructor(spec: WindowCallSpec, rows: WindowRows, recipe: AggregateRecipe, mask = positionMask(spec, recipe.required, rows)) {
    super(spec, rows);
    this.recipe = recipe;
    this.mask = mask;
    this.before = this.mask === 0 ? 0 : rows.run.memory.allocate(Math.max(64, (rows.n + 1) * 4));
    if (this.mask !== 0) rows.run.context.kernels.running_bits(this.mask, rows.n, this.before);
    this.sliders = recipe.slots.map(() => new Sliders(rows));
  }

  protected compute(stretch: Stretch, pieces: readonly FramePiece[]): Vector {
    const { recipe, spec } = this;
    const { context } = this.rows.run;
    const { n } = stretch;
    const counts = this.counts(stretch, pieces);
    const present = context.scratch.allocate(bitmapBytes(n));
    const all = context.kernels.bits_positive_i64(counts, n, present) === n;
    return recipe.finish({
      arena: context.arena,
      kernels: context.kernels,
      context,
      memory: context.scratch,
      groupCount: n,
      type: spec.type,
      counts: recipe.counts === true ? counts : 0,
      present: all ? 0 : present,
      slots: recipe.slots.map((slot, i) => this.slot(slot, i, stretch, pieces)),
      constants: spec.constants,
      position: spec.position,
    });
  }

  /** Rows of each frame that count (int64). */
  protected counts({ n }: Stretch, pieces: readonly FramePiece[]): number {
    const { kernels, scratch } = this.rows.run.context;
    const counts = scratch.allocateZeroed(n * 8);
    for (const piece of pieces) kernels.add_frame_counts(piece.low, piece.high, this.before, n, counts);
    return counts;
  }

  private slot(slot: SlotSpec, index: number, { n }: Stretch, pieces: readonly FramePiece[]) {
    const kind = slot.kind as SlidingKind;
    const { kernels, scratch } = this.rows.run.context;
    const width = STATE_BYTES[kind];
    const flags = width === 16 ? scratch.allocateZeroed(n) : 0;
    const states: number[] = [];
    pieces.forEach((piece, i) => {
      const slider = this.sliders[index]?.at(i);
      if (!slider) throw new Error('a slider per slot');
      const { state, suffixes } = slider.ready(piece, n, SUFFIX_BYTES[kind] ?? width, this.rows);
      const out = scratch.allocate(n * width);
      this.slide(kind, slot, piece, n, state, suffixes, out, flags);
      states.push(out);
    });
    const [merged = 0, ...others] = states;
    if (others.length > 0) {
      const groups = scratch.allocate(n * 4);
      kernels.row_numbers(0, n, groups);
      for (const other of others) this.merge(kind, other, groups, n, merged, flags);
    }
    return { parts: flags === 0 ? [merged] : [merged, flags], texts: null, list: null };
  }

  private slide(
    kind: SlidingKind,
    slot: SlotSpec,
    piece: FramePiece,
    n: number,
    state: number,
    suffixes: number,
    out: number,
    flags: number,
  ): void {
    const { rows, spec, mask } = this;
    const { kernels } = rows.run.context;
    const { low, high } = piece;
    const [x = 0, y = 0] = slot.inputs.map((input) => rows.values(spec.args[input] ?? -1));
    switch (kind) {
      case 'sum_product':
        kernels.slide_sum_product_f64(x, y, mask, low, high, n, state, suffixes, out);
        break;
      case 'product':
        kernels.slide_product_f64(x, mask, low, high, n, state, suffixes, out);
        break;
      case 'moments':
        kernels.slide_moments_f64(x, mask, low, high, n, state, suffixes, out);
        break;
      case 'co_moments':
        kernels.slide_co_moments_f64(x, y, mask, low, high, n, state, suffixes, out);
        break;
      case 'sum_decimal':
        kernels.slide_sum_i128(x, mask, low, high, n, state, suffixes, out, flags);
        break;
      default: {
        const physical = physicalOf(spec.argTypes[slot.inputs[0] ?? 0] ?? { kind: 'null' });
        kernels[`slide_sum_${physical}` as 'slide_sum_i64'](x, mask, low, high, n, state, suffixes, out);
      }
    }
  }

  private merge(kind: SlidingKind, from: number, groups: number, n: number, into: number, flags: number): void {
    const { kernels } = this.rows.run.context;
    switch (kind) {
      case 'product':
        kernels.agg_product_f64(from, 0, groups, n, into);
        break;
      case 'moments':
        kernels.agg_merge_moments(from, groups, n, into);
        break;
      case 'co_moments':
        kernels.agg_merge_co_moments(from, groups, n, into);
        break;
      case 'sum_integer':
      case 'sum_decimal':
        kernels.agg_sum_i128(from, 0, groups, n, into, flags);
        break;
      default:
        kernels.agg_merge_f64(from, 0, groups, n, into);
    }
  }
}

/** count_if: rows whose argument is true. */
class CountIfCall extends SlidingCall {
  constructor(spec: WindowCallSpec, rows: WindowRows, recipe: AggregateRecipe) {
    const { memory, context } = rows.run;
    const trues = memory.allocate(bitmapBytes(rows.n) + 64);
    const mask = positionMask(spec, recipe.required, rows);
    context.kernels.mask_and(rows.column(spec.args[0] ?? -1).values, mask, rows.n, trues);
    super(
      spec,
      rows,
      {
        ...recipe,
        slots: [],
        counts: true,
        finish: (input) => ({ ...recipe.finish({ ...input, slots: [{ parts: [input.counts], texts: null, list: null }] }) }),
      },
      trues,
    );
  }
}

/** min, max and values at a minimum or maximum: the position of the extreme key slides. */
class ExtremeCall extends PickedCall {
  private readonly mask: number;
  private readonly keys: PositionKeys;
  private readonly last: number;
  private readonly sliders: Sliders;

  constructor(
    spec: WindowCallSpec,
    rows: WindowRows,
    required: readonly number[],
    pick: { readonly by: number; readonly largest: boolean; readonly last: boolean },
  ) {
    super(spec, rows);
    this.mask = positionMask(spec, required, rows);
    this.keys = rows.keysOf(spec.args[pick.by] ?? -1, { descending: pick.largest, nullsFirst: false });
    this.last = pick.last ? 1 : 0;
    this.sliders = new Sliders(rows);
  }

  protected pick({ n }: Stretch, pieces: readonly FramePiece[], out: number): void {
    const { kernels, scratch } = this.rows.run.context;
    const { keys, minor } = this.keys;
    pieces.forEach((piece, i) => {
      const { state, suffixes } = this.sliders.at(i).ready(piece, n, 4, this.rows);
      const target = i === 0 ? out : scratch.allocate(n * 4);
      kernels.slide_pick(this.last, keys, minor, this.mask, piece.low, piece.high, n, state, suffixes, target);
      if (i > 0) kernels.merge_picks(this.last, keys, minor, out, target, n);
    });
  }
}
