/** WINDOW JOIN: the left side's rows, with aggregates over the right rows in an interval around the time of each. */
import { DbError } from '../../core/errors.js';
import { isText, sameType } from '../../core/types.js';
import { columnsOf, type Expression } from '../plan/expression.js';
import type { IntervalBound } from '../plan/logical.js';
import type { FrameBound } from '../syntax/ast/query.js';
import type { WindowJoin } from '../syntax/ast/table.js';
import { checkAliases } from './check-aliases.js';
import { castTo } from './coercion.js';
import { type BoundRelation, type FromClause, unsupported } from './context.js';
import { dependsOn } from './decorrelate.js';
import { literal } from './expressions.js';
import { Scope } from './scope.js';
import { timedCondition } from './timed-condition.js';
import { isNegative, ticksOf } from './window-frame.js';
import { WindowJoinCalls } from './window-join-calls.js';

export function bindWindowJoin(reference: WindowJoin, clause: FromClause): BoundRelation {
  const { context, windowJoins } = clause;
  const left = context.bindTable(reference.left, clause);
  const right = context.bindTable(reference.right, { ...clause, windowJoins: null });
  const position = afterLeft(reference, clause);
  if (!windowJoins) throw unsupported('WINDOW JOIN here', position, 'put it into a subquery');
  checkAliases(left, right, reference.right.position);
  if (dependsOn(right.plan, left.plan)) throw unsupported('a WINDOW JOIN whose right side reads the left one', reference.right.position);
  const condition = timedCondition(reference.condition, left, right, 'WINDOW JOIN', position, clause);
  const bind = (bound: FrameBound): IntervalBound => intervalBound(bound, condition.time.left, left, clause);
  checkOrder(reference);
  const [start, end] = [bind(reference.start), bind(reference.finish)];
  if (start.kind === 'ticks' && end.kind === 'ticks' && start.ticks > end.ticks) throw backwards(reference.finish);
  const { keys, time, hidden } = condition;
  const prevailing = reference.prevailing !== 'exclude' && start.kind !== 'unbounded';
  const shape = { right: condition.right, keys, time, start, end, prevailing };
  const columns = right.columns.map((column) => (hidden.has(column.id) ? { ...column, unqualified: false } : column));
  windowJoins.push(new WindowJoinCalls(shape, columns, reference.outer === 'inner', context));
  const { alias } = reference;
  if (!alias) return left;
  const renamed = left.columns.map((column, i) => ({ ...column, table: alias.name.name, name: alias.columns[i]?.name ?? column.name }));
  return { ...left, columns: renamed };
}

/** Where the words of the join stand. */
function afterLeft({ left }: WindowJoin, { context }: FromClause): number {
  const rest = context.sql.slice(left.end);
  return left.end + (rest.length - rest.trimStart().length);
}

const PLACE = { unboundedPreceding: 0, preceding: 1, currentRow: 2, following: 3, unboundedFollowing: 4 } as const;

function checkOrder({ start, finish }: WindowJoin): void {
  if (start.kind === 'unboundedFollowing' || finish.kind === 'unboundedPreceding' || PLACE[start.kind] > PLACE[finish.kind])
    throw backwards('offset' in finish ? finish : start);
}

function backwards(bound: FrameBound): DbError {
  return new DbError('invalid_argument', 'the interval of a WINDOW JOIN may not begin behind its end', {
    position: 'offset' in bound ? bound.offset.position : undefined,
    hint: 'BETWEEN names the earlier bound first',
  });
}

function intervalBound(bound: FrameBound, time: Expression, left: BoundRelation, clause: FromClause): IntervalBound {
  if (bound.kind === 'unboundedPreceding' || bound.kind === 'unboundedFollowing') return { kind: 'unbounded' };
  if (bound.kind === 'currentRow') return { kind: 'ticks', ticks: 0n };
  const { context, commonTables } = clause;
  const { position } = bound.offset;
  const scope = new Scope(left.columns, clause.outer);
  const offset = context.bindExpression(bound.offset, {
    context,
    name: 'the bounds of a WINDOW JOIN',
    scope,
    commonTables,
    relation: null,
    aggregates: null,
  });
  const following = bound.kind === 'following';
  if (columnsOf(offset).size > 0) return limitBound(offset, time, following, position, clause);
  const interval = isText(offset.type) ? castTo(offset, { kind: 'interval' }) : offset;
  const value = context.evaluateConstant(interval);
  if (value === null) throw new DbError('invalid_argument', 'a bound of a WINDOW JOIN may not be NULL', { position });
  if (isNegative(value)) {
    throw new DbError('invalid_argument', 'a bound of a WINDOW JOIN may not be negative', {
      position,
      hint: 'PRECEDING and FOLLOWING say in which direction it is',
    });
  }
  const ticks = ticksOf(interval, value, time);
  if (ticks !== undefined) return { kind: 'ticks', ticks: following ? ticks : -ticks };
  return limitBound(literal(value, interval.type, position), time, following, position, clause);
}

/** Calendar units, and bounds that differ from row to row: computed for each left row. */
function limitBound(offset: Expression, time: Expression, following: boolean, position: number, clause: FromClause): IntervalBound {
  if (offset.type.kind !== 'interval') {
    throw new DbError('type_mismatch', 'a bound of a WINDOW JOIN is an interval', { position, hint: "5s, 1 minute, INTERVAL '1 month'" });
  }
  const limit = clause.context.call(following ? 'add' : 'subtract', [time, offset], position);
  return { kind: 'limit', limit: sameType(limit.type, time.type) ? limit : castTo(limit, time.type) };
}
