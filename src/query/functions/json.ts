/** JSON functions. JSON is text: it is read where a function takes it, and written without spaces. */
import type { Value } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { BOOL, type DataType, INT64, isText, UTF8 } from '../../core/types.js';
import type { ArgumentType, Overload, ScalarFunction } from './contract.js';
import { entriesOf } from './entry.js';
import {
  follow,
  isArray,
  isObject,
  type Json,
  JsonNumber,
  jsonContains,
  jsonPath,
  jsonText,
  memberOf,
  parseJson,
  readJson,
  writeJson,
} from './json-text.js';
import { JSON_EMBEDDED, jsonOf } from './json-values.js';
import { any, integer, text } from './overloads.js';
import { type Compute, each, eachWithNulls, listOf, listTypeOf, rowByRow } from './row-by-row.js';

const entry = entriesOf({ category: 'json' });

const json = (value: Value | undefined) => parseJson(String(value));
const written = (value: Json | undefined): string | null => (value === undefined ? null : writeJson(value));

/** j -> key or place. */
function getting(write: (value: Json | undefined) => string | null) {
  return [
    each([text, integer], UTF8, ([source, place]) => write(memberOf(json(source), Number(place)))),
    each([text, text], UTF8, ([source, key]) => {
      const path = String(key);
      return write(path.startsWith('$') || path.startsWith('/') ? follow(json(source), jsonPath(path))[0] : memberOf(json(source), path));
    }),
  ];
}

/** j #> '{a,0}' or a list of keys. */
function walking(write: (value: Json | undefined) => string | null): ScalarFunction['resolve'] {
  return (args) => {
    const [source, path] = args;
    const keys = path && (isText(path.type) ? UTF8 : listTypeOf(path) ? listOf(UTF8) : undefined);
    if (args.length !== 2 || !source || !text(source) || !keys) return undefined;
    const evaluate = rowByRow(UTF8, ([from, steps = null]) => {
      const list = Array.isArray(steps) ? (steps as readonly Value[]).map(String) : pathKeys(String(steps));
      return write(list.reduce<Json | undefined>((value, key) => memberOf(value, key), json(from)));
    });
    return { args: [UTF8, keys], type: UTF8, evaluate };
  };
}

function pathKeys(text: string): readonly string[] {
  if (!text.startsWith('{')) return text === '' ? [] : [text];
  const inner = text.slice(1, -1);
  return inner.trim() === '' ? [] : inner.split(',').map((key) => key.trim().replace(/^"(.*)"$/, '$1'));
}

/** json_extract(j, path, …): a literal path with * gives a list; several keys lead from one to the next. */
function extracting(write: (value: Json | undefined) => string | null): ScalarFunction['resolve'] {
  return (args) => {
    const [, path] = args;
    if (args.length < 2) return undefined;
    const [first] = args;
    if (!first || !text(first) || !args.slice(1).every((arg) => text(arg) || integer(arg))) return undefined;
    const types = [UTF8, ...args.slice(1).map((arg): DataType => (text(arg) ? UTF8 : INT64))];
    if (args.length === 2 && typeof path?.value === 'string' && path.value.startsWith('$') && jsonPath(path.value).many) {
      const type = listOf(UTF8);
      return {
        args: types,
        type,
        evaluate: rowByRow(type, ([source, way]) => follow(json(source), jsonPath(String(way))).map((each) => write(each))),
      };
    }
    const evaluate = rowByRow(UTF8, ([source, ...steps]) => {
      let value: Json | undefined = json(source);
      for (const step of steps) {
        if (value === undefined) return null;
        value = typeof step === 'bigint' ? memberOf(value, Number(step)) : follow(value, jsonPath(String(step)))[0];
      }
      return write(value);
    });
    return { args: types, type: UTF8, evaluate };
  };
}

/** f(j) and f(j, path). */
function ofMember(type: DataType, compute: (value: Json) => Value) {
  return [
    each([text], type, ([source]) => compute(json(source))),
    each([text, text], type, ([source, path]) => {
      const found = follow(json(source), jsonPath(String(path)))[0];
      return found === undefined ? null : compute(found);
    }),
  ];
}

