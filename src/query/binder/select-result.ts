/** The end of a SELECT: HAVING, window functions, QUALIFY, the projection, DISTINCT, the order; columns that only the order needs are dropped again. */
import { DbError } from '../../core/errors.js';
import type { ColumnId, Expression } from '../plan/expression.js';
import type { LogicalPlan, SortKey } from '../plan/logical.js';
import { mapHeld } from '../plan/traverse.js';
import { type BoundQuery, unsupported } from './context.js';
import { firstRows } from './distinct-on.js';
import { fingerprint } from './expressions.js';
import { distinctPlan, filterPlan, limitByPlan, pickColumns, projectPlan, sortPlan } from './plans.js';
import type { BoundItem } from './select-items.js';
import { type UnnestedList, withUnnested } from './unnest-collector.js';
import { type BoundWindow, windowPlans } from './window-collector.js';

export interface SelectResult {
  readonly items: readonly BoundItem[];
  readonly keys: readonly SortKey[];
  readonly having: Expression | null;
  /** Computed over the rows that HAVING leaves. */
  readonly windows: readonly BoundWindow[];
  readonly qualify: Expression | null;
  readonly distinct: boolean;
  readonly distinctOn: readonly Expression[];
  /** LIMIT n OFFSET m BY keys, after the order. */
  readonly limitBy: { readonly keys: readonly Expression[]; readonly limit: number | null; readonly offset: number } | null;
  /** True: rows come in the query's own order without a sort. */
  readonly inOrder?: boolean;
  /** Lists that become rows before the projection. */
  readonly unnests: readonly UnnestedList[];
}

interface ResultColumn {
  readonly id: ColumnId;
  readonly name: string;
  readonly expression: Expression;
}

export function projectResult(below: LogicalPlan, result: SelectResult, nextId: () => ColumnId): BoundQuery {
  const filtered = result.having === null ? below : filterPlan(below, result.having);
  const windowed = windowPlans(filtered, result.windows);
  const qualified = result.qualify === null ? windowed : filterPlan(windowed, result.qualify);
  const input = withUnnested(qualified, result.unnests);
  const projection = new Projection(result.items, nextId);
  const visible = (expression: Expression, clause: string) => {
    if (result.distinct && !projection.has(expression)) {
      throw new DbError('invalid_grouping', `with SELECT DISTINCT, ${clause} takes expressions of the SELECT list only`, {
        position: expression.position,
      });
    }
    return projection.column(expression);
  };
  const sorting = result.keys.filter((key) => key.expression.kind !== 'literal');
  const keys = mapHeld(sorting, (expression) => visible(expression, 'ORDER BY'));
  const by = result.limitBy?.keys.map((expression) => visible(expression, 'LIMIT BY')) ?? [];
  const limitedBy = (plan: LogicalPlan) => (result.limitBy ? limitByPlan(plan, by, result.limitBy.limit, result.limitBy.offset) : plan);
  const on = result.distinctOn.map((expression) => projection.column(expression));
  const projected = projectPlan(input, projection.columns);
  const columns = projected.output.slice(0, result.items.length);
  if (on.length > 0) {
    if (result.limitBy) throw unsupported('LIMIT … BY together with DISTINCT ON', result.limitBy.keys[0]?.position ?? -1);
    const first = firstRows(projected, on, keys, nextId);
    const kept = columns.map((column) => first.columns.get(column.id) ?? column);
    return { plan: pickColumns(sortPlan(first.plan, first.keys), kept), columns: kept, ordered: keys.length > 0 };
  }
  const unique = result.distinct ? distinctPlan(projected) : projected;
  return { plan: pickColumns(limitedBy(sortPlan(unique, keys)), columns), columns, ordered: keys.length > 0 || result.inOrder === true };
}

/** The result's columns and, behind them, what else has to be computed in the same place; equal expressions once. */
class Projection {
  readonly columns: ResultColumn[];
  /** Made when the first expression is looked for. */
  private byText: Map<string, ResultColumn> | undefined;
  private readonly nextId: () => ColumnId;

  constructor(items: readonly BoundItem[], nextId: () => ColumnId) {
    this.nextId = nextId;
    this.columns = items.map(({ name, expression }) => ({ id: nextId(), name, expression }));
  }

  has(expression: Expression): boolean {
    return this.texts().has(fingerprint(expression));
  }

  /** The column that holds the expression's value. */
  column(expression: Expression): Expression {
    const text = fingerprint(expression);
    const { id, name } = this.texts().get(text) ?? this.addHidden(expression, text);
    const { type, nullable, position } = expression;
    return { kind: 'column', id, name, type, nullable, position };
  }

  private addHidden(expression: Expression, text: string): ResultColumn {
    const column = { id: this.nextId(), name: 'hidden', expression };
    this.columns.push(column);
    this.texts().set(text, column);
    return column;
  }

  private texts(): Map<string, ResultColumn> {
    if (this.byText) return this.byText;
    const byText = new Map<string, ResultColumn>();
    for (const column of this.columns) {
      const text = fingerprint(column.expression);
      if (!byText.has(text)) byText.set(text, column);
    }
    this.byText = byText;
    return byText;
  }
}
