/** Arguments of functions over series: in whichever order they are written, and every spelling of an exponential average. */
import { DbError } from '../../core/errors.js';
import { type DataType, FLOAT64, INT64, INTERVAL, isNumeric, isText, typeName } from '../../core/types.js';
import { aggregateFunction } from '../aggregates/registry.js';
import { ticksPerSecond, timeTypeOf } from '../aggregates/series-rows.js';
import { columnsOf, type Expression } from '../plan/expression.js';
import type { FunctionCall, Expression as Syntax } from '../syntax/ast/query.js';
import { windowFunction } from '../windows/registry.js';
import { argumentOf, castTo } from './coercion.js';
import { type Clause, unsupported } from './context.js';
import { literal } from './expressions.js';

export interface ArrangedCall {
  readonly name: string;
  readonly args: readonly Expression[];
  /** The arguments as they were written, in the order of args; missing where an argument was made. */
  readonly written: readonly Syntax[];
}

type Bind = (syntax: Syntax) => Expression;

const AVERAGES: ReadonlySet<string> = new Set([
  'ema',
  'ema_by',
  'ewma',
  'ewm_mean',
  'ewm_mean_by',
  'exponential_moving_average',
  'exponentialmovingaverage',
]);

/** QuestDB's avg(x, kind, n) OVER (…): how the average's weights are said. */
const KIND_SECONDS: Readonly<Record<string, number>> = { second: 1, minute: 60, hour: 3600, day: 86_400, week: 604_800 };

function isQuestDbAverage(name: string, syntax: FunctionCall): boolean {
  return name === 'avg' && syntax.arguments.length === 3 && syntax.arguments[1]?.value.kind === 'string';
}

/** What a call of an aggregate or window function is. orderKey: what the window is ordered by first, if anything. */
export function arrangedCall(name: string, syntax: FunctionCall, bind: Bind, clause: Clause, orderKey: Expression | null): ArrangedCall {
  if (AVERAGES.has(name) || isQuestDbAverage(name, syntax)) return new Average(name, syntax, bind, clause, orderKey).call();
  const labelled = syntax.arguments.find((argument) => argument.name !== null);
  if (labelled) throw unsupported('a named argument', labelled.value.position);
  const written = syntax.arguments.map((argument) => argument.value);
  const args = written.map(bind);
  const entry = syntax.over === null ? aggregateFunction(name) : (windowFunction(name) ?? aggregateFunction(name));
  const order = entry?.arrange?.(args.map(argumentOf));
  const arranged = order
    ? { name, args: order.map((i) => args[i] as Expression), written: order.map((i) => written[i] as Syntax) }
    : { name, args, written };
  return name === 'sessionize' || name === 'session_id' ? withGapInTicks(arranged, clause) : arranged;
}

/** The time a constant interval lasts, in nanoseconds. */
function nanosecondsOf(interval: Expression, what: string, clause: Clause): number {
  const { position } = interval;
  if (columnsOf(interval).size > 0) throw new DbError('invalid_argument', `${what} must be a constant`, { position });
  const value = clause.context.evaluateConstant(castTo(interval, INTERVAL)) as { months: number; days: number; nanoseconds: bigint } | null;
  if (value === null) throw new DbError('invalid_argument', `${what} may not be NULL`, { position });
  if (value.months !== 0) {
    throw new DbError('invalid_argument', `${what} may not have months`, { position, hint: 'say days: months differ in length' });
  }
  return value.days * 86_400e9 + Number(value.nanoseconds);
}

/** sessionize(ts, gap): the gap as ticks of the time. */
function withGapInTicks(call: ArrangedCall, clause: Clause): ArrangedCall {
  const [ts, gap, ...more] = call.args;
  const type = ts && timeTypeOf(ts.type);
  if (!type || !gap || more.length > 0) return call;
  const perSecond = ticksPerSecond(type);
  const ticks = isNumeric(gap.type)
    ? numberOf(gap, 'the gap', clause) * perSecond
    : (nanosecondsOf(gap, 'the gap', clause) / 1e9) * perSecond;
  if (!(ticks >= 0)) throw new DbError('invalid_argument', 'the gap of sessions may not be negative', { position: gap.position });
  const whole = BigInt(Math.min(Math.floor(ticks), Number.MAX_SAFE_INTEGER));
  return { ...call, args: [ts, literal(whole, INT64, gap.position)] };
}

function numberOf(expression: Expression, what: string, clause: Clause): number {
  const { position } = expression;
  if (columnsOf(expression).size > 0) throw new DbError('invalid_argument', `${what} must be a constant`, { position });
  if (!isNumeric(expression.type))
    throw new DbError('type_mismatch', `${what} must be a number, not ${typeName(expression.type)}`, { position });
  return Number(clause.context.evaluateConstant(castTo(expression, FLOAT64)) ?? Number.NaN);
}

const PARAMETERS: Readonly<Record<string, 'alpha' | 'n' | 'half_life' | 'com' | 'value' | 'time'>> = {
  alpha: 'alpha',
  n: 'n',
  span: 'n',
  period: 'n',
  periods: 'n',
  half_life: 'half_life',
  halflife: 'half_life',
  com: 'com',
  x: 'value',
  value: 'value',
  ts: 'time',
  time: 'time',
};

/** ema(x, n | alpha => a | half_life => h | com => c) and its relatives, as ema(x, alpha) or ema_by(x, ts, half life in ticks). */
class Average {
  private readonly name: string;
  private readonly syntax: FunctionCall;
  private readonly clause: Clause;
  private readonly orderKey: Expression | null;
  private readonly given = new Map<string, Expression>();

