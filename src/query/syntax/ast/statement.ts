/** Statements. A query is a statement as it stands. */
import type { DataType, Identifier, Node, Option, OrderFlags, QualifiedName } from './node.js';
import type { Expression, Query, SelectItem, WithClause } from './query.js';
import type { TableReference } from './table.js';

export type Statement =
  | Query
  | Insert
  | Update
  | Delete
  | Merge
  | Copy
  | Truncate
  | CreateTable
  | CreateView
  | CreateSchema
  | CreateIndex
  | Drop
  | AlterTable
  | Comment
  | Transaction
  | Savepoint
  | Show
  | Describe
  | Summarize
  | Explain
  | SetSetting
  | ResetSetting
  | CancelQuery
  | Prepare
  | Execute
  | Deallocate
  | Use;

export type Setting = Option<Expression>;

// ---- data ----

/** What changes the rows of a table. */
export type DataStatement = Insert | Update | Delete | Merge;

export interface Insert extends Node {
  readonly kind: 'insert';
  readonly with: WithClause | null;
  readonly table: QualifiedName;
  readonly alias: Identifier | null;
  /** Empty: every column in order. */
  readonly columns: readonly Identifier[];
  /** INSERT … BY NAME: match the columns of the query by name. */
  readonly byName: boolean;
  /** Null: DEFAULT VALUES. VALUES rows are a query whose body is a values node. */
  readonly source: Query | null;
  readonly onConflict: OnConflict | null;
  /** Empty without RETURNING. */
  readonly returning: readonly SelectItem[];
}
/** INSERT OR IGNORE is `nothing` without a target, INSERT OR REPLACE is `replace`. */
export interface OnConflict extends Node {
  readonly target: readonly Expression[];
  readonly targetWhere: Expression | null;
  readonly constraint: Identifier | null;
  readonly action: 'nothing' | 'update' | 'replace';
  readonly assignments: readonly Assignment[];
  readonly where: Expression | null;
}
/** `a = 1`, `(a, b) = (1, 2)`, `(a, b) = (SELECT …)`. */
export interface Assignment extends Node {
  readonly columns: readonly QualifiedName[];
  readonly value: Expression;
}
export interface Update extends Node {
  readonly kind: 'update';
  readonly with: WithClause | null;
  readonly table: QualifiedName;
  readonly alias: Identifier | null;
  readonly assignments: readonly Assignment[];
  readonly from: readonly TableReference[];
  readonly where: Expression | null;
  readonly returning: readonly SelectItem[];
}
export interface Delete extends Node {
  readonly kind: 'delete';
  readonly with: WithClause | null;
  readonly table: QualifiedName;
  readonly alias: Identifier | null;
  readonly using: readonly TableReference[];
  readonly where: Expression | null;
  readonly returning: readonly SelectItem[];
}
export interface Merge extends Node {
  readonly kind: 'merge';
  readonly with: WithClause | null;
  readonly table: QualifiedName;
  readonly alias: Identifier | null;
  readonly source: TableReference;
  readonly on: Expression;
  readonly clauses: readonly MergeClause[];
  readonly returning: readonly SelectItem[];
}
export interface MergeClause extends Node {
  readonly when: 'matched' | 'notMatchedByTarget' | 'notMatchedBySource';
  readonly condition: Expression | null;
  readonly action: MergeAction;
}
export type MergeAction =
  | { readonly kind: 'update'; readonly assignments: readonly Assignment[] }
  | { readonly kind: 'delete' }
  | { readonly kind: 'nothing' }
  /** `values` null: DEFAULT VALUES. */
  | { readonly kind: 'insert'; readonly columns: readonly Identifier[]; readonly values: readonly Expression[] | null };
export interface Copy extends Node {
  readonly kind: 'copy';
  readonly direction: 'to' | 'from';
  readonly source: CopySource;
  /** Null: STDIN or STDOUT. */
  readonly path: Expression | null;
  readonly options: readonly Setting[];
}
export type CopySource =
  | { readonly kind: 'table'; readonly name: QualifiedName; readonly columns: readonly Identifier[] }
  | { readonly kind: 'query'; readonly query: Query };
export interface Truncate extends Node {
  readonly kind: 'truncate';
  readonly tables: readonly QualifiedName[];
}

// ---- definitions ----

