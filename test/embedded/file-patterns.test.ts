import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Database, open } from '../../src/index.js';

const folder = mkdtempSync(join(tmpdir(), 'fletch-patterns-'));
const file = (name: string) => join(folder, name);
let db: Database;

beforeAll(async () => {
  db = await open({ threads: 0 });
  mkdirSync(file('d/e'), { recursive: true });
  writeFileSync(file('d/p1.csv'), 'a,b\n1,x\n2,y\n');
  writeFileSync(file('d/p2.csv'), 'a,b\n3.5,z\n');
  writeFileSync(file('d/.hidden.csv'), 'a,b\n9,h\n');
  writeFileSync(file('d/e/q.csv'), 'b,c\nw,7\n');
  writeFileSync(file('d/[odd].csv'), 'a\n5\n');
  await db.exec(`COPY (SELECT 1 AS a, 'p' AS b) TO '${file('one.parquet')}'`);
  await db.exec(`COPY (SELECT 'q' AS b, 2 AS a) TO '${file('two.parquet')}'`);
});
afterAll(async () => {
  await db.close();
  rmSync(folder, { recursive: true, force: true });
});

async function rows(sql: string): Promise<unknown[][]> {
  return (await (await db.query(sql)).toRows()).map((row) => Object.values(row));
}

test.each([
  [
    'd/p*.csv',
    [
      [1, 'x'],
      [2, 'y'],
      [3.5, 'z'],
    ],
  ],
  [
    'd/p?.csv',
    [
      [1, 'x'],
      [2, 'y'],
      [3.5, 'z'],
    ],
  ],
  ['d/p[2-9].csv', [[3.5, 'z']]],
  [
    'd/p[!2].csv',
    [
      [1n, 'x'],
      [2n, 'y'],
    ],
  ],
  [
    'd/{p2,p1}.csv',
    [
      [1, 'x'],
      [2, 'y'],
      [3.5, 'z'],
    ],
  ],
  ['d/[odd].csv', [[5n]]],
  ['*/e/*.csv', [['w', 7n]]],
  [
    '*.parquet',
    [
      [1, 'p'],
      [2, 'q'],
    ],
  ],
] as const)('the pattern %s stands for files in the order of their names, matched by the names of columns', async (pattern, expected) => {
  const found = await rows(`SELECT * FROM '${file(pattern)}'`);
  expect(found.map((row) => row.map((value) => (typeof value === 'bigint' ? Number(value) : value)))).toEqual(
    expected.map((row) => row.map((value) => (typeof value === 'bigint' ? Number(value) : value))),
  );
});

test('a list names files, and filename says which a row is of', async () => {
  const sql = `SELECT b, filename FROM read_csv(['${file('d/p2.csv')}', '${file('d/p1.csv')}'], filename => true)`;
  expect(await rows(sql)).toEqual([
    ['z', file('d/p2.csv')],
    ['x', file('d/p1.csv')],
    ['y', file('d/p1.csv')],
  ]);
});

test('union_by_name gives NULL where a file lacks a column; without it that is an error', async () => {
  const sql = (more: string) => `SELECT * FROM read_csv('${file('d/**/[pq]*.csv')}'${more})`;
  expect(await rows(`${sql(', union_by_name => true')} ORDER BY b`)).toEqual([
    ['w', 7n, null],
    ['x', null, 1],
    ['y', null, 2],
    ['z', null, 3.5],
  ]);
  await expect(db.query(sql(''))).rejects.toMatchObject({ code: 'column_not_found', position: 14 });
});

test('filters and columns reach every file', async () => {
  expect(await rows(`SELECT count(*), sum(a) FROM "${file('d/p*.csv')}" WHERE a > 1`)).toEqual([[2n, 5.5]]);
});

test.each([
  ["'nope/*.csv'", 'not_found'],
  ["'nope.csv'", 'not_found'],
  ['read_csv([])', 'invalid_argument'],
  ['read_csv([1])', 'function_not_found'],
])('FROM %s is an error at its place', async (source, code) => {
  await expect(db.query(`SELECT * FROM ${source}`)).rejects.toMatchObject({ code, position: expect.any(Number) });
});
