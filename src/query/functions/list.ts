/** Joining: || and concat of text and lists; and lists made and taken apart. */
import type { Value, Vector } from '../../core/batch.js';
import { type DataType, INT64, isText, NULL_TYPE, UTF8 } from '../../core/types.js';
import { isValid } from '../../core/values.js';
import { commonValidity, restrict } from '../expression/bitmaps.js';
import { gatherVectorOrNull, toFlat } from '../expression/gather.js';
import { constantVector, isNullConstant } from '../expression/vector-values.js';
import type { ArgumentType, EvaluationContext, Overload, ScalarFunction } from './contract.js';
import { entriesOf } from './entry.js';
import { joinedItem } from './list-search.js';
import { asText, integer, oneOf, type Signature, text } from './overloads.js';
import { each, list, rowByRow } from './row-by-row.js';
import { resolveStructExtract } from './struct.js';
import { measuredText, operand } from './text-operands.js';
import { commonType, implicitlyCasts } from './types.js';

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
    evaluate: rowByRow(
      type,
      ([a = null, b = null]) =>
        a === null && b === null ? null : [...((a ?? []) as readonly Value[]), ...((b ?? []) as readonly Value[])],
      'seen',
    ),
  };
}

/** list || item, item || list. */
function itemJoin(list: ArgumentType, item: ArgumentType, itemFirst: boolean): Overload | undefined {
  const joint = joinedItem(list, item);
  if (!joint) return undefined;
  const type: DataType = { kind: 'list', item: { name: 'item', type: joint, nullable: true } };
  const evaluate = rowByRow(
    type,
    ([a = null, b = null]) => (itemFirst ? [a, ...((b ?? []) as readonly Value[])] : [...((a ?? []) as readonly Value[]), b]),
    'seen',
  );
  return { args: itemFirst ? [joint, type] : [type, joint], type, evaluate };
}

/** a || b: text, or lists; NULL makes NULL. One side at least is text or a list. */
function resolveJoinOperator(args: readonly ArgumentType[]): Overload | undefined {
  if (args.length !== 2) return undefined;
  const common = commonType(args);
  if (common?.kind === 'list') return listJoin(common);
  const [left, right] = args;
  if (left?.type.kind === 'list' && right) return itemJoin(left, right, false);
  if (right?.type.kind === 'list' && left) return itemJoin(right, left, true);
  if (!args.some((arg) => isText(arg.type)) && args.some((arg) => arg.type.kind !== 'null')) return undefined;
  return oneOf({ params: [asText], rest: asText, type: UTF8, evaluate: joined })(args);
}

/** concat(…): NULL counts as nothing. Two lists are joined. */
function resolveConcat(args: readonly ArgumentType[]): Overload | undefined {
  const common = args.length === 2 ? commonType(args) : undefined;
  if (common?.kind === 'list') return listJoin(common);
  return oneOf({ params: [asText], rest: asText, type: UTF8, evaluate: concatAll })(args);
}

function resolveListConcat(args: readonly ArgumentType[]): Overload | undefined {
  const common = args.length === 0 ? undefined : commonType(args);
  if (common?.kind !== 'list') return undefined;
  const evaluate = rowByRow(common, (lists) => lists.flatMap((each) => (each === null ? [] : [...(each as readonly Value[])])), 'seen');
  return { args: args.map(() => common), type: common, evaluate };
}

// ---- lists ----

function resolveListValue(args: readonly ArgumentType[]): Overload | undefined {
  const itemType = args.length === 0 ? NULL_TYPE : commonType(args);
  if (!itemType) return undefined;
  const type: DataType = { kind: 'list', item: { name: 'item', type: itemType, nullable: true } };
  return {
    args: args.map(() => itemType),
    type,
    evaluate: rowByRow(type, (values) => [...values], 'seen'),
  };
}

function resolveListExtract(args: readonly ArgumentType[]): Overload | undefined {
  const type = args[0]?.type;
  if (type?.kind === 'struct') return resolveStructExtract(args);
  if (type && isText(type) && args[1] && implicitlyCasts(args[1], INT64)) return characterAt(type);
  if (args.length !== 2 || type?.kind !== 'list') return undefined;
  return {
    args: [type, INT64],
    type: type.item.type,
    evaluate: (context, [list, index], rowCount) => itemAt(list as Vector, index as Vector, rowCount, context),
  };
}

/** The items at places from 1, or from the end where negative; NULL outside of the list. */
function itemAt(list: Vector, index: Vector, rowCount: number, context: EvaluationContext): Vector {
  const { arena, scratch } = context;
  const flat = toFlat(list, context);
  const places = toFlat(index, context);
  const items = flat.children[0] as Vector;
  const found = scratch.allocate(4 * rowCount) / 4;
  for (let row = 0; row < rowCount; row++) {
    const first = arena.i32[flat.offsets / 4 + row] as number;
    const end = arena.i32[flat.offsets / 4 + row + 1] as number;
    const place = isValid(arena, flat, row) && isValid(arena, places, row) ? Number(arena.i64[places.values / 8 + row]) : 0;
    const at = place < 0 ? end + place : first + place - 1;
    arena.i32[found + row] = place !== 0 && at >= first && at < end ? at : -1;
  }
  return gatherVectorOrNull(items, found * 4, rowCount, context);
}

/** 'text'[n]: the n-th character, an empty text outside. */
function characterAt(type: DataType): Overload {
  const evaluate = rowByRow(UTF8, ([source, index]) => {
    const place = Number(index);
    const characters = [...String(source)];
    return characters.at(place < 0 ? place : place > 0 ? place - 1 : characters.length) ?? '';
  });
  return { args: [type, INT64], type: UTF8, evaluate };
}

const lengths: Overload['evaluate'] = (context, [list], rowCount) => {
  const out = context.scratch.allocate(8 * rowCount);
  const flat = toFlat(list as Vector, context);
  context.kernels.octet_length_bytes(flat.offsets, rowCount, out);
  return { ...flat, type: INT64, validity: 0, values: out, offsets: 0, children: [] };
};

/** Items of a list. */
export const listLength: Signature = { params: [list], type: INT64, evaluate: lengths };

/** array_length(list, n): NULL for an empty list, as in PostgreSQL; only the first dimension has one length. */
const dimensionLength = each([list, integer], INT64, ([items, dimension]) => {
  const { length } = items as readonly Value[];
  return dimension === 1n && length > 0 ? BigInt(length) : null;
});

const entry = entriesOf({ category: 'list' });

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
    'The n-th item of a list, from 1; a negative n counts from the end; NULL outside. Of a text, the n-th character; of a struct, a field.',
    [
      { sql: '[10, 20][2]', result: '20' },
      { sql: "{'a': 1}['a']", result: '1' },
      { sql: "'abc'[-1]", result: 'c' },
    ],
    resolveListExtract,
    ['array_extract', 'list_element', 'element_at'],
  ),
  entry(
    'list_concat',
    'Lists joined; NULL counts as an empty one.',
    [{ sql: 'list_concat([1], NULL, [2, 3])', result: '[1, 2, 3]' }],
    resolveListConcat,
    { aliases: ['list_cat', 'array_concat', 'array_cat'], nulls: 'custom' },
  ),
  entry('list_length', 'Items of a list.', [{ sql: 'list_length([1, 2])', result: '2' }], [listLength, dimensionLength], {
    aliases: ['array_length', 'cardinality'],
  }),
];
