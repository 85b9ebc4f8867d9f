/**
 * Bound expressions: every node has its type; names are resolved to column ids and functions to overloads. Plain data: it crosses to workers
 * by structured clone.
 */
import type { Value } from '../../core/batch.js';
import type { DataType } from '../../core/types.js';

/** Identity of a column that a plan node produces; unique in one plan. */
export type ColumnId = number;

export type Expression =
  | ColumnExpression
  | LiteralExpression
  | CallExpression
  | CastExpression
  | CaseExpression
  | AndExpression
  | OrExpression
  | NotExpression
  | IsNullExpression
  | InExpression
  | LambdaExpression
  | LambdaParameter;

interface Typed {
  readonly type: DataType;
  /** False only when no row can give NULL. */
  readonly nullable: boolean;
  /** 0-based offset in the statement; −1 when made by us. */
  readonly position: number;
}

export interface ColumnExpression extends Typed {
  readonly kind: 'column';
  readonly id: ColumnId;
  readonly name: string;
}

/** The value in the form of core/values.ts valueAt(): int64, timestamp, time64, decimal (unscaled) as bigint, date32 as days, …. */
export interface LiteralExpression extends Typed {
  readonly kind: 'literal';
  readonly value: Value;
  /** Of a parameter that has no value yet, and stands as NULL in a plan that never runs. */
  readonly slot?: ParameterSlot;
}

/** What is found out of a parameter while its statement is bound. */
export interface ParameterSlot {
  /** The type that it was first converted to. */
  type: DataType | null;
}

/** A scalar function or operator. Arguments already have exactly the overload's types (the binder has put casts around them), so that resolve() on them finds the overload again. */
export interface CallExpression extends Typed {
  readonly kind: 'call';
  /** Canonical name in the function registry (`add`, `eq`, `lower`, `date_trunc`, …). */
  readonly function: string;
  readonly args: readonly Expression[];
}

/** CAST, or TRY_CAST when `safe` (failure gives NULL). */
export interface CastExpression extends Typed {
  readonly kind: 'cast';
  readonly operand: Expression;
  readonly safe: boolean;
}

/** Searched CASE; the simple form is bound to equality tests. All results have the node's type. Branches are evaluated only for rows that reach them. */
export interface CaseExpression extends Typed {
  readonly kind: 'case';
  readonly branches: readonly { readonly when: Expression; readonly then: Expression }[];
  readonly otherwise: Expression | null;
}

/** n-ary, three-valued. */
export interface AndExpression extends Typed {
  readonly kind: 'and';
  readonly operands: readonly Expression[];
}

export interface OrExpression extends Typed {
  readonly kind: 'or';
  readonly operands: readonly Expression[];
}

export interface NotExpression extends Typed {
  readonly kind: 'not';
  readonly operand: Expression;
}

/** IS NULL, or IS NOT NULL when negated. */
export interface IsNullExpression extends Typed {
  readonly kind: 'is_null';
  readonly operand: Expression;
  readonly negated: boolean;
}

/** operand [NOT] IN (constants of the operand's type); a NULL among them is told apart by hasNull. Lists with non-constants are bound to OR. */
export interface InExpression extends Typed {
  readonly kind: 'in';
  readonly operand: Expression;
  readonly values: readonly Value[];
  readonly hasNull: boolean;
  readonly negated: boolean;
}

/** A function written as an argument: `x -> x + 1`. Its type is the body's; `operand` is the body, evaluated over the items of lists. */
export interface LambdaExpression extends Typed {
  readonly kind: 'lambda';
  readonly parameters: readonly ColumnId[];
  readonly operand: Expression;
}

/** What a lambda's parameter is in its body: a column of the items, which no plan node makes. */
export interface LambdaParameter extends Typed {
  readonly kind: 'lambda_parameter';
  readonly id: ColumnId;
  readonly name: string;
}

/** Calls visit for the node and all below it, parents first. */
export function walkExpression(expression: Expression, visit: (node: Expression) => void): void {
  visit(expression);
  for (const child of childrenOf(expression)) walkExpression(child, visit);
}

