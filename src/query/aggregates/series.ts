/** Aggregates over series: counters, slopes, averages over time, falls, downsampling. Rows with a NULL value or time are left out. */
import { bitmapBytes, flatVector, type Vector } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { BOOL, type DataType, FLOAT64, INT64, INTERVAL, isNumeric } from '../../core/types.js';
import { gatherVector } from '../expression/gather.js';
import type { ArgumentType, FunctionExample } from '../functions/contract.js';
import type { AggregateFunction, AggregateRecipe, AggregateSignature, FinishInput } from './contract.js';
import { allocateValues, flagged, partAt } from './finishing.js';
import {
  eightByteResult,
  isNumber,
  listSlots,
  seriesRows,
  ticksPerSecond,
  timeFirst,
  timeTypeOf,
  valueThenTime,
  valueTimeTypes,
} from './series-rows.js';

/** Four samples, one second apart, of a counter that began again. */
const COUNTER =
  "(VALUES (10, TIMESTAMP '2026-01-01 00:00:00'), (14, TIMESTAMP '2026-01-01 00:00:01'), (2, TIMESTAMP '2026-01-01 00:00:02'), (5, TIMESTAMP '2026-01-01 00:00:04')) t(x, ts)";

const example = (call: string, result: string): readonly FunctionExample[] => [{ sql: `SELECT ${call} FROM ${COUNTER}`, result }];

/** What a kernel reads of a series: addresses of values and times, and the rows of each group in the order of time. */
interface SeriesInput {
  readonly x: number;
  /** 0 without times. */
  readonly ts: number;
  readonly rows: number;
  readonly starts: number;
  readonly ticks: number;
}

/** A value of eight bytes for each group's series; args: a value, and its time where there is one. */
function ofSeries(
  args: readonly DataType[],
  type: DataType,
  write: (input: FinishInput, series: SeriesInput, out: number, present: number) => void,
): AggregateRecipe {
  return {
    slots: listSlots(args.length),
    required: args.map((_, i) => i),
    finish: (input) => {
      const { rows, starts, values } = seriesRows(input, args.length === 2 ? 1 : -1);
      const [x = 0, ts = 0] = values;
      const series = { x, ts, rows, starts, ticks: ticksPerSecond(args[1]) };
      return eightByteResult(input, type, (out, present) => write(input, series, out, present));
    },
  };
}

const DIFFERENCES = { increase: 0, rate: 1, delta: 2, idelta: 3, irate: 4, delta_sum: 5 } as const;

function difference(name: keyof typeof DIFFERENCES, aliases: readonly string[], doc: string, result: string): AggregateFunction {
  const timeless = name !== 'rate' && name !== 'irate';
  return {
    name,
    aliases,
    doc,
    examples: example(`${name}(x, ts)`, result),
    ordered: true,
    arrange: valueThenTime,
    resolve: (args) => twoTypes(args, timeless, FLOAT64),
    recipe: (args) =>
      ofSeries(args, FLOAT64, ({ kernels, groupCount }, { x, ts, rows, starts, ticks }, out, present) =>
        kernels.series_difference(DIFFERENCES[name], x, ts, rows, starts, groupCount, ticks, out, present),
      ),
  };
}

function twoTypes(args: readonly ArgumentType[], timeless: boolean, type: DataType): AggregateSignature | undefined {
  const types = args.length <= 2 ? valueTimeTypes(args, timeless) : undefined;
  return types && { args: types, type };
}

function changes(name: 'changes' | 'resets', aliases: readonly string[], doc: string, result: string): AggregateFunction {
  return {
    name,
    aliases,
    doc,
    examples: example(`${name}(x, ts)`, result),
    ordered: true,
    arrange: valueThenTime,
    resolve: (args) => twoTypes(args, true, INT64),
    recipe: (args) =>
      ofSeries(args, INT64, ({ kernels, groupCount }, { x, rows, starts }, out, present) =>
        kernels.series_changes(name === 'resets' ? 1 : 0, x, rows, starts, groupCount, out, present),
      ),
  };
}

