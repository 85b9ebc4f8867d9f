/** Random aggregate calls. */
import { type Expr, randomCondition, randomExpr, type Scope } from './expressions.js';
import type { Rounding } from './values.js';
import { type Class, WIDE_DECIMAL } from './world.js';

const ANY = ['bool', 'int', 'float', 'dec', 'text', 'date', 'ts'] as const satisfies readonly Class[];

/** An aggregate whose result has the class; of any class when undefined. `fuzzy`: also such that are compared with tolerance. */
export function randomAggregate(scope: Scope, kind: Class | undefined, fuzzy: boolean): Expr {
  const { random } = scope;
  const wanted = kind ?? random.pick([...ANY, 'int', 'int', ...(fuzzy ? (['fuzzy', 'fuzzy', 'list'] as const) : [])]);
  const call = callOf(scope, wanted, fuzzy);
  if (!random.chance(0.2) || /^count\(\*\)$/.test(call.template)) return call;
  const condition = randomCondition({ random, columns: scope.columns }, 2);
  const { parts } = call;
  return { ...call, parts: [...parts, condition], template: `${call.template} FILTER (WHERE {${parts.length}})` };
}

function callOf(scope: Scope, wanted: Class, fuzzy: boolean): Expr {
  const { random } = scope;
  const of = (kind: Class, wild: boolean) => randomExpr({ random, columns: scope.columns }, kind, random.pick([0, 0, 1, 2]), wild);
  const call = (template: string, ...parts: readonly Expr[]): Expr => ({ class: wanted, parts, template });
  // Ordering by a literal is an error in DuckDB.
  const plainColumn = (kind: Class): Expr => {
    const known = scope.columns.filter((each) => each.class === kind && each.sql !== '');
    const any = scope.columns.filter((each) => each.class === 'int');
    const { sql } = random.pick(known.length > 0 ? known : any.length > 0 ? any : scope.columns);
    return { class: kind, parts: [], template: sql };
  };
  const { id } = scope;
  const distinct = random.chance(0.15) ? 'DISTINCT ' : '';
  if (random.chance(0.35) && wanted !== 'fuzzy' && wanted !== 'list' && wanted !== 'bool') {
    if (id !== undefined && random.chance(0.25)) {
      return random.chance(0.5)
        ? call(`${random.pick(['first', 'last', 'any_value'])}({0} ORDER BY ${id})`, of(wanted, true))
        : call(`${random.pick(['arg_min', 'arg_max'])}({0}, ${id})`, of(wanted, true));
    }
    return call(`${random.pick(['min', 'max'])}({0})`, of(wanted, true));
  }
  switch (wanted) {
    case 'bool':
      return call(`${random.pick(['bool_and', 'bool_or'])}({0})`, of('bool', true));
    case 'int':
      if (random.chance(0.3)) return call('count(*)');
      return random.chance(0.5)
        ? call(`count(${distinct}{0})`, of(random.pick(ANY), true))
        : call(`sum(${distinct}CAST({0} AS BIGINT))`, of('int', false));
    case 'float':
      return random.chance(0.5)
        ? call(`avg(${distinct}CAST({0} AS BIGINT) % 100000)`, of('int', false))
        : call(`${random.pick(['median', 'max'])}(CAST({0} AS DOUBLE))`, of('float', false));
    case 'dec': {
      // The narrower type sums to one of other digits, which a query around may not mix with all others.
      if (fuzzy && random.chance(0.3)) return call(`sum(${distinct}CAST({0} AS DECIMAL(18, 3)))`, of('dec', false));
      const wild = random.chance(0.5);
      if (random.chance(0.2)) return call(`quantile_disc({0}, ${random.pick([0, 0.25, 0.5, 0.9, 1])})`, of('dec', wild));
      return call(`sum(${distinct}CAST({0} AS ${wild ? WIDE_DECIMAL : 'DECIMAL(24, 6)'}))`, of('dec', wild));
    }
    case 'text':
      if (!scope.columns.some((each) => each.class === 'text')) return call('max({0})', of('text', true));
      return id === undefined
        ? call("string_agg(DISTINCT {0}, '|' ORDER BY {0})", plainColumn('text'))
        : call(`string_agg({0}, '|' ORDER BY {0} DESC, ${id})`, plainColumn('text'));
    case 'list': {
      const item = plainColumn(random.pick(['int', 'bool', 'date'] as const));
      return call(id === undefined ? 'array_agg({0} ORDER BY {0})' : `array_agg({0} ORDER BY ${id} DESC)`, item);
    }
    case 'fuzzy':
      return fuzzyCall(scope, call, of);
    default:
      return call(`${random.pick(['min', 'max'])}({0})`, of(wanted, true));
  }
}

function fuzzyCall(
  scope: Scope,
  call: (template: string, ...parts: readonly Expr[]) => Expr,
  of: (kind: Class, wild: boolean) => Expr,
): Expr {
  const { random } = scope;
  const columns = scope.columns.filter((each) => !each.wild);
  const plain = (): Expr => {
    const numbers = columns.filter((each) => ['int', 'float', 'dec'].includes(each.class));
    return numbers.length === 0 ? of('int', false) : { class: 'fuzzy', parts: [], template: random.pick(numbers).sql };
  };
  const rounded = (rounding: Rounding, expr: Expr): Expr => ({ ...expr, rounding });
  switch (random.whole(0, 7)) {
    case 0:
      return rounded('root', call(`${random.pick(['stddev_samp', 'stddev_pop', 'stddev'])}({0})`, plain()));
    case 1:
      return rounded('product', call(`${random.pick(['var_samp', 'var_pop', 'variance'])}({0})`, plain()));
    case 2:
      return rounded('product', call(`${random.pick(['covar_pop', 'covar_samp'])}({0}, {1})`, plain(), plain()));
    case 6:
      return call('avg({0})', plain());
    case 7:
      return call(`avg(CAST({0} AS ${WIDE_DECIMAL}))`, of('dec', true));
    case 3:
      return call('sum(CAST({0} AS DOUBLE))', of('float', false));
    case 4:
      return call(`quantile_${random.pick(['cont', 'disc'])}(CAST({0} AS DOUBLE), ${random.pick([0, 0.25, 0.5, 0.9, 1])})`, plain());
    default:
      return call('median(CAST({0} AS DOUBLE))', plain());
  }
}
