/** What a data statement does, as one plan: which rows are deleted, which are appended, what RETURNING tells of each. */
import type { ColumnDefinition, TableDefinition, TableSnapshot } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import { INT32, type Schema } from '../../core/types.js';
import type { BindContext, Clause, CommonTables } from '../binder/context.js';
import { columnOf } from '../binder/expressions.js';
import { projectPlan } from '../binder/plans.js';
import { Relation } from '../binder/relation.js';
import { Scope, type ScopeColumn } from '../binder/scope.js';
import { bindItems } from '../binder/select-items.js';
import type { KeyRule } from '../constraints/enforce.js';
import type { Expression } from '../plan/expression.js';
import type { LogicalPlan, OutputColumn } from '../plan/logical.js';
import type { SelectItem } from '../syntax/ast/query.js';
import { optimizePlan } from './run-plan.js';
import type { StatementContext } from './statement.js';

/** What is done with a row of the plan; INSERT and UPDATE append its values, UPDATE and DELETE delete the row that it names. */
export const ACTION = { insert: 0, update: 1, delete: 2 } as const;

export type ActionKind = keyof typeof ACTION;

export interface ChangePlan {
  readonly table: TableSnapshot;
  /** Output: [segment, row] if hasRowIds, [action] if hasAction, the values, what RETURNING gives. */
  readonly plan: LogicalPlan;
  /** Index of the segment and row in it, both int32; NULL in rows that name none. */
  readonly hasRowIds: boolean;
  /** int32 of ACTION. */
  readonly hasAction: boolean;
  /** What is done with all rows where there is no action column. */
  readonly kind: ActionKind;
  /** Columns that are appended; empty: only deletes. */
  readonly values: readonly ColumnDefinition[];
  /** Null without RETURNING. */
  readonly returned: Schema | null;
  /** A row that is named twice is changed once, or the statement fails. */
  readonly namedTwice: 'once' | 'fail';
  readonly keys: KeyRule;
}

export interface ChangeParts {
  readonly table: TableSnapshot;
  /** Everything that the expressions below read, subqueries joined. */
  readonly input: LogicalPlan;
  readonly rowIds: readonly OutputColumn[];
  readonly action: Expression | null;
  readonly kind: ActionKind;
  /** The new row, one expression per column of the table; null: only deletes. For deleted rows among others their old values. */
  readonly values: readonly Expression[] | null;
  readonly returning: readonly SelectItem[];
  /** Columns of other tables that RETURNING may name. */
  readonly others: readonly ScopeColumn[];
  /** What the target is called in RETURNING. */
  readonly alias: string | null;
  readonly commonTables: CommonTables;
  readonly namedTwice: ChangePlan['namedTwice'];
  readonly keys: ChangePlan['keys'];
}

export function changePlan(parts: ChangeParts, bind: BindContext, context: StatementContext): ChangePlan {
  const { table, rowIds, action, kind, namedTwice, keys, values } = parts;
  const { definition } = table.table;
  const made = newRows(parts, definition, bind);
  const result = parts.returning.length === 0 ? null : returnedColumns(parts, made, bind);
  const plan = result?.plan ?? projectPlan(made.plan, passed([...made.control, ...made.values]));
  return {
    table,
    plan: optimizePlan(plan, bind, context),
    hasRowIds: rowIds.length > 0,
    hasAction: action !== null,
    kind,
    values: values === null ? [] : definition.columns,
    returned: result?.schema ?? null,
    namedTwice,
    keys,
  };
}

interface NewRows {
  readonly plan: LogicalPlan;
  readonly control: readonly OutputColumn[];
  /** Empty when nothing is appended. */
  readonly values: readonly OutputColumn[];
}

function newRows(parts: ChangeParts, definition: TableDefinition, bind: BindContext): NewRows {
  const { input, rowIds, action, values } = parts;
  const actions = action === null ? [] : [{ id: bind.nextId(), name: 'action', expression: action }];
  const rows = (values ?? []).map((expression, i) => ({ id: bind.nextId(), name: definition.columns[i]?.name ?? '', expression }));
  const plan = projectPlan(input, [...passed(input.output), ...actions, ...rows]);
  const made = plan.output.slice(input.output.length);
  const seen = rowIds.map((column) => input.output.find((each) => each.id === column.id) ?? column);
  return { plan, control: [...seen, ...made.slice(0, actions.length)], values: made.slice(actions.length) };
}

function returnedColumns(parts: ChangeParts, made: NewRows, bind: BindContext): { readonly plan: LogicalPlan; readonly schema: Schema } {
  const { definition } = parts.table.table;
  const shown = made.values.length > 0 ? made.values : parts.input.output.slice(0, definition.columns.length);
  const own = definition.columns.map((column, i): ScopeColumn => {
    const value = shown[i];
    if (!value) throw new DbError('internal', 'a changed row without all its columns');
    return { id: value.id, name: column.name, table: parts.alias, type: column.type, nullable: column.nullable, unqualified: true };
  });
  const relation = new Relation();
  const clause: Clause = {
    context: bind,
    name: 'RETURNING',
    scope: new Scope([...own, ...parts.others], null),
    commonTables: parts.commonTables,
    relation,
    aggregates: null,
  };
  const items = bindItems(parts.returning, clause);
  const plan = projectPlan(relation.settle(made.plan), [
    ...passed([...made.control, ...made.values]),
    ...items.map((item) => ({ id: bind.nextId(), name: item.name, expression: item.expression })),
  ]);
  const fields = plan.output.slice(-items.length).map(({ name, type, nullable }) => ({ name, type, nullable }));
  return { plan, schema: { fields } };
}

function passed(columns: readonly OutputColumn[]) {
  return columns.map((column) => ({ id: column.id, name: column.name, expression: columnOf(column) }));
}

/** An action as a constant of the plan. */
export function actionLiteral(kind: ActionKind): Expression {
  return { kind: 'literal', value: ACTION[kind], type: INT32, nullable: false, position: -1 };
}
