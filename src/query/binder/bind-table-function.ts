/** Functions in FROM: generate_series, range, unnest, generate_subscripts. They may read the tables to their left. */
import { DbError } from '../../core/errors.js';
import { INT64, typeName } from '../../core/types.js';
import { findSystemFunction, SYSTEM_FUNCTION_NAMES } from '../catalog/registry.js';
import type { Expression } from '../plan/expression.js';
import type { LogicalPlan, OutputColumn } from '../plan/logical.js';
import type { FunctionCall } from '../syntax/ast/query.js';
import type { TableFunction } from '../syntax/ast/table.js';
import { bindFileFunction, FILE_FUNCTIONS } from './bind-file.js';
import { bindArguments, bindSeries, seriesList } from './bind-series.js';
import { type BoundRelation, type FromClause, unsupported } from './context.js';
import { intLiteral, textLiteral } from './expressions.js';
import { didYouMean } from './nearest-name.js';
import { pickColumns, unnestPlan } from './plans.js';
import { sampled } from './sample.js';
import { scalarCall } from './scalar-call.js';
import { asRelation } from './table-alias.js';

/** Functions that give the items of a list as rows, by the lists. */
type ListOf = (args: readonly Expression[], position: number) => Expression;

const calledWith =
  (name: string, ...more: readonly string[]): ListOf =>
  (args, position) =>
    scalarCall(name, [...args, ...more.map((each) => textLiteral(each, position))], position);

/** Functions that give one column of rows, and the list of its values. */
export const SETS: Readonly<Record<string, ListOf>> = {
  string_to_table: calledWith('string_to_array'),
  regexp_split_to_table: calledWith('regexp_split_to_array'),
  json_array_elements: calledWith('json_extract', '$[*]'),
  jsonb_array_elements: calledWith('json_extract', '$[*]'),
  json_array_elements_text: calledWith('json_extract_string', '$[*]'),
  jsonb_array_elements_text: calledWith('json_extract_string', '$[*]'),
};

const PAIR = (value: string): Readonly<Record<string, ListOf>> => ({ key: calledWith('json_keys'), value: calledWith(value, '$.*') });

/** Functions that give several columns of rows. */
const PAIRS: Readonly<Record<string, Readonly<Record<string, ListOf>>>> = {
  json_each: PAIR('json_extract'),
  jsonb_each: PAIR('json_extract'),
  json_each_text: PAIR('json_extract_string'),
  jsonb_each_text: PAIR('json_extract_string'),
};

type Binder = (call: FunctionCall, reference: TableFunction, clause: FromClause) => LogicalPlan;

const TABLE_FUNCTIONS: Readonly<Record<string, Binder>> = {
  generate_series: bindSeriesTable,
  range: bindSeriesTable,
  unnest: bindUnnest,
  generate_subscripts: bindSubscripts,
  ...Object.fromEntries([...Object.keys(SETS), ...Object.keys(PAIRS)].map((name) => [name, bindSets])),
};

export function bindTableFunction(reference: TableFunction, clause: FromClause): BoundRelation {
  const name = nameOf(reference.call);
  const system = findSystemFunction(name);
  if (system && reference.call.arguments.length === 0) {
    const plan = clause.context.systemTable(system, clause.context.nextId);
    return asRelation(plan, plan.output, reference.alias, name, null, reference.position);
  }
  if (Object.hasOwn(FILE_FUNCTIONS, name)) {
    const file = bindFileFunction(name, reference.call, clause);
    return asRelation(sampled(file, reference.sample, clause), file.output, reference.alias, name, null, reference.position);
  }
  const bind = TABLE_FUNCTIONS[name];
  const names = [...Object.keys(TABLE_FUNCTIONS), ...Object.keys(FILE_FUNCTIONS), ...SYSTEM_FUNCTION_NAMES];
  if (!bind) throw unsupported(`table function ${name}`, reference.position, didYouMean(name, names) ?? `there are ${names.join(', ')}`);
  const plan = sampled(bind(reference.call, reference, clause), reference.sample, clause);
  const { alias } = reference;
  const [column, ...more] = plan.output;
  const designated = column?.type.kind === 'timestamp' && more.length === 0 ? column : null;
  const aliasOnly = alias && alias.columns.length === 0 && (more.length === 0 || reference.withOrdinality) ? alias.name.name : undefined;
  // As in PostgreSQL, a table alias without column names also names the column; DuckDB's name of it stays usable.
  const named = aliasOnly !== undefined && column ? [{ ...column, name: aliasOnly }, ...more] : plan.output;
  const relation = asRelation(plan, named, alias, name, designated, reference.position);
  const [first] = relation.columns;
  const synonyms = aliasOnly === undefined || !first ? [] : [{ ...first, name: column?.name ?? first.name, synonym: true }];
  return { ...relation, columns: [...relation.columns, ...synonyms] };
}

