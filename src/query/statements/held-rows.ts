/** RETURNING's rows, kept until the change is durable, then given to the client. */
import type { Arena } from '../../core/arena.js';
import type { OwnedBatch, Vector } from '../../core/batch.js';
import type { Snapshot } from '../../core/contracts.js';
import { MemoryScope } from '../../core/memory-scope.js';
import type { Schema } from '../../core/types.js';
import { gatherVector, type MoveContext } from '../expression/gather.js';
import type { FileRows } from '../plan/logical.js';

export class HeldRows {
  readonly schema: Schema;
  private readonly arena: Arena;
  private readonly limitBytes: number;
  private waiting: OwnedBatch[] = [];
  private isReleased = false;
  private snapshot: Snapshot | null = null;

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

  /** The rows as a source of plans, any number of times; they stay here. */
  source(name: string): FileRows {
    const { schema, waiting } = this;
    return {
      name,
      isHeld: true,
      fields: schema.fields,
      async *read(columnIndexes) {
        for (const { arena, rowCount, columns } of waiting) {
          yield { arena, rowCount, columns: columnIndexes.map((index) => columns[index] as Vector), release: () => undefined };
        }
      },
    };
  }

  async *batches(): AsyncGenerator<OwnedBatch> {
    for (let batch = this.waiting.shift(); batch !== undefined; batch = this.waiting.shift()) yield batch;
  }

  /** The rows were read from it. */
  alsoRelease(snapshot: Snapshot): void {
    this.snapshot = snapshot;
  }

  /** What was not taken is given back. */
  release(): void {
    if (this.isReleased) return;
    this.isReleased = true;
    for (const batch of this.waiting.splice(0)) batch.release();
    this.snapshot?.release();
  }
}
