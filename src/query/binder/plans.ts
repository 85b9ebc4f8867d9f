/** Makers of plan nodes whose output follows from their inputs. */

import type { Value } from '../../core/batch.js';
import { type DataType, INT32, INT64 } from '../../core/types.js';
import type { ColumnId, Expression } from '../plan/expression.js';
import type {
  AggregateCall,
  AggregatePlan,
  AsofPlan,
  HorizonJoinPlan,
  JoinPlan,
  LimitByPlan,
  LogicalPlan,
  OutputColumn,
  PositionalPlan,
  SortKey,
  UnnestPlan,
  WindowJoinPlan,
  WindowPlan,
} from '../plan/logical.js';
import { unsupported } from './context.js';
import { caseOf, columnOf, isNull, isTrue, literal } from './expressions.js';

export function filterPlan(input: LogicalPlan, condition: Expression): LogicalPlan {
  if (isTrue(condition)) return input;
  return { kind: 'filter', input, condition, output: input.output };
}

export function projectPlan(
  input: LogicalPlan,
  columns: readonly { readonly name: string; readonly expression: Expression; readonly id: ColumnId }[],
): LogicalPlan {
  return {
    kind: 'project',
    input,
    expressions: columns.map((column) => column.expression),
    output: columns.map(({ id, name, expression }) => ({ id, name, type: expression.type, nullable: expression.nullable })),
  };
}

/** Only the named columns of the input, in this order. */
export function pickColumns(input: LogicalPlan, columns: readonly OutputColumn[]): LogicalPlan {
  if (columns.length === input.output.length && columns.every((column, i) => column.id === input.output[i]?.id)) return input;
  return { kind: 'project', input, expressions: columns.map((column) => columnOf(column)), output: columns };
}

export function joinPlan(
  join: JoinPlan['join'],
  left: LogicalPlan,
  right: LogicalPlan,
  keys: JoinPlan['keys'] = [],
  residual: Expression | null = null,
): JoinPlan {
  const missing = (columns: readonly OutputColumn[]) => columns.map((column) => (column.nullable ? column : { ...column, nullable: true }));
  const leftOutput = join === 'right' || join === 'full' ? missing(left.output) : left.output;
  const rightOutput = join === 'left' || join === 'full' ? missing(right.output) : right.output;
  const output = join === 'semi' || join === 'anti' ? left.output : [...leftOutput, ...rightOutput];
  return { kind: 'join', join, left, right, keys, residual: residual !== null && isTrue(residual) ? null : residual, output };
}

export type AsofMatch = Pick<AsofPlan, 'join' | 'keys' | 'time' | 'direction' | 'tolerance' | 'residual'>;

export function asofPlan(left: LogicalPlan, right: LogicalPlan, match: AsofMatch): AsofPlan {
  const { join, keys, time, direction, tolerance } = match;
  const residual = match.residual !== null && isTrue(match.residual) ? null : match.residual;
  const { output } = joinPlan(join, left, right);
  return { kind: 'asof', join, left, right, keys, time, direction, tolerance, residual, output };
}

/** `added`: one column per list, and the ordinal. */
export function unnestPlan(
  input: LogicalPlan,
  lists: readonly Expression[],
  added: readonly OutputColumn[],
  ordinality = false,
  outer = false,
): UnnestPlan {
  return { kind: 'unnest', input, lists, ordinality, outer, output: [...input.output, ...added] };
}

export function limitByPlan(input: LogicalPlan, keys: readonly Expression[], limit: number | null, offset = 0): LimitByPlan {
  return { kind: 'limit_by', input, keys, limit, offset, output: input.output };
}

/** Output: the input's columns and, as `number`, each row's number among those with equal keys. */
export function numberPlan(input: LogicalPlan, keys: readonly Expression[], number: ColumnId): LogicalPlan {
  return { kind: 'number', input, keys, output: [...input.output, { id: number, name: 'number', type: INT64, nullable: false }] };
}

/** Output: the left's columns and one per call. */
export function windowJoinPlan(
  left: LogicalPlan,
  right: LogicalPlan,
  join: Omit<WindowJoinPlan, 'kind' | 'left' | 'right' | 'output'>,
): WindowJoinPlan {
  const { keys, time, start, end, prevailing, calls } = join;
  const made = calls.map(({ id, function: name, type, nullable }) => ({ id, name, type, nullable }));
  return { kind: 'window_join', left, right, keys, time, start, end, prevailing, calls, output: [...left.output, ...made] };
}

