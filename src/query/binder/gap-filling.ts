/**
 * Completing the rows of a grouped query in time. What is filled are whole items of the SELECT list that aggregate, so that a fill's value is
 * what the reader sees; aggregates that stand elsewhere (HAVING, ORDER BY, windows) are filled by themselves.
 */
import { assert } from '../../core/assert.js';
import { DbError } from '../../core/errors.js';
import { type DataType, FLOAT64, INT64, isNumeric, typeName } from '../../core/types.js';
import { implicitlyCasts } from '../functions/types.js';
import { type ColumnId, columnsOf, type Expression, mapChildren } from '../plan/expression.js';
import type { GapFill, GapFillPlan, LogicalPlan, OutputColumn } from '../plan/logical.js';
import { argumentOf, castTo } from './coercion.js';
import { caseOf, columnOf, conjunction, disjunction, fingerprint, isNull } from './expressions.js';
import type { FillRequest, SeriesPoint } from './fill-requests.js';
import { projectPlan } from './plans.js';
import type { GapRequest } from './sample-by.js';
import { scalarCall } from './scalar-call.js';

const PLAIN: Omit<FillRequest, 'position'> = { mode: 'null', value: null, maxGap: null };

interface Unit {
  readonly column: OutputColumn;
  readonly expression: Expression;
  readonly fill: Omit<GapFill, 'value'>;
  readonly flag: OutputColumn | null;
}

export class GapFilling {
  private readonly below: LogicalPlan;
  private readonly keys: readonly OutputColumn[];
  private readonly aggregates: ReadonlySet<ColumnId>;
  private readonly request: GapRequest;
  private readonly nextId: () => ColumnId;
  private readonly units: Unit[] = [];
  private readonly replacements = new Map<string, Expression>();

  /** below: the groups; its first `keyCount` columns are the bucket, then the keys of the series. */
  constructor(below: LogicalPlan, bucket: ColumnId, keyCount: number, request: GapRequest, nextId: () => ColumnId) {
    this.below = below;
    const keys = below.output.slice(0, keyCount);
    this.keys = [...keys.filter((column) => column.id === bucket), ...keys.filter((column) => column.id !== bucket)];
    this.aggregates = new Set(below.output.slice(keyCount).map((column) => column.id));
    this.request = request;
    this.nextId = nextId;
    assert(this.keys[0]?.id === bucket, 'the bucket is a group');
  }

  /** Items of the SELECT list over the groups, in order: each that aggregates gets its fill. */
  addItems(items: readonly Expression[]): void {
    const own = new Set(this.below.output.map((column) => column.id));
    const filled = items.filter((item) => {
      const read = columnsOf(item);
      return [...read].some((id) => this.aggregates.has(id)) && [...read].every((id) => own.has(id));
    });
    const { fills, position } = this.request;
    const [only] = fills;
    if (fills.length > 1 && fills.length !== filled.length) {
      throw new DbError('invalid_argument', `FILL has ${fills.length} items, and the SELECT list ${filled.length} that aggregate`, {
        position: fills[Math.min(fills.length - 1, filled.length)]?.position ?? position,
        hint: 'one item stands for all aggregates',
      });
    }
    filled.forEach((item, i) => {
      const request = fills.length === 1 ? only : fills[i];
      if (request) this.add(item, request);
    });
  }

  add(expression: Expression, request: FillRequest): Expression {
    const text = fingerprint(expression);
    const known = this.replacements.get(text);
    if (known) return known;
    const made = this.filled(expression, request);
    this.replacements.set(text, made);
    return made;
  }

  /** locf(…) and interpolate(…), by the column that stands for them; their value over the groups. */
  addCall(id: ColumnId, value: Expression, request: FillRequest): void {
    this.replacements.set(`#${id}`, this.filled(value, request));
  }

  /** The expression over the completed rows. */
  replace(expression: Expression): Expression {
    const known = this.replacements.get(fingerprint(expression));
    if (known) return { ...known, position: expression.position };
    if (expression.kind === 'column' && this.aggregates.has(expression.id)) return this.add(expression, this.requestFor(expression.type));
    return mapChildren(expression, (child) => this.replace(child));
  }

  /** Of an aggregate that is no item by itself. */
  private requestFor(type: DataType): FillRequest {
    const [only, ...more] = this.request.fills;
    const plain = { ...PLAIN, position: this.request.position };
    if (!only || more.length > 0 || (only.mode === 'linear' && !lineOf(type))) return plain;
    return only.value && !implicitlyCasts(argumentOf(only.value), type) ? plain : only;
  }

  private filled(expression: Expression, request: FillRequest): Expression {
    const { mode, value, maxGap, position, skipsNulls = false, otherwise } = request;
    if (mode === 'linear') {
      const between = this.onLine(expression, request);
      return request.around ? this.beyondRows(between, expression, request.around, position) : between;
    }
    if (mode !== 'value') {
      const unit = this.unit(expression, { mode, maxGap, skipsNulls, flagged: otherwise !== undefined });
      if (!otherwise) return columnOf(unit.column);
      return caseOf([[columnOf(unit.flag as OutputColumn), this.replace(otherwise)]], columnOf(unit.column), expression.type);
    }
    assert(value, 'a fill with a value has one');
    const { type } = expression;
    if (!implicitlyCasts(argumentOf(value), type)) {
      throw new DbError('type_mismatch', `FILL takes a value of ${typeName(type)} here, not ${typeName(value.type)}`, { position });
    }
    const unit = this.unit(expression, { mode: 'null', maxGap: null, skipsNulls, flagged: true });
    return caseOf([[columnOf(unit.flag as OutputColumn), castTo(value, type)]], columnOf(unit.column), type);
  }

