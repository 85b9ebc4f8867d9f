/** UNPIVOT: every row becomes one row for each of the columns that are turned. One scan: the rows are joined with the numbers of the columns. */
import { DbError } from '../../core/errors.js';
import { INT32, UTF8 } from '../../core/types.js';
import type { Expression } from '../plan/expression.js';
import type { LogicalPlan } from '../plan/logical.js';
import type { SelectItem } from '../syntax/ast/query.js';
import type { Unpivot } from '../syntax/ast/table.js';
import { castTo, unify } from './coercion.js';
import type { BoundRelation, Clause, FromClause } from './context.js';
import { caseOf, columnOf, conjunction, isNull, literal, textLiteral } from './expressions.js';
import { filterPlan, joinPlan, projectPlan } from './plans.js';
import { scalarCall } from './scalar-call.js';
import { Scope } from './scope.js';
import { chosenColumns, starColumns } from './select-columns.js';
import { asRelation } from './table-alias.js';

/** What one turned column, or row of columns, gives: its name, and a value for each value column. */
interface Turned {
  readonly name: string;
  readonly values: readonly Expression[];
}

export function bindUnpivot(reference: Unpivot, clause: FromClause): BoundRelation {
  const { context, commonTables, outer } = clause;
  const source = context.bindTable(reference.source, { ...clause, windowJoins: null });
  const scope = new Scope(source.columns, outer);
  const inner: Clause = { context, name: 'UNPIVOT', scope, commonTables, relation: null, aggregates: null };
  const turned = reference.columns.flatMap((item) => turnedBy(item, reference, inner));
  const index = { id: context.nextId(), name: 'index', type: INT32, nullable: false };
  const rows = turned.map((_, i) => [literal(i, INT32)]);
  const joined = joinPlan('cross', source.plan, { kind: 'values', rows, output: [index] });
  const pick = (of: (each: Turned) => Expression, what: string): Expression => {
    const unified = unify(turned.map(of), what);
    const type = unified.type.kind === 'null' ? UTF8 : unified.type;
    const values = unified.expressions.map((value) => castTo(value, type));
    const last = values.at(-1) as Expression;
    if (values.length === 1) return last;
    const branches = values.slice(0, -1).map((value, i) => [scalarCall('eq', [columnOf(index), literal(i, INT32)], -1), value] as const);
    return caseOf(branches, last, type);
  };
  const used = new Set(turned.flatMap((each) => each.values.flatMap((value) => (value.kind === 'column' ? [value.id] : []))));
  const kept = source.columns.filter((column) => !column.synonym && column.unqualified && !used.has(column.id));
  const values = reference.valueColumns.map((column, i) => ({
    id: context.nextId(),
    name: column.name,
    expression: pick((each) => each.values[i] as Expression, `UNPIVOT into ${column.name}`),
  }));
  const name = { id: context.nextId(), name: reference.nameColumn.name, expression: pick((each) => textLiteral(each.name), 'UNPIVOT') };
  const same = kept.map((column) => ({ id: column.id, name: column.name, expression: columnOf(column) }));
  const plan = projectPlan(joined, [...same, name, ...values]);
  return asRelation(withoutNulls(plan, reference), plan.output, reference.alias, null, null, reference.position);
}

/** Rows in which a value is NULL are left away, as in DuckDB, unless INCLUDE NULLS was said. */
function withoutNulls(plan: LogicalPlan, reference: Unpivot): LogicalPlan {
  if (reference.includeNulls) return plan;
  const present = plan.output.slice(-reference.valueColumns.length).map((column) => isNull(columnOf(column), true));
  return filterPlan(plan, conjunction(present));
}

function turnedBy(item: SelectItem, reference: Unpivot, clause: Clause): readonly Turned[] {
  const { expression } = item;
  const bind = (syntax: SelectItem['expression']) => clause.context.bindExpression(syntax, clause);
  const width = reference.valueColumns.length;
  if (expression.kind === 'star' || expression.kind === 'columns') {
    const chosen = expression.kind === 'star' ? starColumns(expression, clause) : chosenColumns(expression, clause);
    if (width !== 1) throw uneven(1, width, item);
    return chosen.map((each) => ({ name: each.name, values: [bind(each.expression)] }));
  }
  const parts = expression.kind === 'row' ? expression.items : [expression];
  if (parts.length !== width) throw uneven(parts.length, width, item);
  const values = parts.map(bind);
  const names = values.map((value, i) => (value.kind === 'column' ? value.name : `column${i + 1}`));
  return [{ name: item.alias?.name ?? names.join('_'), values }];
}

function uneven(given: number, wanted: number, item: SelectItem): DbError {
  return new DbError('type_mismatch', `UNPIVOT turns ${given} columns into ${wanted}`, { position: item.position });
}
