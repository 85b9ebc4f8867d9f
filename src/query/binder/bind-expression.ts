/** Syntax of an expression → bound expression: one handler per kind of node. */
import { DbError } from '../../core/errors.js';
import { type DataType, isText, typeName, UTF8 } from '../../core/types.js';
import { castSupported } from '../functions/types.js';
import type { Expression } from '../plan/expression.js';
import type { Column } from '../syntax/ast/literal.js';
import type { QualifiedName } from '../syntax/ast/node.js';
import type { Case, Cast, Collate, Is, Expression as Syntax } from '../syntax/ast/query.js';
import { bindFunction } from './bind-call.js';
import { bindField, bindJsonCast, bindList, bindRow, bindSlice, bindStruct, bindSubscript } from './bind-composite.js';
import { bindBlob, bindDuration, bindInterval, bindNumber, bindParameter, bindTypedLiteral } from './bind-literal.js';
import { bindInList, bindInSet, bindQuantified } from './bind-membership.js';
import { bindBetween, bindBinary, bindDistinctFrom, bindLike, bindLogical, bindUnary } from './bind-operator.js';
import { bindExists, bindInQuery, bindScalarSubquery, gathered } from './bind-subquery.js';
import { isRegistryType, registryCast } from './catalog-functions.js';
import { castTo, coerceBool, unify } from './coercion.js';
import { type Clause, unsupported } from './context.js';
import { boolLiteral, conjunction, isNull, not, nullLiteral, textLiteral } from './expressions.js';
import { sameName } from './scope.js';
import { resolveType } from './type-names.js';

type Handlers = { readonly [Kind in Syntax['kind']]: (syntax: Extract<Syntax, { kind: Kind }>, clause: Clause) => Expression };

const HANDLERS: Handlers = {
  number: (syntax) => bindNumber(syntax),
  string: (syntax) => textLiteral(syntax.value, syntax.position),
  boolean: (syntax) => boolLiteral(syntax.value, syntax.position),
  null: (syntax) => nullLiteral(syntax.position),
  typedLiteral: (syntax, clause) =>
    bindJsonCast(syntax.type, textLiteral(syntax.value, syntax.position), false, clause, syntax.position) ?? bindTypedLiteral(syntax),
  interval: bindInterval,
  duration: (syntax) => bindDuration(syntax),
  blob: (syntax) => bindBlob(syntax),
  parameter: bindParameter,
  column: bindColumn,
  star: (syntax) => {
    throw new DbError('syntax_error', '* may stand in a SELECT list and in count(*) only', { position: syntax.position });
  },
  columns: (syntax) => {
    throw unsupported('COLUMNS(…)', syntax.position);
  },
  unary: bindUnary,
  binary: bindBinary,
  logical: bindLogical,
  is: bindIs,
  distinctFrom: bindDistinctFrom,
  between: bindBetween,
  inList: bindInList,
  inQuery: bindInQuery,
  inSet: bindInSet,
  like: bindLike,
  quantified: bindQuantified,
  case: bindCase,
  cast: bindCast,
  extract: (syntax, clause) =>
    clause.context.call('date_part', [textLiteral(syntax.field, syntax.position), bindExpression(syntax.operand, clause)], syntax.position),
  atTimeZone: (syntax, clause) =>
    clause.context.call('at_time_zone', [bindExpression(syntax.operand, clause), bindExpression(syntax.zone, clause)], syntax.position),
  collate: bindCollate,
  function: bindFunction,
  lambda: (syntax) => {
    throw new DbError('syntax_error', 'a lambda may stand as an argument of list_transform, list_filter and list_reduce only', {
      position: syntax.position,
    });
  },
  row: bindRow,
  list: bindList,
  struct: bindStruct,
  map: (syntax) => {
    throw unsupported('a map', syntax.position);
  },
  subscript: bindSubscript,
  slice: bindSlice,
  field: (syntax, clause) => bindField(bindExpression(syntax.operand, clause), syntax.name.name, syntax.position, clause),
  subquery: bindScalarSubquery,
  arraySubquery: (syntax, clause) => bindScalarSubquery(gathered(syntax.query, syntax.position, clause), clause),
  exists: bindExists,
  default: (syntax) => {
    throw new DbError('syntax_error', 'DEFAULT may stand as a value of INSERT and UPDATE only', { position: syntax.position });
  },
};

export function bindExpression(syntax: Syntax, clause: Clause): Expression {
  const handler = HANDLERS[syntax.kind] as (syntax: Syntax, clause: Clause) => Expression;
  return handler(syntax, clause);
}

/** A condition: bool or NULL. */
function bindCondition(syntax: Syntax, clause: Clause): Expression {
  return coerceBool(bindExpression(syntax, clause), clause.name);
}

function bindColumn(syntax: Column, clause: Clause): Expression {
  const { scope, parameters, aliases } = clause;
  const { name } = syntax;
  const first = name[0]?.name ?? '';
  const parameter = parameters?.get(first.toLowerCase());
  if (parameter) return bindFields(parameter, name.slice(1), clause);
  const own = scope.find(name);
  const alias = own || name.length > 1 ? undefined : aliases?.get(first.toLowerCase());
  if (alias) return alias;
  const stranger = own || name.length > 1 || scope.sees(name) ? undefined : (scope.aliasAround(first) ?? bindWholeRow(syntax, clause));
  if (stranger) return stranger;
  const { column, fields } = own ?? scope.resolve(name);
  return bindFields(column, fields, clause);
}

