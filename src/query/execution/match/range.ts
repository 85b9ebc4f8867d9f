/** Right rows that no interval can reach need not be read: the times that the left rows' intervals span, as conditions on the right side. */
import type { Vector } from '../../../core/batch.js';
import { BOOL, physicalOf } from '../../../core/types.js';
import { toFlat } from '../../expression/gather.js';
import { columnsOf, type Expression } from '../../plan/expression.js';
import type { LogicalPlan } from '../../plan/logical.js';
import { substitute } from '../../plan/traverse.js';
import type { Executor } from '../executor.js';
import { idsOf } from '../output-columns.js';
import type { QueryRun } from '../query-run.js';
import { type Pipeline, scanBranch, withOperator } from '../sources.js';
import type { WindowPiece } from '../task.js';
import type { LimitSpec } from './task.js';

const LEAST = -(2n ** 63n);
const MOST = 2n ** 63n - 1n;

type Limit = Omit<LimitSpec, 'target'> | null;

/** Conditions on `time`, a right expression; null: no left row has an interval. low = null: they begin anywhere. */
export function reachedTimes(
  pieces: readonly WindowPiece[],
  low: Limit,
  high: Limit,
  time: Expression,
  run: QueryRun,
): readonly Expression[] | null {
  if (physicalOf(time.type) !== 'i64') return [];
  const conditions: Expression[] = [];
  for (const [limit, end] of [[low, 0] as const, [high, 1] as const]) {
    if (!limit) continue;
    const extent = extentOf(pieces, limit.column, run);
    if (!extent) return null;
    const value = extent[end] + limit.ticks;
    if (value >= LEAST && value <= MOST) conditions.push(comparison(end === 0 ? 'ge' : 'le', time, value));
  }
  return conditions;
}

function comparison(name: string, time: Expression, value: bigint): Expression {
  const literal: Expression = { kind: 'literal', value, type: time.type, nullable: false, position: -1 };
  return { kind: 'call', function: name, args: [time, literal], type: BOOL, nullable: time.nullable, position: -1 };
}

/** Least and largest value of a column; undefined when all are NULL. */
function extentOf(pieces: readonly WindowPiece[], column: number, { context, check }: QueryRun): readonly [bigint, bigint] | undefined {
  const { kernels, scratch, arena } = context;
  const before = scratch.mark();
  const slot = scratch.allocate(64) / 8;
  arena.i64[slot] = MOST;
  arena.i64[slot + 1] = LEAST;
  let count = 0;
  const mark = scratch.mark();
  for (const { columns } of pieces) {
    check();
    const flat = toFlat(columns[column] as Vector, context);
    count += kernels.extent_i64(flat.values, flat.validity, 0, flat.length, slot * 8);
    scratch.rewind(mark);
  }
  const extent = [arena.i64[slot] ?? 0n, arena.i64[slot + 1] ?? 0n] as const;
  scratch.rewind(before);
  return count === 0 ? undefined : extent;
}

/** The rows for which the conditions hold; scans below get them, and leave segments out. */
export async function openWhere(
  plan: LogicalPlan,
  conditions: readonly Expression[],
  executor: Executor,
  counter: number,
): Promise<Pipeline> {
  const { run } = executor;
  if (conditions.length === 0) return executor.open(plan);
  if (plan.kind === 'scan' && !plan.pick) return { branches: [scanBranch(plan, run, conditions)] };
  const by = new Map(
    plan.kind === 'project' ? plan.output.map((column, i) => [column.id, plan.expressions[i] as Expression] as const) : [],
  );
  const handsOn = conditions.every((condition) => [...columnsOf(condition)].every((id) => by.get(id)?.kind === 'column'));
  if (plan.kind === 'project' && handsOn) {
    const below = conditions.map((condition) => substitute(condition, by));
    const project = {
      kind: 'project',
      ids: idsOf(plan.output),
      expressions: plan.expressions,
      counter: run.nodes.of(plan).counter,
    } as const;
    return withOperator(await openWhere(plan.input, below, executor, counter), project);
  }
  return withOperator(await executor.open(plan), { kind: 'filter', conditions, counter });
}
