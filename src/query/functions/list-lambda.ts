/** Functions that take a lambda, and aggregates over the items of lists. The evaluator runs the lambdas (expression/lambda.ts). */
import { assert } from '../../core/assert.js';
import type { Vector } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { BOOL, type DataType, isText, UTF8 } from '../../core/types.js';
import { Accumulator } from '../aggregates/accumulator.js';
import { aggregateFunction } from '../aggregates/registry.js';
import { restrict } from '../expression/bitmaps.js';
import { gatherVector, toFlat } from '../expression/gather.js';
import { itemsOf } from '../expression/list-items.js';
import { constantVector, valuesOf } from '../expression/vector-values.js';
import type { ArgumentType, EvaluationContext, Overload, ScalarFunction } from './contract.js';
import { entriesOf } from './entry.js';
import { listOf, listTypeOf } from './row-by-row.js';

const entry = entriesOf({ category: 'list' });

/** The lambda has become its body's type; calls of these functions never come here to be computed. */
const byEvaluator: Overload['evaluate'] = () => {
  throw new DbError('internal', 'a call with a lambda is computed by the evaluator');
};

function resolveTransform([list, body, ...more]: readonly ArgumentType[]): Overload | undefined {
  const type = listTypeOf(list);
  return type && body && more.length === 0 ? { args: [type, body.type], type: listOf(body.type), evaluate: byEvaluator } : undefined;
}

function resolveFilter([list, body, ...more]: readonly ArgumentType[]): Overload | undefined {
  const type = listTypeOf(list);
  return type && body?.type.kind === 'bool' && more.length === 0 ? { args: [type, BOOL], type, evaluate: byEvaluator } : undefined;
}

function resolveReduce([list, body, initial, ...more]: readonly ArgumentType[]): Overload | undefined {
  const type = listTypeOf(list);
  if (!type || !body || more.length > 0) return undefined;
  return { args: [type, body.type, ...(initial ? [body.type] : [])], type: body.type, evaluate: byEvaluator };
}

// ---- aggregates ----

/** The aggregate over the items of each row's list: the rows are its groups. */
function aggregateOver(name: string, list: Extract<DataType, { kind: 'list' }>, more: readonly ArgumentType[]): Overload | undefined {
  const aggregate = aggregateFunction(name);
  const signature = aggregate?.resolve([{ type: list.item.type, literal: false }, ...more]);
  const [item, ...others] = signature?.args ?? [];
  if (!aggregate || !signature || !item) return undefined;
  return {
    args: [listOf(item), ...others],
    type: signature.type,
    evaluate: (context, [lists, ...constants], rowCount) => {
      const { items, count, rows, validity } = itemsOf(lists as Vector, context);
      const scope = context.scratch.openScope();
      try {
        const argTypes = [item, ...others];
        const values = constants.map((constant) => valuesOf({ ...constant, length: 1 }, context)[0] ?? null);
        const accumulator = new Accumulator(
          [
            {
              function: aggregate.name,
              type: signature.type,
              args: argTypes.map((_, i) => i),
              argTypes,
              constants: [
                undefined,
                ...values.map((value, i) => (i + 1 >= (aggregate.constantsFrom ?? argTypes.length) ? value : undefined)),
              ],
              filter: -1,
              distinct: false,
              position: -1,
            },
          ],
          scope,
          context.kernels,
        );
        const args = [items, ...constants.map((constant, i) => constantVector(values[i] ?? null, constant.type, count, context))];
        accumulator.update({ groups: rows, groupCount: rowCount, mask: 0, n: count, args, filters: [], sparse: true }, context);
        const [result] = accumulator.finish(rowCount, context);
        assert(result, 'one call gives one result');
        return restrict(copied(result, context), validity, rowCount, context);
      } finally {
        scope.release();
      }
    },
  };
}

/** The vector in scratch. */
function copied(vector: Vector, context: EvaluationContext): Vector {
  if (vector.encoding !== 'flat') return toFlat(vector, context);
  const rows = context.scratch.allocate(4 * vector.length);
  context.kernels.row_numbers(0, vector.length, rows);
  return gatherVector(vector, rows, vector.length, context);
}

/** list_aggregate(list, 'name', …). */
function resolveAggregate([list, name, ...more]: readonly ArgumentType[]): Overload | undefined {
  const type = listTypeOf(list);
  if (!type || !name || !isText(name.type) || typeof name.value !== 'string') return undefined;
  const inner = aggregateOver(name.value.toLowerCase(), type, more);
  if (!inner) return undefined;
  const [lists = type, ...others] = inner.args;
  return {
    args: [lists, UTF8, ...others],
    type: inner.type,
    evaluate: (context, [values, , ...rest], rowCount, validity) =>
      inner.evaluate(context, [values as Vector, ...rest], rowCount, validity),
  };
}

