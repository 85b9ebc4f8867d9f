// node bench/cancel.mjs [--rows 10000000] [--stops 8] [--longest 20] [--memory-limit 4GB] [--only WORD,WORD]: how soon statements of every kind end when
// they are cancelled. Needs a build (npm run build). Each is run to its end (or for --longest seconds), then cancelled --stops times, at moments
// spread over that time. Printed are the time it takes, and the median and the longest time from the moment at which the cancel is due until it has ended.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { open } from '../dist/src/index.js';

const { values: options } = parseArgs({
  options: {
    rows: { type: 'string', default: '10000000' },
    stops: { type: 'string', default: '8' },
    longest: { type: 'string', default: '20' },
    'memory-limit': { type: 'string', default: '4GB' },
    only: { type: 'string', default: '' },
  },
});
const rows = Number(options.rows);
const folder = mkdtempSync(join(tmpdir(), 'fletch-cancel-'));
const file = (name) => `'${join(folder, name)}'`;

const STATEMENTS = {
  filter: 'SELECT count(*) FROM t WHERE sin(price) > 0.5 AND ln(size + 1) < 3',
  'regular expression over large texts':
    "SELECT count(*) FROM range(3000) r(i) WHERE regexp_matches(repeat('ab' || i, 40000), 'x[0-9]+y$')",
  'upper of large texts': "SELECT max(length(upper(repeat('ab' || i, 40000)))) FROM range(3000) r(i)",
  sort: 'SELECT * FROM t ORDER BY price, id DESC',
  'sort by text': 'SELECT * FROM t ORDER BY note',
  'group by few': 'SELECT sym, sum(price), avg(size) FROM t GROUP BY sym',
  'group by many': 'SELECT id % 5000000 AS k, sum(price), count(*) FROM t GROUP BY k',
  'group by text': 'SELECT note, count(*) FROM t GROUP BY note',
  distinct: 'SELECT DISTINCT id % 3000000, sym FROM t',
  'count distinct': 'SELECT count(DISTINCT id), count(DISTINCT price) FROM t',
  'count distinct by group': 'SELECT sym, count(DISTINCT size * 7919 + id % 100000) FROM t GROUP BY sym',
  'histogram of one group': 'SELECT len(histogram(id % 1000003)) FROM t',
  'mode of one group': 'SELECT mode(id % 1000003) FROM t',
  'quantiles of one group': 'SELECT median(price), quantile_cont(price, 0.9), quantile_disc(id, 0.1) FROM t',
  'list of one group': 'SELECT len(list(id)) FROM t',
  'ordered list of one group': 'SELECT len(list(id ORDER BY price)) FROM t',
  'string_agg of one group': "SELECT length(string_agg(note, ',')) FROM t",
  'ordered string_agg of one group': "SELECT length(string_agg(note, ',' ORDER BY price)) FROM t",
  'list of many groups': 'SELECT max(len(x)) FROM (SELECT list(price) AS x FROM t GROUP BY id % 100000)',
  'approximate quantile': 'SELECT approx_quantile(price, 0.5), approx_count_distinct(id) FROM t',
  'arg_max by group': 'SELECT id % 1000000 AS k, arg_max(note, price) FROM t GROUP BY k',
  'lttb of one group': 'SELECT len(lttb(ts, price, 1000000)) FROM t',
  'grouping sets': 'SELECT sym, size, id % 1000, count(*) FROM t GROUP BY CUBE (sym, size, id % 1000)',
  'window over one partition': 'SELECT max(x) FROM (SELECT sum(price) OVER (ORDER BY price, id) AS x FROM t)',
  'ranks over one partition': 'SELECT max(x) FROM (SELECT rank() OVER (ORDER BY size) + ntile(7) OVER (ORDER BY price) AS x FROM t)',
  'moving maximum': 'SELECT max(x) FROM (SELECT max(price) OVER (ORDER BY id ROWS 1000 PRECEDING) AS x FROM t)',
  'moving median': 'SELECT max(x) FROM (SELECT median(price) OVER (ORDER BY id ROWS 1000 PRECEDING) AS x FROM t)',
  'moving distinct count': 'SELECT max(x) FROM (SELECT count(DISTINCT size) OVER (ORDER BY id ROWS 1000 PRECEDING) AS x FROM t)',
  'window by RANGE': 'SELECT max(x) FROM (SELECT avg(size) OVER (ORDER BY price RANGE BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS x FROM t)',
  'windows over partitions': 'SELECT max(x) FROM (SELECT row_number() OVER (PARTITION BY sym ORDER BY price) AS x FROM t)',
  'window in order of time': 'SELECT max(x) FROM (SELECT ema(price, 20) OVER (PARTITION BY sym ORDER BY ts) AS x FROM t)',
  'hash join': 'SELECT count(*) FROM t a JOIN t b ON a.id = b.id * 2',
  'hash join by text': 'SELECT count(*) FROM t a JOIN t b USING (note)',
  'range join': 'SELECT count(*) FROM t a JOIN (SELECT * FROM t WHERE id % 10 = 0) b ON a.id BETWEEN b.id AND b.id + 300',
  'inequality join': 'SELECT count(*) FROM (SELECT * FROM t LIMIT 300000) a JOIN t b ON a.price < b.price AND a.size > b.size',
  'join with a condition of functions': 'SELECT count(*) FROM (SELECT * FROM t LIMIT 10000) a JOIN t b ON sin(a.price + b.price) > 0.99',
  'full join': 'SELECT count(*) FROM t a FULL JOIN t b ON a.id = b.id + 5000000',
  'cross join': 'SELECT sum(a.size * b.size) FROM t a, (SELECT * FROM t LIMIT 1000) b',
  'asof join': 'SELECT count(b.price) FROM t a ASOF JOIN t b ON a.size = b.size AND a.ts > b.ts',
  'window join':
    'SELECT sum(x) FROM (SELECT avg(b.price) AS x FROM t a WINDOW JOIN t b ON a.sym = b.sym RANGE BETWEEN 1s PRECEDING AND 1s FOLLOWING)',
  'correlated subquery': 'SELECT count(*) FROM t a WHERE price > (SELECT avg(price) FROM t b WHERE b.size = a.size)',
  lateral: 'SELECT count(*) FROM t a, LATERAL (SELECT max(g) AS m FROM generate_series(1, a.size) s(g)) q',
  'unnest of lists': 'SELECT count(*) FROM (SELECT unnest(range(size * 10)) AS u FROM t) WHERE u % 7 = 3',
  'series of a billion': 'SELECT sum(x) FROM generate_series(1, 1000000000) g(x)',
  'rows of a series': 'SELECT x::TEXT FROM generate_series(1, 1000000000) g(x)',
  recursion: 'WITH RECURSIVE r(n) AS (SELECT id FROM t UNION SELECT n / 2 FROM r WHERE n > 0) SELECT count(*) FROM r',
  union: 'SELECT count(*) FROM (SELECT id, price FROM t UNION SELECT id + 5, price FROM t)',
  'except all': 'SELECT count(*) FROM (SELECT id FROM t EXCEPT ALL SELECT id * 2 FROM t)',
  'sample by with fill': 'SELECT max(x) FROM (SELECT ts, sym, avg(price) AS x FROM t SAMPLE BY 1s FILL(LINEAR))',
  'latest on': 'SELECT count(*) FROM (SELECT * FROM t LATEST ON ts PARTITION BY note)',
  'limit by': 'SELECT count(*) FROM (SELECT * FROM t ORDER BY price LIMIT 2 BY id % 1000000)',
  'distinct on': 'SELECT count(*) FROM (SELECT DISTINCT ON (id % 1000000) * FROM t ORDER BY id % 1000000, price)',
  pivot: 'SELECT * FROM (PIVOT t ON sym USING sum(price) GROUP BY id)',
  summarize: 'SUMMARIZE t',
  'rows to the client': 'SELECT * FROM t',
  'reading Parquet': `SELECT count(*), max(note) FROM read_parquet(${file('t.parquet')})`,
  'reading CSV': `SELECT count(*), max(note) FROM read_csv(${file('t.csv')})`,
  'reading NDJSON': `SELECT count(*), max(note) FROM read_json(${file('t.ndjson')})`,
  'reading Arrow': `SELECT count(*), max(note) FROM read_arrow(${file('t.arrow')})`,
  'copy to Parquet': `COPY t TO ${file('out.parquet')}`,
  'copy to CSV': `COPY t TO ${file('out.csv')}`,
  'copy to NDJSON': `COPY t TO ${file('out.ndjson')}`,
  'copy to Arrow': `COPY t TO ${file('out.arrow')}`,
  'copy from Parquet': `COPY w FROM ${file('t.parquet')}`,
  'copy from CSV': `COPY w FROM ${file('t.csv')}`,
  'insert of a query': 'INSERT INTO w SELECT * FROM t',
  'insert in another order': 'INSERT INTO w SELECT * FROM t ORDER BY price',
  'insert with keys': 'INSERT INTO keyed SELECT * FROM t',
  'create table as': 'CREATE TABLE made AS SELECT * FROM t',
  update: 'UPDATE t SET price = price + 1',
  'update from': 'UPDATE t SET price = b.price FROM t b WHERE t.id = b.id + 1',
  delete: 'DELETE FROM t WHERE id % 2 = 0 AND ln(price + 1) > 0.1',
  merge:
    'MERGE INTO t USING (SELECT id + 5000000 AS id, price FROM t) s ON t.id = s.id WHEN MATCHED THEN UPDATE SET price = s.price WHEN NOT MATCHED THEN INSERT (ts, id, price) VALUES (now(), s.id, s.price)',
  'alter column type': 'ALTER TABLE t ALTER COLUMN size TYPE DOUBLE',
};

