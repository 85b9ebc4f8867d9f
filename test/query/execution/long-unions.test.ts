import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Database, open } from '../../../src/index.js';

let db: Database;
beforeAll(async () => {
  db = await open({ threads: 0 });
});
afterAll(() => db.close());

it.each([
  ['UNION ALL', 3000, 3000, 4_498_500],
  ['UNION', 3000, 100, 4950],
])('%s of %i queries is one union of them', async (operator, count, rows, sum) => {
  const parts = Array.from({ length: count }, (_, i) => `SELECT ${operator === 'UNION' ? i % 100 : i} AS a`);
  const sql = `SELECT count(*) AS n, sum(a) AS s, min(a) AS first FROM (${parts.join(` ${operator} `)}) u`;
  expect(await (await db.query(sql)).toRows()).toEqual([{ n: BigInt(rows), s: BigInt(sum), first: 0n }]);
});

it('kinds of unions in turn are put together from the left', async () => {
  const parts = Array.from({ length: 150 }, () => 'SELECT 1 AS a UNION ALL SELECT 1 AS a').join(' UNION ALL ');
  const rows = async (sql: string) => (await (await db.query(sql)).toRows()).length;
  expect(await rows(`${parts} UNION SELECT 1`)).toBe(1);
  expect(await rows(`SELECT 1 UNION ${parts}`)).toBe(300);
  expect(await rows(`${parts} EXCEPT SELECT 1 UNION ALL SELECT 2`)).toBe(1);
});
