/** Random typed expressions. Where the two systems write one thing differently, the text has ⟦ours¦theirs⟧. */
import type { Random } from './random.js';
import type { Rounding } from './values.js';
import { type Class, TEXTS, WIDE_DECIMAL } from './world.js';

/** An expression as a tree, so that it can be made smaller. */
export interface Expr {
  readonly class: Class;
  readonly parts: readonly Expr[];
  /** SQL with {0}, {1}, … for the parts. */
  readonly template: string;
  readonly wild?: boolean;
  /** Set where rounding may take more of the value than of other floats. */
  readonly rounding?: Rounding;
}

export interface ScopeColumn {
  readonly sql: string;
  readonly class: Class;
  readonly wild: boolean;
}

export interface Scope {
  readonly random: Random;
  readonly columns: readonly ScopeColumn[];
  /** A column that tells all rows apart; undefined where there is none. */
  readonly id?: string | undefined;
  /** Makes a subquery's text (in parentheses) with one column of the class; undefined where no subquery may stand. */
  readonly subquery?: ((kind: 'scalar' | 'list', kindOf: Class) => string) | undefined;
}

export function sqlOf(expr: Expr): string {
  return expr.template.replace(/\{(\d)\}/g, (_all, number: string) => sqlOf(expr.parts[Number(number)] as Expr));
}

export function leaf(kind: Class, sql: string, wild = false): Expr {
  return { class: kind, parts: [], template: sql, wild };
}

function node(kind: Class, parts: readonly Expr[], build: (parts: readonly string[]) => string): Expr {
  return { class: kind, parts, template: build(parts.map((_part, i) => `{${i}}`)), wild: parts.some((part) => part.wild === true) };
}

const CLASSES = ['bool', 'int', 'float', 'dec', 'text', 'date', 'ts'] as const satisfies readonly Class[];
const NUMBERS = ['int', 'float', 'dec'] as const satisfies readonly Class[];

/** Expressions smaller than this one that may stand in its place. */
export function smaller(expr: Expr): Expr[] {
  const children = expr.parts.filter((part) => part.class === expr.class);
  const inside = expr.parts.flatMap((part, i) =>
    smaller(part).map((less) => ({ ...expr, parts: expr.parts.map((each, j) => (i === j ? less : each)) })),
  );
  return [...children, ...inside];
}

function randomLiteral(random: Random, kind: Class): Expr {
  switch (kind) {
    case 'bool':
      return leaf(kind, random.pick(['TRUE', 'FALSE']));
    case 'int':
      return leaf(kind, `CAST(${random.whole(-12, 40)} AS BIGINT)`);
    case 'float':
      return leaf(kind, `CAST(${random.whole(-40, 40) / 4} AS DOUBLE)`);
    case 'dec':
      return leaf(kind, `CAST('${(random.whole(-999, 999) / 100).toFixed(2)}' AS DECIMAL(9, 2))`);
    case 'date':
      return leaf(kind, `DATE '202${random.whole(3, 6)}-0${random.whole(1, 9)}-1${random.whole(0, 9)}'`);
    case 'ts':
      return leaf(kind, `TIMESTAMP '202${random.whole(3, 6)}-0${random.whole(1, 9)}-1${random.whole(0, 9)} 0${random.whole(0, 9)}:30:00'`);
    default:
      return leaf('text', `'${random.pick(TEXTS)}'`);
  }
}

/** A column of the class, else a literal. `wild` columns only where asked for. */
function column(scope: Scope, kind: Class, wild: boolean): Expr {
  const fitting = scope.columns.filter((each) => each.class === kind && (wild || !each.wild || scope.random.chance(0.05)));
  if (fitting.length === 0 || scope.random.chance(0.05)) return randomLiteral(scope.random, kind);
  const chosen = scope.random.pick(fitting);
  return leaf(kind, chosen.sql, chosen.wild);
}

