/**
 * States of the same rows that one kernel updates in one pass: the extremes and the last value of a column, the two sums of a weighted average.
 * The same rows must count for all of them (for the extremes: all rows); else, and where a partner is missing, each state takes the rows by itself,
 * with the same result.
 */
import type { Kernels } from '../../../native-free/kernels.js';
import type { MemoryScope } from '../../core/memory-scope.js';
import type { DataType } from '../../core/types.js';
import type { NewGroups } from '../execution/aggregate/group-table.js';
import type { SlotKind } from './contract.js';
import { PositionState } from './held-states.js';
import { ExtremeState, MOST_NARROW_GROUPS, multipliesAsIs, WholeSumState } from './number-states.js';
import { type PartState, Parts, type State, type StateValues } from './states.js';

/** A state of an accumulator and the rows that it takes. */
export interface StateUse {
  readonly kind: SlotKind;
  readonly state: State;
  readonly args: readonly number[];
  /** Of the arguments, as the state wants them. */
  readonly types: readonly DataType[];
  /** Arguments that must not be NULL. */
  readonly required: readonly number[];
  /** Index of its filter; −1 = none. */
  readonly filter: number;
}

/** Rows that count for all members. */
export interface JoinedRows {
  /** Which rows; 0 = all. */
  readonly mask: number;
  readonly groups: number;
  readonly n: number;
  readonly groupCount: number;
  readonly added: NewGroups | null;
  /** An argument's values as a state wants them; without a type as they came. */
  values(arg: number, type?: DataType): StateValues;
}

/** States that may go together. */
export interface Joint {
  readonly members: readonly StateUse[];
  /** Updates some of the members, those for which the same rows count, as far as it can. Returns which. */
  update(members: readonly StateUse[], rows: JoinedRows): readonly StateUse[];
  /** Brings what it keeps beside the states into them, before anybody looks at them. */
  settle?(): void;
}

/** What of an accumulator's states goes together. */
export function jointsOf(uses: readonly StateUse[], scope: MemoryScope, kernels: Kernels): readonly Joint[] {
  return [...spreads(uses, scope, kernels), ...weightedSums(uses, kernels)];
}

const SPREAD = ['min', 'max', 'last'] as const;

/** Smallest, largest and last value of a column. */
function spreads(uses: readonly StateUse[], scope: MemoryScope, kernels: Kernels): Joint[] {
  const columns = new Set(uses.filter((use) => use.state instanceof ExtremeState).map((use) => use.args[0]));
  return [...columns].flatMap((column) => {
    const own = uses.filter((use) => use.args[0] === column);
    const members = SPREAD.flatMap((kind) => own.find((use) => use.kind === kind) ?? []);
    return members.length < 2 ? [] : [new Spread(members, scope, kernels)];
  });
}

/** Bits of a float64 that every other number is less than. */
const INFINITY = new Uint8Array(new Float64Array([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]).buffer);

class Spread implements Joint {
  readonly members: readonly StateUse[];
  private readonly kernels: Kernels;
  private readonly bounds: Parts;
  /** Groups that there are bounds of. */
  private bounded = 0;

  constructor(members: readonly StateUse[], scope: MemoryScope, kernels: Kernels) {
    this.members = members;
    this.kernels = kernels;
    this.bounds = new Parts(scope, kernels, [16], INFINITY);
  }

  update(members: readonly StateUse[], rows: JoinedRows): readonly StateUse[] {
    if (rows.mask !== 0) return [];
    const value = rows.values(members[0]?.args[0] ?? -1, members[0]?.types[0]);
    const taken = members.filter(({ state }) => !(state instanceof PositionState) || (value.validity === 0 && state.looksAtAll));
    if (taken.length < 2) return [];
    const part = (kind: SlotKind, index: number): number => {
      const found = taken.find((use) => use.kind === kind);
      return found ? (found.state as PartState).part(index) : 0;
    };
    const [least, most, last] = [part('min', 0), part('max', 0), part('last', 0)];
    if (value.physical === 'f64' && least !== 0 && most !== 0 && rows.groupCount <= MOST_NARROW_GROUPS) {
      this.updateBounds(value.address, rows, taken.find((use) => use.kind === 'last')?.state);
      return taken;
    }
    const kernel = this.kernels[`agg_spread_${value.physical}` as 'agg_spread_f64'];
    kernel(value.address, rows.groups, rows.n, least, most, last, part('last', 1));
    return taken;
  }

  /** Smallest and largest value side by side take one step. */
  private updateBounds(values: number, { groups, n, groupCount, added }: JoinedRows, last: State | undefined): void {
    const { kernels } = this;
    this.bounds.ensure(groupCount);
    this.bounded = Math.max(this.bounded, groupCount);
    const position = last instanceof PositionState ? last : undefined;
    const flags = position ? position.flagsOf(added) : 0;
    if (!kernels.agg_bounds_f64(values, groups, n, this.bounds.at(0), position ? position.part(0) : 0, flags)) return;
    // There is a NaN, which bounds know nothing of.
    for (const kind of ['min', 'max'] as const) {
      const state = this.members.find((use) => use.kind === kind)?.state as PartState;
      kernels[`agg_${kind}_f64`](values, 0, groups, n, state.part(0));
    }
  }

  settle(): void {
    const [least, most] = this.members.map(({ state }) => (state as PartState).part(0));
    if (this.bounded > 0) this.kernels.agg_settle_bounds_f64(this.bounds.at(0), this.bounded, least ?? 0, most ?? 0);
    this.bounded = 0;
  }
}

/** sum(a × b) and sum(b), or sum(a). */
function weightedSums(uses: readonly StateUse[], kernels: Kernels): Joint[] {
  return uses.flatMap((product) => {
    if (product.kind !== 'sum_product') return [];
    const weights = uses.find(
      (use) => (use.kind === 'sum_float' || use.kind === 'sum_integer') && product.args.includes(use.args[0] ?? -1),
    );
    if (!weights) return [];
    return [
      {
        members: [product, weights],
        update: (some, rows) => (some.length < 2 ? [] : updateWeighted(product, weights, rows, kernels)),
      },
    ];
  });
}

function updateWeighted(product: StateUse, weights: StateUse, rows: JoinedRows, kernels: Kernels): readonly StateUse[] {
  const { groups, n, mask, values } = rows;
  const weight = weights.args[0] ?? -1;
  const [x, y] = [values(product.args.find((arg) => arg !== weight) ?? weight), values(weight)];
  if (!multipliesAsIs(x.physical) || !multipliesAsIs(y.physical)) return [];
  const products = (product.state as PartState).part(0);
  if (!(weights.state instanceof WholeSumState)) {
    const kernel = kernels[`agg_weighted_${x.physical}_${y.physical}` as 'agg_weighted_f64_f64'];
    kernel(x.address, y.address, mask, groups, n, products, (weights.state as PartState).part(0));
    return [product, weights];
  }
  const sums = weights.state.narrowSums();
  if (sums === 0) return [];
  const kernel = kernels[`agg_weighted_whole_${x.physical}_${y.physical}` as 'agg_weighted_whole_f64_i64'];
  const bits = kernel(x.address, y.address, mask, groups, n, products, sums);
  return weights.state.keeps(y, bits, mask, groups, n) ? [product, weights] : [product];
}
