/** SAMPLE BY: grouping by a time bucket in which the designated timestamp means the bucket's start, and what its gaps are filled with. */
import type { IntervalValue, Value } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { type DataType, INTERVAL, isText, UNITS_PER_SECOND } from '../../core/types.js';
import { parseTimestamp } from '../expression/literals.js';
import { zoneOffsetSeconds } from '../expression/zones.js';
import { gridSince2000, NS_PER_SECOND, offsetTo, widthOf } from '../functions/bucket-grid.js';
import type { BucketGrid, BucketWidth } from '../plan/buckets.js';
import { columnsOf, type Expression } from '../plan/expression.js';
import type { AggregateCall, LogicalPlan } from '../plan/logical.js';
import { cloneWithFreshIds, substitute } from '../plan/traverse.js';
import type { SampleBy, Expression as Syntax } from '../syntax/ast/query.js';
import { castTo, coerce } from './coercion.js';
import type { BoundRelation, Clause } from './context.js';
import { columnOf, conjunction, literal, textLiteral } from './expressions.js';
import { type FillRequest, fillRequests } from './fill-requests.js';
import { aggregatePlan, filterPlan, joinPlan } from './plans.js';
import { scalarCall } from './scalar-call.js';

/** What the rows of the groups are completed with. */
export interface GapRequest {
  readonly grid: BucketGrid | BucketWidth;
  /** Ticks [from, to); null = where the rows begin and end. */
  readonly from: bigint | null;
  readonly to: bigint | null;
  /** One for all aggregates, or one for each. */
  readonly fills: readonly FillRequest[];
  readonly position: number;
}

export interface SampleBuckets {
  readonly plan: LogicalPlan;
  readonly bucket: Expression;
  readonly gaps: GapRequest | null;
  /** The designated timestamp outside of aggregates becomes the bucket. */
  toBucket(expression: Expression): Expression;
  /** first and last go by the designated timestamp. */
  byTime(call: AggregateCall): AggregateCall;
}

type Column = Extract<Expression, { kind: 'column' }>;

export function sampleBuckets(syntax: SampleBy, plan: LogicalPlan, from: BoundRelation, clause: Clause): SampleBuckets {
  const timestamp = designated(from, 'SAMPLE BY', syntax.position);
  const fills = fillRequests(syntax, clause);
  const range = rangeOf(syntax, timestamp, clause);
  const bound = (name: 'ge' | 'lt', value: bigint | null, position: number) =>
    value === null ? [] : [scalarCall(name, [timestamp, literal(value, timestamp.type, position)], position)];
  const condition = conjunction([
    ...bound('ge', range.from, syntax.from?.position ?? -1),
    ...bound('lt', range.to, syntax.to?.position ?? -1),
  ]);
  const cut = bucketsOf(syntax, filterPlan(plan, condition), timestamp, range.from, clause);
  const by = new Map([[timestamp.id, cut.bucket]]);
  return {
    plan: fills ? filterPlan(cut.plan, present(timestamp)) : cut.plan,
    bucket: cut.bucket,
    gaps: fills && { grid: cut.grid, ...range, fills, position: syntax.position },
    toBucket: (expression) => substitute(expression, by),
    byTime: (call) => (ordersByTime(call) ? { ...call, orderBy: [{ expression: timestamp, descending: false, nullsFirst: false }] } : call),
  };
}

function present(timestamp: Expression): Expression {
  if (!timestamp.nullable) return literal(true, { kind: 'bool' });
  return { kind: 'is_null', operand: timestamp, negated: true, type: { kind: 'bool' }, nullable: false, position: timestamp.position };
}

function ordersByTime(call: AggregateCall): boolean {
  return (call.function === 'first' || call.function === 'last') && call.args.length === 1 && call.orderBy.length === 0 && !call.distinct;
}

interface Cut {
  readonly plan: LogicalPlan;
  readonly bucket: Expression;
  readonly grid: BucketGrid | BucketWidth;
}

function bucketsOf(syntax: SampleBy, plan: LogicalPlan, timestamp: Column, from: bigint | null, clause: Clause): Cut {
  const { position, align } = syntax;
  const writtenWidth = coerce(clause.context.bindExpression(syntax.width, clause), INTERVAL, 'the width of SAMPLE BY');
  const width = at(syntax.width.position, () => widthOf('SAMPLE BY', constant(writtenWidth, 'the width', clause) as IntervalValue));
  if (align?.kind === 'firstObservation') {
    if (from !== null)
      throw misplaced('FROM says where buckets start, and so does ALIGN TO FIRST OBSERVATION', syntax.from?.position ?? position);
    const { joined, origin } = withFirst(plan, timestamp, clause);
    return { plan: joined, bucket: scalarCall('time_bucket_since', [writtenWidth, timestamp, origin], position), grid: width };
  }
  const zone = zoneOf(syntax, clause);
  const offset = offsetOf(syntax, clause);
  if (from !== null && offset)
    throw misplaced('FROM says where buckets start; WITH OFFSET may not stand beside it', align?.offset?.position ?? position);
  const moved = from === null ? offset : offsetTo(width, wallNanoseconds(from, timestamp.type, zone));
  const args = [writtenWidth, timestamp];
  if (zone !== undefined) args.push(textLiteral(zone, position));
  if (moved) args.push(literal(moved, INTERVAL, position));
  return { plan, bucket: scalarCall('time_bucket', args, position), grid: gridSince2000(width, zone ?? zoneOfType(timestamp.type), moved) };
}

