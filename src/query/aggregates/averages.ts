/** Averages and sums of times and intervals. */
import { flatVector, type IntervalValue, type Vector } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { type DataType, INTERVAL } from '../../core/types.js';
import { bucketRows } from '../execution/sort/sort-rows.js';
import { vectorOf } from '../expression/vector-values.js';
import type { AggregateRecipe, FinishInput } from './contract.js';
import { allocateValues, partAt, reached, slotAt } from './finishing.js';

/** What times are averaged as: dates as timestamps, and at least in microseconds; undefined for other types. */
export function averagedTime(type: DataType): DataType | undefined {
  if (type.kind === 'time64') return type;
  if (type.kind === 'date32') return { kind: 'timestamp', unit: 'us', timezone: null };
  if (type.kind !== 'timestamp') return undefined;
  return type.unit === 'ns' ? type : { ...type, unit: 'us' };
}

/** Ticks are summed exactly; half a tick counts as one. */
export function averageTicks(): AggregateRecipe {
  return {
    slots: [{ kind: 'sum_integer', inputs: [0] }],
    required: [0],
    counts: true,
    finish: (input): Vector => {
      const { arena, counts, groupCount, type } = input;
      const out = allocateValues(input, 8);
      const sums = partAt(input, 0, 0);
      for (let group = 0; group < groupCount; group++) {
        const count = arena.i64[counts / 8 + group] ?? 0n;
        const sum = ((arena.i64[sums / 8 + 2 * group + 1] ?? 0n) << 64n) | (arena.u64[sums / 8 + 2 * group] ?? 0n);
        arena.i64[out / 8 + group] = count > 0n ? floorDivided(2n * sum + count, 2n * count) : 0n;
      }
      return flatVector(type, groupCount, out, reached(input));
    },
  };
}

function floorDivided(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b < 0n ? quotient - 1n : quotient;
}

// ---- intervals ----

interface IntervalSum {
  months: number;
  days: number;
  nanoseconds: bigint;
}

/** Months, days and time are summed apart. */
export function intervalRecipe(finish: (sum: IntervalSum, count: number, position: number) => IntervalValue): AggregateRecipe {
  return {
    slots: [{ kind: 'list', inputs: [0] }],
    required: [0],
    finish: (input) => {
      const sums = intervalSums(input);
      const results = sums.map(({ sum, count }) => (count === 0 ? null : finish(sum, count, input.position)));
      return vectorOf(results, INTERVAL, input.context, input.memory);
    },
  };
}

const ROWS_BETWEEN_CHECKS = 1 << 14;

function intervalSums(input: FinishInput): readonly { readonly sum: IntervalSum; readonly count: number }[] {
  const { arena, groupCount, context } = input;
  const { list } = slotAt(input, 0);
  if (!list) throw new Error('a list slot has a list');
  const { rows, starts } = bucketRows(input, list.groups, list.values.length, 0);
  return Array.from({ length: groupCount }, (_, group) => {
    const first = arena.u32[starts / 4 + group] ?? 0;
    const end = arena.u32[starts / 4 + group + 1] ?? 0;
    const sum: IntervalSum = { months: 0, days: 0, nanoseconds: 0n };
    for (let at = first; at < end; at++) {
      if (at % ROWS_BETWEEN_CHECKS === 0) context.check?.();
      const place = list.values.values + 16 * (arena.u32[rows / 4 + at] ?? 0);
      sum.months += arena.i32[place / 4] ?? 0;
      sum.days += arena.i32[place / 4 + 1] ?? 0;
      sum.nanoseconds += arena.i64[place / 8 + 1] ?? 0n;
    }
    return { sum, count: end - first };
  });
}

const DAY_NS = 86_400_000_000_000;

/** What is left of a month goes on as days of a 30th, what is left of a day as time, as in PostgreSQL. */
export function averageInterval({ months, days, nanoseconds }: IntervalSum, count: number): IntervalValue {
  const wholeMonths = Math.trunc(months / count);
  const restDays = ((months % count) * 30) / count;
  const allDays = Math.trunc(days / count) + Math.trunc(restDays);
  // Thirtieths of months and parts of days, over one denominator.
  const parts = (BigInt((months % count) * 30) % BigInt(count)) + BigInt(days % count);
  const left = parts * BigInt(DAY_NS) + nanoseconds;
  return { months: wholeMonths, days: allDays, nanoseconds: left / BigInt(count) };
}

export function summedInterval({ months, days, nanoseconds }: IntervalSum, _: number, position: number): IntervalValue {
  const fits = Math.abs(months) < 2 ** 31 && Math.abs(days) < 2 ** 31 && BigInt.asIntN(64, nanoseconds) === nanoseconds;
  if (fits) return { months, days, nanoseconds };
  throw new DbError('numeric_overflow', 'the sum of the intervals does not fit an interval', position < 0 ? {} : { position });
}
