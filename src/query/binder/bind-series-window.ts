/** Window functions over series: checked, then computed as they are or made of other calls over frames of their own. */
import type { Value } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { type DataType, INT64, isNumeric, isText, typeName } from '../../core/types.js';
import { resolveAggregate } from '../aggregates/registry.js';
import { columnsOf, type Expression } from '../plan/expression.js';
import type { SortKey } from '../plan/logical.js';
import type { WindowCall, WindowFrame } from '../plan/window.js';
import type { FunctionCall } from '../syntax/ast/query.js';
import { type WindowFunction, windowFunction } from '../windows/registry.js';
import type { WindowMaker } from '../windows/series-functions.js';
import { isCount } from './bind-call.js';
import { argumentOf, castTo } from './coercion.js';
import type { Clause } from './context.js';
import { caseOf, literal } from './expressions.js';
import { scalarCall } from './scalar-call.js';
import type { ArrangedCall } from './series-arguments.js';
import { bindFrame, wholePartition } from './window-frame.js';

export interface SeriesWindowCall {
  readonly syntax: FunctionCall;
  readonly arranged: ArrangedCall;
  readonly clause: Clause;
  readonly orderBy: readonly SortKey[];
  /** True: the window says a frame. */
  readonly hasFrame: boolean;
  add(call: WindowCall): Expression;
}

const UP_TO_HERE: WindowFrame = { ...wholePartition(), end: { kind: 'current' } };
const FROM_HERE: WindowFrame = { ...wholePartition(), start: { kind: 'current' } };

export function bindSeriesWindow(entry: WindowFunction, call: SeriesWindowCall): Expression {
  const { syntax, arranged, hasFrame } = call;
  const { position } = syntax;
  const refuse = (what: string): DbError => new DbError('type_mismatch', `${entry.name} does not take ${what}`, { position });
  if (syntax.distinct) throw refuse('DISTINCT');
  if (syntax.orderBy.length > 0 || syntax.withinGroup.length > 0) throw refuse('an ORDER BY of its own');
  if (syntax.filter) throw refuse('FILTER');
  if (syntax.nullTreatment === 'ignore' || syntax.fromLast) throw refuse('IGNORE NULLS or FROM LAST');
  if (hasFrame) {
    throw new DbError('invalid_argument', `${entry.name} goes over rows of its own; its window may not say a frame`, {
      position,
      hint: 'leave ROWS, RANGE or GROUPS away',
    });
  }
  const given = entry.takesOrder ? [...arranged.args, onlyKey(entry, call)] : arranged.args;
  const signature = entry.resolve(given.map(argumentOf));
  if (!signature || syntax.star) {
    const types = given.map((arg) => (arg.type.kind === 'null' ? 'NULL' : typeName(arg.type))).join(', ');
    throw new DbError('function_not_found', `${entry.name} does not take (${syntax.star ? '*' : types})`, { position, hint: entry.doc });
  }
  const args = given.map((arg, i) => castTo(arg, signature.args[i] ?? arg.type));
  if (entry.expand) return { ...entry.expand(args, new Maker(entry.name, call)), position };
  return call.add({ ...blank(call, args), function: entry.name, type: signature.type, nullable: signature.nullable });
}

function onlyKey(entry: WindowFunction, { orderBy, syntax }: SeriesWindowCall): Expression {
  const [key, ...more] = orderBy;
  if (key && more.length === 0) return key.expression;
  throw new DbError('invalid_argument', `${entry.name} needs exactly one ORDER BY expression in the window`, { position: syntax.position });
}

function blank({ clause, syntax }: SeriesWindowCall, args: readonly Expression[]): Omit<WindowCall, 'function' | 'type' | 'nullable'> {
  return {
    id: clause.context.nextId(),
    aggregate: false,
    args,
    distinct: false,
    filter: null,
    ignoreNulls: false,
    fromLast: false,
    frame: wholePartition(),
    position: syntax.position,
  };
}

class Maker implements WindowMaker {
  private readonly name: string;
  private readonly series: SeriesWindowCall;
  private readonly position: number;

