/**
 * Where conditions above an ASOF join go. What reads the left side alone goes there. What reads the right side stays above, since it must
 * not change which right row is the closest; only conditions on the keys go to both sides, as rows with other keys never match. A limit of
 * the distance of the two times is a tolerance.
 */
import type { IntervalValue, Value } from '../../core/batch.js';
import { type DataType, isInteger, UNITS_PER_SECOND } from '../../core/types.js';
import { conjuncts, fingerprint } from '../binder/expressions.js';
import { analyse } from '../expression/analysis.js';
import { type ColumnId, columnsOf, type Expression } from '../plan/expression.js';
import type { AsofPlan } from '../plan/logical.js';
import { substitute } from '../plan/traverse.js';

export interface AroundAsof {
  readonly left: readonly Expression[];
  readonly right: readonly Expression[];
  readonly joined: AsofPlan;
  readonly above: readonly Expression[];
}

export function placeAround(
  plan: AsofPlan,
  conditions: readonly Expression[],
  isVolatile: (condition: Expression) => boolean,
  rejectsNull: (condition: Expression, ids: ReadonlySet<ColumnId>) => boolean,
): AroundAsof {
  const leftIds = new Set(plan.left.output.map((column) => column.id));
  const rightIds = new Set(plan.right.output.map((column) => column.id));
  const readsLeft = (condition: Expression) => !isVolatile(condition) && subset(columnsOf(condition), leftIds);
  const join = plan.join === 'left' && conditions.some((condition) => rejectsNull(condition, rightIds)) ? 'inner' : plan.join;
  const own = plan.residual === null ? [] : conjuncts(plan.residual);
  // Of an inner join, conditions of ON that read the left side alone are as good as below it.
  const onLeft = join === 'inner' ? own.filter(readsLeft) : [];
  const left = [...conditions.filter(readsLeft), ...onLeft];
  const above: Expression[] = [];
  const right: Expression[] = [];
  let { tolerance } = plan;
  const toRight = otherKeys(plan.keys.map((key) => [key.left, key.right]));
  const toLeft = otherKeys(plan.keys.map((key) => [key.right, key.left]));
  for (const condition of left) if (isOn(condition, toRight)) right.push(substitute(condition, toRight));
  for (const condition of conditions) {
    if (readsLeft(condition)) continue;
    const limit = join === 'inner' ? distanceLimit(condition, plan) : undefined;
    if (limit !== undefined) tolerance = tolerance === null || limit < tolerance ? limit : tolerance;
    else if (join === 'inner' && !isVolatile(condition) && isOn(condition, toLeft)) {
      left.push(substitute(condition, toLeft));
      right.push(condition);
    } else above.push(condition);
  }
  const residual = own.filter((condition) => !onLeft.includes(condition));
  for (const condition of left) right.push(...reach(condition, plan, tolerance));
  return { left, right, above, joined: { ...plan, join, tolerance, residual: together(residual) } };
}

function together(conditions: readonly Expression[]): Expression | null {
  const [first, ...more] = conditions;
  if (!first) return null;
  if (more.length === 0) return first;
  return {
    kind: 'and',
    operands: conditions,
    type: first.type,
    nullable: conditions.some((each) => each.nullable),
    position: first.position,
  };
}

function subset(ids: ReadonlySet<ColumnId>, all: ReadonlySet<ColumnId>): boolean {
  for (const id of ids) if (!all.has(id)) return false;
  return true;
}

/** For keys that are columns of both sides: what each is on the other. */
function otherKeys(pairs: readonly (readonly [Expression, Expression])[]): ReadonlyMap<ColumnId, Expression> {
  return new Map(pairs.flatMap(([from, to]) => (from.kind === 'column' && to.kind === 'column' ? [[from.id, to] as const] : [])));
}

function isOn(condition: Expression, keys: ReadonlyMap<ColumnId, Expression>): boolean {
  const read = columnsOf(condition);
  return !analyse(condition).fallible && read.size > 0 && subset(read, new Set(keys.keys()));
}

/**
 * The tolerance that a condition is: `l - r <= d` where the direction makes l the later one, `r >= l - d`, and so on. Undefined when it is
 * not such a limit.
 */