/** The alias of a table for all of its columns: a struct. */
function bindWholeRow({ name: [table], position }: Column, { scope, context }: Clause): Expression | undefined {
  const columns = table && scope.withTable(table.name).columns.filter((column) => !column.synonym && sameName(column.table, table.name));
  if (!columns || columns.length === 0) return undefined;
  const args = columns.flatMap(({ id, name, type, nullable }): Expression[] => {
    return [textLiteral(name, position), { kind: 'column', id, name, type, nullable, position }];
  });
  return context.call('struct_pack', args, position);
}

function bindFields(value: Expression, fields: QualifiedName, clause: Clause): Expression {
  let inner = value;
  for (const field of fields) inner = bindField(inner, field.name, field.position, clause);
  return inner;
}

/** x IS [NOT] NULL | TRUE | FALSE | UNKNOWN. None gives NULL. */
function bindIs(syntax: Is, clause: Clause): Expression {
  const operand = bindExpression(syntax.operand, clause);
  if (syntax.test === 'null') return { ...isNull(operand, syntax.negated), position: syntax.position };
  const bool = coerceBool(operand, 'IS');
  if (syntax.test === 'unknown') return isNull(bool, syntax.negated);
  const wanted = syntax.test === 'true' ? bool : not(bool);
  const test: Expression = { ...conjunction([isNull(bool, true), wanted]), nullable: false };
  return syntax.negated ? not(test) : test;
}

function bindCase(syntax: Case, clause: Clause): Expression {
  const operand = syntax.operand === null ? null : bindExpression(syntax.operand, clause);
  const whens = syntax.branches.map((branch) => {
    if (operand === null) return bindCondition(branch.when, { ...clause, name: 'CASE' });
    return clause.context.call('eq', [operand, bindExpression(branch.when, clause)], branch.when.position);
  });
  const results = syntax.branches.map((branch) => bindExpression(branch.then, clause));
  const otherwise = syntax.otherwise === null ? null : bindExpression(syntax.otherwise, clause);
  const unified = unify(otherwise === null ? results : [...results, otherwise], 'CASE');
  const type = unified.type.kind === 'null' ? UTF8 : unified.type;
  const values = unified.expressions.map((value) => castTo(value, type));
  const branches = whens.map((when, i) => ({ when, then: values[i] ?? nullLiteral() }));
  return {
    kind: 'case',
    branches,
    otherwise: otherwise === null ? null : (values.at(-1) ?? null),
    type,
    nullable: otherwise === null || values.some((value) => value.nullable),
    position: syntax.position,
  };
}

function bindCast(syntax: Cast, clause: Clause): Expression {
  const name = syntax.type.kind === 'namedType' ? syntax.type.name.toLowerCase() : '';
  if (isRegistryType(name)) {
    const { operand } = syntax;
    const isTextual = operand.kind !== 'string' && isText(clause.context.bindExpression(operand, clause).type);
    return clause.context.bindExpression(registryCast(name, operand, isTextual, clause.context.catalog()), clause);
  }
  const type = resolveType(syntax.type);
  if (syntax.operand.kind === 'number' && type.kind === 'decimal') {
    // The digits as they were written, not as a float64.
    return { ...castOf(textLiteral(syntax.operand.text, syntax.operand.position), type, syntax.isTry), position: syntax.position };
  }
  const operand = bindExpression(syntax.operand, clause);
  const json = bindJsonCast(syntax.type, operand, syntax.isTry, clause, syntax.position);
  if (json) return json;
  const shifted = inSessionZone(operand, type, clause);
  if (shifted) return castOf(shifted, type, syntax.isTry);
  if (!castSupported(operand.type, type)) {
    throw new DbError('type_mismatch', `${typeName(operand.type)} cannot be cast to ${typeName(type)}`, { position: syntax.position });
  }
  return castOf(operand, type, syntax.isTry);
}

/**
 * CAST between an instant and wall time (a plain timestamp, a date, a time) goes by the session's zone. now() is plain, but means UTC.
 * Undefined: nothing is to be shifted.
 */
function inSessionZone(operand: Expression, type: DataType, clause: Clause): Expression | undefined {
  const { timezone, call } = clause.context;
  const from = operand.type;
  if (timezone === 'UTC' || (operand.kind === 'call' && operand.function === 'now')) return undefined;
  const isWall = (kind: DataType) =>
    kind.kind === 'timestamp' ? kind.timezone === null : kind.kind === 'date32' || kind.kind === 'time64';
  const toWall = from.kind === 'timestamp' && from.timezone !== null && isWall(type);
  const fromWall =
    type.kind === 'timestamp' && type.timezone !== null && (from.kind === 'timestamp' || from.kind === 'date32') && isWall(from);
  if (!toWall && !fromWall) return undefined;
  return call('at_time_zone', [operand, textLiteral(timezone, operand.position)], operand.position);
}

function castOf(operand: Expression, type: Expression['type'], safe: boolean): Expression {
  return castTo(operand, type, safe);
}

function bindCollate(syntax: Collate, clause: Clause): Expression {
  const name = syntax.collation.at(-1)?.name.toLowerCase() ?? '';
  if (!['c', 'posix', 'binary', 'default', 'ucs_basic'].includes(name)) {
    throw unsupported(`collation ${name}`, syntax.position, 'text is compared by code point');
  }
  return bindExpression(syntax.operand, clause);
}
