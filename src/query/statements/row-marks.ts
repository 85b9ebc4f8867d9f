/** Deleting rows that a plan names: one bitmap per touched segment. */
import { type Batch, bitmapBytes, type Vector } from '../../core/batch.js';
import type { TableDeletions, TableSnapshot } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import type { MemoryScope } from '../../core/memory-scope.js';

/** Rows to delete, one bitmap per segment of the table. */
export class RowMarks {
  private readonly table: TableSnapshot;
  private readonly scope: MemoryScope;
  private readonly bySegment = new Map<number, number>();
  private current = -1;
  private bitmap = 0;

  constructor(table: TableSnapshot, scope: MemoryScope) {
    this.table = table;
    this.scope = scope;
  }

  get isEmpty(): boolean {
    return this.bySegment.size === 0;
  }

  /** `segment` is an index into the table's segments. False when the row was marked before. */
  mark(segment: number, row: number): boolean {
    if (segment !== this.current) this.turnTo(segment);
    const { u8 } = this.scope.arena;
    const at = this.bitmap + (row >> 3);
    const bit = 1 << (row & 7);
    const byte = u8[at] as number;
    u8[at] = byte | bit;
    return (byte & bit) === 0;
  }

  /** Marks the rows that the first two columns of a batch name; its segment 0 is the table's `firstSegment`. */
  markAll(batch: Batch, firstSegment: number): void {
    const ids = new RowIds(batch, this.scope);
    for (let row = 0; row < batch.rowCount; row++) this.mark(firstSegment + ids.segment(row), ids.row(row));
  }

  deletions(): TableDeletions[] {
    return [...this.bySegment].map(([index, rows]) => ({ segmentId: this.table.segments[index]?.id ?? -1, rows }));
  }

  private turnTo(segment: number): void {
    let bitmap = this.bySegment.get(segment);
    if (bitmap === undefined) {
      bitmap = this.scope.allocateZeroed(bitmapBytes(this.table.segments[segment]?.rowCount ?? 0));
      this.bySegment.set(segment, bitmap);
    }
    this.current = segment;
    this.bitmap = bitmap;
  }
}

/** The first two columns of a batch: index of the segment, row in it. */
export class RowIds {
  private readonly i32: Int32Array;
  private readonly segments: readonly [number, number];
  private readonly rows: readonly [number, number];

  constructor(batch: Batch, scope: MemoryScope) {
    this.i32 = scope.arena.i32;
    this.segments = intsOf(batch.columns[0]);
    this.rows = intsOf(batch.columns[1]);
  }

  segment(row: number): number {
    return this.i32[this.segments[0] + row * this.segments[1]] as number;
  }

  row(row: number): number {
    return this.i32[this.rows[0] + row * this.rows[1]] as number;
  }
}

/** Index of the first int32 of a vector, and how far apart its rows are (0 for a constant). */
export function intsOf(vector: Vector | undefined): readonly [number, number] {
  if (!vector) throw new DbError('internal', 'a change without row ids');
  return [vector.values / 4, vector.encoding === 'constant' ? 0 : 1];
}