/** An expression of the class; `wild`: extremes may be in it. */
export function randomExpr(scope: Scope, kind: Class, depth: number, wild = false): Expr {
  const { random } = scope;
  if (depth <= 0 || random.chance(0.25)) return column(scope, kind, wild);
  if (random.chance(0.18) && kind !== 'list') return choice(scope, kind, depth - 1);
  if (scope.subquery && kind !== 'bool' && random.chance(0.04)) return leaf(kind, scope.subquery('scalar', kind), true);
  const inner = (of: Class) => randomExpr(scope, of, depth - 1);
  switch (kind) {
    case 'bool':
      return randomCondition(scope, depth);
    case 'int':
      return random.chance(0.5) ? intArithmetic(random, inner) : intFunction(random, inner);
    case 'float':
      return floatExpr(random, inner);
    case 'dec':
      return random.chance(wild ? 0.4 : 0.02) ? wideDecimalExpr(scope, depth) : decimalExpr(random, inner);
    case 'date':
    case 'ts':
      return timeExpr(random, kind, inner);
    default:
      return textExpr(random, inner);
  }
}

type Inner = (kind: Class) => Expr;

function choice(scope: Scope, kind: Class, depth: number): Expr {
  const { random } = scope;
  const inner = () => randomExpr(scope, kind, depth);
  const test = () => randomExpr(scope, 'bool', depth);
  switch (random.whole(0, 6)) {
    case 0:
      return node(kind, [test(), inner()], ([c, a]) => `CASE WHEN ${c} THEN ${a} END`);
    case 1:
      return node(
        kind,
        [test(), inner(), test(), inner(), inner()],
        ([c, a, d, b, e]) => `CASE WHEN ${c} THEN ${a} WHEN ${d} THEN ${b} ELSE ${e} END`,
      );
    case 2:
      return node(
        kind,
        [randomExpr(scope, 'int', depth), inner(), inner()],
        ([x, a, b]) => `CASE ${x} WHEN 1 THEN ${a} WHEN 2 THEN ${b} ELSE NULL END`,
      );
    case 3:
      return node(kind, [inner(), inner()], ([a, b]) => `coalesce(${a}, ${b})`);
    case 4:
      return node(kind, [inner(), inner()], ([a, b]) => `nullif(${a}, ${b})`);
    case 5:
      return kind === 'bool' ? inner() : node(kind, [inner(), inner()], ([a, b]) => `${random.pick(['greatest', 'least'])}(${a}, ${b})`);
    default:
      return node(kind, [test(), inner(), inner()], ([c, a, b]) => `CASE WHEN NOT (${c}) THEN ${a} ELSE ${b} END`);
  }
}

function intArithmetic(random: Random, inner: Inner): Expr {
  const [a, b] = [inner('int'), inner('int')];
  const wide = (text: string | undefined) => `CAST(${text} AS BIGINT)`;
  switch (random.whole(0, 6)) {
    case 0:
      return node('int', [a, b], ([x, y]) => `(${wide(x)} + ${wide(y)})`);
    case 1:
      return node('int', [a, b], ([x, y]) => `(${wide(x)} - ${wide(y)})`);
    case 2:
      return node('int', [a, b], ([x, y]) => `((${wide(x)} % 1000) * (${wide(y)} % 1000))`);
    case 3:
      return node('int', [a, b], ([x, y]) => `(${wide(x)} ⟦/¦//⟧ nullif(${wide(y)}, 0))`);
    case 4:
      return node('int', [a, b], ([x, y]) => `(${wide(x)} % nullif(${wide(y)}, 0))`);
    case 5:
      return node('int', [a], ([x]) => `(- ${wide(x)})`);
    default:
      return node('int', [a, b], ([x, y]) =>
        random.pick(['(§ & ¶)', '(§ | ¶)', 'gcd(§, ¶)', '⟦(§ # ¶)¦xor(§, ¶)⟧']).replaceAll('§', wide(x)).replaceAll('¶', wide(y)),
      );
  }
}

