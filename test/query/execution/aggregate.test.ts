import { afterAll, describe, expect, it } from 'vitest';
import type { Value } from '../../../src/core/batch.js';
import {
  BINARY,
  BOOL,
  DATE32,
  type DataType,
  FLOAT32,
  FLOAT64,
  INT32,
  INT64,
  INTERVAL,
  SYMBOL,
  TIMESTAMP_NS,
  UINT64,
  UTF8,
  UUID,
} from '../../../src/core/types.js';
import type { Expression } from '../../../src/query/plan/expression.js';
import {
  agg,
  aggregate,
  col,
  compare,
  compareValues,
  createWorld,
  keyText,
  lit,
  makeTable,
  type Row,
  randomColumn,
  run,
  scan,
  type TestTable,
} from './fixture.js';

const world = createWorld();
afterAll(() => world.close());

const DECIMAL: DataType = { kind: 'decimal', precision: 38, scale: 4 };
const SIZES = [0, 1, 65, 4500];

const TYPES: Record<string, DataType> = {
  i8: { kind: 'int8' },
  i32: INT32,
  i64: INT64,
  u16: { kind: 'uint16' },
  u64: UINT64,
  f32: FLOAT32,
  f64: FLOAT64,
  b: BOOL,
  dec: DECIMAL,
  ts: TIMESTAMP_NS,
  d: DATE32,
  sym: SYMBOL,
  txt: UTF8,
  bin: BINARY,
  id: UUID,
  iv: INTERVAL,
};

function sample(rows: number, seed: number, options: Parameters<typeof makeTable>[2] = {}): TestTable {
  const columns = Object.entries(TYPES).map(([name, type], i) => randomColumn(name, type, rows, seed * 100 + i, 30));
  return makeTable(world, columns, { segmentRows: 1920, ...options });
}

const NAMES = Object.keys(TYPES);
const at = (row: Row, name: string): Value => row[NAMES.indexOf(name)] ?? null;

function groupsOf(rows: readonly Row[], names: readonly string[]): Row[][] {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const text = keyText(names.map((name) => at(row, name)));
    const group = groups.get(text);
    if (group) group.push(row);
    else groups.set(text, [row]);
  }
  return [...groups.values()];
}

const present = (rows: readonly Row[], name: string): Value[] => rows.map((row) => at(row, name)).filter((value) => value !== null);

function extreme(values: readonly Value[], sign: 1 | -1): Value {
  let best: Value = null;
  for (const value of values) if (best === null || compareValues(value, best) * sign > 0) best = value;
  return best;
}

const bigSum = (values: readonly Value[]): bigint | null =>
  values.length === 0 ? null : values.reduce((sum: bigint, value) => sum + BigInt(value as bigint | number), 0n);

