/** Grouped queries: which expressions the groups are, and the rewriting of everything above them to the groups' columns. */
import { DbError } from '../../core/errors.js';
import { INT32 } from '../../core/types.js';
import { type ColumnId, columnsOf, type Expression, mapChildren, someNode } from '../plan/expression.js';
import type { AggregateCollector, GroupingCall } from './aggregate-collector.js';
import { caseOf, fingerprint, headOf, literal } from './expressions.js';
import type { GroupColumn } from './plans.js';
import { scalarCall } from './scalar-call.js';
import type { Scope } from './scope.js';

export class Groups {
  private readonly all: GroupColumn[] = [];
  private readonly byText = new Map<string, GroupColumn>();
  /** Grouping sets as indexes into `columns`; null = one set of all. */
  sets: readonly (readonly number[])[] | null = null;
  /** The number of the set in a row; −1 without sets. */
  setId: ColumnId = -1;
  private readonly nextId: () => ColumnId;
  private readonly scope: Scope;

  /** scope: of the query that is grouped. */
  constructor(nextId: () => ColumnId, scope: Scope) {
    this.nextId = nextId;
    this.scope = scope;
  }

  /** Constants group nothing beside other keys; alone they tell a grouped query (no row for no input) from an ungrouped one. */
  get columns(): readonly GroupColumn[] {
    if (this.sets) return this.all;
    const varying = this.all.filter((group) => group.expression.kind !== 'literal');
    return varying.length > 0 ? varying : this.all.slice(0, 1);
  }

  /** Equal expressions are one group. A plain column of the query keeps its id, so that correlated subqueries above still find it. */
  add(expression: Expression, name: string): number {
    const text = fingerprint(expression);
    const known = this.byText.get(text);
    if (known) return this.all.indexOf(known);
    const keepsId = expression.kind === 'column' && !this.scope.isAround(expression.id);
    const group = { id: keepsId ? expression.id : this.nextId(), name, expression };
    this.byText.set(text, group);
    return this.all.push(group) - 1;
  }

  /** From now on a row belongs to one of the sets: groups that are not in every set may be NULL. */
  divide(sets: readonly (readonly number[])[]): void {
    this.sets = sets;
    this.setId = this.nextId();
    this.all.forEach((group, i) => {
      const { expression } = group;
      if (sets.every((set) => set.includes(i))) return;
      const missing = { ...group, expression: { ...expression, nullable: true } };
      this.all[i] = missing;
      this.byText.set(fingerprint(expression), missing);
    });
  }

  /** GROUPING(…) as a number that follows from the set. */
  private grouping(call: GroupingCall): Expression {
    const asked = call.args.length === 0 ? this.all.map((_, i) => i) : call.args.map((arg) => this.indexOf(arg));
    const bits = (set: readonly number[]) => asked.reduce((value, index) => value * 2 + (set.includes(index) ? 0 : 1), 0);
    const { sets, setId } = this;
    if (!sets) return literal(0, INT32, call.position);
    const id: Expression = { kind: 'column', id: setId, name: 'set', type: INT32, nullable: false, position: call.position };
    const values = sets.map((set) => literal(bits(set), INT32, call.position));
    const last = values.at(-1) ?? literal(0, INT32);
    if (values.every((value) => value.value === last.value)) return last;
    return caseOf(
      values.slice(0, -1).map((value, i) => [scalarCall('eq', [id, literal(i, INT32)], call.position), value] as const),
      last,
      INT32,
    );
  }

  private indexOf(arg: Expression): number {
    const group = this.byText.get(fingerprint(arg));
    if (group) return this.all.indexOf(group);
    throw new DbError('invalid_grouping', 'GROUPING takes expressions of GROUP BY', { position: arg.position });
  }

  /**
   * Gives expressions over the groups' output. They fail with `invalid_grouping` at an input column that is neither grouped nor aggregated;
   * columns that are not of `input` (aggregates, subqueries, the query around) stay.
   */
  rewriter(input: Scope, aggregates: AggregateCollector): (expression: Expression) => Expression {
    const inputIds = new Set(input.columns.map((column) => column.id));
    for (const { made } of input.windowJoins) for (const id of made) inputIds.add(id);
    const heads = new Set(this.all.map((group) => headOf(group.expression)));
    const replace = (node: Expression): Expression => {
      const group = heads.has(headOf(node)) ? this.byText.get(fingerprint(node)) : undefined;
      if (group && node.kind !== 'literal') return asColumn(group, node);
      if (node.kind !== 'column') return mapChildren(node, replace);
      const asked = aggregates.groupings.get(node.id);
      if (asked) return this.grouping(asked);
      if (inputIds.has(node.id) && !aggregates.has(node.id)) throw ungrouped(node);
      return node;
    };
    return replace;
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
  return someNode(expression, (node) => node.kind === 'column' && aggregates.has(node.id));
}

/** Fails when a group expression holds an aggregate. */
export function checkGroup(expression: Expression, aggregates: AggregateCollector): void {
  if (readsAggregate(expression, aggregates)) {
    throw new DbError('invalid_grouping', 'an aggregate may not stand in GROUP BY', { position: expression.position });
  }
}

/** The largest parts of an expression that read columns and do not hold the bucket. */
export function partsBeside(bucket: Expression, expression: Expression): readonly Expression[] {
  const text = fingerprint(bucket);
  const parts: Expression[] = [];
  const visit = (node: Expression): Expression => {
    if (fingerprint(node) === text) return node;
    if (someNode(node, (each) => fingerprint(each) === text)) return mapChildren(node, visit);
    if (columnsOf(node).size > 0) parts.push(node);
    return node;
  };
  visit(expression);
  return parts;
}
