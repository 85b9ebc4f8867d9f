/** Random tables: their columns, rows and the statements that make them in both systems. */
import type { Random } from './random.js';

/** What an expression is about; `fuzzy` floats are compared with tolerance and never used further. */
export type Class = 'bool' | 'int' | 'float' | 'dec' | 'text' | 'date' | 'ts' | 'fuzzy' | 'list';

export interface WorldColumn {
  readonly name: string;
  readonly type: string;
  readonly class: Class;
  /** Has extremes: used where values only pass through (comparison, grouping, order), not in arithmetic. */
  readonly wild: boolean;
}

export interface WorldTable {
  readonly name: string;
  readonly columns: readonly WorldColumn[];
  readonly rows: number;
  /** Copied over and over until it has many rows. */
  readonly doubled: boolean;
}

export interface World {
  readonly tables: readonly WorldTable[];
  readonly segmentRows: number;
  /** Distinct values up to which text columns have a dictionary. */
  readonly dictionaryValues: number;
  /** Statements with ⟦ours¦theirs⟧ where the two differ. */
  readonly statements: readonly string[];
}

/** The side of every ⟦ours¦theirs⟧. */
export function rendered(sql: string, side: 'ours' | 'theirs'): string {
  const step = sql.replace(/⟦([^⟦¦⟧]*)¦([^⟦¦⟧]*)⟧/g, (_all, ours: string, theirs: string) => (side === 'ours' ? ours : theirs));
  return step === sql ? sql : rendered(step, side);
}

export const TEXTS = [
  '',
  'a',
  'A',
  'ab',
  'aB',
  'b',
  'abc',
  'ba',
  'x%y',
  '_',
  "it''s",
  ' a ',
  'äöü',
  'Ä',
  '日本語',
  '😀x',
  'hello world, a longer text',
  'hello world, a longer texT',
  '12',
  '-7',
  '1.5',
  'true',
  'zz',
];

/** No class of exact numbers has values that it does not hold. */
export const WIDE_DECIMAL = 'DECIMAL(38, 6)';

interface TypeRow {
  readonly type: string;
  readonly class: Class;
  readonly wild: boolean;
  readonly value: (random: Random) => string;
}

const quarter = (random: Random) => String(random.whole(-400, 400) / 4);

function integer(type: string, low: number, high: number, extremes?: readonly string[]): TypeRow {
  const value = (random: Random) => (extremes && random.chance(0.5) ? random.pick(extremes) : String(random.whole(low, high)));
  return { type, class: 'int', wild: extremes !== undefined, value };
}

function decimal(precision: number, scale: number, whole: number): TypeRow {
  const value = (random: Random) =>
    (random.whole(-whole, whole) + random.whole(-99, 99) / 10 ** Math.min(2, scale)).toFixed(Math.min(2, scale));
  return { type: `DECIMAL(${precision}, ${scale})`, class: 'dec', wild: false, value };
}

/** Of up to 38 digits, of any number of them. The type holds all other decimals' values, so that the two systems mean one type by both. */
function wideDecimal(extremes?: readonly string[]): TypeRow {
  const value = (random: Random) => {
    if (extremes && random.chance(0.5)) return random.pick(extremes);
    const whole = Array.from({ length: random.whole(1, 31) }, () => random.whole(0, 9)).join('');
    const fraction = Array.from({ length: random.pick([1, 2, 6]) }, () => random.whole(0, 9)).join('');
    return `CAST('${random.pick(['', '-'])}${whole}.${fraction}' AS ${WIDE_DECIMAL})`;
  };
  return { type: WIDE_DECIMAL, class: 'dec', wild: true, value };
}

function floating(type: string, specials?: readonly string[]): TypeRow {
  const value = (random: Random) => (specials && random.chance(0.6) ? `'${random.pick(specials)}'` : quarter(random));
  return { type, class: 'float', wild: specials !== undefined, value };
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}

function day(random: Random): string {
  const year = random.chance(0.15) ? random.whole(1901, 1969) : random.whole(2023, 2026);
  return `${year}-${twoDigits(random.whole(1, 12))}-${twoDigits(random.whole(1, 28))}`;
}

function timestamp(type: string, digits: number, wild = false): TypeRow {
  const value = (random: Random) => {
    const clock = random.chance(0.2)
      ? '00:00:00'
      : [random.whole(0, 23), random.whole(0, 59), random.whole(0, 59)].map(twoDigits).join(':');
    // DuckDB rounds nanoseconds to microseconds before it truncates to anything larger: 23:59:59.9999996 is of the next day there.
    const digit = (_: unknown, i: number) => random.whole(0, i === 6 ? 4 : 9);
    const fraction = digits > 0 && random.chance(0.6) ? `.${Array.from({ length: digits }, digit).join('')}` : '';
    return `'${day(random)} ${clock}${fraction}'`;
  };
  return { type, class: 'ts', wild, value };
}

