/** Names that a FROM item gives to its columns. */
import { DbError } from '../../core/errors.js';
import type { LogicalPlan, OutputColumn } from '../plan/logical.js';
import type { TableAlias } from '../syntax/ast/node.js';
import type { BoundRelation } from './context.js';
import type { ScopeColumn } from './scope.js';

/** Column aliases: `AS t(a, b)` renames the first columns. */
export function renamed(columns: readonly OutputColumn[], names: readonly string[], position: number): readonly OutputColumn[] {
  if (names.length > columns.length) {
    throw new DbError('type_mismatch', `${names.length} column names for ${columns.length} columns`, { position });
  }
  return names.length === 0 ? columns : columns.map((column, i) => ({ ...column, name: names[i] ?? column.name }));
}

export function asRelation(
  plan: LogicalPlan,
  columns: readonly OutputColumn[],
  alias: TableAlias | null,
  name: string | null,
  timestamp: OutputColumn | null,
  position: number,
): BoundRelation {
  const table = alias?.name.name ?? name;
  const names = alias === null ? [] : alias.columns.map((column) => column.name);
  const named = renamed(columns, names, position);
  return {
    plan,
    columns: named.map(
      (column): ScopeColumn => ({
        id: column.id,
        name: column.name,
        table,
        type: column.type,
        nullable: column.nullable,
        unqualified: true,
      }),
    ),
    timestamp: timestamp?.id ?? null,
  };
}
