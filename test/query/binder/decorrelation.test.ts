import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FLOAT64, INT32, INT64, UTF8 } from '../../../src/core/types.js';
import type { LogicalPlan } from '../../../src/query/plan/logical.js';
import { inputsOf } from '../../../src/query/plan/logical.js';
import { freeColumns } from '../../../src/query/plan/traverse.js';
import { createPlanner, type Planner } from '../planner.js';

let planner: Planner;

beforeAll(async () => {
  planner = await createPlanner();
  await planner.createTable('part', { p_partkey: INT32, p_brand: UTF8 });
  await planner.createTable('partsupp', { ps_partkey: INT32, ps_suppkey: INT32, ps_supplycost: FLOAT64, ps_availqty: INT32 });
  await planner.createTable('supplier', { s_suppkey: INT32, s_name: UTF8, s_nationkey: INT32 });
  await planner.createTable('lineitem', {
    l_orderkey: INT64,
    l_partkey: INT32,
    l_suppkey: INT32,
    l_quantity: FLOAT64,
    l_receiptdate: INT32,
    l_commitdate: INT32,
  });
  await planner.createTable('orders', { o_orderkey: INT64, o_custkey: INT32 });
  await planner.createTable('customer', { c_custkey: INT32, c_acctbal: FLOAT64 });
});
afterAll(() => planner.close());

/** The joins of the optimized plan, from the top, with their numbers of keys. */
function joins(sql: string): readonly string[] {
  const plan = planner.optimize(sql);
  expect([...freeColumns(plan)]).toEqual([]);
  const found: string[] = [];
  const visit = (node: LogicalPlan): void => {
    if (node.kind === 'join') found.push(`${node.join} ${node.keys.length}${node.residual === null ? '' : ' and more'}`);
    inputsOf(node).forEach(visit);
  };
  visit(plan);
  return found;
}

describe('subqueries of the shapes of TPC-H become joins by equality', () => {
  it('the minimum of a group (2)', () => {
    const sql = `SELECT s_name FROM part, supplier, partsupp WHERE p_partkey = ps_partkey AND s_suppkey = ps_suppkey AND ps_supplycost =
      (SELECT min(ps_supplycost) FROM partsupp, supplier WHERE p_partkey = ps_partkey AND s_suppkey = ps_suppkey AND s_nationkey = 3)`;
    expect(joins(sql)).toEqual(['inner 2', 'inner 1', 'inner 1', 'inner 1']);
  });
  it('EXISTS (4)', () => {
    expect(
      joins(
        'SELECT count(*) FROM orders WHERE EXISTS (SELECT * FROM lineitem WHERE l_orderkey = o_orderkey AND l_commitdate < l_receiptdate)',
      ),
    ).toEqual(['semi 1']);
  });
  it('a share of the average of a group (17)', () => {
    const sql = `SELECT sum(l_quantity) FROM lineitem, part WHERE p_partkey = l_partkey AND p_brand = 'x' AND l_quantity <
      (SELECT 0.2 * avg(l_quantity) FROM lineitem WHERE l_partkey = p_partkey)`;
    expect(joins(sql)).toEqual(['inner 1 and more', 'inner 1']);
  });
  it('IN inside IN with a correlated sum (20)', () => {
    const sql = `SELECT s_name FROM supplier WHERE s_suppkey IN (SELECT ps_suppkey FROM partsupp WHERE ps_partkey IN
      (SELECT p_partkey FROM part WHERE p_brand LIKE 'f%') AND ps_availqty > (SELECT 0.5 * sum(l_quantity) FROM lineitem
      WHERE l_partkey = ps_partkey AND l_suppkey = ps_suppkey))`;
    expect(joins(sql)).toEqual(['semi 1', 'inner 2 and more', 'semi 1']);
  });
  it('EXISTS and NOT EXISTS with a difference (21)', () => {
    const sql = `SELECT count(*) FROM supplier, lineitem l1 WHERE s_suppkey = l1.l_suppkey AND EXISTS (SELECT * FROM lineitem l2
      WHERE l2.l_orderkey = l1.l_orderkey AND l2.l_suppkey <> l1.l_suppkey) AND NOT EXISTS (SELECT * FROM lineitem l3
      WHERE l3.l_orderkey = l1.l_orderkey AND l3.l_suppkey <> l1.l_suppkey AND l3.l_receiptdate > l3.l_commitdate)`;
    expect(joins(sql)).toEqual(['anti 1 and more', 'semi 1 and more', 'inner 1']);
  });
  it('an average of all and NOT EXISTS (22)', () => {
    const sql = `SELECT count(*) FROM customer WHERE c_acctbal > (SELECT avg(c_acctbal) FROM customer) AND NOT EXISTS
      (SELECT * FROM orders WHERE o_custkey = c_custkey)`;
    expect(joins(sql)).toEqual(['anti 1', 'inner 0 and more']);
  });
});

describe('other correlations', () => {
  it('by inequality are computed for the distinct outer values and joined by them', () => {
    expect(joins('SELECT (SELECT count(*) FROM orders WHERE o_custkey < c_custkey) FROM customer')).toEqual(['left 2', 'inner 0 and more']);
  });
  it('of the first rows in an order are cut by the equality key', () => {
    const sql = 'SELECT * FROM customer, LATERAL (SELECT o_orderkey FROM orders WHERE o_custkey = c_custkey ORDER BY o_orderkey LIMIT 3) q';
    expect(joins(sql)).toEqual(['inner 1']);
  });
  it('with nothing but the outer row need no join', () => {
    expect(joins('SELECT (SELECT c_custkey + 1), x FROM customer, generate_series(1, c_custkey) AS g(x)')).toEqual([]);
  });
});
