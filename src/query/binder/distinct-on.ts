/** DISTINCT ON: of the rows that agree in some expressions the first one in the order of ORDER BY. */
import type { ColumnId, Expression } from '../plan/expression.js';
import type { LogicalPlan, OutputColumn, SortKey } from '../plan/logical.js';
import { substitute } from '../plan/traverse.js';
import { aggregateColumn } from './aggregate-column.js';
import { columnOf } from './expressions.js';
import { aggregatePlan } from './plans.js';

export interface FirstRows {
  readonly plan: LogicalPlan;
  /** For each column of the input: the column that holds its value in the first row. */
  readonly columns: ReadonlyMap<ColumnId, OutputColumn>;
  readonly keys: readonly SortKey[];
}

/** `on` and `keys` read columns of the input's output. */
export function firstRows(input: LogicalPlan, on: readonly Expression[], keys: readonly SortKey[], nextId: () => ColumnId): FirstRows {
  const groups = on.map((expression) => ({ id: nextId(), name: 'on', expression }));
  const firsts = input.output.map((column) => aggregateColumn('first', [columnOf(column)], nextId(), { orderBy: keys }));
  const plan = aggregatePlan(input, groups, firsts);
  const columns = new Map(
    input.output.map((column, i) => {
      const first = plan.output[groups.length + i] ?? column;
      return [column.id, { ...first, name: column.name, nullable: column.nullable }] as const;
    }),
  );
  const by = new Map([...columns].map(([id, column]) => [id, columnOf(column)] as const));
  return { plan, columns, keys: keys.map((key) => ({ ...key, expression: substitute(key.expression, by) })) };
}
