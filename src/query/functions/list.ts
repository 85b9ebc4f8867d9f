/** Joining: || and concat of text and lists; and lists and structs taken apart. */
import type { Value, Vector } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { type DataType, INT64, isText, UTF8 } from '../../core/types.js';
import { isValid } from '../../core/values.js';
import { commonValidity, restrict } from '../expression/bitmaps.js';
import { toFlat } from '../expression/gather.js';
import { constantVector, isNullConstant, valuesOf, vectorOf } from '../expression/vector-values.js';
import type { ArgumentType, EvaluationContext, FunctionExample, Overload, ScalarFunction } from './contract.js';
import { asText, oneOf, text } from './overloads.js';
import { measuredText, operand } from './text-operands.js';
import { commonType } from './types.js';

/** Operands one after another in scratch, as concat_bytes reads them. */
function concatTable(args: readonly Vector[], skipNulls: boolean, context: EvaluationContext): number {
  const table = context.scratch.allocate(16 * args.length);
  const none = context.scratch.allocate(8);
  context.arena.u8.fill(0, none, none + 8);
  for (const [i, arg] of args.entries()) {
    const part = operand(arg, context);
    const absent = arg.encoding === 'constant' && !isValid(context.arena, arg, 0);
    const validity = absent ? none : arg.encoding === 'constant' ? 0 : arg.validity;
    context.arena.u32.set([part.offsets, part.values, part.step, skipNulls ? validity : 0], table / 4 + 4 * i);
  }
  return table;
}

function concatenated(
  args: readonly Vector[],
  separated: boolean,
  skipNulls: boolean,
  rowCount: number,
  context: EvaluationContext,
): Vector {
  const table = concatTable(args, skipNulls, context);
  return measuredText(rowCount, context, (offsets, out) =>
    context.kernels.concat_bytes(table, args.length, separated ? 1 : 0, rowCount, offsets, out),
  );
}

const concatWithSeparator: Overload['evaluate'] = (context, args, rowCount) => {
  const [separator] = args;
  if (!separator || isNullConstant(separator, context)) return constantVector(null, UTF8, rowCount, context);
  const joined = concatenated(args, true, true, rowCount, context);
  return { ...joined, validity: separator.encoding === 'constant' ? 0 : separator.validity };
};

/** a || b: NULL when either is NULL. */
const joined: Overload['evaluate'] = (context, args, rowCount) => {
  if (args.some((arg) => isNullConstant(arg, context))) return constantVector(null, UTF8, rowCount, context);
  return restrict(concatenated(args, false, false, rowCount, context), commonValidity(args, rowCount, context), rowCount, context);
};

const concatAll: Overload['evaluate'] = (context, args, rowCount) => concatenated(args, false, true, rowCount, context);

/** Lists joined value by value; NULL lists count as empty, as in PostgreSQL. */
function listJoin(type: Extract<DataType, { kind: 'list' }>): Overload {
  return {
    args: [type, type],
    type,
    evaluate: (context, args, rowCount) => {
      const [a, b] = args.map((arg) => valuesOf(arg, context)) as [Value[], Value[]];
      const rows = Array.from({ length: rowCount }, (_, row): Value => {
        const [x, y] = [a[row] ?? null, b[row] ?? null] as [readonly Value[] | null, readonly Value[] | null];
        return x === null && y === null ? null : [...(x ?? []), ...(y ?? [])];
      });
      return vectorOf(rows, type, context);
    },
  };
}

/** a || b: text, or lists; NULL makes NULL. One side at least is text or a list. */
function resolveJoinOperator(args: readonly ArgumentType[]): Overload | undefined {
  if (args.length !== 2) return undefined;
  const common = commonType(args);
  if (common?.kind === 'list') return listJoin(common);
  if (!args.some((arg) => isText(arg.type)) && args.some((arg) => arg.type.kind !== 'null')) return undefined;
  return oneOf({ params: [asText], rest: asText, type: UTF8, evaluate: joined })(args);
}

/** concat(…): NULL counts as nothing. Two lists are joined. */
function resolveConcat(args: readonly ArgumentType[]): Overload | undefined {
  const common = args.length === 2 ? commonType(args) : undefined;
  if (common?.kind === 'list') return listJoin(common);
  return oneOf({ params: [asText], rest: asText, type: UTF8, evaluate: concatAll })(args);
}

// ---- lists and structs ----

function resolveListValue(args: readonly ArgumentType[]): Overload | undefined {
  const item = args.length === 0 ? UTF8 : commonType(args);
  if (!item) return undefined;
  const itemType = item.kind === 'null' ? UTF8 : item;
  const type: DataType = { kind: 'list', item: { name: 'item', type: itemType, nullable: true } };
  return {
    args: args.map(() => itemType),
    type,
    evaluate: (context, vectors, rowCount) => {
      const columns = vectors.map((vector) => valuesOf(vector, context));
      return vectorOf(
        Array.from({ length: rowCount }, (_, row) => columns.map((column) => column[row] ?? null)),
        type,
        context,
      );
    },
  };
}

