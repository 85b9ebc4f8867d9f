/** SAMPLE BY without fill: grouping by a time bucket in which the designated timestamp means the bucket's start. */
import { DbError } from '../../core/errors.js';
import type { Expression } from '../plan/expression.js';
import { substitute } from '../plan/traverse.js';
import type { SampleBy } from '../syntax/ast/query.js';
import { scalarCall } from './bind-call.js';
import { coerce } from './coercion.js';
import { type BoundRelation, type Clause, unsupported } from './context.js';
import { columnOf, conjunction } from './expressions.js';

export interface SampleBuckets {
  readonly bucket: Expression;
  /** FROM … TO …: from inclusive, to exclusive; true without them. */
  readonly condition: Expression;
  /** The designated timestamp outside of aggregates becomes the bucket. */
  toBucket(expression: Expression): Expression;
}

export function sampleBuckets(syntax: SampleBy, from: BoundRelation, clause: Clause): SampleBuckets {
  const fill = syntax.fill.find((item) => item.mode !== 'none');
  if (fill) throw unsupported('SAMPLE BY with FILL', fill.position);
  if (syntax.align?.kind === 'firstObservation') throw unsupported('ALIGN TO FIRST OBSERVATION', syntax.position);
  const timestamp = designated(from, 'SAMPLE BY', syntax.position);
  const { context } = clause;
  const width = context.bindExpression(syntax.width, clause);
  const args = [width, timestamp];
  if (syntax.align?.timeZone) args.push(context.bindExpression(syntax.align.timeZone, clause));
  if (syntax.align?.offset) {
    if (syntax.align.timeZone) throw unsupported('ALIGN TO CALENDAR with both a time zone and an offset', syntax.position);
    args.push(coerce(context.bindExpression(syntax.align.offset, clause), { kind: 'interval' }, 'the offset'));
  }
  const bucket = scalarCall('time_bucket', args, syntax.position);
  const bound = (name: 'ge' | 'lt', value: SampleBy['from']) =>
    value === null ? [] : [scalarCall(name, [timestamp, context.bindExpression(value, clause)], value.position)];
  const by = new Map([[timestamp.id, bucket]]);
  return {
    bucket,
    condition: conjunction([...bound('ge', syntax.from), ...bound('lt', syntax.to)]),
    toBucket: (expression) => substitute(expression, by),
  };
}

/** The designated timestamp of FROM as a column. */
export function designated(from: BoundRelation, what: string, position: number): Extract<Expression, { kind: 'column' }> {
  const column = from.columns.find((each) => each.id === from.timestamp);
  if (!column) {
    throw new DbError('invalid_argument', `${what} needs a table with a designated timestamp`, {
      position,
      hint: 'CREATE TABLE … TIMESTAMP(ts), or FROM t TIMESTAMP(ts)',
    });
  }
  return columnOf(column, position) as Extract<Expression, { kind: 'column' }>;
}
