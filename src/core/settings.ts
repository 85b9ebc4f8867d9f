/**
 * The one settings table. A row gives a setting's CLI flag (`--http-port`), environment name (`FLETCH_HTTP_PORT`), TOML key (`http_port`),
 * default and doc; precedence is flag, environment, file, default. `scope: query` settings can also be SET per session or request.
 */
import { DbError } from './errors.js';

interface SettingRow {
  readonly type: 'string' | 'integer' | 'boolean' | 'bytes';
  readonly default: string | number | boolean;
  readonly scope: 'server' | 'query';
  readonly doc: string;
  readonly minimum?: number;
  /** The texts that it may be. */
  readonly values?: readonly string[];
}

export const SETTINGS = {
  path: { type: 'string', default: './fletch-data', scope: 'server', doc: 'Folder of the database; :memory: keeps nothing.' },
  host: { type: 'string', default: '127.0.0.1', scope: 'server', doc: 'Address that HTTP and Flight listen on.' },
  http_port: { type: 'integer', default: 8123, minimum: 0, scope: 'server', doc: 'HTTP port; 0 picks a free one.' },
  flight_port: { type: 'integer', default: 8815, minimum: 0, scope: 'server', doc: 'Flight port; 0 picks a free one.' },
  flight: { type: 'boolean', default: true, scope: 'server', doc: 'Serve Arrow Flight (--no-flight turns it off).' },
  insecure: { type: 'boolean', default: false, scope: 'server', doc: 'Allow a non-loopback address without authentication.' },
  demo: {
    type: 'boolean',
    default: false,
    scope: 'server',
    doc: 'Load a part of the flights data so that the first query has something to answer.',
  },
  read_only: {
    type: 'boolean',
    default: false,
    scope: 'server',
    doc: 'Open without taking writes, also beside a process that writes: its commits are seen as they come.',
  },
  allow_file_access: {
    type: 'boolean',
    default: false,
    scope: 'server',
    doc: 'Let statements of HTTP and Flight clients read and write files of this machine (COPY, read_csv and so on); the embedded owner always may.',
  },
  threads: { type: 'integer', default: 0, minimum: 0, scope: 'server', doc: 'Worker threads; 0 = one per core.' },
  memory_limit: { type: 'bytes', default: '4GB', scope: 'server', doc: 'Bytes that columns, query state and staging may take together.' },
  spill_folder: {
    type: 'string',
    default: '',
    scope: 'server',
    doc: 'Folder where queries put rows that do not fit in memory; its subfolder fletch-spill is emptied at the opening. Empty = tmp in the folder of the database; then databases in memory and those opened read-only do not spill.',
  },
  spill_limit: {
    type: 'bytes',
    default: '0',
    scope: 'server',
    doc: 'Bytes on disk that the spilled rows of all queries may take together; 0 = what the disk has.',
  },
  segment_rows: {
    type: 'integer',
    default: 1_048_576,
    minimum: 64,
    scope: 'server',
    doc: 'Rows at which an active segment is sealed (a multiple of 64).',
  },
  seal_after_ms: {
    type: 'integer',
    default: 600_000,
    minimum: 0,
    scope: 'server',
    doc: 'Age at which a quiet active segment is sealed; 0 = never by age.',
  },
  durability: {
    type: 'string',
    values: ['fsync', 'group', 'memory'],
    default: 'fsync',
    scope: 'server',
    doc: 'When a commit of rows is acknowledged: fsync = it is on disk; group = it is on disk within group_commit_ms; memory = it is on disk when its segment is sealed or the database is closed. A crash loses the last commits at most, never one before a kept one, and tears none. Definitions and bulk loads are always on disk.',
  },
  group_commit_ms: {
    type: 'integer',
    default: 10,
    minimum: 1,
    scope: 'server',
    doc: 'How long acknowledged commits wait to be written together, at durability group.',
  },
  compaction: {
    type: 'boolean',
    default: true,
    scope: 'server',
    doc: 'Merge segments that are small, overlap or have many deleted rows, in the background.',
  },
  compaction_fan_in: {
    type: 'integer',
    default: 4,
    minimum: 2,
    scope: 'server',
    doc: 'Small segments are merged when the result is at least so many times as large as the largest of them.',
  },
  compaction_late_percent: {
    type: 'integer',
    default: 20,
    minimum: 1,
    scope: 'server',
    doc: 'Segments that overlap in time are merged when at least so many percent of their rows lie where another has more.',
  },
  compaction_deleted_percent: {
    type: 'integer',
    default: 30,
    minimum: 1,
    scope: 'server',
    doc: 'A segment is written anew when at least so many percent of its rows are deleted.',
  },
  segment_compression: {
    type: 'string',
    values: ['auto', 'always', 'none'],
    default: 'auto',
    scope: 'server',
    doc: 'Compress the columns of segment files that gain by it (ZSTD): auto = in the background, as compaction does; always = when they are written, which takes longer; none = never.',
  },
  dictionary_values: {
    type: 'integer',
    default: 1_048_576,
    minimum: 0,
    scope: 'server',
    doc: 'Distinct values up to which a text column is dictionary-encoded.',
  },
  max_body_bytes: {
    type: 'bytes',
    default: '1GB',
    scope: 'server',
    doc: 'Largest HTTP ingest body, and largest Flight message, after decompression.',
  },
  flight_max_transactions: {
    type: 'integer',
    default: 1024,
    minimum: 1,
    scope: 'server',
    doc: 'Transactions that Flight SQL clients may have open at once; more are refused with `overloaded`.',
  },
  flight_transaction_idle_ms: {
    type: 'integer',
    default: 1_800_000,
    minimum: 1,
    scope: 'server',
    doc: 'After so long without a statement a transaction of Flight SQL is rolled back.',
  },
  flight_max_sessions: {
    type: 'integer',
    default: 1024,
    minimum: 1,
    scope: 'server',
    doc: 'Flight sessions (cookies with options) that may be open at once; more are refused with `overloaded`.',
  },
  flight_session_idle_ms: {
    type: 'integer',
    default: 3_600_000,
    minimum: 1,
    scope: 'server',
    doc: 'After so long without a call a Flight session is closed.',
  },
  flight_max_handle_bytes: {
    type: 'bytes',
    default: '1MB',
    scope: 'server',
    doc: 'Largest handle of a prepared statement: its text and the values that are bound to it.',
  },
  max_statement_bytes: { type: 'bytes', default: '16MB', scope: 'server', doc: 'Longest SQL statement.' },
  max_nesting: { type: 'integer', default: 1000, minimum: 8, scope: 'server', doc: 'Deepest nesting of expressions and subqueries.' },
  max_concurrent_queries: { type: 'integer', default: 64, minimum: 1, scope: 'server', doc: 'Queries that run at once; more wait.' },
  max_queued_queries: {
    type: 'integer',
    default: 1024,
    minimum: 0,
    scope: 'server',
    doc: 'Queries that may wait; more are refused with `overloaded`.',
  },
  drain_timeout_ms: { type: 'integer', default: 10_000, minimum: 0, scope: 'server', doc: 'How long SIGTERM waits for running requests.' },
  log_level: { type: 'string', default: 'warn', scope: 'server', doc: 'silent, error, warn, info or debug.' },
  timeout_ms: { type: 'integer', default: 0, minimum: 0, scope: 'query', doc: 'Longest run of a statement; 0 = no limit.' },
  max_rows: { type: 'integer', default: 0, minimum: 0, scope: 'query', doc: 'Most rows of a result (more is an error); 0 = no limit.' },
  max_memory: { type: 'bytes', default: '0', scope: 'query', doc: 'Bytes that one query may hold; 0 = all of memory_limit.' },
  vector_rows: {
    type: 'integer',
    default: 16_384,
    minimum: 64,
    scope: 'query',
    doc: 'Rows that flow between operators at once (a multiple of 64).',
  },
  timezone: { type: 'string', default: 'UTC', scope: 'query', doc: 'Time zone of casts between timestamps with and without time zone.' },
  default_null_order: {
    type: 'string',
    default: 'nulls_last_on_asc_first_on_desc',
    scope: 'query',
    doc: 'Where an ORDER BY that does not say it puts NULLs: nulls_last_on_asc_first_on_desc, nulls_first_on_asc_last_on_desc, nulls_first or nulls_last.',
  },
  dialect: { type: 'string', default: 'fletch', scope: 'query', doc: 'SQL dialect of the statement.' },
} as const satisfies Record<string, SettingRow>;