  constructor(name: string, series: SeriesWindowCall) {
    this.name = name;
    this.series = series;
    this.position = series.syntax.position;
  }

  running(aggregate: string, args: readonly Expression[]): Expression {
    return this.aggregate(aggregate, args, UP_TO_HERE);
  }

  moving(aggregate: string, args: readonly Expression[], size: number): Expression {
    return this.aggregate(aggregate, args, this.frameOf(size));
  }

  picked(name: 'lag' | 'lead' | 'last_value' | 'first_value', args: readonly Expression[], ignoreNulls: boolean): Expression {
    const entry = windowFunction(name);
    const signature = entry?.resolve(args.map(argumentOf));
    const [value, count, otherwise] = args;
    if (!entry || !signature || !value) throw this.wrongTypes(args);
    const frame = name === 'last_value' ? UP_TO_HERE : FROM_HERE;
    const call: WindowCall = {
      ...blank(this.series, count ? [value, castTo(count, INT64)] : [value]),
      function: name,
      type: signature.type,
      nullable: true,
      ignoreNulls,
      frame: entry.framed ? frame : wholePartition(),
    };
    const found = this.series.add(call);
    if (!otherwise) return found;
    const exists = this.series.add({
      ...call,
      id: this.series.clause.context.nextId(),
      function: `${name}_exists`,
      type: { kind: 'bool' },
      nullable: false,
    });
    return caseOf([[exists, found]], otherwise, signature.type);
  }

  call(name: string, args: readonly Expression[]): Expression {
    return scalarCall(name, args, this.position);
  }

  cast(value: Expression, type: DataType): Expression {
    return castTo(value, type);
  }

  tryCast(value: Expression, type: DataType): Expression {
    return castTo(value, type, true);
  }

  literal(value: bigint | number | boolean, type: DataType): Expression {
    return literal(value, type, this.position);
  }

  private wrongTypes(args: readonly Expression[]): DbError {
    const types = args.map((arg) => typeName(arg.type)).join(', ');
    return new DbError('function_not_found', `${this.name} does not take (${types})`, { position: this.position });
  }

  private aggregate(name: string, args: readonly Expression[], frame: WindowFrame): Expression {
    const resolved = resolveAggregate(name, args.map(argumentOf));
    if (!resolved) throw this.wrongTypes(args);
    return this.series.add({
      ...blank(
        this.series,
        args.map((arg, i) => castTo(arg, resolved.args[i] ?? arg.type)),
      ),
      function: resolved.name,
      aggregate: true,
      type: resolved.type,
      nullable: !isCount(resolved.name),
      frame,
    });
  }

  /** So many rows, this one included, or the rows of the last time, both ends included. */
  private frameOf(index: number): WindowFrame {
    const { arranged, clause, orderBy } = this.series;
    const size = arranged.args[index];
    const offset = arranged.written[index];
    if (!size || !offset) throw new Error(`${this.name} without a size`);
    const { position } = size;
    if (!isNumeric(size.type)) {
      if (isText(size.type)) {
        throw new DbError('type_mismatch', `the size of ${this.name} is a number of rows or an interval`, {
          position,
          hint: "INTERVAL '5 minutes'",
        });
      }
      const start = { kind: 'preceding', offset } as const;
      return bindFrame(
        { unit: 'range', start, finish: { kind: 'currentRow' }, exclude: 'noOthers', position, end: offset.end },
        orderBy,
        clause,
      );
    }
    const rows = this.rowsOf(size, position);
    return { ...UP_TO_HERE, start: { kind: 'count', following: false, count: Math.min(rows - 1, 0xffffffff) } };
  }

  private rowsOf(size: Expression, position: number): number {
    const value: Value = columnsOf(size).size > 0 ? null : this.series.clause.context.evaluateConstant(castTo(size, INT64));
    const rows = typeof value === 'bigint' ? Number(value) : Number.NaN;
    if (rows >= 1) return rows;
    throw new DbError('invalid_argument', `the number of rows of ${this.name} must be a constant of at least 1`, { position });
  }
}
