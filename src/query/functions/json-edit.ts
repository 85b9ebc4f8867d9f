/** JSON with members put in, replaced or taken away by path, and the values that a path finds. */
import type { Value } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { UTF8 } from '../../core/types.js';
import type { ScalarFunction } from './contract.js';
import { entriesOf } from './entry.js';
import { follow, isArray, isObject, type Json, jsonPath, memberOf, parseJson, writeJson } from './json-text.js';
import { text } from './overloads.js';
import { each } from './row-by-row.js';

const entry = entriesOf({ category: 'json' });

type Key = string | number;

function keysOf(path: Value | undefined): readonly Key[] {
  const found = jsonPath(String(path));
  if (found.many) throw new DbError('invalid_value', `'${String(path)}' leads to several values`);
  return found.steps.filter((step): step is Key => typeof step !== 'symbol');
}

/** The value with what `change` makes of the member at a path (undefined: there is none, or there shall be none). */
function changed(value: Json, keys: readonly Key[], change: (own: Json | undefined) => Json | undefined): Json | undefined {
  const [key, ...rest] = keys;
  if (key === undefined) return change(value);
  const own = memberOf(value, key);
  if (own === undefined && rest.length > 0) return value;
  const next = own === undefined ? change(undefined) : changed(own, rest, change);
  if (isObject(value) && typeof key === 'string') {
    if (next !== undefined) return new Map([...value, [key, next]]);
    return new Map([...value].filter(([name]) => name !== key));
  }
  if (!isArray(value)) return value;
  const place = Number(key) < 0 ? value.length + Number(key) : Number(key);
  if (own === undefined) return next === undefined || !(place >= value.length) ? value : [...value, next];
  return next === undefined ? value.filter((_, i) => i !== place) : value.map((item, i) => (i === place ? next : item));
}

function edited(source: Value | undefined, path: Value | undefined, change: (own: Json | undefined) => Json | undefined): Value {
  const result = changed(parseJson(String(source)), keysOf(path), change);
  return result === undefined ? null : writeJson(result);
}

export const JSON_EDIT_FUNCTIONS: readonly ScalarFunction[] = [
  entry(
    'json_insert',
    'json_insert(j, path, value): the JSON with a value, itself JSON, where the path leads to nothing yet.',
    [
      { sql: `json_insert('{"a": 1}', '$.b', '[2]')`, result: '{"a":1,"b":[2]}' },
      { sql: `json_insert('{"a": 1}', '$.a', '2')`, result: '{"a":1}' },
    ],
    [each([text, text, text], UTF8, ([source, path, next]) => edited(source, path, (own) => own ?? parseJson(String(next))))],
  ),
  entry(
    'json_replace',
    'json_replace(j, path, value): the JSON with the value, itself JSON, at the path, if the path leads to something.',
    [
      { sql: `json_replace('{"a": [1, 2]}', '$.a[1]', '9')`, result: '{"a":[1,9]}' },
      { sql: `json_replace('{"a": 1}', '$.b', '9')`, result: '{"a":1}' },
    ],
    [
      each([text, text, text], UTF8, ([source, path, next]) =>
        edited(source, path, (own) => (own === undefined ? undefined : parseJson(String(next)))),
      ),
    ],
  ),
  entry(
    'json_remove',
    'json_remove(j, path, …): the JSON without what the paths lead to.',
    [{ sql: `json_remove('{"a": [1, 2], "b": 3}', '$.a[0]', '$.b')`, result: '{"a":[2]}' }],
    [
      each(
        [text, text],
        UTF8,
        ([source, ...paths]) =>
          paths.reduce<Value>((json, path) => (json === null ? null : edited(json, path, () => undefined)), source ?? null),
        text,
      ),
    ],
  ),
  entry(
    'jsonb_path_query_array',
    'jsonb_path_query_array(j, path): the values that a path finds, as a JSON array.',
    [{ sql: `jsonb_path_query_array('{"a": [1, 2]}', '$.a[*]')`, result: '[1,2]' }],
    [each([text, text], UTF8, ([source, path]) => writeJson(follow(parseJson(String(source)), jsonPath(String(path)))))],
    ['json_path_query_array'],
  ),
  entry(
    'jsonb_path_query_first',
    'jsonb_path_query_first(j, path): the first value that a path finds, as JSON; NULL when there is none.',
    [{ sql: `jsonb_path_query_first('{"a": [1, 2]}', '$.a[*]')`, result: '1' }],
    [
      each([text, text], UTF8, ([source, path]) => {
        const [first] = follow(parseJson(String(source)), jsonPath(String(path)));
        return first === undefined ? null : writeJson(first);
      }),
    ],
    ['json_path_query_first'],
  ),
  entry(
    'json_structure',
    'The shape of a JSON value: names with the types of their values.',
    [{ sql: `json_structure('{"a": 1, "b": ["x"]}')`, result: '{"a":"UBIGINT","b":["VARCHAR"]}' }],
    [each([text], UTF8, ([source]) => writeJson(structure(parseJson(String(source)))))],
  ),
  entry(
    'constant_or_null',
    'constant_or_null(a, b, …): the first argument where none of the others is NULL.',
    [
      { sql: 'constant_or_null(7, 1)', result: '7' },
      { sql: 'constant_or_null(7, NULL)', result: 'NULL' },
    ],
    ([first, ...others]) => {
      if (!first || others.length === 0) return undefined;
      return {
        args: [first.type, ...others.map((arg) => arg.type)],
        type: first.type,
        evaluate: (_, [value]) => value as NonNullable<typeof value>,
      };
    },
    { category: 'conditional', infallible: true },
  ),
];

function structure(value: Json): Json {
  if (value === null) return 'NULL';
  if (typeof value === 'boolean') return 'BOOLEAN';
  if (typeof value === 'string') return 'VARCHAR';
  if (isArray(value)) return value.length === 0 ? ['NULL'] : [merged(value.map(structure))];
  if (isObject(value)) return new Map([...value].map(([name, member]) => [name, structure(member)] as const));
  return /^-?\d+$/.test(writeJson(value)) ? (writeJson(value).startsWith('-') ? 'BIGINT' : 'UBIGINT') : 'DOUBLE';
}

/** One shape for all items of an array. */
function merged(shapes: readonly Json[]): Json {
  const known = shapes.filter((shape) => shape !== 'NULL');
  const [first = 'NULL'] = known;
  if (known.every((shape) => writeJson(shape) === writeJson(first))) return first;
  if (known.every(isObject)) {
    const names = [...new Set(known.flatMap((shape) => [...shape.keys()]))];
    return new Map(names.map((name) => [name, merged(known.flatMap((shape) => shape.get(name) ?? []))] as const));
  }
  if (known.every((shape) => shape === 'BIGINT' || shape === 'UBIGINT')) return 'BIGINT';
  return known.every((shape) => shape === 'BIGINT' || shape === 'UBIGINT' || shape === 'DOUBLE') ? 'DOUBLE' : 'JSON';
}
