/** SET a = 1, (b, c) = (2, DEFAULT), (d, e) = (SELECT …). */
import type { ColumnDefinition, TableDefinition } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import { assignmentCast } from '../binder/coercion.js';
import type { Clause } from '../binder/context.js';
import { didYouMean } from '../binder/nearest-name.js';
import { sameName } from '../binder/scope.js';
import type { Expression } from '../plan/expression.js';
import type { QualifiedName } from '../syntax/ast/node.js';
import type { Query, Expression as Syntax } from '../syntax/ast/query.js';
import type { Assignment } from '../syntax/ast/statement.js';
import { defaultOf } from './defaults.js';

/** The new values by index of the column, in the columns' types. `table`: the name that may stand before a column. */
export function bindAssignments(
  assignments: readonly Assignment[],
  definition: TableDefinition,
  table: string | null,
  clause: Clause,
): ReadonlyMap<number, Expression> {
  const values = new Map<number, Expression>();
  for (const assignment of assignments) {
    const syntaxes = assignedValues(assignment, clause);
    assignment.columns.forEach((name, i) => {
      const index = columnIndex(name, definition, table);
      const column = definition.columns[index];
      const syntax = syntaxes[i];
      if (!column || !syntax) throw new DbError('internal', 'an assignment without a value', { position: assignment.position });
      if (values.has(index)) {
        throw new DbError('syntax_error', `column ${column.name} is assigned twice`, { position: name[0]?.position });
      }
      values.set(index, assignedValue(syntax, column, clause));
    });
  }
  return values;
}

/** DEFAULT, or an expression in the type of the column. */
export function assignedValue(syntax: Syntax, column: ColumnDefinition, clause: Clause): Expression {
  if (syntax.kind === 'default') return defaultOf(column, clause.context, syntax.position);
  return assignmentCast(clause.context.bindExpression(syntax, clause), column.type, column.name);
}

/** One value per column that is assigned to. */
function assignedValues(assignment: Assignment, clause: Clause): readonly Syntax[] {
  const { columns, value } = assignment;
  if (columns.length === 1) return [value.kind === 'row' && value.items.length === 1 ? (value.items[0] ?? value) : value];
  if (value.kind === 'row') {
    if (value.items.length !== columns.length) throw unevenAssignment(columns.length, value.items.length, value);
    return value.items;
  }
  if (value.kind === 'subquery') return columnsOfSubquery(value.query, columns.length, clause);
  throw unevenAssignment(columns.length, 1, value);
}

function unevenAssignment(columns: number, values: number, at: Syntax): DbError {
  return new DbError('type_mismatch', `${columns} columns are assigned ${values} value${values === 1 ? '' : 's'}`, {
    position: at.position,
  });
}

/** The query once per column, each time as a subquery of that column alone. */
function columnsOfSubquery(query: Query, count: number, clause: Clause): readonly Syntax[] {
  const { position, end } = query;
  const found = clause.context.bindQuery(query, clause.context, clause.scope, clause.commonTables).columns.length;
  if (found !== count) throw unevenAssignment(count, found, { kind: 'subquery', query, position, end });
  const names = Array.from({ length: count }, (_, i) => ({ name: `column${i + 1}`, quoted: true, position }));
  const alias = { name: { name: 'assigned', quoted: true, position }, columns: names };
  return names.map((name): Syntax => {
    const column = { kind: 'column' as const, name: [name], position, end };
    const select = {
      kind: 'select' as const,
      mayChooseColumns: false,
      distinct: false,
      distinctOn: [],
      items: [{ expression: column, alias: null, position, end }],
      from: [{ kind: 'derived' as const, query, alias, lateral: false, timestamp: null, sample: null, position, end }],
      where: null,
      groupBy: null,
      having: null,
      windows: [],
      qualify: null,
      latestOn: null,
      sampleBy: null,
      sample: null,
      position,
      end,
    };
    const single: Query = {
      kind: 'query',
      with: null,
      body: select,
      orderBy: [],
      orderByAll: null,
      limit: null,
      limitBy: null,
      position,
      end,
    };
    return { kind: 'subquery', query: single, position, end };
  });
}

function columnIndex(name: QualifiedName, definition: TableDefinition, table: string | null): number {
  const own = name.at(-1)?.name ?? '';
  const qualifier = name.length > 1 ? name.at(-2) : undefined;
  const index = qualifier && !sameName(table, qualifier.name) ? -1 : definition.columns.findIndex((column) => sameName(column.name, own));
  if (index >= 0) return index;
  throw new DbError('column_not_found', `table ${definition.name} has no column ${name.map((part) => part.name).join('.')}`, {
    position: name[0]?.position,
    hint: didYouMean(
      own,
      definition.columns.map((column) => column.name),
    ),
  });
}
