/** Which rows of a segment that is grouped by a column can fulfil conditions on that column, by the segment's index. */
import { type ClusterIndex, NULL_CODE, type SegmentView } from '../../../core/contracts.js';
import type { Expression } from '../../plan/expression.js';
import type { ScanPlan } from '../../plan/logical.js';
import type { TimeBounds } from './zone-pruning.js';

/** `column = text` or `column IN (texts)`. */
export interface SymbolCondition {
  readonly condition: Expression;
  readonly columnIndex: number;
  /** Of the texts that the column's dictionary has, ascending. */
  readonly codes: readonly number[];
}

/** Groups of a segment up to which time bounds are looked up in each of them. */
const MOST_GROUPS = 256;

/** Conjuncts of a scan that name the only values that a dictionary-encoded column may have. */
export function symbolConditions(plan: ScanPlan): SymbolCondition[] {
  return plan.filters.flatMap((condition) => {
    const texts = textsOf(condition);
    const columnIndex = plan.columns.find((column) => column.id === texts?.id)?.columnIndex ?? -1;
    if (!texts || columnIndex < 0) return [];
    const codes = texts.values.map((text) => plan.source.codeOf?.(columnIndex, text));
    if (codes.includes(undefined)) return [];
    return [{ condition, columnIndex, codes: [...new Set(codes as number[])].filter((code) => code >= 0).sort((a, b) => a - b) }];
  });
}

function textsOf(condition: Expression): { readonly id: number; readonly values: readonly string[] } | undefined {
  if (condition.kind === 'in') {
    const { operand, values, negated } = condition;
    const texts = values.filter((value): value is string => typeof value === 'string');
    return operand.kind === 'column' && !negated && texts.length === values.length ? { id: operand.id, values: texts } : undefined;
  }
  if (condition.kind !== 'call' || condition.function !== 'eq') return undefined;
  const [a, b] = condition.args;
  const [column, literal] = a?.kind === 'column' ? [a, b] : [b, a];
  if (column?.kind !== 'column' || literal?.kind !== 'literal' || typeof literal.value !== 'string') return undefined;
  return { id: column.id, values: [literal.value] };
}

export function isGroupedBy({ order }: SegmentView, columnIndex: number): boolean {
  return order.kind === 'cluster' && order.column === columnIndex;
}

/** All rows of a segment have one value of the column that it is grouped by, and so ascend in time. */
export function isOneGroup({ source }: ScanPlan, segment: SegmentView): boolean {
  return segment.order.kind === 'cluster' && source.clusterIndex?.(segment)?.codes.length === 1;
}

/** Ascending ranges; null = nothing is known, all rows may be wanted. Where rows ascend in time inside the ranges only, there is one for each group. */
export function rangesOf(
  { source }: ScanPlan,
  segment: SegmentView,
  conditions: readonly SymbolCondition[],
  hasBounds: boolean,
): (readonly [number, number])[] | null {
  const index = segment.order.kind === 'cluster' ? source.clusterIndex?.(segment) : undefined;
  if (!index) return null;
  const own = conditions.filter((each) => isGroupedBy(segment, each.columnIndex));
  const [first, ...rest] = own;
  if (!first) return hasBounds && index.codes.length <= MOST_GROUPS ? allGroups(index) : null;
  const codes = first.codes.filter((code) => rest.every((other) => other.codes.includes(code)));
  return codes.flatMap((code) => {
    const at = placeOf(index.codes, code);
    return at < 0 ? [] : [groupAt(index, at)];
  });
}

export function allGroups(index: ClusterIndex): (readonly [number, number])[] {
  return Array.from(index.codes, (_, i) => groupAt(index, i));
}

export function groupAt({ ends }: ClusterIndex, at: number): readonly [number, number] {
  return [ends[at - 1] ?? 0, ends[at] ?? 0];
}

/** Binary search; NULL_CODE is the last when it is there. */
function placeOf(codes: Uint32Array, code: number): number {
  let low = 0;
  let high = codes.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((codes[middle] ?? NULL_CODE) < code) low = middle + 1;
    else high = middle;
  }
  return codes[low] === code ? low : -1;
}

/** By the zone map of its time, no row of the segment is inside the bounds. */
export function isOutside({ zoneMaps }: SegmentView, timestampColumn: number | null, { low, high }: TimeBounds): boolean {
  const zone = zoneMaps[timestampColumn ?? -1];
  if (typeof zone?.min !== 'bigint' || typeof zone.max !== 'bigint') return false;
  const isBefore = low !== null && (low.above ? zone.max <= low.value : zone.max < low.value);
  const isAfter = high !== null && (high.above ? zone.min > high.value : zone.min >= high.value);
  return isBefore || isAfter;
}
