/** A query: WITH, set operations, VALUES, and the ORDER BY and LIMIT around them. */
import { DbError } from '../../core/errors.js';
import { type DataType, sameType, UTF8 } from '../../core/types.js';
import { commonType } from '../functions/types.js';
import type { Expression } from '../plan/expression.js';
import type { LogicalPlan, OutputColumn, SortKey } from '../plan/logical.js';
import type { OrderItem, Query, QueryBody, SetOperation, Expression as Syntax, Values, WithClause } from '../syntax/ast/query.js';
import { bindSortKey, sortKeyOf } from './bind-call.js';
import { bindSelect, type OrderBy } from './bind-select.js';
import { argumentOf, castTo, unify } from './coercion.js';
import { type BindContext, type BoundQuery, type Clause, type CommonTableBinding, type CommonTables, unsupported } from './context.js';
import { columnOf } from './expressions.js';
import { applyLimit } from './limit.js';
import { distinctPlan, joinPlan, nullSafeKeys, projectPlan, sortPlan } from './plans.js';
import { Scope } from './scope.js';

export function bindQuery(query: Query, context: BindContext, outer: Scope | null, visible: CommonTables): BoundQuery {
  const commonTables = query.with ? withCommonTables(query.with, visible) : visible;
  if (query.limitBy) throw unsupported('LIMIT … BY', query.limitBy.position);
  const order: OrderBy = { items: query.orderBy, all: query.orderByAll };
  const inner: QueryEnvironment = { context, outer, commonTables };
  const bound =
    query.body.kind === 'select'
      ? bindSelect(query.body, order, context, outer, commonTables)
      : sorted(bindBody(query.body, inner), order, inner);
  return query.limit ? applyLimit(bound, query.limit, context, outer) : bound;
}

interface QueryEnvironment {
  readonly context: BindContext;
  readonly outer: Scope | null;
  readonly commonTables: CommonTables;
}

export function withCommonTables(clause: WithClause, visible: CommonTables): CommonTables {
  const tables = new Map<string, CommonTableBinding>(visible);
  for (const entry of clause.entries) {
    const name = entry.name.name.toLowerCase();
    if (clause.recursive && mentions(entry.query, name)) throw unsupported('WITH RECURSIVE', entry.position);
    tables.set(name, {
      name: entry.name.name,
      columns: entry.columns.map((column) => column.name),
      query: entry.query,
      visible: new Map(tables),
    });
  }
  return tables;
}

/** True when a table of this name occurs anywhere in the tree. */
function mentions(node: unknown, name: string): boolean {
  if (typeof node !== 'object' || node === null) return false;
  if (Array.isArray(node)) return node.some((each) => mentions(each, name));
  const tree = node as { kind?: unknown; name?: unknown };
  if (tree.kind === 'table' && Array.isArray(tree.name) && tree.name.length === 1) {
    const [part] = tree.name as { name: string }[];
    if (part?.name.toLowerCase() === name) return true;
  }
  return Object.values(node).some((each) => mentions(each, name));
}

function bindBody(body: QueryBody, environment: QueryEnvironment): BoundQuery {
  const { context, outer, commonTables } = environment;
  switch (body.kind) {
    case 'query':
      return bindQuery(body, context, outer, commonTables);
    case 'select':
      return bindSelect(body, { items: [], all: null }, context, outer, commonTables);
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
  const aligned = body.byName ? alignByName(bound, environment) : bound;
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
      aligned.map((each) => each.columns[i] as OutputColumn),
      body,
    ),
  );
  const inputs = aligned.map((each) => castColumns(each, types, environment.context));
  if (body.operator !== 'union') return combine(body, inputs[0] as LogicalPlan, inputs[1] as LogicalPlan);
  const output = first.columns.map((column, i) => ({
    id: environment.context.nextId(),
    name: column.name,
    type: types[i] as DataType,
    nullable: inputs.some((input) => input.output[i]?.nullable ?? true),
  }));
  const union: LogicalPlan = { kind: 'union', inputs, output };
  return { plan: body.all ? union : distinctPlan(union), columns: output, ordered: false };
}

/** a UNION ALL b UNION ALL c is one union of three. */
function unionParts(body: SetOperation): readonly QueryBody[] {
  const left = body.left;
  const nested = left.kind === 'setOperation' && left.operator === 'union' && left.all === body.all && left.byName === body.byName;
  return nested ? [...unionParts(left), body.right] : [left, body.right];
}

function columnType(columns: readonly OutputColumn[], body: SetOperation): DataType {
  const type = commonType(columns.map((column) => argumentOf(columnOf(column))));
  if (!type) {
    throw new DbError('type_mismatch', `${body.operator.toUpperCase()}: column ${columns[0]?.name ?? ''} has types without a common one`, {
      position: body.right.position,
    });
  }
  return type.kind === 'null' ? UTF8 : type;
}

function castColumns(bound: BoundQuery, types: readonly DataType[], context: BindContext): LogicalPlan {
  const same =
    bound.columns.length === bound.plan.output.length &&
    bound.columns.every((column, i) => sameType(column.type, types[i] as DataType) && bound.plan.output[i]?.id === column.id);
  if (same) return bound.plan;
  return projectPlan(
    bound.plan,
    bound.columns.map((column, i) => ({
      id: context.nextId(),
      name: column.name,
      expression: castTo(columnOf(column), types[i] as DataType),
    })),
  );
}

/** INTERSECT and EXCEPT keep distinct rows of the left that have, or have not, an equal row on the right; NULL equals NULL. */
function combine(body: SetOperation, left: LogicalPlan, right: LogicalPlan): BoundQuery {
  const name = body.operator.toUpperCase();
  if (body.all) throw unsupported(`${name} ALL`, body.position);
  const keys = nullSafeKeys(left.output.map((column, i) => [columnOf(column), columnOf(right.output[i] as OutputColumn)] as const));
  const plan = joinPlan(body.operator === 'intersect' ? 'semi' : 'anti', distinctPlan(left), right, keys);
  return { plan, columns: plan.output, ordered: false };
}

/** BY NAME: the columns of all inputs, NULL where an input has none of that name. */
function alignByName(bound: readonly BoundQuery[], environment: QueryEnvironment): readonly BoundQuery[] {
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

function sorted(bound: BoundQuery, order: OrderBy, environment: QueryEnvironment): BoundQuery {
  const keys = order.all
    ? bound.columns.map((column) => sortKeyOf(columnOf(column), order.all as NonNullable<OrderBy['all']>))
    : order.items.map((item) => outputKey(item, bound, environment));
  if (keys.length === 0) return bound;
  return { plan: sortPlan(bound.plan, keys), columns: bound.columns, ordered: true };
}

/** Only the result's columns are there to sort by: a position, a name, or an expression over names. */
function outputKey(item: OrderItem, bound: BoundQuery, environment: QueryEnvironment): SortKey {
  const syntax: Syntax = item.expression;
  if (syntax.kind === 'number') {
    const column = /^\d+$/.test(syntax.text) ? bound.columns[Number(syntax.text) - 1] : undefined;
    if (!column)
      throw new DbError('column_not_found', `ORDER BY ${syntax.text}: the result has columns 1 to ${bound.columns.length}`, {
        position: syntax.position,
      });
    return sortKeyOf(columnOf(column, syntax.position), item);
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
  return bindSortKey(item, { context, name: 'ORDER BY', scope: new Scope(columns, outer), commonTables, relation: null, aggregates: null });
}
