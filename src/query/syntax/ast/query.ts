/** Expressions and queries, which contain each other. */
import type {
  BlobLiteral,
  BooleanLiteral,
  Column,
  DurationLiteral,
  NullLiteral,
  NumberLiteral,
  Parameter,
  StringLiteral,
  TypedLiteral,
} from './literal.js';
import type { DataType, DurationUnit, Identifier, Node, OrderFlags, QualifiedName } from './node.js';
import type { BinaryOperator, LikeOperator, UnaryOperator } from './operator.js';
import type { DataStatement } from './statement.js';
import type { TableReference, TableSample } from './table.js';

export type Expression =
  | NumberLiteral
  | StringLiteral
  | BooleanLiteral
  | NullLiteral
  | TypedLiteral
  | IntervalLiteral
  | DurationLiteral
  | BlobLiteral
  | Parameter
  | Column
  | Star
  | ColumnsExpression
  | Unary
  | Binary
  | Logical
  | Is
  | DistinctFrom
  | Between
  | InList
  | InQuery
  | InSet
  | Like
  | Quantified
  | Case
  | Cast
  | Extract
  | AtTimeZone
  | Collate
  | FunctionCall
  | Lambda
  | Row
  | List
  | Struct
  | MapConstructor
  | Subscript
  | Slice
  | FieldAccess
  | Subquery
  | ArraySubquery
  | Exists
  | DefaultValue;

/** `INTERVAL '1 hour 30 minutes'` (unit null), `INTERVAL '5' MINUTE`, `INTERVAL 5 MINUTE`, `INTERVAL (n) DAY`, `INTERVAL '1-2' YEAR TO MONTH`. */
export interface IntervalLiteral extends Node {
  readonly kind: 'interval';
  readonly quantity: Expression;
  readonly unit: DurationUnit | null;
  readonly toUnit: DurationUnit | null;
}

// ---- names ----

/** `*`, `t.*`, `* EXCLUDE (a) REPLACE (b + 1 AS b) RENAME (c AS d)`. `qualifier` is empty for a bare star. */
export interface Star extends Node {
  readonly kind: 'star';
  readonly qualifier: readonly Identifier[];
  readonly exclude: readonly QualifiedName[];
  readonly replace: readonly { readonly expression: Expression; readonly column: Identifier }[];
  readonly rename: readonly { readonly from: QualifiedName; readonly to: Identifier }[];
}
/** `COLUMNS('regex')`, `COLUMNS(* EXCLUDE (a))`, `COLUMNS(c -> c LIKE 'x%')`, `COLUMNS([a, b])`; `*COLUMNS(…)` is unpacked. */
export type ColumnsExpression = Node & { readonly kind: 'columns'; readonly selector: Expression; readonly unpacked: boolean };

// ---- operators ----

export type Unary = Node & { readonly kind: 'unary'; readonly operator: UnaryOperator; readonly operand: Expression };

