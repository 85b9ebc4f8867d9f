/**
 * The usual correlation is by equality, `… WHERE b.k = a.k`: such conditions are taken out of the subquery, which then is computed once for all
 * k, grouped or cut by k where it aggregates or limits, and joined by them.
 */
import { type ColumnId, columnsOf, type Expression } from '../plan/expression.js';
import type { AggregatePlan, JoinPlan, LimitPlan, LogicalPlan, OutputColumn } from '../plan/logical.js';
import { freeColumns, ownExpressions } from '../plan/traverse.js';
import { columnOf, conjunction, conjuncts } from './expressions.js';
import { distinctPlan, filterPlan, joinPlan, limitByPlan, projectPlan } from './plans.js';

export interface EqualityKey {
  /** Over the outer rows. */
  readonly outer: Expression;
  /** Over the output of the plan. */
  readonly inner: Expression;
}

/** For an outer row the subquery gives the rows of `plan` where every inner key equals the outer one. */
export interface KeyedPlan {
  readonly plan: LogicalPlan;
  readonly keys: readonly EqualityKey[];
}

/** Takes the equalities out. Undefined when the subquery reads the outer columns in another way too. */
export class CorrelatedKeys {
  private readonly read: ReadonlySet<ColumnId>;
  private readonly nextId: () => ColumnId;

  constructor(read: ReadonlySet<ColumnId>, nextId: () => ColumnId) {
    this.read = read;
    this.nextId = nextId;
  }

  takeFrom(plan: LogicalPlan): KeyedPlan | undefined {
    if (!this.planReads(plan)) return { plan, keys: [] };
    switch (plan.kind) {
      case 'filter':
        return this.fromFilter(plan.input, conjuncts(plan.condition));
      case 'project':
        return this.fromProject(plan);
      case 'aggregate':
        return plan.groups.length === 0 ? undefined : this.fromGroups(plan);
      case 'distinct': {
        const input = this.withKeyColumns(plan.input);
        if (!input) return undefined;
        return { ...input, plan: distinctPlan(input.plan) };
      }
      case 'sort': {
        const input = this.ownReads(plan) ? undefined : this.takeFrom(plan.input);
        return input && { ...input, plan: { ...plan, input: input.plan, output: input.plan.output } };
      }
      case 'limit':
        return this.fromLimit(plan);
      case 'unnest': {
        const input = this.ownReads(plan) ? undefined : this.takeFrom(plan.input);
        const added = plan.output.slice(plan.input.output.length);
        return input && { ...input, plan: { ...plan, input: input.plan, output: [...input.plan.output, ...added] } };
      }
      case 'window': {
        const input = this.ownReads(plan) ? undefined : this.takeFrom(plan.input);
        const added = plan.output.slice(plan.input.output.length);
        if (!input) return undefined;
        const partitionBy = [...input.keys.map((key) => key.inner), ...plan.partitionBy];
        return { ...input, plan: { ...plan, input: input.plan, partitionBy, output: [...input.plan.output, ...added] } };
      }
      case 'join':
        return this.fromJoin(plan);
      default:
        return undefined;
    }
  }

  /** As takeFrom, with the keys as columns of the plan's output. */
  withKeyColumns(plan: LogicalPlan): KeyedPlan | undefined {
    const taken = this.takeFrom(plan);
    if (!taken) return undefined;
    return this.projected(
      taken,
      plan.output.map((column) => ({ id: column.id, name: column.name, expression: columnOf(column) })),
    );
  }

  reads(expression: Expression): boolean {
    for (const id of columnsOf(expression)) if (this.read.has(id)) return true;
    return false;
  }

  ownReads(plan: LogicalPlan): boolean {
    return ownExpressions(plan).some((expression) => this.reads(expression));
  }

  private planReads(plan: LogicalPlan): boolean {
    for (const id of freeColumns(plan)) if (this.read.has(id)) return true;
    return false;
  }

  private fromFilter(input: LogicalPlan, conditions: readonly Expression[]): KeyedPlan | undefined {
    const own = this.split(conditions);
    const below = own && this.takeFrom(input);
    return below && { plan: filterPlan(below.plan, conjunction(own.rest)), keys: [...below.keys, ...own.keys] };
  }

