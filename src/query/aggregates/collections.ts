/** Aggregates over all values of a group: quantiles, mode, joined text, arrays. */
import { flatVector, type Value, type Vector } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { type DataType, FLOAT64, isNumeric, isText, UTF8 } from '../../core/types.js';
import { bucketRows, sortedBuckets } from '../execution/sort-rows.js';
import { gatherVector, gatherVectorOrNull } from '../expression/gather.js';
import type { ArgumentType } from '../functions/contract.js';
import type { AggregateFunction, AggregateRecipe, FinishInput } from './contract.js';
import { allocateValues, reached, slotAt } from './finishing.js';
import { severalQuantiles } from './over-values.js';

function listOf(input: FinishInput) {
  const list = slotAt(input, 0).list;
  if (!list) throw new Error('a list slot has a list');
  return list;
}

function constantAt(input: FinishInput, index: number): Value {
  return input.constants[index] ?? null;
}

function quantileOf(input: FinishInput, index: number | null): number {
  const value = index === null ? 0.5 : constantAt(input, index);
  const quantile = typeof value === 'bigint' ? Number(value) : value;
  if (typeof quantile === 'number' && quantile >= 0 && quantile <= 1) return quantile;
  throw new DbError('invalid_argument', 'a quantile is a constant between 0 and 1', { position: input.position });
}

function continuous(constant: number | null): AggregateRecipe {
  return {
    slots: [{ kind: 'list', inputs: [0] }],
    required: [0],
    finish: (input) => {
      const list = listOf(input);
      const quantile = quantileOf(input, constant);
      const { rows, starts } = sortedBuckets(input, list);
      const out = allocateValues(input, 8);
      input.kernels.quantile_cont_f64(list.values.values, rows, starts, input.groupCount, quantile, out);
      return flatVector(FLOAT64, input.groupCount, out, reached(input));
    },
  };
}

function discrete(): AggregateRecipe {
  return {
    slots: [{ kind: 'list', inputs: [0] }],
    required: [0],
    finish: (input) => {
      const list = listOf(input);
      const quantile = quantileOf(input, 1);
      const { rows, starts } = sortedBuckets(input, list);
      const picked = allocateValues(input, 4);
      input.kernels.quantile_disc_rows(rows, starts, input.groupCount, quantile, picked);
      return gatherVectorOrNull(list.values, picked, input.groupCount, input.context, input.memory);
    },
  };
}

function mostFrequent(): AggregateRecipe {
  return {
    slots: [{ kind: 'list', inputs: [0] }],
    required: [0],
    finish: (input) => {
      const list = listOf(input);
      const { rows, starts, ranks } = sortedBuckets(input, list);
      const picked = allocateValues(input, 4);
      input.kernels.mode_rows(ranks, rows, starts, input.groupCount, picked);
      return gatherVectorOrNull(list.values, picked, input.groupCount, input.context, input.memory);
    },
  };
}

function joined(): AggregateRecipe {
  return {
    slots: [{ kind: 'list', inputs: [0] }],
    required: [0],
    finish: (input) => {
      const list = listOf(input);
      const { rows, starts } = bucketRows(input, list.groups, list.values.length, 0);
      const { arena, kernels, memory, groupCount } = input;
      const separator = input.constants.length > 1 ? constantAt(input, 1) : ',';
      const bytes = new TextEncoder().encode(separator === null ? '' : String(separator));
      const separatorAt = memory.allocate(bytes.length + 8);
      arena.u8.set(bytes, separatorAt);
      const dictionary = list.values.dictionary ?? { offsets: 0, values: 0 };
      const offsets = memory.allocate((groupCount + 1) * 4);
      const codes = list.values.values;
      if (!kernels.joined_offsets(dictionary.offsets, codes, rows, starts, groupCount, bytes.length, offsets)) {
        throw new DbError('query_memory_exceeded', 'string_agg would give more than 2 GiB of text', { position: input.position });
      }
      const values = memory.allocate((arena.u32[offsets / 4 + groupCount] ?? 0) + 8);
      kernels.joined_bytes(dictionary.offsets, dictionary.values, codes, rows, starts, groupCount, separatorAt, bytes.length, values);
      return flatVector(UTF8, groupCount, values, reached(input), offsets);
    },
  };
}

