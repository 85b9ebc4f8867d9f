/** Random window calls. Where rows that tie could come in any order, only functions are made to which that does not matter. */
import { type Expr, randomCondition, type Scope, type ScopeColumn } from './expressions.js';
import type { Random } from './random.js';
import { type Class, WIDE_DECIMAL } from './world.js';

const KEYS: readonly Class[] = ['bool', 'int', 'float', 'dec', 'text', 'date', 'ts'];
const DIRECTIONS = ['', 'ASC', 'DESC', 'ASC NULLS FIRST', 'DESC NULLS LAST'];
const EXCLUDES = ['', '', '', ' EXCLUDE CURRENT ROW', ' EXCLUDE GROUP', ' EXCLUDE TIES', ' EXCLUDE NO OTHERS'];

/** A window call over rows that `scope.id` tells apart. */
export function randomWindow(scope: Scope): Expr {
  const { random, id } = scope;
  const total = random.chance(0.6);
  const keys = scope.columns.filter((each) => KEYS.includes(each.class));
  const partition = random.sample(keys, random.pick([0, 1, 1, 2])).map((each) => each.sql);
  const order = random.sample(keys, random.pick([0, 1, 1, 1, 2]));
  const frame = frameOf(random, order, total);
  const call = total ? orderedCall(scope) : unorderedCall(scope);
  const by = [
    ...order.map((each) => `${each.sql} ${random.pick(DIRECTIONS)}`),
    ...(total ? [`${id ?? '1'} ${random.pick(['', 'DESC'])}`] : []),
  ];
  const parts = [
    partition.length > 0 ? `PARTITION BY ${partition.join(', ')}` : '',
    by.length > 0 ? `ORDER BY ${by.join(', ')}` : '',
    by.length > 0 ? frame : '',
  ];
  return { ...call, template: `${call.template} OVER (${parts.filter((part) => part !== '').join(' ')})` };
}

function frameOf(random: Random, order: readonly ScopeColumn[], total: boolean): string {
  if (random.chance(0.25)) return '';
  const [key] = order;
  const ranged = !total && order.length === 1 && key && !key.wild && ['int', 'dec', 'date', 'ts', 'float'].includes(key.class);
  const unit = total ? random.pick(['ROWS', 'ROWS', 'GROUPS']) : random.pick(ranged ? ['RANGE', 'RANGE', 'GROUPS'] : ['GROUPS']);
  const offset = (): string => {
    if (unit !== 'RANGE') return String(random.pick([0, 1, 1, 2, 3, 20]));
    if (key?.class === 'date' || key?.class === 'ts')
      return `INTERVAL '${random.pick(['1 day', '30 days', '2 months', '1 year', '90 minutes'])}'`;
    return random.pick(key?.class === 'int' ? ['0', '1', '3', '50'] : ['0.5', '1.25', '7.0']);
  };
  const places = ['UNBOUNDED PRECEDING', 'PRECEDING', 'CURRENT ROW', 'FOLLOWING', 'UNBOUNDED FOLLOWING'];
  const from = random.whole(0, 3);
  const to = random.whole(Math.max(1, from), 4);
  const bound = (place: number): string => (place === 1 || place === 3 ? `${offset()} ${places[place]}` : (places[place] ?? ''));
  return `${unit} BETWEEN ${bound(from)} AND ${bound(to)}${random.pick(EXCLUDES)}`;
}

function plain(scope: Scope, classes: readonly Class[], wild: boolean): ScopeColumn | undefined {
  const known = scope.columns.filter((each) => classes.includes(each.class) && (wild || !each.wild));
  return known.length === 0 ? undefined : scope.random.pick(known);
}

/** Functions that need a total order, and all others. */
function orderedCall(scope: Scope): Expr {
  const { random } = scope;
  const value = plain(scope, KEYS, true);
  if (!value || random.chance(0.45)) return unorderedCall(scope);
  if (random.chance(0.2)) return { class: 'int', parts: [], template: random.pick(['row_number()', `ntile(${random.whole(1, 7)})`]) };
  const nulls = random.pick(['', '', ' IGNORE NULLS']);
  const call = random.pick([
    `lag(${value.sql}${nulls})`,
    `lead(${value.sql}, ${random.pick([0, 1, 2, 5, -1])}${nulls})`,
    `first_value(${value.sql}${nulls})`,
    `last_value(${value.sql}${nulls})`,
    `nth_value(${value.sql}, ${random.whole(1, 4)}${nulls})`,
  ]);
  return { class: value.class, parts: [], template: call, wild: true };
}

function unorderedCall(scope: Scope): Expr {
  const { random } = scope;
  if (random.chance(0.2)) return { class: 'int', parts: [], template: random.pick(['rank()', 'dense_rank()']) };
  if (random.chance(0.1)) return { class: 'fuzzy', parts: [], template: random.pick(['percent_rank()', 'cume_dist()']) };
  const condition = random.chance(0.15) ? [randomCondition({ random, columns: scope.columns }, 1)] : [];
  const filter = condition.length > 0 ? ' FILTER (WHERE {0})' : '';
  const call = (kind: Class, text: string): Expr => ({ class: kind, parts: condition, template: `${text}${filter}`, wild: true });
  const number = plain(scope, ['int', 'dec'], false);
  const value = plain(scope, KEYS, true);
  if (!value || random.chance(0.15)) return call('int', 'count(*)');
  const decimal = plain(scope, ['dec'], true);
  if (decimal && random.chance(0.3)) {
    const exact = `CAST(${decimal.sql} AS ${WIDE_DECIMAL})`;
    if (random.chance(0.4)) return call('fuzzy', `avg(${exact})`);
    return call('dec', random.pick([`sum(${exact})`, `sum(${exact})`, `quantile_disc(${exact}, 0.5)`]));
  }
  switch (random.whole(0, 5)) {
    case 0:
      return call('int', `count(${random.pick(['', 'DISTINCT '])}${value.sql})`);
    case 1: {
      if (!number) return call('int', 'count(*)');
      const name = random.pick(['avg', 'stddev_samp', 'var_pop'] as const);
      const rounding = ({ avg: undefined, stddev_samp: 'root', var_pop: 'product' } as const)[name];
      const moment = call('fuzzy', `${name}(CAST(${number.sql} AS DOUBLE))`);
      return rounding === undefined ? moment : { ...moment, rounding };
    }
    case 2:
      return number ? call('fuzzy', `${random.pick(['median', 'sum'])}(CAST(${number.sql} AS DOUBLE))`) : call('int', 'count(*)');
    case 3:
      return number?.class === 'int' ? call('int', `sum(CAST(${number.sql} AS BIGINT))`) : call('int', `count(${value.sql})`);
    default:
      return call(value.class, `${random.pick(['min', 'max'])}(${value.sql})`);
  }
}