function intFunction(random: Random, inner: Inner): Expr {
  const one = (kind: Class, text: string) => node('int', [inner(kind)], ([x]) => text.replaceAll('§', x ?? ''));
  const kind = random.pick(['int', 'text', 'text', 'float', 'dec', 'bool', 'date', 'ts', 'ts'] as const);
  switch (kind) {
    case 'int':
      return one(
        kind,
        random.pick([
          'abs(CAST(§ AS BIGINT))',
          'CAST(sign(§) AS BIGINT)',
          'CAST(§ AS INTEGER)',
          'TRY_CAST(§ AS TINYINT)',
          'TRY_CAST(§ AS UTINYINT)',
        ]),
      );
    case 'text':
      return random.chance(0.6)
        ? one(kind, random.pick(['length(§)', 'ascii(§)']))
        : node('int', [inner('text')], ([x]) => `strpos(${x}, '${random.pick(TEXTS)}')`);
    case 'float':
      return one(kind, random.pick(['CAST(floor(§) AS BIGINT)', 'CAST(§ AS BIGINT)', 'TRY_CAST(§ AS SMALLINT)']));
    case 'dec':
      return one(kind, random.pick(['CAST(§ AS BIGINT)', 'TRY_CAST(§ AS TINYINT)']));
    case 'bool':
      return one(kind, 'CAST(§ AS INTEGER)');
    case 'date':
      return random.chance(0.3)
        ? node('int', [inner('date'), inner('date')], ([x, y]) => `(${x} - ${y})`)
        : one(
            kind,
            `CAST(date_part('${random.pick(['year', 'month', 'day', 'dow', 'isodow', 'doy', 'week', 'quarter', 'isoyear'])}', §) AS BIGINT)`,
          );
    default:
      return one(
        kind,
        random.chance(0.3)
          ? random.pick([
              "epoch_ms(date_trunc('second', §))",
              "epoch_us(date_trunc('second', §))",
              'year(§)',
              'hour(§)',
              'minute(§)',
              'second(§)',
              'dayofweek(§)',
              'week(§)',
            ])
          : random.pick([
              ...['year', 'month', 'day', 'hour', 'minute', 'second', 'dow', 'doy', 'week', 'quarter'].map(
                (part) => `CAST(floor(EXTRACT(${part} FROM §)) AS BIGINT)`,
              ),
              // DuckDB rounds nanoseconds to microseconds first.
              ...['millisecond', 'microsecond'].map((part) => `CAST(EXTRACT(${part} FROM date_trunc('millisecond', §)) AS BIGINT)`),
            ]),
      );
  }
}

function floatExpr(random: Random, inner: Inner): Expr {
  const [a, b] = [inner('float'), inner('float')];
  const wide = (text: string | undefined) => `CAST(${text} AS DOUBLE)`;
  switch (random.whole(0, 8)) {
    case 0:
    case 1:
      return node('float', [a, b], ([x, y]) => `(${wide(x)} ${random.pick(['+', '-'])} ${wide(y)})`);
    case 2:
      return node('float', [a, b], ([x, y]) => `(${wide(x)} * ${wide(y)})`);
    case 3:
      return node('float', [a, b], ([x, y]) => `(${wide(x)} / nullif(${wide(y)}, 0))`);
    case 4:
      return node('float', [a], ([x]) => `(- ${wide(x)})`);
    case 5:
      return node('float', [inner(random.pick(['int', 'dec']))], ([x]) => wide(x));
    case 6:
      return node('float', [a, b], ([x, y]) => `(${wide(x)} % nullif(${wide(y)}, 0))`);
    default: {
      const name = random.pick(['floor(§)', 'ceil(§)', 'round(§)', 'trunc(§)', 'abs(§)', 'sqrt(abs(§))', 'sign(§) * 1e0']);
      return node('float', [a], ([x]) => name.replaceAll('§', wide(x)));
    }
  }
}

function decimalExpr(random: Random, inner: Inner): Expr {
  const [a, b] = [inner('dec'), inner('dec')];
  const narrow = (text: string | undefined) => `CAST(${text} AS DECIMAL(14, 3))`;
  switch (random.whole(0, 6)) {
    case 0:
      return node('dec', [a, b], ([x, y]) => `(${narrow(x)} + ${narrow(y)})`);
    case 1:
      return node('dec', [a, b], ([x, y]) => `(${narrow(x)} - ${narrow(y)})`);
    case 2:
      return node('dec', [a, b], ([x, y]) => `(CAST(${x} AS DECIMAL(16, 2)) * CAST(${y} AS DECIMAL(16, 2)))`);
    case 3:
      return node('dec', [a], ([x]) => `(- ${x})`);
    case 4:
      return node('dec', [inner('int')], ([x]) => `CAST(${x} AS DECIMAL(22, 1))`);
    case 5:
      return node('dec', [a], ([x]) => `abs(${x})`);
    default: {
      const shape = random.pick(['round(§, 1)', 'floor(§)', 'ceil(§)', 'CAST(§ AS DECIMAL(18, 1))']);
      return node('dec', [a], ([x]) => (a.wild ? `CAST(${shape} AS ${WIDE_DECIMAL})` : shape).replaceAll('§', x ?? ''));
    }
  }
}

