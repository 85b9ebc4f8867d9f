/** What a client asks for: SQL, parameters, settings and the shape of the answer, out of a query string and a body. */
import type { Parameters, ParameterValue, QueryRequest } from '../core/contracts.js';
import { DbError } from '../core/errors.js';
import { nearestName } from '../core/nearest-name.js';
import { parseSetting, type QuerySettings, SETTINGS, type SettingName } from '../core/settings.js';
import { type ChosenFormat, formatAccepted, formatNamed } from '../formats/encoders/formats.js';
import type { EncoderOptions } from '../formats/encoders/result-encoder.js';
import { type JsonValue, readJson } from './json-reader.js';

export type QueryString = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface StatementInput {
  readonly sql: string;
  readonly parameters: Parameters | undefined;
  readonly settings: QueryRequest['settings'];
  readonly format: ChosenFormat;
  readonly encoding: EncoderOptions;
}

/** Options that say how the answer looks, each with its allowed values; the first is the default. */
const OUTPUT_OPTIONS = {
  int64: ['number', 'string'],
  nonfinite: ['null', 'string'],
  timestamps: ['rfc3339', 'epoch'],
  header: ['true', 'false'],
} as const;

type OutputOption = keyof typeof OUTPUT_OPTIONS;

const QUERY_SETTINGS = (Object.keys(SETTINGS) as SettingName[]).filter((name) => SETTINGS[name].scope === 'query');

/** Every name that the query string of a statement may have, besides param_… . */
export const QUERY_OPTIONS: Readonly<Record<string, string>> = {
  query: 'SQL; with a body, the body follows it.',
  format: 'Result format; goes before Accept.',
  default_format: 'Result format when Accept asks for nothing.',
  query_id: 'Name of the query, for /queries and cancelling.',
  delimiter: 'One character between CSV cells.',
  ...Object.fromEntries(Object.entries(OUTPUT_OPTIONS).map(([name, allowed]) => [name, `${allowed.join(' (default) or ')}.`])),
  ...Object.fromEntries(QUERY_SETTINGS.map((name) => [name, SETTINGS[name].doc])),
};
const PLAIN_NAMES = Object.keys(QUERY_OPTIONS);
const BODY_NAMES = ['query', 'params', 'settings', 'format', 'query_id'];
const PARAMETER_PREFIX = 'param_';

interface Gathered {
  sql?: string;
  format?: string;
  defaultFormat?: string;
  delimiter?: string;
  parameters?: Parameters;
  settings: Record<string, unknown>;
  output: Partial<Record<OutputOption, string>>;
}

/** SQL as text/plain, or in the query string. */
export function statementFromText(sql: string | undefined, query: QueryString, accept: string | undefined): StatementInput | undefined {
  const gathered = gather(query);
  if (sql !== undefined && sql.trim() !== '') gathered.sql = gathered.sql === undefined ? sql : `${gathered.sql}\n${sql}`;
  return gathered.sql === undefined ? undefined : finish(gathered, gathered.sql, accept);
}

/** {"query","params","settings","format"}; what the body says goes before the query string. */
export function statementFromJson(body: string, query: QueryString, accept: string | undefined): StatementInput {
  const document = readJson(body);
  if (!isObject(document)) throw new DbError('invalid_argument', 'the body must be a JSON object with a member "query"');
  for (const name of Object.keys(document)) {
    if (!BODY_NAMES.includes(name)) throw unknownName('member of the body', name, BODY_NAMES);
  }
  const gathered = gather(query);
  const sql = document.query ?? gathered.sql;
  if (typeof sql !== 'string') throw new DbError('invalid_argument', 'the body has no member "query" with SQL text');
  const format = document.format;
  if (format !== undefined && format !== null) gathered.format = String(format);
  const params = document.params;
  if (params !== undefined && params !== null) gathered.parameters = asParameters(params);
  const settings = document.settings;
  if (settings !== undefined && settings !== null) gatherBodySettings(settings, gathered);
  return finish(gathered, sql, accept);
}

/** The id that the client chose, from ?query_id=, the body's headers or none. Fails with `invalid_argument`. */
export function chosenQueryId(query: QueryString, header: string | readonly string[] | undefined): string | undefined {
  const id = single(query.query_id) ?? single(header);
  if (id === undefined || id === '') return undefined;
  if (!/^[\x21-\x7e]{1,128}$/.test(id))
    throw new DbError('invalid_argument', 'a query id is 1 to 128 printable ASCII characters without spaces');
  return id;
}