export interface Binary extends Node {
  readonly kind: 'binary';
  readonly operator: BinaryOperator;
  readonly operatorPosition: number;
  readonly left: Expression;
  readonly right: Expression;
}
/** `a AND b AND c`: at least two operands, in the order written; nested only where parentheses nested it. */
export type Logical = Node & { readonly kind: 'logical'; readonly operator: 'and' | 'or'; readonly operands: readonly Expression[] };
/** `x IS [NOT] NULL | TRUE | FALSE | UNKNOWN`, `x ISNULL`, `x NOTNULL`. */
export interface Is extends Node {
  readonly kind: 'is';
  readonly operand: Expression;
  readonly test: 'null' | 'true' | 'false' | 'unknown';
  readonly negated: boolean;
}
/** `a IS [NOT] DISTINCT FROM b`. */
export interface DistinctFrom extends Node {
  readonly kind: 'distinctFrom';
  readonly left: Expression;
  readonly right: Expression;
  readonly negated: boolean;
}
export interface Between extends Node {
  readonly kind: 'between';
  readonly operand: Expression;
  readonly low: Expression;
  readonly high: Expression;
  readonly symmetric: boolean;
  readonly negated: boolean;
}
export interface InList extends Node {
  readonly kind: 'inList';
  readonly operand: Expression;
  readonly items: readonly Expression[];
  readonly negated: boolean;
}
export type InQuery = Node & { readonly kind: 'inQuery'; readonly operand: Expression; readonly query: Query; readonly negated: boolean };
/** `ts IN '2026-01'` (interval search) or `x IN list_value`: no parentheses. */
export type InSet = Node & { readonly kind: 'inSet'; readonly operand: Expression; readonly set: Expression; readonly negated: boolean };
export interface Like extends Node {
  readonly kind: 'like';
  readonly operator: LikeOperator;
  readonly operand: Expression;
  readonly pattern: Expression;
  readonly escape: Expression | null;
  readonly negated: boolean;
}
/** `x = ANY (…)`, `x LIKE ALL (…)`; SOME is any. `right` is a subquery node or a list-valued expression. */
export interface Quantified extends Node {
  readonly kind: 'quantified';
  readonly operator: BinaryOperator | 'like' | 'ilike' | 'notLike' | 'notIlike';
  readonly quantifier: 'any' | 'all';
  readonly left: Expression;
  readonly right: Expression;
}
export interface Case extends Node {
  readonly kind: 'case';
  readonly operand: Expression | null;
  readonly branches: readonly { readonly when: Expression; readonly then: Expression }[];
  readonly otherwise: Expression | null;
}
/** `CAST(x AS t)`, `x::t`, `TRY_CAST(x AS t)`. */
export interface Cast extends Node {
  readonly kind: 'cast';
  readonly operand: Expression;
  readonly type: DataType;
  /** TRY_CAST: NULL instead of an error. */
  readonly isTry: boolean;
}
/** `EXTRACT(year FROM ts)`. */
export interface Extract extends Node {
  readonly kind: 'extract';
  /** Lower case. */
  readonly field: string;
  readonly operand: Expression;
}
/** `ts AT TIME ZONE 'Europe/Paris'`. */
export type AtTimeZone = Node & { readonly kind: 'atTimeZone'; readonly operand: Expression; readonly zone: Expression };
export type Collate = Node & { readonly kind: 'collate'; readonly operand: Expression; readonly collation: QualifiedName };

// ---- functions and windows ----

/**
 * Every call. Standard spellings become plain calls, arguments in PostgreSQL's order: `SUBSTRING(s FROM a FOR n)` → `substring(s, a, n)`,
 * `POSITION(x IN s)` → `position(s, x)`, `TRIM(LEADING c FROM s)` → `ltrim(s, c)` (TRAILING `rtrim`, BOTH `trim`),
 * `OVERLAY(s PLACING r FROM a FOR n)` → `overlay(s, r, a, n)`, `CURRENT_DATE` → `current_date()` with `bare`.
 */
export interface FunctionCall extends Node {
  readonly kind: 'function';
  readonly name: QualifiedName;
  readonly arguments: readonly FunctionArgument[];
  /** `count(*)`: no arguments. */
  readonly star: boolean;
  /** Written without parentheses: `CURRENT_TIMESTAMP`. */
  readonly bare: boolean;
  readonly distinct: boolean;
  /** ORDER BY inside the parentheses. */
  readonly orderBy: readonly OrderItem[];
  readonly withinGroup: readonly OrderItem[];
  readonly filter: Expression | null;
  readonly nullTreatment: 'ignore' | 'respect' | null;
  /** `nth_value(x, 2) FROM LAST`. */
  readonly fromLast: boolean;
  readonly over: WindowName | WindowSpecification | null;
}
/** `value`, or `name => value` / `name := value`. */
export type FunctionArgument = { readonly name: Identifier | null; readonly value: Expression };
export type WindowName = Node & { readonly kind: 'windowName'; readonly name: Identifier };
export interface WindowSpecification extends Node {
  readonly kind: 'windowSpecification';
  /** The named window that this one extends. */
  readonly base: Identifier | null;
  readonly partitionBy: readonly Expression[];
  readonly orderBy: readonly OrderItem[];
  readonly frame: WindowFrame | null;
}
export interface WindowFrame extends Node {
  readonly unit: 'rows' | 'range' | 'groups';
  readonly start: FrameBound;
  /** CURRENT ROW when the frame was written without BETWEEN. */
  readonly finish: FrameBound;
  readonly exclude: 'noOthers' | 'currentRow' | 'group' | 'ties';
}
export type FrameBound =
  | { readonly kind: 'unboundedPreceding' }
  | { readonly kind: 'preceding'; readonly offset: Expression }
  | { readonly kind: 'currentRow' }
  | { readonly kind: 'following'; readonly offset: Expression }
  | { readonly kind: 'unboundedFollowing' };
