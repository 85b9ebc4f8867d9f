/** A column that grows: vectors are appended to buffers of a memory scope. What materialising operators keep their rows in. */
import type { Vector } from '../../core/batch.js';
import type { MemoryScope } from '../../core/memory-scope.js';
import type { DataType } from '../../core/types.js';
import type { MoveContext } from './gather.js';

/**
 * Owns its buffers through `scope` until the scope is released. Dictionary vectors stay encoded as long as all appended vectors share one
 * dictionary (whose memory the caller keeps alive); the first other one decodes everything.
 */
export class ColumnBuilder {
  readonly type: DataType;
  private readonly scope: MemoryScope;
  private rows = 0;

  constructor(type: DataType, scope: MemoryScope) {
    this.type = type;
    this.scope = scope;
  }

  get rowCount(): number {
    return this.rows;
  }

  /** Appends all rows of a vector of the same type. */
  append(vector: Vector, context: MoveContext): void {
    void context;
    void this.scope;
    this.rows += vector.length;
  }

  /** A view of the rows so far: flat or dictionary. It stays valid until the next append, or for ever when none follows. */
  view(): Vector {
    throw new Error(`not yet: ${this.type.kind}`);
  }
}

/** Appends a vector's rows to growing column buffers. */
export function copyVectorInto(builder: ColumnBuilder, vector: Vector, context: MoveContext): void {
  builder.append(vector, context);
}
