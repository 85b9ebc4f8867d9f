/** Which names are visible in a clause, and which column each means. */
import { DbError } from '../../core/errors.js';
import type { DataType } from '../../core/types.js';
import { type ColumnExpression, type ColumnId, columnsOf, type Expression } from '../plan/expression.js';
import type { Identifier, QualifiedName } from '../syntax/ast/node.js';
import type { AggregateCollector } from './aggregate-collector.js';
import { didYouMean } from './nearest-name.js';
import type { WindowJoinCalls } from './window-join-calls.js';

export interface ScopeColumn {
  readonly id: ColumnId;
  readonly name: string;
  /** Alias of the table it comes from; null for a column merged by USING. */
  readonly table: string | null;
  readonly type: DataType;
  readonly nullable: boolean;
  /** False: only `table.column` reaches it (the hidden side of USING). */
  readonly unqualified: boolean;
  /** A second name of the same column: it can be named, but a star does not show it. */
  readonly synonym?: boolean;
}

export interface ResolvedName {
  readonly column: ColumnExpression;
  /** Parts of the name behind the column: struct fields. */
  readonly fields: readonly Identifier[];
}

const NO_COLUMNS: readonly ScopeColumn[] = [];
const NO_FIELDS: readonly Identifier[] = [];

export class Scope {
  readonly columns: readonly ScopeColumn[];
  /** Scope of the query around a subquery: its columns are visible too (correlation). */
  readonly outer: Scope | null;
  /** The aggregates of the query that this scope belongs to, while its clause may hold some: a subquery may aggregate over this scope. */
  aggregates: AggregateCollector | null = null;
  /** The WINDOW JOINs of its FROM, whose right sides only aggregates see. */
  windowJoins: readonly WindowJoinCalls[] = [];
  /** True when its query has GROUP BY, SAMPLE BY or HAVING. */
  isGrouped = false;
  /** The SELECT list's names so far: as in DuckDB, its subqueries may use them where no column has the name. */
  aliases: ReadonlyMap<string, Expression> | null = null;
  /** Tables to the left of a subquery in FROM without LATERAL: as in DuckDB, it sees them where no other table has a name. */
  beside: Scope | null = null;
  private byName: Map<string, ScopeColumn[]> | undefined;

  constructor(columns: readonly ScopeColumn[], outer: Scope | null) {
    this.columns = columns;
    this.outer = outer;
  }

  /** The column of a name of one or more parts. Fails with `column_not_found` or `ambiguous_column`. */
  resolve(name: QualifiedName): ResolvedName {
    for (let scope: Scope | null = this; scope !== null; scope = scope.outer) {
      const found = scope.find(name);
      if (found) return found;
    }
    for (const scope of this.allBeside()) {
      const found = scope.find(name);
      if (found) return found;
    }
    throw this.notFound(name);
  }

  /** True when resolve finds the name here or around. */
  sees(name: QualifiedName): boolean {
    for (let scope: Scope | null = this; scope !== null; scope = scope.outer) if (scope.find(name)) return true;
    for (const scope of this.allBeside()) if (scope.find(name)) return true;
    return false;
  }

  /** The item of a query around that has this alias, when it is computed from its FROM alone. */
  aliasAround(name: string): Expression | undefined {
    for (let scope = this.outer; scope !== null; scope = scope.outer) {
      const found = scope.aliases?.get(name.toLowerCase());
      const { columns } = scope;
      if (found && [...columnsOf(found)].every((id) => columns.some((column) => column.id === id))) return found;
    }
    return undefined;
  }

  /** True for a column of a query around this one. */
  isAround(id: ColumnId): boolean {
    const has = (scope: Scope) => scope.columns.some((column) => column.id === id);
    for (let scope = this.outer; scope !== null; scope = scope.outer) if (has(scope)) return true;
    for (const scope of this.allBeside()) if (has(scope)) return true;
    return false;
  }

  *allBeside(): Iterable<Scope> {
    for (let scope: Scope | null = this; scope !== null; scope = scope.outer) {
      for (let beside = scope.beside; beside !== null; beside = beside.outer) yield beside;
    }
  }

