/** The table that UPDATE, DELETE, MERGE or ON CONFLICT changes, with the ids of its rows. */
import type { TableSnapshot } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import { bindFrom } from '../binder/bind-from.js';
import type { BindContext, BoundRelation } from '../binder/context.js';
import { scanWithRowIds } from '../binder/latest-on.js';
import { type ScopeColumn, sameName } from '../binder/scope.js';
import type { OutputColumn, ScanPlan } from '../plan/logical.js';
import type { Identifier, QualifiedName } from '../syntax/ast/node.js';

export interface TargetSyntax {
  readonly table: QualifiedName;
  readonly alias: Identifier | null;
  readonly position: number;
  readonly end: number;
}

export interface ChangeTarget {
  readonly table: TableSnapshot;
  /** Output: the table's columns in order, then the index of the segment and the row in it. */
  readonly scan: ScanPlan;
  /** The table's columns as expressions see them. */
  readonly columns: readonly ScopeColumn[];
  readonly rowIds: readonly OutputColumn[];
}

export function bindTarget(syntax: TargetSyntax, bind: BindContext): ChangeTarget {
  const reference = {
    kind: 'table' as const,
    name: syntax.table,
    alias: syntax.alias ? { name: syntax.alias, columns: [] } : null,
    timestamp: null,
    sample: null,
    position: syntax.table[0]?.position ?? syntax.position,
    end: syntax.end,
  };
  const from = bindFrom([reference], { context: bind, outer: null, commonTables: new Map() });
  if (from.plan.kind !== 'scan') {
    throw new DbError('unsupported', `${syntax.table.at(-1)?.name} is not a table whose rows can be changed`, {
      position: syntax.table[0]?.position,
    });
  }
  const scan = scanWithRowIds(from.plan, [bind.nextId(), bind.nextId()]);
  return { table: scan.source, scan, columns: from.columns, rowIds: scan.output.slice(-2) };
}

/** Fails when the other tables of the statement have the target's name. */
export function checkTargetAlias(target: ChangeTarget, other: BoundRelation, position: number): void {
  const name = target.columns[0]?.table ?? null;
  if (name === null || !other.columns.some((column) => sameName(column.table, name))) return;
  throw new DbError('ambiguous_column', `two tables are called ${name}`, {
    position,
    hint: `give one of them an alias: ${name} AS ${name}2`,
  });
}
