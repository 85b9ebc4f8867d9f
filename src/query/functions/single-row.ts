/** What the binder puts around a scalar subquery: its only value, or an error when it has more than one row. */
import { DbError } from '../../core/errors.js';
import { INT64 } from '../../core/types.js';
import type { ScalarFunction } from './contract.js';

export const SUBQUERY_FUNCTIONS = [
  {
    name: 'single_row',
    category: 'system',
    doc: 'single_row(n, x): x, while n is at most 1; internal to scalar subqueries.',
    examples: [{ sql: 'single_row(1, 5)', result: '5' }],
    nulls: 'custom',
    resolve: ([count, value, ...more]) => {
      if (!count || !value || more.length > 0 || count.type.kind !== 'int64') return undefined;
      return {
        args: [INT64, value.type],
        type: value.type,
        evaluate: ({ arena }, [counts, values], rowCount) => {
          if (!counts || !values) throw new DbError('internal', 'single_row takes two arguments');
          const rows = counts.encoding === 'constant' ? Math.min(1, rowCount) : rowCount;
          for (let row = 0; row < rows; row++) {
            if ((arena.i64[counts.values / 8 + row] as bigint) > 1n) {
              throw new DbError('cardinality_violation', 'a subquery that stands for a value gave more than one row');
            }
          }
          return values;
        },
      };
    },
  },
] as const satisfies readonly ScalarFunction[];
