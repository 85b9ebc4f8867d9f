/** Window calls as the plan holds them: what is computed over which rows of a partition. */
import type { DataType } from '../../core/types.js';
import type { ColumnId, Expression } from './expression.js';

/**
 * Where a frame begins or ends. `count`: so many rows or groups before or behind. `distance`: order keys of at most 64 bits (integers,
 * times) that far away, in ticks. `limit`: computed for every row: the order key that it compares with (floats, decimals, calendar steps); in
 * ROWS and GROUPS the number of rows or groups (float64).
 */
export type FrameBound<Limit = Expression> =
  | { readonly kind: 'unbounded_preceding' }
  | { readonly kind: 'current' }
  | { readonly kind: 'unbounded_following' }
  | { readonly kind: 'count'; readonly following: boolean; readonly count: number }
  | { readonly kind: 'distance'; readonly following: boolean; readonly ticks: bigint }
  | { readonly kind: 'limit'; readonly following: boolean; readonly limit: Limit };

/** Operand: how expressions are written down, as themselves or as the columns that hold them. */
export interface WindowFrame<Operand = Expression> {
  readonly unit: 'rows' | 'range' | 'groups';
  readonly start: FrameBound<Operand>;
  readonly end: FrameBound<Operand>;
  readonly exclude: 'none' | 'current' | 'group' | 'ties';
  /** RANGE with offsets: what distances and limits are measured from, of the limits' type; else null. */
  readonly rangeKey: Operand | null;
  /** The offset of a bound differs from row to row, so that bounds may also go back from a row to the next; it stands at this position. */
  readonly wanders?: { readonly position: number };
}

/** A key of the order that an aggregate takes the rows of its frame in. */
export interface CallOrder {
  readonly expression: Expression;
  readonly descending: boolean;
  readonly nullsFirst: boolean;
}

export interface WindowCall {
  readonly id: ColumnId;
  /** Canonical name in the registry of window functions, or of aggregates. */
  readonly function: string;
  readonly aggregate: boolean;
  readonly args: readonly Expression[];
  readonly type: DataType;
  readonly nullable: boolean;
  readonly distinct: boolean;
  readonly filter: Expression | null;
  readonly ignoreNulls: boolean;
  readonly fromLast: boolean;
  readonly frame: WindowFrame;
  /** ORDER BY inside the call; missing: its values come in the order of the window. */
  readonly orderBy?: readonly CallOrder[];
  readonly position: number;
}

/** Every expression of a call. */
export function windowCallExpressions(call: WindowCall): readonly Expression[] {
  const { frame } = call;
  const limits = [frame.start, frame.end].flatMap((bound) => (bound.kind === 'limit' ? [bound.limit] : []));
  return [
    ...call.args,
    ...(call.filter ? [call.filter] : []),
    ...(frame.rangeKey ? [frame.rangeKey] : []),
    ...limits,
    ...(call.orderBy ?? []).map((key) => key.expression),
  ];
}

/** The call with every expression changed. */
export function mapWindowCall(call: WindowCall, change: (expression: Expression) => Expression): WindowCall {
  const { frame } = call;
  const bound = (each: FrameBound): FrameBound => (each.kind === 'limit' ? { ...each, limit: change(each.limit) } : each);
  return {
    ...call,
    args: call.args.map(change),
    filter: call.filter ? change(call.filter) : null,
    ...(call.orderBy ? { orderBy: call.orderBy.map((key) => ({ ...key, expression: change(key.expression) })) } : {}),
    frame: { ...frame, start: bound(frame.start), end: bound(frame.end), rangeKey: frame.rangeKey ? change(frame.rangeKey) : null },
  };
}
