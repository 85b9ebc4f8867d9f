/**
 * Window functions over series. Most are another function over a frame of their own: `expand` says which. The others go on from row to row
 * (running-calls.ts).
 */
import { BOOL, type DataType, FLOAT64, INT64, INTERVAL, isNumeric } from '../../core/types.js';
import { timeTypeOf, valueThenTime } from '../aggregates/series-rows.js';
import type { ArgumentType, FunctionExample } from '../functions/contract.js';
import { knownType } from '../functions/types.js';
import type { Expression } from '../plan/expression.js';
import type { WindowFunction } from './registry.js';

/** What expansions are made of: calls over the window of the call that is expanded. */
export interface WindowMaker {
  /** An aggregate over the rows of the partition up to this one. */
  running(aggregate: string, args: readonly Expression[]): Expression;
  /** An aggregate over the last n rows, or over the rows of the last time; argument `size` of the call says how many. */
  moving(aggregate: string, args: readonly Expression[], size: number): Expression;
  /** A window function; where = 'all' up to or from this row. */
  picked(name: 'lag' | 'lead' | 'last_value' | 'first_value', args: readonly Expression[], ignoreNulls: boolean): Expression;
  /** A scalar function. */
  call(name: string, args: readonly Expression[]): Expression;
  cast(value: Expression, type: DataType): Expression;
  /** NULL where the value is none of the type. */
  tryCast(value: Expression, type: DataType): Expression;
  literal(value: bigint | number | boolean, type: DataType): Expression;
}

const plain = { framed: false, skipsNulls: false } as const;
const SERIES = '(VALUES (1, 10), (2, 14), (3, 7)) t(i, x)';

function exampleOf(call: string, result: string, from = SERIES): readonly FunctionExample[] {
  return [{ sql: `SELECT ${call} OVER (ORDER BY i) FROM ${from} ORDER BY i DESC LIMIT 1`, result }];
}

const isNumber = (arg: ArgumentType | undefined): boolean => arg !== undefined && (isNumeric(arg.type) || arg.type.kind === 'null');

/** The value as it is, and so many whole numbers behind. */
function valueAnd(most: number): WindowFunction['resolve'] {
  return ([value, ...more]) =>
    value && more.length <= most
      ? { args: [knownType(value.type), ...more.map((arg) => (isNumeric(arg.type) ? arg.type : INT64))], type: value.type, nullable: true }
      : undefined;
}

function running(name: string, aliases: readonly string[], aggregate: string, doc: string, result: string): WindowFunction {
  return {
    ...plain,
    name,
    aliases,
    doc: `${doc} of the rows of the partition so far; NULLs are left out.`,
    examples: exampleOf(`${name}(x)`, result),
    resolve: valueAnd(0),
    expand: (args, make) => make.running(aggregate, args),
  };
}

function moving(name: string, aliases: readonly string[], aggregate: string, doc: string, result: string): WindowFunction {
  return {
    ...plain,
    name,
    aliases,
    doc: `${name}(x, n): ${doc} of the last n rows, this one included, or fewer where the partition begins; of the rows of the last time where n is an interval.`,
    examples: exampleOf(`${name}(x, 2)`, result),
    // kdb+ has the number first.
    arrange: (args) => (args.length === 2 && args[0]?.literal === true && args[1]?.literal !== true ? [1, 0] : args.map((_, i) => i)),
    resolve: ([value, size, ...more]) => {
      const counted = size && (isNumber(size) || size.type.kind === 'interval' || (size.literal && size.type.kind === 'utf8'));
      return value && counted && more.length === 0
        ? { args: [knownType(value.type), size.type], type: value.type, nullable: true }
        : undefined;
    },
    expand: (args, make) => make.moving(aggregate, args.slice(0, 1), 1),
  };
}

