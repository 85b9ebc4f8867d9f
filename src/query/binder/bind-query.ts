/** A query: WITH, set operations, VALUES, and the ORDER BY and LIMIT around them. */
import { DbError } from '../../core/errors.js';
import { type DataType, isText, NULL_TYPE, sameType, UTF8 } from '../../core/types.js';
import { commonType } from '../functions/types.js';
import type { Expression } from '../plan/expression.js';
import type { LogicalPlan, OutputColumn, SortKey } from '../plan/logical.js';
import type { OrderItem, Query, QueryBody, SetOperation, Expression as Syntax, Values } from '../syntax/ast/query.js';
import { sortKeyOf } from './bind-call.js';
import { bindSelect, type OrderBy } from './bind-select.js';
import { argumentOf, castTo, isNoValueOf, unify } from './coercion.js';
import { withCommonTables } from './common-tables.js';
import type { BindContext, BoundQuery, Clause, CommonTables } from './context.js';
import { columnOf } from './expressions.js';
import { applyLimit, limitByBounds } from './limit.js';
import { distinctPlan, joinPlan, limitByPlan, nullSafeKeys, numberPlan, pickColumns, projectPlan, sortPlan } from './plans.js';
import { Scope } from './scope.js';
import { columnInSelects, columnNamesIn } from './set-operation-order.js';

export function bindQuery(query: Query, context: BindContext, outer: Scope | null, visible: CommonTables): BoundQuery {
  const commonTables = query.with ? withCommonTables(query, query.with, visible) : visible;
  const order: OrderBy = { items: query.orderBy, all: query.orderByAll, limitBy: query.limitBy };
  const inner: QueryEnvironment = { context, outer, commonTables };
  const bound =
    query.body.kind === 'select'
      ? bindSelect(query.body, order, context, outer, commonTables)
      : sorted(bindBody(query.body, inner), query.body, order, inner);
  return query.limit ? applyLimit(bound, query.limit, inner) : bound;
}

interface QueryEnvironment {
  readonly context: BindContext;
  readonly outer: Scope | null;
  readonly commonTables: CommonTables;
}

function bindBody(body: QueryBody, environment: QueryEnvironment): BoundQuery {
  const { context, outer, commonTables } = environment;
  switch (body.kind) {
    case 'query':
      return bindQuery(body, context, outer, commonTables);
    case 'select':
      return bindSelect(body, { items: [], all: null, limitBy: null }, context, outer, commonTables);
    case 'values':
      return bindValues(body, environment);
    case 'setOperation':
      return bindSetOperation(body, environment);
  }
}

function bindValues(values: Values, environment: QueryEnvironment): BoundQuery {
  const { context, outer, commonTables } = environment;
  const clause: Clause = { context, name: 'VALUES', scope: new Scope([], outer), commonTables, relation: null, aggregates: null };
  const rows = values.rows.map((row) => row.map((value) => context.bindExpression(value, clause)));
  const width = rows[0]?.length ?? 0;
  const uneven = values.rows.find((row) => row.length !== width);
  if (uneven) {
    throw new DbError('syntax_error', `VALUES rows have ${width} and ${uneven.length} values`, {
      position: uneven[0]?.position ?? values.position,
    });
  }
  const columns = Array.from({ length: width }, (_, i) => {
    const unified = unify(
      rows.map((row) => row[i] as Expression),
      `column ${i + 1} of VALUES`,
    );
    const type: DataType = unified.type.kind === 'null' ? UTF8 : unified.type;
    return { type, expressions: unified.expressions.map((expression) => castTo(expression, type)) };
  });
  const output = columns.map(({ type, expressions }, i) => ({
    id: context.nextId(),
    name: `column${i + 1}`,
    type,
    nullable: expressions.some((expression) => expression.nullable),
  }));
  const plan: LogicalPlan = {
    kind: 'values',
    rows: rows.map((_, r) => columns.map((column) => column.expressions[r] as Expression)),
    output,
  };
  return { plan, columns: output, ordered: false };
}

// ---- set operations ----

function bindSetOperation(body: SetOperation, environment: QueryEnvironment): BoundQuery {
  const parts = body.operator === 'union' ? unionParts(body) : [body.left, body.right];
  const bound = parts.map((part) => bindBody(part, environment));
  const aligned = body.byName ? alignByName(bound, body, environment) : bound;
  const [first, ...rest] = aligned;
  if (!first) throw new DbError('internal', 'a set operation without inputs', { position: body.position });
  const uneven = rest.find((each) => each.columns.length !== first.columns.length);
  if (uneven) {
    throw new DbError('type_mismatch', `${body.operator.toUpperCase()} of ${first.columns.length} and ${uneven.columns.length} columns`, {
      position: body.right.position,
    });
  }
  const types = first.columns.map((_, i) =>
    columnType(
      aligned.map((each) => literalOrColumn(each, i)),
      body,
    ),
  );
  const inputs = aligned.map((each) => castColumns(each, types, environment.context, body.right.position));
  const otherNames = first.columns.map((_, i) => namesOf(aligned, i));
  if (body.operator !== 'union') {
    return { ...combine(body, inputs[0] as LogicalPlan, inputs[1] as LogicalPlan, environment.context), otherNames };
  }
  const output = first.columns.map((column, i) => ({
    id: environment.context.nextId(),
    name: column.name,
    type: types[i] as DataType,
    nullable: inputs.some((input) => input.output[i]?.nullable ?? true),
  }));
  const union: LogicalPlan = { kind: 'union', inputs, output };
  return { plan: body.all ? union : distinctPlan(union), columns: output, ordered: false, otherNames };
}