  private onLine(expression: Expression, { maxGap, position, skipsNulls = false }: FillRequest): Expression {
    const { type } = expression;
    const line = lineOf(type);
    if (!line) throw new DbError('type_mismatch', `LINEAR takes numbers and times, not ${typeName(type)}`, { position });
    const fill = { mode: 'linear', maxGap, skipsNulls, flagged: false } as const;
    if (line.exact) return castTo(columnOf(this.unit(castTo(expression, line.type), fill).column), type);
    // What is there keeps its digits.
    const own = this.unit(expression, { mode: 'null', maxGap: null, skipsNulls, flagged: true });
    const between = castTo(columnOf(this.unit(castTo(expression, line.type), fill).column), type);
    return caseOf([[columnOf(own.flag as OutputColumn), between]], columnOf(own.column), type);
  }

  /** Added buckets before the first or behind the last row of a series, on the line to a point further on. */
  private beyondRows(
    between: Expression,
    expression: Expression,
    around: NonNullable<FillRequest['around']>,
    position: number,
  ): Expression {
    const { type } = expression;
    const bucket = columnOf(this.keys[0] as OutputColumn);
    if (!isNumeric(type)) throw new DbError('type_mismatch', `interpolate takes numbers here, not ${typeName(type)}`, { position });
    const { flag } = this.unit(expression, { mode: 'null', maxGap: null, skipsNulls: false, flagged: true });
    const end = (mode: 'prev' | 'next', point: SeriesPoint | null) => {
      const taken = (of: Expression) => columnOf(this.unit(of, { mode, maxGap: null, skipsNulls: false, flagged: false }).column);
      const [time, value] = [taken(bucket), taken(castTo(expression, FLOAT64))];
      const isNone = isNull(time);
      const or = (given: Expression | undefined, own: Expression, wanted: DataType): Expression =>
        castTo(given ? caseOf([[isNone, castTo(this.replace(given), own.type)]], own, own.type) : own, wanted);
      return { isNone, time: or(point?.time, time, INT64), value: or(point?.value, value, FLOAT64) };
    };
    const [low, high] = [end('prev', around.before), end('next', around.after)];
    const at = castTo(bucket, INT64);
    const call = (name: string, ...args: Expression[]): Expression => scalarCall(name, args, position);
    const reached = [call('lt', low.time, at), call('lt', at, high.time)];
    const distance = (from: Expression, to: Expression): Expression => castTo(call('subtract', to, from), FLOAT64);
    const share = call('divide', distance(low.time, at), distance(low.time, high.time));
    const line = call('add', low.value, call('multiply', call('subtract', high.value, low.value), share));
    const isBeyond = conjunction([columnOf(flag as OutputColumn), disjunction([low.isNone, high.isNone]), ...reached]);
    return caseOf([[isBeyond, castTo(line, type)]], between, type);
  }

  private unit(expression: Expression, fill: Omit<GapFill, 'value'>): Unit {
    const name = expression.kind === 'column' ? expression.name : 'filled';
    const unit: Unit = {
      column: { id: this.nextId(), name, type: expression.type, nullable: true },
      expression,
      fill,
      flag: fill.flagged ? { id: this.nextId(), name: 'missing', type: { kind: 'bool' }, nullable: false } : null,
    };
    this.units.push(unit);
    return unit;
  }

  /** The rows of the groups, completed. Nothing may be added afterwards. */
  plan(): GapFillPlan {
    const { keys, units, request } = this;
    const [bucket, ...series] = keys;
    assert(bucket, 'the bucket is a group');
    const input = projectPlan(this.below, [
      ...keys.map((column) => ({ ...column, expression: columnOf(column) })),
      ...units.map(({ column, expression }) => ({ id: column.id, name: column.name, expression })),
    ]);
    const { grid, from, to, position } = request;
    return {
      kind: 'gap_fill',
      input,
      bucket: columnOf(bucket),
      series: series.map((column) => columnOf(column)),
      grid,
      from,
      to,
      position,
      fills: units.map(({ column, fill }) => ({ ...fill, value: columnOf(column) })),
      output: [...keys, ...units.map(({ column }) => column), ...units.flatMap(({ flag }) => (flag ? [flag] : []))],
    };
  }
}

/** The type that values of a type are interpolated in; exact: it holds all of them. Undefined: they cannot be. */
function lineOf(type: DataType): { readonly type: DataType; readonly exact: boolean } | undefined {
  if (type.kind === 'timestamp' || type.kind === 'float64' || type.kind === 'int64') return { type, exact: true };
  if (type.kind === 'float32') return { type: FLOAT64, exact: true };
  if (!isNumeric(type)) return undefined;
  return type.kind === 'decimal' || type.kind === 'uint64' ? { type: FLOAT64, exact: false } : { type: INT64, exact: true };
}
