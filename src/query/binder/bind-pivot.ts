/**
 * PIVOT: `t PIVOT (sum(x) FOR c IN (1, 2))` is a grouped query with one filtered aggregate for each value:
 * `SELECT …, sum(x) FILTER (WHERE c IS NOT DISTINCT FROM 1) AS "1", … FROM t GROUP BY …`.
 */
import { DbError } from '../../core/errors.js';
import { isAggregate } from '../aggregates/registry.js';
import type { Column } from '../syntax/ast/literal.js';
import type { FunctionCall, Query, Select, SelectItem, Expression as Syntax } from '../syntax/ast/query.js';
import type { Pivot, PivotColumn, TableReference } from '../syntax/ast/table.js';
import { newCall } from '../syntax/new-call.js';
import type { BoundRelation, FromClause } from './context.js';
import { outputName } from './output-names.js';
import { PivotValuesNeeded } from './pivot-values.js';
import { type ScopeColumn, sameName } from './scope.js';
import { asRelation } from './table-alias.js';

/** Result columns beyond which a PIVOT is surely a mistake. */
const MAX_COLUMNS = 10_000;

/** One value, or combination of values, of what is turned: its name and its condition. */
interface PivotValue {
  readonly name: string;
  readonly conditions: readonly Syntax[];
}

export function bindPivot(reference: Pivot, clause: FromClause): BoundRelation {
  const { context, outer, commonTables } = clause;
  const source = context.bindTable(reference.source, { ...clause, windowJoins: [] });
  const groups = reference.groupBy.length > 0 ? reference.groupBy : otherColumns(reference, source.columns);
  const values = combinations(reference, clause);
  const aggregates = reference.aggregates.length > 0 ? reference.aggregates : [countOfRows(reference)];
  if (values.length * aggregates.length > MAX_COLUMNS) {
    throw new DbError('invalid_argument', `PIVOT would have more than ${MAX_COLUMNS} columns`, { position: reference.position });
  }
  const { position, end } = reference;
  const plain = aggregates.length === 1 && !aggregates[0]?.alias;
  const turned = values.flatMap((value) =>
    aggregates.map((item): SelectItem => {
      const name = plain ? value.name : `${value.name}_${item.alias?.name ?? outputName(item.expression, context.sql)}`;
      return { ...item, expression: filtered(item.expression, value.conditions), alias: { name, quoted: true, position: item.position } };
    }),
  );
  const items = [...groups.map((expression): SelectItem => ({ expression, alias: null, position: expression.position, end })), ...turned];
  const select: Select = {
    ...selectOf(items, reference.source, position, end),
    groupBy: groups.length === 0 ? null : { all: false, items: groups, position, end },
  };
  const query = queryOf(select, null);
  const bound = context.bindQuery(query, context, outer, commonTables);
  return asRelation(bound.plan, bound.columns, reference.alias, null, null, position);
}

function selectOf(items: readonly SelectItem[], source: TableReference, position: number, end: number): Select {
  return {
    kind: 'select',
    mayChooseColumns: true,
    distinct: false,
    distinctOn: [],
    items,
    from: [source],
    where: null,
    sampleBy: null,
    latestOn: null,
    groupBy: null,
    having: null,
    windows: [],
    qualify: null,
    sample: null,
    position,
    end,
  };
}

function queryOf(body: Select, orderByAll: Query['orderByAll']): Query {
  const { position, end } = body;
  return { kind: 'query', with: null, body, orderBy: [], orderByAll, limitBy: null, limit: null, position, end };
}

/** Without GROUP BY: every column that neither the aggregates nor the turned expressions read. */
function otherColumns(reference: Pivot, columns: readonly ScopeColumn[]): readonly Syntax[] {
  const read = [...namesIn(reference.aggregates), ...namesIn(reference.columns.map((column) => column.expressions))];
  const { position, end } = reference;
  return columns
    .filter((column) => !column.synonym && column.unqualified && !read.some((name) => sameName(column.name, name)))
    .map((column): Column => {
      const part = (name: string) => ({ name, quoted: true, position });
      return { kind: 'column', name: column.table === null ? [part(column.name)] : [part(column.table), part(column.name)], position, end };
    });
}

