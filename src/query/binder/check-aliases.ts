/** The two sides of a join may not be called the same. */
import { DbError } from '../../core/errors.js';
import type { BoundRelation } from './context.js';

export function checkAliases(left: BoundRelation, right: BoundRelation, position: number): void {
  const names = tablesOf(left);
  const twice = right.columns.find((column) => column.table !== null && names.has(column.table.toLowerCase()));
  if (twice?.table) {
    throw new DbError('ambiguous_column', `two tables in FROM are called ${twice.table}`, {
      position,
      hint: `give one of them an alias: ${twice.table} AS ${twice.table}2`,
    });
  }
}

/** Names of the tables whose columns are seen, in lower case. */
function tablesOf({ columns }: BoundRelation): ReadonlySet<string> {
  const names = new Set<string>();
  let last: string | null = null;
  for (const { table } of columns) {
    if (table !== null && table !== last) names.add(table.toLowerCase());
    last = table;
  }
  return names;
}
