/** What descriptors and tickets say: SQL text, JSON with a query and parameters, or the path of a table. */
import type { Value } from '../core/batch.js';
import type { Parameters, ParameterValue } from '../core/contracts.js';
import { DbError } from '../core/errors.js';
import { type FlightDescriptor, readText } from './messages.js';

export interface QueryCommand {
  readonly sql: string;
  readonly parameters: Parameters | undefined;
}

export interface PutCommand {
  readonly table: string;
  readonly create: boolean;
  readonly mode: 'append' | 'replace';
  /** All batches become visible together at the end of the stream. */
  readonly isAtomic: boolean;
}

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
type JsonObject = { readonly [name: string]: Json };

/** An identifier as SQL writes it, quoted. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function queryOfDescriptor(descriptor: FlightDescriptor): QueryCommand {
  if (descriptor.kind === 'path') return { sql: `SELECT * FROM ${quoted(tableOfPath(descriptor))}`, parameters: undefined };
  return queryOfBytes(descriptor.command, 'the descriptor command');
}

/** SQL text, or JSON {"query", "params"}; tickets have the same form. */
export function queryOfBytes(bytes: Uint8Array, what: string): QueryCommand {
  const text = readText(bytes, what);
  if (text.trim() === '') throw new DbError('invalid_argument', `${what} is empty`, { hint: 'send SQL, or JSON {"query", "params"}' });
  const json = jsonObject(text, what);
  if (json === undefined) return { sql: text, parameters: undefined };
  const { query, params, ...others } = json;
  refuseUnknown(others, what);
  if (typeof query !== 'string') throw new DbError('invalid_argument', `${what} has no "query" text`);
  return { sql: query, parameters: parametersOf(params ?? null, what) };
}

/** A ticket that stands for the command; plain SQL where it has no parameters, so that people can read it. */
export function ticketOf(descriptor: FlightDescriptor): Uint8Array {
  return descriptor.kind === 'path' ? Buffer.from(queryOfDescriptor(descriptor).sql) : descriptor.command;
}

/** A table's name, or JSON {"table", "create", "mode", "atomic"}. */
export function putOfDescriptor(descriptor: FlightDescriptor): PutCommand {
  const plain = { create: true, mode: 'append', isAtomic: false } as const;
  if (descriptor.kind === 'path') return { ...plain, table: tableOfPath(descriptor) };
  const what = 'the descriptor command';
  const text = readText(descriptor.command, what).trim();
  if (text === '') throw new DbError('invalid_argument', `${what} names no table`);
  const json = jsonObject(text, what);
  if (json === undefined) return { ...plain, table: unquoted(text) };
  const { table, create = true, mode = 'append', atomic = mode === 'replace', ...others } = json;
  refuseUnknown(others, what);
  if (typeof table !== 'string' || table === '') throw new DbError('invalid_argument', `${what} has no "table" name`);
  if (typeof create !== 'boolean' || typeof atomic !== 'boolean')
    throw new DbError('invalid_argument', `${what}: "create" and "atomic" are booleans`);
  if (mode !== 'append' && mode !== 'replace') throw new DbError('invalid_argument', `${what}: "mode" is "append" or "replace"`);
  return { table, create, mode, isAtomic: atomic || mode === 'replace' };
}

function tableOfPath({ path }: FlightDescriptor): string {
  const [table] = path;
  if (table === undefined || table === '' || path.length !== 1) {
    throw new DbError('invalid_argument', `a descriptor path has one step, the table's name, not ${path.length}`);
  }
  return table;
}

function unquoted(text: string): string {
  return /^"(?:[^"]|"")+"$/.test(text) ? text.slice(1, -1).replaceAll('""', '"') : text;
}

/** Strings, and integers that a JavaScript number may not hold: those become text with a mark, so that no digit is lost. */
const JSON_TOKENS = /"(?:[^"\\]|\\.)*"|-?\d{16,}(?![\d.eE])/g;
const BIG_INTEGER = 'fletch.int:';

/** The JSON object that the text is; undefined when it is something else than JSON. */
export function jsonObject(text: string, what: string): JsonObject | undefined {
  if (!text.trimStart().startsWith('{')) return undefined;
  try {
    return JSON.parse(text.replace(JSON_TOKENS, (token) => (token.startsWith('"') ? token : `"${BIG_INTEGER}${token}"`))) as JsonObject;
  } catch (cause) {
    throw new DbError('invalid_argument', `${what} is not valid JSON: ${(cause as Error).message}`, { cause });
  }
}

export function refuseUnknown(others: JsonObject, what: string): void {
  const [name] = Object.keys(others);
  if (name !== undefined) throw new DbError('invalid_argument', `${what} has an unknown key ${JSON.stringify(name)}`);
}

function parametersOf(params: Json, what: string): Parameters | undefined {
  if (params === null) return undefined;
  if (Array.isArray(params)) return (params as readonly Json[]).map((value) => parameterOf(value, what));
  if (typeof params !== 'object') throw new DbError('invalid_argument', `${what}: "params" is an array or an object`);
  return Object.fromEntries(Object.entries(params as JsonObject).map(([name, value]) => [name, parameterOf(value, what)]));
}

/** JSON's whole numbers are integers, not floats. */
function parameterOf(value: Json, what: string): ParameterValue {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
  if (typeof value === 'string' && value.startsWith(BIG_INTEGER)) {
    const digits = value.slice(BIG_INTEGER.length);
    if (/^-?\d+$/.test(digits)) return BigInt(digits);
  }
  if (Array.isArray(value)) return (value as readonly Json[]).map((item) => parameterOf(item, what) as Value);
  if (typeof value === 'object' && value !== null) throw new DbError('invalid_argument', `${what}: a parameter cannot be a JSON object`);
  return value as ParameterValue;
}