const MADE = {
  'create table as': 'DROP TABLE made',
  'copy from Parquet': 'TRUNCATE w',
  'copy from CSV': 'TRUNCATE w',
  'insert of a query': 'TRUNCATE w',
  'insert in another order': 'TRUNCATE w',
  'insert with keys': 'TRUNCATE keyed',
};

const db = await open({ path: join(folder, 'data'), memory_limit: options['memory-limit'] });
const { query } = db.engine;

async function run(sql, delayMs, queryId = 'bench') {
  const from = performance.now();
  let due = Number.POSITIVE_INFINITY;
  const timer = setTimeout(() => query.cancel(queryId), delayMs);
  try {
    due = from + delayMs;
    const result = await query.execute({ sql, principal: { name: 'embedded', kind: 'embedded' }, queryId });
    for await (const batch of result.batches) batch.release();
    return { outcome: 'done', tookMs: performance.now() - from, lateMs: 0 };
  } catch (error) {
    return { outcome: error.code, message: error.message, tookMs: performance.now() - from, lateMs: performance.now() - due };
  } finally {
    clearTimeout(timer);
  }
}

const COLUMNS = `ts TIMESTAMP, id BIGINT, sym SYMBOL, price DOUBLE, size BIGINT, note TEXT`;
await db.exec(`CREATE TABLE t (${COLUMNS}) TIMESTAMP(ts)`);
await db.exec(`CREATE TABLE w (${COLUMNS}) TIMESTAMP(ts)`);
await db.exec(`CREATE TABLE keyed (${COLUMNS}) TIMESTAMP(ts) DEDUP KEYS (ts, id)`);
await db.exec(`INSERT INTO t SELECT TIMESTAMP '2026-01-01' + INTERVAL '1 millisecond' * g, g, 'S' || g % 100, (g * 7919 % 1000003) / 100.0, g * 31 % 1000, 'note ' || g * 7919 % 10000019
  FROM generate_series(1, ${rows}) s(g)`);
