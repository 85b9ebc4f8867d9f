/** Other systems' spellings of functions over series, as ours: two-step aggregates and their accessors, states asked for by value. */
import { DbError } from '../../core/errors.js';
import type { Identifier } from '../syntax/ast/node.js';
import type { FunctionArgument, FunctionCall, Expression as Syntax } from '../syntax/ast/query.js';

/** accessor(summary(…)): the aggregate that both together are; `.field`: that field of the summary, which is a struct. */
const ACCESSORS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  counter_agg: {
    rate: 'rate',
    delta: 'increase',
    irate: 'irate',
    irate_right: 'irate',
    idelta: 'idelta',
    idelta_right: 'idelta',
    num_resets: 'resets',
    num_changes: 'changes',
    slope: 'deriv',
  },
  gauge_agg: { delta: 'delta', idelta: 'idelta', idelta_right: 'idelta', num_changes: 'changes', slope: 'deriv' },
  time_weight: { average: 'time_weight', integral: 'time_integral' },
  candlestick_agg: { open: '.open', high: '.high', low: '.low', close: '.close', volume: '.volume', vwap: '.vwap' },
  candlestick: { open: '.open', high: '.high', low: '.low', close: '.close', volume: '.volume', vwap: '.vwap' },
};

/** Summaries that are no values here. */
const ONLY_INSIDE: ReadonlySet<string> = new Set(['counter_agg', 'gauge_agg', 'state_agg', 'compact_state_agg']);

const lastName = (call: FunctionCall): string => (call.name.at(-1)?.name ?? '').toLowerCase();

const named = (name: string, position: number): Identifier => ({ name, quoted: false, position });

function callOf(call: FunctionCall, name: string, args: readonly FunctionArgument[] = call.arguments): FunctionCall {
  return { ...call, name: [named(name, call.name.at(-1)?.position ?? call.position)], arguments: args };
}

/** Names whose calls may be other calls: the accessors, and what stands inside of them alone. */
const SPELLINGS: ReadonlySet<string> = new Set([
  ...ONLY_INSIDE,
  ...['duration_in', 'time_in'],
  ...Object.values(ACCESSORS).flatMap((accessors) => Object.keys(accessors)),
]);

export function isSeriesSpelling(name: string): boolean {
  return SPELLINGS.has(name);
}

/** What is to be bound instead; undefined: the call itself. */
export function seriesSyntax(call: FunctionCall): Syntax | undefined {
  const name = lastName(call);
  const [first, second, third] = call.arguments;
  if (ONLY_INSIDE.has(name)) {
    throw new DbError('function_not_found', `${name} stands inside of what is asked of it`, {
      position: call.position,
      hint: name.endsWith('state_agg') ? `duration_in(${name}(ts, state), value)` : `rate(${name}(ts, x)), delta(${name}(ts, x)), …`,
    });
  }
  if (name === 'duration_in' || name === 'time_in') {
    const inner = first?.value;
    if (inner?.kind === 'function' && ['state_agg', 'compact_state_agg'].includes(lastName(inner)) && second) {
      const [ts, state] = inner.arguments;
      return ts && state ? callOf({ ...inner, over: call.over ?? inner.over }, name, [equal(state.value, second.value), ts]) : undefined;
    }
    return first && second && third ? callOf(call, name, [equal(first.value, third.value), second]) : undefined;
  }
  const inner = first?.value;
  if (inner?.kind !== 'function' || call.arguments.length > 1) return undefined;
  const summary = lastName(inner);
  const target = ACCESSORS[summary]?.[name];
  if (target === undefined) return undefined;
  const made = { ...inner, over: call.over ?? inner.over };
  if (!target.startsWith('.')) return callOf(made, target);
  return { kind: 'field', operand: made, name: named(target.slice(1), call.position), position: call.position, end: call.end };
}

function equal(left: Syntax, right: Syntax): FunctionArgument {
  const { position, end } = left;
  return { name: null, value: { kind: 'binary', operator: '=', operatorPosition: position, left, right, position, end } };
}
