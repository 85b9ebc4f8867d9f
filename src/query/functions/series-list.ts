/** generate_series and range as lists: one list per row. */
import { flatVector, type IntervalValue, type Vector } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { type DataType, INT64, INTERVAL, UNITS_PER_SECOND } from '../../core/types.js';
import { isValid } from '../../core/values.js';
import { toFlat } from '../expression/gather.js';
import { valuesOf } from '../expression/vector-values.js';
import { addMonths } from './calendar-months.js';
import type { ArgumentType, EvaluationContext, Overload, ScalarFunction } from './contract.js';

/** Elements of all lists of a vector together. */
const MAX_ELEMENTS = 2 ** 28;
/** Elements that take noticeable time to write. */
const LONG_ELEMENTS = 1_000_000;

interface Span {
  readonly first: bigint;
  readonly step: bigint;
  readonly count: number;
}

const EMPTY: Span = { first: 0n, step: 1n, count: 0 };

function tooLong(): DbError {
  return new DbError('query_memory_exceeded', 'a series as a list is too long', {
    hint: 'let it stand in FROM by itself, without reading other tables',
  });
}

/** first, first + step, … up to stop. */
function spanOf(first: bigint, stop: bigint, step: bigint, inclusive: boolean): Span {
  if (step === 0n) throw new DbError('invalid_argument', 'the step of a series is not 0');
  const span = step > 0n ? stop - first : first - stop;
  const size = step > 0n ? step : -step;
  if (span < 0n || (span === 0n && !inclusive)) return EMPTY;
  const count = inclusive ? span / size + 1n : (span + size - 1n) / size;
  if (count > BigInt(MAX_ELEMENTS)) throw tooLong();
  return { first, step, count: Number(count) };
}

function listVector(type: DataType, spans: readonly Span[], item: DataType, context: EvaluationContext): Vector {
  const { arena, kernels, scratch } = context;
  const offsets = scratch.allocate(4 * (spans.length + 1));
  let total = 0;
  spans.forEach((span, row) => {
    arena.i32[offsets / 4 + row] = total;
    total += span.count;
    if (total > MAX_ELEMENTS) throw tooLong();
  });
  arena.i32[offsets / 4 + spans.length] = total;
  if (total > LONG_ELEMENTS) context.beforeLongStep?.();
  const values = scratch.allocate(Math.max(64, 8 * total));
  const slots = scratch.allocate(64);
  let at = values;
  for (const { first, step, count } of spans) {
    arena.i64[slots / 8] = first;
    arena.i64[slots / 8 + 1] = step;
    kernels.series_i64(slots, slots + 8, 0, count, at);
    at += 8 * count;
  }
  return flatVector(type, spans.length, 0, 0, offsets, [flatVector(item, total, values)]);
}

function evaluateIntegers(inclusive: boolean, type: DataType): Overload['evaluate'] {
  return (context, args, rowCount, validity) => {
    const { arena } = context;
    const [start, stop, step] = args.map((arg) => toFlat(arg, context)) as [Vector, Vector, Vector];
    const at = (vector: Vector, row: number) => arena.i64[vector.values / 8 + row] as bigint;
    const present = flatVector(INT64, rowCount, 0, validity);
    const spans = Array.from({ length: rowCount }, (_, row) =>
      isValid(arena, present, row) ? spanOf(at(start, row), at(stop, row), at(step, row), inclusive) : EMPTY,
    );
    return listVector(type, spans, INT64, context);
  };
}

/** Steps of months are uneven: each element is a span of its own. */
function evaluateTimes(inclusive: boolean, type: DataType, item: Extract<DataType, { kind: 'timestamp' }>): Overload['evaluate'] {
  const perSecond = UNITS_PER_SECOND[item.unit];
  return (context, args, rowCount) => {
    const [starts, stops, steps] = args.map((arg) => valuesOf(arg, context)) as [unknown[], unknown[], unknown[]];
    const offsets = context.scratch.allocate(4 * (rowCount + 1));
    const spans: Span[] = [];
    let total = 0;
    for (let row = 0; row < rowCount; row++) {
      context.arena.i32[offsets / 4 + row] = total;
      const [start, stop, step] = [starts[row], stops[row], steps[row]] as [bigint | null, bigint | null, IntervalValue | null];
      if (start === null || stop === null || step === null) continue;
      for (const span of timeSpans(start, stop, step, inclusive, perSecond)) {
        spans.push(span);
        total += span.count;
        if (total > MAX_ELEMENTS) throw tooLong();
      }
    }
    context.arena.i32[offsets / 4 + rowCount] = total;
    return { ...listVector(type, spans, item, context), length: rowCount, offsets };
  };
}

function timeSpans(start: bigint, stop: bigint, step: IntervalValue, inclusive: boolean, perSecond: bigint): readonly Span[] {
  const nanoseconds = BigInt(step.days) * 86_400_000_000_000n + step.nanoseconds;
  const perTick = 1_000_000_000n / perSecond;
  if (nanoseconds % perTick !== 0n) throw new DbError('invalid_argument', 'the step is finer than the unit of the series');
  if (step.months === 0) return [spanOf(start, stop, nanoseconds / perTick, inclusive)];
  const spans: Span[] = [];
  for (let i = 0; ; i++) {
    const first = addMonths(start, step.months * i, perSecond * 86_400n) + (nanoseconds / perTick) * BigInt(i);
    const past = step.months > 0 ? first > stop : first < stop;
    if (past || (first === stop && !inclusive)) return spans;
    spans.push({ first, step: 1n, count: 1 });
    if (spans.length > 1_000_000) throw tooLong();
  }
}

function resolveSeries(inclusive: boolean): ScalarFunction['resolve'] {
  return (args: readonly ArgumentType[]) => {
    const [start, stop, step] = args;
    if (args.length !== 3 || !start || !stop || !step) return undefined;
    const item: DataType = start.type.kind === 'timestamp' ? start.type : INT64;
    const type: DataType = { kind: 'list', item: { name: 'item', type: item, nullable: true } };
    if (item.kind === 'timestamp') return { args: [item, item, INTERVAL], type, evaluate: evaluateTimes(inclusive, type, item) };
    return { args: [INT64, INT64, INT64], type, evaluate: evaluateIntegers(inclusive, type) };
  };
}

export const SERIES_FUNCTIONS: readonly ScalarFunction[] = [
  {
    name: 'generate_series',
    category: 'list',
    nulls: 'strict',
    doc: 'generate_series([start,] stop [, step]): the list start, start + step, … up to and with stop; as a table function its rows. Integers, or timestamps with an interval.',
    examples: [{ sql: 'list_transform([3], x -> generate_series(1, x))', result: '[[1, 2, 3]]' }],
    resolve: resolveSeries(true),
  },
  {
    name: 'range',
    category: 'list',
    nulls: 'strict',
    doc: 'range([start,] stop [, step]): as generate_series, without stop itself.',
    examples: [{ sql: 'range(3)', result: '[0, 1, 2]' }],
    resolve: resolveSeries(false),
  },
];
