/** fill(x) OVER (ORDER BY t): missing values on the line through the nearest ones that are there. */
import { type DataType, FLOAT64, INT64, isInteger, isNumeric } from '../../core/types.js';
import { caseOf, conjunction, isNull } from '../binder/expressions.js';
import { decimalType } from '../functions/types.js';
import type { Expression } from '../plan/expression.js';
import type { WindowFunction } from './registry.js';
import type { WindowMaker } from './series-functions.js';

/** Types that a line may have: numbers, dates, times. */
function onLine(type: DataType): DataType | undefined {
  if (type.kind === 'null') return FLOAT64;
  return isNumeric(type) || type.kind === 'date32' || type.kind === 'timestamp' || type.kind === 'time64' ? type : undefined;
}

/** What whole numbers and decimals are computed as. */
function exactType(type: DataType): DataType | undefined {
  if (isInteger(type)) return decimalType(38, 0);
  return type.kind === 'decimal' ? decimalType(38, type.scale) : undefined;
}

/** A row whose value is there. */
interface Point {
  readonly x: Expression;
  readonly t: Expression;
}

class Line {
  private readonly point: Point;
  private readonly make: WindowMaker;
  private readonly usable: Expression;

  constructor(point: Point, make: WindowMaker) {
    this.point = point;
    this.make = make;
    const finite = [point.x, point.t].filter(({ type }) => type.kind === 'float64' || type.kind === 'float32');
    this.usable = conjunction([isNull(point.x, true), isNull(point.t, true), ...finite.map((each) => make.call('isfinite', [each]))]);
  }

  /** Between two points, else through the nearest two on one side, else the only one there is. */
  filled(): Expression {
    const { x, t } = this.point;
    const [before, earlier] = [this.neighbour('lag', 1n), this.neighbour('lag', 2n)];
    const [behind, later] = [this.neighbour('lead', 1n), this.neighbour('lead', 2n)];
    const isThere = (...points: readonly Point[]): Expression => conjunction(points.map((each) => isNull(each.x, true)));
    const branches: readonly (readonly [Expression, Expression])[] = [
      [isNull(x, true), x],
      [isNull(t), x],
      [isThere(before, behind), this.at(before, behind)],
      [isThere(behind, later), this.at(behind, later)],
      [isThere(before, earlier), this.at(earlier, before)],
    ];
    return caseOf(branches, this.make.call('coalesce', [before.x, behind.x]), x.type);
  }

  /** The n-th usable row before or behind. */
  private neighbour(name: 'lag' | 'lead', n: bigint): Point {
    const { make, usable } = this;
    const picked = (value: Expression): Expression =>
      make.picked(name, [caseOf([[usable, value]], null, value.type), make.literal(n, INT64)], true);
    return { x: picked(this.point.x), t: picked(this.point.t) };
  }

  /** Where the line from one point to another is at the row's time; NULL where that is no value of the type. */
  private at(from: Point, to: Point): Expression {
    const { make } = this;
    const whole = this.distance(to.t, from.t);
    const share = make.call('divide', [this.distance(this.point.t, from.t), make.call('nullif', [whole, make.literal(0, FLOAT64)])]);
    const { type } = this.point.x;
    const value = type.kind === 'timestamp' || type.kind === 'time64' ? this.timeAt(from, to, share) : this.numberAt(from, to, share);
    return caseOf([[make.call('eq', [from.t, to.t]), from.x]], value, type);
  }

  /** How far two times lie apart: a number, days or seconds. */
  private distance(a: Expression, b: Expression): Expression {
    const { make } = this;
    const type = exactType(a.type) ?? FLOAT64;
    if (isNumeric(a.type)) return make.cast(make.call('subtract', [make.cast(a, type), make.cast(b, type)]), FLOAT64);
    const between = make.call('subtract', [a, b]);
    return make.cast(a.type.kind === 'date32' ? between : make.call('epoch', [between]), FLOAT64);
  }

  private timeAt(from: Point, to: Point, share: Expression): Expression {
    const { make } = this;
    return make.call('add', [from.x, make.call('multiply', [make.call('subtract', [to.x, from.x]), share])]);
  }

  /** Whole numbers and decimals are exact but for the rounded part of the way. */
  private numberAt(from: Point, to: Point, share: Expression): Expression {
    const { make } = this;
    const { type } = this.point.x;
    if (type.kind === 'date32') {
      const days = make.cast(make.call('subtract', [to.x, from.x]), FLOAT64);
      return make.call('add', [from.x, make.cast(make.call('round', [make.call('multiply', [days, share])]), { kind: 'int32' })]);
    }
    const part = make.call('multiply', [this.distance(to.x, from.x), share]);
    const exact = exactType(type);
    if (!exact) return make.cast(make.call('add', [make.cast(from.x, FLOAT64), part]), type);
    return make.tryCast(make.call('add', [make.cast(from.x, exact), make.tryCast(part, exact)]), type);
  }
}

export const FILL: WindowFunction = {
  name: 'fill',
  doc: 'The value, or where it is NULL that of the straight line through the nearest values before and behind in the order, which is one number or time; at the ends the line goes on. NULL where the order is NULL or the line leaves the type.',
  examples: [
    { sql: 'SELECT fill(x) OVER (ORDER BY t) FROM (VALUES (1, 10), (2, NULL), (4, 40)) v(t, x) ORDER BY t LIMIT 1 OFFSET 1', result: '20' },
  ],
  framed: false,
  skipsNulls: false,
  takesOrder: true,
  resolve: ([value, order, ...more]) => {
    const [type, orderType] = [value && onLine(value.type), order && onLine(order.type)];
    return type && orderType && more.length === 0 ? { args: [type, orderType], type, nullable: true } : undefined;
  },
  expand: ([x, t], make) => {
    if (!x || !t) throw new Error('fill without a value or an order');
    return new Line({ x, t }, make).filled();
  },
};
