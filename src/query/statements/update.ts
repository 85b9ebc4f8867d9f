/** UPDATE: the old rows are deleted and the new ones appended, in one transaction. */
import { bindFrom } from '../binder/bind-from.js';
import { bindWhereConjuncts } from '../binder/bind-subquery.js';
import { coerceBool } from '../binder/coercion.js';
import { tablesAround } from '../binder/common-tables.js';
import type { BindContext, Clause, CommonTables } from '../binder/context.js';
import { columnOf, conjunction } from '../binder/expressions.js';
import { filterPlan, joinPlan } from '../binder/plans.js';
import { Relation } from '../binder/relation.js';
import { Scope, type ScopeColumn } from '../binder/scope.js';
import { keysOf } from '../constraints/enforce.js';
import type { LogicalPlan } from '../plan/logical.js';
import type { Expression as Syntax } from '../syntax/ast/query.js';
import type { Update } from '../syntax/ast/statement.js';
import type { TableReference } from '../syntax/ast/table.js';
import { bindAssignments } from './assignments.js';
import { type ChangePlan, changePlan } from './change-plan.js';
import { bindTarget, type ChangeTarget, checkTargetAlias } from './change-target.js';
import { runChange } from './run-change.js';
import type { StatementContext, StatementOutcome } from './statement.js';

export function update(statement: Update, context: StatementContext): Promise<StatementOutcome> {
  return runChange('update', statement, (bind) => updatePlan(statement, bind, context), context);
}

export function updatePlan(statement: Update, bind: BindContext, context: StatementContext): ChangePlan {
  const commonTables = tablesAround(statement, bind);
  const target = bindTarget(statement, bind);
  const { definition } = target.table.table;
  const found = rowsOfTarget(target, statement.from, statement.where, commonTables, bind);
  const relation = new Relation();
  const clause: Clause = {
    context: bind,
    name: 'SET',
    scope: new Scope([...target.columns, ...found.others], null),
    commonTables,
    relation,
    aggregates: null,
  };
  const alias = target.columns[0]?.table ?? null;
  const assigned = bindAssignments(statement.assignments, definition, alias, clause);
  const values = target.scan.output.slice(0, definition.columns.length).map((column, i) => assigned.get(i) ?? columnOf(column));
  const parts = {
    table: target.table,
    input: relation.settle(found.plan),
    rowIds: target.rowIds,
    action: null,
    kind: 'update',
    values,
    returning: statement.returning,
    others: found.others,
    alias,
    commonTables,
    namedTwice: 'once',
    keys: keysOf(definition).some((key) => key.columns.some((index) => assigned.has(index))) ? 'refuse' : 'unchanged',
  } as const;
  return changePlan(parts, bind, context);
}

export interface FoundRows {
  readonly plan: LogicalPlan;
  /** Columns of the other tables. */
  readonly others: readonly ScopeColumn[];
}

/** Rows of the target that WHERE keeps, next to those of the other tables; a row of the target may come several times. */
export function rowsOfTarget(
  target: ChangeTarget,
  from: readonly TableReference[],
  where: Syntax | null,
  commonTables: CommonTables,
  bind: BindContext,
): FoundRows {
  let plan: LogicalPlan = target.scan;
  let others: readonly ScopeColumn[] = [];
  const [first] = from;
  if (first) {
    const other = bindFrom(from, { context: bind, outer: null, commonTables });
    checkTargetAlias(target, other, first.position);
    plan = joinPlan('cross', plan, other.plan);
    others = other.columns;
  }
  if (where === null) return { plan, others };
  const relation = new Relation();
  const scope = new Scope([...target.columns, ...others], null);
  const parts = bindWhereConjuncts(where, { context: bind, name: 'WHERE', scope, commonTables, relation, aggregates: null });
  const condition = conjunction(parts.map((part) => coerceBool(part, 'WHERE')));
  return { plan: filterPlan(relation.settle(plan), condition), others };
}