export type PartitionUnit = 'hour' | 'day' | 'week' | 'month' | 'year' | 'none';
export interface CreateTable extends Node {
  readonly kind: 'createTable';
  readonly name: QualifiedName;
  readonly orReplace: boolean;
  readonly ifNotExists: boolean;
  readonly temporary: boolean;
  /** With AS, a column may have no type. Empty together with a query: the query's columns. */
  readonly columns: readonly ColumnDefinition[];
  readonly constraints: readonly TableConstraint[];
  /** CREATE TABLE t (LIKE other). */
  readonly like: QualifiedName | null;
  readonly query: Query | null;
  /** WITH NO DATA makes this false. */
  readonly withData: boolean;
  /** TIMESTAMP(ts). */
  readonly timestamp: Identifier | null;
  readonly partitionBy: PartitionUnit | null;
  readonly clusterBy: readonly Identifier[];
  /** A duration or interval. */
  readonly timeToLive: Expression | null;
  readonly dedupKeys: readonly Identifier[];
  readonly options: readonly Setting[];
}
export interface ColumnDefinition extends Node {
  readonly name: Identifier;
  readonly type: DataType | null;
  readonly constraints: readonly ColumnConstraint[];
  /** CAPACITY, CACHE, INDEX of a symbol column; accepted, they have no effect. */
  readonly options: readonly Setting[];
}
interface Constraint extends Node {
  /** CONSTRAINT name. */
  readonly name: Identifier | null;
}
export type ColumnConstraint =
  | (Constraint & { readonly kind: 'notNull' | 'null' | 'primaryKey' | 'unique' })
  | (Constraint & { readonly kind: 'default'; readonly value: Expression })
  | (Constraint & { readonly kind: 'check'; readonly condition: Expression })
  | (Constraint & { readonly kind: 'collate'; readonly collation: QualifiedName })
  | (Constraint & { readonly kind: 'generated'; readonly value: Expression; readonly stored: boolean })
  | (Constraint & { readonly kind: 'identity'; readonly always: boolean })
  | (Constraint & { readonly kind: 'references'; readonly table: QualifiedName; readonly columns: readonly Identifier[] });
export type TableConstraint =
  | (Constraint & { readonly kind: 'primaryKey' | 'unique'; readonly columns: readonly Identifier[] })
  | (Constraint & { readonly kind: 'check'; readonly condition: Expression })
  | (Constraint & {
      readonly kind: 'foreignKey';
      readonly columns: readonly Identifier[];
      readonly table: QualifiedName;
      readonly targetColumns: readonly Identifier[];
    });
export interface CreateView extends Node {
  readonly kind: 'createView';
  readonly name: QualifiedName;
  readonly orReplace: boolean;
  readonly ifNotExists: boolean;
  readonly temporary: boolean;
  readonly materialized: boolean;
  readonly columns: readonly Identifier[];
  readonly options: readonly Setting[];
  readonly query: Query;
}
export interface CreateSchema extends Node {
  readonly kind: 'createSchema';
  readonly name: QualifiedName;
  readonly ifNotExists: boolean;
}
export interface CreateIndex extends Node {
  readonly kind: 'createIndex';
  readonly name: Identifier | null;
  readonly ifNotExists: boolean;
  readonly unique: boolean;
  readonly table: QualifiedName;
  /** USING method, lower case. */
  readonly method: string | null;
  readonly items: readonly IndexItem[];
  readonly options: readonly Setting[];
  readonly where: Expression | null;
}
export interface IndexItem extends Node, OrderFlags {
  readonly expression: Expression;
}
export type ObjectType = 'table' | 'view' | 'materializedView' | 'schema' | 'index';
export interface Drop extends Node {
  readonly kind: 'drop';
  readonly objectType: ObjectType;
  readonly names: readonly QualifiedName[];
  readonly ifExists: boolean;
  readonly cascade: boolean;
}
/** ALTER TABLE | VIEW | SCHEMA | INDEX …, and RENAME TABLE a TO b. */
export interface AlterTable extends Node {
  readonly kind: 'alterTable';
  readonly objectType: ObjectType;
  readonly name: QualifiedName;
  readonly ifExists: boolean;
  readonly actions: readonly AlterAction[];
}
export type AlterAction = Node &
  (
    | { readonly kind: 'addColumn'; readonly column: ColumnDefinition; readonly ifNotExists: boolean }
    | { readonly kind: 'dropColumn'; readonly column: Identifier; readonly ifExists: boolean; readonly cascade: boolean }
    | { readonly kind: 'renameColumn'; readonly column: Identifier; readonly to: Identifier }
    | { readonly kind: 'rename'; readonly to: Identifier }
    | { readonly kind: 'setSchema'; readonly schema: Identifier }
    | { readonly kind: 'setType'; readonly column: Identifier; readonly type: DataType; readonly using: Expression | null }
    | { readonly kind: 'setDefault'; readonly column: Identifier; readonly value: Expression }
    | { readonly kind: 'dropDefault' | 'setNotNull' | 'dropNotNull' | 'addIndex' | 'dropIndex'; readonly column: Identifier }
    | { readonly kind: 'addConstraint'; readonly constraint: TableConstraint }
    | { readonly kind: 'dropConstraint'; readonly name: Identifier; readonly ifExists: boolean; readonly cascade: boolean }
    | { readonly kind: 'setOptions'; readonly options: readonly Setting[] }
    | { readonly kind: 'resetOptions'; readonly names: readonly string[] }
    /** Null: keep for ever (TTL NONE, TTL 0). */
    | { readonly kind: 'setTimeToLive'; readonly timeToLive: Expression | null }
    /** Empty: DEDUP DISABLE. */
    | { readonly kind: 'setDedupKeys'; readonly keys: readonly Identifier[] }
    | { readonly kind: 'setClusterBy'; readonly columns: readonly Identifier[] }
    /** DROP PARTITION LIST '2026-01-01', … or DROP PARTITION WHERE ts < …: one of both is set. */
    | { readonly kind: 'dropPartition'; readonly partitions: readonly Expression[]; readonly where: Expression | null }
  );
