/** The table of aggregates. An aggregate is one entry of one family's table; look-up, docs and tests follow from it. */
import { nearestName } from '../binder/nearest-name.js';
import type { ArgumentType } from '../functions/contract.js';
import { CANDLES } from './candles.js';
import { COLLECTIONS } from './collections.js';
import type { AggregateFunction, AggregateSignature } from './contract.js';
import { COUNTS } from './counts.js';
import { EXPONENTIAL } from './exponential.js';
import { EXTREMES } from './extremes.js';
import { HISTOGRAMS } from './histograms.js';
import { NUMBER_STATISTICS } from './number-statistics.js';
import { OVER_VALUES } from './over-values.js';
import { POSITIONS } from './positions.js';
import { QUANTILES } from './quantiles.js';
import { SERIES } from './series.js';
import { SKETCHES } from './sketches.js';
import { STATISTICS } from './statistics.js';
import { SUMS } from './sums.js';
import { VALUE_COUNTS } from './value-counts.js';

/** Every aggregate, family by family. */
export const AGGREGATE_FUNCTIONS: readonly AggregateFunction[] = [
  ...COUNTS,
  ...SUMS,
  ...EXTREMES,
  ...POSITIONS,
  ...STATISTICS,
  ...QUANTILES,
  ...COLLECTIONS,
  ...NUMBER_STATISTICS,
  ...VALUE_COUNTS,
  ...OVER_VALUES,
  ...HISTOGRAMS,
  ...SKETCHES,
  ...SERIES,
  ...CANDLES,
  ...EXPONENTIAL,
];

const BY_NAME = new Map<string, AggregateFunction>(
  AGGREGATE_FUNCTIONS.flatMap((entry) => [entry.name, ...(entry.aliases ?? [])].map((name) => [name, entry] as const)),
);

/** The aggregate of this name or alias, in any case. */
export function aggregateFunction(name: string): AggregateFunction | undefined {
  return BY_NAME.get(name) ?? BY_NAME.get(name.toLowerCase());
}

export function isAggregate(name: string): boolean {
  return aggregateFunction(name) !== undefined;
}

/** The canonical name, the types that the arguments must be cast to, and the result type; undefined when there is no such call. */
export function resolveAggregate(
  name: string,
  args: readonly ArgumentType[],
): (AggregateSignature & { readonly name: string }) | undefined {
  const entry = aggregateFunction(name);
  const signature = entry?.resolve(args);
  return entry && signature ? { name: entry.name, args: signature.args, type: signature.type } : undefined;
}

/** The known name that is closest in spelling, for "did you mean". */
export function nearestAggregate(name: string): string | undefined {
  return nearestName(name, BY_NAME.keys());
}
