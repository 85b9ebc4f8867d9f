import { afterAll, describe, expect, it } from 'vitest';
import type { Value } from '../../../src/core/batch.js';
import { type DataType, FLOAT64, INT32, INT64, SYMBOL, UTF8 } from '../../../src/core/types.js';
import type { JoinPlan, LogicalPlan } from '../../../src/query/plan/logical.js';
import {
  agg,
  aggregate,
  col,
  compare,
  compareValues,
  createWorld,
  join,
  keyText,
  limit,
  makeTable,
  project,
  type Row,
  randomColumn,
  run,
  scan,
  type TestTable,
  values,
} from './fixture.js';

const world = createWorld();
afterAll(() => world.close());

const LEFT: Record<string, DataType> = { a: INT64, s: SYMBOL, x: FLOAT64, n: INT32 };
const RIGHT: Record<string, DataType> = { a: INT64, s: UTF8, x: FLOAT64, m: INT32 };

function sample(types: Record<string, DataType>, rows: number, seed: number, distinct: number): TestTable {
  const columns = Object.entries(types).map(([name, type], i) => randomColumn(name, type, rows, seed * 10 + i, distinct));
  return makeTable(world, columns, { segmentRows: 512, deleted: (row) => row % 23 === 5 });
}

type Condition = (left: Row, right: Row) => boolean;

function naive(kind: JoinPlan['join'], left: readonly Row[], right: readonly Row[], on: Condition): Row[] {
  const result: Row[] = [];
  const matched = new Set<Row>();
  const leftNulls = Object.keys(LEFT).map(() => null);
  const rightNulls = Object.keys(RIGHT).map(() => null);
  for (const row of left) {
    const partners = right.filter((other) => on(row, other));
    for (const partner of partners) matched.add(partner);
    if (kind === 'semi' || kind === 'anti') {
      if (partners.length > 0 === (kind === 'semi')) result.push(row);
    } else if (partners.length > 0) result.push(...partners.map((partner) => [...row, ...partner]));
    else if (kind === 'left' || kind === 'full') result.push([...row, ...rightNulls]);
  }
  if (kind === 'right' || kind === 'full') result.push(...right.filter((row) => !matched.has(row)).map((row) => [...leftNulls, ...row]));
  return result;
}

const same = (a: Value | undefined, b: Value | undefined): boolean =>
  a !== null && b !== null && keyText([a as Value]) === keyText([b as Value]);
const sortedTexts = (rows: readonly Row[]): string[] => rows.map(keyText).sort();
const KINDS: JoinPlan['join'][] = ['inner', 'left', 'right', 'full', 'semi', 'anti'];

describe.each(KINDS)('%s join', (kind) => {
  it.each([
    [0, 0],
    [0, 100],
    [100, 0],
    [1, 1],
    [700, 300],
    [300, 900],
  ])('of %i and %i rows on one key', async (leftRows, rightRows) => {
    for (const [index, name] of ['a', 's', 'x'].entries()) {
      const left = sample(LEFT, leftRows, 1 + index, 60);
      const right = sample(RIGHT, rightRows, 50 + index, 60);
      const [p, q] = [scan(left), scan(right)];
      const at = Object.keys(LEFT).indexOf(name);
      const plan = join(kind, p, q, [{ left: col(p, name), right: col(q, name) }]);
      expect(sortedTexts(await run(world, plan))).toEqual(sortedTexts(naive(kind, left.rows, right.rows, (a, b) => same(a[at], b[at]))));
    }
  });

  it('on several keys with a further condition', async () => {
    const left = sample(LEFT, 800, 7, 12);
    const right = sample(RIGHT, 500, 8, 12);
    const [p, q] = [scan(left), scan(right)];
    const keys = ['a', 's'].map((name) => ({ left: col(p, name), right: col(q, name) }));
    const residual = compare('lt', col(p, 'n'), col(q, 'm'));
    const on: Condition = (a, b) =>
      same(a[0], b[0]) && same(a[1], b[1]) && a[3] !== null && b[3] !== null && (a[3] as number) < (b[3] as number);
    expect(sortedTexts(await run(world, join(kind, p, q, keys, residual)))).toEqual(sortedTexts(naive(kind, left.rows, right.rows, on)));
  });

  it('without keys decides by the condition alone', async () => {
    const left = sample(LEFT, 120, 9, 30);
    for (const rightRows of [0, 1, 90]) {
      const right = sample(RIGHT, rightRows, 10, 30);
      const [p, q] = [scan(left), scan(right)];
      const residual = compare('gt', col(p, 'x'), col(q, 'x'));
      const on: Condition = (a, b) => a[2] !== null && b[2] !== null && compareValues(a[2] as Value, b[2] as Value) > 0;
      expect(sortedTexts(await run(world, join(kind, p, q, [], residual)))).toEqual(sortedTexts(naive(kind, left.rows, right.rows, on)));
    }
  });
});

