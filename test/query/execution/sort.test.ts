import { afterAll, describe, expect, it } from 'vitest';
import { BOOL, type DataType, FLOAT32, FLOAT64, INT32, INT64, SYMBOL, TIMESTAMP_NS, UINT64, UTF8, UUID } from '../../../src/core/types.js';
import type { SortPlan } from '../../../src/query/plan/logical.js';
import {
  call,
  col,
  compareValues,
  createWorld,
  join,
  key,
  keyText,
  limit,
  makeTable,
  type Row,
  randomColumn,
  run,
  scan,
  sort,
} from './fixture.js';

const world = createWorld();
afterAll(() => world.close());

const TYPES: Record<string, DataType> = {
  i8: { kind: 'int8' },
  i64: INT64,
  u64: UINT64,
  f32: FLOAT32,
  f64: FLOAT64,
  b: BOOL,
  dec: { kind: 'decimal', precision: 38, scale: 4 },
  ts: TIMESTAMP_NS,
  sym: SYMBOL,
  txt: UTF8,
  id: UUID,
};
const NAMES = Object.keys(TYPES);

function sample(rows: number, seed: number) {
  const columns = Object.entries(TYPES).map(([name, type], i) => randomColumn(name, type, rows, seed * 100 + i, 40));
  return makeTable(world, [...columns, { name: 'row', type: INT32, values: Array.from({ length: rows }, (_, row) => row) }], {
    segmentRows: 1024,
    deleted: (row) => row % 19 === 7,
  });
}

interface Order {
  readonly name: string;
  readonly descending: boolean;
  readonly nullsFirst: boolean;
}

function sorted(rows: readonly Row[], orders: readonly Order[]): Row[] {
  return [...rows].sort((a, b) => {
    for (const { name, descending, nullsFirst } of orders) {
      const [p, q] = [a[NAMES.indexOf(name)] ?? null, b[NAMES.indexOf(name)] ?? null] as const;
      let compared =
        p === null || q === null
          ? ((p === null ? 1 : 0) - (q === null ? 1 : 0)) * (nullsFirst ? -1 : 1)
          : compareValues(p, q) * (descending ? -1 : 1);
      if (compared === 0) compared = 0;
      if (compared !== 0) return compared;
    }
    return 0;
  });
}

const keysOf = (plan: ReturnType<typeof scan>, orders: readonly Order[]): SortPlan['keys'] =>
  orders.map((order) => key(col(plan, order.name), order.descending, order.nullsFirst));

describe('sort', () => {
  it.each(NAMES)('by %s is stable, both ways, nulls first and last', async (name) => {
    for (const rows of [0, 1, 65, 3000]) {
      const table = sample(rows, rows + 1);
      for (const [descending, nullsFirst] of [
        [false, false],
        [true, true],
        [false, true],
        [true, false],
      ] as const) {
        const input = scan(table);
        const orders = [{ name, descending, nullsFirst }];
        expect((await run(world, sort(input, keysOf(input, orders)))).map(keyText)).toEqual(sorted(table.rows, orders).map(keyText));
      }
    }
  });

  it('by several keys goes from the first to the last', async () => {
    const table = sample(5000, 3);
    const orders = [
      { name: 'sym', descending: true, nullsFirst: false },
      { name: 'b', descending: false, nullsFirst: true },
      { name: 'f64', descending: true, nullsFirst: true },
    ];
    const input = scan(table);
    expect((await run(world, sort(input, keysOf(input, orders)))).map(keyText)).toEqual(sorted(table.rows, orders).map(keyText));
  });

  it('by an expression leaves the columns as they are', async () => {
    const table = sample(700, 4);
    const input = scan(table);
    const expression = call('negate', [col(input, 'i64')], INT64);
    const rows = await run(world, sort(input, [key(expression)]));
    expect(rows.map(keyText)).toEqual(sorted(table.rows, [{ name: 'i64', descending: true, nullsFirst: false }]).map(keyText));
    expect(rows[0]).toHaveLength(NAMES.length + 1);
  });

  it.each([1, 10, 100, 5000])('with a limit of %i gives the first rows of the whole order', async (count) => {
    const table = sample(9000, 5);
    for (const orders of [
      [{ name: 'f64', descending: false, nullsFirst: false }],
      [{ name: 'i64', descending: true, nullsFirst: true }],
      [
        { name: 'txt', descending: true, nullsFirst: false },
        { name: 'u64', descending: false, nullsFirst: false },
      ],
    ]) {
      const input = scan(table);
      const plan = limit(sort(input, keysOf(input, orders), count), count);
      expect((await run(world, plan)).map(keyText)).toEqual(sorted(table.rows, orders).slice(0, count).map(keyText));
    }
  });

  it('candidates for the first rows are thinned out on the way', async () => {
    const rows = 200_000;
    const values = Array.from({ length: rows }, (_, row) => (row % 1000 === 3 ? null : BigInt((row * 7919) % 100_003)));
    const table = makeTable(world, [{ name: 'x', type: INT64, values }], { segmentRows: 50_048 });
    const input = scan(table);
    const plan = sort(input, [key(col(input, 'x'), true, false)], 5);
    const expected = values.filter((value) => value !== null).sort((a, b) => compareValues(b, a));
    expect(await run(world, plan, { vectorRows: 1024 })).toEqual(expected.slice(0, 5).map((value) => [value]));
  });
});

describe('sort above a join', () => {
  it('thins candidates out while the join is in the middle of a vector', async () => {
    const left = makeTable(world, [
      { name: 'k', type: INT32, values: Array.from({ length: 600 }, (_, row) => row % 5) },
      { name: 'x', type: INT32, values: Array.from({ length: 600 }, (_, row) => row) },
    ]);
    const right = makeTable(world, [
      { name: 'k', type: INT32, values: Array.from({ length: 1500 }, (_, row) => row % 5) },
      { name: 'y', type: INT32, values: Array.from({ length: 1500 }, (_, row) => row * 3) },
    ]);
    const [p, q] = [scan(left), scan(right)];
    const pairs = join('left', p, q, [{ left: col(p, 'k'), right: col(q, 'k') }]);
    const plan = sort(pairs, [key(call('add', [col(p, 'x'), col(q, 'y')], INT32), true), key(col(p, 'x'))], 20);
    const expected = left.rows
      .flatMap((a) => right.rows.filter((b) => a[0] === b[0]).map((b) => [...a, ...b] as number[]))
      .sort((a, b) => Number(b[1]) + Number(b[3]) - Number(a[1]) - Number(a[3]) || Number(a[1]) - Number(b[1]))
      .slice(0, 20);
    expect(await run(world, plan)).toEqual(expected);
  });
});

describe('limit', () => {
  it.each([
    [0, 0],
    [10, 0],
    [10, 5],
    [100, 2995],
    [null, 100],
    [5000, 0],
    [7, 333],
  ])('%s offset %s', async (count, offset) => {
    const table = sample(3000, 6);
    const rows = table.rows.slice(offset, count === null ? undefined : offset + count);
    const input = scan(table);
    expect((await run(world, limit(input, count, offset))).map(keyText)).toEqual(rows.map(keyText));
    // Below another operator the limit is collected first.
    const inner = limit(input, count, offset);
    const plan = sort(inner, [key(col(input, 'row'), true)]);
    expect((await run(world, plan)).map(keyText)).toEqual([...rows].reverse().map(keyText));
  });
});
