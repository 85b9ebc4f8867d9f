/** Groups the rows of one lane by several sets of keys at once: keys, arguments and filters are computed once for all of them. */
import { type MemoryScope, Scratch } from '../../../core/memory-scope.js';
import { Accumulator } from '../../aggregates/accumulator.js';
import { evaluate, evaluatePredicate } from '../../expression/evaluate.js';
import type { EvaluationContext } from '../../functions/contract.js';
import { type Chunk, mayFail } from '../chunk.js';
import type { Sink } from '../sinks.js';
import type { AggregationSpec, LaneOutput } from '../task.js';
import { GroupTable } from './group-table.js';

interface SetStates {
  readonly columns: readonly number[];
  /** Null: the set without columns, all rows are one group. */
  readonly table: GroupTable | null;
  readonly accumulator: Accumulator;
}

export class GroupingSetsSink implements Sink {
  readonly counter: number;
  private readonly spec: AggregationSpec;
  private readonly scope: MemoryScope;
  private readonly context: EvaluationContext;
  private readonly sets: readonly SetStates[];
  private readonly mayFail: boolean;

  constructor(
    spec: AggregationSpec,
    sets: readonly (readonly number[])[],
    counter: number,
    scope: MemoryScope,
    context: EvaluationContext,
  ) {
    this.counter = counter;
    this.spec = spec;
    this.scope = scope;
    this.context = context;
    this.mayFail = [...spec.groups, ...spec.arguments, ...spec.filters].some(mayFail);
    this.sets = sets.map((columns) => {
      const types = columns.flatMap((column) => spec.groups[column]?.type ?? []);
      const table = types.length === 0 ? null : new GroupTable(types, scope, context.kernels);
      return { columns, table, accumulator: new Accumulator(spec.calls, scope, context.kernels, types.length === 0) };
    });
  }

  push(input: Chunk): boolean {
    const { spec, context } = this;
    const chunk = input.forExpressions(this.mayFail, context);
    const keys = spec.groups.map((group) => evaluate(group, chunk, context));
    const args = spec.arguments.map((argument) => evaluate(argument, chunk, context));
    const filters = spec.filters.map((filter) => evaluatePredicate(filter, chunk, context));
    for (const { columns, table, accumulator } of this.sets) {
      const own = columns.flatMap((column) => keys[column] ?? []);
      const groups = table ? table.assign(own, chunk.mask, chunk.rowCount, context) : 0;
      const groupCount = table ? table.groupCount : 1;
      accumulator.update({ groups, groupCount, mask: chunk.mask, n: chunk.rowCount, args, filters }, context);
    }
    return false;
  }

  end(): LaneOutput {
    const context = { ...this.context, scratch: new Scratch(this.scope) };
    const lanes = this.sets.map(({ table, accumulator }) => {
      const groupCount = table ? table.groupCount : 1;
      accumulator.ensure(groupCount);
      return { groupCount, table: table?.result(context) ?? null, states: accumulator.result(context, this.spec.arguments.length) };
    });
    return { kind: 'aggregate_sets', lanes };
  }
}
