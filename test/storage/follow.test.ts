/** Read-only openings see what another process commits, as of one commit each time, and files stay as long as they are read. */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Database, open } from '../../src/index.js';
import { Random } from '../differential/random.js';

const program = join(import.meta.dirname, 'follow-process.mjs');
let folder: string;
let processes: Peer[] = [];
let readers: Database[] = [];

class Peer {
  readonly child: ChildProcess;
  constructor(child: ChildProcess) {
    this.child = child;
  }

  next(): Promise<{ rows?: Record<string, unknown>[]; error?: string }> {
    return new Promise((resolve) => this.child.once('message', resolve as (message: unknown) => void));
  }

  run(sql: string): Promise<Record<string, unknown>[]> {
    return this.ask({ sql });
  }

  async flush(table: string): Promise<void> {
    await this.ask({ flush: table });
  }

  async compact(table: string): Promise<void> {
    await this.ask({ compact: table });
  }

  private async ask(message: object): Promise<Record<string, unknown>[]> {
    const reply = this.next();
    this.child.send(message);
    const { rows, error } = await reply;
    if (!rows) throw new Error(`${JSON.stringify(message)}: ${error}`);
    return rows;
  }
}

async function start(mode: 'write' | 'read'): Promise<Peer> {
  const peer = new Peer(fork(program, [folder, mode]));
  await peer.next();
  processes.push(peer);
  return peer;
}

async function reader(threads = 0): Promise<Database> {
  const db = await open({ path: folder, read_only: true, threads });
  readers.push(db);
  return db;
}

const rowsOf = async (db: Database, sql: string) => JSON.stringify(await (await db.query(sql)).toRows(), numbers);
const numbers = (_key: string, value: unknown) => (typeof value === 'bigint' ? Number(value) : value);
const files = () => readdirSync(join(folder, 'segments')).filter((name) => name.endsWith('.arrow'));

async function until(isTrue: () => boolean): Promise<void> {
  for (let tries = 0; tries < 200 && !isTrue(); tries++) await new Promise((resolve) => setTimeout(resolve, 50));
  expect(isTrue()).toBe(true);
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fletch-follow-'));
});

afterEach(async () => {
  for (const db of readers) await db.close();
  for (const { child } of processes) child.kill('SIGKILL');
  readers = [];
  processes = [];
  rmSync(folder, { recursive: true, force: true });
});

