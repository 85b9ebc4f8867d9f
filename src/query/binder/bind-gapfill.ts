/** TimescaleDB's time_bucket_gapfill(width, ts [, zone] [, start, finish]), locf(…) and interpolate(…). */
import type { IntervalValue, Value } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { BOOL, type DataType, INTERVAL, typeName } from '../../core/types.js';
import { gridAt, widthOf } from '../functions/bucket-grid.js';
import { implicitlyCasts } from '../functions/types.js';
import { columnsOf, type Expression } from '../plan/expression.js';
import type { LogicalPlan } from '../plan/logical.js';
import type { FunctionCall } from '../syntax/ast/query.js';
import { argumentOf, castTo, coerce } from './coercion.js';
import type { Clause } from './context.js';
import { conjuncts, intLiteral } from './expressions.js';
import type { FillRequest, SeriesPoint } from './fill-requests.js';
import type { GapfillCollector } from './gapfill-collector.js';
import { at, wallNanoseconds } from './sample-by.js';
import { scalarCall } from './scalar-call.js';

const NAMES = new Set(['time_bucket_gapfill', 'locf', 'interpolate']);

export function isGapfillName(name: string): boolean {
  return NAMES.has(name);
}

export function bindGapfillCall(name: string, syntax: FunctionCall, clause: Clause): Expression {
  const { gapfill } = clause;
  if (!gapfill) throw new DbError('invalid_grouping', `${name} may not stand in ${clause.name}`, { position: syntax.position });
  return name === 'time_bucket_gapfill' ? bindBuckets(syntax, clause, gapfill) : bindFill(name, syntax, clause, gapfill);
}

type Part = 'width' | 'time' | 'timezone' | 'start' | 'finish' | 'origin' | 'offset';

const SPELLINGS: Readonly<Record<string, Part>> = {
  bucket_width: 'width',
  width: 'width',
  time: 'time',
  ts: 'time',
  timezone: 'timezone',
  start: 'start',
  finish: 'finish',
  origin: 'origin',
  offset: 'offset',
};

function partsOf(syntax: FunctionCall, clause: Clause): ReadonlyMap<Part, Expression> {
  const parts = new Map<Part, Expression>();
  const inner: Clause = { ...clause, aggregates: null, windows: null, gapfill: null, name: 'the arguments of time_bucket_gapfill' };
  const set = (part: Part | undefined, value: Expression) => {
    if (!part || parts.has(part))
      throw new DbError('function_not_found', 'time_bucket_gapfill does not take this argument', {
        position: value.position,
        hint: 'time_bucket_gapfill(width, ts [, zone] [, start, finish])',
      });
    parts.set(part, value);
  };
  syntax.arguments.forEach((argument, i) => {
    const value = clause.context.bindExpression(argument.value, inner);
    if (argument.name) {
      set(SPELLINGS[argument.name.name.toLowerCase()], value);
      return;
    }
    const isZone = i === 2 && value.kind === 'literal' && typeof value.value === 'string' && !/^\s*\d{4}-/.test(value.value);
    const rest: readonly Part[] = parts.has('timezone') ? ['start', 'finish'] : isZone ? ['timezone'] : ['start', 'finish'];
    set(i === 0 ? 'width' : i === 1 ? 'time' : rest.find((part) => !parts.has(part)), value);
  });
  return parts;
}

function bindBuckets(syntax: FunctionCall, clause: Clause, gapfill: GapfillCollector): Expression {
  const parts = partsOf(syntax, clause);
  const { position } = syntax;
  const [width, time] = [parts.get('width'), parts.get('time')];
  if (!width || !time) throw new DbError('function_not_found', 'time_bucket_gapfill takes a width and a time', { position });
  const timed = castTo(time, time.type.kind === 'timestamp' ? time.type : { kind: 'timestamp', unit: 'us', timezone: null });
  const { type } = timed;
  if (type.kind !== 'timestamp') throw new DbError('type_mismatch', 'time_bucket_gapfill takes a time', { position: time.position });
  const constant = (value: Expression): Value => constantOf(value, clause);
  const [zone, origin, offset] = [parts.get('timezone'), parts.get('origin'), parts.get('offset')];
  const zoneName = zone && String(constant(zone));
  const shift = offset ? (constant(coerce(offset, INTERVAL, 'the offset')) as IntervalValue) : null;
  const ticks = (part: Part) => {
    const value = parts.get(part);
    return value === undefined ? undefined : (constant(castTo(value, type)) as bigint);
  };
  const originTicks = ticks('origin');
  const originWall = originTicks === undefined ? undefined : wallNanoseconds(originTicks, { ...type, timezone: null }, undefined);
  const size = at(width.position, () => widthOf('time_bucket_gapfill', constant(coerce(width, INTERVAL, 'the width')) as IntervalValue));
  const more = [
    ...(zone ? [zone] : []),
    ...(origin ? [castTo(origin, type)] : []),
    ...(offset ? [coerce(offset, INTERVAL, 'the offset')] : []),
  ];
  const bucket = scalarCall('time_bucket', [coerce(width, INTERVAL, 'the width'), timed, ...more], position);
  const inferred = gapfill.rows && timed.kind === 'column' ? conditionRange(gapfill.rows, timed.id, clause) : {};
  const request = {
    grid: gridAt(size, zoneName ?? type.timezone ?? undefined, originWall, shift),
    from: ticks('start') ?? inferred.from ?? null,
    to: ticks('finish') ?? inferred.to ?? null,
    fills: [],
    position,
  };
  if (request.from !== null && request.to !== null && request.to < request.from) {
    throw new DbError('invalid_argument', 'finish lies before start', { position: parts.get('finish')?.position ?? position });
  }
  gapfill.setBucket(bucket, request);
  return bucket;
}

