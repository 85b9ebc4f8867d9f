/** What the clauses of a table in time may say: CLUSTER BY, TTL. */
import type { ColumnDefinition } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import { parseTimeToLive } from '../../core/time-to-live.js';
import { isText, typeName } from '../../core/types.js';
import type { Identifier } from '../syntax/ast/node.js';

/** Rows are grouped by one column whose values have codes. */
export function checkClusterBy(names: readonly Identifier[], indexes: readonly number[], columns: readonly ColumnDefinition[]): void {
  const [, second] = names;
  if (second) throw new DbError('unsupported', 'CLUSTER BY takes one column', { position: second.position });
  const column = columns[indexes[0] ?? -1];
  if (!column || isText(column.type)) return;
  throw new DbError('unsupported', `CLUSTER BY takes a column of symbols or text, and "${column.name}" is ${typeName(column.type)}`, {
    position: names[0]?.position,
  });
}

/** The text of a TTL clause, when it is a span of time and the table has a time. */
export function checkedTimeToLive(text: string, position: number, hasTimestamp: boolean): string {
  if (!hasTimestamp)
    throw new DbError('invalid_argument', 'TTL needs a table with a designated timestamp', { position, hint: 'TIMESTAMP(column)' });
  if (parseTimeToLive(text) === undefined)
    throw new DbError('invalid_value', `TTL takes a span of time that is longer than nothing, not ${text}`, {
      position,
      hint: 'TTL 90 DAYS',
    });
  return text;
}