/** Over decimals of up to 38 digits; what does not fit fails in both systems. */
function wideDecimalExpr(scope: Scope, depth: number): Expr {
  const { random } = scope;
  const operand = (): Expr => {
    if (!random.chance(0.2)) return column(scope, 'dec', true);
    const digits = Array.from({ length: random.whole(1, 30) }, () => random.whole(0, 9)).join('');
    return leaf('dec', `CAST('${digits}.${random.whole(0, 99)}' AS DECIMAL(32, 2))`, true);
  };
  const [a, b] = [random.chance(0.3) ? randomExpr(scope, 'dec', depth - 1, true) : operand(), operand()];
  const wide = (text: string | undefined) => `CAST(${text} AS ${WIDE_DECIMAL})`;
  const two = (build: (x: string | undefined, y: string | undefined) => string) => wildNode(node('dec', [a, b], ([x, y]) => build(x, y)));
  const one = (build: (x: string | undefined) => string) => wildNode(node('dec', [a], ([x]) => build(x)));
  switch (random.whole(0, 8)) {
    case 0:
      return two((x, y) => `(${wide(x)} ${random.pick(['+', '-'])} ${wide(y)})`);
    case 1:
      return two((x, y) => `(${wide(x)} % nullif(${wide(y)}, 0))`);
    case 2:
      return two((x, y) => wide(`(TRY_CAST(${x} AS DECIMAL(18, 2)) * TRY_CAST(${y} AS DECIMAL(20, 3)))`));
    case 3:
      return one((x) => `(TRY_CAST(${x} AS DECIMAL(30, 6)) * ${random.whole(-9, 9)})`);
    case 4:
      return one((x) => wide(random.pick(['round(§, 1)', 'round(§, 4)', 'floor(§)', 'ceil(§)']).replace('§', wide(x))));
    case 5: {
      const scale = random.whole(0, 6);
      return one((x) => `TRY_CAST(${x} AS DECIMAL(${random.whole(scale + 1, scale + 32)}, ${scale}))`);
    }
    case 6:
      return one((x) => wide(`CAST(${x} AS VARCHAR)`));
    case 7:
      return one((x) => random.pick(['abs(§)', '(- §)']).replace('§', wide(x)));
    default:
      return wildNode(node('dec', [column(scope, 'int', true)], ([x]) => wide(x)));
  }
}

function wildNode(expr: Expr): Expr {
  return { ...expr, wild: true };
}

function textExpr(random: Random, inner: Inner): Expr {
  const a = inner('text');
  const small = String(random.whole(-3, 6));
  const text = () => `'${random.pick(TEXTS)}'`;
  const shapes = [
    'lower(§)',
    'upper(§)',
    'trim(§)',
    'ltrim(§)',
    "rtrim(§, 'a ')",
    `left(§, ${small})`,
    `right(§, ${small})`,
    `substr(§, ${random.whole(1, 4)})`,
    `substr(§, ${random.whole(1, 4)}, ${random.whole(0, 4)})`,
    `replace(§, ${text()}, ${text()})`,
    'reverse(§)',
    `lpad(§, ${random.whole(0, 6)}, 'xy')`,
    `rpad(§, ${random.whole(0, 6)}, '-')`,
    `split_part(§, 'a', ${random.pick([1, 2, -1])})`,
    `repeat(§, ${random.whole(0, 3)})`,
    "translate(§, 'ab', 'b')",
    `regexp_replace(§, '[a-c]+', '<>', 'g')`,
  ];
  switch (random.whole(0, 5)) {
    case 0:
      return node('text', [a, inner('text')], ([x, y]) => `(${x} || ${y})`);
    case 1:
      return node('text', [inner(random.pick(['int', 'bool', 'date', 'dec']))], ([x]) => `CAST(${x} AS VARCHAR)`);
    case 2:
      return node('text', [a, inner('text')], ([x, y]) => `concat_ws('-', ${x}, ${y}, 'z')`);
    default: {
      const shape = random.pick(shapes);
      return node('text', [a], ([x]) => shape.replaceAll('§', x ?? ''));
    }
  }
}

