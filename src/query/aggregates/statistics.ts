/** Variance, covariance and what follows from them. States merge by Chan's formulas. */
import { bitmapBytes, flatVector } from '../../core/batch.js';
import { FLOAT64, isNumeric } from '../../core/types.js';
import type { ArgumentType } from '../functions/contract.js';
import type { AggregateFunction, FinishInput } from './contract.js';
import { allocateValues, partAt } from './finishing.js';

function numbers(args: readonly ArgumentType[], count: number) {
  const fit = args.length === count && args.every((arg) => isNumeric(arg.type) || arg.type.kind === 'null');
  return fit ? { args: args.map(() => FLOAT64), type: FLOAT64 } : undefined;
}

function presentVector(input: FinishInput, values: number, present: number) {
  const validity = input.memory.allocate(bitmapBytes(input.groupCount));
  const set = input.kernels.bits_eq_u8(present, 1, input.groupCount, validity);
  return flatVector(FLOAT64, input.groupCount, values, set === input.groupCount ? 0 : validity);
}

function spread(name: string, aliases: readonly string[], doc: string, less: number, root: boolean, result: string) {
  return {
    name,
    aliases,
    doc,
    examples: [{ sql: `SELECT ${name}(x) FROM (VALUES (1), (3)) t(x)`, result }],
    resolve: (args) => numbers(args, 1),
    recipe: () => ({
      slots: [{ kind: 'moments', inputs: [0] }],
      required: [0],
      finish: (input) => {
        const out = allocateValues(input, 8);
        const present = allocateValues(input, 1);
        input.kernels.finish_variance(partAt(input, 0, 0), input.groupCount, less, root ? 1 : 0, out, present);
        return presentVector(input, out, present);
      },
    }),
  } as const satisfies AggregateFunction;
}

const WHICH = { covariance: 0, correlation: 1, slope: 2, intercept: 3, r2: 4 } as const;

/** The arguments are (y, x), as in SQL. */
function joint(name: string, doc: string, less: number, which: keyof typeof WHICH, result: string) {
  return {
    name,
    doc,
    examples: [{ sql: `SELECT ${name}(y, x) FROM (VALUES (1, 1), (3, 2), (5, 3)) t(y, x)`, result }],
    resolve: (args) => numbers(args, 2),
    recipe: () => ({
      slots: [{ kind: 'co_moments', inputs: [1, 0] }],
      required: [0, 1],
      finish: (input) => {
        const out = allocateValues(input, 8);
        const present = allocateValues(input, 1);
        input.kernels.finish_covariance(partAt(input, 0, 0), input.groupCount, less, WHICH[which], out, present);
        return presentVector(input, out, present);
      },
    }),
  } as const satisfies AggregateFunction;
}

export const STATISTICS = [
  spread('var_pop', [], 'Population variance.', 0, false, '1'),
  spread('var_samp', ['variance'], 'Sample variance; NULL of fewer than two values.', 1, false, '2'),
  spread('stddev_pop', [], 'Population standard deviation.', 0, true, '1'),
  spread('stddev_samp', ['stddev'], 'Sample standard deviation; NULL of fewer than two values.', 1, true, '1.4142135623730951'),
  joint('covar_pop', 'Population covariance.', 0, 'covariance', '1.3333333333333333'),
  joint('covar_samp', 'Sample covariance; NULL of fewer than two rows.', 1, 'covariance', '2'),
  joint('corr', "Pearson's correlation; NULL when a side does not vary.", 0, 'correlation', '1'),
  joint('regr_slope', 'Slope of the least-squares line of y over x.', 0, 'slope', '2'),
  joint('regr_intercept', 'Intercept of the least-squares line of y over x.', 0, 'intercept', '-1'),
  joint('regr_r2', 'Coefficient of determination.', 0, 'r2', '1'),
] as const satisfies readonly AggregateFunction[];
