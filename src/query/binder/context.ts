/** What the parts of the binder share: the statement's surroundings, and the clause that an expression stands in. */
import type { Value } from '../../core/batch.js';
import type { Parameters, Snapshot } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import type { CatalogFacts, SystemTable } from '../catalog/system-table.js';
import type { FileCatalog } from '../files/statement-files.js';
import type { ColumnId, Expression, LambdaParameter } from '../plan/expression.js';
import type { FileRows, LogicalPlan, OutputColumn, SharedRelation } from '../plan/logical.js';
import type { Identifier } from '../syntax/ast/node.js';
import type { Expression as ExpressionSyntax, FunctionCall, Query, Subquery } from '../syntax/ast/query.js';
import type { TableReference } from '../syntax/ast/table.js';
import type { AggregateCollector } from './aggregate-collector.js';
import type { GapfillCollector } from './gapfill-collector.js';
import type { NullOrder } from './null-order.js';
import type { SearchPath } from './object-name.js';
import type { PivotValues } from './pivot-values.js';
import type { Relation } from './relation.js';
import type { Scope, ScopeColumn } from './scope.js';
import type { UnnestCollector } from './unnest-collector.js';
import type { WindowCollector } from './window-collector.js';
import type { WindowJoinCalls } from './window-join-calls.js';

/** A name of WITH that is visible. */
export type CommonTableBinding = CommonQuery | HeldTable;

/** Rows that are there before the statement that reads them is bound: those of a part of WITH that has run (statements/writing-with.ts). */
export interface HeldTable {
  readonly kind: 'held';
  readonly name: string;
  readonly columns: readonly string[];
  /** Null: the part has no RETURNING. */
  readonly rows: FileRows | null;
  /** Where WITH names it. */
  readonly position: number;
}

/** A query; bound anew wherever it is used. */
export interface CommonQuery {
  readonly kind: 'query';
  readonly name: string;
  readonly columns: readonly string[];
  readonly query: Query;
  /** Common tables that the query itself may name. */
  readonly visible: CommonTables;
  /** True: computed once for all its uses. */
  readonly shared: boolean;
  /** The rows that a reference inside the recursive part of its own query reads. */
  readonly working?: WorkingTable;
  /** The rows of all rounds so far. */
  readonly recurring?: WorkingTable;
  /** USING KEY. */
  readonly key: readonly Identifier[] | null;
  /** Where WITH names it. */
  readonly position: number;
  readonly recursive: boolean;
}

/** A relation that references read by its key. */
export interface WorkingTable {
  readonly key: number;
  readonly columns: readonly OutputColumn[];
}

export type CommonTables = ReadonlyMap<string, CommonTableBinding>;

/** A query's plan; result columns in order, with the names that the client reads. */
export interface BoundQuery {
  readonly plan: LogicalPlan;
  readonly columns: readonly OutputColumn[];
  /** True when the rows come in the order of an ORDER BY. */
  readonly ordered: boolean;
  /** Of a set operation: the names that its queries give each column. */
  readonly otherNames?: readonly (readonly string[])[];
}

/** A FROM clause: its rows and the names that see them. */
export interface BoundRelation {
  readonly plan: LogicalPlan;
  readonly columns: readonly ScopeColumn[];
  /** Column id of the designated timestamp, when the rows come from one table that has one. */
  readonly timestamp: ColumnId | null;
}

/** The rows of a system table at this statement's snapshot. */
export type SystemTableBinder = (table: SystemTable, nextId: () => ColumnId) => LogicalPlan;

export interface BindContext {
  readonly sql: string;
  readonly snapshot: Snapshot;
  readonly parameters: Parameters | undefined;
  readonly timezone: string;
  readonly nullOrder: NullOrder;
  /** Statement start, nanoseconds since the epoch. */
  now(): bigint;
  /** What the system tables and the functions about the catalog say. */
  catalog(): CatalogFacts;
  readonly systemTable: SystemTableBinder;
  files(): FileCatalog;
  /** Whether something was read so far that another run of the statement may find changed, although its tables are the same. */
  hasReadVolatile(): boolean;
  readonly searchPath: SearchPath;
  /** Views that are being bound, outermost first. */
  readonly openViews: readonly string[];
  /** What PIVOT has found in the data; null: no query can be run for it. */
  readonly pivots: PivotValues | null;
  /** Relations that are computed once, in an order in which each reads earlier ones only. */
  readonly relations: SharedRelation[];
  /** The relations that common tables have become. */
  readonly sharedTables: Map<CommonQuery, WorkingTable>;
  /** Names that the whole statement sees: parts of a WITH that were bound, or have run, before it. */
  readonly around: CommonTables;
  /** Counts a query that is bound for one more use of its name. Fails with `nesting_too_deep` before uses of uses fill the memory. */
  countUse(name: string, position: number): void;
  nextId(): ColumnId;
  /** Value of an expression that reads no column. */
  evaluateConstant(expression: Expression): Value;
  /** The parts of the binder call each other through these, so that no file imports in a circle. */
  bindQuery(query: Query, context: BindContext, outer: Scope | null, commonTables: CommonTables): BoundQuery;
  bindExpression(syntax: ExpressionSyntax, clause: Clause): Expression;
  /** A call of a scalar function or operator on bound arguments: overload, casts, nullability. Fails with `type_mismatch` or `function_not_found`. */
  call(name: string, args: readonly Expression[], position: number): Expression;
  /** A call with OVER. */
  bindWindow(name: string, syntax: FunctionCall, clause: Clause): Expression;
  bindTable(reference: TableReference, clause: FromClause): BoundRelation;
  /** The one row of a subquery of `width` columns, value by value. */
  bindSubqueryRow(syntax: Subquery, width: number, clause: Clause): readonly Expression[];
}

export interface FromClause {
  readonly context: BindContext;
  readonly outer: Scope | null;
  /** The tables to the left and, around them, `outer`: what LATERAL and table functions may read. Missing: nothing stands to the left. */
  readonly lateral?: Scope | null;
  readonly commonTables: CommonTables;
  /** Where WINDOW JOINs are noted; missing: they may not stand here. */
  readonly windowJoins?: WindowJoinCalls[] | null;
}

/** Where an expression stands, and what it may hold there. Clauses that are made often name every field: objects of one shape are copied fastest. */
export interface Clause {
  readonly context: BindContext;
  /** For messages: WHERE, GROUP BY, … */
  readonly name: string;
  readonly scope: Scope;
  readonly commonTables: CommonTables;
  /** Null: subqueries may not stand here. */
  readonly relation: Relation | null;
  /** Null: aggregates may not stand here. */
  readonly aggregates: AggregateCollector | null;
  /** Where unnest(…) gives rows; missing or null: it may not stand here. */
  readonly unnests?: UnnestCollector | null;
  /** Parameters of the lambdas around the expression, by name (lower case). */
  readonly parameters?: ReadonlyMap<string, LambdaParameter> | null;
  /** Undefined or null: window functions may not stand here. */
  readonly windows?: WindowCollector | null;
  /** Where time_bucket_gapfill, locf and interpolate may stand. */
  readonly gapfill?: GapfillCollector | null;
  /** Names of the SELECT list that may be used where no column has the name (lower case). */
  readonly aliases?: Aliases | null;
}

export interface Aliases {
  get(name: string): Expression | undefined;
}

/** Fails with `unsupported`, naming the construct. */
export function unsupported(construct: string, position: number, hint?: string): DbError {
  return new DbError('unsupported', `${construct} is not executed by this version yet`, { position, hint });
}
