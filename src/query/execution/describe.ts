/** Plans and expressions as people read them in EXPLAIN. */
import type { Value } from '../../core/batch.js';
import { type DataType, typeName } from '../../core/types.js';
import { timestampText } from '../../core/values.js';
import type { CallExpression, Expression } from '../plan/expression.js';
import {
  type HorizonJoinPlan,
  type IntervalBound,
  inputsOf,
  type LogicalPlan,
  type PlanKind,
  type PlanOf,
  type ScanPlan,
  type SortKey,
  type WindowJoinPlan,
} from '../plan/logical.js';
import type { FrameBound, WindowCall } from '../plan/window.js';
import { sidesOf } from './join/join-sides.js';

const OPERATOR_SIGN: Readonly<Record<string, string>> = {
  eq: '=',
  ne: '<>',
  lt: '<',
  le: '<=',
  gt: '>',
  ge: '>=',
  add: '+',
  subtract: '-',
  sub: '-',
  multiply: '*',
  mul: '*',
  divide: '/',
  div: '/',
  modulo: '%',
  mod: '%',
  concat_operator: '||',
};

function expressionText(expression: Expression): string {
  switch (expression.kind) {
    case 'column':
      return expression.name;
    case 'literal':
      return valueText(expression.value, expression.type);
    case 'call':
      return callText(expression);
    case 'cast':
      return `${expression.safe ? 'try_cast' : 'cast'}(${expressionText(expression.operand)} AS ${typeName(expression.type)})`;
    case 'case': {
      const branches = expression.branches.map((branch) => `WHEN ${expressionText(branch.when)} THEN ${expressionText(branch.then)}`);
      return `CASE ${branches.join(' ')}${expression.otherwise ? ` ELSE ${expressionText(expression.otherwise)}` : ''} END`;
    }
    case 'and':
    case 'or':
      return `(${expression.operands.map(expressionText).join(expression.kind === 'and' ? ' AND ' : ' OR ')})`;
    case 'not':
      return `NOT ${expressionText(expression.operand)}`;
    case 'is_null':
      return `${expressionText(expression.operand)} IS ${expression.negated ? 'NOT ' : ''}NULL`;
    case 'lambda':
      return `lambda: ${expressionText(expression.operand)}`;
    case 'lambda_parameter':
      return expression.name;
    case 'in': {
      const values = expression.values.map((value) => valueText(value, expression.operand.type));
      if (expression.hasNull) values.push('NULL');
      return `${expressionText(expression.operand)} ${expression.negated ? 'NOT ' : ''}IN (${values.join(', ')})`;
    }
  }
}

function callText(call: CallExpression): string {
  const args = call.args.map(expressionText);
  const sign = OPERATOR_SIGN[call.function];
  return sign !== undefined && args.length === 2 ? `(${args.join(` ${sign} `)})` : `${call.function}(${args.join(', ')})`;
}

function valueText(value: Value, type: DataType): string {
  if (value === null) return 'NULL';
  if (typeof value === 'bigint') return type.kind === 'timestamp' ? `'${timestampText(value, type.unit)}'` : String(value);
  if (typeof value === 'string') return `'${value.replaceAll("'", "''")}'`;
  if (typeof value === 'object') return JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? String(part) : part));
  return String(value);
}

function keyText(key: SortKey): string {
  return `${expressionText(key.expression)}${key.descending ? ' DESC' : ''}${key.nullsFirst !== key.descending ? ` NULLS ${key.nullsFirst ? 'FIRST' : 'LAST'}` : ''}`;
}

function list(label: string, texts: readonly string[]): string[] {
  return texts.length === 0 ? [] : [`${label}: ${texts.join(', ')}`];
}

interface Description {
  readonly name: string;
  readonly details: readonly string[];
}

/** The operator's name and its details, without its inputs. */
export function describeNode(plan: LogicalPlan): Description {
  const describe = DESCRIBE[plan.kind] as (plan: LogicalPlan) => Description;
  return describe(plan);
}