describe('grouping', () => {
  it.each(NAMES)('by %s gives each distinct key once, in order of first appearance', async (name) => {
    for (const rows of SIZES) {
      const table = sample(rows, rows + 1);
      const input = scan(table);
      const plan = aggregate(input, [col(input, name)], [agg('count', [])]);
      const expected = groupsOf(table.rows, [name]).map((group) => [at(group[0] as Row, name), BigInt(group.length)]);
      const actual = await run(world, plan);
      expect(actual.map(keyText)).toEqual(expected.map(keyText));
    }
  });

  it('by several keys of several types combines them', async () => {
    const table = sample(9000, 5, { deleted: (row) => row % 13 === 0 });
    for (const names of [['sym', 'b'], ['txt', 'i64', 'f64'], ['ts', 'sym', 'i8', 'dec'], NAMES.filter((name) => name !== 'iv')]) {
      const input = scan(table);
      const plan = aggregate(
        input,
        names.map((name) => col(input, name)),
        [agg('count', []), agg('sum', [col(input, 'i32')])],
      );
      const expected = groupsOf(table.rows, names).map((group) => [
        ...names.map((name) => at(group[0] as Row, name)),
        BigInt(group.length),
        bigSum(present(group, 'i32')),
      ]);
      expect((await run(world, plan)).map(keyText)).toEqual(expected.map(keyText));
    }
  });

  it('with a filter counts only the rows that pass', async () => {
    const table = sample(5000, 9, { deleted: (row) => row % 5 === 0 });
    for (const bound of [-15, 0, 14]) {
      const input = scan(table, ({ i32 }) => [compare('ge', i32 as Expression, lit(bound, INT32))]);
      const plan = aggregate(
        input,
        [col(input, 'sym')],
        [agg('count', []), agg('min', [col(input, 'txt')]), agg('sum', [col(input, 'f64')])],
      );
      const kept = table.rows.filter((row) => at(row, 'i32') !== null && (at(row, 'i32') as number) >= bound);
      const actual = await run(world, plan);
      const expected = groupsOf(kept, ['sym']).map((group) => [
        at(group[0] as Row, 'sym'),
        BigInt(group.length),
        extreme(present(group, 'txt'), -1),
      ]);
      expect(actual.map((row) => keyText(row.slice(0, 3)))).toEqual(expected.map(keyText));
    }
  });

  it('a column with more distinct keys than a direct index holds is hashed', async () => {
    const rows = 12_000;
    const columns = [
      { name: 'a', type: INT64, values: Array.from({ length: rows }, (_, row) => BigInt((row * 7919) % 3001)) },
      { name: 'b', type: INT32, values: Array.from({ length: rows }, (_, row) => (row * 31) % 2003) },
    ];
    const table = makeTable(world, columns, { segmentRows: 4096 });
    const input = scan(table);
    const plan = aggregate(input, [col(input, 'a'), col(input, 'b')], [agg('count', [])]);
    const counts = new Map<string, Row>();
    for (const row of table.rows) {
      const known = counts.get(keyText(row));
      counts.set(keyText(row), [...row, ((known?.[2] as bigint | undefined) ?? 0n) + 1n]);
    }
    expect(await run(world, plan)).toEqual([...counts.values()]);
  });
});

function naive(name: string, rows: readonly Row[], column: string): Value {
  const values = present(rows, column);
  switch (name) {
    case 'count':
      return BigInt(values.length);
    case 'min':
      return extreme(values, -1);
    case 'max':
      return extreme(values, 1);
    case 'first':
      return rows.length === 0 ? null : at(rows[0] as Row, column);
    case 'last':
      return rows.length === 0 ? null : at(rows.at(-1) as Row, column);
    case 'any_value':
      return values[0] ?? null;
    case 'approx_count_distinct':
      return BigInt(new Set(values.map((value) => keyText([value]))).size);
    default:
      throw new Error(name);
  }
}

describe.each(['count', 'min', 'max', 'first', 'last', 'any_value', 'approx_count_distinct'])('%s', (name) => {
  it.each(NAMES)('of %s is right over groups and over everything', async (column) => {
    for (const rows of SIZES) {
      const table = sample(rows, rows + 7, { deleted: (row) => row % 17 === 3 });
      const input = scan(table);
      const grouped = await run(world, aggregate(input, [col(input, 'i8')], [agg(name, [col(input, column)])]));
      const expected = groupsOf(table.rows, ['i8']).map((group) => [at(group[0] as Row, 'i8'), naive(name, group, column)]);
      // Intervals of equal length are equal; which one is shown is not defined.
      if (column !== 'iv' || !['min', 'max'].includes(name)) expect(grouped.map(keyText)).toEqual(expected.map(keyText));
      const all = await run(world, aggregate(input, [], [agg(name, [col(input, column)])]));
      if (column !== 'iv' || !['min', 'max'].includes(name)) expect(all.map(keyText)).toEqual([keyText([naive(name, table.rows, column)])]);
    }
  });
});