function gather(query: QueryString): Gathered {
  const gathered: Gathered = { settings: {}, output: {} };
  const named: [string, ParameterValue][] = [];
  for (const [name, given] of Object.entries(query)) {
    const value = single(given);
    if (value === undefined) continue;
    if (name.startsWith(PARAMETER_PREFIX)) named.push([name.slice(PARAMETER_PREFIX.length), value]);
    else if (name === 'query') gathered.sql = value;
    else if (name === 'format') gathered.format = value;
    else if (name === 'default_format') gathered.defaultFormat = value;
    else if (name === 'delimiter') gathered.delimiter = value;
    else if (Object.hasOwn(OUTPUT_OPTIONS, name)) gathered.output[name as OutputOption] = value;
    else if ((QUERY_SETTINGS as string[]).includes(name)) gathered.settings[name] = value;
    else if (name !== 'query_id') throw unknownName('parameter of the query string', name, PLAIN_NAMES);
  }
  if (named.length > 0) gathered.parameters = namedOrPositional(named);
  return gathered;
}

/** param_1, param_2, … are $1, $2, …; other names are :name. */
function namedOrPositional(named: readonly [string, ParameterValue][]): Parameters {
  if (!named.every(([name]) => /^[1-9]\d{0,4}$/.test(name))) return Object.fromEntries(named);
  const values: ParameterValue[] = new Array(Math.max(...named.map(([name]) => Number(name)))).fill(null);
  for (const [name, value] of named) values[Number(name) - 1] = value;
  return values;
}

function gatherBodySettings(settings: JsonValue, gathered: Gathered): void {
  if (!isObject(settings)) throw new DbError('invalid_argument', '"settings" must be a JSON object');
  for (const [name, value] of Object.entries(settings)) {
    if (Object.hasOwn(OUTPUT_OPTIONS, name)) gathered.output[name as OutputOption] = String(value);
    else if ((QUERY_SETTINGS as string[]).includes(name)) gathered.settings[name] = value;
    else throw unknownName('setting of a request', name, [...QUERY_SETTINGS, ...Object.keys(OUTPUT_OPTIONS)]);
  }
}

function finish(gathered: Gathered, sql: string, accept: string | undefined): StatementInput {
  const named = gathered.format ?? (accept === undefined || accept === '*/*' ? gathered.defaultFormat : undefined);
  const format = named === undefined ? formatAccepted(accept) : formatNamed(named);
  const delimiter = gathered.delimiter === undefined ? ',' : readDelimiter(gathered.delimiter);
  const values = {
    int64AsText: outputOption(gathered, 'int64') === 'string',
    nonfiniteAsText: outputOption(gathered, 'nonfinite') === 'string',
    timestampsAsEpoch: outputOption(gathered, 'timestamps') === 'epoch',
  };
  const header = format.header && outputOption(gathered, 'header') === 'true';
  return {
    sql,
    parameters: gathered.parameters,
    settings: readSettings(gathered.settings),
    format,
    encoding: { values, delimiter, header },
  };
}

function readSettings(given: Record<string, unknown>): QueryRequest['settings'] {
  const names = Object.keys(given);
  if (names.length === 0) return undefined;
  const entries = names.map((name) => {
    const value = given[name];
    const plain = typeof value === 'number' || typeof value === 'boolean' ? value : String(value);
    return [name, parseSetting(name as SettingName, plain)];
  });
  return Object.fromEntries(entries) as Partial<QuerySettings>;
}

function outputOption(gathered: Gathered, name: OutputOption): string {
  const allowed: readonly string[] = OUTPUT_OPTIONS[name];
  const value = gathered.output[name] ?? (allowed[0] as string);
  if (allowed.includes(value)) return value;
  throw new DbError('invalid_argument', `${name}=${value}: allowed are ${allowed.join(' and ')}`);
}

/** One ASCII character that cannot be part of a cell's own syntax. */
export function readDelimiter(text: string): string {
  const delimiter = text === '\\t' || text === 'tab' ? '\t' : text;
  if (/^[\t\x20-\x7e]$/.test(delimiter) && !/["\\]/.test(delimiter)) return delimiter;
  throw new DbError('invalid_argument', `delimiter ${JSON.stringify(text)} is not one plain ASCII character`);
}

/** JSON numbers, texts, booleans, nulls and lists of them are values; objects are not. */
function asParameters(params: JsonValue): Parameters {
  if (Array.isArray(params)) return params.map(asParameter);
  if (isObject(params)) return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, asParameter(value)]));
  throw new DbError('invalid_argument', '"params" must be a JSON array ($1, $2, …) or object (:name)');
}

function asParameter(value: JsonValue): ParameterValue {
  if (isObject(value)) throw new DbError('invalid_argument', 'a parameter must be a number, text, boolean, null or a list of them');
  return value as ParameterValue;
}

function isObject(value: JsonValue): value is { readonly [name: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function single(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' || value === undefined ? value : value[value.length - 1];
}

export function unknownName(what: string, name: string, known: readonly string[]): DbError {
  const nearest = nearestName(name, known);
  return new DbError('invalid_argument', `unknown ${what}: ${name}`, {
    hint: nearest === undefined ? `known: ${known.join(', ')}` : `did you mean ${nearest}?`,
  });
}
