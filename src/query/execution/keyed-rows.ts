/** Rows of a recursion of which the last one of each key counts (USING KEY). Keys keep the order in which they came. */
import type { Kernels } from '../../../native-free/kernels.js';
import type { Vector } from '../../core/batch.js';
import type { MemoryScope } from '../../core/memory-scope.js';
import type { DataType } from '../../core/types.js';
import { gatherVector, type MoveContext } from '../expression/gather.js';
import { GroupTable } from './aggregate/group-table.js';
import type { QueryRun } from './query-run.js';

export class KeyedRows {
  private readonly keyColumns: readonly number[];
  private readonly keys: GroupTable;
  /** Tells rows that are equal in all columns; null: a row that changes nothing counts too. */
  private readonly contents: GroupTable | null;
  /** By key: the place of its last row among all rows that counted, and the content of that row. */
  private readonly lastRow: number[] = [];
  private readonly lastContent: number[] = [];
  private rowCount = 0;

  constructor(types: readonly DataType[], keyColumns: readonly number[], distinct: boolean, scope: MemoryScope, kernels: Kernels) {
    this.keyColumns = keyColumns;
    this.keys = new GroupTable(
      keyColumns.map((place) => types[place] as DataType),
      scope,
      kernels,
    );
    this.contents = distinct ? new GroupTable(types, scope, kernels) : null;
  }

  /** Takes rows in; writes those that count as u32 from element `kept` on, gives how many. */
  take(columns: readonly Vector[], rows: number, kept: number, context: MoveContext): number {
    const keys = this.keyColumns.map((place) => columns[place] as Vector);
    const groups = this.keys.assign(keys, 0, rows, context) / 4;
    const contents = this.contents === null ? -1 : this.contents.assign(columns, 0, rows, context) / 4;
    const { u32 } = context.arena;
    let count = 0;
    for (let row = 0; row < rows; row++) {
      const group = u32[groups + row] as number;
      if (contents >= 0) {
        const content = u32[contents + row] as number;
        if (this.lastContent[group] === content) continue;
        this.lastContent[group] = content;
      }
      this.lastRow[group] = this.rowCount + count;
      u32[kept + count++] = row;
    }
    this.rowCount += count;
    return count;
  }

  /** The last row of each key, of all rows that counted, in memory of `part`. */
  lastRows(all: readonly Vector[], part: QueryRun): { readonly rowCount: number; readonly columns: readonly Vector[] } {
    const { context, scope } = part;
    const rowCount = this.lastRow.length;
    if (rowCount === this.rowCount) return { rowCount, columns: all };
    const mark = context.scratch.mark();
    const places = context.scratch.allocate(rowCount * 4);
    context.arena.u32.set(this.lastRow, places / 4);
    const columns = all.map((column) => gatherVector(column, places, rowCount, context, scope));
    context.scratch.rewind(mark);
    return { rowCount, columns };
  }
}
