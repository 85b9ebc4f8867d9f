/** Table functions: generate_series (closed interval), range (half-open) and unnest of them. */
import { DbError } from '../../core/errors.js';
import { type DataType, INT64, INTERVAL, isInteger, TIMESTAMP_US, typeName } from '../../core/types.js';
import { commonType } from '../functions/types.js';
import type { Expression } from '../plan/expression.js';
import type { SeriesPlan } from '../plan/logical.js';
import type { FunctionCall, TableFunction } from '../syntax/ast/query.js';
import { argumentOf, coerce } from './coercion.js';
import { type BoundRelation, type Clause, type FromClause, unsupported } from './context.js';
import { intLiteral } from './expressions.js';
import { Scope } from './scope.js';
import { asRelation } from './table-alias.js';

const SERIES = new Set(['generate_series', 'range']);

function isSeries(call: FunctionCall): boolean {
  return SERIES.has(call.name.at(-1)?.name.toLowerCase() ?? '');
}

export function bindTableFunction(reference: TableFunction, clause: FromClause): BoundRelation {
  if (reference.withOrdinality) throw unsupported('WITH ORDINALITY', reference.position);
  if (reference.sample !== null) throw unsupported('TABLESAMPLE', reference.sample.position);
  const [inner] = reference.call.arguments;
  const name = reference.call.name.at(-1)?.name.toLowerCase() ?? '';
  const unnested = name === 'unnest' && inner?.value.kind === 'function' && isSeries(inner.value) ? inner.value : undefined;
  const call = unnested ?? reference.call;
  if (!isSeries(call)) throw unsupported(`table function ${name}`, reference.position, 'generate_series and range are there');
  const plan = bindSeries(call, clause);
  const { alias } = reference;
  const [column] = plan.output;
  const designated = column?.type.kind === 'timestamp' ? column : null;
  const aliasOnly = alias && alias.columns.length === 0 ? alias.name.name : undefined;
  // As in PostgreSQL, a table alias without column names also names the column; DuckDB's name of it stays usable.
  const named = aliasOnly !== undefined && column ? [{ ...column, name: aliasOnly }] : plan.output;
  const relation = asRelation(plan, named, alias, name, designated, reference.position);
  const synonyms =
    aliasOnly === undefined ? [] : relation.columns.map((each) => ({ ...each, name: column?.name ?? each.name, synonym: true }));
  return { ...relation, columns: [...relation.columns, ...synonyms] };
}

function bindSeries(call: FunctionCall, clause: FromClause): SeriesPlan {
  const { context } = clause;
  const name = call.name.at(-1)?.name.toLowerCase() ?? '';
  const inner: Clause = {
    context,
    name: `${name}(…)`,
    scope: new Scope([], clause.outer),
    commonTables: clause.commonTables,
    relation: null,
    aggregates: null,
  };
  const args = call.arguments.map((argument) => context.bindExpression(argument.value, inner));
  if (args.length < 1 || args.length > 3)
    throw new DbError('function_not_found', `${name} takes start, stop and step`, { position: call.position });
  const [start, stop] = args.length === 1 ? [intLiteral(0n), args[0] as Expression] : [args[0] as Expression, args[1] as Expression];
  const type = elementType(start, stop, name);
  const step = args[2] ?? intLiteral(1n);
  if (type.kind === 'timestamp' && args.length < 3)
    throw new DbError('function_not_found', `${name} over timestamps needs a step`, {
      position: call.position,
      hint: "INTERVAL '1 hour', for example",
    });
  const id = context.nextId();
  return {
    kind: 'series',
    start: coerce(start, type, 'the start'),
    stop: coerce(stop, type, 'the stop'),
    step: coerce(step, type.kind === 'timestamp' ? INTERVAL : INT64, 'the step'),
    inclusive: name === 'generate_series',
    output: [{ id, name, type, nullable: false }],
  };
}

function elementType(start: Expression, stop: Expression, name: string): DataType {
  const common = commonType([start, stop].map(argumentOf));
  if (common && isInteger(common)) return INT64;
  if (common?.kind === 'timestamp') return common;
  if (common?.kind === 'date32' || common?.kind === 'utf8') return TIMESTAMP_US;
  throw new DbError('type_mismatch', `${name} counts integers or timestamps, not ${typeName(common ?? start.type)}`, {
    position: start.position,
  });
}