const TYPES: readonly TypeRow[] = [
  { type: 'BOOLEAN', class: 'bool', wild: false, value: (random) => (random.chance(0.5) ? 'TRUE' : 'FALSE') },
  integer('TINYINT', -5, 5),
  integer('SMALLINT', -300, 300),
  integer('INTEGER', -1000, 1000),
  integer('BIGINT', -1000, 1000),
  integer('BIGINT', 0, 3),
  integer('UTINYINT', 0, 20),
  integer('USMALLINT', 0, 400),
  integer('UINTEGER', 0, 1000),
  integer('UBIGINT', 0, 1000),
  integer('TINYINT', -2, 2, ['-128', '127']),
  integer('INTEGER', -2, 2, ['-2147483648', '2147483647']),
  integer('BIGINT', -2, 2, ['-9223372036854775808', '9223372036854775807', '9007199254740993', '9007199254740992', '-9223372036854775807']),
  integer('UBIGINT', 0, 2, ['18446744073709551615', '9223372036854775808', '9223372036854775807', '9007199254740993']),
  floating('DOUBLE'),
  floating('REAL'),
  floating('DOUBLE', ['NaN', 'inf', '-inf', '-0', '0', '1e300', '5e-324', '0.1', '-1e300']),
  floating('REAL', ['NaN', 'inf', '-inf', '-0', '0', '0.1', '1e30']),
  decimal(4, 1, 90),
  decimal(9, 2, 100),
  decimal(18, 4, 1000),
  decimal(30, 6, 1000),
  wideDecimal(),
  wideDecimal(['0', '-1', '0.000001', ...['', '-'].map((sign) => `CAST('${sign}${'9'.repeat(32)}.999999' AS ${WIDE_DECIMAL})`)]),
  { type: 'VARCHAR', class: 'text', wild: false, value: (random) => `'${random.pick(TEXTS)}'` },
  { type: 'VARCHAR', class: 'text', wild: false, value: (random) => `'${random.pick(TEXTS)}${random.whole(0, 100_000)}'` },
  { type: '⟦SYMBOL¦VARCHAR⟧', class: 'text', wild: false, value: (random) => `'${random.pick(TEXTS.slice(0, 6))}'` },
  { type: 'DATE', class: 'date', wild: false, value: (random) => `'${day(random)}'` },
  timestamp('TIMESTAMP_S', 0),
  timestamp('TIMESTAMP_MS', 3),
  timestamp('TIMESTAMP', 6),
  timestamp('TIMESTAMP_NS', 6),
  timestamp('TIMESTAMP_NS', 9, true),
];

/** How the values of a column repeat. */
function valuesOf(random: Random, row: TypeRow): () => string {
  const nulls = random.pick([0, 0, 0.1, 0.5, 1]) * (random.chance(0.9) ? 1 : 0.99);
  const few = random.chance(0.5) ? Array.from({ length: random.whole(1, 6) }, () => row.value(random)) : undefined;
  const skew = random.chance(0.3);
  return () => {
    if (random.chance(nulls)) return 'NULL';
    if (few) return skew && random.chance(0.9) ? (few[0] ?? 'NULL') : random.pick(few);
    return row.value(random);
  };
}

/** Rows beyond which a table is made by doubling. */
const MANY_ROWS = 20_000;

function tableStatements(random: Random, table: WorldTable, makers: readonly (() => string)[], timed: string | undefined): string[] {
  const columns = table.columns.map((column) => `${column.name} ${column.type}`).join(', ');
  const clause = timed === undefined ? '' : `⟦ TIMESTAMP(${timed}) PARTITION BY ${random.pick(['DAY', 'MONTH', 'YEAR', 'NONE'])}¦⟧`;
  const statements = [`CREATE TABLE ${table.name} (${columns})${clause}`];
  for (let row = 0; row < table.rows; ) {
    const count = Math.min(table.rows - row, random.whole(1, 700));
    const tuples = Array.from({ length: count }, (_, i) => `(${[row + i, ...makers.map((make) => make())].join(', ')})`);
    statements.push(`INSERT INTO ${table.name} VALUES ${tuples.join(', ')}`);
    row += count;
  }
  if (table.doubled) {
    const names = table.columns.slice(1).map((column) => column.name);
    for (let rows = table.rows; rows < MANY_ROWS; rows *= 2) {
      statements.push(`INSERT INTO ${table.name} SELECT ${[`id + ${rows}`, ...names].join(', ')} FROM ${table.name}`);
    }
  }
  if (random.chance(0.4)) statements.push(`DELETE FROM ${table.name} WHERE id % ${random.whole(2, 9)} = 1`);
  return statements;
}

const ROW_COUNTS = [0, 1, 7, 64, 300, 1500, 2500];
/** Long hunts ask more queries of fewer rows. */
const MOST_ROWS = Number(process.env.FLETCH_DIFFERENTIAL_ROWS ?? MANY_ROWS);

export function randomWorld(random: Random): World {
  const statements: string[] = [];
  const sizes = [random.pick(ROW_COUNTS.slice(3)), random.pick([3, 30, 40]), random.pick(ROW_COUNTS.slice(0, 3))];
  const tables = sizes.map((size, number) => {
    const rows = Math.min(size, MOST_ROWS);
    const rowsOf = random.sample(TYPES, random.whole(4, 11));
    const columns: WorldColumn[] = [
      { name: 'id', type: 'BIGINT', class: 'int', wild: false },
      ...rowsOf.map(({ type, class: kind, wild }, i) => ({ name: `${kind}${i}${wild ? 'w' : ''}`, type, class: kind, wild })),
    ];
    const timed = columns.find((column) => column.class === 'ts');
    // The designated timestamp is never NULL.
    const makers = rowsOf.map((row, i) => (columns[i + 1] === timed ? () => row.value(random) : valuesOf(random, row)));
    const table: WorldTable = { name: `t${number}`, columns, rows, doubled: rows > 1000 && random.chance(0.2) };
    statements.push(...tableStatements(random, table, makers, timed && random.chance(0.5) ? timed.name : undefined));
    return table;
  });
  return { tables, segmentRows: 64 * random.pick([1, 4, 16, 1000]), dictionaryValues: random.pick([0, 3, 100, 1_000_000]), statements };
}