/** The least squares line. */
function regression(predict: boolean, args: readonly DataType[]): AggregateRecipe {
  return ofSeries(args.slice(0, 2), FLOAT64, ({ kernels, groupCount, constants }, { x, ts, rows, starts, ticks }, out, present) => {
    const ahead = predict ? Number(constants[2] ?? Number.NaN) : 0;
    kernels.series_regression(predict ? 1 : 0, ahead, x, ts, rows, starts, groupCount, ticks, out, present);
  });
}

// ---- averages over time ----

const METHODS: Readonly<Record<string, 0 | 1>> = { locf: 0, last: 0, step: 0, linear: 1, trapezoid: 1, trapezoidal: 1 };

function methodOf(input: FinishInput, otherwise: 0 | 1): 0 | 1 {
  const given = input.constants[2];
  if (given === undefined) return otherwise;
  const method = METHODS[String(given).toLowerCase()];
  if (method !== undefined) return method;
  throw new DbError('invalid_argument', `no method is called ${String(given)}`, {
    position: input.position < 0 ? undefined : input.position,
    hint: "'locf': a value holds until the next one; 'linear': it lies on the line to it",
  });
}

function weighted(
  name: string,
  aliases: readonly string[],
  doc: string,
  calls: readonly FunctionExample[],
  area: boolean,
  method: 0 | 1 | null,
): AggregateFunction {
  return {
    name,
    aliases,
    doc,
    examples: calls,
    ordered: true,
    constantsFrom: 2,
    arrange: valueThenTime,
    resolve: (args) => {
      const types = valueTimeTypes(args.slice(0, 2), false);
      const how = args[2]?.type.kind;
      if (!types || args.length > 3 || (how !== undefined && how !== 'utf8') || (how === undefined && method === null)) return undefined;
      return { args: how ? [...types, { kind: 'utf8' }] : types, type: FLOAT64 };
    },
    recipe: (args) =>
      ofSeries(args.slice(0, 2), FLOAT64, (input, { x, ts, rows, starts, ticks }, out, present) =>
        input.kernels.series_weighted(
          methodOf(input, method ?? 0),
          area ? 1 : 0,
          x,
          ts,
          rows,
          starts,
          input.groupCount,
          ticks,
          out,
          present,
        ),
      ),
  };
}

// ---- extrapolated counters ----

function extrapolated(name: 'extrapolated_rate' | 'extrapolated_increase', doc: string, result: string): AggregateFunction {
  return {
    name,
    ...(name === 'extrapolated_increase' ? { aliases: ['extrapolated_delta'] } : {}),
    doc,
    examples: example(`${name}(x, ts, TIMESTAMP '2026-01-01 00:00:00', TIMESTAMP '2026-01-01 00:00:05')`, result),
    ordered: true,
    arrange: valueThenTime,
    resolve: (args) => {
      const types = valueTimeTypes(args.slice(0, 2), false);
      const time = types?.[1];
      return types && time && args.length === 4 ? { args: [...types, time, time], type: FLOAT64 } : undefined;
    },
    recipe: (args) => ({
      slots: [...listSlots(2), { kind: 'first', inputs: [2] }, { kind: 'first', inputs: [3] }],
      required: [0, 1, 2, 3],
      finish: (input) => {
        const { rows, starts, values } = seriesRows({ ...input, slots: input.slots.slice(0, 2) }, 1);
        const [x = 0, ts = 0] = values;
        const [from, to] = [partAt(input, 2, 0), partAt(input, 3, 0)];
        const rate = name === 'extrapolated_rate' ? 1 : 0;
        return eightByteResult(input, FLOAT64, (out, present) =>
          input.kernels.series_extrapolated(rate, x, ts, rows, starts, input.groupCount, from, to, ticksPerSecond(args[1]), out, present),
        );
      },
    }),
  };
}

