/** generate_series (closed interval) and range (half-open). */
import { DbError } from '../../core/errors.js';
import { type DataType, INT64, INTERVAL, isInteger, TIMESTAMP_US, typeName } from '../../core/types.js';
import { commonType } from '../functions/types.js';
import { columnsOf, type Expression } from '../plan/expression.js';
import type { LogicalPlan } from '../plan/logical.js';
import type { FunctionCall } from '../syntax/ast/query.js';
import { argumentOf, coerce } from './coercion.js';
import type { Clause, FromClause } from './context.js';
import { intLiteral } from './expressions.js';
import { pickColumns, unnestPlan } from './plans.js';
import { Relation } from './relation.js';
import { scalarCall } from './scalar-call.js';
import { Scope } from './scope.js';

/** The bounds of a series, converted to its type. */
interface SeriesBounds {
  readonly type: DataType;
  readonly args: readonly [start: Expression, stop: Expression, step: Expression];
}

/** A series of constants is a source of its own; one that reads columns is a list per row. */
export function bindSeries(call: FunctionCall, clause: FromClause): LogicalPlan {
  const { context } = clause;
  const name = call.name.at(-1)?.name.toLowerCase() ?? '';
  const { args: bound, input } = bindArguments(call, clause);
  const { type, args } = seriesBounds(name, bound, call.position);
  const output = { id: context.nextId(), name, type, nullable: false };
  if (args.some((arg) => columnsOf(arg).size > 0)) {
    return pickColumns(unnestPlan(input, [context.call(name, args, call.position)], [output]), [output]);
  }
  const [start, stop, step] = args;
  return { kind: 'series', start, stop, step, inclusive: name === 'generate_series', output: [output] };
}

export const ONE_ROW: LogicalPlan = { kind: 'values', rows: [[]], output: [] };

/** The arguments of a function in FROM, over one row that has the values of the subqueries among them. */
export function bindArguments(
  call: FunctionCall,
  clause: FromClause,
): { readonly args: readonly Expression[]; readonly input: LogicalPlan } {
  const { context, commonTables, outer, lateral } = clause;
  const relation = new Relation();
  const name = `${call.name.at(-1)?.name.toLowerCase() ?? ''}(…)`;
  const inner: Clause = { context, name, scope: lateral ?? new Scope([], outer), commonTables, relation, aggregates: null };
  const args = call.arguments.map((argument) => context.bindExpression(argument.value, inner));
  return { args, input: relation.settle(ONE_ROW) };
}

/** A series as a list, for where one value is wanted. */
export function seriesList(name: string, bound: readonly Expression[], position: number): Expression {
  return scalarCall(name, seriesBounds(name, bound, position).args, position);
}

function seriesBounds(name: string, args: readonly Expression[], position: number): SeriesBounds {
  if (args.length < 1 || args.length > 3) throw new DbError('function_not_found', `${name} takes start, stop and step`, { position });
  const [start, stop] = args.length === 1 ? [intLiteral(0n), args[0] as Expression] : [args[0] as Expression, args[1] as Expression];
  const type = elementType(start, stop, name, position);
  const step = args[2] ?? intLiteral(1n);
  if (type.kind === 'timestamp' && args.length < 3)
    throw new DbError('function_not_found', `${name} over timestamps needs a step`, { position, hint: "INTERVAL '1 hour', for example" });
  return {
    type,
    args: [
      coerce(start, type, 'the start'),
      coerce(stop, type, 'the stop'),
      coerce(step, type.kind === 'timestamp' ? INTERVAL : INT64, 'the step'),
    ],
  };
}

function elementType(start: Expression, stop: Expression, name: string, position: number): DataType {
  const common = commonType([start, stop].map(argumentOf));
  if (common && isInteger(common)) return INT64;
  if (common?.kind === 'timestamp') return common;
  if (common?.kind === 'date32' || common?.kind === 'utf8') return TIMESTAMP_US;
  const odd = [start, stop].find(({ type }) => !isInteger(type)) ?? start;
  throw new DbError('type_mismatch', `${name} counts integers or timestamps, not ${typeName(odd.type)}`, {
    position: (odd.position ?? -1) >= 0 ? odd.position : position,
  });
}