describe('sum and avg', () => {
  it.each(['i8', 'i32', 'u16', 'dec'])('of %s are exact', async (column) => {
    for (const rows of SIZES) {
      const table = sample(rows, rows + 3);
      const input = scan(table);
      const calls = () => [agg('sum', [col(input, column)]), agg('avg', [col(input, column)])];
      const expected = (group: readonly Row[]): Row => {
        const values = present(group, column);
        const sum = bigSum(values);
        return [sum, sum === null ? null : Number(sum) / (column === 'dec' ? 10_000 : 1) / values.length];
      };
      const all = await run(world, aggregate(input, [], calls()));
      expect(all.map((row) => row[0])).toEqual([expected(table.rows)[0]]);
      const grouped = await run(world, aggregate(input, [col(input, 'sym')], calls()));
      const groups = groupsOf(table.rows, ['sym']).map(expected);
      expect(grouped.map((row) => row[1])).toEqual(groups.map((row) => row[0]));
      for (const [i, row] of grouped.entries()) {
        const average = groups[i]?.[1] ?? null;
        if (average === null) expect(row[2]).toBeNull();
        else expect(row[2]).toBeCloseTo(average as number, 6);
      }
    }
  });

  it('of int64 is exact beyond 64 bits on the way and fails when the result does not fit', async () => {
    const huge = 2n ** 62n;
    const values = [huge, huge, huge, -huge, -huge, 5n, null, -(2n ** 63n), 2n ** 63n - 1n];
    const table = makeTable(world, [{ name: 'x', type: INT64, values }]);
    const input = scan(table);
    expect(await run(world, aggregate(input, [], [agg('sum', [col(input, 'x')])]))).toEqual([[huge + 4n]]);
    const over = makeTable(world, [{ name: 'x', type: INT64, values: Array.from({ length: 3000 }, () => huge) }]);
    const plan = aggregate(scan(over), [], []);
    const source = plan.input;
    await expect(run(world, aggregate(source, [], [agg('sum', [col(source, 'x')])]))).rejects.toMatchObject({ code: 'numeric_overflow' });
  });

  it('of uint64 uses the whole range', async () => {
    const table = makeTable(world, [{ name: 'x', type: UINT64, values: [2n ** 63n, 2n ** 63n - 1n, null, 0n] }]);
    const input = scan(table);
    expect(await run(world, aggregate(input, [], [agg('sum', [col(input, 'x')])]))).toEqual([[2n ** 64n - 1n]]);
  });

  it.each(['f32', 'f64'])('of %s is near the naive sum, and the same for any number of threads', async (column) => {
    const rows = 9000;
    const values = Array.from({ length: rows }, (_, row) => (row % 10 === 0 ? null : Math.fround(Math.sin(row) * 1000)));
    const table = makeTable(world, [
      { name: 'x', type: column === 'f32' ? FLOAT32 : FLOAT64, values },
      { name: 'g', type: INT32, values: values.map((_, row) => row % 7) },
    ]);
    const input = scan(table);
    const naiveSum = values.reduce((sum: number, value) => sum + (value ?? 0), 0);
    const [all] = await run(world, aggregate(input, [], [agg('sum', [col(input, 'x')]), agg('avg', [col(input, 'x')])]));
    expect(all?.[0]).toBeCloseTo(naiveSum, 6);
    const grouped = await run(world, aggregate(input, [col(input, 'g')], [agg('sum', [col(input, 'x')])]));
    expect(grouped.reduce((sum, row) => sum + (row[1] as number), 0)).toBeCloseTo(naiveSum, 6);
  });
});