// ---- states, falls, points ----

/** Rows in which the condition is true (one byte each). */
function trueBytes(condition: Vector, input: FinishInput): number {
  const { kernels, memory } = input;
  const n = condition.length;
  const bytes = memory.allocate(Math.max(64, n));
  const bits = memory.allocate(bitmapBytes(n) + 64);
  kernels.mask_and(condition.values, condition.validity, n, bits);
  kernels.expand_bits(bits, n, bytes);
  return bytes;
}

function timeIn(args: readonly DataType[]): AggregateRecipe {
  return {
    slots: listSlots(2),
    required: [1],
    finish: (input) => {
      const { rows, starts, lists, values } = seriesRows(input, 1);
      const state = trueBytes(lists[0] as Vector, input);
      const ticks = allocateValues(input, 8);
      const present = allocateValues(input, 1);
      input.kernels.series_time_in(state, values[1] ?? 0, rows, starts, input.groupCount, ticks, present);
      const perTick = input.memory.allocate(64);
      input.arena.i64[perTick / 8] = 1_000_000_000n / BigInt(ticksPerSecond(args[1]));
      const out = input.memory.allocate(Math.max(64, input.groupCount * 16));
      const bad = input.kernels.interval_from_ticks(ticks, 1, perTick, input.groupCount, out, 0);
      if (bad >= 0) throw new DbError('numeric_overflow', 'overflow: a state lasted more than 292 years', { position: input.position });
      return flatVector(INTERVAL, input.groupCount, out, flagged(input, present));
    },
  };
}

function points(time: DataType, value: DataType): DataType {
  const fields = [
    { name: 'time', type: time, nullable: true },
    { name: 'value', type: value, nullable: true },
  ];
  return { kind: 'list', item: { name: 'item', type: { kind: 'struct', fields }, nullable: true } };
}

function downsampled(): AggregateRecipe {
  return {
    slots: listSlots(2),
    required: [0, 1],
    finish: (input) => {
      const keep = Number(input.constants[2] ?? 0);
      if (!(keep >= 2)) throw new DbError('invalid_argument', 'lttb keeps at least two points', { position: input.position });
      const { rows, starts, lists } = seriesRows(input, 1);
      const [x, ts] = lists as [Vector, Vector];
      const { memory, context, groupCount, kernels } = input;
      const kept = memory.allocate(Math.max(64, x.length * 4));
      const offsets = memory.allocate(Math.max(64, (groupCount + 1) * 4));
      const count = kernels.series_lttb(x.values, ts.values, rows, starts, groupCount, Math.min(keep, 0x7fffffff), kept, offsets);
      const children = [ts, x].map((list) => gatherVector(list, kept, count, context, memory));
      const item = input.type.kind === 'list' ? input.type.item.type : INT64;
      const present = allocateValues(input, 1);
      for (let group = 0; group < groupCount; group++) {
        const [from = 0, to = 0] = [input.arena.u32[offsets / 4 + group], input.arena.u32[offsets / 4 + group + 1]];
        input.arena.u8[present + group] = to > from ? 1 : 0;
      }
      return flatVector(input.type, groupCount, 0, flagged(input, present), offsets, [flatVector(item, count, 0, 0, 0, children)]);
    },
  };
}

function maxDrawdown(args: readonly DataType[]): AggregateRecipe {
  return ofSeries(args, FLOAT64, ({ kernels, groupCount }, { x, rows, starts }, out, present) =>
    kernels.series_max_drawdown(x, rows, starts, groupCount, out, present),
  );
}

