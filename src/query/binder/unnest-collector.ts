/** The lists of a SELECT list that become rows: side by side, each list once. */
import { addColumnsOf, type ColumnId, type Expression } from '../plan/expression.js';
import type { LogicalPlan, OutputColumn } from '../plan/logical.js';
import { columnOf, fingerprint } from './expressions.js';
import { unnestPlan } from './plans.js';

export interface UnnestedList {
  readonly list: Expression;
  readonly column: OutputColumn;
}

export class UnnestCollector {
  private byText: Map<string, UnnestedList> | undefined;
  private readonly nextId: () => ColumnId;

  constructor(nextId: () => ColumnId) {
    this.nextId = nextId;
  }

  get lists(): readonly UnnestedList[] {
    return this.byText ? [...this.byText.values()] : [];
  }

  /** The column of the list's elements. */
  add(list: Expression, name: string, position: number): Expression {
    const text = fingerprint(list);
    this.byText ??= new Map();
    const type = list.type.kind === 'list' ? list.type.item.type : list.type;
    const known = this.byText.get(text) ?? { list, column: { id: this.nextId(), name, type, nullable: true } };
    this.byText.set(text, known);
    return columnOf(known.column, position);
  }

  /** The lists whose elements some of the expressions read: grouping by elements comes after unnesting. */
  readBy(expressions: readonly Expression[]): readonly UnnestedList[] {
    if (!this.byText) return [];
    const read = new Set<ColumnId>();
    for (const expression of expressions) addColumnsOf(expression, read);
    return this.lists.filter(({ column }) => read.has(column.id));
  }
}

export function withUnnested(plan: LogicalPlan, lists: readonly UnnestedList[]): LogicalPlan {
  if (lists.length === 0) return plan;
  return unnestPlan(
    plan,
    lists.map(({ list }) => list),
    lists.map(({ column }) => column),
  );
}
