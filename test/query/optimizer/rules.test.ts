import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BOOL, FLOAT64, INT32, INT64, SYMBOL, TIMESTAMP_NS, UTF8 } from '../../../src/core/types.js';
import { planText } from '../plan-text.js';
import { createPlanner, type Planner } from '../planner.js';

let planner: Planner;

beforeAll(async () => {
  planner = await createPlanner();
  await planner.createTable('t', { ts: TIMESTAMP_NS, sym: SYMBOL, x: FLOAT64, n: INT64, q: INT32, b: BOOL }, 'ts');
  await planner.createTable('u', { sym: UTF8, m: INT64 });
});
afterAll(() => planner.close());

const plan = (sql: string) => planText(planner.optimize(sql));

describe('filters', () => {
  it('go into the scan, which reads only the columns that are named', () => {
    expect(plan('SELECT x FROM t WHERE n > 1 + 1 AND b')).toBe('project x\n  scan t [x] where gt(n, 2), b');
  });
  it('go through projections, groups and unions', () => {
    expect(plan('SELECT * FROM (SELECT n + 1 AS m FROM t) q WHERE m > 5')).toBe('project add(n, 1)\n  scan t [n] where gt(n, 4)');
    expect(plan("SELECT * FROM (SELECT sym, count(*) AS c FROM t GROUP BY sym) q WHERE sym = 'A' AND c > 1")).toContain(
      "scan t [sym] where eq(sym, 'A')",
    );
    const union = plan('SELECT * FROM (SELECT n FROM t UNION ALL SELECT m FROM u) q WHERE n = 3');
    expect(union).toContain('where eq(n, 3)');
    expect(union).toContain('where eq(m, 3)');
  });
  it('of a WHERE make an outer join an inner one when they reject its missing rows', () => {
    expect(plan('SELECT t.n FROM t LEFT JOIN u ON t.sym = u.sym WHERE u.m > 1')).toContain('inner join');
    expect(plan('SELECT t.n FROM t LEFT JOIN u ON t.sym = u.sym WHERE u.m IS NULL')).toContain('left join');
  });
  it('of an outer join go to the side that may be missing only', () => {
    const text = plan('SELECT t.n FROM t LEFT JOIN u ON t.n = u.m AND u.m > 1 AND t.n > 2');
    expect(text).toContain('scan u [m] where gt(m, 1)');
    expect(text).toContain('left join on (n = m) and gt(n, 2)');
  });
  it('that are never true leave no rows to read', () => {
    expect(plan('SELECT x FROM t WHERE 1 > 2')).toBe('project x\n  values  [x]');
  });
});

describe('comparisons', () => {
  it('move arithmetic to the constant', () => {
    expect(plan("SELECT x FROM t WHERE ts + INTERVAL '1 second' > TIMESTAMP '1970-01-01T00:00:02'")).toContain('where gt(ts, 1000000000)');
    expect(plan('SELECT x FROM t WHERE 10 < n - 5')).toContain('where gt(n, 15)');
  });
  it('with dates become ranges of the timestamp', () => {
    expect(plan("SELECT x FROM t WHERE ts::date = DATE '1970-01-02'")).toContain('where ge(ts, 86400000000000), lt(ts, 172800000000000)');
  });
  it('beyond a narrow integer are decided', () => {
    expect(plan('SELECT x FROM t WHERE q < 3000000000')).toContain('q is not null');
    expect(plan('SELECT x FROM t WHERE q = 7')).toContain('where eq(q, 7)');
  });
});

describe('joins', () => {
  it('take their keys from equalities, also of a WHERE', () => {
    expect(plan('SELECT x FROM t, u WHERE t.n = u.m AND t.x > u.m')).toMatch(/inner join on \((n = m|m = n)\) and /);
  });
  it('follow the equalities rather than the order of FROM', () => {
    expect(plan('SELECT a.x FROM t a, u b, t c WHERE a.n = c.n AND c.n = b.m')).not.toContain('cross join');
  });
});

describe('limits', () => {
  it('over a sort are a top-k', () => {
    expect(plan('SELECT x FROM t ORDER BY x LIMIT 3 OFFSET 2')).toContain('sort x limit 5');
  });
  it('go below projections', () => {
    expect(plan('SELECT x + 1 FROM t LIMIT 2')).toBe('project add(x, 1)\n  limit 2 offset 0\n    scan t [x]');
  });
});

describe('counts', () => {
  it('of a whole table are known', () => {
    expect(plan('SELECT count(*), count(ts) FROM t')).toBe('project count, count\n  values (0, 0) [count, count]');
    expect(plan('SELECT count(x) FROM t')).toContain('aggregate');
  });
});
