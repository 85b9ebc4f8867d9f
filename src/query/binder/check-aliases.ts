/** The two sides of a join may not be called the same. */
import { DbError } from '../../core/errors.js';
import type { BoundRelation } from './context.js';

export function checkAliases(left: BoundRelation, right: BoundRelation, position: number): void {
  const names = new Set(left.columns.flatMap((column) => (column.table === null ? [] : [column.table.toLowerCase()])));
  const twice = right.columns.find((column) => column.table !== null && names.has(column.table.toLowerCase()));
  if (twice?.table) {
    throw new DbError('ambiguous_column', `two tables in FROM are called ${twice.table}`, {
      position,
      hint: `give one of them an alias: ${twice.table} AS ${twice.table}2`,
    });
  }
}
