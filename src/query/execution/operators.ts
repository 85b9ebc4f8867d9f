/** Streaming operators: a chunk goes in, chunks come out through `emit`. One instance per thread and task. */
import { evaluate, evaluatePredicate } from '../expression/evaluate.js';
import type { EvaluationContext } from '../functions/contract.js';
import type { Expression } from '../plan/expression.js';
import { type Chunk, mayFail } from './chunk.js';
import type { FilterSpec, ProjectSpec } from './task.js';

/** Takes a chunk that is valid during the call. */
export type Emit = (chunk: Chunk) => void;

export interface Operator {
  readonly counter: number;
  push(chunk: Chunk, emit: Emit): void;
}

/** Keeps rows for which every condition is true. */
export class Filter implements Operator {
  readonly counter: number;
  private readonly conditions: readonly { readonly expression: Expression; readonly mayFail: boolean }[];
  private readonly context: EvaluationContext;

  constructor(spec: FilterSpec, context: EvaluationContext) {
    this.counter = spec.counter;
    this.context = context;
    const conditions = spec.conditions.map((expression) => ({ expression, mayFail: mayFail(expression) }));
    // Those that cannot fail come first, so that the others see fewer rows.
    this.conditions = [...conditions.filter((condition) => !condition.mayFail), ...conditions.filter((condition) => condition.mayFail)];
  }

  push(chunk: Chunk, emit: Emit): void {
    let current = chunk;
    for (const condition of this.conditions) {
      if (current.count === 0) return;
      current = current.forExpressions(condition.mayFail, this.context);
      current = current.restricted(evaluatePredicate(condition.expression, current, this.context), this.context);
    }
    if (current.count > 0) emit(current);
  }
}

/** Computes columns. */
export class Project implements Operator {
  readonly counter: number;
  private readonly spec: ProjectSpec;
  private readonly context: EvaluationContext;
  private readonly mayFail: boolean;
  private readonly computes: boolean;

  constructor(spec: ProjectSpec, context: EvaluationContext) {
    this.counter = spec.counter;
    this.spec = spec;
    this.context = context;
    this.mayFail = spec.expressions.some(mayFail);
    this.computes = spec.expressions.some((expression) => expression.kind !== 'column');
  }

  push(chunk: Chunk, emit: Emit): void {
    const input = this.computes ? chunk.forExpressions(this.mayFail, this.context) : chunk;
    if (!this.computes) {
      emit(input.renamed(this.spec.ids, this.spec.expressions));
      return;
    }
    const { ids, expressions } = this.spec;
    emit(input.projected(new Map(expressions.map((expression, i) => [ids[i] ?? -1, evaluate(expression, input, this.context)]))));
  }
}