/** (y at the largest x − y at the smallest x) ÷ (largest x − smallest x). */
function boundingRatio(): AggregateRecipe {
  return {
    slots: [
      { kind: 'arg_min', inputs: [1, 0] },
      { kind: 'arg_max', inputs: [1, 0] },
      { kind: 'min', inputs: [0] },
      { kind: 'max', inputs: [0] },
    ],
    required: [0, 1],
    finish: (input) => {
      const { f64, u8 } = input.arena;
      const [left, right, low, high] = [partAt(input, 0, 1), partAt(input, 1, 1), partAt(input, 2, 0), partAt(input, 3, 0)];
      const there = partAt(input, 0, 2);
      return eightByteResult(input, FLOAT64, (out, present) => {
        for (let group = 0; group < input.groupCount; group++) {
          const at = (address: number): number => f64[address / 8 + group] ?? 0;
          const width = at(high) - at(low);
          u8[present + group] = u8[there + group] === 1 && width !== 0 ? 1 : 0;
          f64[out / 8 + group] = width === 0 ? 0 : (at(right) - at(left)) / width;
        }
      });
    },
  };
}

const STEPS =
  "(VALUES (10, TIMESTAMP '2026-01-01 00:00:00'), (20, TIMESTAMP '2026-01-01 00:00:03'), (30, TIMESTAMP '2026-01-01 00:00:04')) t(x, ts)";
const steps = (call: string, result: string): FunctionExample => ({ sql: `SELECT ${call} FROM ${STEPS}`, result });

