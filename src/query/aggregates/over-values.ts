/** Aggregates that look at the values of a group in JavaScript, in row order: what no kernel does. */

import { flatVector, type Value, type Vector } from '../../core/batch.js';
import { tooMuchText } from '../../core/build-vector.js';
import { DbError } from '../../core/errors.js';
import { INT64, isText, UTF8 } from '../../core/types.js';
import { valueAt } from '../../core/values.js';
import { compareValues } from '../expression/compare.js';
import { vectorOf } from '../expression/vector-values.js';
import type { ArgumentType } from '../functions/contract.js';
import { listOf } from '../functions/row-by-row.js';
import { knownType } from '../functions/types.js';
import type { AggregateFunction, AggregateRecipe, AggregateSignature, FinishInput } from './contract.js';
import { listAt, offsetsOf, reached } from './finishing.js';
import { isNumberArgument } from './number-statistics.js';

/** Rows that are looked at between two looks at the stop signal. */
const ROWS_AT_ONCE = 1 << 14;

/** Calls `take` for every row that counts, with its group, in row order. */
function forEachRow(input: FinishInput, take: (row: number, group: number) => void): void {
  const { groups, values } = listAt(input, 0);
  for (let row = 0; row < values.length; row++) {
    if (row % ROWS_AT_ONCE === 0) input.context.check?.();
    take(row, input.arena.u32[groups / 4 + row] as number);
  }
}

/** The value of the first row where the second argument, of any type, is smallest or largest. */
export function bestBy(least: boolean, required: readonly number[] = [0, 1]): AggregateRecipe {
  return {
    slots: [
      { kind: 'list', inputs: [0] },
      { kind: 'list', inputs: [1] },
    ],
    required,
    finish: (input) => {
      const { arena, groupCount } = input;
      const [values, orders] = [listAt(input, 0).values, listAt(input, 1).values];
      const best = new Int32Array(groupCount).fill(-1);
      const bestOrder: Value[] = new Array<Value>(groupCount).fill(null);
      forEachRow(input, (row, group) => {
        const order = valueAt(arena, orders, row);
        if (best[group] !== -1) {
          const compared = compareValues(order, bestOrder[group] ?? null);
          if (least ? compared >= 0 : compared <= 0) return;
        }
        best[group] = row;
        bestOrder[group] = order;
      });
      const results = Array.from(best, (row) => (row < 0 ? null : valueAt(arena, values, row)));
      return vectorOf(results, input.type, input.context, input.memory);
    },
  };
}

/** The signature of min(x, n) and max(x, n). */
export function severalSignature([value, n, ...more]: readonly ArgumentType[]): AggregateSignature | undefined {
  if (!value || !isNumberArgument(n) || more.length > 0) return undefined;
  return { args: [knownType(value.type), INT64], type: listOf(knownType(value.type)) };
}

/** The signature of arg_min(x, y, n) and arg_max(x, y, n). */
export function severalBestSignature([value, order, n, ...more]: readonly ArgumentType[]): AggregateSignature | undefined {
  if (!value || !order || !isNumberArgument(n) || more.length > 0) return undefined;
  return { args: [knownType(value.type), knownType(order.type), INT64], type: listOf(knownType(value.type)) };
}

// ---- JSON: the binder has made the values JSON text ----

const texts =
  (count: number): AggregateFunction['resolve'] =>
  (args): AggregateSignature | undefined =>
    args.length === count && args.every((arg) => isText(arg.type) || arg.type.kind === 'null')
      ? { args: args.map(() => UTF8), type: UTF8 }
      : undefined;

/** The members of each group's array or object, with commas between them. */
function jsonOf(input: FinishInput, [open, close]: readonly [string, string], member: (row: number) => string): Vector {
  const texts: (GrowingText | undefined)[] = new Array<undefined>(input.groupCount).fill(undefined);
  forEachRow(input, (row, group) => {
    const text = texts[group];
    if (text) text.add(`,${member(row)}`);
    else texts[group] = new GrowingText(open + member(row));
  });
  const { arena, memory, groupCount } = input;
  const none = new GrowingText(open);
  let end = 0;
  const ends = texts.map((text = none) => {
    end += text.sizeBytes() + close.length;
    if (end > 2 ** 31 - 1) throw tooMuchText();
    return end;
  });
  const values = memory.allocate(end + 64);
  let at = values;
  for (const text of texts) {
    for (const part of (text ?? none).parts()) {
      input.context.check?.();
      arena.u8.set(part, at);
      at += part.length;
    }
    arena.u8[at++] = close.charCodeAt(0);
  }
  return flatVector(input.type, groupCount, values, reached(input), offsetsOf(input, ends));
}

/** A long text as UTF-8, outside of V8's heap but for its end. */
class GrowingText {
  private readonly done: Buffer[] = [];
  private rest: string;
  private doneBytes = 0;

  constructor(begin: string) {
    this.rest = begin;
  }

  add(text: string): void {
    this.rest += text;
    if (this.rest.length > LONGEST_REST) this.settle();
  }

  sizeBytes(): number {
    return this.doneBytes + Buffer.byteLength(this.rest);
  }

  parts(): readonly Buffer[] {
    return [...this.done, Buffer.from(this.rest)];
  }

  private settle(): void {
    const part = Buffer.from(this.rest);
    this.rest = '';
    this.done.push(part);
    this.doneBytes += part.length;
    if (this.doneBytes > 2 ** 31 - 1) throw tooMuchText();
  }
}

const LONGEST_REST = 1 << 16;

function jsonName(name: Value, position: number): string {
  if (name === null) {
    throw new DbError('invalid_value', 'a name in a JSON object must not be NULL', { position: position < 0 ? undefined : position });
  }
  return JSON.stringify(name);
}

export const OVER_VALUES: readonly AggregateFunction[] = [
  {
    name: 'json_group_array',
    aliases: ['json_agg', 'jsonb_agg', 'json_arrayagg'],
    doc: 'All values, NULLs too, as a JSON array in row order.',
    examples: [{ sql: "SELECT json_group_array(x) FROM (VALUES ('a'), (NULL)) t(x)", result: '["a",null]' }],
    ordered: true,
    resolve: texts(1),
    recipe: () => ({
      slots: [{ kind: 'list', inputs: [0] }],
      required: [],
      finish: (input) => {
        const { values } = listAt(input, 0);
        return jsonOf(input, ['[', ']'], (row) => String(valueAt(input.arena, values, row)));
      },
    }),
  },
  {
    name: 'json_group_object',
    aliases: ['json_object_agg', 'jsonb_object_agg', 'json_objectagg'],
    doc: 'json_group_object(name, value): a JSON object of all rows.',
    examples: [{ sql: "SELECT json_group_object(k, v) FROM (VALUES ('a', 1), ('b', NULL)) t(k, v)", result: '{"a":1,"b":null}' }],
    ordered: true,
    resolve: texts(2),
    recipe: () => ({
      slots: [
        { kind: 'list', inputs: [0] },
        { kind: 'list', inputs: [1] },
      ],
      required: [],
      finish: (input) => {
        const [names, values] = [listAt(input, 0).values, listAt(input, 1).values];
        return jsonOf(
          input,
          ['{', '}'],
          (row) => `${jsonName(valueAt(input.arena, names, row), input.position)}:${valueAt(input.arena, values, row)}`,
        );
      },
    }),
  },
];