/** list_sum(list) and its kin. */
function listAggregate(name: string, sql: string, result: string): ScalarFunction {
  return entry(
    `list_${name}`,
    `${name}() of the items of a list.`,
    [{ sql, result }],
    ([list, ...more]) => {
      const type = listTypeOf(list);
      return type && aggregateOver(name, type, more);
    },
    [`array_${name}`],
  );
}

export const LIST_LAMBDA_FUNCTIONS: readonly ScalarFunction[] = [
  entry(
    'list_transform',
    'list_transform(list, x -> …), or (x, i) -> … with the place of the item: the list of what the lambda gives for each item.',
    [
      { sql: 'list_transform([1, 2, 3], x -> x * 10)', result: '[10, 20, 30]' },
      { sql: 'list_transform([5, 6], lambda x, i: x + i)', result: '[6, 8]' },
    ],
    resolveTransform,
    ['list_apply', 'array_transform', 'array_apply', 'apply'],
  ),
  entry(
    'list_filter',
    'list_filter(list, x -> condition): the items for which the condition is true.',
    [{ sql: 'list_filter([1, 2, 3, 4], x -> x % 2 = 0)', result: '[2, 4]' }],
    resolveFilter,
    ['array_filter', 'filter'],
  ),
  entry(
    'list_reduce',
    'list_reduce(list, (accumulated, x) -> …[, initial]): the items folded into one value, from the left; NULL of an empty list without an initial value.',
    [
      { sql: 'list_reduce([1, 2, 3], (a, x) -> a + x)', result: '6' },
      { sql: "list_reduce(['a', 'b'], (a, x) -> a || x, '>')", result: '>ab' },
    ],
    resolveReduce,
    ['array_reduce', 'reduce'],
  ),
  entry(
    'list_aggregate',
    'list_aggregate(list, name, …): an aggregate over the items of each list.',
    [
      { sql: "list_aggregate([1, 2, 3], 'sum')", result: '6' },
      { sql: "list_aggregate(['a', 'b'], 'string_agg', '-')", result: 'a-b' },
    ],
    resolveAggregate,
    ['list_aggr', 'array_aggregate', 'array_aggr', 'aggregate'],
  ),
  listAggregate('sum', 'list_sum([1, 2, 3])', '6'),
  listAggregate('avg', 'list_avg([1, 2])', '1.5'),
  listAggregate('min', 'list_min([3, 1, 2])', '1'),
  listAggregate('max', "list_max(['a', 'c', 'b'])", 'c'),
  listAggregate('count', 'list_count([1, NULL, 2])', '2'),
  listAggregate('median', 'list_median([1, 5, 9])', '5'),
  listAggregate('mode', 'list_mode([1, 2, 2])', '2'),
  listAggregate('product', 'list_product([2, 3])', '6'),
  listAggregate('string_agg', "list_string_agg(['a', 'b'], '+')", 'a+b'),
  listAggregate('first', 'list_first([7, 8])', '7'),
  listAggregate('last', 'list_last([7, 8])', '8'),
  listAggregate('any_value', 'list_any_value([NULL, 8])', '8'),
  listAggregate('bool_and', 'list_bool_and([true, false])', 'false'),
  listAggregate('bool_or', 'list_bool_or([true, false])', 'true'),
  listAggregate('stddev_samp', 'list_stddev_samp([2, 4, 6])', '2'),
  listAggregate('stddev_pop', 'list_stddev_pop([1, 3])', '1'),
  listAggregate('var_samp', 'list_var_samp([2, 4, 6])', '4'),
  listAggregate('var_pop', 'list_var_pop([1, 3])', '1'),
  listAggregate('bit_and', 'list_bit_and([5, 3])', '1'),
  listAggregate('bit_or', 'list_bit_or([5, 3])', '7'),
  listAggregate('bit_xor', 'list_bit_xor([5, 3])', '6'),
  listAggregate('entropy', 'list_entropy([1, 2, 2, 5])', '1.5'),
  listAggregate('histogram', "list_histogram(['b', 'b'])", "[{'key': b, 'value': 2}]"),
  listAggregate('skewness', 'list_skewness([1, 2, 10])', '1.65231674033299'),
  listAggregate('kurtosis', 'list_kurtosis([1, 2, 10, 5])', '0.29737609329446'),
  listAggregate('mad', 'list_mad([1, 2, 10, 5])', '2'),
  listAggregate('sem', 'list_sem([1, 2, 2, 5])', '0.75'),
  listAggregate('approx_count_distinct', 'list_approx_count_distinct([1, 1, 2])', '2'),
];