function namesOf(bound: readonly BoundQuery[], i: number): readonly string[] {
  return [...new Set(bound.flatMap(({ columns, otherNames }) => [columns[i]?.name.toLowerCase() ?? '', ...(otherNames?.[i] ?? [])]))];
}

/** a UNION ALL b UNION ALL c is one union of three. */
function unionParts(body: SetOperation): readonly QueryBody[] {
  return [body.left, body.right].flatMap((side) => {
    const isSame = side.kind === 'setOperation' && side.operator === 'union' && side.all === body.all && side.byName === body.byName;
    return isSame ? unionParts(side) : [side];
  });
}

/** Text literals adapt to the other columns; where one of them is no value of that type, all become text, as in DuckDB. */
function columnType(values: readonly Expression[], body: SetOperation): DataType {
  const type = commonType(values.map(argumentOf));
  if (!type) {
    const name = values[0]?.kind === 'column' ? values[0].name : '';
    throw new DbError('type_mismatch', `${body.operator.toUpperCase()}: column ${name} has types without a common one`, {
      position: body.right.position,
    });
  }
  if (type.kind === 'null' || values.some((value) => isNoValueOf(value, type))) return UTF8;
  return type;
}

/** The text literal that a column is, or else the column. */
function literalOrColumn({ plan, columns }: BoundQuery, i: number): Expression {
  const column = columns[i] as OutputColumn;
  const isEmpty = plan.kind === 'values' && plan.rows.every((row) => row[i]?.kind === 'literal' && row[i].value === null);
  if (isEmpty) return { ...columnOf(column), type: NULL_TYPE };
  const expression = computedBy(plan, column.id);
  return expression?.kind === 'literal' && isText(expression.type) ? expression : columnOf(column);
}

/** What a column is in the projections on top. */
function computedBy(plan: LogicalPlan, id: number): Expression | undefined {
  if (plan.kind !== 'project') return undefined;
  const expression = plan.expressions[plan.output.findIndex((each) => each.id === id)];
  return expression?.kind === 'column' ? computedBy(plan.input, expression.id) : expression;
}

/** position: where values that do not fit the common type are blamed. */
function castColumns(bound: BoundQuery, types: readonly DataType[], context: BindContext, position: number): LogicalPlan {
  const same =
    bound.columns.length === bound.plan.output.length &&
    bound.columns.every((column, i) => sameType(column.type, types[i] as DataType) && bound.plan.output[i]?.id === column.id);
  if (same) return bound.plan;
  return projectPlan(
    bound.plan,
    bound.columns.map((column, i) => ({
      id: context.nextId(),
      name: column.name,
      expression: castTo({ ...columnOf(column), position }, types[i] as DataType),
    })),
  );
}

/** INTERSECT and EXCEPT keep distinct rows of the left that have, or have not, an equal row on the right; NULL equals NULL. */
function combine(body: SetOperation, left: LogicalPlan, right: LogicalPlan, context: BindContext): BoundQuery {
  const join = body.operator === 'intersect' ? 'semi' : 'anti';
  if (body.all) return combineAll(join, left, right, context);
  const keys = nullSafeKeys(left.output.map((column, i) => [columnOf(column), columnOf(right.output[i] as OutputColumn)] as const));
  const plan = joinPlan(join, distinctPlan(left), right, keys);
  return { plan, columns: plan.output, ordered: false };
}

/** With ALL, the n-th of equal rows on the left meets the n-th on the right. */
function combineAll(join: 'semi' | 'anti', left: LogicalPlan, right: LogicalPlan, context: BindContext): BoundQuery {
  const [a, b] = [left, right].map((input) =>
    numberPlan(
      input,
      input.output.map((column) => columnOf(column)),
      context.nextId(),
    ),
  );
  const pairs = (a as LogicalPlan).output.map(
    (column, i) => [columnOf(column), columnOf((b as LogicalPlan).output[i] as OutputColumn)] as const,
  );
  const plan = pickColumns(joinPlan(join, a as LogicalPlan, b as LogicalPlan, nullSafeKeys(pairs)), left.output);
  return { plan, columns: left.output, ordered: false };
}

