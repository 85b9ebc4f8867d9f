/** The table of window functions that are no aggregates. */
import { type DataType, FLOAT64, INT64, UTF8 } from '../../core/types.js';
import type { ArgumentType, FunctionExample } from '../functions/contract.js';
import { commonType } from '../functions/types.js';
import type { Expression } from '../plan/expression.js';
import { FILL } from './fill.js';
import { SERIES_WINDOWS, type WindowMaker } from './series-functions.js';

/** What a call's arguments must be cast to, and what it gives. */
export interface WindowSignature {
  readonly args: readonly DataType[];
  readonly type: DataType;
  readonly nullable: boolean;
}

export interface WindowFunction {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly doc: string;
  readonly examples: readonly FunctionExample[];
  /** True: the result depends on the frame; else on the whole partition. */
  readonly framed: boolean;
  /** True: IGNORE NULLS may be said. */
  readonly skipsNulls: boolean;
  /** Arguments from this index on are constants; missing: from the second on, where they read no column. */
  readonly constantsFrom?: number;
  /** For calls whose arguments may be written in several orders: which of them is the first, the second, … of those that resolve() takes. */
  arrange?(args: readonly ArgumentType[]): readonly number[];
  resolve(args: readonly ArgumentType[]): WindowSignature | undefined;
  /** True: the window has one ORDER BY expression, which is an argument behind those that are written. */
  readonly takesOrder?: boolean;
  /** What the call is made of, when it is not computed itself. Its window may not say a frame. */
  expand?(args: readonly Expression[], make: WindowMaker): Expression;
}

const unlessNull = (type: DataType): DataType => (type.kind === 'null' ? UTF8 : type);

function ranking(name: string, type: DataType, doc: string, result: string) {
  return {
    name,
    doc,
    examples: [{ sql: `SELECT ${name}() OVER (ORDER BY x) FROM (VALUES (1), (1), (2)) t(x) ORDER BY x DESC LIMIT 1`, result }],
    framed: false,
    skipsNulls: false,
    resolve: (args) => (args.length === 0 ? { args: [], type, nullable: false } : undefined),
  } as const satisfies WindowFunction;
}

function neighbour(name: string, doc: string, result: string) {
  return {
    name,
    doc,
    examples: [{ sql: `SELECT ${name}(x, 1, 0) OVER (ORDER BY x) FROM (VALUES (1), (2)) t(x) ORDER BY x DESC LIMIT 1`, result }],
    framed: false,
    skipsNulls: true,
    resolve: (args) => {
      const [value, , otherwise] = args;
      if (!value || args.length > 3) return undefined;
      const type = otherwise ? commonType([value, otherwise]) : value.type;
      if (!type) return undefined;
      const known = unlessNull(type);
      return { args: [known, INT64, known].slice(0, args.length), type: known, nullable: true };
    },
  } as const satisfies WindowFunction;
}

function framed(name: string, count: number, doc: string, call: string, result: string) {
  return {
    name,
    doc,
    examples: [{ sql: `SELECT ${call} OVER (ORDER BY x) FROM (VALUES (1), (2)) t(x) ORDER BY x DESC LIMIT 1`, result }],
    framed: true,
    skipsNulls: true,
    resolve: (args) => {
      const [value] = args;
      if (!value || args.length !== count) return undefined;
      const type = unlessNull(value.type);
      return { args: [type, INT64].slice(0, count), type, nullable: true };
    },
  } as const satisfies WindowFunction;
}

const STANDARD = [
  ranking('row_number', INT64, 'Number of the row in its partition, from 1.', '3'),
  ranking('rank', INT64, 'One more than the rows before the row and its peers.', '3'),
  ranking('dense_rank', INT64, 'Number of the group of peers that the row is in, from 1.', '2'),
  ranking('percent_rank', FLOAT64, '(rank − 1) ÷ (rows of the partition − 1); 0 for a single row.', '1'),
  ranking('cume_dist', FLOAT64, "Share of the partition's rows that come before the row or are its peers, itself included.", '1'),
  {
    name: 'ntile',
    doc: 'Number of the bucket when the partition is cut into so many buckets of about equal size, larger ones first.',
    examples: [{ sql: 'SELECT ntile(2) OVER (ORDER BY x) FROM (VALUES (1), (2), (3)) t(x) ORDER BY x DESC LIMIT 1', result: '2' }],
    framed: false,
    skipsNulls: false,
    resolve: (args) => (args.length === 1 ? { args: [INT64], type: INT64, nullable: true } : undefined),
  },
  neighbour('lag', 'Value so many rows (1) before the row in its partition; the third argument (NULL) where there is none.', '1'),
  neighbour('lead', 'Value so many rows (1) behind the row in its partition; the third argument (NULL) where there is none.', '0'),
  framed('first_value', 1, 'Value of the first row of the frame.', 'first_value(x)', '1'),
  framed('last_value', 1, 'Value of the last row of the frame.', 'last_value(x)', '2'),
  framed('nth_value', 2, 'Value of the n-th row of the frame, from 1; FROM LAST counts from its end.', 'nth_value(x, 2)', '2'),
] as const satisfies readonly WindowFunction[];

/** Every window function that is no aggregate. */
export const WINDOW_FUNCTIONS: readonly WindowFunction[] = [...STANDARD, ...SERIES_WINDOWS, FILL];

const BY_NAME = new Map<string, WindowFunction>(
  WINDOW_FUNCTIONS.flatMap((entry) => [entry.name, ...(entry.aliases ?? [])].map((name) => [name, entry] as const)),
);

/** The window function of this name, in any case. */
export function windowFunction(name: string): WindowFunction | undefined {
  return BY_NAME.get(name) ?? BY_NAME.get(name.toLowerCase());
}
