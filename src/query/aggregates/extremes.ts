/** min and max, values at a minimum or maximum, and the logical ones. */
import { BOOL, type DataType, physicalOf, UTF8, WIDTH_BYTES } from '../../core/types.js';
import type { AggregateFunction, AggregateRecipe, SlotKind } from './contract.js';
import { flagged, partAt, reached, slotAt, stateVector } from './finishing.js';
import { bestBy, severalBestSignature, severalSignature } from './over-values.js';
import { severalBest, severalExtremes } from './value-counts.js';

/** Types whose order fits one 64-bit key. */
export function hasOrderKey(type: DataType): boolean {
  const physical = physicalOf(type);
  return physical === 'bit' || (WIDTH_BYTES[physical] > 0 && WIDTH_BYTES[physical] <= 8);
}

function extremeOf(kind: 'min' | 'max'): AggregateRecipe {
  return {
    slots: [{ kind, inputs: [0] }],
    required: [0],
    finish: (input) => stateVector(input, slotAt(input, 0), 0, reached(input)),
  };
}

/** The value (argument 0) of the row whose argument 1 is smallest or largest. Parts: order key, value, flag. */
export function pickedBy(kind: SlotKind, required: readonly number[]): AggregateRecipe {
  return {
    slots: [{ kind, inputs: [0, 1] }],
    required,
    finish: (input) => {
      const slot = slotAt(input, 0);
      const flags = partAt(input, 0, 2);
      if (slot.texts) input.kernels.hide_ids(partAt(input, 0, 1), flags, input.groupCount);
      return stateVector(input, slot, 1, flagged(input, flags));
    },
  };
}

const unlessNull = (type: DataType): DataType => (type.kind === 'null' ? UTF8 : type);

function extreme(name: 'min' | 'max', doc: string, result: string) {
  return {
    name,
    doc,
    examples: [{ sql: `SELECT ${name}(x) FROM (VALUES (3), (1), (NULL), (2)) t(x)`, result }],
    constantsFrom: 1,
    resolve: (args) => {
      const type = args[0]?.type;
      if (args.length === 2) return severalSignature(args);
      return args.length === 1 && type ? { args: [unlessNull(type)], type: unlessNull(type) } : undefined;
    },
    recipe: (args) => (args.length === 2 ? severalExtremes(name === 'min') : extremeOf(name)),
  } as const satisfies AggregateFunction;
}

function argExtreme(name: 'arg_min' | 'arg_max', aliases: readonly string[], doc: string, result: string) {
  return {
    name,
    aliases,
    doc,
    examples: [{ sql: `SELECT ${name}(x, y) FROM (VALUES ('a', 3), ('b', 1), ('c', 2)) t(x, y)`, result }],
    constantsFrom: 2,
    resolve: (args) => {
      if (args.length === 3) return severalBestSignature(args);
      const [value, order] = args.map((arg) => arg.type);
      if (args.length !== 2 || !value || !order) return undefined;
      return { args: [unlessNull(value), order], type: unlessNull(value) };
    },
    recipe: ([, order, ...more]) => {
      if (more.length > 0) return severalBest(name === 'arg_min');
      return order && hasOrderKey(order) ? pickedBy(name, [0, 1]) : bestBy(name === 'arg_min');
    },
  } as const satisfies AggregateFunction;
}

/** The same, but a NULL in the first argument is a value like others. */
function argExtremeOrNull(name: 'arg_min_null' | 'arg_max_null', kind: 'arg_min' | 'arg_max', doc: string) {
  const rows = kind === 'arg_min' ? '(NULL, 1), (2, 2)' : '(2, 2), (NULL, 3)';
  return {
    name,
    doc,
    examples: [{ sql: `SELECT ${name}(x, y) IS NULL FROM (VALUES ${rows}) t(x, y)`, result: 'true' }],
    resolve: ([value, order, ...more]) => {
      if (!value || !order || more.length > 0) return undefined;
      return { args: [unlessNull(value.type), unlessNull(order.type)], type: unlessNull(value.type) };
    },
    recipe: ([, order]) => (order && hasOrderKey(order) ? pickedBy(kind, [1]) : bestBy(kind === 'arg_min', [1])),
  } as const satisfies AggregateFunction;
}

function logical(name: 'bool_and' | 'bool_or', aliases: readonly string[], doc: string, result: string) {
  return {
    name,
    aliases,
    doc,
    examples: [{ sql: `SELECT ${name}(x) FROM (VALUES (true), (false), (NULL)) t(x)`, result }],
    resolve: (args) =>
      args.length === 1 && (args[0]?.type.kind === 'bool' || args[0]?.type.kind === 'null') ? { args: [BOOL], type: BOOL } : undefined,
    recipe: () => extremeOf(name === 'bool_and' ? 'min' : 'max'),
  } as const satisfies AggregateFunction;
}

export const EXTREMES = [
  extreme('min', 'Smallest value that is not NULL. NaN is the largest float. min(x, n): the n smallest as a list.', '1'),
  extreme('max', 'Largest value that is not NULL. NaN is the largest float. max(x, n): the n largest as a list.', '3'),
  argExtreme(
    'arg_min',
    ['argmin', 'min_by'],
    'Value of the first row where the second argument is smallest; rows with a NULL are left out. arg_min(x, y, n): the values of the n best rows as a list.',
    'b',
  ),
  argExtreme(
    'arg_max',
    ['argmax', 'max_by'],
    'Value of the first row where the second argument is largest; rows with a NULL are left out. arg_max(x, y, n): the values of the n best rows as a list.',
    'a',
  ),
  argExtremeOrNull('arg_min_null', 'arg_min', 'arg_min, which also gives a NULL where that stands in the row.'),
  argExtremeOrNull('arg_max_null', 'arg_max', 'arg_max, which also gives a NULL where that stands in the row.'),
  logical('bool_and', ['every'], 'True when no value is false; NULL of no values.', 'false'),
  logical('bool_or', [], 'True when a value is true; NULL of no values.', 'true'),
] as const satisfies readonly AggregateFunction[];