/** A name twice in one input would be paired at random; rows that lack columns cannot be equal, so only UNION fills them up. */
function checkNames(bound: readonly BoundQuery[], body: SetOperation): void {
  const names = bound.map((each) => each.columns.map((column) => column.name.toLowerCase()));
  const twice = names.flatMap((own) => own.filter((name, i) => own.indexOf(name) !== i))[0];
  const { position } = body.right;
  if (twice !== undefined) throw new DbError('ambiguous_column', `BY NAME: two columns are called ${twice}`, { position });
  if (body.operator === 'union') return;
  const missing = names.flat().find((name) => !names.every((own) => own.includes(name)));
  if (missing === undefined) return;
  throw new DbError('column_not_found', `${body.operator.toUpperCase()} BY NAME: only one side has a column ${missing}`, { position });
}

/** BY NAME: the columns of all inputs, NULL where an input has none of that name. */
function alignByName(bound: readonly BoundQuery[], body: SetOperation, environment: QueryEnvironment): readonly BoundQuery[] {
  checkNames(bound, body);
  const names = new Map<string, string>();
  for (const each of bound)
    for (const column of each.columns) if (!names.has(column.name.toLowerCase())) names.set(column.name.toLowerCase(), column.name);
  return bound.map((each) => {
    const columns = [...names].map(([key, name]) => {
      const own = each.columns.find((column) => column.name.toLowerCase() === key);
      const missing: Expression = { kind: 'literal', value: null, type: { kind: 'null' }, nullable: true, position: -1 };
      return { id: environment.context.nextId(), name, expression: own ? columnOf(own) : missing };
    });
    const plan = projectPlan(each.plan, columns);
    return { plan, columns: plan.output, ordered: each.ordered };
  });
}

// ---- ORDER BY around a set operation ----

function sorted(bound: BoundQuery, body: QueryBody, order: OrderBy, environment: QueryEnvironment): BoundQuery {
  const keys = order.all
    ? bound.columns.map((column) => sortKeyOf(columnOf(column), order.all as NonNullable<OrderBy['all']>, environment.context))
    : order.items.map((item) => outputKey(item, bound, body, environment));
  const plan = sortPlan(bound.plan, keys);
  const ordered = keys.length > 0 || bound.ordered;
  if (!order.limitBy) return { plan, columns: bound.columns, ordered };
  const { limit, offset } = limitByBounds(order.limitBy, environment);
  const by = order.limitBy.by.map((expression) => outputExpression(expression, 'LIMIT BY', bound, environment));
  return { plan: limitByPlan(plan, by, limit, offset), columns: bound.columns, ordered };
}

/** The result's columns are there to sort by: a position, a name, or an expression over names; and items of the SELECTs that became them. */
function outputKey(item: OrderItem, bound: BoundQuery, body: QueryBody, environment: QueryEnvironment): SortKey {
  const { expression: syntax } = item;
  const names = new Set(bound.columns.map((column) => column.name.toLowerCase()));
  const isOverNames = syntax.kind === 'number' || columnNamesIn(syntax).every((name) => names.has(name));
  const column = isOverNames ? undefined : (columnAt(columnInSelects(syntax, body), bound) ?? namedElsewhere(syntax, bound));
  const expression = column ? columnOf(column, syntax.position) : outputExpression(syntax, 'ORDER BY', bound, environment);
  return sortKeyOf(expression, item, environment.context);
}

/** The column that another of the queries calls so. */
function namedElsewhere(syntax: Syntax, { columns, otherNames }: BoundQuery): OutputColumn | undefined {
  const name = syntax.kind === 'column' && syntax.name.length === 1 ? syntax.name[0]?.name.toLowerCase() : undefined;
  const found = columns.filter((_, i) => name !== undefined && otherNames?.[i]?.includes(name));
  return found.length === 1 ? found[0] : undefined;
}

function columnAt(at: number | string | undefined, { columns }: BoundQuery): OutputColumn | undefined {
  if (typeof at === 'string') return columns.find((column) => column.name.toLowerCase() === at.toLowerCase());
  return at === undefined ? undefined : columns[at];
}

function outputExpression(syntax: Syntax, name: string, bound: BoundQuery, environment: QueryEnvironment): Expression {
  if (syntax.kind === 'number') {
    const column = /^\d+$/.test(syntax.text) ? bound.columns[Number(syntax.text) - 1] : undefined;
    if (!column)
      throw new DbError('column_not_found', `${name} ${syntax.text}: the result has columns 1 to ${bound.columns.length}`, {
        position: syntax.position,
      });
    return columnOf(column, syntax.position);
  }
  const columns = bound.columns.map((column) => ({
    id: column.id,
    name: column.name,
    table: null,
    type: column.type,
    nullable: column.nullable,
    unqualified: true,
  }));
  const { context, outer, commonTables } = environment;
  const clause: Clause = { context, name, scope: new Scope(columns, outer), commonTables, relation: null, aggregates: null };
  return context.bindExpression(syntax, clause);
}