export const SERIES: readonly AggregateFunction[] = [
  difference(
    'increase',
    [],
    'increase(x[, ts]): how far a counter rose; a value below the one before means that it began again at 0. Not extrapolated. NULL of fewer than two samples.',
    '9',
  ),
  difference(
    'rate',
    ['counter_rate'],
    'rate(x, ts): increase ÷ the seconds from the first sample to the last. Not extrapolated; NULL over no time.',
    '2.25',
  ),
  difference('irate', ['irate_right'], 'irate(x, ts): rate between the last two samples.', '1.5'),
  difference('delta', [], 'delta(x[, ts]): last value − first value, of a gauge.', '-5'),
  difference('idelta', ['idelta_right'], 'idelta(x[, ts]): last value − the one before.', '3'),
  difference(
    'delta_sum',
    ['deltasum', 'delta_sum_timestamp', 'deltasumtimestamp'],
    'delta_sum(x[, ts]): sum of the differences of neighbours that are above 0.',
    '7',
  ),
  changes('changes', ['num_changes'], 'changes(x[, ts]): how often the value was another than the one before.', '3'),
  changes(
    'resets',
    ['num_resets', 'counter_resets'],
    'resets(x[, ts]): how often the value was below the one before: a counter began again.',
    '1',
  ),
  {
    name: 'deriv',
    doc: 'deriv(x, ts): slope of the least squares line, per second.',
    examples: [steps('round(deriv(x, ts), 6)', '4.615385')],
    ordered: true,
    arrange: valueThenTime,
    resolve: (args) => twoTypes(args, false, FLOAT64),
    recipe: (args) => regression(false, args),
  },
  {
    name: 'predict_linear',
    doc: 'predict_linear(x, ts, s): value of the least squares line s seconds (a constant) after the last sample.',
    examples: example('predict_linear(ts, x * 2 - x - x + 3, 10)', '3'),
    ordered: true,
    constantsFrom: 2,
    arrange: valueThenTime,
    resolve: (args) => {
      const types = valueTimeTypes(args.slice(0, 2), false);
      return types && args.length === 3 && isNumber(args[2]) ? { args: [...types, FLOAT64], type: FLOAT64 } : undefined;
    },
    recipe: (args) => regression(true, args),
  },
  extrapolated(
    'extrapolated_rate',
    "extrapolated_rate(x, ts, from, to): Prometheus' rate over the range from … to of the group: the increase is extended to the range's ends, half a usual distance at most where samples are missing.",
    '2.25',
  ),
  extrapolated(
    'extrapolated_increase',
    "extrapolated_increase(x, ts, from, to): Prometheus' increase, extended as extrapolated_rate does.",
    '11.25',
  ),
  weighted(
    'twap',
    [],
    'twap(price, ts): average over time, each price holding until the next one; over no time the mean.',
    [steps('twap(x, ts)', '12.5')],
    false,
    0,
  ),
  weighted(
    'time_weight',
    ['time_weighted_average', 'time_weighted_avg'],
    "time_weight('locf' | 'linear', ts, x): average over time; values hold until the next one, or lie on the line to it.",
    [steps("time_weight('locf', ts, x)", '12.5'), steps("time_weight('linear', ts, x)", '17.5')],
    false,
    null,
  ),
  weighted(
    'time_integral',
    ['integral'],
    "time_integral(x, ts[, 'locf' | 'linear']): area under the series in value × seconds; linear unless it is said otherwise.",
    [steps('time_integral(x, ts)', '70'), steps("time_integral(x, ts, 'locf')", '50')],
    true,
    1,
  ),
  {
    name: 'max_drawdown',
    aliases: ['maxdrawdown', 'mdd'],
    doc: 'max_drawdown(x[, ts]): deepest fall below the highest value so far, as a share of that: −0.25 is a quarter lost.',
    examples: [{ sql: 'SELECT max_drawdown(x) FROM (VALUES (10), (20), (15), (18), (12), (30)) t(x)', result: '-0.4' }],
    ordered: true,
    arrange: valueThenTime,
    resolve: (args) => twoTypes(args, true, FLOAT64),
    recipe: maxDrawdown,
  },
  {
    name: 'duration_in',
    aliases: ['time_in'],
    doc: 'duration_in(condition, ts): time for which a condition held, from each row where it is true to the next row, as an interval. duration_in(state, ts, value) asks for state = value.',
    examples: [steps('duration_in(x = 10, ts)', '00:00:03'), steps('duration_in(x, ts, 20)', '00:00:01')],
    ordered: true,
    resolve: ([condition, time, ...more]) => {
      const type = time && timeTypeOf(time.type);
      const bool = condition?.type.kind === 'bool' || condition?.type.kind === 'null';
      return type && bool && more.length === 0 ? { args: [BOOL, type], type: INTERVAL } : undefined;
    },
    recipe: timeIn,
  },
  {
    name: 'lttb',
    doc: 'lttb(ts, x, n): the n points (a constant) that keep the look of a line best (largest triangle three buckets), as a list of {time, value} in the order of time.',
    examples: [
      {
        sql: 'SELECT lttb(t, x, 3) FROM (VALUES (1, 1), (2, 1), (3, 9), (4, 1), (5, 1)) t(t, x)',
        result: "[{'time': 1, 'value': 1}, {'time': 3, 'value': 9}, {'time': 5, 'value': 1}]",
      },
    ],
    ordered: true,
    constantsFrom: 2,
    // The field's order is lttb(ts, x, n).
    arrange: timeFirst,
    resolve: (args) => {
      const types = valueTimeTypes(args.slice(0, 2), false);
      const time = types?.[1];
      return types && time && args.length === 3 && isNumber(args[2]) ? { args: [...types, INT64], type: points(time, FLOAT64) } : undefined;
    },
    recipe: downsampled,
  },
  {
    name: 'bounding_ratio',
    aliases: ['boundingratio'],
    doc: 'bounding_ratio(x, y): slope between the rows with the smallest and the largest x.',
    examples: [{ sql: 'SELECT bounding_ratio(x, y) FROM (VALUES (1, 10), (3, 20), (2, 99)) t(x, y)', result: '5' }],
    resolve: (args) => {
      const fit = args.length === 2 && args.every((arg) => isNumeric(arg.type) || arg.type.kind === 'null');
      return fit ? { args: [FLOAT64, FLOAT64], type: FLOAT64 } : undefined;
    },
    recipe: boundingRatio,
  },
];
