/** VALUES and series: rows that come from the statement itself. */
import { assert } from '../../../core/assert.js';
import type { Batch, IntervalValue, Value, Vector } from '../../../core/batch.js';
import { DbError } from '../../../core/errors.js';
import { type DataType, UNITS_PER_SECOND } from '../../../core/types.js';
import { evaluateConstant } from '../../expression/evaluate.js';
import { vectorOf } from '../../expression/vector-values.js';
import { addMonths } from '../../functions/calendar-months.js';
import type { Expression } from '../../plan/expression.js';
import type { SeriesPlan, ValuesPlan } from '../../plan/logical.js';
import type { QueryRun } from '../query-run.js';
import { pieceUnit, type SourceUnit } from '../sources.js';

const MAX_SERIES_ROWS = 2n ** 40n;
const UNIT_ROWS = 2 ** 30;

/** Time that all values of VALUES together may take: they are computed on the calling thread. */
const LONGEST_VALUES_MS = 250;

/** All rows of VALUES; the memory is the run's. */
export function valuesBatch(plan: ValuesPlan, run: QueryRun): Batch {
  const deadline = performance.now() + LONGEST_VALUES_MS;
  const check = () => {
    run.check();
    if (performance.now() > deadline) {
      throw new DbError('timeout', 'the values of the statement take too long to compute', {
        hint: 'write INSERT … SELECT instead of VALUES',
      });
    }
  };
  const columns = plan.output.map((column, i): Vector => {
    const values = plan.rows.map((row) => {
      const expression = row[i];
      assert(expression, `value ${i} of a row`);
      return constantValue(expression, run, check);
    });
    return vectorOf(values, column.type, run.context, run.scope);
  });
  return { arena: run.scope.arena.id, rowCount: plan.rows.length, columns };
}

function constantValue(expression: Expression, run: QueryRun, check = run.check): Value {
  return expression.kind === 'literal' ? expression.value : evaluateConstant(expression, { ...run.context, check });
}

export function seriesUnits(plan: SeriesPlan, run: QueryRun): SourceUnit[] {
  const [output] = plan.output;
  assert(output, 'a series has one column');
  const [start, stop, step] = [plan.start, plan.stop, plan.step].map((expression) => constantValue(expression, run));
  if (start === null || stop === null || step === null || start === undefined || stop === undefined || step === undefined) return [];
  const first = BigInt(start as bigint | number);
  const last = BigInt(stop as bigint | number);
  if (isInterval(step) && step.months !== 0) return calendarUnits(plan, output.type, first, last, step, run);
  const stride = isInterval(step) ? intervalTicks(step, output.type, plan) : BigInt(step as bigint | number);
  return evenUnits(plan, output.type, first, last, stride, run);
}

function isInterval(value: Value): value is IntervalValue {
  return typeof value === 'object' && value !== null && 'months' in value && 'nanoseconds' in value;
}

function intervalTicks(step: IntervalValue, type: DataType, plan: SeriesPlan): bigint {
  const nanoseconds = BigInt(step.days) * 86_400_000_000_000n + step.nanoseconds;
  const perTick = 1_000_000_000n / (type.kind === 'timestamp' ? UNITS_PER_SECOND[type.unit] : 1_000_000_000n);
  if (nanoseconds % perTick !== 0n) {
    throw new DbError('invalid_argument', 'the step is finer than the unit of the series', { position: plan.step.position });
  }
  return nanoseconds / perTick;
}

function evenUnits(plan: SeriesPlan, type: DataType, first: bigint, last: bigint, step: bigint, run: QueryRun): SourceUnit[] {
  if (step === 0n) throw new DbError('invalid_argument', 'the step of a series is not 0', { position: plan.step.position });
  const span = step > 0n ? last - first : first - last;
  const size = step > 0n ? step : -step;
  if (span < 0n || (span === 0n && !plan.inclusive)) return [];
  const count = plan.inclusive ? span / size + 1n : (span + size - 1n) / size;
  if (count > MAX_SERIES_ROWS)
    throw new DbError('invalid_argument', `a series of ${count} rows is too long`, { position: plan.stop.position });
  const units: SourceUnit[] = [];
  for (let done = 0n; done < count; done += BigInt(UNIT_ROWS)) {
    const slots = run.scope.allocate(64);
    run.scope.arena.i64[slots / 8] = first + done * step;
    run.scope.arena.i64[slots / 8 + 1] = step;
    const rows = count - done < BigInt(UNIT_ROWS) ? Number(count - done) : UNIT_ROWS;
    units.push(pieceUnit({ kind: 'series', type, slots }, rows));
  }
  return units;
}

/** Steps of months and more are uneven; such series are short, so their values are made here. */
function calendarUnits(plan: SeriesPlan, type: DataType, first: bigint, last: bigint, step: IntervalValue, run: QueryRun): SourceUnit[] {
  const perSecond = type.kind === 'timestamp' ? UNITS_PER_SECOND[type.unit] : 1n;
  const perDay = perSecond * 86_400n;
  const rest = intervalTicks({ ...step, months: 0 }, type, plan);
  const forward = step.months > 0;
  const values: bigint[] = [];
  for (let i = 0; ; i++) {
    const value = addMonths(first, step.months * i, perDay) + rest * BigInt(i);
    const past = forward ? value > last : value < last;
    if (past || (value === last && !plan.inclusive)) break;
    values.push(value);
    if (values.length > 1_000_000) throw new DbError('invalid_argument', 'the series is too long', { position: plan.stop.position });
  }
  const vector = vectorOf(values, type, run.context, run.scope);
  return values.length === 0 ? [] : [pieceUnit({ kind: 'rows', columns: [vector], alive: 0, order: 0 }, values.length)];
}