function nameOf(call: FunctionCall): string {
  return call.name.at(-1)?.name.toLowerCase() ?? '';
}

function bindSeriesTable(call: FunctionCall, reference: TableFunction, clause: FromClause): LogicalPlan {
  if (!reference.withOrdinality) return bindSeries(call, clause);
  const name = nameOf(call);
  const { args, input } = bindArguments(call, clause);
  return unnested(input, [seriesList(name, args, call.position)], [name], true, clause);
}

/** unnest(a, b, …): lists side by side. */
function bindUnnest(call: FunctionCall, reference: TableFunction, clause: FromClause): LogicalPlan {
  const [only, ...more] = call.arguments;
  if (!only) throw new DbError('function_not_found', 'unnest takes lists', { position: call.position });
  const inner = only.value;
  if (more.length === 0 && inner.kind === 'function' && (nameOf(inner) === 'generate_series' || nameOf(inner) === 'range')) {
    return bindSeriesTable(inner, reference, clause);
  }
  const { args, input } = bindArguments(call, clause);
  const lists = args.map((list) => listOperand(list, 'unnest'));
  const names = lists.map((_, i) => (i === 0 ? 'unnest' : `unnest_${i}`));
  return unnested(input, lists, names, reference.withOrdinality, clause);
}

/** A function of SETS or PAIRS. */
function bindSets(call: FunctionCall, reference: TableFunction, clause: FromClause): LogicalPlan {
  const name = nameOf(call);
  const columns = PAIRS[name] ?? { [name]: SETS[name] as ListOf };
  const { args, input } = bindArguments(call, clause);
  const lists = Object.values(columns).map((listOf) => listOperand(listOf(args, call.position), name));
  return unnested(input, lists, Object.keys(columns), reference.withOrdinality, clause);
}

/** The subscripts of a list, from 1. */
function bindSubscripts(call: FunctionCall, reference: TableFunction, clause: FromClause): LogicalPlan {
  const { args, input } = bindArguments(call, clause);
  const list = subscriptsList(args, call.position);
  return unnested(input, [list], ['generate_subscripts'], reference.withOrdinality, clause);
}

export function subscriptsList([list, dimension, ...more]: readonly Expression[], position: number): Expression {
  if (!list || more.length > 0 || (dimension && (dimension.kind !== 'literal' || Number(dimension.value) !== 1))) {
    throw new DbError('function_not_found', 'generate_subscripts takes a list and the dimension 1', { position });
  }
  const length = scalarCall('list_length', [listOperand(list, 'generate_subscripts')], position);
  return seriesList('generate_series', [intLiteral(1n), length], position);
}

export function listOperand(list: Expression, name: string): Expression {
  if (list.type.kind === 'list' || list.type.kind === 'null') return list;
  throw new DbError('type_mismatch', `${name} takes lists, not ${typeName(list.type)}`, { position: list.position });
}

/** The items of lists over the one row that bindArguments gives. */
function unnested(
  input: LogicalPlan,
  lists: readonly Expression[],
  names: readonly string[],
  ordinality: boolean,
  clause: FromClause,
): LogicalPlan {
  const columns: OutputColumn[] = lists.map((list, i) => ({
    id: clause.context.nextId(),
    name: names[i] ?? 'unnest',
    type: list.type.kind === 'list' ? list.type.item.type : list.type,
    nullable: true,
  }));
  if (ordinality) columns.push({ id: clause.context.nextId(), name: 'ordinality', type: INT64, nullable: false });
  return pickColumns(unnestPlan(input, lists, columns, ordinality), columns);
}
