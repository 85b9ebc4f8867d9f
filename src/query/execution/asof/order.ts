/** Whether rows come in ascending order of a time. */
import type { SegmentView } from '../../../core/contracts.js';
import type { Expression } from '../../plan/expression.js';
import type { LogicalPlan, ScanPlan } from '../../plan/logical.js';

/** Places where a table may go back in time and still be taken for ascending: each costs a look back over the other side. */
const MOST_BREAKS = 4;

/** True when the rows of the plan ascend in the time, but for a few places. */
export function ascendsMostly(plan: LogicalPlan, time: Expression): boolean {
  if (time.kind === 'cast') return keepsOrder(time) && ascendsMostly(plan, time.operand);
  if (time.kind !== 'column') return false;
  switch (plan.kind) {
    case 'filter':
      return ascendsMostly(plan.input, time);
    case 'asof':
      return ascendsMostly(plan.left, time);
    case 'project': {
      const source = plan.expressions[plan.output.findIndex((column) => column.id === time.id)];
      return source !== undefined && ascendsMostly(plan.input, source);
    }
    case 'sort': {
      const [key] = plan.keys;
      return key !== undefined && !key.descending && key.expression.kind === 'column' && key.expression.id === time.id;
    }
    case 'scan':
      return designatesTime(plan, time) && breaksOf(plan) <= MOST_BREAKS;
    default:
      return false;
  }
}

/** Casts to finer units and wider numbers keep the order. */
function keepsOrder({ operand, type }: Extract<Expression, { kind: 'cast' }>): boolean {
  return operand.type.kind === 'timestamp' && type.kind === 'timestamp' && operand.type.timezone === type.timezone;
}

/** True when the time is the table's designated timestamp and every segment ascends in it. */
export function designatesTime(plan: ScanPlan, time: Expression): boolean {
  if (time.kind !== 'column') return false;
  const column = plan.columns.find((each) => each.id === time.id);
  const { definition } = plan.source.table;
  return column?.columnIndex === definition.timestampColumn && plan.source.segments.every((segment) => segment.order.kind === 'time');
}

/**
 * True when the rows of each value of the table's column ascend in its designated timestamp, by what segments declare: each ascends as a whole or
 * is clustered by the column, and begins where the one before has ended.
 */
export function ascendsByKey({ source, columns }: ScanPlan, time: Expression, key: Expression): boolean {
  const { timestampColumn } = source.table.definition;
  const indexOf = (expression: Expression) =>
    expression.kind === 'column' ? columns.find((each) => each.id === expression.id)?.columnIndex : undefined;
  const column = indexOf(key);
  if (timestampColumn === null || indexOf(time) !== timestampColumn || column === undefined) return false;
  let before: bigint | undefined;
  for (const segment of source.segments) {
    const { order, rowCount } = segment;
    if (rowCount === 0) continue;
    const range = rangeOf(segment, timestampColumn);
    const ascends = rowCount === 1 || order.kind === 'time' || (order.kind === 'cluster' && order.column === column);
    if (!ascends || !range || (before !== undefined && range.low < before)) return false;
    before = range.high;
  }
  return true;
}

function breaksOf({ source }: ScanPlan): number {
  const index = source.table.definition.timestampColumn ?? -1;
  let breaks = 0;
  let before: bigint | undefined;
  for (const segment of source.segments) {
    const range = rangeOf(segment, index);
    if (range && before !== undefined && range.low < before) breaks += 1;
    // Where nothing is known of a segment, the next one may begin anywhere.
    before = range?.high;
  }
  return breaks;
}

function rangeOf({ zoneMaps }: SegmentView, index: number): { readonly low: bigint; readonly high: bigint } | undefined {
  const zone = zoneMaps[index];
  return typeof zone?.min === 'bigint' && typeof zone.max === 'bigint' ? { low: zone.min, high: zone.max } : undefined;
}