  private fromProject(plan: Extract<LogicalPlan, { kind: 'project' }>): KeyedPlan | undefined {
    const input = this.ownReads(plan) ? undefined : this.takeFrom(plan.input);
    if (!input) return undefined;
    const own = plan.output.map(({ id, name }, i) => ({ id, name, expression: plan.expressions[i] as Expression }));
    return this.projected(input, own);
  }

  private projected(
    input: KeyedPlan,
    own: readonly { readonly id: ColumnId; readonly name: string; readonly expression: Expression }[],
  ): KeyedPlan {
    const keys = input.keys.map((key) => ({ id: this.nextId(), name: 'key', expression: key.inner }));
    const plan = projectPlan(input.plan, [...own, ...keys]);
    return { plan, keys: input.keys.map((key, i) => ({ outer: key.outer, inner: columnOf(plan.output[own.length + i] as OutputColumn) })) };
  }

  private fromGroups(plan: AggregatePlan): KeyedPlan | undefined {
    const input = this.ownReads(plan) ? undefined : this.takeFrom(plan.input);
    return input && groupedByKeys(plan, input, this.nextId);
  }

  private fromLimit(plan: LimitPlan): KeyedPlan | undefined {
    const input = this.takeFrom(plan.input);
    if (!input) return undefined;
    return {
      ...input,
      plan: limitByPlan(
        input.plan,
        input.keys.map((key) => key.inner),
        plan.limit,
        plan.offset,
      ),
    };
  }

  private fromJoin(plan: JoinPlan): KeyedPlan | undefined {
    const inner = plan.join === 'inner' || plan.join === 'cross';
    if (plan.keys.some((key) => this.reads(key.left) || this.reads(key.right))) return undefined;
    const conditions = plan.residual === null ? [] : conjuncts(plan.residual);
    const own = inner
      ? this.split(conditions)
      : conditions.some((condition) => this.reads(condition))
        ? undefined
        : { keys: [], rest: conditions };
    if (!own || plan.join === 'right' || plan.join === 'full' || (!inner && this.planReads(plan.right))) return undefined;
    const left = this.takeFrom(plan.left);
    const right = this.takeFrom(plan.right);
    if (!left || !right) return undefined;
    const joined = joinPlan(plan.join, left.plan, right.plan, plan.keys, own.rest.length === 0 ? null : conjunction(own.rest));
    return { plan: joined, keys: [...left.keys, ...right.keys, ...own.keys] };
  }

  /** Conditions that equate an outer with an inner value, and those that read no outer column; undefined when there are others. */
  private split(conditions: readonly Expression[]): { readonly keys: EqualityKey[]; readonly rest: Expression[] } | undefined {
    const keys: EqualityKey[] = [];
    const rest: Expression[] = [];
    for (const condition of conditions) {
      if (!this.reads(condition)) rest.push(condition);
      else {
        const key = this.keyOf(condition);
        if (!key) return undefined;
        keys.push(key);
      }
    }
    return { keys, rest };
  }

  private keyOf(condition: Expression): EqualityKey | undefined {
    if (condition.kind !== 'call' || condition.function !== 'eq') return undefined;
    const [left, right] = condition.args;
    if (!left || !right) return undefined;
    if (this.isOuter(left) && this.isInner(right)) return { outer: left, inner: right };
    return this.isOuter(right) && this.isInner(left) ? { outer: right, inner: left } : undefined;
  }

  private isOuter(expression: Expression): boolean {
    const ids = [...columnsOf(expression)];
    return ids.length > 0 && ids.every((id) => this.read.has(id));
  }

  private isInner(expression: Expression): boolean {
    return columnsOf(expression).size > 0 && !this.reads(expression);
  }
}

/** An aggregate that is also grouped by the keys. */
export function groupedByKeys(plan: AggregatePlan, input: KeyedPlan, nextId: () => ColumnId): KeyedPlan & { readonly plan: AggregatePlan } {
  const extra = input.keys.map(({ inner }): OutputColumn => ({ id: nextId(), name: 'key', type: inner.type, nullable: inner.nullable }));
  const grouped: AggregatePlan = {
    ...plan,
    input: input.plan,
    groups: [...input.keys.map((key) => key.inner), ...plan.groups],
    output: [...extra, ...plan.output],
  };
  return { plan: grouped, keys: input.keys.map((key, i) => ({ outer: key.outer, inner: columnOf(extra[i] as OutputColumn) })) };
}