describe('aggregates of numbers', () => {
  const rows = 5000;
  const xs = Array.from({ length: rows }, (_, row) => (row % 9 === 4 ? null : Math.cos(row) * 10));
  const ys = Array.from({ length: rows }, (_, row) => (row % 11 === 4 ? null : Math.cos(row) * 5 + (row % 3)));
  const table = makeTable(world, [
    { name: 'x', type: FLOAT64, values: xs },
    { name: 'y', type: FLOAT64, values: ys },
    { name: 'one', type: FLOAT64, values: xs.map((_, row) => (row === 3 ? 2 : null)) },
  ]);
  const input = scan(table);
  const x = xs.filter((value) => value !== null);
  const pairs = xs.flatMap((value, row) => (value !== null && ys[row] !== null ? [[value, ys[row] as number] as const] : []));
  const mean = (list: readonly number[]) => list.reduce((sum, value) => sum + value, 0) / list.length;
  const squares = (list: readonly number[]) => list.reduce((sum, value) => sum + (value - mean(list)) ** 2, 0);
  const covariance = () => {
    const mx = mean(pairs.map((pair) => pair[0]));
    const my = mean(pairs.map((pair) => pair[1]));
    return pairs.reduce((sum, pair) => sum + (pair[0] - mx) * (pair[1] - my), 0);
  };
  const m = mean(x);
  const m2 = x.reduce((sum, value) => sum + (value - m) ** 2, 0);

  it.each([
    ['var_pop', m2 / x.length],
    ['var_samp', m2 / (x.length - 1)],
    ['stddev_pop', Math.sqrt(m2 / x.length)],
    ['stddev', Math.sqrt(m2 / (x.length - 1))],
  ])('%s', async (name, expected) => {
    const [row] = await run(world, aggregate(input, [], [agg(name, [col(input, 'x')])]));
    expect(row?.[0]).toBeCloseTo(expected, 8);
  });

  it('sample statistics of one value are NULL, population statistics 0', async () => {
    const calls = ['var_samp', 'stddev_samp', 'var_pop'].map((name) => agg(name, [col(input, 'one')]));
    expect(await run(world, aggregate(input, [], calls))).toEqual([[null, null, 0]]);
  });

  it('covariance, correlation and regression take rows where both are present', async () => {
    const c = covariance();
    const calls = ['covar_pop', 'covar_samp', 'corr', 'regr_slope'].map((name) => agg(name, [col(input, 'y'), col(input, 'x')]));
    const [row] = await run(world, aggregate(input, [], calls));
    const sx = squares(pairs.map((pair) => pair[0]));
    const sy = squares(pairs.map((pair) => pair[1]));
    const expected = [c / pairs.length, c / (pairs.length - 1), c / Math.sqrt(sx * sy), c / sx];
    for (const [i, value] of expected.entries()) expect(row?.[i]).toBeCloseTo(value, 8);
  });

  it('vwap weighs and leaves rows with a NULL out', async () => {
    const [row] = await run(world, aggregate(input, [], [agg('vwap', [col(input, 'x'), col(input, 'y')])]));
    const weighted = pairs.reduce((sum, pair) => sum + pair[0] * pair[1], 0) / pairs.reduce((sum, pair) => sum + pair[1], 0);
    expect(row?.[0]).toBeCloseTo(weighted, 8);
  });
});

describe('aggregates of all values', () => {
  it('median and quantiles', async () => {
    const table = sample(5000, 21);
    const input = scan(table);
    const constant = lit(0.3, FLOAT64);
    const calls = [
      agg('median', [col(input, 'i32')]),
      agg('quantile_cont', [col(input, 'i32'), constant]),
      agg('quantile_disc', [col(input, 'txt'), constant]),
    ];
    const rows = await run(world, aggregate(input, [col(input, 'i8')], calls));
    const groups = groupsOf(table.rows, ['i8']);
    const quantile = (values: readonly number[], q: number): number | null => {
      if (values.length === 0) return null;
      const place = q * (values.length - 1);
      const low = values[Math.floor(place)] as number;
      const high = values[Math.ceil(place)] as number;
      return low + (high - low) * (place - Math.floor(place));
    };
    for (const [i, group] of groups.entries()) {
      const numbers = (present(group, 'i32') as number[]).sort((a, b) => a - b);
      const texts = present(group, 'txt').sort(compareValues);
      expect(rows[i]?.[1]).toBeCloseTo(quantile(numbers, 0.5) ?? Number.NaN, 9);
      expect(rows[i]?.[2]).toBeCloseTo(quantile(numbers, 0.3) ?? Number.NaN, 9);
      expect(rows[i]?.[3]).toBe(texts[Math.max(1, Math.ceil(0.3 * texts.length)) - 1]);
    }
  });

  it('mode is the most frequent value, the smallest of several', async () => {
    const table = sample(3000, 22);
    const input = scan(table);
    const rows = await run(
      world,
      aggregate(input, [col(input, 'b')], [agg('mode', [col(input, 'sym')]), agg('mode', [col(input, 'i32')])]),
    );
    for (const [i, group] of groupsOf(table.rows, ['b']).entries()) {
      for (const [at1, column] of ['sym', 'i32'].entries()) {
        const counts = new Map<Value, number>();
        for (const value of present(group, column)) counts.set(value, (counts.get(value) ?? 0) + 1);
        const best = [...counts].sort((a, b) => b[1] - a[1] || compareValues(a[0], b[0]))[0]?.[0];
        expect(rows[i]?.[at1 + 1]).toBe(best);
      }
    }
  });

  it('string_agg and array_agg keep the order of rows', async () => {
    const table = sample(2500, 23);
    const input = scan(table);
    const calls = [
      agg('string_agg', [col(input, 'txt'), lit('|', UTF8)]),
      agg('array_agg', [col(input, 'i64')]),
      agg('array_agg', [col(input, 'sym')]),
    ];
    const rows = await run(world, aggregate(input, [col(input, 'i8')], calls));
    const expected = groupsOf(table.rows, ['i8']).map((group) => [
      at(group[0] as Row, 'i8'),
      present(group, 'txt').join('|'),
      group.map((row) => at(row, 'i64')),
      group.map((row) => at(row, 'sym')),
    ]);
    expect(rows).toEqual(expected);
  });

  it('string_agg with ORDER BY inside joins in that order', async () => {
    const table = sample(1500, 24);
    const input = scan(table);
    const orderBy = [{ expression: col(input, 'i64'), descending: true, nullsFirst: true }];
    const rows = await run(world, aggregate(input, [], [agg('string_agg', [col(input, 'txt'), lit(',', UTF8)], { orderBy })]));
    const sorted = [...table.rows].sort((a, b) => {
      const [p, q] = [at(a, 'i64'), at(b, 'i64')];
      if (p === null || q === null) return (p === null ? 0 : 1) - (q === null ? 0 : 1);
      return compareValues(q, p);
    });
    expect(rows).toEqual([[present(sorted, 'txt').join(',')]]);
  });
});

