/** What is known of an expression before any row: remembered by node. */
import { isText } from '../../core/types.js';
import { scalarFunction } from '../functions/registry.js';
import { type ColumnId, childrenOf, type Expression } from '../plan/expression.js';

export interface Analysis {
  /** The only column that the expression reads; undefined when it reads none or several. */
  readonly onlyColumn: ColumnId | undefined;
  readonly readsColumns: boolean;
  /** The same arguments give the same result. */
  readonly deterministic: boolean;
  /** NULL whenever the columns that it reads are all NULL. */
  readonly nullOnNull: boolean;
  /** Some value can make it fail, so it must not be evaluated for rows that do not reach it. */
  readonly fallible: boolean;
  /** A column or a change of its type's name: nothing is gained by computing it once per distinct value. */
  readonly trivial: boolean;
}

const known = new WeakMap<Expression, Analysis>();

export function analyse(expression: Expression): Analysis {
  let analysis = known.get(expression);
  if (!analysis) {
    analysis = compute(expression);
    known.set(expression, analysis);
  }
  return analysis;
}

function compute(expression: Expression): Analysis {
  if (expression.kind === 'column') {
    return { onlyColumn: expression.id, readsColumns: true, deterministic: true, nullOnNull: true, fallible: false, trivial: true };
  }
  if (expression.kind === 'literal') {
    const nullOnNull = expression.value === null;
    return { onlyColumn: undefined, readsColumns: false, deterministic: true, nullOnNull, fallible: false, trivial: true };
  }
  if (expression.kind === 'lambda_parameter') {
    return { onlyColumn: undefined, readsColumns: true, deterministic: true, nullOnNull: false, fallible: false, trivial: true };
  }
  const children = childrenOf(expression).map(analyse);
  const reading = children.filter((child) => child.readsColumns);
  const first = reading[0]?.onlyColumn;
  const relabels = expression.kind === 'cast' && isText(expression.type) && isText(expression.operand.type);
  return {
    onlyColumn: reading.every((child) => child.onlyColumn === first) ? first : undefined,
    readsColumns: reading.length > 0,
    deterministic: children.every((child) => child.deterministic) && !(expression.kind === 'call' && isVolatile(expression.function)),
    nullOnNull: nullOnNull(expression, children),
    fallible: children.some((child) => child.fallible) || canFail(expression, relabels),
    trivial: relabels && children.every((child) => child.trivial),
  };
}

function isVolatile(name: string): boolean {
  return scalarFunction(name)?.volatile === true;
}

function canFail(expression: Expression, relabels: boolean): boolean {
  if (expression.kind === 'call') return scalarFunction(expression.function)?.infallible !== true;
  return expression.kind === 'cast' && !relabels;
}

function nullOnNull(expression: Expression, children: readonly Analysis[]): boolean {
  switch (expression.kind) {
    case 'call':
      return scalarFunction(expression.function)?.nulls === 'strict' && children.some((child) => child.nullOnNull);
    case 'and':
    case 'or':
      return children.every((child) => child.nullOnNull);
    case 'not':
    case 'cast':
    case 'in':
      return children.every((child) => child.nullOnNull);
    default:
      return false;
  }
}