function constantOf(value: Expression, clause: Clause): Value {
  const found = columnsOf(value).size === 0 ? clause.context.evaluateConstant(value) : null;
  if (found !== null) return found;
  throw new DbError('invalid_argument', 'time_bucket_gapfill takes constants here', { position: value.position });
}

/** What the conditions of the rows say of a time: ticks [from, to). */
function conditionRange(rows: LogicalPlan, id: number, clause: Clause): { readonly from?: bigint; readonly to?: bigint } {
  const range: { from?: bigint; to?: bigint } = {};
  for (let plan = rows; plan.kind === 'filter'; plan = plan.input) {
    for (const condition of conjuncts(plan.condition)) {
      const bound = boundOf(condition, id, clause);
      if (!bound) continue;
      const { comparison, value } = bound;
      const low = comparison === 'ge' || comparison === 'eq' ? value : comparison === 'gt' ? value + 1n : undefined;
      const high = comparison === 'lt' ? value : comparison === 'le' || comparison === 'eq' ? value + 1n : undefined;
      if (low !== undefined && (range.from === undefined || low > range.from)) range.from = low;
      if (high !== undefined && (range.to === undefined || high < range.to)) range.to = high;
    }
  }
  return range;
}

const MIRRORED: Readonly<Record<string, string>> = { eq: 'eq', lt: 'gt', le: 'ge', gt: 'lt', ge: 'le' };

function boundOf(condition: Expression, id: number, clause: Clause): { readonly comparison: string; readonly value: bigint } | undefined {
  if (condition.kind !== 'call' || !(condition.function in MIRRORED)) return undefined;
  const [left, right] = condition.args;
  const swapped = right?.kind === 'column' && right.id === id;
  const [column, other] = swapped ? [right, left] : [left, right];
  if (column?.kind !== 'column' || column.id !== id || !other || columnsOf(other).size > 0) return undefined;
  const value = clause.context.evaluateConstant(other);
  const comparison = swapped ? MIRRORED[condition.function] : condition.function;
  return typeof value === 'bigint' && comparison ? { comparison, value } : undefined;
}

// ---- locf, interpolate ----

interface Given {
  readonly name: string | undefined;
  readonly value: Expression;
}

function bindFill(name: string, syntax: FunctionCall, clause: Clause, gapfill: GapfillCollector): Expression {
  const { position } = syntax;
  const [value, ...more] = syntax.arguments.map((argument): Given => {
    return { name: argument.name?.name.toLowerCase(), value: clause.context.bindExpression(argument.value, { ...clause, gapfill: null }) };
  });
  if (!value || more.length > 2) throw new DbError('function_not_found', `${name} takes a value over the bucket's rows`, { position });
  const { type } = value.value;
  const how = name === 'interpolate' ? onLine(more) : fromBefore(more, type, clause);
  const id = clause.context.nextId();
  gapfill.calls.push({ id, name, value: value.value, fill: { value: null, maxGap: null, position, ...how } });
  return { kind: 'column', id, name, type, nullable: true, position };
}

/** An argument by its name, or by its place where it has none. */
function given(more: readonly Given[], name: string, place: number): Expression | undefined {
  return more.find((each, i) => each.name === name || (each.name === undefined && i === place))?.value;
}

type How = Pick<FillRequest, 'mode' | 'around' | 'skipsNulls' | 'otherwise'>;

/** interpolate(value[, prev][, next]) */
function onLine(more: readonly Given[]): How {
  const [before, after] = [given(more, 'prev', 0), given(more, 'next', 1)].map((point) => (point ? pointOf(point) : null));
  return before || after ? { mode: 'linear', around: { before: before ?? null, after: after ?? null } } : { mode: 'linear' };
}

/** locf(value[, prev][, treat_null_as_missing]) */
function fromBefore(more: readonly Given[], type: DataType, clause: Clause): How {
  const skips = given(more, 'treat_null_as_missing', 1);
  const before = given(more, 'prev', 0);
  if (before && !implicitlyCasts(argumentOf(before), type)) {
    throw new DbError('type_mismatch', `locf takes a value of ${typeName(type)} here, not ${typeName(before.type)}`, {
      position: before.position,
    });
  }
  const skipsNulls = skips ? constantOf(coerce(skips, BOOL, 'treat_null_as_missing'), clause) === true : false;
  return { mode: 'prev', skipsNulls, ...(before ? { otherwise: castTo(before, type) } : {}) };
}

/** A time and a value: ROW(ts, x), (SELECT (ts, x) FROM … LIMIT 1). NULL = there is none. */
function pointOf(record: Expression): SeriesPoint | null {
  const { type, position } = record;
  if (type.kind === 'null') return null;
  if (type.kind !== 'struct' || type.fields.length !== 2) {
    throw new DbError('type_mismatch', `interpolate takes a time and a value here, not ${typeName(type)}`, {
      position,
      hint: '(SELECT (ts, x) FROM … ORDER BY ts DESC LIMIT 1)',
    });
  }
  const field = (place: bigint): Expression => ({ ...scalarCall('struct_extract', [record, intLiteral(place)], position), position });
  return { time: field(1n), value: field(2n) };
}
