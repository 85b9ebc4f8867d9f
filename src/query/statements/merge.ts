/** MERGE: target and source are joined; of each pair, or lone row, the first WHEN that fits decides what happens. */
import type { ColumnDefinition, TableDefinition } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import { BOOL, INT32 } from '../../core/types.js';
import { coerceBool } from '../binder/coercion.js';
import { tablesAround } from '../binder/common-tables.js';
import type { BindContext, BoundRelation, Clause, CommonTables } from '../binder/context.js';
import { boolLiteral, caseOf, columnOf, conjunction, isNull, literal } from '../binder/expressions.js';
import { filterPlan, joinPlan, projectPlan } from '../binder/plans.js';
import { Relation } from '../binder/relation.js';
import { Scope, type ScopeColumn } from '../binder/scope.js';
import type { Expression } from '../plan/expression.js';
import type { JoinPlan, LogicalPlan, OutputColumn } from '../plan/logical.js';
import type { Merge, MergeAction, MergeClause } from '../syntax/ast/statement.js';
import { assignedValue, bindAssignments } from './assignments.js';
import { ACTION, actionLiteral, type ChangePlan, changePlan } from './change-plan.js';
import { bindTarget, type ChangeTarget, checkTargetAlias } from './change-target.js';
import { defaultOf } from './defaults.js';
import { targetColumns } from './insert-targets.js';
import { runChange } from './run-change.js';
import type { StatementContext, StatementOutcome } from './statement.js';

export function merge(statement: Merge, context: StatementContext): Promise<StatementOutcome> {
  return runChange('update', statement, (bind) => mergePlan(statement, bind, context), context);
}

export function mergePlan(statement: Merge, bind: BindContext, context: StatementContext): ChangePlan {
  return new MergeBinder(statement, bind).plan(context);
}

/** Which sides of the join a WHEN is about. */
const SIDES = {
  matched: { target: true, source: true },
  notMatchedByTarget: { target: false, source: true },
  notMatchedBySource: { target: true, source: false },
} as const satisfies Record<MergeClause['when'], { target: boolean; source: boolean }>;

interface BoundClause {
  readonly condition: Expression;
  readonly action: MergeAction['kind'];
  /** The new row; for DELETE the old one. Empty for DO NOTHING. */
  readonly values: readonly Expression[];
}

class MergeBinder {
  private readonly statement: Merge;
  private readonly bind: BindContext;
  private readonly commonTables: CommonTables;
  private readonly target: ChangeTarget;
  private readonly definition: TableDefinition;
  private readonly source: BoundRelation;
  /** True in rows that have a source. */
  private readonly mark: OutputColumn;
  private readonly relation = new Relation();

  constructor(statement: Merge, bind: BindContext) {
    this.statement = statement;
    this.bind = bind;
    this.commonTables = tablesAround(statement, bind);
    this.target = bindTarget(statement, bind);
    this.definition = this.target.table.table.definition;
    this.source = bind.bindTable(statement.source, { context: bind, outer: null, commonTables: this.commonTables });
    checkTargetAlias(this.target, this.source, statement.source.position);
    this.mark = { id: bind.nextId(), name: 'source', type: BOOL, nullable: true };
  }

  plan(context: StatementContext) {
    const { bind, target, statement } = this;
    const joined = this.join();
    const clauses = statement.clauses.map((clause) => this.bindClause(clause));
    const below = this.relation.settle(joined);
    const chosen: OutputColumn = { id: bind.nextId(), name: 'clause', type: INT32, nullable: true };
    const choice = caseOf(
      clauses.map((clause, i) => [clause.condition, literal(clause.action === 'nothing' ? null : i, INT32)] as const),
      null,
      INT32,
    );
    const passed = below.output.map((column) => ({ id: column.id, name: column.name, expression: columnOf(column) }));
    const decided = projectPlan(below, [...passed, { id: chosen.id, name: chosen.name, expression: choice }]);
    const input = filterPlan(decided, isNull(columnOf(chosen), true));
    const is = (i: number) => bind.call('eq', [columnOf(chosen), literal(i, INT32)], statement.position);
    const perClause = (of: (clause: BoundClause) => Expression | undefined) =>
      clauses.flatMap((clause, i) => {
        const value = of(clause);
        return value === undefined ? [] : [[is(i), value] as const];
      });
    const action = caseOf(
      perClause((clause) => (clause.action === 'nothing' ? undefined : actionLiteral(clause.action))),
      literal(ACTION.delete, INT32),
      INT32,
    );
    const values = this.definition.columns.map((column, c) =>
      caseOf(
        perClause((clause) => clause.values[c]),
        null,
        column.type,
      ),
    );
    const parts = {
      table: target.table,
      input,
      rowIds: target.rowIds,
      action,
      kind: 'update',
      values,
      returning: statement.returning,
      others: this.scopeColumns(this.source.columns),
      alias: target.columns[0]?.table ?? null,
      commonTables: this.commonTables,
      namedTwice: 'fail',
      keys: 'refuse',
    } as const;
    return changePlan(parts, bind, context);
  }