function timeExpr(random: Random, kind: 'date' | 'ts', inner: Inner): Expr {
  const units = ['year', 'quarter', 'month', 'week', 'day', 'hour', 'minute', 'second'];
  if (kind === 'date') {
    switch (random.whole(0, 3)) {
      case 0:
        return node(kind, [inner('ts')], ([x]) => `CAST(${x} AS DATE)`);
      case 1:
        return node(kind, [inner('date')], ([x]) => `(${x} + ${random.whole(-40, 400)})`);
      case 2:
        return node(kind, [inner('date')], ([x]) => `last_day(${x})`);
      default:
        return node(kind, [inner('date')], ([x]) => `CAST(date_trunc('${random.pick(units.slice(0, 5))}', ${x}) AS DATE)`);
    }
  }
  const interval = `INTERVAL '${random.whole(-5, 20)} ${random.pick(['second', 'minute', 'hour', 'day', 'month', 'year'])}'`;
  const width = `INTERVAL '${random.pick(['15 minutes', '1 hour', '7 hours', '1 day', '3 days', '1 week', '2 weeks', '1 month', '3 months', '1 year'])}'`;
  const unit = random.pick(units);
  switch (random.whole(0, 4)) {
    case 0:
      return node(kind, [inner('date')], ([x]) => `CAST(${x} AS TIMESTAMP)`);
    case 1:
      // DuckDB adds to microseconds, so nothing finer goes in.
      return node(kind, [inner('ts')], ([x]) => `(date_trunc('millisecond', ${x}) + ${interval})`);
    case 2:
      return node(kind, [inner('ts')], ([x]) => `time_bucket(${width}, ${x})`);
    case 3:
      return node(kind, [inner('date')], ([x]) => `(${x} + ${interval})`);
    default:
      return node(kind, [inner('ts')], ([x]) => `date_trunc('${unit}', ${x})`);
  }
}

const PATTERNS = ['%', 'a%', '%a', '%b%', '_', 'a_', '_b%', '', 'h%d%', 'x%y', '%ö%', '%world%', 'A%B', '12', '%7%', 'hello%'];

export function randomCondition(scope: Scope, depth: number): Expr {
  const { random } = scope;
  const test = () => randomExpr(scope, 'bool', depth - 1);
  if (random.chance(0.06)) return wildCast(scope, depth);
  const kind = random.pick(CLASSES);
  const value = (of: Class = kind) => randomExpr(scope, of, depth - 1, true);
  switch (random.whole(0, 13)) {
    case 0:
      return node('bool', [test(), test()], ([a, b]) => `(${a} AND ${b})`);
    case 1:
      return node('bool', [test(), test()], ([a, b]) => `(${a} OR ${b})`);
    case 2:
      return node('bool', [test()], ([a]) => `(NOT ${a})`);
    case 3:
      return node('bool', [value()], ([a]) => `(${a} IS ${random.pick(['NULL', 'NOT NULL'])})`);
    case 4: {
      const distinct = random.pick(['IS DISTINCT FROM', 'IS NOT DISTINCT FROM']);
      return node('bool', [value(), value()], ([a, b]) => `(${a} ${distinct} ${b})`);
    }
    case 5: {
      const not = random.pick(['', 'NOT ']);
      return node('bool', [value(), value(), value()], ([a, b, c]) => `(${a} ${not}BETWEEN ${b} AND ${c})`);
    }
    case 6:
      return membership(scope, kind, value);
    case 7:
      return textCondition(random, value);
    case 8:
      if (scope.subquery && random.chance(0.7)) return subqueryCondition(scope, kind, value);
      return node('bool', [test()], ([a]) => `(${a} ${random.pick(['IS TRUE', 'IS NOT TRUE', 'IS FALSE'])})`);
    case 9: {
      const operator = random.pick(['=', '<', '<=', '>', '>=', '<>']);
      return node('bool', [value(random.pick(NUMBERS)), value(random.pick(NUMBERS))], ([a, b]) => `(${a} ${operator} ${b})`);
    }
    default: {
      const operator = random.pick(['=', '<', '<=', '>', '>=', '<>']);
      const right = random.chance(0.5) ? randomLiteral(random, kind) : value();
      return node('bool', [value(), right], ([a, b]) => `(${a} ${operator} ${b})`);
    }
  }
}