function distanceLimit(condition: Expression, plan: AsofPlan): bigint | undefined {
  if (condition.kind !== 'call' || condition.args.length !== 2) return undefined;
  const [a, b] = condition.args as readonly [Expression, Expression];
  const later = plan.direction === 'ge' || plan.direction === 'gt' ? plan.time.left : plan.time.right;
  const earlier = later === plan.time.left ? plan.time.right : plan.time.left;
  if (plan.direction === 'nearest') return undefined;
  switch (condition.function) {
    case 'le':
    case 'lt':
      return limitOf(a, b, condition.function === 'lt', later, earlier);
    case 'ge':
    case 'gt':
      return limitOf(b, a, condition.function === 'gt', later, earlier);
    default:
      return undefined;
  }
}

/** small <= large. */
function limitOf(small: Expression, large: Expression, strict: boolean, later: Expression, earlier: Expression): bigint | undefined {
  const type = later.type;
  if (small.kind === 'call' && small.function === 'subtract' && large.kind === 'literal') {
    const [l, r] = small.args as readonly [Expression, Expression];
    return isSame(l, later) && isSame(r, earlier) ? ticks(large.value, large.type, type, strict) : undefined;
  }
  // later - d <= earlier, later <= earlier + d
  for (const [sum, sign, time, other] of [
    [small, 'subtract', later, large],
    [large, 'add', earlier, small],
  ] as const) {
    if (sum.kind !== 'call' || sum.function !== sign) continue;
    const [moved, by] = sum.args as readonly [Expression, Expression];
    const rest = time === later ? earlier : later;
    if (isSame(moved, time) && isSame(other, rest) && by.kind === 'literal') return ticks(by.value, by.type, type, strict);
  }
  return undefined;
}

/**
 * Which right times a bound of the left time leaves within reach: not later than the latest left row that looks back, not earlier than the
 * earliest one less the tolerance, and the other way round.
 */
function reach(condition: Expression, { time, direction }: AsofPlan, tolerance: AsofPlan['tolerance']): readonly Expression[] {
  if (condition.kind !== 'call' || direction === 'nearest') return [];
  const [column, bound] = condition.args;
  const comparable = time.left.kind === 'column' && time.right.kind === 'column' && bound?.kind === 'literal';
  if (!comparable || column?.kind !== 'column' || column.id !== time.left.id || typeof bound.value !== 'bigint') return [];
  const back = direction === 'ge' || direction === 'gt';
  const limit = (operator: 'le' | 'ge', value: bigint): Expression => {
    return { ...condition, function: operator, args: [time.right, { ...bound, value }], nullable: time.right.nullable };
  };
  const above = condition.function === 'ge' || condition.function === 'gt' || condition.function === 'eq';
  const below = condition.function === 'le' || condition.function === 'lt' || condition.function === 'eq';
  const limits: Expression[] = [];
  if (below && back) limits.push(limit('le', bound.value));
  if (above && !back) limits.push(limit('ge', bound.value));
  if (typeof tolerance !== 'bigint') return limits;
  const [low, high] = [bound.value - tolerance, bound.value + tolerance];
  if (above && back && low >= LEAST) limits.push(limit('ge', low));
  if (below && !back && high <= MOST) limits.push(limit('le', high));
  return limits;
}

const LEAST = -(2n ** 63n);
const MOST = 2n ** 63n - 1n;

function isSame(a: Expression, b: Expression): boolean {
  return fingerprint(a) === fingerprint(b);
}

/** The largest whole distance that is within the limit; undefined where days are not of one length or nothing is. */
function ticks(value: Value, of: DataType, type: DataType, strict: boolean): bigint | undefined {
  let limit: bigint;
  if (isInteger(type) && isInteger(of) && value !== null) {
    limit = BigInt(value as bigint | number) - (strict ? 1n : 0n);
  } else if (type.kind === 'timestamp' && type.timezone === null && of.kind === 'interval' && value !== null) {
    const { months, days, nanoseconds } = value as IntervalValue;
    if (months !== 0) return undefined;
    const total = BigInt(days) * 86_400_000_000_000n + nanoseconds - (strict ? 1n : 0n);
    limit = total < 0n ? -1n : total / (1_000_000_000n / UNITS_PER_SECOND[type.unit]);
  } else return undefined;
  return limit < 0n ? undefined : limit;
}