describe('joins', () => {
  it('cross gives every pair, also with one row or none on a side', async () => {
    const left = sample(LEFT, 150, 11, 30);
    for (const rightRows of [0, 1, 40]) {
      const right = sample(RIGHT, rightRows, 12, 30);
      const plan = join('cross', scan(left), scan(right), []);
      expect(sortedTexts(await run(world, plan))).toEqual(sortedTexts(naive('inner', left.rows, right.rows, () => true)));
    }
  });

  it('keys with many partners give all pairs in probe order', async () => {
    const left = makeTable(world, [{ name: 'k', type: INT32, values: Array.from({ length: 300 }, (_, row) => row % 3) }]);
    const right = makeTable(world, [
      { name: 'k', type: INT32, values: Array.from({ length: 200 }, (_, row) => row % 2) },
      { name: 'v', type: INT32, values: Array.from({ length: 200 }, (_, row) => row) },
    ]);
    const [p, q] = [scan(left), scan(right)];
    const rows = await run(world, join('left', p, q, [{ left: col(p, 'k'), right: col(q, 'k') }]));
    const expected = left.rows.flatMap(([k]) => {
      const partners = right.rows.filter((row) => row[0] === k);
      return partners.length > 0 ? partners.map((row) => [k, ...row]) : [[k, null, null]];
    });
    expect(rows).toEqual(expected);
  });

  it('below an aggregate and above another join', async () => {
    const left = sample(LEFT, 2000, 13, 40);
    const right = sample(RIGHT, 300, 14, 40);
    const [p, q, r] = [scan(left), scan(right), scan(right)];
    const first: LogicalPlan = join('inner', p, q, [{ left: col(p, 'a'), right: col(q, 'a') }]);
    const second = join('semi', first, r, [{ left: col(p, 's'), right: col(r, 's') }]);
    const plan = aggregate(second, [col(p, 's')], [agg('count', []), agg('max', [col(q, 's')])]);
    const texts = new Set(right.rows.map((row) => row[1]));
    const joined = naive('inner', left.rows, right.rows, (a, b) => same(a[0], b[0])).filter(
      (row) => row[1] !== null && texts.has(row[1] as string),
    );
    const groups = new Map<Value, [bigint, Value]>();
    for (const row of joined) {
      const [count, best] = groups.get(row[1] as Value) ?? [0n, null];
      const text = row[5] as Value;
      groups.set(row[1] as Value, [count + 1n, text !== null && (best === null || compareValues(text, best) > 0) ? text : best]);
    }
    expect(sortedTexts(await run(world, plan))).toEqual(sortedTexts([...groups].map(([s, [count, best]]) => [s as Value, count, best])));
  });
});

describe('union and values', () => {
  it('union gives the rows of its inputs in turn', async () => {
    const table = sample(LEFT, 900, 15, 40);
    const inputs: LogicalPlan[] = [
      scan(table),
      limit(scan(table), 10),
      values(
        [
          [1n, 'x', 2.5, 7],
          [null, null, null, null],
        ],
        Object.values(LEFT),
      ),
    ];
    const output = Object.entries(LEFT).map(([name, type], i) => ({ id: 900_000 + i, name, type, nullable: true }));
    const rows = await run(world, { kind: 'union', inputs, output });
    expect(rows.map(keyText)).toEqual(
      [...table.rows, ...table.rows.slice(0, 10), [1n, 'x', 2.5, 7], [null, null, null, null]].map(keyText),
    );
  });

  it('values without columns give their rows', async () => {
    const one = values([[]], []);
    const plan = project(one, { x: values([[1]], [INT32]).rows[0]?.[0] as never });
    expect(await run(world, plan)).toEqual([[1]]);
    expect(await run(world, values([], [INT32]))).toEqual([]);
  });
});
