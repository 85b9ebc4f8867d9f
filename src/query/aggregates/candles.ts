/** Prices of a group as a struct: ohlc and candlestick. */
import { bitmapBytes, flatVector, type Vector } from '../../core/batch.js';
import { type DataType, FLOAT64, isNumeric } from '../../core/types.js';
import type { ArgumentType } from '../functions/contract.js';
import type { AggregateFunction, AggregateRecipe, FinishInput, SlotSpec } from './contract.js';
import { hasOrderKey } from './extremes.js';
import { ratioVector, reached, slotAt, stateVector } from './finishing.js';
import { timeFirst, timeTypeOf, valueThenTime } from './series-rows.js';

function structOf(fields: readonly (readonly [name: string, type: DataType])[]): DataType {
  return { kind: 'struct', fields: fields.map(([name, type]) => ({ name, type, nullable: true })) };
}

function priced(price: DataType): readonly (readonly [string, DataType])[] {
  return ['open', 'high', 'low', 'close'].map((name) => [name, price] as const);
}

/** Open, high, low, close; by row order, or by the time at argument 1. */
function priceSlots(timed: boolean): readonly SlotSpec[] {
  const edge = (kind: 'first' | 'last'): SlotSpec =>
    timed ? { kind: kind === 'first' ? 'arg_min' : 'arg_max_last', inputs: [0, 1] } : { kind, inputs: [0] };
  return [edge('first'), { kind: 'max', inputs: [0] }, { kind: 'min', inputs: [0] }, edge('last')];
}

function pricesOf(input: FinishInput, price: DataType, timed: boolean): readonly Vector[] {
  const typed = { ...input, type: price };
  const value = (slot: number): Vector => stateVector(typed, slotAt(input, slot), timed && slot % 3 === 0 ? 1 : 0, 0);
  return [0, 1, 2, 3].map(value);
}

/** The struct, its fields NULL where no row was. */
function struct(input: FinishInput, children: readonly Vector[]): Vector {
  const validity = reached(input);
  const hidden = children.map((child) => {
    if (validity === 0 || child.validity === 0) return validity === 0 ? child : { ...child, validity };
    const both = input.memory.allocate(bitmapBytes(input.groupCount));
    input.kernels.mask_and(child.validity, validity, input.groupCount, both);
    return { ...child, validity: both };
  });
  return flatVector(input.type, input.groupCount, 0, validity, 0, hidden);
}

function ohlc(args: readonly DataType[]): AggregateRecipe {
  const timed = args.length === 2;
  return {
    slots: priceSlots(timed),
    required: args.map((_, i) => i),
    finish: (input) => struct(input, pricesOf(input, args[0] ?? FLOAT64, timed)),
  };
}

function candlestick(args: readonly DataType[]): AggregateRecipe {
  return {
    slots: [...priceSlots(true), { kind: 'sum_float', inputs: [2] }, { kind: 'sum_product', inputs: [0, 2] }],
    required: [0, 1, 2],
    finish: (input) => {
      const [volume, product] = [4, 5].map((slot) => slotAt(input, slot).parts[0] ?? 0) as [number, number];
      const sums = [flatVector(FLOAT64, input.groupCount, volume), ratioVector(input, product, volume)];
      return struct(input, [...pricesOf(input, args[0] ?? FLOAT64, true), ...sums]);
    },
  };
}

/** Prices keep their type where a state has it; decimals become floats. */
function priceType(arg: ArgumentType | undefined): DataType | undefined {
  if (!arg) return undefined;
  if (arg.type.kind === 'null') return FLOAT64;
  if (!isNumeric(arg.type)) return undefined;
  return hasOrderKey(arg.type) ? arg.type : FLOAT64;
}

const TRADES = '(VALUES (10.0, 1, 5), (14, 2, 1), (9, 3, 2), (11, 4, 2)) t(p, ts, v)';

export const CANDLES: readonly AggregateFunction[] = [
  {
    name: 'ohlc',
    doc: 'ohlc(price[, ts]): first, highest, lowest and last price as {open, high, low, close}, by row order or by time.',
    examples: [
      { sql: `SELECT ohlc(p) FROM ${TRADES}`, result: "{'open': 10, 'high': 14, 'low': 9, 'close': 11}" },
      { sql: `SELECT (ohlc(p, -ts)).open FROM ${TRADES}`, result: '11' },
    ],
    ordered: true,
    arrange: valueThenTime,
    resolve: (args) => {
      const price = priceType(args[0]);
      const time = args[1] && timeTypeOf(args[1].type);
      if (!price || args.length > 2 || (args.length === 2 && !time)) return undefined;
      return { args: time ? [price, time] : [price], type: structOf(priced(price)) };
    },
    recipe: ohlc,
  },
  {
    name: 'candlestick',
    aliases: ['candlestick_agg', 'ohlcv'],
    doc: 'candlestick(ts, price, volume): {open, high, low, close, volume, vwap} by time.',
    examples: [
      {
        sql: `SELECT candlestick(ts, p, v) FROM ${TRADES}`,
        result: "{'open': 10, 'high': 14, 'low': 9, 'close': 11, 'volume': 10, 'vwap': 10.4}",
      },
    ],
    arrange: timeFirst,
    resolve: (args) => {
      const time = timeTypeOf(args[1]?.type ?? FLOAT64);
      const fit = args.length === 3 && [args[0], args[2]].every((arg) => priceType(arg) !== undefined);
      return fit && time
        ? { args: [FLOAT64, time, FLOAT64], type: structOf([...priced(FLOAT64), ['volume', FLOAT64], ['vwap', FLOAT64]]) }
        : undefined;
    },
    recipe: candlestick,
  },
];
