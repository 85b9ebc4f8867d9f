/**
 * What aggregates over series share: values with times, in either order of the arguments, kept as lists and laid out group by group in the
 * order of time. Rows of one time keep their order. Kernels: native-free/assembly/window/series.ts.
 */
import { flatVector, type Vector } from '../../core/batch.js';
import { MemoryScope } from '../../core/memory-scope.js';
import { type DataType, FLOAT64, INT64, isInteger, isNumeric, isText, UNITS_PER_SECOND } from '../../core/types.js';
import { bucketRows, orderKeysOf, sortRows } from '../execution/sort/sort-rows.js';
import type { ArgumentType } from '../functions/contract.js';
import type { FinishInput, SlotSpec } from './contract.js';
import { allocateValues, flagged, slotAt } from './finishing.js';

/** The type that times are kept in; undefined for what is no time. Integers are seconds. */
export function timeTypeOf(type: DataType): DataType | undefined {
  if (type.kind === 'timestamp' || type.kind === 'time64') return type;
  if (type.kind === 'date32') return { kind: 'timestamp', unit: 's', timezone: null };
  if (type.kind === 'null') return { kind: 'timestamp', unit: 'us', timezone: null };
  return isInteger(type) && type.kind !== 'uint64' ? INT64 : undefined;
}

const isClock = (type: DataType | undefined): boolean => type !== undefined && ['timestamp', 'time64', 'date32'].includes(type.kind);

export function ticksPerSecond(type: DataType | undefined): number {
  return type?.kind === 'timestamp' || type?.kind === 'time64' ? Number(UNITS_PER_SECOND[type.unit]) : 1;
}

export const isNumber = (arg: ArgumentType | undefined): boolean => arg !== undefined && (isNumeric(arg.type) || arg.type.kind === 'null');

/** f(ts, x, y) as f(x, ts, y), unless a timestamp stands second. */
export function timeFirst(args: readonly ArgumentType[]): readonly number[] {
  return (args[1]?.type.kind === 'timestamp' ? [0, 1, 2] : [1, 0, 2]).filter((index) => index < args.length);
}

/** f(ts, x, …) as f(x, ts, …), and a text that says how (before or between them) behind both. */
export function valueThenTime(args: readonly ArgumentType[]): readonly number[] {
  const all = args.map((_, i) => i);
  const method = all.find((i) => i < 2 && args[i]?.literal === true && isText(args[i]?.type ?? INT64));
  const rest = all.filter((i) => i !== method);
  const [first = -1, second = -1] = rest;
  // Of two numbers the value comes first, unless time_weight('linear', ts, x) is said.
  const clocks = [first, second].map((i) => isClock(args[i]?.type));
  const swapped = second >= 0 && !clocks[1] && (clocks[0] === true || method === 0);
  const pair = swapped ? [second, first, ...rest.slice(2)] : rest;
  return method === undefined ? pair : [...pair.slice(0, 2), method, ...pair.slice(2)];
}

/** The types of (x, ts), or of (x) where the time may be left away. */
export function valueTimeTypes(args: readonly ArgumentType[], timeless: boolean): readonly DataType[] | undefined {
  const [value, time] = args;
  if (!value || !isNumber(value)) return undefined;
  if (!time) return timeless ? [FLOAT64] : undefined;
  const type = timeTypeOf(time.type);
  return type && [FLOAT64, type];
}

/** The first so many arguments, each in a list of its own. */
export function listSlots(count: number): readonly SlotSpec[] {
  return Array.from({ length: count }, (_, i) => ({ kind: 'list', inputs: [i] }));
}

export interface SeriesRows {
  /** Row numbers group by group in the order of time, and where each group begins (uint32). */
  readonly rows: number;
  readonly starts: number;
  /** Lists by slot. */
  readonly lists: readonly Vector[];
  /** Addresses of the lists' values. */
  readonly values: readonly number[];
}

/** time: slot of the times; −1: rows as they came. */
export function seriesRows(input: FinishInput, time: number): SeriesRows {
  const lists = input.slots.map((_, i) => {
    const { list } = slotAt(input, i);
    if (!list) throw new Error('a list slot has a list');
    return list;
  });
  const [first] = lists;
  if (!first) throw new Error('a series has values');
  const n = first.values.length;
  const { kernels, groupCount } = input;
  const result = (placed: { readonly rows: number; readonly starts: number }): SeriesRows => ({
    ...placed,
    lists: lists.map((list) => list.values),
    values: lists.map((list) => list.values.values),
  });
  const asTheyCame = bucketRows(input, first.groups, n, 0);
  const times = lists[time]?.values;
  if (!times || kernels.series_in_order(times.values, asTheyCame.rows, asTheyCame.starts, groupCount)) return result(asTheyCame);
  const temporary = new MemoryScope(input.arena);
  try {
    const order = orderKeysOf(times, { descending: false, nullsFirst: false }, input.context, temporary);
    return result(
      bucketRows(
        input,
        first.groups,
        n,
        sortRows([order], n, input.context, temporary, () => input.context.check?.()),
      ),
    );
  } finally {
    temporary.release();
  }
}

/** What a kernel writes: 8 bytes and a flag per group. */
export function eightByteResult(input: FinishInput, type: DataType, write: (out: number, present: number) => void): Vector {
  const out = allocateValues(input, 8);
  const present = allocateValues(input, 1);
  write(out, present);
  return flatVector(type, input.groupCount, out, flagged(input, present));
}
