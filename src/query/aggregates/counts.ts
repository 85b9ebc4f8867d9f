/** Aggregates that count rows. */
import { flatVector } from '../../core/batch.js';
import { BOOL, INT64 } from '../../core/types.js';
import type { AggregateFunction } from './contract.js';
import { partAt } from './finishing.js';

export const COUNTS = [
  {
    name: 'count',
    aliases: ['count_star'],
    doc: 'Number of rows, or of rows whose argument is not NULL.',
    examples: [
      { sql: 'SELECT count(*) FROM (VALUES (1), (NULL)) t(x)', result: '2' },
      { sql: 'SELECT count(x) FROM (VALUES (1), (NULL)) t(x)', result: '1' },
    ],
    resolve: (args) => (args.length > 1 ? undefined : { args: args.map((arg) => arg.type), type: INT64 }),
    recipe: (args) => ({
      slots: [],
      required: args.map((_, i) => i),
      counts: true,
      finish: (input) => flatVector(INT64, input.groupCount, input.counts),
    }),
  },
  {
    name: 'count_if',
    aliases: ['countif'],
    doc: 'Number of rows for which the argument is true.',
    examples: [{ sql: 'SELECT count_if(x > 1) FROM (VALUES (1), (2), (3)) t(x)', result: '2' }],
    resolve: (args) =>
      args.length === 1 && (args[0]?.type.kind === 'bool' || args[0]?.type.kind === 'null') ? { args: [BOOL], type: INT64 } : undefined,
    recipe: () => ({
      slots: [{ kind: 'true_count', inputs: [0] }],
      required: [0],
      finish: (input) => flatVector(INT64, input.groupCount, partAt(input, 0, 0)),
    }),
  },
] as const satisfies readonly AggregateFunction[];