function gathered(): AggregateRecipe {
  return {
    slots: [{ kind: 'list', inputs: [0] }],
    required: [],
    finish: (input): Vector => {
      const list = listOf(input);
      const { rows, starts } = bucketRows(input, list.groups, list.values.length, 0);
      const child = gatherVector(list.values, rows, list.values.length, input.context, input.memory);
      return flatVector(input.type, input.groupCount, 0, reached(input), starts, [child]);
    },
  };
}

const numeric = (args: readonly ArgumentType[]) => args[0] !== undefined && (isNumeric(args[0].type) || args[0].type.kind === 'null');
const known = (type: DataType): DataType => (type.kind === 'null' ? UTF8 : type);

export const COLLECTIONS = [
  {
    name: 'median',
    doc: 'Middle value, interpolated between the two middle ones of an even number.',
    examples: [{ sql: 'SELECT median(x) FROM (VALUES (1), (2), (10), (4)) t(x)', result: '3' }],
    resolve: (args) => (args.length === 1 && numeric(args) ? { args: [FLOAT64], type: FLOAT64 } : undefined),
    recipe: () => continuous(null),
  },
  {
    name: 'quantile_cont',
    aliases: ['percentile_cont', 'quantile', 'reservoir_quantile'],
    doc: 'Quantile (a constant in [0, 1], or a list of them) interpolated between values. percentile_cont(q) WITHIN GROUP (ORDER BY x) is quantile_cont(x, q).',
    examples: [{ sql: 'SELECT quantile_cont(x, 0.25) FROM (VALUES (1), (2), (3), (4)) t(x)', result: '1.75' }],
    constantsFrom: 1,
    resolve: (args) => {
      const at = args[1]?.type ?? UTF8;
      if (args.length !== 2 || !numeric(args)) return undefined;
      if (at.kind === 'list' && isNumeric(at.item.type)) {
        const several: DataType = { kind: 'list', item: { name: 'item', type: FLOAT64, nullable: true } };
        return { args: [FLOAT64, several], type: several };
      }
      return isNumeric(at) ? { args: [FLOAT64, FLOAT64], type: FLOAT64 } : undefined;
    },
    recipe: (args) => (args[1]?.kind === 'list' ? severalQuantiles() : continuous(1)),
  },
  {
    name: 'quantile_disc',
    aliases: ['percentile_disc'],
    doc: 'Quantile (a constant in [0, 1]) as the first value whose share of rows reaches it.',
    examples: [{ sql: 'SELECT quantile_disc(x, 0.5) FROM (VALUES (1), (2), (3), (4)) t(x)', result: '2' }],
    constantsFrom: 1,
    resolve: (args) => {
      const type = args[0] && known(args[0].type);
      return args.length === 2 && type && isNumeric(args[1]?.type ?? UTF8) ? { args: [type, FLOAT64], type } : undefined;
    },
    recipe: discrete,
  },
  {
    name: 'mode',
    doc: 'Most frequent value; the smallest of several.',
    examples: [{ sql: 'SELECT mode(x) FROM (VALUES (1), (2), (2), (3)) t(x)', result: '2' }],
    resolve: (args) => {
      const type = args[0] && known(args[0].type);
      return args.length === 1 && type ? { args: [type], type } : undefined;
    },
    recipe: mostFrequent,
  },
  {
    name: 'string_agg',
    aliases: ['group_concat', 'listagg'],
    doc: 'Texts joined by a separator (a constant; a comma when not given), in row order.',
    examples: [{ sql: "SELECT string_agg(x, '-') FROM (VALUES ('a'), ('b')) t(x)", result: 'a-b' }],
    ordered: true,
    constantsFrom: 1,
    resolve: (args) => {
      const texts = args.every((arg) => isText(arg.type) || arg.type.kind === 'null');
      return texts && (args.length === 1 || args.length === 2) ? { args: args.map(() => UTF8), type: UTF8 } : undefined;
    },
    recipe: joined,
  },
  {
    name: 'array_agg',
    aliases: ['list'],
    doc: 'All values, NULLs too, in row order, as a list.',
    examples: [{ sql: 'SELECT array_length(array_agg(x)) FROM (VALUES (1), (2)) t(x)', result: '2' }],
    ordered: true,
    resolve: (args) => {
      const type = args[0] && known(args[0].type);
      if (args.length !== 1 || !type) return undefined;
      return { args: [type], type: { kind: 'list', item: { name: 'item', type, nullable: true } } };
    },
    recipe: gathered,
  },
] as const satisfies readonly AggregateFunction[];
