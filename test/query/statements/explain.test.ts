import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EMBEDDED } from '../../../src/core/principal.js';
import { settingsWith } from '../../../src/core/settings.js';
import { type OpenEngine, openDatabase } from '../../../src/database.js';
import { textRows } from '../../sql/runner.js';

let engine: OpenEngine;

beforeAll(async () => {
  engine = await openDatabase(settingsWith({ path: ':memory:', memory_limit: '256MB' }), { workerThreads: 0 });
  await rows('CREATE TABLE t (i INT, s TEXT)');
  await rows("INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')");
});
afterAll(() => engine.close());

async function rows(sql: string): Promise<string[]> {
  return textRows(await engine.query.execute({ sql, principal: EMBEDDED }), engine.arena);
}

/** The document, whose line ends the runner writes as \n. */
async function document(sql: string): Promise<unknown> {
  const [text = ''] = await rows(sql);
  return JSON.parse(text.replaceAll('\\n', '\n'));
}

describe('EXPLAIN (FORMAT JSON)', () => {
  it('gives the operators inside each other', async () => {
    expect(await document('EXPLAIN (FORMAT JSON) SELECT s FROM t WHERE i > 1 ORDER BY s')).toMatchObject([
      { plan: { operator: 'Sort', details: ['keys: s'], inputs: [{ operator: 'Project', inputs: [{ operator: 'Scan t' }] }] } },
    ]);
  });
  it('with ANALYZE says what each did', async () => {
    expect(await document('EXPLAIN (ANALYZE, FORMAT JSON) SELECT s FROM t WHERE i > 1')).toMatchObject([
      { rows: 2, rows_scanned: 3, plan: { inputs: [{ operator: 'Scan t', rows: 2, segments: 1, segments_read: 1 }] } },
    ]);
  });
});

describe('EXPLAIN of a statement that writes', () => {
  it.each(['UPDATE t SET i = 9 WHERE i = 1', 'DELETE FROM t AS x WHERE x.i = 1', 'INSERT INTO t SELECT * FROM t WHERE i = 1'])(
    '%s shows how its rows are found and changes nothing',
    async (sql) => {
      expect((await rows(`EXPLAIN ${sql}`)).join('\n')).toMatch(/Scan t\n(.*\n)*.*filters: \(i = 1\)/);
      expect(await rows('SELECT count(*), sum(i) FROM t')).toEqual(['3 | 6']);
    },
  );
  it('shows all parts of a WITH that changes rows, and changes nothing', async () => {
    const sql = 'WITH x AS (DELETE FROM t WHERE i = 1 RETURNING *), y AS (SELECT i FROM x) INSERT INTO t SELECT y.i, x.s FROM x, y';
    const lines = await rows(`EXPLAIN ${sql}`);
    expect(lines[0]).toBe('WITH x: DELETE FROM t');
    expect(lines.join('\n')).toMatch(/\n {2}Project\n(.*\n)*.*filters: \(i = 1\)\nINSERT INTO t\n(.*\n)*.*Held x/);
    expect(await document(`EXPLAIN (FORMAT JSON) ${sql}`)).toMatchObject([
      { with: 'x', does: 'DELETE FROM t', plan: { operator: 'Project', inputs: [{ operator: 'Scan t' }] } },
      { does: 'INSERT INTO t', plan: { operator: 'Project' } },
    ]);
    expect(await rows('SELECT count(*) FROM t')).toEqual(['3']);
  });
  it('is not run by ANALYZE', async () => {
    await expect(rows('EXPLAIN ANALYZE DELETE FROM t')).rejects.toMatchObject({ code: 'unsupported' });
  });
});