function postgresType(value: Json): string {
  if (value === null) return 'null';
  if (value instanceof JsonNumber) return 'number';
  return isArray(value) ? 'array' : isObject(value) ? 'object' : typeof value;
}

function duckType(value: Json): string {
  if (value instanceof JsonNumber) return /[.eE]/.test(value.text) ? 'DOUBLE' : value.text.startsWith('-') ? 'BIGINT' : 'UBIGINT';
  return { null: 'NULL', array: 'ARRAY', object: 'OBJECT', string: 'VARCHAR', boolean: 'BOOLEAN' }[postgresType(value)] ?? 'NULL';
}

// ---- building ----

function building(compute: (values: readonly Json[], names: readonly Value[]) => Json): ScalarFunction['resolve'] {
  return (args) => ({
    args: args.map((arg) => arg.type),
    type: UTF8,
    evaluate: rowByRow(
      UTF8,
      (values) =>
        writeJson(
          compute(
            values.map((value, i) => jsonOf(value, args[i]?.type ?? UTF8)),
            values,
          ),
        ),
      'seen',
    ),
  });
}

function objectOf(values: readonly Json[]): Json {
  if (values.length % 2 === 1) throw new DbError('invalid_argument', 'json_object takes names and values in turn');
  const entries = new Map<string, Json>();
  for (let i = 0; i < values.length; i += 2) {
    const name = jsonText(values[i]);
    if (name === null) throw new DbError('invalid_value', 'a name in a JSON object must not be NULL');
    entries.set(name, values[i + 1] ?? null);
  }
  return entries;
}

const toJson = (args: readonly ArgumentType[]): Overload | undefined =>
  args.length === 1 ? building(([value = null]) => value)(args) : undefined;

/** RFC 7396. */
function patched(base: Json, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const result = new Map(isObject(base) ? base : []);
  for (const [key, value] of patch) {
    if (value === null) result.delete(key);
    else result.set(key, patched(result.get(key) ?? null, value));
  }
  return result;
}

function withoutNulls(value: Json): Json {
  if (isArray(value)) return value.map(withoutNulls);
  if (!isObject(value)) return value;
  return new Map([...value].filter(([, item]) => item !== null).map(([key, item]) => [key, withoutNulls(item)]));
}

/** The value with the member at a path replaced; a missing last member is added when `create`. */
function replaced(value: Json, steps: readonly string[], next: Json, create: boolean): Json {
  const [step, ...rest] = steps;
  if (step === undefined) return next;
  const own = memberOf(value, step);
  if (own === undefined && (!create || rest.length > 0)) return value;
  const member = own === undefined ? next : replaced(own, rest, next, create);
  if (isObject(value)) return new Map([...value, [step, member]]);
  if (!isArray(value)) return value;
  const place = Number(step) < 0 ? value.length + Number(step) : Number(step);
  return own === undefined ? (place < 0 ? [member, ...value] : [...value, member]) : value.map((item, i) => (i === place ? member : item));
}

const setting: Compute = ([source, path, next, create = true]) => {
  const keys = Array.isArray(path) ? (path as readonly Value[]).map(String) : pathKeys(String(path));
  return writeJson(replaced(json(source), keys, json(next), create === true));
};

const checked: Compute = ([source]) => {
  parseJson(String(source));
  return source ?? null;
};

