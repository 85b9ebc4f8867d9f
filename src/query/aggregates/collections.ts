/** Aggregates over all values of a group: mode, joined text, arrays. */
import { flatVector, type Value, type Vector } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { BOOL, type DataType, isNested, isText, UTF8 } from '../../core/types.js';
import { bucketRows, sortedBuckets } from '../execution/sort/sort-rows.js';
import { gatherVector, gatherVectorOrNull } from '../expression/gather.js';
import { knownType } from '../functions/types.js';
import type { AggregateFunction, AggregateRecipe, FinishInput } from './contract.js';
import { allocateValues, listAt, reached } from './finishing.js';

function constantAt(input: FinishInput, index: number): Value {
  return input.constants[index] ?? null;
}

function mostFrequent(args: readonly DataType[]): AggregateRecipe {
  return {
    slots: [{ kind: 'list', inputs: [0] }],
    required: [0],
    finish: (input) => {
      const list = listAt(input, 0);
      const { rows, starts, ranks } = sortedBuckets(input, list, args.length > 1 && constantAt(input, 1) === true);
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
      const list = listAt(input, 0);
      const { rows, starts } = bucketRows(input, list.groups, list.values.length, 0);
      const { arena, kernels, memory, groupCount } = input;
      const separator = input.constants.length > 1 ? constantAt(input, 1) : ',';
      const bytes = new TextEncoder().encode(separator === null ? '' : String(separator));
      const separatorAt = memory.allocate(bytes.length + 8);
      arena.u8.set(bytes, separatorAt);
      const dictionary = list.values.dictionary ?? { offsets: 0, values: 0 };
      const offsets = memory.allocate((groupCount + 1) * 4);
      arena.u32[offsets / 4] = 0;
      const codes = list.values.values;
      const { offsets: at, values: heap } = dictionary;
      const check = () => input.context.check?.();
      inGroups(input, list.values.length, check, (first, count) => {
        if (kernels.joined_offsets(at, codes, rows, starts + first * 4, count, bytes.length, offsets + first * 4)) return;
        throw new DbError('query_memory_exceeded', 'string_agg would give more than 2 GiB of text', { position: input.position });
      });
      const values = memory.allocate((arena.u32[offsets / 4 + groupCount] ?? 0) + 8);
      inGroups(input, list.values.length, check, (first, count) => {
        const out = values + (arena.u32[offsets / 4 + first] as number);
        kernels.joined_bytes(at, heap, codes, rows, starts + first * 4, count, separatorAt, bytes.length, out);
      });
      return flatVector(UTF8, groupCount, values, reached(input), offsets);
    },
  };
}

/** Rows whose texts are joined between two looks at the stop signal, where groups are not larger. */
const JOINED_AT_ONCE = 1 << 18;

/** Calls `step` for ranges of groups that have about so many rows. */
function inGroups({ groupCount }: FinishInput, rows: number, check: () => void, step: (first: number, count: number) => void): void {
  const most = Math.max(1, Math.floor((JOINED_AT_ONCE * groupCount) / Math.max(1, rows)));
  for (let first = 0; first < groupCount; first += most) {
    check();
    step(first, Math.min(most, groupCount - first));
  }
}

function gathered(): AggregateRecipe {
  return {
    slots: [{ kind: 'list', inputs: [0] }],
    required: [],
    finish: (input): Vector => {
      const list = listAt(input, 0);
      const { rows, starts } = bucketRows(input, list.groups, list.values.length, 0);
      const child = gatherVector(list.values, rows, list.values.length, input.context, input.memory);
      return flatVector(input.type, input.groupCount, 0, reached(input), starts, [child]);
    },
  };
}

export const COLLECTIONS = [
  {
    name: 'mode',
    doc: 'Most frequent value; the smallest of several, with ORDER BY x DESC inside or WITHIN GROUP the largest.',
    examples: [{ sql: 'SELECT mode(x) FROM (VALUES (1), (2), (2), (3)) t(x)', result: '2' }],
    constantsFrom: 1,
    // The second argument, which the binder adds, says that the largest is taken.
    resolve: (args) => {
      const type = args[0] && knownType(args[0].type);
      const fits = args.length === 1 || (args.length === 2 && args[1]?.type.kind === 'bool');
      return fits && type ? { args: [type, BOOL].slice(0, args.length), type } : undefined;
    },
    recipe: mostFrequent,
  },
  {
    name: 'string_agg',
    aliases: ['group_concat', 'listagg'],
    doc: 'Values as text, joined by a separator (a constant; a comma when not given), in row order.',
    examples: [{ sql: "SELECT string_agg(x, '-') FROM (VALUES ('a'), ('b')) t(x)", result: 'a-b' }],
    ordered: true,
    constantsFrom: 1,
    resolve: (args) => {
      const [value, separator] = args;
      const texts =
        value && !isNested(value.type) && (!separator || isText(separator.type) || separator.type.kind === 'null' || separator.literal);
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
      const type = args[0] && knownType(args[0].type);
      if (args.length !== 1 || !type) return undefined;
      return { args: [type], type: { kind: 'list', item: { name: 'item', type, nullable: true } } };
    },
    recipe: gathered,
  },
] as const satisfies readonly AggregateFunction[];
