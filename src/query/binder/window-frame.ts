/** The frame of a window: bounds checked, offsets made constants, RANGE offsets turned into what order keys are compared with. */
import type { Value } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { FLOAT64, INT64, isInteger, isText, sameType, typeName, UNITS_PER_SECOND } from '../../core/types.js';
import { commonType } from '../functions/types.js';
import { columnsOf, type Expression } from '../plan/expression.js';
import type { SortKey } from '../plan/logical.js';
import type { FrameBound, WindowFrame } from '../plan/window.js';
import type { FrameBound as BoundSyntax, WindowFrame as FrameSyntax } from '../syntax/ast/query.js';
import { argumentOf, castTo } from './coercion.js';
import type { Clause } from './context.js';
import { literal } from './expressions.js';
import { scalarCall } from './scalar-call.js';

const WHOLE: WindowFrame = {
  unit: 'rows',
  start: { kind: 'unbounded_preceding' },
  end: { kind: 'unbounded_following' },
  exclude: 'none',
  rangeKey: null,
};

/** All rows of the partition. */
export function wholePartition(): WindowFrame {
  return WHOLE;
}

/** Without a frame: up to the row's last peer when there is an order, else the whole partition. */
export function bindFrame(syntax: FrameSyntax | null, orderBy: readonly SortKey[], clause: Clause): WindowFrame {
  if (!syntax) return orderBy.length === 0 ? WHOLE : { ...WHOLE, unit: 'range', end: { kind: 'current' } };
  checkBounds(syntax);
  if (syntax.unit === 'groups' && orderBy.length === 0) {
    throw new DbError('invalid_argument', 'GROUPS needs an ORDER BY in the window', { position: syntax.position });
  }
  const exclude = ({ noOthers: 'none', currentRow: 'current', group: 'group', ties: 'ties' } as const)[syntax.exclude];
  const offsets = [syntax.start, syntax.finish].some((bound) => 'offset' in bound);
  if (syntax.unit === 'range' && offsets) return rangeFrame(syntax, exclude, orderBy, clause);
  const bound = (each: BoundSyntax): FrameBound => ('offset' in each ? countBound(each, clause) : plainBound(each));
  const [start, end] = [bound(syntax.start), bound(syntax.finish)];
  const varying = [start, end].find((each) => each.kind === 'limit');
  const wanders = varying?.kind === 'limit' ? { wanders: { position: varying.limit.position } } : {};
  return { unit: syntax.unit, start, end, exclude, rangeKey: null, ...wanders };
}

type OffsetSyntax = Extract<BoundSyntax, { offset: unknown }>;

/** Places in the order in which a frame's start may not come behind its end. */
const PLACE = { unboundedPreceding: 0, preceding: 1, currentRow: 2, following: 3, unboundedFollowing: 4 } as const;

function checkBounds({ start, finish, position }: FrameSyntax): void {
  if (start.kind === 'unboundedFollowing' || finish.kind === 'unboundedPreceding' || PLACE[start.kind] > PLACE[finish.kind]) {
    throw new DbError('invalid_argument', 'a frame may not start behind its end', {
      position,
      hint: 'BETWEEN names the earlier bound first',
    });
  }
}

function plainBound(bound: Exclude<BoundSyntax, OffsetSyntax>): FrameBound {
  if (bound.kind === 'unboundedPreceding') return { kind: 'unbounded_preceding' };
  return bound.kind === 'currentRow' ? { kind: 'current' } : { kind: 'unbounded_following' };
}

/** An offset; `value` undefined: it differs from row to row. */
function offsetOf(bound: OffsetSyntax, clause: Clause): { readonly expression: Expression; readonly value: Value | undefined } {
  const { position } = bound.offset;
  const expression = clause.context.bindExpression(bound.offset, { ...clause, name: 'a frame offset' });
  if (columnsOf(expression).size > 0) return { expression, value: undefined };
  const value = clause.context.evaluateConstant(expression);
  if (value === null) throw new DbError('invalid_argument', 'the offset of a frame may not be NULL', { position });
  return { expression, value };
}

function negative(position: number): DbError {
  return new DbError('invalid_argument', 'the offset of a frame may not be negative', { position });
}

/** ROWS and GROUPS: whole numbers. */
function countBound(bound: OffsetSyntax, clause: Clause): FrameBound {
  const { expression, value } = offsetOf(bound, clause);
  const { position } = bound.offset;
  const integral = isInteger(expression.type) || isText(expression.type);
  if (!integral) {
    throw new DbError('type_mismatch', `the offset of ROWS and GROUPS is a number of rows, not ${typeName(expression.type)}`, { position });
  }
  if (value === undefined) return { kind: 'limit', following: bound.kind === 'following', limit: castTo(expression, FLOAT64) };
  const count = clause.context.evaluateConstant(castTo(expression, INT64)) as bigint;
  if (count < 0n) throw negative(position);
  return { kind: 'count', following: bound.kind === 'following', count: count > 0xffffffffn ? 0xffffffff : Number(count) };
}