function membership(scope: Scope, kind: Class, value: () => Expr): Expr {
  const { random } = scope;
  const items = Array.from({ length: random.whole(1, 5) }, () => (random.chance(0.7) ? randomLiteral(random, kind) : value()));
  const end = random.chance(0.25) ? ', NULL' : '';
  const not = random.pick(['', 'NOT ']);
  return node('bool', [value(), ...items], ([a, ...rest]) => `(${a} ${not}IN (${rest.join(', ')}${end}))`);
}

function textCondition(random: Random, value: (kind: Class) => Expr): Expr {
  if (random.chance(0.1)) return node('bool', [value('text'), value('text')], ([a, b]) => `(${a} LIKE ${b})`);
  const pattern = random.pick(PATTERNS);
  const shape = random.pick([
    `(§ LIKE '${pattern}')`,
    `(§ NOT LIKE '${pattern}')`,
    `(§ LIKE '%!_%' ESCAPE '!')`,
    `(§ NOT ILIKE '${pattern}')`,
    `(§ ILIKE '${pattern}')`,
    `starts_with(§, '${random.pick(TEXTS)}')`,
    `contains(§, '${random.pick(TEXTS)}')`,
    `ends_with(§, '${random.pick(TEXTS)}')`,
    `regexp_matches(§, '^[a-h]+')`,
  ]);
  return node('bool', [value('text')], ([a]) => shape.replaceAll('§', a ?? ''));
}

function subqueryCondition(scope: Scope, kind: Class, value: () => Expr): Expr {
  const { random } = scope;
  const sql = scope.subquery?.('list', kind) ?? '(SELECT 1)';
  switch (random.whole(0, 4)) {
    case 0:
      return leaf('bool', `EXISTS ${sql}`);
    case 1:
      return leaf('bool', `(NOT EXISTS ${sql})`);
    case 2:
      return node('bool', [value()], ([a]) => `(${a} IN ${sql})`);
    case 3:
      return node('bool', [value()], ([a]) => `(${a} NOT IN ${sql})`);
    default: {
      const operator = random.pick(['= ANY', '> ANY', '<= ALL', '<> ALL']);
      return node('bool', [value()], ([a]) => `(${a} ${operator} ${sql})`);
    }
  }
}

/** Casts of extremes, NULL where they do not fit. */
function wildCast(scope: Scope, depth: number): Expr {
  const { random } = scope;
  const type = random.pick([
    'TINYINT',
    'SMALLINT',
    'INTEGER',
    'BIGINT',
    'UTINYINT',
    'UINTEGER',
    'UBIGINT',
    'DECIMAL(9, 2)',
    'DECIMAL(20, 0)',
    'DOUBLE',
  ]);
  const operator = random.pick(['=', '<', '>=', 'IS DISTINCT FROM']);
  if (random.chance(0.25)) {
    const wide = `DECIMAL(38, ${random.pick([0, 1, 10, 20, 30, 38])})`;
    const pair = [randomExpr(scope, 'dec', depth - 1, true), randomExpr(scope, random.pick(['dec', 'int'] as const), depth - 1, true)];
    return node('bool', pair, ([a, b]) => `(TRY_CAST(${a} AS ${wide}) ${operator} TRY_CAST(${b} AS ${wide}))`);
  }
  const value = randomExpr(scope, random.pick(['int', 'int', 'dec', 'float'] as const), depth - 1, true);
  return node('bool', [value, randomLiteral(random, 'int')], ([a, b]) => `(TRY_CAST(${a} AS ${type}) ${operator} ${b})`);
}