/** The row before or behind. */
function neighbour(name: string, aliases: readonly string[], call: 'lag' | 'lead', doc: string, result: string): WindowFunction {
  return {
    ...plain,
    name,
    aliases,
    doc,
    examples: [
      { sql: `SELECT ${name}(x) OVER (ORDER BY i) FROM ${SERIES} WHERE i < 3 ORDER BY i ${call === 'lag' ? 'DESC ' : ''}LIMIT 1`, result },
    ],
    arrange: (args) => (args.length === 2 && args[0]?.literal === true && args[1]?.literal !== true ? [1, 0] : args.map((_, i) => i)),
    resolve: ([value, count, ...more]) => {
      if (!value || more.length > 0 || (count && !isNumber(count))) return undefined;
      return { args: count ? [knownType(value.type), INT64] : [knownType(value.type)], type: knownType(value.type), nullable: true };
    },
    expand: (args, make) => make.picked(call, args, false),
  };
}

/** The difference or ratio to the row before; the second argument stands before the first row. */
function step(
  name: string,
  aliases: readonly string[],
  doc: string,
  result: string,
  of: (x: Expression, before: Expression, make: WindowMaker) => Expression,
): WindowFunction {
  return {
    ...plain,
    name,
    aliases,
    doc,
    examples: exampleOf(`${name}(x)`, result),
    resolve: ([value, initial, ...more]) => {
      if (!value || more.length > 0) return undefined;
      const type = name === 'ratios' ? FLOAT64 : value.type.kind === 'null' ? INT64 : value.type;
      if (name === 'ratios' && !isNumber(value)) return undefined;
      return { args: initial ? [type, type] : [type], type, nullable: true };
    },
    expand: ([x, initial], make) => {
      if (!x) throw new Error(`${name} without a value`);
      const before = initial ? make.picked('lag', [x, make.literal(1n, INT64), initial], false) : make.picked('lag', [x], false);
      return of(x, before, make);
    },
  };
}

/** By how much a value changes per second, from the row before. */
function derivative(name: string, positive: boolean, doc: string, result: string): WindowFunction {
  return {
    ...plain,
    name,
    aliases: positive ? ['nonnegativederivative'] : [],
    doc,
    examples: exampleOf(`${name}(x, i)`, result),
    arrange: valueThenTime,
    resolve: ([value, time, ...more]) => {
      const type = time && timeTypeOf(time.type);
      return isNumber(value) && type && more.length === 0 ? { args: [FLOAT64, type], type: FLOAT64, nullable: true } : undefined;
    },
    expand: ([x, ts], make) => {
      if (!x || !ts) throw new Error(`${name} without a value or a time`);
      const rise = make.call('subtract', [x, make.picked('lag', [x], false)]);
      const between = make.call('subtract', [ts, make.picked('lag', [ts], false)]);
      const seconds = make.cast(ts.type.kind === 'int64' ? between : make.call('epoch', [between]), FLOAT64);
      const slope = make.call('divide', [rise, make.call('nullif', [seconds, make.literal(0, FLOAT64)])]);
      if (!positive) return slope;
      const zero = make.literal(0, FLOAT64);
      // greatest() leaves NULLs out.
      return make.call('if', [make.call('lt', [slope, zero]), zero, slope]);
    },
  };
}

const SECONDS =
  "(VALUES (1, 4.0, TIMESTAMP '2026-01-01 00:00:00'), (2, 8, TIMESTAMP '2026-01-01 00:01:00'), (3, 8, TIMESTAMP '2026-01-01 00:01:05')) t(i, x, ts)";

