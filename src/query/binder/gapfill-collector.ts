/** time_bucket_gapfill, locf and interpolate of one grouped query. */
import { DbError } from '../../core/errors.js';
import { type ColumnId, type Expression, someNode } from '../plan/expression.js';
import type { LogicalPlan } from '../plan/logical.js';
import { fingerprint } from './expressions.js';
import type { FillRequest } from './fill-requests.js';
import type { GapRequest } from './sample-by.js';

/** locf(value) or interpolate(value): a column stands for it. */
interface FillCall {
  readonly id: ColumnId;
  readonly name: string;
  readonly value: Expression;
  readonly fill: FillRequest;
}

export class GapfillCollector {
  /** The rows that are grouped; their conditions may say the range. */
  rows: LogicalPlan | null = null;
  /** time_bucket over the width and the time. */
  bucket: Expression | null = null;
  request: GapRequest | null = null;
  readonly calls: FillCall[] = [];

  setBucket(bucket: Expression, request: GapRequest): void {
    if (this.bucket && fingerprint(this.bucket) !== fingerprint(bucket)) {
      throw new DbError('invalid_grouping', 'a query has one time_bucket_gapfill only', { position: bucket.position });
    }
    this.bucket ??= bucket;
    this.request ??= request;
  }

  /** True when the expression reads locf or interpolate. */
  in(expression: Expression): boolean {
    const ids = new Set(this.calls.map((call) => call.id));
    return someNode(expression, (node) => node.kind === 'column' && ids.has(node.id));
  }

  /** Fails when something is to be filled and nothing makes gaps. */
  rejectCalls(): void {
    const [call] = this.calls;
    if (!call) return;
    throw new DbError('invalid_grouping', `${call.name} needs time_bucket_gapfill in GROUP BY`, {
      position: call.fill.position,
      hint: 'SELECT time_bucket_gapfill(width, ts) AS t, locf(last(x)) FROM … GROUP BY t',
    });
  }
}
