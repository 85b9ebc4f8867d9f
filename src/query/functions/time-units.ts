/** Names of time units, and what they are in months or ticks. */
import type { Vector } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { type DataType, UNITS_PER_SECOND } from '../../core/types.js';
import { valueAt } from '../../core/values.js';
import type { EvaluationContext } from './contract.js';

export const UNIT_NAMES: Readonly<Record<string, string>> = Object.fromEntries(
  [
    'nanosecond nanoseconds ns',
    'microsecond microseconds us usec',
    'millisecond milliseconds ms msec',
    'second seconds sec secs s',
    'minute minutes min mins m',
    'hour hours hr hrs h',
    'day days d',
    'week weeks w',
    'month months mon mons',
    'quarter quarters qtr',
    'year years yr yrs y',
    'decade decades dec decs',
    'century centuries cent c',
    'millennium millennia mil mils millenniums',
    'dow dayofweek weekday',
    'isodow',
    'doy dayofyear',
    'isoyear isoyears',
    'epoch',
    'epoch_ms',
    'epoch_us',
    'epoch_ns',
    'julian',
  ].flatMap((names) => {
    const [first = '', ...others] = names.split(' ');
    return [first, ...others].map((name) => [name, first] as const);
  }),
);

/** Months of the calendar units. */
export const UNIT_MONTHS: Readonly<Record<string, number>> = {
  month: 1,
  quarter: 3,
  year: 12,
  decade: 120,
  century: 1200,
  millennium: 12_000,
};

/** Nanoseconds of the units of fixed length. */
export const UNIT_NANOSECONDS: Readonly<Record<string, bigint>> = {
  nanosecond: 1n,
  microsecond: 1_000n,
  millisecond: 1_000_000n,
  second: 1_000_000_000n,
  minute: 60_000_000_000n,
  hour: 3_600_000_000_000n,
  day: 86_400_000_000_000n,
  week: 604_800_000_000_000n,
};

/** The canonical unit that a constant argument names. Fails with `invalid_argument`. */
export function unitArgument(name: string, vector: Vector | undefined, context: EvaluationContext): string {
  const text = constantArgument(name, 'unit', vector, context);
  const unit = UNIT_NAMES[String(text).trim().toLowerCase()];
  if (unit === undefined) {
    throw new DbError('invalid_argument', `${name} does not know the unit '${String(text)}'`, {
      hint: 'units are year, month, day, hour, minute, second, …',
    });
  }
  return unit;
}

/** The value of an argument that must be the same for all rows. */
export function constantArgument(
  name: string,
  what: string,
  vector: Vector | undefined,
  context: EvaluationContext,
): ReturnType<typeof valueAt> {
  if (!vector || (vector.encoding !== 'constant' && vector.length !== 1)) {
    throw new DbError('invalid_argument', `the ${what} of ${name} must be a constant`);
  }
  return valueAt(context.arena, vector, 0);
}

/** Ticks of one second of a timestamp or time type; days count as they are. */
export function ticksPerSecond(type: DataType): bigint {
  return type.kind === 'timestamp' || type.kind === 'time64' ? UNITS_PER_SECOND[type.unit] : 1n;
}
