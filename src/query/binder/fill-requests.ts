/** FILL (…) MAX GAP …: what each aggregate's gaps are filled with. */
import type { IntervalValue } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { INTERVAL } from '../../core/types.js';
import { columnsOf, type Expression } from '../plan/expression.js';
import type { FillItem, SampleBy, Expression as Syntax } from '../syntax/ast/query.js';
import { coerce } from './coercion.js';
import type { Clause } from './context.js';

export interface FillRequest {
  readonly mode: 'null' | 'prev' | 'next' | 'linear' | 'value';
  /** Of mode value: reads no column. */
  readonly value: Expression | null;
  readonly maxGap: IntervalValue | null;
  readonly position: number;
  /** NULLs are filled as if their rows were missing. */
  readonly skipsNulls?: boolean;
  /** Over the groups: what stands where there is nothing to fill with. */
  readonly otherwise?: Expression;
  /** Of mode linear, over the groups: what the line goes on to where a series has no row before, or after. */
  readonly around?: { readonly before: SeriesPoint | null; readonly after: SeriesPoint | null };
}

export interface SeriesPoint {
  readonly time: Expression;
  readonly value: Expression;
}

/** The request with what stands over the groups changed. */
export function mapFill(request: FillRequest, change: (expression: Expression) => Expression): FillRequest {
  const point = (each: SeriesPoint | null) => each && { time: change(each.time), value: change(each.value) };
  const { otherwise, around } = request;
  return {
    ...request,
    ...(otherwise ? { otherwise: change(otherwise) } : {}),
    ...(around ? { around: { before: point(around.before), after: point(around.after) } } : {}),
  };
}

const REACHING: ReadonlySet<FillItem['mode']> = new Set(['prev', 'next', 'linear']);

/** Null: nothing is filled, and no row is added. */
export function fillRequests({ fill, maxGap }: SampleBy, clause: Clause): readonly FillRequest[] | null {
  const none = fill.find((item) => item.mode === 'none');
  if (none && fill.length > 1) throw new DbError('invalid_argument', 'FILL(NONE) stands for all aggregates', { position: none.position });
  if (maxGap && !fill.some((item) => REACHING.has(item.mode))) throw needless(maxGap);
  if (fill.length === 0 || none) return null;
  const common = maxGap && gapOf(maxGap, clause);
  return fill.map((item): FillRequest => {
    if (item.maxGap && !REACHING.has(item.mode)) throw needless(item.maxGap);
    const own = item.maxGap ? gapOf(item.maxGap, clause) : common;
    return {
      mode: item.mode === 'none' ? 'null' : item.mode,
      value: item.value && constantOf(item.value, clause),
      maxGap: REACHING.has(item.mode) ? own : null,
      position: item.position,
    };
  });
}

function needless(syntax: Syntax): DbError {
  return new DbError('invalid_argument', 'MAX GAP goes with PREV, NEXT and LINEAR', { position: syntax.position });
}

function gapOf(syntax: Syntax, clause: Clause): IntervalValue {
  const bound = coerce(clause.context.bindExpression(syntax, clause), INTERVAL, 'MAX GAP');
  const gap = columnsOf(bound).size === 0 ? (clause.context.evaluateConstant(bound) as IntervalValue | null) : null;
  if (gap && gap.months >= 0 && gap.days >= 0 && gap.nanoseconds >= 0n) return gap;
  throw new DbError('invalid_argument', 'MAX GAP takes a constant interval that is not negative', { position: syntax.position });
}

function constantOf(syntax: Syntax, clause: Clause): Expression {
  const bound = clause.context.bindExpression(syntax, clause);
  if (columnsOf(bound).size === 0) return bound;
  throw new DbError('invalid_argument', 'FILL takes a constant', { position: syntax.position });
}
