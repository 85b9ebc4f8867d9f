import { afterAll, describe, expect, it } from 'vitest';
import { BOOL, type DataType, FLOAT64, INT32, INT64, SYMBOL, TIMESTAMP_NS, UTF8 } from '../../../src/core/types.js';
import { call, col, compare, createWorld, execution, filter, lit, makeTable, project, randomColumn, rowsOf, run, scan } from './fixture.js';

const world = createWorld();
afterAll(() => world.close());

const SIZES = [0, 1, 63, 64, 65, 127, 128, 129, 1000, 5000];

function sample(rows: number, seed = 1) {
  const types: Record<string, DataType> = { i: INT64, f: FLOAT64, n: INT32, s: SYMBOL, u: UTF8, b: BOOL };
  return Object.entries(types).map(([name, type], i) => randomColumn(name, type, rows, seed + i));
}

describe('scan', () => {
  it.each(SIZES)('of %i rows gives every row in insertion order', async (rows) => {
    const table = makeTable(world, sample(rows), { segmentRows: 128 });
    expect(await run(world, scan(table))).toEqual(table.rows);
    expect(table.pins.held).toBe(0);
  });

  it('leaves deleted rows out', async () => {
    const table = makeTable(world, sample(1000), { segmentRows: 192, deleted: (row) => row % 7 === 0 || (row > 300 && row < 600) });
    expect(await run(world, scan(table))).toEqual(table.rows);
  });

  it.each(SIZES)('of %i rows with filters keeps the rows for which they are true', async (rows) => {
    const table = makeTable(world, sample(rows), { segmentRows: 256, deleted: (row) => row % 11 === 0, zoneMaps: true });
    const plan = scan(table, ({ i, f }) => [compare('gt', i as never, lit(5n, INT64)), compare('lt', f as never, lit(10, FLOAT64))]);
    const expected = table.rows.filter((row) => row[0] !== null && (row[0] as bigint) > 5n && row[1] !== null && (row[1] as number) < 10);
    expect(await run(world, plan)).toEqual(expected);
  });

  it('prunes segments whose zone maps exclude the filter', async () => {
    const rows = 2048;
    const columns = [{ name: 'i', type: INT64, values: Array.from({ length: rows }, (_, row) => BigInt(row)) }];
    const table = makeTable(world, columns, { segmentRows: 256, zoneMaps: true });
    const plan = scan(table, ({ i }) => [compare('ge', i as never, lit(1500n, INT64)), compare('lt', i as never, lit(1600n, INT64))]);
    const execute = execution(world, plan);
    expect(await rowsOf(world, execute)).toEqual(table.rows.slice(1500, 1600));
    expect(execute.profile()[0]?.segments).toEqual({ total: 8, pruned: 6 });
    expect(execute.rowsScanned()).toBe(512);
  });

  it('cuts the rows of a segment that is sorted by time', async () => {
    const rows = 3000;
    const columns = [
      { name: 'ts', type: TIMESTAMP_NS, values: Array.from({ length: rows }, (_, row) => BigInt(Math.floor(row / 3)) * 10n) },
      { name: 'v', type: INT32, values: Array.from({ length: rows }, (_, row) => row) },
    ];
    const table = makeTable(world, columns, { segmentRows: 1024, zoneMaps: true, timestampColumn: 0, sorted: true });
    for (const [low, high] of [
      [3333n, 3500n],
      [0n, 10n],
      [9990n, 20000n],
      [50n, 50n],
    ] as const) {
      const plan = scan(table, ({ ts }) => [
        compare('ge', ts as never, lit(low, TIMESTAMP_NS)),
        compare('le', ts as never, lit(high, TIMESTAMP_NS)),
      ]);
      const execute = execution(world, plan);
      const expected = table.rows.filter((row) => (row[0] as bigint) >= low && (row[0] as bigint) <= high);
      expect(await rowsOf(world, execute)).toEqual(expected);
      expect(execute.rowsScanned()).toBeLessThanOrEqual(expected.length + 128);
      expect(await run(world, plan)).toEqual(expected);
    }
  });

  it('does not fail for rows that a filter has removed', async () => {
    const columns = [{ name: 'n', type: INT32, values: Array.from({ length: 500 }, (_, row) => row % 5) }];
    const table = makeTable(world, columns);
    const input = scan(table);
    const nonZero = filter(input, compare('ne', col(input, 'n'), lit(0, INT32)));
    const plan = project(nonZero, { q: call('divide', [lit(60, INT32), col(input, 'n')], INT32) });
    const expected = table.rows.filter((row) => row[0] !== 0).map((row) => [60 / (row[0] as number)]);
    expect((await run(world, plan)).map((row) => [Math.round(Number(row[0]))])).toEqual(
      expected.map((row) => [Math.trunc(row[0] as number)]),
    );
  });
});