  constructor(name: string, syntax: FunctionCall, bind: Bind, clause: Clause, orderKey: Expression | null) {
    this.name = name;
    this.syntax = syntax;
    this.clause = clause;
    this.orderKey = orderKey;
    const plain: Expression[] = [];
    for (const { name: label, value } of syntax.arguments) {
      const bound = bind(value);
      if (label === null) {
        plain.push(bound);
        continue;
      }
      const parameter = PARAMETERS[label.name.toLowerCase()];
      if (!parameter) throw this.wrong(`${name} has no parameter ${label.name}`, label.position);
      this.set(parameter, bound);
    }
    this.setPlain(plain);
  }

  private wrong(message: string, position = this.syntax.position): DbError {
    return new DbError('invalid_argument', message, {
      position,
      hint: 'ema(x, n), ema(x, alpha => 0.1), ema(x, ts, half_life => INTERVAL …)',
    });
  }

  private set(parameter: string, value: Expression): void {
    if (this.given.has(parameter)) throw this.wrong(`${parameter} of ${this.name} is given twice`, value.position);
    this.given.set(parameter, value);
  }

  private setPlain(plain: readonly Expression[]): void {
    const [first, second, third] = plain;
    if (this.name === 'avg') {
      this.setKind(first, second, third);
      return;
    }
    // kdb+ has the share first.
    const turned = plain.length === 2 && first?.kind === 'literal' && isNumeric(first.type) && second?.kind !== 'literal';
    const rest = turned ? [second, first] : [...plain];
    for (const expression of rest) {
      if (!expression) continue;
      if (!this.given.has('value')) this.set('value', expression);
      else if (!this.given.has('time') && timeTypeOf(expression.type)?.kind === 'timestamp' && expression.type.kind !== 'null')
        this.set('time', expression);
      else if (!this.given.has('time') && this.name.endsWith('_by')) this.set('time', expression);
      else this.set(expression.type.kind === 'interval' || this.name.endsWith('_by') ? 'half_life' : 'n', expression);
    }
  }

  private setKind(value: Expression | undefined, kind: Expression | undefined, size: Expression | undefined): void {
    if (!value || kind?.kind !== 'literal' || !size) throw this.wrong('avg(x, kind, n) takes three arguments');
    const name = String(kind.value).toLowerCase().replace(/s$/u, '');
    this.set('value', value);
    const seconds = KIND_SECONDS[name];
    if (name === 'alpha') this.set('alpha', size);
    else if (name === 'period') this.set('n', size);
    else if (seconds === undefined)
      throw this.wrong(`avg has no kind ${String(kind.value)}: alpha, period, second, minute, hour, day, week`, kind.position);
    else {
      const time = this.orderKey;
      if (!time) throw this.wrong('an average by time needs ORDER BY in its window');
      this.set('time', time);
      // The weight falls to 1/e in this time.
      this.set('half_life', literal(numberOf(size, 'the time', this.clause) * seconds * Math.LN2, FLOAT64, size.position));
    }
  }

  call(): ArrangedCall {
    const value = this.given.get('value');
    if (!value) throw this.wrong(`${this.name} needs a value`);
    const said = ['alpha', 'n', 'half_life', 'com'].filter((parameter) => this.given.has(parameter));
    const [parameter] = said;
    const size = this.given.get(parameter ?? '');
    if (said.length !== 1 || !size) throw this.wrong(`${this.name} needs one of n, alpha, half_life and com`);
    const timed = parameter === 'half_life' && (!isNumeric(size.type) || this.given.has('time'));
    if (timed) return { name: 'ema_by', args: this.byTime(value, size), written: [] };
    if (this.given.has('time')) throw this.wrong('an average by time has a half_life', size.position);
    const alpha = this.share(parameter ?? '', numberOf(size, parameter ?? '', this.clause), size.position);
    return { name: 'ema', args: [value, literal(alpha, FLOAT64, size.position)], written: [] };
  }

  /** The share of a new value. */
  private share(parameter: string, size: number, position: number): number {
    const bounds = {
      alpha: [size > 0 && size <= 1, 'between 0 and 1'],
      com: [size >= 0, 'at least 0'],
      half_life: [size > 0, 'above 0'],
    } as const;
    const [fits, range] = bounds[parameter as keyof typeof bounds] ?? [size > 0, 'above 0'];
    if (!fits) throw this.wrong(`${parameter} of ${this.name} must be ${range}`, position);
    if (parameter === 'alpha' || (parameter === 'n' && size < 1)) return size;
    if (parameter === 'com') return 1 / (1 + size);
    return parameter === 'n' ? 2 / (size + 1) : 1 - 2 ** (-1 / size);
  }

  private byTime(value: Expression, size: Expression): readonly Expression[] {
    const time = this.given.get('time') ?? this.orderKey;
    const type: DataType | undefined = time ? timeTypeOf(time.type) : undefined;
    if (!time || !type)
      throw this.wrong('a half_life in time needs a time: ema(x, ts, half_life => …), or ORDER BY a time in OVER', size.position);
    const seconds = isNumeric(size.type)
      ? numberOf(size, 'half_life', this.clause)
      : nanosecondsOf(isText(size.type) ? castTo(size, INTERVAL) : size, 'half_life', this.clause) / 1e9;
    if (!(seconds > 0)) throw this.wrong(`half_life of ${this.name} must be above 0`, size.position);
    return [value, time, literal(seconds * ticksPerSecond(type), FLOAT64, size.position)];
  }
}