  private join(): LogicalPlan {
    const { statement, source, target, bind } = this;
    const wants = (when: MergeClause['when']) => statement.clauses.some((clause) => clause.when === when);
    const loneSource = wants('notMatchedByTarget');
    const loneTarget = wants('notMatchedBySource');
    const kind: JoinPlan['join'] = loneSource ? (loneTarget ? 'full' : 'right') : loneTarget ? 'left' : 'inner';
    const scope = new Scope([...target.columns, ...source.columns], null);
    const clause = { context: bind, name: 'ON', scope, commonTables: this.commonTables, relation: null, aggregates: null };
    const condition = coerceBool(bind.bindExpression(statement.on, clause), 'ON');
    const passed = source.plan.output.map((column) => ({ id: column.id, name: column.name, expression: columnOf(column) }));
    const marked = projectPlan(source.plan, [...passed, { id: this.mark.id, name: this.mark.name, expression: boolLiteral(true) }]);
    return joinPlan(kind, target.scan, marked, [], condition);
  }

  private bindClause(syntax: MergeClause): BoundClause {
    const { bind } = this;
    const sides = SIDES[syntax.when];
    const columns = [
      ...(sides.target ? this.scopeColumns(this.target.columns) : []),
      ...(sides.source ? this.scopeColumns(this.source.columns) : []),
    ];
    const clause = (name: string): Clause => {
      const scope = new Scope(columns, null);
      return { context: bind, name, scope, commonTables: this.commonTables, relation: this.relation, aggregates: null };
    };
    const segment = this.target.rowIds[0];
    if (!segment) throw new DbError('internal', 'a target without row ids');
    const present = (column: OutputColumn, is: boolean) => isNull(columnOf({ ...column, nullable: true }), is);
    const written = syntax.condition === null ? [] : [coerceBool(bind.bindExpression(syntax.condition, clause('WHEN')), 'WHEN')];
    const condition = conjunction([present(segment, sides.target), present(this.mark, sides.source), ...written]);
    return { condition, action: syntax.action.kind, values: this.valuesOf(syntax, sides.target, clause('THEN')) };
  }

  /** The join makes columns of either side nullable. */
  private scopeColumns(columns: readonly ScopeColumn[]): readonly ScopeColumn[] {
    return columns.map((column) => ({ ...column, nullable: true }));
  }

  private valuesOf(syntax: MergeClause, hasTarget: boolean, clause: Clause): readonly Expression[] {
    const { action } = syntax;
    const { columns } = this.definition;
    if ((action.kind === 'insert') === hasTarget && action.kind !== 'nothing') {
      const what = action.kind.toUpperCase();
      throw new DbError('syntax_error', `${what} is no action for WHEN ${hasTarget ? '' : 'NOT '}MATCHED here`, {
        position: syntax.position,
      });
    }
    const old = this.target.scan.output.slice(0, columns.length).map((column) => columnOf({ ...column, nullable: true }));
    switch (action.kind) {
      case 'nothing':
        return [];
      case 'delete':
        return old;
      case 'update': {
        const alias = this.target.columns[0]?.table ?? null;
        const assigned = bindAssignments(action.assignments, this.definition, alias, clause);
        return old.map((value, i) => assigned.get(i) ?? value);
      }
      case 'insert':
        return this.insertedRow(action, syntax.position, clause);
    }
  }

  private insertedRow(action: Extract<MergeAction, { kind: 'insert' }>, position: number, clause: Clause): readonly Expression[] {
    const { bind, definition } = this;
    const written = action.values ?? [];
    const targets = action.values === null ? [] : targetColumns(action.columns, definition, written.length, position);
    return definition.columns.map((column: ColumnDefinition) => {
      const value = written[targets.indexOf(column)];
      return value === undefined ? defaultOf(column, bind, position) : assignedValue(value, column, clause);
    });
  }
}