/** own: the columns of the offset and of the time that it leads to. */
export function horizonJoinPlan(
  left: LogicalPlan,
  right: LogicalPlan,
  own: readonly OutputColumn[],
  join: Omit<HorizonJoinPlan, 'kind' | 'left' | 'right' | 'output'>,
): HorizonJoinPlan {
  const { keys, time, shown, offsets, scale, position } = join;
  const output = [...left.output, ...own, ...right.output.map((column) => ({ ...column, nullable: true }))];
  return { kind: 'horizon_join', left, right, keys, time, shown, offsets, scale, position, output };
}

export function positionalPlan(left: LogicalPlan, right: LogicalPlan): PositionalPlan {
  const output = [...left.output, ...right.output].map((column) => ({ ...column, nullable: true }));
  return { kind: 'positional', left, right, output };
}

export interface GroupColumn {
  readonly id: ColumnId;
  readonly name: string;
  readonly expression: Expression;
}

/** A call and the column that it makes. */
export interface AggregateColumn {
  readonly id: ColumnId;
  readonly name: string;
  readonly type: DataType;
  readonly nullable: boolean;
  readonly call: AggregateCall;
}

export function aggregatePlan(input: LogicalPlan, groups: readonly GroupColumn[], aggregates: readonly AggregateColumn[]): AggregatePlan {
  return {
    kind: 'aggregate',
    input,
    groups: groups.map((group) => group.expression),
    aggregates: aggregates.map(({ call }) => call),
    output: [
      ...groups.map(({ id, name, expression }) => ({ id, name, type: expression.type, nullable: expression.nullable })),
      ...aggregates.map(({ id, name, type, nullable }) => ({ id, name, type, nullable })),
    ],
  };
}

/** The calls of one partitioning and order over the input. */
export function windowPlan(input: LogicalPlan, over: Pick<WindowPlan, 'partitionBy' | 'orderBy' | 'calls'>): WindowPlan {
  const { partitionBy, orderBy, calls } = over;
  const made = calls.map(({ id, function: name, type, nullable }) => ({ id, name, type, nullable }));
  return { kind: 'window', input, partitionBy, orderBy, calls, output: [...input.output, ...made] };
}

/** sets.id: column of the set's number. */
export function groupingSetsPlan(
  input: LogicalPlan,
  groups: readonly GroupColumn[],
  sets: { readonly sets: readonly (readonly number[])[]; readonly id: ColumnId },
  aggregates: readonly AggregateColumn[],
): LogicalPlan {
  const flat = aggregatePlan(input, groups, aggregates);
  const id: OutputColumn = { id: sets.id, name: 'set', type: INT32, nullable: false };
  const output = [...flat.output.slice(0, groups.length), id, ...flat.output.slice(groups.length)];
  return { kind: 'grouping_sets', input, groups: flat.groups, sets: sets.sets, aggregates: flat.aggregates, output };
}

export function sortPlan(input: LogicalPlan, keys: readonly SortKey[]): LogicalPlan {
  return keys.length === 0 ? input : { kind: 'sort', input, keys, limit: null, output: input.output };
}

export function distinctPlan(input: LogicalPlan): LogicalPlan {
  return { kind: 'distinct', input, output: input.output };
}

export function limitPlan(input: LogicalPlan, limit: number | null, offset = 0): LogicalPlan {
  return limit === null && offset === 0 ? input : { kind: 'limit', input, limit, offset, output: input.output };
}

/** Keys that also match NULL with NULL: whether it is NULL, and the value where it is not. */
export function nullSafeKeys(pairs: readonly (readonly [Expression, Expression])[]): JoinPlan['keys'] {
  return pairs.flatMap(([left, right]) => {
    if (!left.nullable && !right.nullable) return [{ left, right }];
    if (left.type.kind === 'null') return [{ left: isNull(left), right: isNull(right) }];
    return [
      { left: isNull(left), right: isNull(right) },
      { left: orDefault(left), right: orDefault(right) },
    ];
  });
}

function orDefault(expression: Expression): Expression {
  const value = defaultValue(expression.type);
  if (value === undefined) throw unsupported(`comparing values of ${expression.type.kind} here`, expression.position);
  return { ...caseOf([[isNull(expression), literal(value, expression.type)]], expression, expression.type), nullable: false };
}

function defaultValue(type: DataType): Value | undefined {
  switch (type.kind) {
    case 'bool':
      return false;
    case 'int64':
    case 'uint64':
    case 'timestamp':
    case 'time64':
    case 'decimal':
      return 0n;
    case 'utf8':
    case 'symbol':
      return '';
    case 'binary':
      return new Uint8Array(0);
    case 'uuid':
      return '00000000-0000-0000-0000-000000000000';
    case 'interval':
      return { months: 0, days: 0, nanoseconds: 0n };
    case 'list':
      return [];
    case 'struct':
      return Object.fromEntries(type.fields.map((field) => [field.name, null]));
    case 'null':
      return undefined;
    default:
      return 0;
  }
}
