/** Structs made and taken apart. Names of fields are literals, since they decide types. */
import { flatVector, type Vector } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { BOOL, type DataType, INT64, isText, UTF8 } from '../../core/types.js';
import { restrict } from '../expression/bitmaps.js';
import { toFlat } from '../expression/gather.js';
import { constantVector } from '../expression/vector-values.js';
import type { ArgumentType, EvaluationContext, Overload, ScalarFunction } from './contract.js';
import { entriesOf } from './entry.js';
import { listOf, rowByRow } from './row-by-row.js';

type StructType = Extract<DataType, { kind: 'struct' }>;

const entry = entriesOf({ category: 'list', infallible: true });

function structOf(args: readonly ArgumentType[]): StructType | undefined {
  const fields: StructType['fields'][number][] = [];
  for (let i = 0; i + 1 < args.length; i += 2) {
    const name = args[i]?.value;
    const type = args[i + 1]?.type;
    if (typeof name !== 'string' || !type) return undefined;
    fields.push({ name, type, nullable: true });
  }
  return args.length % 2 === 0 && fields.length > 0 ? { kind: 'struct', fields } : undefined;
}

/** A struct's fields as flat columns, hidden where the struct is NULL. */
function fieldsOf(vector: Vector, context: EvaluationContext): readonly Vector[] {
  const flat = toFlat(vector, context);
  return flat.children.map((child) => restrict(toFlat(child, context), flat.validity, flat.length, context));
}

const packed =
  (type: StructType): Overload['evaluate'] =>
  (context, args, rowCount) => {
    const children = type.fields.map((field, i) => {
      const value = args[2 * i + 1] ?? constantVector(null, field.type, rowCount, context);
      return toFlat({ ...value, length: rowCount }, context);
    });
    return flatVector(type, rowCount, 0, 0, 0, children);
  };

/** struct_pack('a', x, 'b', y): what {'a': x, b: y} and struct_pack(a := x) are bound to. */
function resolvePack(args: readonly ArgumentType[]): Overload | undefined {
  const type = structOf(args);
  if (!type) return undefined;
  if (new Set(type.fields.map((field) => field.name.toLowerCase())).size < type.fields.length) {
    throw new DbError('invalid_argument', 'a field of a struct is named twice');
  }
  return { args: type.fields.flatMap((field) => [UTF8, field.type]), type, evaluate: packed(type) };
}

export function resolveStructExtract(args: readonly ArgumentType[]): Overload | undefined {
  const [struct, name] = args;
  if (args.length !== 2 || struct?.type.kind !== 'struct') return undefined;
  const { fields } = struct.type;
  const wanted = name?.value;
  const index =
    typeof wanted === 'string'
      ? fields.findIndex((field) => field.name.toLowerCase() === wanted.toLowerCase())
      : typeof wanted === 'bigint'
        ? Number(wanted) - 1
        : -1;
  const field = fields[index];
  if (!field || !name) return undefined;
  return {
    args: [struct.type, isText(name.type) ? UTF8 : INT64],
    type: field.type,
    evaluate: (context, [vector]) => {
      const child = fieldsOf(vector as Vector, context)[index];
      if (!child) throw new DbError('internal', `a struct without its field ${field.name}`);
      return child;
    },
  };
}

/** The first struct's fields and those that come with names; a field of the same name is replaced. */
function resolveInsert(args: readonly ArgumentType[]): Overload | undefined {
  const [struct, ...more] = args;
  const added = structOf(more);
  if (struct?.type.kind !== 'struct' || !added) return undefined;
  const base = struct.type;
  const at = (name: string) => added.fields.findIndex((field) => field.name.toLowerCase() === name.toLowerCase());
  const kept = base.fields.map((field) => ({ field: added.fields[at(field.name)] ?? field, from: at(field.name) }));
  const names = new Set(base.fields.map((field) => field.name.toLowerCase()));
  const fresh = added.fields.flatMap((field, from) => (names.has(field.name.toLowerCase()) ? [] : [{ field, from }]));
  const columns = [...kept, ...fresh];
  const type: StructType = { kind: 'struct', fields: columns.map(({ field }) => field) };
  return {
    args: [base, ...added.fields.flatMap((field) => [UTF8, field.type])],
    type,
    evaluate: (context, [vector, ...values], rowCount) => {
      const own = fieldsOf(vector as Vector, context);
      const children = columns.map(({ from }, i) =>
        from < 0 ? (own[i] as Vector) : toFlat({ ...(values[2 * from + 1] as Vector), length: rowCount }, context),
      );
      return flatVector(type, rowCount, 0, toFlat(vector as Vector, context).validity, 0, children);
    },
  };
}