/** The plan with the first timestamp of its rows beside every row. */
function withFirst(plan: LogicalPlan, timestamp: Column, clause: Clause): { readonly joined: LogicalPlan; readonly origin: Expression } {
  const { nextId } = clause.context;
  const copy = cloneWithFreshIds(plan, nextId);
  const arg = { ...timestamp, id: copy.ids.get(timestamp.id) ?? timestamp.id };
  const call = {
    id: nextId(),
    function: 'min',
    args: [arg],
    type: timestamp.type,
    distinct: false,
    filter: null,
    orderBy: [],
    position: -1,
  };
  const first = aggregatePlan(copy.plan, [], [{ id: call.id, name: 'first_observation', type: call.type, nullable: true, call }]);
  const [origin] = first.output;
  if (!origin) throw new Error('an aggregate has a column');
  return { joined: joinPlan('cross', plan, first), origin: columnOf(origin) };
}

// ---- constants of the clause ----

function constant(expression: Expression, what: string, clause: Clause): Value {
  if (columnsOf(expression).size > 0)
    throw new DbError('invalid_argument', `${what} of SAMPLE BY must be a constant`, { position: expression.position });
  const value = clause.context.evaluateConstant(expression);
  if (value === null) throw new DbError('invalid_argument', `${what} of SAMPLE BY must not be NULL`, { position: expression.position });
  return value;
}

function misplaced(message: string, position: number): DbError {
  return new DbError('invalid_argument', message, { position });
}

/** Errors of values at the place where they are written. */
export function at<T>(position: number, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof DbError) || error.position !== undefined) throw error;
    throw new DbError(error.code, error.message, { position, hint: error.hint, cause: error });
  }
}

function zoneOf({ align }: SampleBy, clause: Clause): string | undefined {
  if (align?.kind !== 'calendar' || !align.timeZone) return undefined;
  const { timeZone } = align;
  const zone = String(constant(clause.context.bindExpression(timeZone, clause), 'the time zone', clause));
  at(timeZone.position, () => zoneOffsetSeconds(zone, 0, 'utc'));
  return zone;
}

function offsetOf({ align }: SampleBy, clause: Clause): IntervalValue | null {
  if (align?.kind !== 'calendar' || !align.offset) return null;
  const bound = coerce(clause.context.bindExpression(align.offset, clause), INTERVAL, 'the offset');
  return constant(bound, 'the offset', clause) as IntervalValue;
}

function zoneOfType(type: DataType): string | undefined {
  return type.kind === 'timestamp' && type.timezone !== null ? type.timezone : undefined;
}

/** FROM … TO …, in ticks. Texts without an offset are wall time of the clause's zone. */
function rangeOf(syntax: SampleBy, timestamp: Column, clause: Clause): Pick<GapRequest, 'from' | 'to'> {
  const zone = zoneOf(syntax, clause);
  const from = syntax.from && boundOf(syntax.from, 'FROM', timestamp, zone, clause);
  const to = syntax.to && boundOf(syntax.to, 'TO', timestamp, zone, clause);
  if (from !== null && to !== null && to < from) throw misplaced('TO lies before FROM', syntax.to?.position ?? -1);
  return { from, to };
}

function boundOf(syntax: Syntax, name: string, { type }: Column, zone: string | undefined, clause: Clause): bigint {
  const bound = clause.context.bindExpression(syntax, clause);
  if (type.kind === 'timestamp' && bound.kind === 'literal' && isText(bound.type) && typeof bound.value === 'string') {
    const { value } = bound;
    return at(syntax.position, () => parseTimestamp(value, type.unit, zone ?? type.timezone));
  }
  if (bound.type.kind !== 'timestamp' && bound.type.kind !== 'date32')
    throw new DbError('type_mismatch', `${name} of SAMPLE BY takes a time`, { position: syntax.position });
  return constant(castTo(bound, type), name, clause) as bigint;
}

/** What clocks show, nanoseconds since the epoch. */
export function wallNanoseconds(ticks: bigint, type: DataType, zone: string | undefined): bigint {
  const perSecond = type.kind === 'timestamp' ? UNITS_PER_SECOND[type.unit] : 1n;
  const name = zone ?? zoneOfType(type);
  const offset = name === undefined ? 0 : zoneOffsetSeconds(name, Number(ticks / perSecond), 'utc');
  return ticks * (NS_PER_SECOND / perSecond) + BigInt(offset) * NS_PER_SECOND;
}

/** The designated timestamp of FROM as a column. */
export function designated(from: BoundRelation, what: string, position: number): Column {
  const column = from.columns.find((each) => each.id === from.timestamp);
  if (!column) {
    throw new DbError('invalid_argument', `${what} needs a table with a designated timestamp`, {
      position,
      hint: 'CREATE TABLE … TIMESTAMP(ts), or FROM t TIMESTAMP(ts)',
    });
  }
  return columnOf(column, position) as Column;
}
