/**
 * States of the same rows that one kernel updates in one pass: the extremes and the last value of a column, the two sums of a weighted average.
 * Eligible are vectors all of whose rows count; of others, and where a partner is missing, each state takes the rows by itself, with the same result.
 */
import type { Kernels } from '../../../native-free/kernels.js';
import type { DataType } from '../../core/types.js';
import type { SlotKind } from './contract.js';
import { PositionState } from './held-states.js';
import { ExtremeState, multipliesAsIs, WholeSumState } from './number-states.js';
import type { PartState, State, StateValues } from './states.js';

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

/** Rows that all count. */
export interface JoinedRows {
  readonly groups: number;
  readonly n: number;
  /** An argument's values as a state wants them; without a type as they came. */
  values(arg: number, type?: DataType): StateValues;
}

/** States that may go together. */
export interface Joint {
  readonly members: readonly StateUse[];
  /** Updates some of the members, those for which all rows count, as far as it can. Returns which. */
  update(members: readonly StateUse[], rows: JoinedRows): readonly StateUse[];
}

/** What of an accumulator's states goes together. */
export function jointsOf(uses: readonly StateUse[], kernels: Kernels): readonly Joint[] {
  return [...spreads(uses, kernels), ...weightedSums(uses, kernels)];
}

type SpreadKernel = 'agg_spread_f64';

/** Smallest, largest and last value of a column. */
function spreads(uses: readonly StateUse[], kernels: Kernels): Joint[] {
  const columns = new Set(uses.filter((use) => use.state instanceof ExtremeState).map((use) => use.args[0]));
  return [...columns].flatMap((column) => {
    const own = uses.filter((use) => use.args[0] === column);
    const members = (['min', 'max', 'last'] as const).flatMap((kind) => own.find((use) => use.kind === kind) ?? []);
    return members.length < 2 ? [] : [{ members, update: (some, rows) => updateSpread(some, rows, kernels) }];
  });
}

function updateSpread(members: readonly StateUse[], { groups, n, values }: JoinedRows, kernels: Kernels): readonly StateUse[] {
  const value = values(members[0]?.args[0] ?? -1, members[0]?.types[0]);
  const taken = members.filter(({ state }) => !(state instanceof PositionState) || (value.validity === 0 && state.looksAtAll));
  if (taken.length < 2) return [];
  const part = (kind: SlotKind, index: number): number => {
    const found = taken.find((use) => use.kind === kind);
    return found ? (found.state as PartState).part(index) : 0;
  };
  const kernel = kernels[`agg_spread_${value.physical}` as SpreadKernel];
  kernel(value.address, groups, n, part('min', 0), part('max', 0), part('last', 0), part('last', 1));
  return taken;
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
  const { groups, n, values } = rows;
  const weight = weights.args[0] ?? -1;
  const [x, y] = [values(product.args.find((arg) => arg !== weight) ?? weight), values(weight)];
  if (!multipliesAsIs(x.physical) || !multipliesAsIs(y.physical)) return [];
  const products = (product.state as PartState).part(0);
  if (!(weights.state instanceof WholeSumState)) {
    const kernel = kernels[`agg_weighted_${x.physical}_${y.physical}` as 'agg_weighted_f64_f64'];
    kernel(x.address, y.address, groups, n, products, (weights.state as PartState).part(0));
    return [product, weights];
  }
  const sums = weights.state.narrowSums();
  if (sums === 0) return [];
  const kernel = kernels[`agg_weighted_whole_${x.physical}_${y.physical}` as 'agg_weighted_whole_f64_i64'];
  const bits = kernel(x.address, y.address, groups, n, products, sums);
  return weights.state.keeps(y, bits, 0, groups, n) ? [product, weights] : [product];
}
