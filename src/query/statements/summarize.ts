/** SUMMARIZE: a row of figures for each column of a table or query, all computed in one pass. */
import type { Value } from '../../core/batch.js';
import { type DataType, INT64, isNumeric, type Schema, typeName, UTF8 } from '../../core/types.js';
import { valueAt } from '../../core/values.js';
import { resolveAggregate } from '../aggregates/registry.js';
import type { TableColumn } from '../catalog/system-table.js';
import type { Identifier } from '../syntax/ast/node.js';
import type { Query } from '../syntax/ast/query.js';
import type { Summarize } from '../syntax/ast/statement.js';
import type { TableReference } from '../syntax/ast/table.js';
import { parseStatement } from '../syntax/parser.js';
import { describeQuery, runQuery } from './select.js';
import { listing } from './show.js';
import type { StatementContext, StatementOutcome } from './statement.js';

const PERCENT: DataType = { kind: 'decimal', precision: 9, scale: 2 };
const text = (name: string): TableColumn => ({ name, type: UTF8 });

const COLUMNS: readonly TableColumn[] = [
  ...['column_name', 'column_type', 'min', 'max'].map(text),
  { name: 'approx_unique', type: INT64 },
  ...['avg', 'std', 'q25', 'q50', 'q75'].map(text),
  { name: 'count', type: INT64 },
  { name: 'null_percentage', type: PERCENT },
];

export const SUMMARY_SCHEMA: Schema = { fields: COLUMNS.map((column) => ({ ...column, nullable: true })) };

/** What is computed of a column, in the order of the result's columns; `x` is the column. */
const FIGURES: readonly { readonly function: string; readonly sql: string; readonly numbersOnly?: boolean }[] = [
  { function: 'min', sql: 'CAST(min(x) AS TEXT)' },
  { function: 'max', sql: 'CAST(max(x) AS TEXT)' },
  { function: 'approx_count_distinct', sql: 'approx_count_distinct(x)' },
  { function: 'avg', sql: 'CAST(avg(x) AS TEXT)', numbersOnly: true },
  { function: 'stddev_samp', sql: 'CAST(stddev_samp(x) AS TEXT)', numbersOnly: true },
  { function: 'quantile_cont', sql: 'CAST(quantile_cont(x, 0.25) AS TEXT)', numbersOnly: true },
  { function: 'quantile_cont', sql: 'CAST(quantile_cont(x, 0.5) AS TEXT)', numbersOnly: true },
  { function: 'quantile_cont', sql: 'CAST(quantile_cont(x, 0.75) AS TEXT)', numbersOnly: true },
];

export async function summarize(statement: Summarize, context: StatementContext): Promise<StatementOutcome> {
  const source = statement.query ?? wholeTable(statement);
  const { schema } = await describeQuery(source, context);
  const figures = schema.fields.map(({ type }, i) => [
    ...FIGURES.map((figure) => figureSql(figure, type, `c${i + 1}`)),
    `count(c${i + 1})`,
  ]);
  const values = await oneRow(overSource(['count(*)', ...figures.flat()], source, schema), context);
  const total = Number(values[0] ?? 0);
  const width = FIGURES.length + 1;
  const rows = schema.fields.map((field, i) => {
    const own = values.slice(1 + i * width, 1 + (i + 1) * width);
    const present = Number(own[FIGURES.length] ?? 0);
    const missing = total === 0 ? null : BigInt(Math.round((10_000 * (total - present)) / total));
    return [field.name, typeName(field.type), ...own.slice(0, FIGURES.length), BigInt(total), missing];
  });
  return listing({ columns: COLUMNS, rows }, context);
}

function figureSql(figure: (typeof FIGURES)[number], type: DataType, column: string): string {
  const argument = { type, literal: false };
  const args = figure.function === 'quantile_cont' ? [argument, { type: { kind: 'float64' } as const, literal: true }] : [argument];
  const applies = (!figure.numbersOnly || isNumeric(type)) && resolveAggregate(figure.function, args) !== undefined;
  return applies ? figure.sql.replace(/\bx\b/, column) : 'NULL';
}

function wholeTable(statement: Summarize): Query {
  const query = parseStatement('SELECT * FROM t') as Query;
  const { position, end } = statement;
  const name = statement.table ?? [];
  return withFrom(query, { kind: 'table', position: name[0]?.position ?? position, end, name, alias: null, timestamp: null, sample: null });
}

/** The columns of the source are called c1, c2, … in it: names may occur twice. */
function overSource(expressions: readonly string[], source: Query, schema: Schema): Query {
  const query = parseStatement(`SELECT ${expressions.join(', ')} FROM t`) as Query;
  const { position, end } = source;
  const named = (name: string): Identifier => ({ name, quoted: false, position });
  const alias = { name: named('summarized'), columns: schema.fields.map((_, i) => named(`c${i + 1}`)) };
  return withFrom(query, { kind: 'derived', position, end, query: source, lateral: false, alias, timestamp: null, sample: null });
}

function withFrom(query: Query, reference: TableReference): Query {
  return query.body.kind === 'select' ? { ...query, body: { ...query.body, from: [reference] } } : query;
}

async function oneRow(query: Query, context: StatementContext): Promise<readonly Value[]> {
  const values: Value[] = [];
  for await (const batch of (await runQuery(query, context)).batches ?? []) {
    if (batch.rowCount > 0) values.push(...batch.columns.map((vector) => valueAt(context.storage.arena, vector, 0)));
    batch.release();
  }
  return values;
}
