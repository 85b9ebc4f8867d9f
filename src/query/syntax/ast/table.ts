/** What may stand in FROM. */
import type { DataType, Identifier, Node, QualifiedName, TableAlias } from './node.js';
import type { Expression, FrameBound, FunctionCall, Query, SelectItem } from './query.js';

export type TableReference =
  | TableName
  | FileTable
  | TableFunction
  | DerivedTable
  | Join
  | AsofJoin
  | WindowJoin
  | HorizonJoin
  | Pivot
  | Unpivot;

export interface TableName extends Node {
  readonly kind: 'table';
  readonly name: QualifiedName;
  readonly alias: TableAlias | null;
  /** `t TIMESTAMP(ts)`: the column to use as designated timestamp. */
  readonly timestamp: Identifier | null;
  readonly sample: TableSample | null;
}
/** `FROM 'trades.parquet'`. */
export interface FileTable extends Node {
  readonly kind: 'file';
  readonly path: string;
  readonly alias: TableAlias | null;
  readonly sample: TableSample | null;
}
export interface TableFunction extends Node {
  readonly kind: 'tableFunction';
  readonly call: FunctionCall;
  readonly lateral: boolean;
  readonly withOrdinality: boolean;
  readonly alias: TableAlias | null;
  /** `AS t(a int, b text)`; parallel to `alias.columns`, or empty. */
  readonly columnTypes: readonly DataType[];
  readonly timestamp: Identifier | null;
  readonly sample: TableSample | null;
}
export interface DerivedTable extends Node {
  readonly kind: 'derived';
  readonly query: Query;
  readonly lateral: boolean;
  readonly alias: TableAlias | null;
  readonly timestamp: Identifier | null;
  readonly sample: TableSample | null;
}
export interface TableSample extends Node {
  /** Lower case: `bernoulli`, `system`, `reservoir`; null when not said. */
  readonly method: string | null;
  readonly size: Expression;
  readonly unit: 'percent' | 'rows';
  readonly seed: Expression | null;
}
export type JoinCondition =
  | { readonly kind: 'on'; readonly expression: Expression }
  /** `names`: written as `ON (sym, venue)`, QuestDB's spelling in time joins: the columns are keys, none of them is the time. */
  | { readonly kind: 'using'; readonly columns: readonly Identifier[]; readonly names?: true }
  | { readonly kind: 'natural' };
/** `union` is kdb+'s uj, `plus` its pj. */
export type JoinType = 'inner' | 'left' | 'right' | 'full' | 'cross' | 'semi' | 'anti' | 'positional' | 'union' | 'plus';
export interface Join extends Node {
  readonly kind: 'join';
  readonly type: JoinType;
  readonly left: TableReference;
  readonly right: TableReference;
  /** Null for cross, positional and union joins, and where plus was written without keys. */
  readonly condition: JoinCondition | null;
  /** Set when parentheses around the join had an alias. */
  readonly alias: TableAlias | null;
}
/** `aj0` is an ASOF join that returns the time of the right row. */
export interface AsofJoin extends Node {
  readonly kind: 'asofJoin';
  readonly variant: 'asof' | 'lt' | 'splice' | 'aj0';
  /** Null: nothing was written. RIGHT, FULL, SEMI and ANTI are kinds of ASOF JOIN only. */
  readonly outer: 'left' | 'inner' | 'right' | 'full' | 'semi' | 'anti' | null;
  readonly left: TableReference;
  readonly right: TableReference;
  /** Null: by time alone. */
  readonly condition: JoinCondition | null;
  readonly matchCondition: Expression | null;
  readonly nearest: boolean;
  readonly tolerance: Expression | null;
  readonly alias: TableAlias | null;
}
export interface WindowJoin extends Node {
  readonly kind: 'windowJoin';
  readonly outer: 'left' | 'inner' | null;
  readonly left: TableReference;
  readonly right: TableReference;
  readonly condition: JoinCondition | null;
  readonly start: FrameBound;
  readonly finish: FrameBound;
  /** Null: neither INCLUDE nor EXCLUDE PREVAILING was written. */
  readonly prevailing: 'include' | 'exclude' | null;
  readonly alias: TableAlias | null;
}
export interface HorizonJoin extends Node {
  readonly kind: 'horizonJoin';
  readonly left: TableReference;
  readonly right: TableReference;
  readonly condition: JoinCondition | null;
  /** Further tables over the same offsets: `HORIZON JOIN q ON (sym) HORIZON JOIN r ON (sym) RANGE …`. */
  readonly more: readonly { readonly right: TableReference; readonly condition: JoinCondition | null }[];
  readonly offsets: HorizonOffsets;
  /** `… STEP 1s AS h`. */
  readonly alias: TableAlias | null;
}
export type HorizonOffsets =
  | { readonly kind: 'range'; readonly from: Expression; readonly to: Expression; readonly step: Expression }
  | { readonly kind: 'list'; readonly items: readonly Expression[] };
/** `t PIVOT (sum(x) FOR c IN (…) GROUP BY g)`; the statement `PIVOT t ON c USING sum(x)` selects a star from it. */
export interface Pivot extends Node {
  readonly kind: 'pivot';
  readonly source: TableReference;
  readonly aggregates: readonly SelectItem[];
  readonly columns: readonly PivotColumn[];
  readonly groupBy: readonly Expression[];
  readonly alias: TableAlias | null;
}
export interface PivotColumn extends Node {
  /** One expression, or several of `FOR (a, b) IN …`. */
  readonly expressions: readonly Expression[];
  /** Empty together with a null query: the distinct values of the data. */
  readonly values: readonly SelectItem[];
  readonly query: Query | null;
}
export interface Unpivot extends Node {
  readonly kind: 'unpivot';
  readonly source: TableReference;
  readonly includeNulls: boolean;
  readonly valueColumns: readonly Identifier[];
  readonly nameColumn: Identifier;
  /** Each item is one column (or star or COLUMNS), or a row of as many columns as `valueColumns`. */
  readonly columns: readonly SelectItem[];
  readonly alias: TableAlias | null;
}
