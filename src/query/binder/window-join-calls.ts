/** The aggregates of one WINDOW JOIN: each distinct call is computed once and stands in expressions as a column of the left rows. */
import { INT64 } from '../../core/types.js';
import { type ColumnExpression, type ColumnId, type Expression, mapExpression } from '../plan/expression.js';
import type { LogicalPlan, WindowJoinPlan } from '../plan/logical.js';
import { cloneWithFreshIds, mapOwnExpressions } from '../plan/traverse.js';
import type { WindowCall } from '../plan/window.js';
import type { BindContext } from './context.js';
import { intLiteral } from './expressions.js';
import { filterPlan, windowJoinPlan } from './plans.js';
import type { ScopeColumn } from './scope.js';
import { callText } from './window-collector.js';
import { wholePartition } from './window-frame.js';

/** A window join without its left side and its calls. */
export type WindowJoinShape = Pick<WindowJoinPlan, 'right' | 'keys' | 'time' | 'start' | 'end' | 'prevailing'>;

export class WindowJoinCalls {
  /** What the arguments of calls may read. */
  readonly columns: readonly ScopeColumn[];
  /** Columns that the calls have become. */
  readonly made = new Set<ColumnId>();
  private readonly shape: WindowJoinShape;
  private readonly context: BindContext;
  private readonly byText = new Map<string, ColumnExpression>();
  private pending: WindowCall[] = [];
  /** INNER: left rows without right rows are to be left away, which is still to be done. */
  private drops: boolean;
  private uses = 0;

  constructor(shape: WindowJoinShape, columns: readonly ScopeColumn[], isInner: boolean, context: BindContext) {
    this.shape = shape;
    this.columns = columns;
    this.drops = isInner;
    this.context = context;
  }

  add(call: WindowCall, name: string): ColumnExpression {
    const text = callText(call);
    const known = this.byText.get(text);
    if (known) return { ...known, position: call.position };
    const { id, type, nullable, position } = call;
    const column: ColumnExpression = { kind: 'column', id, name, type, nullable, position };
    this.byText.set(text, column);
    this.pending.push(call);
    this.made.add(id);
    return column;
  }

  /** The plan with the calls that have come since the last time. It must have the left side's columns, and has each of its rows once. */
  settle(plan: LogicalPlan): LogicalPlan {
    const counted = this.drops ? this.add(rowCount(this.context.nextId()), 'count') : null;
    this.drops = false;
    if (this.pending.length === 0) return plan;
    const joined = windowJoinPlan(plan, this.shape.right, { ...this.shape, calls: this.pending });
    this.pending = [];
    // The right side stands in the plan once under its own ids.
    const own = this.uses++ === 0 ? joined : this.withFreshRight(joined);
    if (!counted) return own;
    return filterPlan(own, this.context.call('gt', [counted, intLiteral(0n)], -1));
  }

  private withFreshRight(plan: WindowJoinPlan): LogicalPlan {
    const { plan: right, ids } = cloneWithFreshIds(plan.right, this.context.nextId);
    const renamed = (expression: Expression): Expression =>
      mapExpression(expression, (node) => (node.kind === 'column' ? { ...node, id: ids.get(node.id) ?? node.id } : node));
    return { ...(mapOwnExpressions(plan, renamed) as WindowJoinPlan), right };
  }
}

function rowCount(id: ColumnId): WindowCall {
  return {
    id,
    function: 'count',
    aggregate: true,
    args: [],
    type: INT64,
    nullable: false,
    distinct: false,
    filter: null,
    ignoreNulls: false,
    fromLast: false,
    frame: wholePartition(),
    position: -1,
  };
}
