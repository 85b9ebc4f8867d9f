/** The rows of a table that were appended last, and those before them, as plans. */
import type { SegmentView, TableSnapshot } from '../../core/contracts.js';
import { INT32 } from '../../core/types.js';
import type { BindContext } from '../binder/context.js';
import { columnOf, conjunction, disjunction, literal } from '../binder/expressions.js';
import { scanWithRowIds } from '../binder/latest-on.js';
import { filterPlan } from '../binder/plans.js';
import type { LogicalPlan, OutputColumn, ScanPlan } from '../plan/logical.js';

/** The table's rows are those before the range, then its own. */
export interface RowRange {
  readonly table: TableSnapshot;
  /** Index of the segment where the range begins, and the first row of it there. */
  readonly segment: number;
  readonly firstRow: number;
}

/** The last `count` rows of a table, deleted ones included. */
export function lastRows(table: TableSnapshot, count: number): RowRange {
  let left = count;
  let segment = table.segments.length;
  let firstRow = 0;
  while (left > 0 && segment > 0) {
    segment -= 1;
    const rows = table.segments[segment]?.rowCount ?? 0;
    firstRow = Math.max(0, rows - left);
    left -= rows;
  }
  return { table, segment, firstRow };
}

export interface RangeRows {
  /** The table as the plan sees it: row ids mean its segments. */
  readonly table: TableSnapshot;
  readonly plan: LogicalPlan;
  /** By index of the table's column. */
  readonly columns: readonly OutputColumn[];
  /** Index of the segment, row in it. */
  readonly rowIds: readonly OutputColumn[];
}

export function newRows(range: RowRange, bind: BindContext): RangeRows {
  const segments = range.table.segments.slice(range.segment);
  return scanOf(range.table, segments, range.firstRow === 0 ? null : { segment: 0, keepFrom: true, row: range.firstRow }, bind);
}

/** Undefined when there are none. */
export function oldRows(range: RowRange, bind: BindContext): RangeRows | undefined {
  const cut = range.firstRow > 0;
  const segments = range.table.segments.slice(0, range.segment + (cut ? 1 : 0));
  if (segments.every((segment) => segment.rowCount === segment.deletedCount)) return undefined;
  return scanOf(range.table, segments, cut ? { segment: range.segment, keepFrom: false, row: range.firstRow } : null, bind);
}

interface Cut {
  readonly segment: number;
  /** Rows from `row` on, or before it. */
  readonly keepFrom: boolean;
  readonly row: number;
}

function scanOf(table: TableSnapshot, segments: readonly SegmentView[], cut: Cut | null, bind: BindContext): RangeRows {
  const view: TableSnapshot = {
    table: table.table,
    segments,
    rowCount: segments.reduce((sum, segment) => sum + segment.rowCount - segment.deletedCount, 0),
    sizeBytes: table.sizeBytes,
    pin: (segment, columns, signal) => table.pin(segment, columns, signal),
  };
  const { columns } = table.table.definition;
  const output = columns.map(({ name, type, nullable }) => ({ id: bind.nextId(), name, type, nullable }));
  const plain: ScanPlan = {
    kind: 'scan',
    source: view,
    columnIndexes: output.map((_, i) => i),
    filters: [],
    columns: output.map((column, i) => ({ id: column.id, columnIndex: i })),
    output,
  };
  const scan = scanWithRowIds(plain, [bind.nextId(), bind.nextId()]);
  const rowIds = scan.output.slice(-2);
  return { table: view, plan: cut === null ? scan : cutPlan(scan, rowIds, cut, bind), columns: output, rowIds };
}

function cutPlan(scan: ScanPlan, rowIds: readonly OutputColumn[], cut: Cut, bind: BindContext): LogicalPlan {
  const [segment, row] = rowIds;
  if (!segment || !row) return scan;
  const other = bind.call('ne', [columnOf(segment), literal(cut.segment, INT32)], -1);
  const inside = bind.call(cut.keepFrom ? 'ge' : 'lt', [columnOf(row), literal(cut.row, INT32)], -1);
  return filterPlan(scan, conjunction([disjunction([other, inside])]));
}
