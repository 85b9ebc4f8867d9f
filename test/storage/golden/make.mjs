// node test/storage/golden/make.mjs: writes format-<n>, a small database of the format of now, and what queries over it answer. Needs a build.
// Run it once for each format, with the last program that writes it.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { open } from '../../../dist/src/index.js';

const here = fileURLToPath(new URL('.', import.meta.url));
const [format] = process.argv.slice(2);
if (!/^\d+$/.test(format ?? '')) throw new Error('say the format: node make.mjs 4');
const path = join(here, `format-${format}`);
rmSync(path, { recursive: true, force: true });
const db = await open({ path, threads: 0, seal_after_ms: 0, segment_compression: 'always' });
const readings = (from, to) => `
  INSERT INTO readings
  SELECT TIMESTAMP '2025-03-01' + i * INTERVAL '37 minutes', CASE WHEN i % 5 = 0 THEN NULL ELSE 's' || (i % 3) END,
    CASE WHEN i % 7 = 0 THEN NULL ELSE i / 8.0 END, i * 1000000007, 'note ' || i, i % 2 = 0, DATE '2025-03-01' + (i % 40)::INT,
    (i / 3.0)::DECIMAL(20,3), CASE WHEN i % 4 = 0 THEN NULL ELSE [i, NULL, i + 1] END, {'x': i / 2.0, 'y': 'p' || i},
    ('00000000-0000-4000-8000-' || lpad(i::TEXT, 12, '0'))::UUID
  FROM generate_series(${from}, ${to}) AS g(i)`;
const statements = [
  'CREATE SCHEMA plant',
  `CREATE TABLE readings (ts TIMESTAMP NOT NULL, sensor SYMBOL, value DOUBLE, n BIGINT, note TEXT, ok BOOLEAN, day DATE, price DECIMAL(20,3),
    tags INT[], place STRUCT(x DOUBLE, y TEXT), id UUID) TIMESTAMP(ts) PARTITION BY DAY`,
  'CREATE TABLE plant.parted (ts TIMESTAMP NOT NULL, sym SYMBOL, x BIGINT) TIMESTAMP(ts) CLUSTER BY sym',
  "CREATE TABLE plain (a INT, b TEXT DEFAULT 'none')",
  'CREATE VIEW plant.busy AS SELECT sensor, count(*) AS n FROM readings GROUP BY sensor',
  readings(0, 99),
  `INSERT INTO plant.parted
   SELECT TIMESTAMP '2025-03-01' + i * INTERVAL '1 second', 'k' || (i * 7 % 11), i FROM generate_series(0, 199) AS g(i)`,
  null,
  'DELETE FROM readings WHERE n % 3 = 0',
  'DELETE FROM plant.parted WHERE x % 10 = 3',
  'ALTER TABLE plain ADD COLUMN c DOUBLE DEFAULT 1.5',
  "INSERT INTO plain VALUES (1, 'one', 2), (2, NULL, NULL), (3, DEFAULT, DEFAULT)",
  readings(100, 120),
  `DELETE FROM readings WHERE n = 110 * 1000000007`,
];
// null: what is there is sealed into files, the rest stays in the tail.
for (const sql of statements) await (sql === null ? db.engine.storage.flush() : db.exec(sql));
const queries = [
  'SELECT * FROM readings ORDER BY ts',
  'SELECT * FROM plant.parted ORDER BY x',
  'SELECT * FROM plain ORDER BY a',
  'SELECT * FROM plant.busy ORDER BY sensor',
  "SELECT count(*) n, sum(x) s FROM plant.parted WHERE sym = 'k3'",
];
const answers = {};
const plain = (_key, value) => (typeof value === 'bigint' ? String(value) : value);
for (const sql of queries) answers[sql] = JSON.parse(JSON.stringify(await (await db.query(sql)).toRows(), plain));
await db.close();
rmSync(join(path, 'catalog/lock.mdb'), { force: true });
writeFileSync(join(here, 'answers.json'), `${JSON.stringify(answers)}\n`);
