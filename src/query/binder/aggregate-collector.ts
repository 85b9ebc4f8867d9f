/** The aggregate calls of one grouped query: each distinct call is computed once and stands in expressions as a column. */
import { INT32 } from '../../core/types.js';
import type { ColumnExpression, ColumnId, Expression } from '../plan/expression.js';
import type { AggregateCall } from '../plan/logical.js';
import { fingerprint, fingerprints } from './expressions.js';
import type { Relation } from './relation.js';

/** GROUPING(a, b) by its arguments; without any it asks about all groups. */
export interface GroupingCall {
  readonly args: readonly Expression[];
  readonly position: number;
}

const NO_GROUPINGS: ReadonlyMap<ColumnId, GroupingCall> = new Map();

export class AggregateCollector {
  /** Rows that the arguments are evaluated over. */
  readonly input: Relation;
  readonly calls: AggregateCall[] = [];
  /** Calls of GROUPING: what they ask about, by the column that stands for them. */
  groupings: ReadonlyMap<ColumnId, GroupingCall> = NO_GROUPINGS;
  private byText: Map<string, ColumnExpression> | undefined;
  private nullable: Map<ColumnId, boolean> | undefined;

  constructor(input: Relation) {
    this.input = input;
  }

  add(call: AggregateCall, name: string, nullable: boolean): ColumnExpression {
    const text = textOf(call);
    const known = this.byText?.get(text);
    if (known) return { ...known, position: call.position };
    const column: ColumnExpression = { kind: 'column', id: call.id, name, type: call.type, nullable, position: call.position };
    this.calls.push(call);
    this.byText = (this.byText ?? new Map<string, ColumnExpression>()).set(text, column);
    this.nullable = (this.nullable ?? new Map<ColumnId, boolean>()).set(call.id, nullable);
    return column;
  }

  /** GROUPING(…): its value is known when all groups are. */
  addGrouping(call: GroupingCall, id: ColumnId): ColumnExpression {
    this.groupings = new Map([...this.groupings, [id, call]]);
    return { kind: 'column', id, name: 'grouping', type: INT32, nullable: false, position: call.position };
  }

  isNullable(id: ColumnId): boolean {
    return this.nullable?.get(id) ?? true;
  }

  /** True for the column of an aggregate. */
  has(id: ColumnId): boolean {
    return this.nullable?.has(id) === true || this.groupings.has(id);
  }
}

function textOf(call: AggregateCall): string {
  let order = '';
  for (const key of call.orderBy) order += `${fingerprint(key.expression)}${key.descending ? 'd' : 'a'}${key.nullsFirst ? 'f' : 'l'},`;
  const filter = call.filter ? fingerprint(call.filter) : '';
  return `${call.function}${call.distinct ? '!' : ''}(${fingerprints(call.args)})|${filter}|${order}`;
}
