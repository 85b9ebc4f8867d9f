import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asDbError } from '../../../src/core/errors.js';
import { FLOAT64, INT32, INT64, SYMBOL, TIMESTAMP_NS, typeName, UTF8 } from '../../../src/core/types.js';
import { planText } from '../plan-text.js';
import { createPlanner, type Planner } from '../planner.js';

let planner: Planner;

beforeAll(async () => {
  planner = await createPlanner();
  await planner.createTable('trades', { ts: TIMESTAMP_NS, sym: SYMBOL, price: FLOAT64, size: INT64, qty: INT32 }, 'ts');
  await planner.createTable('names', { sym: UTF8, name: UTF8 });
});
afterAll(() => planner.close());

function types(sql: string): string {
  return planner
    .bind(sql)
    .output.map((column) => `${column.name}:${typeName(column.type)}${column.nullable ? '' : '!'}`)
    .join(', ');
}

function failure(sql: string): string {
  try {
    planner.bind(sql);
  } catch (thrown) {
    const error = asDbError(thrown);
    return `${error.code} @${error.position} ${error.hint ?? ''}`.trim();
  }
  return 'no error';
}

describe('result columns', () => {
  it('are named by alias, column, function, or text', () => {
    expect(
      planner
        .bind('SELECT price, t.size, sum(price) over_all, count(*), price+1, price::int FROM trades t GROUP BY ALL')
        .output.map((c) => c.name),
    ).toEqual(['price', 'size', 'over_all', 'count', 'price+1', 'price']);
  });
  it('keep NOT NULL of columns and of operators over them', () => {
    expect(types('SELECT ts, sym, ts > now() AS late FROM trades')).toBe('ts:timestamp[ns]!, sym:symbol, late:bool');
  });
  it('take the column type for literals beside it', () => {
    expect(types('SELECT qty + 1, qty + 3000000000, price * 2, size / 2 FROM trades')).toBe(
      'qty + 1:int32, qty + 3000000000:int64, price * 2:float64, size / 2:int64',
    );
  });
});

describe('names', () => {
  it('that are wrong are answered with the nearest one', () => {
    expect(failure('SELECT prise FROM trades')).toBe('column_not_found @7 did you mean price?');
    expect(failure('SELECT * FROM trade')).toBe('table_not_found @14 did you mean trades?');
    expect(failure('SELECT x.price FROM trades t')).toMatch(/^column_not_found @7/);
  });
  it('that fit two tables are ambiguous', () => {
    expect(failure('SELECT sym FROM trades, names')).toBe('ambiguous_column @7 say trades.sym or names.sym');
  });
  it('compare unlike types as type_mismatch at the operator', () => {
    expect(failure('SELECT * FROM names WHERE name = 1')).toMatch(/^type_mismatch @31/);
  });
});

describe('grouping', () => {
  it('refuses columns that are neither grouped nor aggregated', () => {
    expect(failure('SELECT sym, price FROM trades GROUP BY sym')).toMatch(/^invalid_grouping @12/);
    expect(failure('SELECT sym FROM trades HAVING sum(size) > 1')).toMatch(/^invalid_grouping @7/);
    expect(failure('SELECT sum(sum(size)) FROM trades')).toMatch(/^invalid_grouping @11/);
    expect(failure('SELECT sym FROM trades WHERE count(*) > 1')).toMatch(/^invalid_grouping @29/);
  });
  it('finds grouped expressions inside larger ones', () => {
    expect(planText(planner.bind('SELECT size % 7 + 1 AS x, max(price) FROM trades GROUP BY size % 7 ORDER BY 2'))).toBe(
      [
        'sort max',
        '  project add(key, 1), max',
        '    aggregate by (modulo(size, 7)): max(price)',
        '      scan trades [ts, sym, price, size, qty]',
      ].join('\n'),
    );
  });
  it('computes an aggregate that is written twice once', () => {
    expect(planText(planner.bind('SELECT sum(size), sum(size) / count(*) FROM trades HAVING SUM(size) > 1'))).toContain(
      'aggregate by (): sum(size), count()\n',
    );
  });
});

describe('subqueries', () => {
  it('EXISTS and IN of a WHERE become semi joins', () => {
    expect(planText(planner.bind('SELECT price FROM trades t WHERE EXISTS (SELECT 1 FROM names n WHERE n.sym = t.sym)'))).toContain(
      'semi join on () and eq(',
    );
    expect(planText(planner.bind('SELECT price FROM trades WHERE sym IN (SELECT sym FROM names)'))).toContain('semi join');
  });
  it('correlated by equality are grouped once and joined', () => {
    const text = planText(planner.optimize('SELECT price, (SELECT count(*) FROM names n WHERE n.sym = t.sym) FROM trades t'));
    expect(text).toContain('left join on (');
    expect(text).not.toContain('distinct');
  });
  it('correlated by another condition run over the distinct outer values', () => {
    const text = planText(planner.optimize('SELECT (SELECT count(*) FROM trades x WHERE x.price < t.price) FROM trades t'));
    expect(text).toContain('distinct');
  });
});

describe('parameters', () => {
  it('are literals of their own type', () => {
    const plan = planner.bind('SELECT $1, :name, ? FROM trades', { 1: 5, name: 'x' });
    expect(plan.output.map((column) => typeName(column.type))).toEqual(['int64', 'utf8', 'int64']);
  });
  it('without a value fail at their place', () => {
    expect(failure('SELECT $2')).toBe('parameter_missing @7');
  });
});