function resolveListExtract(args: readonly ArgumentType[]): Overload | undefined {
  const type = args[0]?.type;
  if (args.length !== 2 || type?.kind !== 'list') return undefined;
  return {
    args: [type, INT64],
    type: type.item.type,
    evaluate: (context, [list, index], rowCount) => {
      const lists = valuesOf(list as Vector, context) as readonly (readonly Value[] | null)[];
      const places = valuesOf(index as Vector, context);
      const rows = Array.from({ length: rowCount }, (_, row) => {
        const values = lists[row] ?? [];
        const place = Number(places[row] ?? 0);
        return values.at(place < 0 ? place : place > 0 ? place - 1 : values.length) ?? null;
      });
      return vectorOf(rows, type.item.type, context);
    },
  };
}

function resolveListLength(args: readonly ArgumentType[]): Overload | undefined {
  const type = args[0]?.type;
  if (args.length !== 1 || type?.kind !== 'list') return undefined;
  return {
    args: [type],
    type: INT64,
    evaluate: (context, [list], rowCount) => {
      const out = context.scratch.allocate(8 * rowCount);
      const flat = toFlat(list as Vector, context);
      context.kernels.octet_length_bytes(flat.offsets, rowCount, out);
      return { ...flat, type: INT64, validity: 0, values: out, offsets: 0, children: [] };
    },
  };
}

/** The field's name must be a literal: it decides the type. */
function resolveStructExtract(args: readonly ArgumentType[]): Overload | undefined {
  const [struct, name] = args;
  if (args.length !== 2 || struct?.type.kind !== 'struct' || typeof name?.value !== 'string') return undefined;
  const wanted = name.value;
  const index = struct.type.fields.findIndex((field) => field.name === wanted);
  const field = struct.type.fields[index];
  if (!field) return undefined;
  return {
    args: [struct.type, UTF8],
    type: field.type,
    evaluate: (context, [vector]) => {
      const flat = toFlat(vector as Vector, context);
      const child = flat.children[index];
      if (!child) throw new DbError('internal', `a struct without its field ${wanted}`);
      return restrict(child, flat.validity, flat.length, context);
    },
  };
}

function entry(
  name: string,
  doc: string,
  examples: readonly FunctionExample[],
  resolve: ScalarFunction['resolve'],
  more: Partial<ScalarFunction> = {},
): ScalarFunction {
  return { name, category: 'list', nulls: 'strict', doc, examples, resolve, ...more };
}

export const LIST_FUNCTIONS: readonly ScalarFunction[] = [
  entry(
    'concat_operator',
    'What a || b calls: joins text or lists; NULL gives NULL.',
    [
      { sql: "'a' || 'b'", result: 'ab' },
      { sql: "'n' || 1", result: 'n1' },
      { sql: "'a' || NULL", result: 'NULL' },
    ],
    resolveJoinOperator,
    { category: 'operator', nulls: 'custom' },
  ),
  entry(
    'concat',
    'concat(a, b, c, …): the texts of the arguments one after another; NULL counts as nothing. Two lists are joined.',
    [
      { sql: "concat('a', NULL, 1)", result: 'a1' },
      { sql: "concat('a', NULL)", result: 'a' },
    ],
    resolveConcat,
    { category: 'text', nulls: 'custom' },
  ),
  entry(
    'concat_ws',
    'concat_ws(separator, a, b, …): the arguments that are not NULL, with the separator between.',
    [{ sql: "concat_ws('-', 'a', NULL, 'b')", result: 'a-b' }],
    oneOf({ params: [text], rest: asText, type: UTF8, evaluate: concatWithSeparator }),
    { category: 'text', nulls: 'custom' },
  ),
  entry('list_value', 'A list of the arguments: [a, b, …].', [{ sql: '[1, 2, NULL]', result: '[1, 2, NULL]' }], resolveListValue, {
    nulls: 'custom',
  }),
  entry(
    'list_extract',
    'The n-th item of a list, from 1; a negative n counts from the end; NULL outside.',
    [{ sql: '[10, 20][2]', result: '20' }],
    resolveListExtract,
  ),
  entry('list_length', 'Items of a list.', [{ sql: 'list_length([1, 2])', result: '2' }], resolveListLength, {
    aliases: ['array_length', 'cardinality'],
  }),
  entry('struct_extract', 'A field of a struct: s.field.', [], resolveStructExtract),
];