export interface Comment extends Node {
  readonly kind: 'comment';
  readonly objectType: ObjectType | 'column' | 'database';
  readonly name: QualifiedName;
  /** Null removes the comment. */
  readonly text: string | null;
}

// ---- session ----

export interface Transaction extends Node {
  readonly kind: 'transaction';
  readonly action: 'begin' | 'commit' | 'rollback';
  readonly readOnly: boolean | null;
  /** Lower case: `serializable`, `repeatable read`, `read committed`, `read uncommitted`. */
  readonly isolation: string | null;
}
export interface Savepoint extends Node {
  readonly kind: 'savepoint';
  readonly action: 'create' | 'release' | 'rollback';
  readonly name: Identifier;
}
export interface Show extends Node {
  readonly kind: 'show';
  /** `settings` is SHOW ALL, `setting` SHOW name. */
  readonly subject:
    | 'tables'
    | 'columns'
    | 'createTable'
    | 'createView'
    | 'queries'
    | 'schemas'
    | 'databases'
    | 'views'
    | 'functions'
    | 'indexes'
    | 'partitions'
    | 'segments'
    | 'settings'
    | 'setting';
  /** The table of columns, createTable, indexes, partitions and segments; the schema of tables and views; the name of a setting. */
  readonly name: QualifiedName | null;
  readonly like: Expression | null;
}
/** DESCRIBE t, DESCRIBE SELECT …; one of both is set. */
export interface Describe extends Node {
  readonly kind: 'describe';
  readonly table: QualifiedName | null;
  readonly query: Query | null;
}
/** SUMMARIZE t, SUMMARIZE SELECT …; one of both is set. */
export interface Summarize extends Node {
  readonly kind: 'summarize';
  readonly table: QualifiedName | null;
  readonly query: Query | null;
}
export interface Explain extends Node {
  readonly kind: 'explain';
  readonly analyze: boolean;
  readonly format: 'text' | 'json';
  /** The other options of EXPLAIN (…), such as verbose and costs. */
  readonly options: readonly Setting[];
  readonly statement: Statement;
}
export interface SetSetting extends Node {
  readonly kind: 'set';
  /** Null: not said. */
  readonly scope: 'session' | 'local' | 'global' | null;
  /** Lower case, dotted. SET TIME ZONE is `timezone`, SET NAMES `client_encoding`, SET TRANSACTION `transaction`. */
  readonly name: string;
  /** Empty: SET x TO DEFAULT. A bare word is a column node. */
  readonly values: readonly Expression[];
}
export interface ResetSetting extends Node {
  readonly kind: 'reset';
  /** Null: RESET ALL. */
  readonly name: string | null;
}
export interface CancelQuery extends Node {
  readonly kind: 'cancelQuery';
  readonly id: Expression;
}
export interface Prepare extends Node {
  readonly kind: 'prepare';
  readonly name: Identifier;
  readonly types: readonly DataType[];
  readonly statement: Statement;
}
export interface Execute extends Node {
  readonly kind: 'execute';
  readonly name: Identifier;
  readonly arguments: readonly Expression[];
}
export interface Deallocate extends Node {
  readonly kind: 'deallocate';
  /** Null: ALL. */
  readonly name: Identifier | null;
}
export interface Use extends Node {
  readonly kind: 'use';
  readonly name: QualifiedName;
}
