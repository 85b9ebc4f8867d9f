// node bench/planning.mjs: what a statement costs before it runs. Needs a build (npm run build).
// Microseconds per call, best of rounds, warm: parsing alone; a new text from parsing to the plan; the whole of a query that comes again.
// Wall time is what a caller waits for; CPU time counts the threads beside it too, which collect garbage and compile.
import { open } from '../dist/src/index.js';
import { parseStatements } from '../dist/src/query/syntax/parser.js';

const QUERY = `WITH recent AS (
  SELECT ts, sym, price, size FROM trades WHERE ts >= '2026-01-01' AND sym IN ('AAPL', 'MSFT')
)
SELECT r.sym, time_bucket(INTERVAL '5 minutes', r.ts) AS bucket, sum(r.price * r.size) / sum(r.size) AS vwap,
  count(*) FILTER (WHERE r.size > 100) AS big, max(q.bid) AS bid
FROM recent r
LEFT JOIN quotes q ON r.sym = q.sym AND r.ts = q.ts
WHERE r.price BETWEEN 10 AND 500 AND (q.bid IS NOT NULL OR r.size > 10)
GROUP BY r.sym, bucket
HAVING count(*) > 10 ORDER BY bucket DESC, r.sym LIMIT 100`;

const ROUNDS = 10;

async function measure(name, calls, action) {
  let wall = Number.POSITIVE_INFINITY;
  let cpu = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const usage = process.cpuUsage();
    const start = performance.now();
    for (let i = 0; i < calls; i++) await action(i);
    wall = Math.min(wall, ((performance.now() - start) * 1000) / calls);
    cpu = Math.min(cpu, process.cpuUsage(usage).user / calls);
  }
  console.log(`${name.padEnd(44)} ${wall.toFixed(1).padStart(8)} µs ${cpu.toFixed(1).padStart(8)} µs of CPU`);
}

const db = await open({ threads: 0 });
await db.exec('CREATE TABLE trades (ts TIMESTAMP, sym SYMBOL, price DOUBLE, size BIGINT) TIMESTAMP(ts)');
await db.exec('CREATE TABLE quotes (ts TIMESTAMP, sym SYMBOL, bid DOUBLE) TIMESTAMP(ts)');
const describe = (sql) => db.engine.query.describe({ sql, principal: { name: 'embedded', kind: 'embedded' } });
const drain = async (sql, parameters) => (await db.query(sql, parameters)).toRows();
let texts = 0;

await measure('parse', 5000, () => parseStatements(QUERY));
await measure('parse, bind and plan of a new text', 1000, () => describe(`${QUERY} -- ${texts++}`));
await measure('plan of a known text', 1000, () => describe(QUERY));
await measure('run of a known text, no rows', 1000, () => drain(QUERY));
await measure('run of SELECT 1', 5000, () => drain('SELECT 1'));
await measure('run of a known text with other parameters', 1000, (i) =>
  drain('SELECT sym, price FROM trades WHERE price > $1 AND size < $2', [i, 5]),
);
await db.close();
