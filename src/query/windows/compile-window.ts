/** From a window node to what its task runs: the columns that it needs, each once, and calls by column index. */
import { DbError } from '../../core/errors.js';
import { aggregateFunction } from '../aggregates/registry.js';
import { fingerprint } from '../binder/expressions.js';
import { evaluateConstant } from '../expression/evaluate.js';
import type { EvaluationContext } from '../functions/contract.js';
import { columnsOf, type Expression } from '../plan/expression.js';
import type { WindowPlan } from '../plan/logical.js';
import type { FrameBound, WindowCall, WindowFrame } from '../plan/window.js';
import { windowFunction } from './registry.js';
import type { FrameSpec, WindowCallSpec, WindowSpec } from './spec.js';

export interface CompiledWindow {
  readonly spec: WindowSpec;
  /** What the columns of the task's batch are. */
  readonly columns: readonly Expression[];
}

export function compileWindow(plan: WindowPlan, context: EvaluationContext): CompiledWindow {
  const columns = new Unique<Expression>(fingerprint);
  const frames = new Unique<FrameSpec>((frame) => JSON.stringify(frame, plainBigint));
  const calls = plan.calls.map((call, index) => compileCall(index, call, columns, frames, context));
  const partition = plan.partitionBy.filter((key) => key.type.kind !== 'null').map((key) => columns.add(key));
  const order = plan.orderBy
    .filter((key) => key.expression.type.kind !== 'null')
    .map(({ expression, descending, nullsFirst }) => ({ column: columns.add(expression), descending, nullsFirst }));
  const types = columns.list.map((expression) => expression.type);
  return { spec: { types, partition, order, frames: frames.list, calls }, columns: columns.list };
}

function compileCall(
  index: number,
  call: WindowCall,
  columns: Unique<Expression>,
  frames: Unique<FrameSpec>,
  context: EvaluationContext,
): WindowCallSpec {
  const constants = call.args.map((arg) =>
    columnsOf(arg).size === 0 && isConstant(call, arg, call.args.indexOf(arg)) ? evaluateConstant(arg, context) : undefined,
  );
  checkConstants(call);
  return {
    index,
    function: call.function,
    aggregate: call.aggregate,
    type: call.type,
    args: call.args.map((arg, i) => (constants[i] === undefined || call.aggregate ? columns.add(arg) : -1)),
    argTypes: call.args.map((arg) => arg.type),
    constants,
    filter: call.filter ? columns.add(call.filter) : -1,
    distinct: call.distinct || (call.aggregate && aggregateFunction(call.function)?.distinctInWindows === true && call.args.length > 0),
    ignoreNulls: call.ignoreNulls,
    fromLast: call.fromLast,
    frame: frames.add(compileFrame(call.frame, columns)),
    order: (call.orderBy ?? [])
      .filter((key) => key.expression.type.kind !== 'null')
      .map(({ expression, descending, nullsFirst }) => ({ column: columns.add(expression), descending, nullsFirst })),
    position: call.position,
  };
}

/** What an aggregate wants as constants may not differ from row to row. */
function checkConstants(call: WindowCall): void {
  const from = call.aggregate ? (aggregateFunction(call.function)?.constantsFrom ?? call.args.length) : call.args.length;
  const varying = call.args.slice(from).find((arg) => columnsOf(arg).size > 0);
  if (!varying) return;
  throw new DbError('invalid_argument', 'this argument of an aggregate must be a constant', { position: varying.position });
}

/** Counts of lag and the like, and what an aggregate wants as constants; the values that functions work on are columns. */
function isConstant(call: WindowCall, arg: Expression, index: number): boolean {
  if (!call.aggregate) return call.function === 'ntile' || index >= (windowFunction(call.function)?.constantsFrom ?? 1);
  return index >= (aggregateFunction(call.function)?.constantsFrom ?? call.args.length) && arg.kind !== 'column';
}

function compileFrame(frame: WindowFrame, columns: Unique<Expression>): FrameSpec {
  const bound = (each: FrameBound): FrameBound<number> => (each.kind === 'limit' ? { ...each, limit: columns.add(each.limit) } : each);
  const rangeKey = frame.rangeKey && columns.add(frame.rangeKey);
  const wanders = frame.wanders ? { wanders: frame.wanders } : {};
  return { unit: frame.unit, start: bound(frame.start), end: bound(frame.end), exclude: frame.exclude, rangeKey, ...wanders };
}

function plainBigint(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value;
}

/** Things without repeats. */
class Unique<T> {
  readonly list: T[] = [];
  private readonly indexes = new Map<string, number>();
  private readonly keyOf: (item: T) => string;

  constructor(keyOf: (item: T) => string) {
    this.keyOf = keyOf;
  }

  add(item: T): number {
    const key = this.keyOf(item);
    let index = this.indexes.get(key);
    if (index === undefined) {
      index = this.list.length;
      this.list.push(item);
      this.indexes.set(key, index);
    }
    return index;
  }
}
