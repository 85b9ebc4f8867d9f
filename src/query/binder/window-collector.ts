/** The window calls of one SELECT: each distinct call is computed once and stands in expressions as a column. */
import { type ColumnExpression, type ColumnId, type Expression, walkExpression } from '../plan/expression.js';
import type { LogicalPlan, SortKey } from '../plan/logical.js';
import { type FrameBound, mapWindowCall, type WindowCall, type WindowFrame } from '../plan/window.js';
import type { NamedWindow } from '../syntax/ast/query.js';
import { fingerprint } from './expressions.js';
import { windowPlan } from './plans.js';

/** A call and the rows that it is computed over. */
export interface BoundWindow {
  readonly partitionBy: readonly Expression[];
  readonly orderBy: readonly SortKey[];
  readonly call: WindowCall;
}

export class WindowCollector {
  /** The WINDOW clause. */
  readonly named: readonly NamedWindow[];
  readonly windows: BoundWindow[] = [];
  private byText: Map<string, ColumnExpression> | undefined;

  constructor(named: readonly NamedWindow[]) {
    this.named = named;
  }

  add(window: BoundWindow): ColumnExpression {
    const { call } = window;
    const text = `${overText(window)}|${callText(call)}`;
    this.byText ??= new Map();
    const known = this.byText.get(text);
    if (known) return { ...known, position: call.position };
    const { id, function: name, type, nullable, position } = call;
    const column: ColumnExpression = { kind: 'column', id, name, type, nullable, position };
    this.windows.push(window);
    this.byText.set(text, column);
    return column;
  }

  /** The first window function in the expression, if any. */
  in(expression: Expression): Expression | undefined {
    if (this.windows.length === 0) return undefined;
    const ids = new Set<ColumnId>(this.windows.map(({ call }) => call.id));
    let found: Expression | undefined;
    walkExpression(expression, (node) => {
      if (node.kind === 'column' && ids.has(node.id)) found ??= node;
    });
    return found;
  }
}

/** The windows with every expression changed. */
export function mapWindows(windows: readonly BoundWindow[], change: (expression: Expression) => Expression): BoundWindow[] {
  return windows.map(({ partitionBy, orderBy, call }) => ({
    partitionBy: partitionBy.map(change),
    orderBy: orderBy.map((key) => ({ ...key, expression: change(key.expression) })),
    call: mapWindowCall(call, change),
  }));
}

/** One window node per different partitioning and order, over the input. */
export function windowPlans(input: LogicalPlan, windows: readonly BoundWindow[]): LogicalPlan {
  if (windows.length === 0) return input;
  const groups = new Map<string, BoundWindow[]>();
  for (const window of windows) {
    const text = overText(window);
    const group = groups.get(text);
    if (group) group.push(window);
    else groups.set(text, [window]);
  }
  let plan = input;
  for (const group of groups.values()) {
    const [first] = group;
    if (first) plan = windowPlan(plan, { ...first, calls: group.map((window) => window.call) });
  }
  return plan;
}

function overText({ partitionBy, orderBy }: BoundWindow): string {
  return `${partitionBy.map(fingerprint).join(',')}|${orderText(orderBy)}`;
}

function orderText(order: readonly SortKey[]): string {
  return order.map((key) => `${fingerprint(key.expression)}${key.descending ? 'd' : 'a'}${key.nullsFirst ? 'f' : 'l'}`).join(',');
}

export function callText(call: WindowCall): string {
  const flags = `${call.distinct ? '!' : ''}${call.ignoreNulls ? 'i' : ''}${call.fromLast ? 'l' : ''}`;
  const filter = call.filter ? fingerprint(call.filter) : '';
  return `${call.function}${flags}(${call.args.map(fingerprint).join(',')} ${orderText(call.orderBy ?? [])})|${filter}|${frameText(call.frame)}`;
}

function frameText(frame: WindowFrame): string {
  return `${frame.unit} ${boundText(frame.start)} ${boundText(frame.end)} ${frame.exclude} ${frame.rangeKey ? fingerprint(frame.rangeKey) : ''}`;
}

function boundText(bound: FrameBound): string {
  switch (bound.kind) {
    case 'count':
      return `${bound.following ? '+' : '-'}${bound.count}`;
    case 'distance':
      return `${bound.following ? '+' : '-'}${bound.ticks}`;
    case 'limit':
      return `${bound.following ? '+' : '-'}${fingerprint(bound.limit)}`;
    default:
      return bound.kind;
  }
}
