// node bench/parser.mjs: CPU time to parse a ten-line query, SELECT 1, and an INSERT of 100,000 rows. Needs a build (npm run build).
import { parseStatements } from '../dist/src/query/syntax/parser.js';

const QUERY = `WITH recent AS (
  SELECT ts, sym, price, size FROM trades WHERE ts >= now() - INTERVAL '1 day' AND sym IN ('AAPL', 'MSFT')
)
SELECT r.sym, time_bucket(5m, r.ts) AS bucket, sum(r.price * r.size) / sum(r.size) AS vwap,
  count(*) FILTER (WHERE r.size > 100) AS big, max(q.bid) AS bid
FROM recent r
ASOF LEFT JOIN quotes q ON r.sym = q.sym AND r.ts >= q.ts TOLERANCE 5s
WHERE r.price BETWEEN 10 AND 500 AND (q.bid IS NOT NULL OR r.size > 10)
GROUP BY r.sym, bucket
HAVING count(*) > 10 ORDER BY bucket DESC, r.sym LIMIT 100`;
const rows = Array.from({ length: 100_000 }, (_, i) => `(${i}, 'sym${i % 100}', ${i / 7}, -${i}, '2026-01-01T00:00:00Z')`);

/** Microseconds of CPU per call, best of five rounds. */
function measure(name, sql, calls) {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 5; round++) {
    const before = process.cpuUsage();
    for (let i = 0; i < calls; i++) parseStatements(sql);
    best = Math.min(best, process.cpuUsage(before).user / calls);
  }
  console.log(`${name.padEnd(24)} ${best.toFixed(2).padStart(12)} µs`);
}

measure('ten lines', QUERY, 20_000);
measure('SELECT 1', 'SELECT 1', 200_000);
measure('INSERT of 100,000 rows', `INSERT INTO t VALUES ${rows.join(', ')}`, 2);