// ---- RANGE with offsets ----

function rangeFrame(syntax: FrameSyntax, exclude: WindowFrame['exclude'], orderBy: readonly SortKey[], clause: Clause): WindowFrame {
  const [key, ...more] = orderBy;
  if (!key || more.length > 0) {
    throw new DbError('invalid_argument', 'RANGE with an offset needs exactly one ORDER BY expression in the window', {
      position: syntax.position,
    });
  }
  const bounds = [syntax.start, syntax.finish].map((bound) => ('offset' in bound ? rangeBound(bound, key, clause) : plainBound(bound)));
  const limits = bounds.flatMap((bound) => (bound.kind === 'limit' ? [bound.limit] : []));
  const type = limits.length === 0 ? key.expression.type : commonType([key.expression, ...limits].map(argumentOf));
  if (!type) throw noDistance(key.expression, syntax.position);
  const typed = (bound: FrameBound): FrameBound => (bound.kind === 'limit' ? { ...bound, limit: castTo(bound.limit, type) } : bound);
  const [start = WHOLE.start, end = WHOLE.end] = bounds;
  const varying = [syntax.start, syntax.finish].find((bound) => 'offset' in bound && offsetOf(bound, clause).value === undefined);
  const wanders = varying && 'offset' in varying ? { wanders: { position: varying.offset.position } } : {};
  // With a computed limit on one side, ticks on the other would be of another type.
  const mixed = limits.length > 0 && bounds.some((bound) => bound.kind === 'distance') && !sameType(type, key.expression.type);
  if (mixed) {
    const again = [syntax.start, syntax.finish].map((bound) => ('offset' in bound ? limitBound(bound, key, clause) : plainBound(bound)));
    const [first = WHOLE.start, last = WHOLE.end] = again;
    return { unit: 'range', start: typed(first), end: typed(last), exclude, rangeKey: castTo(key.expression, type), ...wanders };
  }
  return { unit: 'range', start: typed(start), end: typed(end), exclude, rangeKey: castTo(key.expression, type), ...wanders };
}

function noDistance(key: Expression, position: number): DbError {
  return new DbError('type_mismatch', `RANGE with this offset does not fit an ORDER BY of ${typeName(key.type)}`, {
    position,
    hint: 'numbers take numbers, times and dates take intervals',
  });
}

function rangeBound(bound: OffsetSyntax, key: SortKey, clause: Clause): FrameBound {
  const { expression, value } = offsetOf(bound, clause);
  const ticks = value === undefined ? undefined : ticksOf(expression, value, key.expression);
  if (ticks === undefined) return limitBound(bound, key, clause);
  if (ticks < 0n) throw negative(bound.offset.position);
  return { kind: 'distance', following: bound.kind === 'following', ticks };
}

/** The distance in units of a key that is an integer inside; undefined when it is not that simple. */
export function ticksOf(offset: Expression, value: Value, key: Expression): bigint | undefined {
  const { type } = key;
  if (isInteger(type) && isInteger(offset.type)) return BigInt(value as bigint | number);
  const timed = type.kind === 'timestamp' || type.kind === 'time64';
  if (!timed || offset.type.kind !== 'interval') return undefined;
  const { months, days, nanoseconds } = value as { months: number; days: number; nanoseconds: bigint };
  if (months !== 0 || (days !== 0 && (type.kind !== 'timestamp' || type.timezone !== null))) return undefined;
  const total = BigInt(days) * 86_400_000_000_000n + nanoseconds;
  const tick = 1_000_000_000n / UNITS_PER_SECOND[type.unit];
  // Whole ticks lie within a part of a tick more exactly when they lie within the ticks before it.
  return total < 0n ? -1n : total / tick;
}

/** key − offset before the row, key + offset behind it, the other way round when the order descends. */
function limitBound(bound: OffsetSyntax, key: SortKey, clause: Clause): FrameBound {
  const { expression, value } = offsetOf(bound, clause);
  const { position } = bound.offset;
  if (value !== undefined && isNegative(value)) throw negative(position);
  const following = bound.kind === 'following';
  const up = following !== key.descending;
  const offset = value === undefined ? expression : literal(value, expression.type, position);
  try {
    return { kind: 'limit', following, limit: scalarCall(up ? 'add' : 'subtract', [key.expression, offset], position) };
  } catch (error) {
    if (error instanceof DbError && (error.code === 'type_mismatch' || error.code === 'function_not_found'))
      throw noDistance(key.expression, position);
    throw error;
  }
}

export function isNegative(value: Value): boolean {
  if (typeof value === 'bigint') return value < 0n;
  if (typeof value === 'number') return value < 0 || Number.isNaN(value);
  if (typeof value !== 'object' || value === null || !('nanoseconds' in value)) return false;
  const { months, days, nanoseconds } = value as { months: number; days: number; nanoseconds: bigint };
  return months < 0 || days < 0 || nanoseconds < 0n;
}
