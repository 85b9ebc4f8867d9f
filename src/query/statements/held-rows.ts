/** RETURNING's rows, kept until the change is durable, then given to the client. */
import type { Arena } from '../../core/arena.js';
import type { OwnedBatch, Vector } from '../../core/batch.js';
import { MemoryScope } from '../../core/memory-scope.js';
import type { Schema } from '../../core/types.js';
import { gatherVector, type MoveContext } from '../expression/gather.js';

export class HeldRows {
  readonly schema: Schema;
  private readonly arena: Arena;
  private readonly limitBytes: number;
  private waiting: OwnedBatch[] = [];
  private isReleased = false;

  constructor(schema: Schema, arena: Arena, limitBytes: number) {
    this.schema = schema;
    this.arena = arena;
    this.limitBytes = limitBytes;
  }

  /** Takes the batch over: `columns` of it, all rows or those of the list. */
  add(batch: OwnedBatch, columns: readonly Vector[], rows: number, count: number, context: MoveContext): void {
    if (count === batch.rowCount) {
      this.waiting.push({ arena: batch.arena, rowCount: count, columns, release: () => batch.release() });
      return;
    }
    const own = new MemoryScope(this.arena, this.limitBytes);
    try {
      const gathered = columns.map((column) => gatherVector(column, rows, count, context, own));
      // Dictionaries stay where the batch has them.
      const release = (): void => {
        own.release();
        batch.release();
      };
      this.waiting.push({ arena: batch.arena, rowCount: count, columns: gathered, release });
    } catch (error) {
      own.release();
      throw error;
    }
  }

  async *batches(): AsyncGenerator<OwnedBatch> {
    for (let batch = this.waiting.shift(); batch !== undefined; batch = this.waiting.shift()) yield batch;
  }

  /** What was not taken is given back. */
  release(): void {
    if (this.isReleased) return;
    this.isReleased = true;
    for (const batch of this.waiting.splice(0)) batch.release();
  }
}
