/**
 * WITH: a common table that is used once is bound where it stands; one that is used more often, or MATERIALIZED, or recursive, becomes a relation
 * that is computed once. What reads columns of a query around it cannot be shared and is bound anew.
 */
import { DbError } from '../../core/errors.js';
import { type DataType, sameType, typeName, UTF8 } from '../../core/types.js';
import { commonType } from '../functions/types.js';
import { inputsOf, type LogicalPlan, type OutputColumn, type RecursivePlan } from '../plan/logical.js';
import { freeColumns } from '../plan/traverse.js';
import type { Identifier } from '../syntax/ast/node.js';
import type { CommonTable, Query, SetOperation, WithClause } from '../syntax/ast/query.js';
import type { DataStatement } from '../syntax/ast/statement.js';
import { castTo } from './coercion.js';
import type {
  BindContext,
  BoundQuery,
  CommonQuery,
  CommonTableBinding,
  CommonTables,
  FromClause,
  HeldTable,
  WorkingTable,
} from './context.js';
import { columnOf } from './expressions.js';
import { projectPlan } from './plans.js';
import { checkRecursion, countReferences, namesAllRounds } from './recursive-references.js';
import { renamed } from './table-alias.js';

/** around: the query or statement that the clause belongs to. */
export function withCommonTables(around: object, clause: WithClause, visible: CommonTables): CommonTables {
  checkNames(clause);
  const tables = new Map<string, CommonTableBinding>(visible);
  for (const entry of clause.entries) {
    const { query } = entry;
    if (query.kind !== 'query') {
      throw new DbError('syntax_error', `WITH … ${query.kind.toUpperCase()} stands at the top of a statement only`, {
        position: query.position,
        hint: 'move the WITH to the beginning of the statement',
      });
    }
    tables.set(entry.name.name.toLowerCase(), commonQuery(entry, query, clause, around, tables));
  }
  return tables;
}

/** What INSERT, UPDATE, DELETE and MERGE may name. */
export function tablesAround(statement: DataStatement, { around }: BindContext): CommonTables {
  return statement.with ? withCommonTables(statement, statement.with, around) : around;
}

export function checkNames({ entries }: WithClause): void {
  const names = new Set<string>();
  for (const { name } of entries) {
    const key = name.name.toLowerCase();
    if (names.has(key)) throw new DbError('syntax_error', `WITH names ${name.name} twice`, { position: name.position });
    names.add(key);
  }
}

/** The entry, which is a query, of the clause; `before`: what the query itself may name. */
export function commonQuery(entry: CommonTable, query: Query, clause: WithClause, around: object, before: CommonTables): CommonQuery {
  const name = entry.name.name.toLowerCase();
  const recursive = clause.recursive && countReferences(query, name) > 0;
  if (recursive) checkRecursion(entry, query, name);
  else if (entry.key) throw new DbError('syntax_error', 'USING KEY stands with a recursive query', { position: entry.key[0]?.position });
  return {
    kind: 'query',
    name: entry.name.name,
    columns: entry.columns.map((column) => column.name),
    key: entry.key,
    query,
    visible: new Map(before),
    shared: entry.materialized ?? usesOf(entry, clause.entries.slice(clause.entries.indexOf(entry) + 1), around) > 1,
    recursive,
    position: entry.position,
  };
}

function usesOf(entry: CommonTable, later: readonly CommonTable[], around: object): number {
  if (entry.uses !== null) return entry.uses;
  const rest = { ...around, with: null };
  return countReferences([rest, ...later.map((each) => each.query)], entry.name.name.toLowerCase());
}

/** The rows of a common table where it is used. */
export function bindCommonTable(
  common: CommonTableBinding,
  position: number,
  clause: FromClause,
): { readonly plan: LogicalPlan; readonly columns: readonly OutputColumn[] } {
  const { context } = clause;
  if (common.kind === 'held') return bindHeld(common, position, context);
  if (common.working) return reference(common.working, common.name, context);
  if (!common.shared && !common.recursive) return bindInline(common, position, clause);
  let shared = context.sharedTables.get(common);
  if (!shared) {
    const key = context.nextId();
    const bound = common.recursive
      ? bindRecursive(common, key, clause)
      : context.bindQuery(common.query, context, clause.outer, common.visible);
    if (freeColumns(bound.plan).size > 0) {
      if (common.recursive) return { plan: bound.plan, columns: renamed(bound.columns, common.columns, position) };
      return bindInline(common, position, clause);
    }
    if (readsWorkingTable(bound.plan, context)) return { plan: bound.plan, columns: renamed(bound.columns, common.columns, position) };
    if (!common.recursive && isCheap(bound.plan)) return { plan: bound.plan, columns: renamed(bound.columns, common.columns, position) };
    const columns = renamed(bound.columns, common.columns, common.position);
    context.relations.push({ key, name: common.name, plan: bound.plan });
    shared = { key, columns };
    context.sharedTables.set(common, shared);
  }
  return reference(shared, common.name, context);
}

/** True when the plan reads rows of a round, of a recursion around it: such a relation changes with every round. */
export function readsWorkingTable(plan: LogicalPlan, context: BindContext, own: readonly number[] = []): boolean {
  if (plan.kind === 'reference') return !own.includes(plan.key) && !context.relations.some((relation) => relation.key === plan.key);
  const inner = plan.kind === 'recursive' ? [...own, plan.key, plan.recurring ?? plan.key] : own;
  return inputsOf(plan).some((input) => readsWorkingTable(input, context, inner));
}