describe('picked values', () => {
  it('arg_min, arg_max, first and last by a time', async () => {
    const table = sample(6000, 31);
    const input = scan(table);
    const calls = ['arg_min', 'arg_max', 'first', 'last'].map((name) => agg(name, [col(input, 'txt'), col(input, 'ts')]));
    const rows = await run(world, aggregate(input, [col(input, 'i8')], calls));
    const pick = (group: readonly Row[], sign: 1 | -1, ties: 'first' | 'last', nulls: boolean): Value => {
      let best: Row | undefined;
      for (const row of group) {
        if (at(row, 'ts') === null || (!nulls && at(row, 'txt') === null)) continue;
        const compared = best ? compareValues(at(row, 'ts'), at(best, 'ts')) * sign : 1;
        if (compared > 0 || (compared === 0 && ties === 'last')) best = row;
      }
      return best ? at(best, 'txt') : null;
    };
    const expected = groupsOf(table.rows, ['i8']).map((group) => [
      at(group[0] as Row, 'i8'),
      pick(group, -1, 'first', false),
      pick(group, 1, 'first', false),
      pick(group, -1, 'first', true),
      pick(group, 1, 'last', true),
    ]);
    expect(rows).toEqual(expected);
  });

  it('bool_and, bool_or and count_if', async () => {
    const table = sample(800, 32);
    const input = scan(table);
    const calls = ['bool_and', 'bool_or', 'count_if'].map((name) => agg(name, [col(input, 'b')]));
    const rows = await run(world, aggregate(input, [col(input, 'txt')], calls));
    const expected = groupsOf(table.rows, ['txt']).map((group) => {
      const values = present(group, 'b');
      const none = values.length === 0;
      return [
        at(group[0] as Row, 'txt'),
        none ? null : !values.includes(false),
        none ? null : values.includes(true),
        BigInt(values.filter((value) => value === true).length),
      ];
    });
    expect(rows).toEqual(expected);
  });
});