const DESCRIBE: { readonly [K in PlanKind]: (plan: PlanOf<K>) => Description } = {
  scan: (plan) => ({
    name: `Scan ${plan.source.table.definition.name}`,
    details: [
      ...outputNames(plan),
      ...list('filters', plan.filters.map(expressionText)),
      ...(plan.pick ? [`backwards: ${pickText(plan)}`] : []),
    ],
  }),
  values: (plan) => ({ name: 'Values', details: [`rows: ${plan.rows.length}`] }),
  file: (plan) => ({ name: `${plan.source.isHeld ? 'Held' : 'File'} ${plan.source.name}`, details: outputNames(plan) }),
  series: (plan) => ({
    name: 'Series',
    details: [`from ${expressionText(plan.start)} to ${expressionText(plan.stop)} step ${expressionText(plan.step)}`],
  }),
  filter: (plan) => ({ name: 'Filter', details: [expressionText(plan.condition)] }),
  project: (plan) => ({ name: 'Project', details: list('expressions', plan.expressions.map(expressionText)) }),
  aggregate: (plan) => ({
    name: plan.groups.length === 0 ? 'Aggregate' : 'HashAggregate',
    details: [...list('groups', plan.groups.map(expressionText)), ...list('aggregates', plan.aggregates.map(aggregateText))],
  }),
  distinct: () => ({ name: 'Distinct', details: [] }),
  sort: (plan) => ({ name: plan.limit === null ? 'Sort' : `TopN ${plan.limit}`, details: list('keys', plan.keys.map(keyText)) }),
  limit: (plan) => ({ name: 'Limit', details: limitDetails(plan) }),
  join: (plan) => ({
    name: `${plan.keys.length > 0 ? 'HashJoin' : sidesOf(plan).lookup ? 'RangeJoin' : 'NestedLoopJoin'} ${plan.join}`,
    details: [...list('keys', plan.keys.map(equalityText)), ...residualDetails(plan)],
  }),
  asof: (plan) => {
    const sign = plan.direction === 'nearest' ? 'NEAREST' : OPERATOR_SIGN[plan.direction];
    const time = `time: ${expressionText(plan.time.left)} ${sign} ${expressionText(plan.time.right)}`;
    const tolerance = plan.tolerance === null ? [] : [`tolerance: ${plan.tolerance}`];
    const details = [...list('keys', plan.keys.map(equalityText)), time, ...tolerance, ...residualDetails(plan)];
    return { name: `AsofJoin ${plan.join}`, details };
  },
  unnest: (plan) => ({
    name: `Unnest${plan.outer ? ' outer' : ''}`,
    details: [...list('lists', plan.lists.map(expressionText)), ...(plan.ordinality ? ['with ordinality'] : [])],
  }),
  limit_by: (plan) => ({ name: 'LimitBy', details: [...list('keys', plan.keys.map(expressionText)), ...limitDetails(plan)] }),
  top_by: (plan) => ({
    name: `TopBy ${plan.limit}`,
    details: [...list('keys', plan.keys.map(expressionText)), ...list('order', [keyText(plan.order)])],
  }),
  positional: () => ({ name: 'PositionalJoin', details: [] }),
  window_join: (plan) => ({
    name: 'WindowJoin',
    details: [
      ...timedDetails(plan),
      `from ${intervalText(plan.start)} to ${intervalText(plan.end)}${plan.prevailing ? ', with the prevailing row' : ''}`,
      ...list('calls', plan.calls.map(callOfWindow)),
    ],
  }),
  horizon_join: (plan) => ({ name: 'HorizonJoin', details: [...timedDetails(plan), `offsets: ${plan.offsets.length}`] }),
  window: (plan) => ({
    name: 'Window',
    details: [
      ...list('partition', plan.partitionBy.map(expressionText)),
      ...list('order', plan.orderBy.map(keyText)),
      ...list('calls', plan.calls.map(windowText)),
    ],
  }),
  union: () => ({ name: 'UnionAll', details: [] }),
  grouping_sets: (plan) => {
    const sets = plan.sets.map((set) => `(${set.map((i) => groupText(plan.groups[i])).join(', ')})`);
    return { name: 'GroupingSets', details: [...list('sets', sets), ...list('aggregates', plan.aggregates.map(aggregateText))] };
  },
  number: (plan) => ({ name: 'NumberRows', details: list('by', plan.keys.map(expressionText)) }),
  gap_fill: (plan) => {
    const fills = plan.fills.map((fill) => `${expressionText(fill.value)} ${fill.mode}`);
    return { name: 'GapFill', details: [...list('series', plan.series.map(expressionText)), ...list('fills', fills)] };
  },
  cut: (plan) => ({
    name: plan.ties.length > 0 ? 'LimitWithTies' : 'LimitExpression',
    details: [`unit: ${plan.unit}`, ...list('ties', plan.ties.map(keyText))],
  }),
  with: (plan) => {
    const names = plan.relations.map((relation) => relation.name);
    return { name: 'With', details: list('computed once', names) };
  },
  reference: (plan) => ({ name: `Read ${plan.name}`, details: outputNames(plan) }),
  recursive: (plan) => ({
    name: `Recursive ${plan.name}`,
    details: [plan.distinct ? 'UNION' : 'UNION ALL', ...(plan.keyColumns ? ['USING KEY'] : [])],
  }),
};