describe('a read-only opening', () => {
  it('sees each commit of the writer at once: rows, values, deletions, sealed segments, definitions, names', async () => {
    const writer = await start('write');
    await writer.run(
      "CREATE TABLE t (ts TIMESTAMP NOT NULL, s SYMBOL, x BIGINT) TIMESTAMP(ts); INSERT INTO t VALUES ('2026-01-01', 'a', 1)",
    );
    const db = await reader();
    const all = 'SELECT s, x FROM t ORDER BY ts, x';
    const steps = [
      ["INSERT INTO t VALUES ('2026-01-02', 'b', 2), ('2026-01-03', NULL, 3)", all, '[{"s":"a","x":1},{"s":"b","x":2},{"s":null,"x":3}]'],
      ['DELETE FROM t WHERE x = 1', all, '[{"s":"b","x":2},{"s":null,"x":3}]'],
      ['flush', all, '[{"s":"b","x":2},{"s":null,"x":3}]'],
      ["UPDATE t SET s = 'new' WHERE x = 3", all, '[{"s":"b","x":2},{"s":"new","x":3}]'],
      ['ALTER TABLE t ADD COLUMN y INT DEFAULT 7', 'SELECT x, y FROM t ORDER BY x', '[{"x":2,"y":7},{"x":3,"y":7}]'],
      ['ALTER TABLE t RENAME COLUMN s TO name', 'SELECT name FROM t ORDER BY x', '[{"name":"b"},{"name":"new"}]'],
      ['CREATE VIEW v AS SELECT sum(x) AS total FROM t', 'SELECT * FROM v', '[{"total":5}]'],
      ['CREATE SCHEMA other; CREATE TABLE other.u AS SELECT 1 AS one', 'SELECT * FROM other.u', '[{"one":1}]'],
      ['TRUNCATE TABLE t', 'SELECT count(*) AS n FROM t', '[{"n":0}]'],
      ['DROP VIEW v; DROP TABLE t; CREATE TABLE t (only TEXT)', 'SELECT count(*) AS n, any_value(only) AS o FROM t', '[{"n":0,"o":null}]'],
    ] as const;
    for (const [change, query, wanted] of steps) {
      if (change === 'flush') await writer.flush('t');
      else await writer.run(change);
      expect(await rowsOf(db, query), change).toBe(wanted);
    }
    await expect(db.exec("INSERT INTO t VALUES ('x')")).rejects.toMatchObject({ code: 'read_only' });
  });

  it('reads what is one commit, whatever the writer does meanwhile', { timeout: 120_000 }, async () => {
    const random = new Random(20_261_122);
    const writer = await start('write');
    await writer.run(`CREATE TABLE a (ts TIMESTAMP NOT NULL, k BIGINT, s SYMBOL, x BIGINT) TIMESTAMP(ts) CLUSTER BY s;
      CREATE TABLE b (k BIGINT, s TEXT, x BIGINT); CREATE TABLE done (n BIGINT); INSERT INTO done VALUES (0)`);
    const db = await reader();
    const threaded = await reader(2);
    const query = `SELECT (SELECT coalesce(sum(x), 0) FROM a) + (SELECT coalesce(sum(x), 0) FROM b) AS total,
      (SELECT count(*) FROM a) - (SELECT count(*) FROM b) AS surplus, (SELECT max(n) FROM done) AS n,
      (SELECT count(*) FROM a WHERE s = 's9009') - (SELECT count(*) FROM b WHERE s = 's9009') AS other,
      (SELECT count(*) FROM a WHERE s IS DISTINCT FROM 's' || k) + (SELECT count(*) FROM b WHERE s IS DISTINCT FROM 's' || k) AS strange`;
    let finished = 0;
    let isOver = false;
    let looks = 0;
    const look = async (from: Database) => {
      while (!isOver) {
        const least = finished;
        const [row] = JSON.parse(await rowsOf(from, query)) as { total: number; surplus: number; n: number; strange: number }[];
        expect(row).toMatchObject({ total: 0, surplus: 0, strange: 0, other: 0 });
        expect(row?.n).toBeGreaterThanOrEqual(least);
        looks++;
      }
    };
    const looking = Promise.all([look(db), look(threaded)]);
    try {
      for (let n = 1; n <= 60; n++) {
        const [from, to] = [n * 1000, n * 1000 + random.whole(0, 300)];
        const keys = [random.whole(0, n * 1000), random.whole(0, n * 1000)].sort((x, y) => x - y);
        const change = random.pick([
          `INSERT INTO a SELECT TIMESTAMP '2026-01-01' + (i * 7919 % 100003) * INTERVAL '1 second', i, 's' || i, i FROM generate_series(${from}, ${to}) AS g(i);
           INSERT INTO b SELECT i, 's' || i, -i FROM generate_series(${from}, ${to}) AS g(i)`,
          `DELETE FROM a WHERE k BETWEEN ${keys[0]} AND ${keys[1]}; DELETE FROM b WHERE k BETWEEN ${keys[0]} AND ${keys[1]}`,
          `UPDATE a SET x = x + 1 WHERE k < ${keys[1]}; UPDATE b SET x = x - 1 WHERE k < ${keys[1]}`,
          n % 10 === 0 ? 'TRUNCATE TABLE a; TRUNCATE TABLE b' : 'SELECT 1',
          n % 4 === 0 ? `ALTER TABLE a ADD COLUMN c${n} INT DEFAULT ${n}` : 'SELECT 1',
        ]);
        await writer.run(`BEGIN; ${change}; UPDATE done SET n = ${n}; COMMIT`);
        finished = n;
        if (random.chance(0.2)) await writer.flush(random.pick(['a', 'b']));
        if (random.chance(0.2)) await writer.compact(random.pick(['a', 'b']));
      }
    } finally {
      isOver = true;
      await looking;
    }
    expect(looks).toBeGreaterThan(20);
    expect(await rowsOf(db, 'SELECT count(*) AS n, sum(x) AS x FROM a')).toBe(
      JSON.stringify(await writer.run('SELECT count(*) AS n, sum(x) AS x FROM a')),
    );
  });

  it('reads to the end what was truncated or dropped meanwhile; the files go when nobody reads them', async () => {
    const writer = await start('write');
    await writer.run(`CREATE TABLE t (ts TIMESTAMP NOT NULL, s SYMBOL, x BIGINT) TIMESTAMP(ts);
      INSERT INTO t SELECT TIMESTAMP '2026-01-01' + i * INTERVAL '1 second', 's' || i % 7, i FROM generate_series(1, 5120) AS g(i)`);
    await writer.flush('t');
    const count = files().length;
    expect(count).toBeGreaterThan(5);
    const db = await reader();
    await db.exec('BEGIN');
    expect(await rowsOf(db, 'SELECT count(*) AS n FROM t')).toBe('[{"n":5120}]');
    await writer.run('TRUNCATE TABLE t; CREATE TABLE other (x INT); DROP TABLE t');
    await new Promise((resolve) => setTimeout(resolve, 1200));
    expect(files().length).toBe(count);
    expect(await rowsOf(db, "SELECT count(*) AS n, sum(x) AS x, count(*) FILTER (WHERE s = 's3') AS s FROM t")).toBe(
      `[{"n":5120,"x":${(5120 * 5121) / 2},"s":${Math.floor((5120 + 4) / 7)}}]`,
    );
    await db.exec('COMMIT');
    await until(() => files().length === 0);
    await expect(db.query('SELECT * FROM t')).rejects.toMatchObject({ code: 'table_not_found' });
  });

  it('keeps nothing when its process is killed', async () => {
    const writer = await start('write');
    await writer.run('CREATE TABLE t AS SELECT i AS x FROM generate_series(1, 2000) AS g(i)');
    await writer.flush('t');
    const other = await start('read');
    await other.run('BEGIN');
    expect(await other.run('SELECT sum(x) AS x FROM t')).toEqual([{ x: 2_001_000 }]);
    await writer.run('TRUNCATE TABLE t');
    expect(files().length).toBeGreaterThan(0);
    other.child.kill('SIGKILL');
    await until(() => files().length === 0);
  });
});