/** True when a node of the tree passes the test; stops at the first. */
export function someNode(expression: Expression, test: (node: Expression) => boolean): boolean {
  if (test(expression)) return true;
  for (const child of childrenOf(expression)) if (someNode(child, test)) return true;
  return false;
}

const NO_CHILDREN: readonly Expression[] = [];

export function childrenOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case 'column':
    case 'literal':
    case 'lambda_parameter':
      return NO_CHILDREN;
    case 'call':
      return expression.args;
    case 'case':
      return [
        ...expression.branches.flatMap((branch) => [branch.when, branch.then]),
        ...(expression.otherwise ? [expression.otherwise] : []),
      ];
    case 'and':
    case 'or':
      return expression.operands;
    default:
      return [expression.operand];
  }
}

/** Rebuilds a tree bottom-up; `change` gets each node after its children were changed and returns it or a replacement. */
export function mapExpression(expression: Expression, change: (node: Expression) => Expression): Expression {
  const visit = (node: Expression): Expression => change(mapChildren(node, visit));
  return visit(expression);
}

/** The node with its direct children changed; the same node when none of them changes. */
export function mapChildren(node: Expression, change: (child: Expression) => Expression): Expression {
  switch (node.kind) {
    case 'column':
    case 'literal':
    case 'lambda_parameter':
      return node;
    case 'call': {
      const args = mapShared(node.args, change);
      if (args === node.args) return node;
      return { kind: 'call', function: node.function, args, type: node.type, nullable: node.nullable, position: node.position };
    }
    case 'case': {
      const branches = mapShared(node.branches, (branch) => {
        const when = change(branch.when);
        const then = change(branch.then);
        return when === branch.when && then === branch.then ? branch : { when, then };
      });
      const otherwise = node.otherwise && change(node.otherwise);
      return branches === node.branches && otherwise === node.otherwise ? node : { ...node, branches, otherwise };
    }
    case 'and':
    case 'or': {
      const operands = mapShared(node.operands, change);
      if (operands === node.operands) return node;
      return { kind: node.kind, operands, type: node.type, nullable: node.nullable, position: node.position };
    }
    default: {
      const operand = change(node.operand);
      return operand === node.operand ? node : { ...node, operand };
    }
  }
}

/** The list with every item changed; the same list when none of them changes. */
export function mapShared<T>(list: readonly T[], change: (item: T) => T): readonly T[] {
  let changed: T[] | undefined;
  for (let i = 0; i < list.length; i++) {
    const item = list[i] as T;
    const next = change(item);
    if (next === item) continue;
    changed ??= list.slice();
    changed[i] = next;
  }
  return changed ?? list;
}

// ---- columns ----

/** Ids of all columns that the expression reads. */
export function columnsOf(expression: Expression): Set<ColumnId> {
  const ids = new Set<ColumnId>();
  addColumnsOf(expression, ids);
  return ids;
}

export function addColumnsOf(expression: Expression, ids: Set<ColumnId>): void {
  if (expression.kind === 'column') ids.add(expression.id);
  else for (const child of childrenOf(expression)) addColumnsOf(child, ids);
}

export function readsColumns(expression: Expression): boolean {
  return someNode(expression, isColumn);
}

function isColumn(node: Expression): boolean {
  return node.kind === 'column';
}

/** A set of columns, or a map by them. */
export type Ids = Pick<ReadonlySet<ColumnId>, 'has'>;

/** True when every column that the expression reads is one of the ids; also when it reads none. */
export function readsOnly(expression: Expression, ids: Ids): boolean {
  if (expression.kind === 'column') return ids.has(expression.id);
  for (const child of childrenOf(expression)) if (!readsOnly(child, ids)) return false;
  return true;
}

/** True when some column that the expression reads is one of the ids. */
export function readsSome(expression: Expression, ids: Ids): boolean {
  if (expression.kind === 'column') return ids.has(expression.id);
  for (const child of childrenOf(expression)) if (readsSome(child, ids)) return true;
  return false;
}
