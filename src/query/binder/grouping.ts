/** Grouped queries: which expressions the groups are, and the rewriting of everything above them to the groups' columns. */
import { DbError } from '../../core/errors.js';
import { type ColumnId, type Expression, walkExpression } from '../plan/expression.js';
import type { AggregateCollector } from './aggregate-collector.js';
import { fingerprint, mapChildren } from './expressions.js';
import type { GroupColumn } from './plans.js';
import type { Scope } from './scope.js';

export class Groups {
  private readonly all: GroupColumn[] = [];
  private readonly byText = new Map<string, GroupColumn>();
  private readonly nextId: () => ColumnId;

  constructor(nextId: () => ColumnId) {
    this.nextId = nextId;
  }

  /** Constants group nothing beside other keys; alone they tell a grouped query (no row for no input) from an ungrouped one. */
  get columns(): readonly GroupColumn[] {
    const varying = this.all.filter((group) => group.expression.kind !== 'literal');
    return varying.length > 0 ? varying : this.all.slice(0, 1);
  }

  /** Equal expressions are one group. A plain column keeps its id, so that correlated subqueries above still find it. */
  add(expression: Expression, name: string): void {
    const text = fingerprint(expression);
    if (this.byText.has(text)) return;
    const group = { id: expression.kind === 'column' ? expression.id : this.nextId(), name, expression };
    this.all.push(group);
    this.byText.set(text, group);
  }

  /**
   * The expression over the groups' output. Fails with `invalid_grouping` at an input column that is neither grouped nor aggregated;
   * columns that are not of `input` (aggregates, subqueries, the query around) stay.
   */
  rewrite(expression: Expression, input: Scope, aggregates: AggregateCollector): Expression {
    const inputIds = new Set(input.columns.map((column) => column.id));
    const replace = (node: Expression): Expression => {
      const group = this.all.length === 0 || node.kind === 'literal' ? undefined : this.byText.get(fingerprint(node));
      if (group) return asColumn(group, node);
      if (node.kind === 'column' && inputIds.has(node.id) && !aggregates.has(node.id)) throw ungrouped(node);
      return mapChildren(node, replace);
    };
    return replace(expression);
  }
}

function asColumn(group: GroupColumn, node: Expression): Expression {
  const { type, nullable } = group.expression;
  return { kind: 'column', id: group.id, name: group.name, type, nullable, position: node.position };
}

function ungrouped(column: Extract<Expression, { kind: 'column' }>): DbError {
  return new DbError('invalid_grouping', `column ${column.name} must stand in GROUP BY or inside an aggregate`, {
    position: column.position,
    hint: `add ${column.name} to GROUP BY, or take any_value(${column.name})`,
  });
}

/** True when the expression reads the result of an aggregate. */
export function readsAggregate(expression: Expression, aggregates: AggregateCollector): boolean {
  let found = false;
  walkExpression(expression, (node) => {
    if (node.kind === 'column' && aggregates.has(node.id)) found = true;
  });
  return found;
}

/** Fails when a group expression holds an aggregate. */
export function checkGroup(expression: Expression, aggregates: AggregateCollector): void {
  if (readsAggregate(expression, aggregates)) {
    throw new DbError('invalid_grouping', 'an aggregate may not stand in GROUP BY', { position: expression.position });
  }
}
