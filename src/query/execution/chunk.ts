/** A vector-sized piece of a batch on its way through operators: columns by id, and a mask of the rows that are still there. */
import { assert } from '../../core/assert.js';
import { bitmapBytes, type Vector } from '../../core/batch.js';
import { gatherVector } from '../expression/gather.js';
import type { EvaluationContext } from '../functions/contract.js';
import { scalarFunction } from '../functions/registry.js';
import { type ColumnId, type Expression, walkExpression } from '../plan/expression.js';

/** Share of rows below which the others are worth being left behind. */
const DENSE_SHARE = 0.25;
/** The same for consumers that only stream over stored columns under a mask: skipping is cheaper than gathering until very few rows are left. */
export const STREAMING_SHARE = 0.03;

export class Chunk {
  readonly rowCount: number;
  /** Bitmap of the rows that exist, 0 = all. */
  readonly mask: number;
  /** How many exist. */
  readonly count: number;
  private readonly columns: Map<ColumnId, Vector>;
  private readonly make: ((id: ColumnId) => Vector) | null;
  /** Vectors that outlive the chunk: they lie in the source. */
  private readonly lasting: ReadonlySet<Vector>;

  /** make: gives columns that are not there yet, when asked for the first time. */
  constructor(
    rowCount: number,
    mask: number,
    count: number,
    columns: Map<ColumnId, Vector>,
    lasting: ReadonlySet<Vector>,
    make: ((id: ColumnId) => Vector) | null = null,
  ) {
    this.rowCount = rowCount;
    this.mask = mask;
    this.count = count;
    this.columns = columns;
    this.lasting = lasting;
    this.make = make;
  }

  column(id: ColumnId): Vector {
    let vector = this.columns.get(id);
    if (!vector) {
      assert(this.make, `column ${id} of a chunk`);
      vector = this.make(id);
      this.columns.set(id, vector);
    }
    return vector;
  }

  lasts(vector: Vector): boolean {
    return this.lasting.has(vector);
  }

  /** The same columns with fewer rows. */
  masked(mask: number, count: number): Chunk {
    return new Chunk(this.rowCount, mask, count, this.columns, this.lasting, this.make);
  }

  /** Other columns over the same rows. */
  projected(columns: Map<ColumnId, Vector>): Chunk {
    return new Chunk(this.rowCount, this.mask, this.count, columns, this.lasting);
  }

  /** Columns under other ids; each is made when asked for. `from` are column expressions. */
  renamed(ids: readonly ColumnId[], from: readonly Expression[]): Chunk {
    const sources = new Map(ids.map((id, i) => [id, from[i]] as const));
    return new Chunk(this.rowCount, this.mask, this.count, new Map(), this.lasting, (id) => {
      const source = sources.get(id);
      assert(source?.kind === 'column', `column ${id} of a projection`);
      return this.column(source.id);
    });
  }

  /** Only the rows that exist; columns are gathered when asked for. */
  compacted(context: EvaluationContext): Chunk {
    if (this.mask === 0) return this;
    const rows = this.rowNumbers(context);
    return new Chunk(this.count, 0, this.count, new Map(), NONE, (id) => gatherVector(this.column(id), rows, this.count, context));
  }

  /** Address in scratch of the numbers of the rows that exist (uint32). */
  rowNumbers(context: EvaluationContext): number {
    const rows = context.scratch.allocate(Math.max(64, this.rowCount * 4));
    if (this.mask === 0) context.kernels.row_numbers(0, this.rowCount, rows);
    else context.kernels.bits_to_indices(this.mask, this.rowCount, rows);
    return rows;
  }

  /** Compacted when few rows are left, or when expressions are to come that could fail for rows that do not exist. */
  forExpressions(mayFail: boolean, context: EvaluationContext, denseShare = DENSE_SHARE): Chunk {
    return this.mask !== 0 && (mayFail || this.count < this.rowCount * denseShare) ? this.compacted(context) : this;
  }

  /** A mask with only the rows that are in both. */
  restricted(bitmap: number, context: EvaluationContext): Chunk {
    const out = context.scratch.allocate(bitmapBytes(this.rowCount));
    const count = context.kernels.mask_and(this.mask, bitmap, this.rowCount, out);
    return count === this.rowCount ? this.masked(0, count) : this.masked(out, count);
  }
}

export const NONE: ReadonlySet<Vector> = new Set();

/** False when no row can make the expression fail. */
export function mayFail(expression: Expression): boolean {
  let fallible = false;
  walkExpression(expression, (node) => {
    if (node.kind === 'cast' && !node.safe && node.type.kind !== 'float64') fallible = true;
    if (node.kind === 'call' && scalarFunction(node.function)?.infallible !== true) fallible = true;
  });
  return fallible;
}
