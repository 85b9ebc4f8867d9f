/** HORIZON JOIN on the coordinating thread: the right side is put in order, left rows then stream through. */
import type { HorizonJoinPlan } from '../../plan/logical.js';
import type { Executor } from '../executor.js';
import { columnOf, idsOf } from '../output-columns.js';
import { type Pipeline, rowsOf, withOperator } from '../sources.js';
import { matchSide } from './side.js';

export async function openHorizonJoin(plan: HorizonJoinPlan, executor: Executor): Promise<Pipeline> {
  const { run } = executor;
  const node = run.nodes.of(plan);
  const { left, right, offsets, scale, output } = plan;
  const input = await executor.open(left);
  const { table, columns } = await matchSide(plan, right.output.map(columnOf), rowsOf(input), executor, node);
  const [offset, time] = output.slice(left.output.length);
  const int64s = (values: readonly bigint[]): number => {
    const address = run.scope.allocate(Math.max(64, values.length * 8));
    values.forEach((value, i) => {
      run.scope.arena.i64[address / 8 + i] = value;
    });
    return address;
  };
  return withOperator(input, {
    kind: 'horizon',
    table,
    columns,
    rightIds: idsOf(right.output),
    leftIds: idsOf(left.output),
    offsetId: offset?.id ?? -1,
    timeId: time?.id ?? -1,
    keys: plan.keys.map((key) => key.left),
    time: plan.time.left,
    shown: plan.shown,
    count: offsets.length,
    offsets: int64s(offsets),
    distances: int64s(offsets.map((ticks) => ticks * scale)),
    position: plan.position,
    counter: node.counter,
  });
}