  /** The innermost scope around a subquery that has a table of this name; this one when there is none. */
  withTable(table: string): Scope {
    for (let scope: Scope | null = this; scope !== null; scope = scope.outer) if (scope.hasTable(table)) return scope;
    for (const scope of this.allBeside()) if (scope.hasTable(table)) return scope;
    return this;
  }

  /** As resolve, undefined when this scope alone has no such column. */
  find(name: QualifiedName): ResolvedName | undefined {
    const first = name[0];
    if (!first) return undefined;
    const second = name[1];
    const third = name[2];
    if (second) {
      const qualified = this.inTable(first.name, second.name);
      if (qualified.length > 0) return { column: single(qualified, name), fields: rest(name, 2) };
      const schema = third ? this.inTable(second.name, third.name) : [];
      if (schema.length > 0) return { column: single(schema, name), fields: rest(name, 3) };
    }
    const named = this.named(first.name);
    const plain = named.every(isUnqualified) ? named : named.filter(isUnqualified);
    if (plain.length === 0) return undefined;
    if (second && plain.every((column) => column.type.kind !== 'struct')) return undefined;
    return { column: single(plain, name), fields: rest(name, 1) };
  }

  private inTable(table: string, name: string): readonly ScopeColumn[] {
    const named = this.named(name);
    return named.length === 1 && sameName(named[0]?.table ?? null, table) ? named : named.filter((column) => sameName(column.table, table));
  }

  /** True when some table here has this alias. */
  hasTable(table: string): boolean {
    return this.columns.some((column) => sameName(column.table, table));
  }

  private named(name: string): readonly ScopeColumn[] {
    if (!this.byName) {
      this.byName = new Map();
      for (const column of this.columns) {
        const key = column.name.toLowerCase();
        const list = this.byName.get(key);
        if (list) list.push(column);
        else this.byName.set(key, [column]);
      }
    }
    return this.byName.get(name) ?? this.byName.get(name.toLowerCase()) ?? NO_COLUMNS;
  }

  private notFound(name: QualifiedName): DbError {
    const text = name.map((part) => part.name).join('.');
    const last = name.at(-1)?.name ?? '';
    const table = name.length > 1 ? name[0]?.name : undefined;
    const position = name[0]?.position;
    if (this.windowJoins.some((join) => new Scope(join.columns, null).find(name))) {
      return new DbError('invalid_grouping', `column ${text} of the right side of a WINDOW JOIN must stand in an aggregate`, {
        position,
        hint: `for example last(${text})`,
      });
    }
    if (table !== undefined && !this.hasTable(table)) {
      const tables = new Set(this.columns.flatMap((column) => (column.table === null ? [] : [column.table])));
      return new DbError('column_not_found', `no table ${table} in FROM, wanted by ${text}`, { position, hint: didYouMean(table, tables) });
    }
    const candidates: string[] = [];
    for (let scope: Scope | null = this; scope !== null; scope = scope.outer)
      candidates.push(...scope.columns.map((column) => column.name));
    const hint = didYouMean(last, candidates) ?? (candidates.length === 0 ? 'there is no FROM to read it from' : undefined);
    return new DbError('column_not_found', `no column is called ${text}`, { position, hint });
  }
}

export function sameName(a: string | null, b: string): boolean {
  return a !== null && (a === b || a.toLowerCase() === b.toLowerCase());
}

function isUnqualified(column: ScopeColumn): boolean {
  return column.unqualified;
}

function rest(name: QualifiedName, from: number): readonly Identifier[] {
  return name.length > from ? name.slice(from) : NO_FIELDS;
}

function single(columns: readonly ScopeColumn[], name: QualifiedName): ColumnExpression {
  const column = columns[0];
  const position = name[0]?.position ?? -1;
  if (!column) throw new DbError('internal', 'a resolved name without a column', { position });
  if (columns.length > 1 && columns.some((other) => other.id !== column.id)) {
    const tables = columns.map((each) => each.table).filter((table) => table !== null);
    throw new DbError('ambiguous_column', `column ${name.map((part) => part.name).join('.')} is ambiguous`, {
      position,
      hint: new Set(tables).size > 1 ? `say ${tables.map((table) => `${table}.${column.name}`).join(' or ')}` : undefined,
    });
  }
  return { kind: 'column', id: column.id, name: column.name, type: column.type, nullable: column.nullable, position };
}