function outputNames({ output }: LogicalPlan): readonly string[] {
  const names = output.map((column) => column.name);
  return list('columns', names);
}

function limitDetails({ limit, offset }: PlanOf<'limit' | 'limit_by'>): readonly string[] {
  return [`limit: ${limit ?? 'all'}`, ...(offset > 0 ? [`offset: ${offset}`] : [])];
}

function equalityText({ left, right }: PlanOf<'join'>['keys'][number]): string {
  return `${expressionText(left)} = ${expressionText(right)}`;
}

function residualDetails({ residual }: PlanOf<'join' | 'asof'>): readonly string[] {
  return residual ? [`condition: ${expressionText(residual)}`] : [];
}

function timedDetails({ keys, time }: WindowJoinPlan | HorizonJoinPlan): readonly string[] {
  return [...list('keys', keys.map(equalityText)), `times: ${expressionText(time.left)}, ${expressionText(time.right)}`];
}

function intervalText(bound: IntervalBound): string {
  if (bound.kind === 'unbounded') return 'unbounded';
  return bound.kind === 'ticks' ? `${bound.ticks < 0n ? '' : '+'}${bound.ticks}` : expressionText(bound.limit);
}

function callOfWindow(call: WindowCall): string {
  const args = call.args.length === 0 && call.function === 'count' ? '*' : call.args.map(expressionText).join(', ');
  const filter = call.filter ? ` FILTER (WHERE ${expressionText(call.filter)})` : '';
  return `${call.function}(${call.distinct ? 'DISTINCT ' : ''}${args})${filter}`;
}

function windowText(call: WindowCall): string {
  const { unit, start, end, exclude } = call.frame;
  const excluded = exclude === 'none' ? '' : ` EXCLUDE ${exclude === 'current' ? 'CURRENT ROW' : exclude.toUpperCase()}`;
  const frame = ` ${unit.toUpperCase()} BETWEEN ${boundText(start)} AND ${boundText(end)}${excluded}`;
  return `${callOfWindow(call)}${call.ignoreNulls ? ' IGNORE NULLS' : ''}${frame}`;
}

function boundText(bound: FrameBound): string {
  if (bound.kind === 'unbounded_preceding') return 'UNBOUNDED PRECEDING';
  if (bound.kind === 'unbounded_following') return 'UNBOUNDED FOLLOWING';
  if (bound.kind === 'current') return 'CURRENT ROW';
  const offset =
    bound.kind === 'count' ? String(bound.count) : bound.kind === 'distance' ? String(bound.ticks) : expressionText(bound.limit);
  return `${offset} ${bound.following ? 'FOLLOWING' : 'PRECEDING'}`;
}

function groupText(group: Expression | undefined): string {
  return group ? expressionText(group) : '';
}

function aggregateText(call: Extract<LogicalPlan, { kind: 'aggregate' }>['aggregates'][number]): string {
  const args = call.args.length === 0 && call.function === 'count' ? '*' : call.args.map(expressionText).join(', ');
  const order = call.orderBy.length > 0 ? ` ORDER BY ${call.orderBy.map(keyText).join(', ')}` : '';
  const filter = call.filter ? ` FILTER (WHERE ${expressionText(call.filter)})` : '';
  return `${call.function}(${call.distinct ? 'DISTINCT ' : ''}${args}${order})${filter}`;
}

/** The lines of EXPLAIN: one per operator and detail, indented by depth. */
export function describePhysical(plan: LogicalPlan): readonly string[] {
  const lines: string[] = [];
  const visit = (node: LogicalPlan, depth: number): void => {
    const { name, details } = describeNode(node);
    lines.push(`${'  '.repeat(depth)}${name}`, ...details.map((detail) => `${'  '.repeat(depth)}  ${detail}`));
    for (const input of inputsOf(node)) visit(input, depth + 1);
  };
  visit(plan, 0);
  return lines;
}

function pickText({ pick, columns, source }: ScanPlan): string {
  const name = (id: number) => {
    const index = columns.find((column) => column.id === id)?.columnIndex ?? -1;
    return source.table.definition.columns[index]?.name ?? '?';
  };
  if (pick?.kind === 'latest') return `latest ${name(pick.time)} of each ${name(pick.key)}${pick.ties === 'all' ? ', with ties' : ''}`;
  return pick ? `${pick.count} rows from the ${pick.descending ? 'last' : 'first'} ${name(pick.time)} on` : '';
}