export const JSON_FUNCTIONS: readonly ScalarFunction[] = [
  entry(
    'json_get',
    "j -> key or place: a member as JSON; also by a path, j -> '$.a[0]'.",
    [
      { sql: `'{"a": {"b": 1}}' -> 'a'`, result: '{"b":1}' },
      { sql: `'[1, 12345678901234567890]' -> -1`, result: '12345678901234567890' },
      { sql: `'{"a": 1}' -> 'x'`, result: 'NULL' },
    ],
    getting(written),
    ['json_object_field', 'jsonb_object_field', 'json_array_element', 'jsonb_array_element'],
  ),
  entry(
    'json_get_text',
    'j ->> key or place: a member as text, without quotes.',
    [
      { sql: `'{"a": "x"}' ->> 'a'`, result: 'x' },
      { sql: `'{"a": null}' ->> 'a'`, result: 'NULL' },
    ],
    getting(jsonText),
    ['json_object_field_text', 'jsonb_object_field_text', 'json_array_element_text', 'jsonb_array_element_text'],
  ),
  entry(
    'json_get_path',
    "j #> '{a,0}': the member at the end of keys and places, as JSON.",
    [{ sql: `'{"a": [1, [2]]}' #> '{a,1}'`, result: '[2]' }],
    walking(written),
  ),
  entry('json_get_path_text', "j #>> '{a,0}': the same as text.", [{ sql: `'{"a": ["x"]}' #>> '{a,0}'`, result: 'x' }], walking(jsonText)),
  entry(
    'json_extract',
    'json_extract(j, path): what a path $.a[0]."b c" or /a/0, or a key, leads to, as JSON; a path with * gives a list. json_extract_path(j, key, key, …) goes from key to key.',
    [
      { sql: `json_extract('{"a": [1, {"b": 2}]}', '$.a[1].b')`, result: '2' },
      { sql: `json_extract('{"a": [1, 2]}', '$.a[*]')`, result: "['1', '2']".replaceAll("'", '') },
      { sql: `json_extract_path('{"a": {"b": 2}}', 'a', 'b')`, result: '2' },
    ],
    extracting(written),
    ['json_extract_path', 'jsonb_extract_path', 'jsonb_extract', 'json_query'],
  ),
  entry(
    'json_extract_string',
    'As json_extract, as text without quotes.',
    [{ sql: `json_extract_string('{"a": "x"}', '$.a')`, result: 'x' }],
    extracting(jsonText),
    ['json_extract_path_text', 'jsonb_extract_path_text'],
  ),
  entry(
    'json_value',
    'json_value(j, path): a text, number or boolean as text; NULL for objects and lists.',
    [
      { sql: `json_value('{"a": "x"}', '$.a')`, result: 'x' },
      { sql: `json_value('{"a": [1]}', '$.a')`, result: 'NULL' },
    ],
    [
      each([text, text], UTF8, ([source, path]) => {
        const found = follow(json(source), jsonPath(String(path)))[0];
        return isArray(found) || isObject(found) ? null : jsonText(found);
      }),
    ],
  ),
  entry(
    'json_exists',
    'True when the path leads somewhere.',
    [{ sql: `json_exists('{"a": null}', '$.a')`, result: 'true' }],
    [each([text, text], BOOL, ([source, path]) => follow(json(source), jsonPath(String(path))).length > 0)],
    ['json_path_exists', 'jsonb_path_exists', 'jsonb_exists'],
  ),
  entry(
    'json_array_length',
    'Items of a JSON array, also at a path; 0 for other values.',
    [{ sql: `json_array_length('[1, 2, 3]')`, result: '3' }],
    ofMember(INT64, (value) => (isArray(value) ? BigInt(value.length) : 0n)),
    ['jsonb_array_length'],
  ),
  entry(
    'json_keys',
    'Keys of an object as a list.',
    [{ sql: `json_keys('{"a": 1, "b": 2}')`, result: '[a, b]' }],
    ofMember(listOf(UTF8), (value) => (isObject(value) ? [...value.keys()] : [])),
    ['json_object_keys', 'jsonb_object_keys'],
  ),
  entry(
    'json_typeof',
    'object, array, string, number, boolean or null.',
    [{ sql: `json_typeof('[1]')`, result: 'array' }],
    ofMember(UTF8, postgresType),
    ['jsonb_typeof'],
  ),
  entry(
    'json_type',
    'OBJECT, ARRAY, VARCHAR, UBIGINT, BIGINT, DOUBLE, BOOLEAN or NULL; also of the member at a path.',
    [{ sql: `json_type('{"a": -1}', '$.a')`, result: 'BIGINT' }],
    ofMember(UTF8, duckType),
  ),
  entry(
    'json_valid',
    'True for text that is JSON.',
    [{ sql: `json_valid('{"a": }')`, result: 'false' }],
    [each([text], BOOL, ([source]) => readJson(String(source)) !== undefined)],
    { infallible: true },
  ),
  entry(
    'json_contains',
    'json_contains(a, b), also a @> b: every member of b is in a.',
    [
      { sql: `json_contains('{"a": 1, "b": [2, 3]}', '{"b": [3]}')`, result: 'true' },
      { sql: `'{"a": 1}' @> '{"a": 2}'`, result: 'false' },
    ],
    [each([text, text], BOOL, ([a, b]) => jsonContains(json(a), json(b)))],
    ['jsonb_contains'],
  ),
  entry(
    'json',
    'The JSON without spaces; an error for text that is none.',
    [{ sql: `json('{ "a" : [ 1 ] }')`, result: '{"a":[1]}' }],
    [each([text], UTF8, ([source]) => writeJson(json(source)))],
  ),
  entry(
    'json_checked',
    'What CAST(text AS JSON) calls: the text as it is, or an error.',
    [{ sql: `'[1, 2]'::json`, result: '[1, 2]' }],
    [each([text], UTF8, checked)],
  ),
  entry(
    'json_checked_or_null',
    'What TRY_CAST(text AS JSON) calls.',
    [{ sql: "TRY_CAST('[1,' AS JSON)", result: 'NULL' }],
    [each([text], UTF8, ([source]) => (readJson(String(source)) === undefined ? null : (source ?? null)))],
  ),
  entry(
    'json_pretty',
    'JSON with a line for each member.',
    [{ sql: `json_pretty('[1]')`, result: '[\n    1\n]' }],
    [each([text], UTF8, ([source]) => writeJson(json(source), '    '))],
    ['jsonb_pretty'],
  ),
  entry(
    'to_json',
    'Any value as JSON: structs become objects, lists arrays, times text. What is JSON by a cast or a JSON function is taken as it is.',
    [
      { sql: `to_json({'a': [1, NULL], 'b': 'x"y'})`, result: '{"a":[1,null],"b":"x\\"y"}' },
      { sql: "to_json(DATE '2026-01-02')", result: '"2026-01-02"' },
    ],
    toJson,
    { aliases: ['to_jsonb', 'row_to_json', 'array_to_json', 'json_quote'], nulls: 'strict' },
  ),
  entry(
    'json_object',
    'json_object(name, value, …): a JSON object.',
    [
      { sql: "json_object('a', 1, 'b', NULL)", result: '{"a":1,"b":null}' },
      { sql: "json_build_object('a', json_array(1, 'x'))", result: '{"a":[1,"x"]}' },
    ],
    building(objectOf),
    { aliases: ['json_build_object', 'jsonb_build_object'], nulls: 'custom' },
  ),
  entry(
    'json_array',
    'A JSON array of the arguments.',
    [{ sql: "json_array(1, 'x', NULL)", result: '[1,"x",null]' }],
    building((values) => values),
    {
      aliases: ['json_build_array', 'jsonb_build_array'],
      nulls: 'custom',
    },
  ),
  entry(
    'json_merge_patch',
    'The first JSON changed by the second, as RFC 7396 says.',
    [{ sql: `json_merge_patch('{"a": 1, "b": 2}', '{"b": null, "c": 3}')`, result: '{"a":1,"c":3}' }],
    [each([text, text], UTF8, ([a, b]) => writeJson(patched(json(a), json(b))))],
  ),
  entry(
    'json_strip_nulls',
    'Without members that are null.',
    [{ sql: `json_strip_nulls('{"a": 1, "b": null}')`, result: '{"a":1}' }],
    [each([text], UTF8, ([source]) => writeJson(withoutNulls(json(source))))],
    ['jsonb_strip_nulls'],
  ),
  entry(
    'jsonb_set',
    "jsonb_set(j, '{a,0}', value[, create]): the JSON with a member replaced, or added.",
    [{ sql: `jsonb_set('{"a": [1, 2]}', '{a,1}', '9')`, result: '{"a":[1,9]}' }],
    [each([text, text, text], UTF8, setting), each([text, text, text, any], UTF8, setting)],
    ['json_set'],
  ),
  eachEmbedded(),
];

/** Marks text as JSON for the functions that build JSON; the binder puts it around what is JSON already. */
function eachEmbedded(): ScalarFunction {
  return entry(
    'json_embed',
    'Text that is JSON, marked as such for functions that build JSON; internal.',
    [{ sql: `to_json(json_embed('[1]'))`, result: '[1]' }],
    [eachWithNulls([text], JSON_EMBEDDED, ([source = null]) => (source === null ? null : { [JSON_EMBEDDED.fields[0].name]: source }))],
    { nulls: 'custom' },
  );
}
