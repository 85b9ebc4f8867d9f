/** The rows of an INSERT as a plan: every column of the table, those that are not named with their default. */
import type { ColumnDefinition, TableDefinition } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import type { Schema } from '../../core/types.js';
import { bindWhole } from '../binder/binder.js';
import { assignmentCast } from '../binder/coercion.js';
import { tablesAround } from '../binder/common-tables.js';
import type { BindContext, BoundQuery, Clause } from '../binder/context.js';
import { columnOf } from '../binder/expressions.js';
import { projectPlan } from '../binder/plans.js';
import { Relation } from '../binder/relation.js';
import { Scope } from '../binder/scope.js';
import type { ColumnId, Expression } from '../plan/expression.js';
import type { LogicalPlan } from '../plan/logical.js';
import type { Query, Values } from '../syntax/ast/query.js';
import type { Insert } from '../syntax/ast/statement.js';
import { assignedValue } from './assignments.js';
import { defaultOf } from './defaults.js';
import { unevenRows } from './insert-rows.js';
import { targetColumns } from './insert-targets.js';

/** The VALUES node when nothing stands around it. */
export function plainValues(statement: Insert): Values | null {
  const { source } = statement;
  if (!source || statement.with || source.with || source.orderBy.length > 0 || source.orderByAll || source.limit || source.limitBy)
    return null;
  return source.body.kind === 'values' ? source.body : null;
}

export interface InsertSource {
  readonly plan: LogicalPlan;
  readonly schema: Schema;
}

export function insertSource(statement: Insert, definition: TableDefinition, values: Values | null, bind: BindContext): InsertSource {
  const { columns } = definition;
  if (!statement.source) {
    const row = columns.map((column) => defaultOf(column, bind, statement.position));
    const output = columns.map((column) => ({ id: bind.nextId(), name: column.name, type: column.type, nullable: true }));
    return { plan: { kind: 'values', rows: [row], output }, schema: schemaOf(columns) };
  }
  if (values) return valuesSource(statement, definition, values, bind);
  const query: Query = statement.with ? { ...statement.source, with: mergedWith(statement) } : statement.source;
  const bound = bindWhole(query, bind);
  const targets = statement.byName
    ? columnsByName(bound, statement, definition)
    : targetColumns(statement.columns, definition, bound.columns.length, statement.source?.position);
  const named = targets.map((column, i) => {
    const value = bound.columns[i];
    if (!value) throw new DbError('internal', 'an INSERT target without a value');
    return {
      id: bind.nextId(),
      name: column.name,
      expression: assignmentCast(literalOf(bound.plan, value.id) ?? columnOf(value, statement.source?.position), column.type, column.name),
    };
  });
  const missing = columns.filter((column) => !targets.includes(column));
  const filled = missing.map((column) => ({
    id: bind.nextId(),
    name: column.name,
    expression: defaultOf(column, bind, statement.position),
  }));
  return { plan: projectPlan(bound.plan, [...named, ...filled]), schema: schemaOf([...targets, ...missing]) };
}

/** A text that the SELECT list writes out takes the type of its target, as it does in VALUES. */
function literalOf(plan: LogicalPlan, id: ColumnId): Expression | undefined {
  if (plan.kind === 'sort' || plan.kind === 'limit') return literalOf(plan.input, id);
  if (plan.kind !== 'project') return undefined;
  const expression = plan.expressions[plan.output.findIndex((column) => column.id === id)];
  return expression?.kind === 'literal' ? expression : undefined;
}

function mergedWith(statement: Insert): Query['with'] {
  const inner = statement.source?.with ?? null;
  if (!statement.with || !inner) return statement.with ?? inner;
  return { ...statement.with, entries: [...statement.with.entries, ...inner.entries] };
}

function columnsByName(bound: BoundQuery, statement: Insert, definition: TableDefinition): readonly ColumnDefinition[] {
  return bound.columns.map((value) => {
    const column = definition.columns.find((each) => each.name.toLowerCase() === value.name.toLowerCase());
    if (!column)
      throw new DbError('column_not_found', `table ${definition.name} has no column ${value.name}`, {
        position: statement.source?.position,
      });
    return column;
  });
}

function valuesSource(statement: Insert, definition: TableDefinition, values: Values, bind: BindContext): InsertSource {
  const targets = targetColumns(statement.columns, definition, values.rows[0]?.length ?? 0, statement.source?.position);
  const missing = definition.columns.filter((column) => !targets.includes(column));
  const filled = missing.map((column) => defaultOf(column, bind, statement.position));
  const scope = new Scope([], null);
  const commonTables = tablesAround(statement, bind);
  const rows = values.rows.map((row) => {
    if (row.length !== targets.length) throw unevenRows(targets.length, row, values);
    const relation = new Relation();
    const clause: Clause = { context: bind, name: 'VALUES', scope, commonTables, relation, aggregates: null };
    return { relation, values: [...row.map((syntax, i) => assignedValue(syntax, targets[i] as ColumnDefinition, clause)), ...filled] };
  });
  const all = [...targets, ...missing];
  const output = all.map((column) => ({ id: bind.nextId(), name: column.name, type: column.type, nullable: true }));
  const schema = schemaOf(all);
  if (rows.every((row) => row.relation.isEmpty)) return { plan: { kind: 'values', rows: rows.map((row) => row.values), output }, schema };
  const inputs = rows.map((row) => {
    const columns = row.values.map((expression, i) => ({ id: bind.nextId(), name: all[i]?.name ?? '', expression }));
    return projectPlan(row.relation.settle(ONE_ROW), columns);
  });
  return { plan: { kind: 'union', inputs, output }, schema };
}

/** What values with subqueries are joined to. */
const ONE_ROW: LogicalPlan = { kind: 'values', rows: [[]], output: [] };

function schemaOf(columns: readonly ColumnDefinition[]): Schema {
  return { fields: columns.map(({ name, type }) => ({ name, type, nullable: true })) };
}
