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

/** Where a column's values are taken from when it is made: row i is the source's row rows[i] (uint32). */
export interface Origin {
  readonly rows: number;
  /** Values of the source's rows at these indices. `known`: composed indices, made by whoever asked first. */
  take(rows: number, count: number, known: ComposedRows): Vector;
}

/** Indices through indices, by both addresses; lives as long as the chunk that asked for them. */
export type ComposedRows = Map<string, number>;

export class Chunk {
  readonly rowCount: number;
  /** Bitmap of the rows that exist, 0 = all. */
  readonly mask: number;
  /** How many exist. */
  readonly count: number;
  /** A column in which the rows ascend; undefined = none is known. */
  readonly ascending: ColumnId | undefined;
  private readonly columns: Map<ColumnId, Vector>;
  private readonly make: ((id: ColumnId) => Vector) | null;
  /** Vectors that outlive the chunk: they lie in the source. */
  private readonly lasting: ReadonlySet<Vector>;
  private readonly originOf: ((id: ColumnId) => Origin | null) | null;

  /** make: gives columns that are not there yet, when asked for the first time. originOf: where it would take them from. */
  constructor(
    rowCount: number,
    mask: number,
    count: number,
    columns: Map<ColumnId, Vector>,
    lasting: ReadonlySet<Vector>,
    make: ((id: ColumnId) => Vector) | null = null,
    originOf: ((id: ColumnId) => Origin | null) | null = null,
    ascending: ColumnId | undefined = undefined,
  ) {
    this.rowCount = rowCount;
    this.mask = mask;
    this.count = count;
    this.columns = columns;
    this.lasting = lasting;
    this.make = make;
    this.originOf = originOf;
    this.ascending = ascending;
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

  /** Some rows of a column: straight from where it would be taken from, as long as the whole column has not been asked for. */
  taken(id: ColumnId, rows: number, count: number, known: ComposedRows, context: EvaluationContext): Vector {
    const origin = this.columns.has(id) ? null : (this.originOf?.(id) ?? null);
    if (!origin) return gatherVector(this.column(id), rows, count, context);
    const key = `${origin.rows} ${rows}`;
    let composed = known.get(key);
    if (composed === undefined) {
      composed = context.scratch.allocate(Math.max(64, count * 4));
      context.kernels.gather_32(origin.rows, rows, count, composed);
      known.set(key, composed);
    }
    return origin.take(composed, count, known);
  }

  lasts(vector: Vector): boolean {
    return this.lasting.has(vector);
  }

  /** The same columns with fewer rows. */
  masked(mask: number, count: number): Chunk {
    return new Chunk(this.rowCount, mask, count, this.columns, this.lasting, this.make, this.originOf);
  }

  /** Other columns over the same rows. */
  projected(columns: Map<ColumnId, Vector>): Chunk {
    return new Chunk(this.rowCount, this.mask, this.count, columns, this.lasting);
  }

  /** The same rows with more columns, each made when asked for. originOf: where it would be taken from. */
  widened(more: ReadonlyMap<ColumnId, unknown>, make: (id: ColumnId) => Vector, originOf: (id: ColumnId) => Origin): Chunk {
    return new Chunk(
      this.rowCount,
      this.mask,
      this.count,
      new Map(this.columns),
      this.lasting,
      (id) => (more.has(id) ? make(id) : this.column(id)),
      (id) => (more.has(id) ? originOf(id) : this.columns.has(id) ? null : (this.originOf?.(id) ?? null)),
    );
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
    const known: ComposedRows = new Map();
    return new Chunk(
      this.count,
      0,
      this.count,
      new Map(),
      NONE,
      (id) => this.taken(id, rows, this.count, known, context),
      (id) => ({ rows, take: (some, count, composed) => this.taken(id, some, count, composed, context) }),
    );
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
