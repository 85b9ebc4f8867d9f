/** Values picked by the order of rows or by a time: first, last, any_value. */
import type { DataType } from '../../core/types.js';
import { UTF8 } from '../../core/types.js';
import type { ArgumentType } from '../functions/contract.js';
import type { AggregateFunction, AggregateRecipe, AggregateSignature } from './contract.js';
import { hasOrderKey, pickedBy } from './extremes.js';
import { flagged, partAt, slotAt, stateVector } from './finishing.js';

function positioned(kind: 'first' | 'last', required: readonly number[]): AggregateRecipe {
  return {
    slots: [{ kind, inputs: [0] }],
    required,
    finish: (input) => {
      const slot = slotAt(input, 0);
      const flags = partAt(input, 0, 1);
      if (slot.texts) input.kernels.hide_ids(partAt(input, 0, 0), flags, input.groupCount);
      return stateVector(input, slot, 0, flagged(input, flags));
    },
  };
}

function signature(args: readonly ArgumentType[], most: number): AggregateSignature | undefined {
  const [value, order] = args.map((arg): DataType => (arg.type.kind === 'null' ? UTF8 : arg.type));
  if (!value || args.length > most) return undefined;
  if (!order) return { args: [value], type: value };
  return hasOrderKey(order) ? { args: [value, order], type: value } : undefined;
}

export const POSITIONS = [
  {
    name: 'first',
    aliases: ['first_value'],
    doc: 'Value of the first row, also when it is NULL; with a second argument, of the row where that is smallest.',
    examples: [
      { sql: 'SELECT first(x) FROM (VALUES (3), (1)) t(x)', result: '3' },
      { sql: 'SELECT first(x, y) FROM (VALUES (3, 2), (1, 1)) t(x, y)', result: '1' },
    ],
    ordered: true,
    resolve: (args) => signature(args, 2),
    recipe: (args) => (args.length === 2 ? pickedBy('arg_min', [1]) : positioned('first', [])),
  },
  {
    name: 'last',
    aliases: ['last_value'],
    doc: 'Value of the last row, also when it is NULL; with a second argument, of the row where that is largest.',
    examples: [{ sql: 'SELECT last(x) FROM (VALUES (3), (1)) t(x)', result: '1' }],
    ordered: true,
    resolve: (args) => signature(args, 2),
    recipe: (args) => (args.length === 2 ? pickedBy('arg_max_last', [1]) : positioned('last', [])),
  },
  {
    name: 'any_value',
    aliases: ['arbitrary'],
    doc: 'The first value that is not NULL.',
    examples: [{ sql: 'SELECT any_value(x) FROM (VALUES (NULL), (2), (3)) t(x)', result: '2' }],
    ordered: true,
    resolve: (args) => signature(args, 1),
    recipe: () => positioned('first', [0]),
  },
] as const satisfies readonly AggregateFunction[];