/** `x -> x + 1`, `(a, b) -> a + b`, `lambda x: x + 1`. */
export type Lambda = Node & { readonly kind: 'lambda'; readonly parameters: readonly Identifier[]; readonly body: Expression };

// ---- composite values ----

/** `(a, b)`, `ROW(a)`. */
export type Row = Node & { readonly kind: 'row'; readonly items: readonly Expression[] };
/** `[1, 2]`, `ARRAY[1, 2]`. */
export type List = Node & { readonly kind: 'list'; readonly items: readonly Expression[] };
/** `{'a': 1, b: 2}`. */
export interface Struct extends Node {
  readonly kind: 'struct';
  readonly fields: readonly { readonly name: Identifier; readonly value: Expression }[];
}
/** `MAP {'a': 1}`. */
export interface MapConstructor extends Node {
  readonly kind: 'map';
  readonly entries: readonly { readonly key: Expression; readonly value: Expression }[];
}
/** `x[i]`. */
export type Subscript = Node & { readonly kind: 'subscript'; readonly operand: Expression; readonly index: Expression };
/** `x[a:b]`, `x[a:b:step]`, any of them absent; `-` for an absent end is not kept. */
export interface Slice extends Node {
  readonly kind: 'slice';
  readonly operand: Expression;
  readonly lower: Expression | null;
  readonly upper: Expression | null;
  readonly step: Expression | null;
}
/** `(expression).field`; a chain of plain names is a column node. */
export type FieldAccess = Node & { readonly kind: 'field'; readonly operand: Expression; readonly name: Identifier };
export type Subquery = Node & { readonly kind: 'subquery'; readonly query: Query };
/** `ARRAY(SELECT …)`. */
export type ArraySubquery = Node & { readonly kind: 'arraySubquery'; readonly query: Query };
export type Exists = Node & { readonly kind: 'exists'; readonly query: Query };
/** DEFAULT as a value: in VALUES rows of an INSERT and in assignments only. */
export type DefaultValue = Node & { readonly kind: 'default' };

// ---- queries ----

export interface Query extends Node {
  readonly kind: 'query';
  readonly with: WithClause | null;
  readonly body: QueryBody;
  readonly orderBy: readonly OrderItem[];
  /** ORDER BY ALL; then `orderBy` is empty. */
  readonly orderByAll: OrderFlags | null;
  /** `LIMIT n BY cols`, applied after ORDER BY and before LIMIT. */
  readonly limitBy: LimitBy | null;
  readonly limit: Limit | null;
}
/** A nested query stands where parentheses gave an operand its own WITH, ORDER BY or LIMIT. */
export type QueryBody = Select | SetOperation | Values | Query;