function namesIn(node: unknown): readonly string[] {
  if (typeof node !== 'object' || node === null) return [];
  if (Array.isArray(node)) return node.flatMap(namesIn);
  const column = node as Partial<Column>;
  if (column.kind === 'column') return column.name?.slice(-1).map((part) => part.name) ?? [];
  return Object.values(node).flatMap(namesIn);
}

function combinations(reference: Pivot, clause: FromClause): readonly PivotValue[] {
  let all: readonly PivotValue[] = [{ name: '', conditions: [] }];
  for (const column of reference.columns) {
    const own = valuesOf(column, reference, clause);
    all = all.flatMap((before) =>
      own.map((value) => ({
        name: before.name === '' ? value.name : `${before.name}_${value.name}`,
        conditions: [...before.conditions, ...value.conditions],
      })),
    );
  }
  return all;
}

function valuesOf(column: PivotColumn, reference: Pivot, clause: FromClause): readonly PivotValue[] {
  if (column.values.length === 0) {
    return valuesOfData(column, reference, clause);
  }
  return column.values.map((item) => {
    const { expression: value } = item;
    const parts = column.expressions.length > 1 && value.kind === 'row' ? value.items : [value];
    if (parts.length !== column.expressions.length) {
      throw new DbError('type_mismatch', `PIVOT compares ${column.expressions.length} expressions with ${parts.length} values`, {
        position: value.position,
      });
    }
    const conditions = column.expressions.map((left, i): Syntax => {
      const right = parts[i] as Syntax;
      return { kind: 'distinctFrom', left, right, negated: true, position: right.position, end: right.end };
    });
    return { name: item.alias?.name ?? parts.map((part) => valueName(part, clause)).join('_'), conditions };
  });
}

/** The values that the column has, ascending, or those that a query gives, in its order; NULL is none of them. */
function valuesOfData(column: PivotColumn, reference: Pivot, clause: FromClause): readonly PivotValue[] {
  const { context, commonTables } = clause;
  const { position, end, expressions } = column;
  const { pivots } = context;
  const found = pivots?.found[pivots.asked++];
  if (!found) {
    const { plan } = context.bindQuery(column.query ?? distinctValues(column, reference), context, null, commonTables);
    if (plan.output.length !== expressions.length) {
      throw new DbError('type_mismatch', `PIVOT compares ${expressions.length} expressions with ${plan.output.length} columns`, {
        position,
      });
    }
    throw new PivotValuesNeeded(plan, position);
  }
  return found.map((texts) => ({
    name: texts.join('_'),
    conditions: expressions.map((left, i): Syntax => {
      // A text literal takes the type of what it is compared with.
      const right: Syntax = { kind: 'string', value: texts[i] ?? '', position, end };
      return { kind: 'distinctFrom', left, right, negated: true, position, end };
    }),
  }));
}

/** SELECT DISTINCT the expressions FROM the source ORDER BY all of them. */
function distinctValues({ expressions, position, end }: PivotColumn, { source }: Pivot): Query {
  const items = expressions.map((expression): SelectItem => ({ expression, alias: null, position, end }));
  return queryOf({ ...selectOf(items, source, position, end), distinct: true }, { direction: 'asc', nulls: null });
}

function valueName(value: Syntax, clause: FromClause): string {
  return value.kind === 'string' ? value.value : outputName(value, clause.context.sql);
}

function countOfRows(reference: Pivot): SelectItem {
  const { position, end } = reference;
  const expression = { ...newCall([{ name: 'count', quoted: false, position }], position, end), star: true };
  return { expression, alias: null, position, end };
}

/** The expression with the conditions as FILTER of every aggregate in it. */
function filtered(expression: Syntax, conditions: readonly Syntax[]): Syntax {
  const change = (node: unknown): unknown => {
    if (typeof node !== 'object' || node === null) return node;
    if (Array.isArray(node)) return node.map(change);
    const call = node as Partial<FunctionCall>;
    if (call.kind === 'function' && isAggregate(call.name?.at(-1)?.name ?? '')) {
      const operands = call.filter ? [...conditions, call.filter] : conditions;
      const [first] = operands;
      const { position, end } = expression;
      const filter = operands.length > 1 ? { kind: 'logical', operator: 'and', operands, position, end } : (first ?? null);
      return { ...call, filter };
    }
    return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, change(value)]));
  };
  return change(expression) as Syntax;
}