function resolveConcat(args: readonly ArgumentType[]): Overload | undefined {
  const types = args.map((arg) => arg.type).filter((type): type is StructType => type.kind === 'struct');
  if (types.length === 0 || types.length !== args.length) return undefined;
  const type: StructType = { kind: 'struct', fields: types.flatMap((each) => each.fields) };
  const evaluate: Overload['evaluate'] = (context, vectors, rowCount) =>
    flatVector(
      type,
      rowCount,
      0,
      0,
      0,
      vectors.flatMap((vector) => fieldsOf(vector, context)),
    );
  return { args: types, type, evaluate };
}

/** Names of the fields, the same for all rows. */
function resolveKeys([struct, ...more]: readonly ArgumentType[]): Overload | undefined {
  if (struct?.type.kind !== 'struct' || more.length > 0) return undefined;
  const names = struct.type.fields.map((field) => field.name);
  const type = listOf(UTF8);
  return { args: [struct.type], type, evaluate: (context, _args, rowCount) => constantVector(names, type, rowCount, context) };
}

/** Where in a struct a value stands. */
function resolvePosition([struct, name, ...more]: readonly ArgumentType[], holds: boolean): Overload | undefined {
  if (struct?.type.kind !== 'struct' || !name || more.length > 0) return undefined;
  const { fields } = struct.type;
  const type = holds ? BOOL : INT64;
  const evaluate = rowByRow(type, ([value, wanted]) => {
    const values = value as { readonly [name: string]: unknown };
    const place = fields.findIndex((field) => JSON.stringify(text(values[field.name])) === JSON.stringify(text(wanted)));
    return holds ? place >= 0 : BigInt(place + 1);
  });
  return { args: [struct.type, name.type], type, evaluate };
}

const text = (value: unknown) => (typeof value === 'bigint' ? String(value) : typeof value === 'number' ? String(value) : value);

export const STRUCT_FUNCTIONS: readonly ScalarFunction[] = [
  entry(
    'struct_pack',
    "struct_pack(a := x, b := y), also {'a': x, 'b': y}: a struct of named values. ROW(x, y) names them f1, f2.",
    [
      { sql: "{'a': 1, 'b': 'x'}", result: "{'a': 1, 'b': x}" },
      { sql: 'struct_pack(a := 1, b := NULL)', result: "{'a': 1, 'b': NULL}" },
      { sql: "ROW(1, 'x')", result: "{'f1': 1, 'f2': x}" },
    ],
    resolvePack,
    { nulls: 'custom', infallible: false },
  ),
  entry(
    'struct_extract',
    "A field of a struct: s.field, s['field'], or by its place from 1.",
    [
      { sql: "struct_extract({'a': 1}, 'a')", result: '1' },
      { sql: "({'a': {'b': 2}}).a.b", result: '2' },
    ],
    resolveStructExtract,
    ['struct_extract_at'],
  ),
  entry(
    'struct_insert',
    'struct_insert(s, a := x): the struct with more fields; those of the same name are replaced.',
    [
      { sql: "struct_insert({'a': 1}, b := 2)", result: "{'a': 1, 'b': 2}" },
      { sql: "struct_update({'a': 1, 'b': 2}, a := 9)", result: "{'a': 9, 'b': 2}" },
    ],
    resolveInsert,
    { aliases: ['struct_update'], nulls: 'custom' },
  ),
  entry(
    'struct_concat',
    'The fields of several structs in one.',
    [{ sql: "struct_concat({'a': 1}, {'b': 2})", result: "{'a': 1, 'b': 2}" }],
    resolveConcat,
    { nulls: 'custom' },
  ),
  entry('struct_keys', 'Names of the fields of a struct.', [{ sql: "struct_keys({'a': 1, 'b': 2})", result: '[a, b]' }], resolveKeys),
  entry(
    'struct_contains',
    'True when a field has the value.',
    [{ sql: "struct_contains({'a': 1, 'b': 2}, 2)", result: 'true' }],
    (args) => resolvePosition(args, true),
    ['struct_has'],
  ),
  entry(
    'struct_position',
    'Place of the first field that has the value, from 1; 0 when none has.',
    [{ sql: "struct_position({'a': 1, 'b': 2}, 2)", result: '2' }],
    (args) => resolvePosition(args, false),
    ['struct_indexof'],
  ),
];