export type WithClause = Node & { readonly recursive: boolean; readonly entries: readonly CommonTable[] };
export interface CommonTable extends Node {
  readonly name: Identifier;
  readonly columns: readonly Identifier[];
  readonly materialized: boolean | null;
  /** USING KEY (…) of a recursive one; null: not said. */
  readonly key: readonly Identifier[] | null;
  /** A statement that changes rows gives those of its RETURNING. */
  readonly query: Query | DataStatement;
  /** How often a table of this name stands in FROM behind it, inside what the WITH belongs to; too many where an inner WITH hides the name. Null: not counted. */
  readonly uses: number | null;
}
export interface SetOperation extends Node {
  readonly kind: 'setOperation';
  readonly operator: 'union' | 'intersect' | 'except';
  readonly all: boolean;
  readonly byName: boolean;
  readonly left: QueryBody;
  readonly right: QueryBody;
}
/** `VALUES (1, 2), (3, 4)`; rows may differ in width, the binder checks. */
export type Values = Node & { readonly kind: 'values'; readonly rows: readonly (readonly Expression[])[] };
export interface Select extends Node {
  readonly kind: 'select';
  /** COLUMNS(…) or `* LIKE …` may stand in its items or clauses. */
  readonly mayChooseColumns: boolean;
  readonly distinct: boolean;
  /** DISTINCT ON (…); then `distinct` is true. */
  readonly distinctOn: readonly Expression[];
  /** Never empty: `FROM t` alone selects a star. */
  readonly items: readonly SelectItem[];
  /** Comma-separated; empty without FROM. */
  readonly from: readonly TableReference[];
  readonly where: Expression | null;
  readonly sampleBy: SampleBy | null;
  /** Applied to the rows that WHERE kept. */
  readonly latestOn: LatestOn | null;
  readonly groupBy: GroupBy | null;
  readonly having: Expression | null;
  readonly windows: readonly NamedWindow[];
  readonly qualify: Expression | null;
  /** `USING SAMPLE …` of the whole result. */
  readonly sample: TableSample | null;
}
export type SelectItem = Node & { readonly expression: Expression; readonly alias: Identifier | null };
export type OrderItem = Node & OrderFlags & { readonly expression: Expression };
export type Limit = RowLimit | LimitRange;
/** LIMIT, OFFSET, FETCH FIRST. */
export interface RowLimit extends Node {
  readonly kind: 'rowLimit';
  /** Null: LIMIT ALL, LIMIT NULL or OFFSET alone. A negative count means the last rows (QuestDB). */
  readonly count: Expression | null;
  readonly isPercent: boolean;
  readonly withTies: boolean;
  readonly offset: Expression | null;
}
/** QuestDB's `LIMIT a, b`: rows a (exclusive) to b (inclusive), counted from 1; negative numbers count from the end. */
export type LimitRange = Node & { readonly kind: 'limitRange'; readonly lower: Expression; readonly upper: Expression };
export type LimitBy = Node & { readonly count: Expression; readonly offset: Expression | null; readonly by: readonly Expression[] };
export interface GroupBy extends Node {
  /** GROUP BY ALL; then `items` is empty. */
  readonly all: boolean;
  readonly items: readonly GroupingElement[];
}
/** A plain grouping expression stands as itself; `sets` of ROLLUP and CUBE are lists because `ROLLUP ((a, b), c)` groups a and b together. */
export type GroupingElement = Expression | Rollup | Cube | GroupingSets;
export type Rollup = Node & { readonly kind: 'rollup'; readonly sets: readonly (readonly Expression[])[] };
export type Cube = Node & { readonly kind: 'cube'; readonly sets: readonly (readonly Expression[])[] };
export interface GroupingSets extends Node {
  readonly kind: 'groupingSets';
  /** `()` is an empty set. */
  readonly sets: readonly (GroupingSet | Rollup | Cube | GroupingSets)[];
}
export type GroupingSet = Node & { readonly kind: 'groupingSet'; readonly items: readonly Expression[] };
export type NamedWindow = Node & { readonly name: Identifier; readonly specification: WindowSpecification };

// ---- time-series clauses ----

export interface SampleBy extends Node {
  /** A duration, an interval, or any expression that gives one. */
  readonly width: Expression;
  readonly from: Expression | null;
  readonly to: Expression | null;
  /** Empty without FILL; one item for all aggregates, or one per aggregate. */
  readonly fill: readonly FillItem[];
  /** MAX GAP after FILL (…), for every item that has none of its own. */
  readonly maxGap: Expression | null;
  readonly align: SampleAlignment | null;
}
export interface FillItem extends Node {
  readonly mode: 'none' | 'null' | 'prev' | 'next' | 'linear' | 'value';
  /** Set when mode is value. */
  readonly value: Expression | null;
  readonly maxGap: Expression | null;
}
export type SampleAlignment =
  | { readonly kind: 'calendar'; readonly timeZone: Expression | null; readonly offset: Expression | null }
  | { readonly kind: 'firstObservation' };
/** `LATEST ON ts PARTITION BY sym`; QuestDB's older `LATEST BY sym` has no timestamp. */
export type LatestOn = Node & { readonly timestamp: Expression | null; readonly partitionBy: readonly Expression[] };
