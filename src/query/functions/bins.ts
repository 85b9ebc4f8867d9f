/** Bins of histograms: made, and recognised. The histograms themselves are aggregates (aggregates/histograms.ts). */
import { BOOL } from '../../core/types.js';
import { compareValues } from '../expression/compare.js';
import type { ArgumentType, Overload, ScalarFunction } from './contract.js';
import { entriesOf } from './entry.js';
import { resolveEqualBins } from './equal-bins.js';
import { otherBin } from './other-bin.js';
import { rowByRow } from './row-by-row.js';

const entry = entriesOf({ category: 'math' });

function resolveOtherBin([key, ...more]: readonly ArgumentType[]): Overload | undefined {
  if (!key || more.length > 0) return undefined;
  const other = otherBin(key.type);
  const isOther = rowByRow(BOOL, ([value = null]) => other !== undefined && compareValues(value, other) === 0);
  return { args: [key.type], type: BOOL, evaluate: isOther };
}

export const BIN_FUNCTIONS: readonly ScalarFunction[] = [
  entry(
    'equi_width_bins',
    'equi_width_bins(least, greatest, n, nice): the upper bounds of about n bins of the same width, from the smallest on; the last one is not below the greatest value. nice: the bounds are round numbers, or whole units of time, and may be up to 2 n. For numbers (decimals as floats), dates and timestamps; a bound that the type does not hold is its greatest value.',
    [
      { sql: 'equi_width_bins(0, 10, 2, true)', result: '[5, 10]' },
      { sql: 'equi_width_bins(0, 1734, 4, false)', result: '[433, 867, 1300, 1734]' },
      { sql: "equi_width_bins(date '1992-01-01', date '2000-01-01', 2, true)", result: '[1996-01-01, 2000-01-01]' },
    ],
    resolveEqualBins,
  ),
  entry(
    'is_histogram_other_bin',
    'True for the key under which histogram(x, bins) and histogram_exact() count what lies in no bin.',
    [
      { sql: "is_histogram_other_bin('')", result: 'true' },
      { sql: 'is_histogram_other_bin(20)', result: 'false' },
    ],
    resolveOtherBin,
  ),
];
