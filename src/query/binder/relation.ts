/** The rows below the expressions of a clause. Subqueries in those expressions join themselves to them. */
import { addColumnsOf, type ColumnId, columnsOf, type Expression } from '../plan/expression.js';
import type { LogicalPlan } from '../plan/logical.js';
import { freeColumns } from '../plan/traverse.js';

/** Joins a subquery: gets the plan below and the outer expressions that it needs, after they were rewritten for that plan. */
export type Attachment = (plan: LogicalPlan, expressions: readonly Expression[]) => LogicalPlan;

interface Pending {
  readonly attach: Attachment;
  readonly expressions: readonly Expression[];
  readonly produced: readonly ColumnId[];
  /** Columns below that it needs. */
  readonly reads: ReadonlySet<ColumnId>;
}

const NO_COLUMNS: ReadonlySet<ColumnId> = new Set();

/**
 * Collects what is to be joined while the expressions of a clause are bound, and joins it when the plan below them is known:
 * for the SELECT list of a grouped query that is only after all of it was bound.
 */
export class Relation {
  private readonly pending: Pending[] = [];

  /** Columns that the attachments add. */
  get produced(): ReadonlySet<ColumnId> {
    return this.pending.length === 0 ? NO_COLUMNS : new Set(this.pending.flatMap((each) => each.produced));
  }

  get isEmpty(): boolean {
    return this.pending.length === 0;
  }

  /** subquery: what is joined, so far as it is known: it tells which columns are needed. */
  attach(produced: readonly ColumnId[], expressions: readonly Expression[], attach: Attachment, subquery?: LogicalPlan): void {
    const reads = new Set<ColumnId>(subquery ? freeColumns(subquery) : []);
    for (const expression of expressions) addColumnsOf(expression, reads);
    this.pending.push({ attach, expressions, produced, reads });
  }

  /** Columns of the plan below that anything here needs. */
  get reads(): ReadonlySet<ColumnId> {
    return new Set(this.pending.flatMap((each) => [...each.reads]));
  }

  /** What needs none of these columns, nor anything that needs them, moves into a relation of its own. */
  takeWithout(columns: ReadonlySet<ColumnId>): Relation {
    const taken = new Relation();
    const shunned = new Set(columns);
    for (const each of this.pending.splice(0)) {
      const stays = [...each.reads].some((id) => shunned.has(id));
      if (stays) for (const id of each.produced) shunned.add(id);
      (stays ? this.pending : taken.pending).push(each);
    }
    return taken;
  }

  /** Those that add columns which the expression reads, and what they need themselves, are joined with `other` instead. */
  moveTo(other: Relation, expression: Expression): void {
    if (this.isEmpty) return;
    const wanted = columnsOf(expression);
    for (const pending of this.pending.filter(({ produced }) => produced.some((id) => wanted.has(id)))) {
      const at = this.pending.indexOf(pending);
      if (at < 0) continue;
      this.pending.splice(at, 1);
      for (const needed of pending.expressions) this.moveTo(other, needed);
      other.pending.push(pending);
    }
  }

  /** The plan with everything joined to it; `rewrite` is applied to the outer expressions first. */
  settle(plan: LogicalPlan, rewrite: (expression: Expression) => Expression = (expression) => expression): LogicalPlan {
    if (this.isEmpty) return plan;
    let joined = plan;
    for (const { attach, expressions } of this.pending) joined = attach(joined, expressions.map(rewrite));
    this.pending.length = 0;
    return joined;
  }
}