describe('DISTINCT and FILTER', () => {
  it('count, sum, string_agg and avg of distinct values', async () => {
    const table = sample(6000, 41);
    for (const groups of [[], ['i8']]) {
      const input = scan(table);
      const distinct = true;
      const calls = [
        agg('count', [col(input, 'txt')], { distinct }),
        agg('sum', [col(input, 'i32')], { distinct }),
        agg('string_agg', [col(input, 'sym'), lit(',', UTF8)], { distinct }),
        agg('count', [col(input, 'f64')], { distinct }),
        agg('count', [col(input, 'b')]),
      ];
      const plan = aggregate(
        input,
        groups.map((name) => col(input, name)),
        calls,
      );
      const distinctOf = (group: readonly Row[], name: string): Value[] => [
        ...new Map(present(group, name).map((value) => [keyText([value]), value])).values(),
      ];
      const expected = (groups.length === 0 ? [table.rows] : groupsOf(table.rows, groups)).map((group) => [
        ...groups.map((name) => at(group[0] as Row, name)),
        BigInt(distinctOf(group, 'txt').length),
        bigSum(distinctOf(group, 'i32')),
        distinctOf(group, 'sym').join(','),
        BigInt(distinctOf(group, 'f64').length),
        BigInt(present(group, 'b').length),
      ]);
      expect(await run(world, plan)).toEqual(expected);
    }
  });

  it('FILTER applies to its own call only', async () => {
    const table = sample(4000, 42);
    const input = scan(table);
    const filter = compare('gt', col(input, 'i32'), lit(0, INT32));
    const calls = [
      agg('count', [], { filter }),
      agg('sum', [col(input, 'i32')], { filter }),
      agg('sum', [col(input, 'i32')]),
      agg('first', [col(input, 'txt')], { filter }),
    ];
    const rows = await run(world, aggregate(input, [col(input, 'sym')], calls));
    const expected = groupsOf(table.rows, ['sym']).map((group) => {
      const kept = group.filter((row) => at(row, 'i32') !== null && (at(row, 'i32') as number) > 0);
      return [
        at(group[0] as Row, 'sym'),
        BigInt(kept.length),
        bigSum(present(kept, 'i32')),
        bigSum(present(group, 'i32')),
        naive('first', kept, 'txt'),
      ];
    });
    expect(rows).toEqual(expected);
  });

  it('groups that only rows without a value reach are NULL, wherever those rows are', async () => {
    const rows = 9000;
    const none = (row: number) => (row >= 3000 && row < 3333) || row > 8900;
    const table = makeTable(
      world,
      [
        { name: 'x', type: FLOAT64, values: Array.from({ length: rows }, (_, row) => (none(row) ? null : row)) },
        { name: 'g', type: INT32, values: Array.from({ length: rows }, (_, row) => Math.floor(row / 50)) },
      ],
      { segmentRows: 3072 },
    );
    const input = scan(table);
    const filter = compare('lt', col(input, 'x'), lit(6000, FLOAT64));
    const calls = [agg('max', [col(input, 'x')]), agg('sum', [col(input, 'x')]), agg('min', [col(input, 'x')], { filter })];
    const expected = Array.from({ length: rows / 50 }, (_, group) => {
      const values = Array.from({ length: 50 }, (_, i) => group * 50 + i).filter((row) => !none(row));
      const sum = values.length === 0 ? null : values.reduce((total, value) => total + value, 0);
      return [group, values.at(-1) ?? null, sum, values.filter((value) => value < 6000)[0] ?? null];
    });
    expect(await run(world, aggregate(input, [col(input, 'g')], calls))).toEqual(expected);
    const [all] = await run(
      world,
      aggregate(input, [], [agg('max', [col(input, 'x')], { filter: compare('lt', col(input, 'x'), lit(0, FLOAT64)) })]),
    );
    expect(all).toEqual([null]);
  });

  it('no rows give one row without groups and none with groups', async () => {
    const table = sample(0, 1);
    const input = scan(table);
    const calls = () => [
      agg('count', []),
      agg('sum', [col(input, 'f64')]),
      agg('min', [col(input, 'txt')]),
      agg('count', [col(input, 'txt')], { distinct: true }),
      agg('array_agg', [col(input, 'i32')]),
    ];
    expect(await run(world, aggregate(input, [], calls()))).toEqual([[0n, null, null, 0n, null]]);
    expect(await run(world, aggregate(input, [col(input, 'sym')], calls()))).toEqual([]);
  });
});