export const SERIES_WINDOWS: readonly WindowFunction[] = [
  running('cumsum', ['sums', 'running_sum', 'cumulative_sum'], 'sum', 'Sum', '31'),
  running('cumprod', ['prds', 'cumulative_product'], 'product', 'Product', '980'),
  running('cummax', ['maxs', 'running_max'], 'max', 'Largest value', '14'),
  running('cummin', ['mins', 'running_min'], 'min', 'Smallest value', '7'),
  running('cumavg', ['avgs', 'running_avg'], 'avg', 'Average', '10.333333333333334'),
  running('cumcount', ['running_count'], 'count', 'Number of values', '3'),
  moving('moving_avg', ['mavg', 'moving_average', 'rolling_mean', 'rolling_avg'], 'avg', 'average', '10.5'),
  moving('moving_sum', ['msum', 'rolling_sum'], 'sum', 'sum', '21'),
  moving('moving_min', ['mmin', 'rolling_min'], 'min', 'smallest value', '7'),
  moving('moving_max', ['mmax', 'rolling_max'], 'max', 'largest value', '14'),
  moving('moving_count', ['mcount', 'rolling_count'], 'count', 'number of values', '2'),
  moving('moving_stddev', ['rolling_std', 'moving_std'], 'stddev_samp', 'sample standard deviation', '4.949747468305833'),
  moving('mdev', ['moving_stddev_pop'], 'stddev_pop', 'population standard deviation', '3.5'),
  moving('moving_median', ['mmed', 'rolling_median'], 'median', 'median', '10.5'),
  neighbour(
    'prev',
    ['xprev'],
    'lag',
    'prev(x[, n]): value of the row before, or n rows before, in the partition; NULL where there is none.',
    '10',
  ),
  neighbour(
    'next',
    ['xnext'],
    'lead',
    'next(x[, n]): value of the next row, or of the n-th behind, in the partition; NULL where there is none.',
    '14',
  ),
  step(
    'deltas',
    ['differences'],
    'deltas(x[, before]): value − value of the row before. The first row has none: NULL, or the difference to `before` (deltas(x, 0) is what kdb+ gives).',
    '-7',
    (x, before, make) => make.call('subtract', [x, before]),
  ),
  step(
    'ratios',
    [],
    'ratios(x[, before]): value ÷ value of the row before, NULL where that is 0. The first row has none: NULL, or the ratio to `before` (ratios(x, 1) is what kdb+ gives).',
    '0.5',
    (x, before, make) => make.call('divide', [x, make.call('nullif', [before, make.literal(0, FLOAT64)])]),
  ),
  derivative('derivative', false, 'derivative(x, ts): (value − value of the row before) ÷ the seconds between them.', '-7'),
  derivative('non_negative_derivative', true, 'non_negative_derivative(x, ts): derivative(x, ts), 0 where the value falls.', '0'),
  {
    ...plain,
    name: 'fills',
    aliases: ['ffill', 'forward_fill'],
    doc: 'The value, or where it is NULL the last one before it in the partition that is not.',
    examples: exampleOf('fills(x)', '14', '(VALUES (1, 10), (2, 14), (3, NULL)) t(i, x)'),
    resolve: valueAnd(0),
    expand: (args, make) => make.picked('last_value', args, true),
  },
  {
    ...plain,
    name: 'bfills',
    aliases: ['bfill', 'backward_fill'],
    doc: 'The value, or where it is NULL the next one behind it in the partition that is not.',
    examples: [{ sql: 'SELECT bfills(x) OVER (ORDER BY i) FROM (VALUES (1, NULL), (2, 14)) t(i, x) ORDER BY i LIMIT 1', result: '14' }],
    resolve: valueAnd(0),
    expand: (args, make) => make.picked('first_value', args, true),
  },
  {
    ...plain,
    name: 'differ',
    aliases: [],
    doc: 'True where the value is another than that of the row before (NULL is a value like others), and in the first row.',
    examples: exampleOf('differ(x)', 'true'),
    resolve: ([value, ...more]) =>
      value && more.length === 0 ? { args: [knownType(value.type)], type: BOOL, nullable: false } : undefined,
    expand: ([x], make) => {
      if (!x) throw new Error('differ without a value');
      const first = make.call('eq', [make.running('count', []), make.literal(1n, INT64)]);
      return make.call('if', [first, make.literal(true, BOOL), make.call('is_distinct_from', [x, make.picked('lag', [x], false)])]);
    },
  },
  {
    ...plain,
    name: 'drawdown',
    aliases: [],
    doc: 'Fall below the highest value of the partition so far, as a share of that: −0.25 is a quarter lost. NULL while that is not above 0.',
    examples: exampleOf('drawdown(x)', '-0.5'),
    resolve: (args) => (args.length === 1 && isNumber(args[0]) ? { args: [FLOAT64], type: FLOAT64, nullable: true } : undefined),
    expand: ([x], make) => {
      if (!x) throw new Error('drawdown without a value');
      const zero = make.literal(0, FLOAT64);
      const highest = make.call('nullif', [make.call('greatest', [make.running('max', [x]), zero]), zero]);
      return make.call('subtract', [make.call('divide', [x, highest]), make.literal(1, FLOAT64)]);
    },
  },
  {
    ...plain,
    name: 'ema',
    aliases: ['ewm_mean', 'ewma', 'exponential_moving_average', 'exponentialmovingaverage'],
    doc: 'ema(x, n), ema(x, alpha => a), ema(x, half_life => h): exponential average of the rows of the partition so far. NULLs leave it as it is. A half life that is an interval goes by the time that the window is ordered by.',
    examples: exampleOf('ema(x, alpha => 0.5)', '9.5'),
    constantsFrom: 1,
    resolve: (args) =>
      args.length === 2 && args.every(isNumber) ? { args: [FLOAT64, FLOAT64], type: FLOAT64, nullable: true } : undefined,
  },
  {
    ...plain,
    name: 'ema_by',
    aliases: ['ewm_mean_by'],
    doc: 'ema_by(x, ts, half_life): exponential average by time, at every row.',
    examples: exampleOf("ema_by(x, ts, INTERVAL '1 minute')", '6.1122514', SECONDS).map((each) => ({
      ...each,
      sql: each.sql.replace('SELECT ', 'SELECT round(').replace(' OVER (ORDER BY i)', ' OVER (ORDER BY i), 7)'),
    })),
    constantsFrom: 2,
    resolve: ([value, time, size, ...more]) => {
      const type = time && timeTypeOf(time.type);
      return isNumber(value) && type && isNumber(size) && more.length === 0
        ? { args: [FLOAT64, type, FLOAT64], type: FLOAT64, nullable: true }
        : undefined;
    },
  },
  {
    ...plain,
    name: 'sessionize',
    aliases: ['session_id'],
    doc: 'sessionize(ts, gap): number of the session that the row belongs to, from 1; a new one begins when more than the gap (an interval, or seconds) lies between a row and the one before.',
    examples: exampleOf("sessionize(ts, INTERVAL '10 seconds')", '2', SECONDS),
    constantsFrom: 1,
    resolve: ([time, gap, ...more]) => {
      const type = time && timeTypeOf(time.type);
      return type && gap?.type.kind === 'int64' && more.length === 0 ? { args: [type, INT64], type: INT64, nullable: true } : undefined;
    },
  },
  {
    ...plain,
    name: 'state_duration',
    aliases: ['time_in_state'],
    doc: 'state_duration(condition, ts): time since the condition began to hold, 0 in the first row where it does; NULL where it does not.',
    examples: [{ sql: `SELECT epoch(state_duration(x = 8, ts) OVER (ORDER BY i)) FROM ${SECONDS} ORDER BY i DESC LIMIT 1`, result: '5' }],
    constantsFrom: 2,
    resolve: ([condition, time, ...more]) => {
      const type = time && timeTypeOf(time.type);
      const bool = condition?.type.kind === 'bool' || condition?.type.kind === 'null';
      return bool && type && more.length === 0 ? { args: [BOOL, type], type: INTERVAL, nullable: true } : undefined;
    },
  },
];
