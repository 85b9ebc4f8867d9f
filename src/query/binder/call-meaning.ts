/** What a name in a call means: every place that may know it is asked once, and the answer kept. */
import { DbError } from '../../core/errors.js';
import type { AggregateFunction } from '../aggregates/contract.js';
import { aggregateFunction } from '../aggregates/registry.js';
import type { ScalarFunction } from '../functions/contract.js';
import { scalarFunction } from '../functions/registry.js';
import type { Expression } from '../plan/expression.js';
import type { FunctionCall, Expression as Syntax } from '../syntax/ast/query.js';
import { windowFunction } from '../windows/registry.js';
import { bindNamedFields, namesFields } from './bind-composite.js';
import { bindGapfillCall, isGapfillName } from './bind-gapfill.js';
import { bindSetFunction, isSetFunction } from './bind-set-function.js';
import { catalogCall, isCatalogName } from './catalog-functions.js';
import { type Clause, unsupported } from './context.js';
import { isNamedGroups, namedGroups } from './named-groups.js';
import { isSeriesSpelling, seriesSyntax } from './series-syntax.js';

/** Binds a call of one of its names in a way of its own; undefined: the call is bound as any other. */
type Special = (name: string, syntax: FunctionCall, clause: Clause) => Expression | undefined;

/** Spelled otherwise: what is bound instead of the call. */
const spelled =
  (respell: (name: string, syntax: FunctionCall, clause: Clause) => Syntax | undefined): Special =>
  (name, syntax, clause) => {
    const other = respell(name, syntax, clause);
    return other && clause.context.bindExpression(other, clause);
  };

interface SpecialCalls {
  /** Whether calls of the name may be of this kind. */
  readonly has: (name: string) => boolean;
  /** early: also with OVER; plain: without it; scalar: after it is known that the call is no aggregate. */
  readonly stage: 'early' | 'plain' | 'scalar';
  readonly bind: Special;
}

/** In the order in which they are tried. */
const SPECIAL_CALLS: readonly SpecialCalls[] = [
  { has: isSetFunction, stage: 'early', bind: bindSetFunction },
  { has: isSeriesSpelling, stage: 'early', bind: spelled((_, syntax) => seriesSyntax(syntax)) },
  { has: namesFields, stage: 'plain', bind: bindNamedFields },
  { has: isGapfillName, stage: 'plain', bind: bindGapfillCall },
  { has: (name) => name === 'grouping' || name === 'grouping_id', stage: 'plain', bind: bindGrouping },
  {
    has: isCatalogName,
    stage: 'scalar',
    bind: spelled((name, syntax, { context }) => {
      const args = syntax.arguments.map((argument) => argument.value);
      return catalogCall(name, syntax.name.at(-2)?.name.toLowerCase(), args, context.catalog, syntax.position);
    }),
  },
  { has: isNamedGroups, stage: 'scalar', bind: spelled(namedGroups) },
];

export interface CallMeaning {
  readonly aggregate: AggregateFunction | undefined;
  readonly scalar: ScalarFunction | undefined;
  readonly isWindow: boolean;
  readonly special: Readonly<Record<SpecialCalls['stage'], readonly Special[]>>;
}

const meanings = new Map<string, CallMeaning>();

/** The meaning of a name in lower case. */
export function callMeaning(name: string): CallMeaning {
  const known = meanings.get(name);
  if (known) return known;
  const calls = SPECIAL_CALLS.filter((each) => each.has(name));
  const of = (stage: SpecialCalls['stage']) => calls.filter((each) => each.stage === stage).map((each) => each.bind);
  const meaning: CallMeaning = {
    aggregate: aggregateFunction(name),
    scalar: scalarFunction(name),
    isWindow: windowFunction(name) !== undefined,
    special: { early: of('early'), plain: of('plain'), scalar: of('scalar') },
  };
  // Names that nobody knows are not kept: there is no end of them.
  if (meaning.aggregate || meaning.scalar || meaning.isWindow || calls.length > 0) meanings.set(name, meaning);
  return meaning;
}

/** The first of the ways that takes the call. */
export function bindSpecially(ways: readonly Special[], name: string, syntax: FunctionCall, clause: Clause): Expression | undefined {
  for (const bind of ways) {
    const bound = bind(name, syntax, clause);
    if (bound) return bound;
  }
  return undefined;
}

export function rejectNamedArguments(syntax: FunctionCall): void {
  const named = syntax.arguments.find((argument) => argument.name !== null);
  if (named) throw unsupported('a named argument', named.value.position);
}

/** GROUPING(a, b): one bit for each argument, 1 where the row's grouping set has not got it. */
function bindGrouping(name: string, syntax: FunctionCall, clause: Clause): Expression {
  rejectNamedArguments(syntax);
  const { aggregates, context } = clause;
  const { position } = syntax;
  if (!aggregates) throw new DbError('invalid_grouping', `${name} may not stand in ${clause.name}`, { position });
  if (syntax.arguments.length > 31) throw new DbError('invalid_argument', `${name} takes at most 31 arguments`, { position });
  if (syntax.arguments.length === 0 && name === 'grouping') {
    throw new DbError('function_not_found', 'grouping takes the grouped expressions that it asks about', { position });
  }
  const inner: Clause = { ...clause, aggregates: null, name: `the arguments of ${name}` };
  const args = syntax.arguments.map((argument) => context.bindExpression(argument.value, inner));
  return aggregates.addGrouping({ args, position }, context.nextId());
}