export type SettingName = keyof typeof SETTINGS;

type ValueOf<Row> = Row extends { values: readonly (infer Value)[] }
  ? Value
  : Row extends { type: 'integer' | 'bytes' }
    ? number
    : Row extends { type: 'boolean' }
      ? boolean
      : string;

export type Settings = { readonly [Name in SettingName]: ValueOf<(typeof SETTINGS)[Name]> };

export type QuerySettings = Pick<
  Settings,
  'timeout_ms' | 'max_rows' | 'max_memory' | 'vector_rows' | 'timezone' | 'default_null_order' | 'dialect'
>;

const BYTE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1e3,
  kb: 1e3,
  kib: 1024,
  m: 1e6,
  mb: 1e6,
  mib: 1024 ** 2,
  g: 1e9,
  gb: 1e9,
  gib: 1024 ** 3,
  t: 1e12,
  tb: 1e12,
  tib: 1024 ** 4,
};

/** Reads a setting's text (or an already typed value). Fails with `invalid_argument`. */
export function parseSetting<Name extends SettingName>(name: Name, raw: string | number | boolean): Settings[Name] {
  const row: SettingRow = SETTINGS[name];
  const value = row.type === 'boolean' ? parseBoolean(raw) : row.type === 'string' ? String(raw) : parseNumber(raw, row.type);
  if (value === undefined)
    throw new DbError(
      'invalid_argument',
      `setting ${name}: ${JSON.stringify(raw)} is not ${row.type === 'integer' ? 'an integer' : `of type ${row.type}`}`,
      { hint: row.doc },
    );
  if (row.values !== undefined && !row.values.includes(String(value))) {
    throw new DbError('invalid_argument', `setting ${name}: ${JSON.stringify(raw)} is none of ${row.values.join(', ')}`, { hint: row.doc });
  }
  if (typeof value === 'number' && value < (row.minimum ?? 0)) {
    throw new DbError('invalid_argument', `setting ${name}: ${value} is below its minimum ${row.minimum ?? 0}`, { hint: row.doc });
  }
  return value as Settings[Name];
}

function parseBoolean(raw: string | number | boolean): boolean | undefined {
  const text = String(raw).toLowerCase();
  if (['true', '1', 'on', 'yes', ''].includes(text)) return true;
  return ['false', '0', 'off', 'no'].includes(text) ? false : undefined;
}

function parseNumber(raw: string | number | boolean, type: 'integer' | 'bytes'): number | undefined {
  const match = /^\s*(-?\d[\d_]*(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(String(raw));
  const unit = BYTE_UNITS[(match?.[2] ?? '').toLowerCase()];
  if (!match || unit === undefined || (type === 'integer' && match[2] !== '')) return undefined;
  const value = Number((match[1] ?? '').replaceAll('_', '')) * unit;
  return type === 'integer' && !Number.isSafeInteger(value) ? undefined : Math.floor(value);
}

/** All settings at their defaults, then overlaid with `given`. */
export function settingsWith(given: Partial<Record<SettingName, string | number | boolean>> = {}): Settings {
  const entries = (Object.keys(SETTINGS) as SettingName[]).map(
    (name) => [name, parseSetting(name, given[name] ?? SETTINGS[name].default)] as const,
  );
  return Object.fromEntries(entries) as unknown as Settings;
}
