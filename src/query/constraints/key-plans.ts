/** Plans that look for rows with equal keys among the rows that were appended last and those before. */
import type { Value } from '../../core/batch.js';
import type { DataType } from '../../core/types.js';
import { INT64, isInteger, isText } from '../../core/types.js';
import { aggregateColumn } from '../binder/aggregate-column.js';
import { castTo } from '../binder/coercion.js';
import type { BindContext } from '../binder/context.js';
import { columnOf, conjunction, intLiteral, isNull, literal } from '../binder/expressions.js';
import { aggregatePlan, filterPlan, joinPlan, limitPlan, nullSafeKeys, pickColumns, projectPlan } from '../binder/plans.js';
import type { Expression } from '../plan/expression.js';
import type { LogicalPlan, OutputColumn } from '../plan/logical.js';
import { cloneWithFreshIds } from '../plan/traverse.js';
import type { RangeRows } from './row-range.js';

export interface Key {
  /** Indexes of the table's columns. */
  readonly columns: readonly number[];
  /** NULL is equal to NULL; else a key with a NULL is equal to none. */
  readonly nullsEqual: boolean;
}

const column = (rows: RangeRows, index: number): OutputColumn => rows.columns[index] as OutputColumn;

function keyColumns(rows: RangeRows, key: Key): readonly OutputColumn[] {
  return key.columns.map((index) => column(rows, index));
}

/** Key columns whose smallest and largest values are worth knowing: zone maps have them. */
export function rangedColumns(rows: RangeRows, key: Key): readonly OutputColumn[] {
  return keyColumns(rows, key).filter(({ type, nullable }) => isRanged(type) && !(key.nullsEqual && nullable));
}

function isRanged(type: DataType): boolean {
  return isInteger(type) || isText(type) || ['float32', 'float64', 'decimal', 'date32', 'time64', 'timestamp'].includes(type.kind);
}

/** One row: smallest and largest value of each column in turn. */
export function boundsPlan(rows: RangeRows, columns: readonly OutputColumn[], bind: BindContext): LogicalPlan {
  const calls = columns.flatMap((each) => ['min', 'max'].map((name) => aggregateColumn(name, [columnOf(each)], bind.nextId())));
  return aggregatePlan(rows.plan, [], calls);
}

/** Rows whose key lies within the bounds; `bounds` as boundsPlan() gives them. */
export function withinBounds(rows: RangeRows, indexes: readonly number[], bounds: readonly Value[], bind: BindContext): LogicalPlan {
  const conditions = indexes.flatMap((index, i) => {
    const own = column(rows, index);
    const [low, high] = [bounds[2 * i] ?? null, bounds[2 * i + 1] ?? null];
    if (low === null || high === null) return [];
    return [bind.call('ge', [columnOf(own), literal(low, own.type)], -1), bind.call('le', [columnOf(own), literal(high, own.type)], -1)];
  });
  return filterPlan(rows.plan, conjunction(conditions));
}

/** Old rows whose key a new row has. */
export function oldWithNewKey(old: RangeRows, oldPlan: LogicalPlan, added: RangeRows, key: Key): LogicalPlan {
  const pairs = key.columns.map((index) => [columnOf(column(old, index)), columnOf(column(added, index))] as const);
  const keys = key.nullsEqual ? nullSafeKeys(pairs) : pairs.map(([left, right]) => ({ left, right }));
  return joinPlan('semi', oldPlan, added.plan, keys);
}

/** Keys that several new rows have: the key, how many rows, the place of the last one. */
export function repeatedKeys(added: RangeRows, key: Key, bind: BindContext): LogicalPlan {
  const columns = keyColumns(added, key);
  const present = key.nullsEqual ? [] : columns.map((each) => isNull(columnOf(each), true));
  const rows = filterPlan(added.plan, conjunction(present));
  const groups = columns.map((each) => ({ id: bind.nextId(), name: each.name, expression: columnOf(each) }));
  const count = aggregateColumn('count', [], bind.nextId());
  const last = aggregateColumn('max', [placeOf(added, bind)], bind.nextId());
  const grouped = aggregatePlan(rows, groups, [count, last]);
  const counted = columnOf(grouped.output[groups.length] as OutputColumn);
  return filterPlan(grouped, bind.call('gt', [counted, intLiteral(1n)], -1));
}

/** New rows that have a key again later; row ids only. */
export function repeatedRows(added: RangeRows, key: Key, bind: BindContext): LogicalPlan {
  const copy = cloneWithFreshIds(repeatedKeys(added, key, bind), bind.nextId);
  const pairs = keyColumns(added, key).map((each, i) => [columnOf(each), columnOf(copy.plan.output[i] as OutputColumn)] as const);
  const last = columnOf(copy.plan.output.at(-1) as OutputColumn);
  const earlier = bind.call('lt', [placeOf(added, bind), last], -1);
  return pickColumns(joinPlan('inner', added.plan, copy.plan, nullSafeKeys(pairs), earlier), added.rowIds);
}

/** Later rows have larger places. */
function placeOf(rows: RangeRows, bind: BindContext): Expression {
  const [segment, row] = rows.rowIds.map((id) => castTo(columnOf(id), INT64)) as [Expression, Expression];
  return bind.call('add', [bind.call('multiply', [segment, intLiteral(2n ** 32n)], -1), row], -1);
}

export function rowIdsOf(plan: LogicalPlan, rows: RangeRows): LogicalPlan {
  return pickColumns(plan, rows.rowIds);
}

/** The first row, these columns of it. */
export function firstRowOf(plan: LogicalPlan, columns: readonly OutputColumn[], bind: BindContext): LogicalPlan {
  const named = columns.map((each) => ({ id: bind.nextId(), name: each.name, expression: columnOf(each) }));
  return limitPlan(projectPlan(plan, named), 1);
}
