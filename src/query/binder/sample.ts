/**
 * TABLESAMPLE and USING SAMPLE. A row is taken by the hash of its place and the seed, so that the sample under REPEATABLE depends on the rows
 * alone; without REPEATABLE the seed is the time of the statement.
 */
import { DbError } from '../../core/errors.js';
import { FLOAT64, INT64, isNumeric, UINT64 } from '../../core/types.js';
import { columnsOf, type Expression } from '../plan/expression.js';
import type { LogicalPlan, OutputColumn } from '../plan/logical.js';
import type { Expression as Syntax } from '../syntax/ast/query.js';
import type { TableSample } from '../syntax/ast/table.js';
import { castTo } from './coercion.js';
import type { FromClause } from './context.js';
import { columnOf, literal } from './expressions.js';
import { scanWithRowIds } from './latest-on.js';
import { filterPlan, limitPlan, numberPlan, pickColumns, projectPlan, sortPlan } from './plans.js';
import { scalarCall } from './scalar-call.js';
import { Scope } from './scope.js';

/** Rows that SYSTEM takes or leaves together. */
const SYSTEM_ROWS = 1024n;

/** The plan's rows that the sample takes, in their order; the output stays. */
export function sampled(plan: LogicalPlan, sample: TableSample | null, clause: FromClause): LogicalPlan {
  if (sample === null) return plan;
  const size = constant(sample.size, 'the size of a sample', clause);
  const seed = sample.seed === null ? clause.context.now() + BigInt(sample.position) : seedOf(sample.seed, clause);
  if (sample.unit === 'percent') {
    if (!(size >= 0 && size <= 100)) throw invalid(`a sample takes 0 to 100 percent, not ${size}`, sample);
    return percentOf(plan, size, seed, sample, clause);
  }
  if (!Number.isSafeInteger(size) || size < 0) throw invalid(`a sample takes a number of rows, not ${size}`, sample);
  if (sample.method === 'bernoulli') throw invalid('BERNOULLI takes a share of the rows; RESERVOIR takes a number', sample);
  return rowsOf(plan, size, seed, clause);
}

function invalid(message: string, sample: TableSample): DbError {
  return new DbError('invalid_value', message, { position: sample.size.position });
}

function constant(syntax: Syntax, what: string, clause: FromClause): number {
  const { context, commonTables, outer } = clause;
  const scope = new Scope([], outer);
  const bound = context.bindExpression(syntax, { context, name: what, scope, commonTables, relation: null, aggregates: null });
  if (columnsOf(bound).size > 0 || !isNumeric(bound.type)) {
    throw new DbError('type_mismatch', `${what} is a constant number`, { position: syntax.position });
  }
  return Number(context.evaluateConstant(castTo(bound, FLOAT64)));
}

function seedOf(syntax: Syntax, clause: FromClause): bigint {
  const seed = constant(syntax, 'the seed of a sample', clause);
  return BigInt.asUintN(64, BigInt(Math.trunc(Number.isFinite(seed) ? seed * 1024 : 0)));
}

/** A start in a range so large that the numbers of rows under two seeds do not meet. */
function offsetOf(seed: bigint): bigint {
  let mixed = BigInt.asUintN(64, seed + 0x9e3779b97f4a7c15n);
  mixed = BigInt.asUintN(64, (mixed ^ (mixed >> 30n)) * 0xbf58476d1ce4e5b9n);
  mixed = BigInt.asUintN(64, (mixed ^ (mixed >> 27n)) * 0x94d049bb133111ebn);
  return (mixed ^ (mixed >> 31n)) & ((1n << 60n) - 1n);
}

function hashed(place: Expression, seed: bigint): Expression {
  return { ...scalarCall('hash', [scalarCall('add', [place, literal(offsetOf(seed), INT64)], -1)], -1), nullable: false };
}

function percentOf(plan: LogicalPlan, percent: number, seed: bigint, sample: TableSample, clause: FromClause): LogicalPlan {
  if (percent === 100) return plan;
  const placed = withPlaces(plan, sample.method === 'system', clause);
  const limit = BigInt(Math.floor((percent / 100) * 2 ** 53)) << 11n;
  const taken = scalarCall('lt', [hashed(placed.place, seed), literal(limit, UINT64)], -1);
  return pickColumns(filterPlan(placed.plan, taken), plan.output);
}

/** The rows with a number for each (for each block of rows with SYSTEM). The rows of a table have their place in it. */
function withPlaces(plan: LogicalPlan, inBlocks: boolean, clause: FromClause): { readonly plan: LogicalPlan; readonly place: Expression } {
  const { nextId } = clause.context;
  if (plan.kind !== 'scan') {
    const numbered = numberPlan(plan, [], nextId());
    const number = columnOf(numbered.output.at(-1) as OutputColumn);
    return { plan: numbered, place: inBlocks ? blockOf(number) : number };
  }
  const ids = [nextId(), nextId()] as const;
  const scan = scanWithRowIds(plan, ids);
  const [segment, row] = scan.output.slice(-2).map((column) => castTo(columnOf(column), INT64)) as [Expression, Expression];
  const high = scalarCall('multiply', [segment, literal(2n ** 31n, INT64)], -1);
  return { plan: scan, place: scalarCall('add', [high, inBlocks ? blockOf(row) : row], -1) };
}

function blockOf(number: Expression): Expression {
  return castTo(scalarCall('divide', [number, literal(SYSTEM_ROWS, INT64)], -1), INT64);
}

/** The rows with the smallest hashes of their numbers. */
function rowsOf(plan: LogicalPlan, rows: number, seed: bigint, clause: FromClause): LogicalPlan {
  const { nextId } = clause.context;
  const numbered = numberPlan(plan, [], nextId());
  const number = numbered.output.at(-1) as OutputColumn;
  const hash = { id: nextId(), name: 'hash', expression: hashed(columnOf(number), seed) };
  const all = numbered.output.map((column) => ({ id: column.id, name: column.name, expression: columnOf(column) }));
  const withHash = projectPlan(numbered, [...all, hash]);
  const ascending = (column: OutputColumn) => ({ expression: columnOf(column), descending: false, nullsFirst: false });
  const taken = limitPlan(sortPlan(withHash, [ascending(withHash.output.at(-1) as OutputColumn), ascending(number)]), rows);
  return pickColumns(sortPlan(taken, [ascending(number)]), plan.output);
}
