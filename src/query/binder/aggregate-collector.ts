/** The aggregate calls of one grouped query: each distinct call is computed once and stands in expressions as a column. */
import type { ColumnExpression, ColumnId } from '../plan/expression.js';
import type { AggregateCall } from '../plan/logical.js';
import { fingerprint } from './expressions.js';
import type { Relation } from './relation.js';

export class AggregateCollector {
  /** Rows that the arguments are evaluated over. */
  readonly input: Relation;
  readonly calls: AggregateCall[] = [];
  private readonly byText = new Map<string, ColumnExpression>();
  private readonly nullable = new Map<ColumnId, boolean>();

  constructor(input: Relation) {
    this.input = input;
  }

  add(call: AggregateCall, name: string, nullable: boolean): ColumnExpression {
    const text = textOf(call);
    const known = this.byText.get(text);
    if (known) return { ...known, position: call.position };
    const column: ColumnExpression = { kind: 'column', id: call.id, name, type: call.type, nullable, position: call.position };
    this.calls.push(call);
    this.byText.set(text, column);
    this.nullable.set(call.id, nullable);
    return column;
  }

  isNullable(id: ColumnId): boolean {
    return this.nullable.get(id) ?? true;
  }

  /** True for the column of an aggregate. */
  has(id: ColumnId): boolean {
    return this.nullable.has(id);
  }
}

function textOf(call: AggregateCall): string {
  const order = call.orderBy.map((key) => `${fingerprint(key.expression)}${key.descending ? 'd' : 'a'}${key.nullsFirst ? 'f' : 'l'}`);
  const filter = call.filter ? fingerprint(call.filter) : '';
  return `${call.function}${call.distinct ? '!' : ''}(${call.args.map(fingerprint).join(',')})|${filter}|${order.join(',')}`;
}