const wanted = Object.entries(STATEMENTS).filter(([name]) => options.only.split(',').some((word) => name.includes(word)));
for (const format of ['parquet', 'csv', 'ndjson', 'arrow']) {
  if (wanted.some(([, sql]) => sql.includes(`t.${format}`)))
    await db.exec(`COPY (SELECT * FROM t LIMIT 2000000) TO ${file(`t.${format}`)}`);
}
console.log(`${'statement'.padEnd(36)} ${'takes'.padStart(9)} ${'to stop'.padStart(9)} ${'longest'.padStart(9)}`);
const ms = (value) => `${value.toFixed(0)} ms`.padStart(9);
for (const [name, sql] of wanted) {
  // A statement that changes rows is never run to its end, so that all see the same.
  const changes = /^(UPDATE|DELETE|MERGE|ALTER)/.test(sql);
  const whole = await run(changes ? `BEGIN; ${sql}; ROLLBACK` : sql, Number(options.longest) * 1000);
  if (changes) await db.exec('ROLLBACK').catch(() => undefined);
  if (whole.outcome === 'done' && MADE[name]) await db.exec(MADE[name]);
  const late = whole.outcome === 'cancelled' ? [whole.lateMs] : [];
  const stops = Number(options.stops);
  for (let i = 0; i < stops; i++) {
    const { outcome, lateMs, message } = await run(sql, (whole.tookMs * (i + 0.5)) / (stops + 0.5));
    if (outcome === 'cancelled') late.push(lateMs);
    else if (outcome !== 'done') console.log(`  ${outcome} ${message}`);
    else if (MADE[name]) await db.exec(MADE[name]);
  }
  late.sort((a, b) => a - b);
  const takes =
    whole.outcome === 'done'
      ? ms(whole.tookMs)
      : whole.outcome === 'cancelled'
        ? `> ${options.longest} s`.padStart(9)
        : `${whole.outcome} ${whole.message}`;
  console.log(`${name.padEnd(36)} ${takes} ${ms(late[late.length >> 1] ?? 0)} ${ms(late.at(-1) ?? 0)}`);
}
await db.close();
rmSync(folder, { recursive: true, force: true });
