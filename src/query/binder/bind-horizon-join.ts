/** HORIZON JOIN: each left row once for every offset, beside the right row that prevails at its time and the offset. */
import { DbError } from '../../core/errors.js';
import { INT64, isText, typeName, UNITS_PER_SECOND } from '../../core/types.js';
import { type Expression as BoundExpression, columnsOf, mapExpression } from '../plan/expression.js';
import type { OutputColumn } from '../plan/logical.js';
import type { Expression } from '../syntax/ast/query.js';
import type { HorizonJoin } from '../syntax/ast/table.js';
import { checkAliases } from './check-aliases.js';
import { castTo } from './coercion.js';
import { type BoundRelation, type FromClause, unsupported } from './context.js';
import { dependsOn } from './decorrelate.js';
import { columnOf, fingerprint } from './expressions.js';
import { asofPlan, horizonJoinPlan } from './plans.js';
import { Scope, type ScopeColumn } from './scope.js';
import { timedCondition } from './timed-condition.js';

/** More than that is surely a mistake. */
const MAX_OFFSETS = 100_000n;

export function bindHorizonJoin(reference: HorizonJoin, clause: FromClause): BoundRelation {
  const { context } = clause;
  const left = context.bindTable(reference.left, clause);
  const right = context.bindTable(reference.right, { ...clause, windowJoins: null });
  checkAliases(left, right, reference.right.position);
  if (dependsOn(right.plan, left.plan)) throw unsupported('a HORIZON JOIN whose right side reads the left one', reference.right.position);
  const rest = context.sql.slice(reference.left.end);
  const position = reference.left.end + (rest.length - rest.trimStart().length);
  const condition = timedCondition(reference.condition, left, right, 'HORIZON JOIN', position, clause);
  const { keys, time, shown, hidden } = condition;
  const offsets = offsetsOf(reference, shown, clause);
  const scale = perSecond(time.left.type) / perSecond(shown.type);
  const table = reference.alias?.name.name ?? null;
  const [first = 'offset', second = 'timestamp'] = (reference.alias?.columns ?? []).map((column) => column.name);
  const own = [
    { id: context.nextId(), name: first, type: INT64, nullable: false },
    { id: context.nextId(), name: second, type: shown.type, nullable: shown.nullable },
  ];
  const plan = horizonJoinPlan(left.plan, condition.right, own, { keys, time, shown, offsets, scale, position });
  const horizon = { left, shown, time: columnOf(own[1] as OutputColumn) };
  const named = (column: (typeof own)[number]): ScopeColumn => ({ ...column, table, unqualified: true });
  const columns = [
    ...left.columns,
    ...own.map(named),
    ...right.columns.map((column) => ({ ...column, nullable: true, unqualified: column.unqualified && !hidden.has(column.id) })),
  ];
  const joined: BoundRelation = { plan, columns, timestamp: left.timestamp };
  return reference.more.reduce((relation, table) => withTable(relation, table, horizon, clause), joined);
}

/** A further table over the same offsets: beside each row its right row that prevails at the time that the offset leads to. */
function withTable(
  relation: BoundRelation,
  table: HorizonJoin['more'][number],
  horizon: { readonly left: BoundRelation; readonly shown: BoundExpression; readonly time: BoundExpression },
  clause: FromClause,
): BoundRelation {
  const { left, shown, time } = horizon;
  const { position } = table.right;
  const right = clause.context.bindTable(table.right, { ...clause, windowJoins: null });
  checkAliases(relation, right, position);
  if (dependsOn(right.plan, relation.plan)) throw unsupported('a HORIZON JOIN whose right side reads the left one', position);
  const found = timedCondition(table.condition, left, right, 'HORIZON JOIN', position, clause);
  const text = fingerprint(shown);
  if (fingerprint(found.shown) !== text)
    throw unsupported('a HORIZON JOIN of several tables over different times of the left side', position);
  const moved = mapExpression(found.time.left, (node) => (fingerprint(node) === text ? time : node));
  const { keys, hidden } = found;
  const match = {
    join: 'left',
    keys,
    time: { left: moved, right: found.time.right },
    direction: 'ge',
    tolerance: null,
    residual: null,
  } as const;
  const added = right.columns.map((column) => ({ ...column, nullable: true, unqualified: column.unqualified && !hidden.has(column.id) }));
  return { ...relation, plan: asofPlan(relation.plan, found.right, match), columns: [...relation.columns, ...added] };
}

function perSecond(type: { readonly kind: string; readonly unit?: keyof typeof UNITS_PER_SECOND }): bigint {
  return type.unit === undefined ? 1n : UNITS_PER_SECOND[type.unit];
}

/** In ticks of the time, in the order in which they are given. */
function offsetsOf({ offsets, position }: HorizonJoin, time: BoundExpression, clause: FromClause): readonly bigint[] {
  const ticks = (syntax: Expression): bigint => ticksOfOffset(syntax, time, clause);
  if (offsets.kind === 'list') return offsets.items.map(ticks);
  const [from, to, step] = [ticks(offsets.from), ticks(offsets.to), ticks(offsets.step)];
  if (step <= 0n) throw new DbError('invalid_argument', 'the STEP of a HORIZON JOIN must be above 0', { position: offsets.step.position });
  if (from > to) {
    throw new DbError('invalid_argument', 'the offsets of a HORIZON JOIN go from the smaller to the larger one', {
      position: offsets.to.position,
    });
  }
  const count = (to - from) / step + 1n;
  if (count > MAX_OFFSETS) {
    throw new DbError('invalid_argument', `a HORIZON JOIN takes at most ${MAX_OFFSETS} offsets, not ${count}`, { position });
  }
  return Array.from({ length: Number(count) }, (_, i) => from + step * BigInt(i));
}

function ticksOfOffset(syntax: Expression, time: BoundExpression, clause: FromClause): bigint {
  const { context, commonTables, outer } = clause;
  const { position } = syntax;
  const scope = new Scope([], outer);
  const bound = context.bindExpression(syntax, {
    context,
    name: 'the offsets of a HORIZON JOIN',
    scope,
    commonTables,
    relation: null,
    aggregates: null,
  });
  if (columnsOf(bound).size > 0) throw new DbError('invalid_argument', 'an offset of a HORIZON JOIN must be a constant', { position });
  const interval = isText(bound.type) ? castTo(bound, { kind: 'interval' }) : bound;
  const value = context.evaluateConstant(interval);
  if (value === null) throw new DbError('invalid_argument', 'an offset of a HORIZON JOIN may not be NULL', { position });
  // 0 needs no unit.
  if (Number(value) === 0) return 0n;
  if (interval.type.kind !== 'interval') {
    throw new DbError('type_mismatch', `an offset of a HORIZON JOIN is an interval, not ${typeName(interval.type)}`, {
      position,
      hint: '5s, -1m, 500T',
    });
  }
  return wholeTicks(value as { months: number; days: number; nanoseconds: bigint }, time, position);
}

function wholeTicks(
  { months, days, nanoseconds }: { readonly months: number; readonly days: number; readonly nanoseconds: bigint },
  time: BoundExpression,
  position: number,
): bigint {
  const total = BigInt(days) * 86_400_000_000_000n + nanoseconds;
  const tick = 1_000_000_000n / perSecond(time.type);
  if (months !== 0) throw new DbError('invalid_argument', 'an offset of a HORIZON JOIN may not have months or years', { position });
  if (total % tick !== 0n) {
    throw new DbError('invalid_argument', `the offset is finer than the unit of ${typeName(time.type)}`, {
      position,
      hint: 'cast the left time to a finer one',
    });
  }
  return total / tick;
}