function bindHeld(common: HeldTable, position: number, context: BindContext): ReturnType<typeof bindCommonTable> {
  const { name, rows } = common;
  if (!rows) {
    throw new DbError('invalid_argument', `${name} has no RETURNING, so it has no rows to read`, {
      position,
      hint: `add RETURNING to ${name}`,
    });
  }
  const output = rows.fields.map((field) => ({ ...field, id: context.nextId() }));
  const plan: LogicalPlan = { kind: 'file', source: rows, columnIndexes: output.map((_, i) => i), output };
  return { plan, columns: renamed(output, common.columns, common.position) };
}

function bindInline(common: CommonQuery, position: number, clause: FromClause): ReturnType<typeof bindCommonTable> {
  clause.context.countUse(common.name, position);
  const bound = clause.context.bindQuery(common.query, clause.context, clause.outer, common.visible);
  return { plan: bound.plan, columns: renamed(bound.columns, common.columns, position) };
}

/** Stored rows that are only picked from are better read where they are used, where filters prune them. */
function isCheap(plan: LogicalPlan): boolean {
  if (plan.kind === 'scan' || plan.kind === 'values') return true;
  return plan.kind === 'project' && plan.expressions.every((expression) => expression.kind === 'column') && isCheap(plan.input);
}

/** `recurring.t` inside the recursive part of t; undefined elsewhere. */
export function bindRecurring(common: CommonTableBinding, clause: FromClause): ReturnType<typeof bindCommonTable> | undefined {
  return common.kind === 'query' && common.recurring ? reference(common.recurring, common.name, clause.context) : undefined;
}

function reference(table: WorkingTable, name: string, context: BindContext): ReturnType<typeof bindCommonTable> {
  const output = table.columns.map((column) => ({ ...column, id: context.nextId() }));
  return { plan: { kind: 'reference', key: table.key, name, columns: table.columns.map((column) => column.id), output }, columns: output };
}

// ---- recursion ----

/** base UNION [ALL] step: the base gives the names and types; where the step's values are wider, the base is widened to them. */
function bindRecursive(common: CommonQuery, key: number, clause: FromClause): BoundQuery {
  const { context, outer } = clause;
  const body = common.query.body as SetOperation;
  const tables = common.query.with ? withCommonTables(common.query, common.query.with, common.visible) : common.visible;
  const base = context.bindQuery(asQuery(body.left), context, outer, tables);
  const named = renamed(base.columns, common.columns, common.position);
  const recurring = namesAllRounds(body.right, common.name.toLowerCase()) ? context.nextId() : null;
  const keyColumns = common.key?.map((column) => placeOf(column, named)) ?? null;
  let types = named.map((column) => (column.type.kind === 'null' ? UTF8 : column.type));
  for (let attempt = 0; ; attempt++) {
    const columns = named.map((column, i) => ({ ...column, id: context.nextId(), type: types[i] as DataType, nullable: true }));
    const working: CommonQuery = { ...common, working: { key, columns }, recurring: { key: recurring ?? -1, columns } };
    const visible = new Map(tables).set(common.name.toLowerCase(), working);
    const step = context.bindQuery(asQuery(body.right), context, outer, visible);
    if (step.columns.length !== columns.length) {
      throw new DbError('type_mismatch', `UNION of ${columns.length} and ${step.columns.length} columns`, {
        position: body.right.position,
      });
    }
    const wider = columns.map((column, i) => widened(column, step.columns[i] as OutputColumn, body));
    if (wider.every((type, i) => sameType(type, types[i] as DataType))) {
      const plan: RecursivePlan = {
        kind: 'recursive',
        key,
        name: common.name,
        base: castColumns(base, types, context),
        step: castColumns(step, types, context),
        distinct: !body.all,
        keyColumns,
        recurring,
        output: columns,
      };
      return { plan, columns, ordered: false };
    }
    if (attempt === 2) {
      throw new DbError('type_mismatch', `the recursive part of ${common.name} has other types in every round`, {
        position: body.right.position,
        hint: 'cast its columns',
      });
    }
    types = wider;
  }
}

function placeOf(name: Identifier, columns: readonly OutputColumn[]): number {
  const place = columns.findIndex((column) => column.name.toLowerCase() === name.name.toLowerCase());
  if (place >= 0) return place;
  throw new DbError('column_not_found', `USING KEY: no column is called ${name.name}`, { position: name.position });
}

function asQuery(body: SetOperation['left']): Query {
  if (body.kind === 'query') return body;
  const { position, end } = body;
  return { kind: 'query', with: null, body, orderBy: [], orderByAll: null, limitBy: null, limit: null, position, end };
}

function widened(column: OutputColumn, step: OutputColumn, body: SetOperation): DataType {
  const types = [column, step].map(({ type }) => ({ type, literal: false }));
  const type = commonType(types);
  if (type) return type;
  throw new DbError(
    'type_mismatch',
    `column ${column.name} is ${typeName(column.type)} in the first part and ${typeName(step.type)} in the recursive one`,
    { position: body.right.position, hint: 'cast one of them' },
  );
}

function castColumns(bound: BoundQuery, types: readonly DataType[], context: BindContext): LogicalPlan {
  return projectPlan(
    bound.plan,
    bound.columns.map((column, i) => ({
      id: context.nextId(),
      name: column.name,
      expression: castTo(columnOf(column), types[i] as DataType),
    })),
  );
}
