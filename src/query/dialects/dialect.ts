/** The table of dialects: how each is written (quotes, escapes, comments) and where its operators mean something else than ours. */

/** The part of the package's builds that is used. */
export interface PackageParser {
  parse(sql: string, options: { readonly parseOptions: { readonly includeLocations: boolean } }): { readonly ast: unknown };
}
/** What an imported build is: the parser class, under `default` where Node gives a CommonJS module so. */
export type PackageBuild = { readonly Parser?: new () => PackageParser; readonly default?: { readonly Parser: new () => PackageParser } };

export interface Dialect {
  readonly name: string;
  readonly load: () => Promise<PackageBuild>;
  /** A backslash in a string starts an escape. */
  readonly backslash: boolean;
  readonly doubleQuote: 'string' | 'identifier';
  /** `[name]` is a quoted identifier. */
  readonly brackets: boolean;
  /** Starts of a comment to the end of the line, beside `--`. */
  readonly lineComments: readonly string[];
  /** `0x41` and `X'41'` are read. */
  readonly hex: boolean;
  /** `/` of two integers: cut, or a fraction; and whether division by zero gives NULL instead of an error. */
  readonly division: 'cut' | 'fraction';
  readonly zeroDivisor: 'error' | 'null';
  /** `||`: logical OR, or text put together, binding as strongly as this operator of ours. */
  readonly pipes: 'or' | 'sum' | 'product' | 'tight' | 'loose';
  /** `+` puts texts together. */
  readonly plusJoinsText: boolean;
  /** LIKE does not look at upper and lower case. */
  readonly likeIgnoresCase: boolean;
  /** A backslash in a LIKE pattern escapes. */
  readonly likeEscape: boolean;
  /** Where NULLs stand when ORDER BY does not say it. */
  readonly nulls: 'low' | 'high' | 'last';
  /** CAST of a fraction to an integer cuts instead of rounding. */
  readonly castCuts: boolean;
  /** avg of integers is an integer. */
  readonly averageCuts: boolean;
}

const STANDARD = {
  backslash: false,
  doubleQuote: 'identifier',
  brackets: false,
  lineComments: [],
  hex: false,
  division: 'cut',
  zeroDivisor: 'error',
  pipes: 'loose',
  plusJoinsText: false,
  likeIgnoresCase: false,
  likeEscape: false,
  nulls: 'high',
  castCuts: false,
  averageCuts: false,
} as const;

const MYSQL = {
  ...STANDARD,
  backslash: true,
  doubleQuote: 'string',
  lineComments: ['#'],
  hex: true,
  division: 'fraction',
  zeroDivisor: 'null',
  pipes: 'or',
  likeIgnoresCase: true,
  likeEscape: true,
  nulls: 'low',
} as const;

const TRINO = { ...STANDARD, nulls: 'last' } as const;

export const DIALECTS: Readonly<Record<string, Dialect>> = {
  mysql: { ...MYSQL, name: 'mysql', load: () => import('node-sql-parser/build/mysql.js') },
  mariadb: { ...MYSQL, name: 'mariadb', load: () => import('node-sql-parser/build/mariadb.js') },
  bigquery: {
    ...STANDARD,
    name: 'bigquery',
    load: () => import('node-sql-parser/build/bigquery.js'),
    backslash: true,
    doubleQuote: 'string',
    lineComments: ['#'],
    division: 'fraction',
    pipes: 'product',
    likeEscape: true,
    nulls: 'low',
  },
  snowflake: {
    ...STANDARD,
    name: 'snowflake',
    load: () => import('node-sql-parser/build/snowflake.js'),
    backslash: true,
    lineComments: ['//'],
    division: 'fraction',
    pipes: 'sum',
  },
  transactsql: {
    ...STANDARD,
    name: 'transactsql',
    load: () => import('node-sql-parser/build/transactsql.js'),
    brackets: true,
    hex: true,
    plusJoinsText: true,
    likeIgnoresCase: true,
    nulls: 'low',
    castCuts: true,
    averageCuts: true,
  },
  sqlite: {
    ...STANDARD,
    name: 'sqlite',
    load: () => import('node-sql-parser/build/sqlite.js'),
    brackets: true,
    hex: true,
    zeroDivisor: 'null',
    pipes: 'tight',
    likeIgnoresCase: true,
    nulls: 'low',
    castCuts: true,
  },
  redshift: { ...STANDARD, name: 'redshift', load: () => import('node-sql-parser/build/redshift.js'), likeEscape: true, averageCuts: true },
  trino: { ...TRINO, name: 'trino', load: () => import('node-sql-parser/build/trino.js') },
  athena: { ...TRINO, name: 'athena', load: () => import('node-sql-parser/build/athena.js') },
  hive: {
    ...STANDARD,
    name: 'hive',
    load: () => import('node-sql-parser/build/hive.js'),
    backslash: true,
    doubleQuote: 'string',
    division: 'fraction',
    zeroDivisor: 'null',
    likeEscape: true,
    nulls: 'low',
    castCuts: true,
  },
  db2: { ...STANDARD, name: 'db2', load: () => import('node-sql-parser/build/db2.js'), pipes: 'sum', castCuts: true, averageCuts: true },
  flinksql: { ...STANDARD, name: 'flinksql', load: () => import('node-sql-parser/build/flinksql.js'), nulls: 'low', castCuts: true },
};

/** Dialects that our own grammar reads as it is. */
export const OWN_DIALECTS: ReadonlySet<string> = new Set(['fletch', 'postgresql']);
