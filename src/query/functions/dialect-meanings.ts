/** Operators of other dialects whose meaning depends on the types of their operands. */
import type { Vector } from '../../core/batch.js';
import { isText } from '../../core/types.js';
import { ARITHMETIC_FUNCTIONS } from './arithmetic.js';
import type { ArgumentType, Overload, ScalarFunction } from './contract.js';
import { LIST_FUNCTIONS } from './list.js';
import { MATH_FUNCTIONS } from './math.js';

function entryOf(functions: readonly ScalarFunction[], name: string): ScalarFunction | undefined {
  return functions.find((each) => each.name === name);
}

function addOrConcat(args: readonly ArgumentType[]): Overload | undefined {
  const isJoined = args.some((arg) => isText(arg.type)) && args.every((arg) => isText(arg.type) || arg.type.kind === 'null');
  return isJoined ? entryOf(LIST_FUNCTIONS, 'concat_operator')?.resolve(args) : entryOf(ARITHMETIC_FUNCTIONS, 'add')?.resolve(args);
}

const HAS_FRACTION = new Set(['float32', 'float64', 'decimal']);

function withoutFraction(args: readonly ArgumentType[]): Overload | undefined {
  const [arg] = args;
  if (!arg || args.length !== 1) return undefined;
  if (HAS_FRACTION.has(arg.type.kind)) return entryOf(MATH_FUNCTIONS, 'trunc')?.resolve(args);
  return { args: [arg.type], type: arg.type, evaluate: (_context, [vector]) => vector as Vector };
}

export const DIALECT_MEANINGS: readonly ScalarFunction[] = [
  {
    name: 'add_or_concat',
    category: 'operator',
    doc: "T-SQL's +: puts texts together, adds everything else.",
    examples: [
      { sql: "add_or_concat('a', 'b')", result: 'ab' },
      { sql: 'add_or_concat(1, 2)', result: '3' },
    ],
    nulls: 'strict',
    resolve: addOrConcat,
  },
  {
    name: 'without_fraction',
    category: 'math',
    doc: 'Cuts numbers towards zero, leaves other values as they are: what CAST to an integer does first in some dialects.',
    examples: [
      { sql: 'without_fraction(-1.7)', result: '-1' },
      { sql: "without_fraction('1.7')", result: '1.7' },
    ],
    nulls: 'strict',
    resolve: withoutFraction,
  },
];
