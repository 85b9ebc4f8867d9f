/** Functions that give a set: in a SELECT list unnest and generate_series give rows; generate_series and range elsewhere are lists. */
import { DbError } from '../../core/errors.js';
import type { Expression } from '../plan/expression.js';
import type { FunctionCall } from '../syntax/ast/query.js';
import { seriesList } from './bind-series.js';
import { listOperand, SETS, subscriptsList } from './bind-table-function.js';
import type { Clause } from './context.js';

type ListOf = (args: readonly Expression[], position: number) => Expression;

const LISTS: ReadonlyMap<string, ListOf> = new Map(
  Object.entries<ListOf>({
    unnest: ([list, ...more], position) => {
      if (!list || more.length > 0) throw new DbError('function_not_found', 'unnest takes one list here', { position });
      return listOperand(list, 'unnest');
    },
    generate_subscripts: subscriptsList,
    generate_series: (args, position) => seriesList('generate_series', args, position),
    range: (args, position) => seriesList('range', args, position),
    ...SETS,
  }),
);

/** The functions that are a list of their own where no rows can be. */
const ALSO_LISTS: ReadonlySet<string> = new Set(['generate_series', 'range']);

export function isSetFunction(name: string): boolean {
  return LISTS.has(name);
}

export function bindSetFunction(name: string, syntax: FunctionCall, clause: Clause): Expression | undefined {
  const listOf = LISTS.get(name);
  if (!listOf) return undefined;
  const { unnests, context } = clause;
  const inner: Clause = { ...clause, unnests: null };
  const args = syntax.arguments.map((argument) => context.bindExpression(argument.value, inner));
  const list = listOf(args, syntax.position);
  if (name === 'range' || (!unnests && ALSO_LISTS.has(name))) return list;
  if (!unnests) {
    throw new DbError('invalid_argument', `${name} gives rows; it may not stand in ${clause.name}`, {
      position: syntax.position,
      hint: 'let it stand in FROM or in the SELECT list',
    });
  }
  return unnests.add(list, name, syntax.position);
}
