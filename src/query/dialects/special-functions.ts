/** Functions whose arguments are units, types or formats, or whose meaning depends on how they are called. */
import type { Expression } from '../syntax/ast/query.js';
import { filledIn } from '../syntax/template.js';
import { call, text } from './build.js';
import { cast, extractField } from './clauses.js';
import type { DialectCall } from './function-table.js';
import { unitOf } from './literals.js';
import { strftimeFormat } from './time-formats.js';
import { childOf, isTree, listOf, nameOf, type Tree, textOf, untranslatable } from './tree.js';

function argument(syntax: DialectCall, index: number): Expression {
  return syntax.translation.expression(syntax.trees[index], syntax.position);
}

function all(syntax: DialectCall): readonly Expression[] {
  return syntax.trees.map((tree) => syntax.translation.expression(tree, syntax.position));
}

/** The word of an argument that is no expression: a unit or a type, bare or as a string. */
function wordOf(syntax: DialectCall, index: number): string {
  const tree = syntax.trees[index];
  if (!isTree(tree)) return '';
  return nameOf(tree.type === 'column_ref' ? tree.column : tree);
}

function unit(syntax: DialectCall, index: number): string {
  return unitOf(wordOf(syntax, index), syntax.position);
}

/** Times may be given as strings; dates count as they are. */
function asTime(operand: Expression): Expression {
  return operand.kind === 'string' ? filledIn('CAST($1 AS TIMESTAMP)', [operand], operand.position) : operand;
}

export function refuse(syntax: DialectCall): never {
  throw untranslatable(`the function ${syntax.name}`, syntax.position);
}

/** NULL in, NULL out; ours skips NULLs. */
export function concatWithNulls(syntax: DialectCall): Expression {
  const args = all(syntax).map((arg) => (arg.kind === 'string' ? arg : filledIn('CAST($1 AS TEXT)', [arg], syntax.position)));
  const [first, ...rest] = args;
  if (!first) throw untranslatable('concat without arguments', syntax.position);
  return rest.reduce<Expression>((left, right) => filledIn('$1 || $2', [left, right], syntax.position), first);
}

/** NULL in, NULL out; ours skips NULLs. */
export function extremeWithNulls(name: 'greatest' | 'least'): (syntax: DialectCall) => Expression {
  return (syntax) => {
    const { position } = syntax;
    const args = all(syntax);
    const operands: readonly Expression[] = args.map((operand) => ({
      kind: 'is',
      position,
      end: position,
      operand,
      test: 'null',
      negated: false,
    }));
    const anyNull: Expression = { kind: 'logical', position, end: position, operator: 'or', operands };
    return filledIn('CASE WHEN NOT $1 THEN $2 END', [anyNull, call(name, args, position)], position);
  };
}

const FROM_END = new Set(['mysql', 'mariadb', 'trino', 'athena']);

/** A start below 1 means something else in every system; a constant above 0 means the same in all. */
export function substring(syntax: DialectCall): Expression {
  const { position, translation } = syntax;
  const args = all(syntax);
  const [operand, start, length] = args;
  if (!operand || !start || args.length > 3) throw untranslatable(`${syntax.name} with ${args.length} arguments`, position);
  const { name } = translation.dialect;
  if ((start.kind === 'number' && start.text !== '0') || name === 'transactsql' || name === 'redshift')
    return call('substring', args, position);
  const rest = length ? ', $3' : '';
  if (FROM_END.has(name)) {
    const inside = `substring($1, CASE WHEN $2 < 0 THEN length($1) + 1 + $2 ELSE $2 END${rest})`;
    return filledIn(`CASE WHEN $2 = 0 OR $2 < -length($1) THEN '' ELSE ${inside} END`, args, position);
  }
  if (name === 'sqlite') return filledIn(`substring($1, CASE WHEN $2 < 0 THEN length($1) + 1 + $2 ELSE $2 END${rest})`, args, position);
  if (name === 'bigquery') {
    return filledIn(
      `substring($1, CASE WHEN $2 < 0 THEN greatest(length($1) + 1 + $2, 1) WHEN $2 = 0 THEN 1 ELSE $2 END${rest})`,
      args,
      position,
    );
  }
  throw untranslatable(`${syntax.name} with a start that may be below 1`, position, 'give the start as a number above 0');
}

/** `TRIM(LEADING 'x' FROM s)` comes as a list of words and operands. */
export function trim(syntax: DialectCall): Expression {
  const { position } = syntax;
  const words = syntax.trees.map((tree) => (isTree(tree) && tree.type === 'origin' ? textOf(tree.value).toLowerCase() : undefined));
  if (words.every((word) => word === undefined)) return call('trim', all(syntax), position);
  const side = words.find((word) => word === 'leading' || word === 'trailing' || word === 'both') ?? 'both';
  const operands = syntax.trees.filter((_, i) => words[i] === undefined).map((tree) => syntax.translation.expression(tree, position));
  const name = side === 'leading' ? 'ltrim' : side === 'trailing' ? 'rtrim' : 'trim';
  return call(name, [...operands].reverse(), position);
}

/** `POSITION('a' IN b)`. */
export function position(syntax: DialectCall): Expression {
  const [first] = syntax.trees;
  const operands = syntax.trees.filter((tree) => !(isTree(tree) && tree.type === 'origin'));
  if (operands.length === 2)
    return call(
      'position',
      [...operands].reverse().map((tree) => syntax.translation.expression(tree, syntax.position)),
      syntax.position,
    );
  if (!isTree(first) || first.operator !== 'IN') throw untranslatable('this form of position', syntax.position);
  return call(
    'position',
    [first.right, first.left].map((tree) => syntax.translation.expression(tree, syntax.position)),
    syntax.position,
  );
}

/** DATEADD(unit, n, time). */
export function addUnits(syntax: DialectCall): Expression {
  const name = unit(syntax, 0);
  const interval = name === 'quarter' ? "INTERVAL '3 months'" : `INTERVAL '1 ${name}'`;
  return filledIn(`$1 + $2 * ${interval}`, [asTime(argument(syntax, 2)), argument(syntax, 1)], syntax.position);
}

/** ADDDATE(time, INTERVAL …) or ADDDATE(time, days). */
export function addDaysOrInterval(sign: '+' | '-'): (syntax: DialectCall) => Expression {
  return (syntax) => {
    const [time, amount] = [asTime(argument(syntax, 0)), argument(syntax, 1)];
    return filledIn(amount.kind === 'interval' ? `$1 ${sign} $2` : `$1 ${sign} $2 * INTERVAL '1 day'`, [time, amount], syntax.position);
  };
}

/** DATEDIFF(unit, a, b): how many starts of a unit lie between. */
export function boundariesBetween(syntax: DialectCall): Expression {
  const [name, from, to] = [unit(syntax, 0), asTime(argument(syntax, 1)), asTime(argument(syntax, 2))];
  if (name === 'week')
    throw untranslatable('weeks between two times', syntax.position, 'which day starts a week differs between the systems');
  return call('date_diff', [text(name, syntax.position), from, to], syntax.position);
}

const MICROSECONDS: Readonly<Record<string, number>> = {
  microsecond: 1,
  millisecond: 1_000,
  second: 1_000_000,
  minute: 60_000_000,
  hour: 3_600_000_000,
  day: 86_400_000_000,
  week: 604_800_000_000,
};
const MONTHS: Readonly<Record<string, number>> = { month: 1, quarter: 3, year: 12 };
const MONTH_STARTS = "date_diff('month', $1, $2)";
/** A month is whole when the day of the month and the time of day have come. */
const BY_DAY = ["epoch_us($2) - epoch_us(date_trunc('month', $2))", "epoch_us($1) - epoch_us(date_trunc('month', $1))"] as const;
/** A month is whole when adding it does not pass the other time: from the 31st of January to the 29th of February it is. */
const BY_ADDING = ['$2', `$1 + ${MONTH_STARTS} * INTERVAL '1 month'`] as const;

/** TIMESTAMPDIFF(unit, a, b): how many whole units lie between. */
export function wholeUnitsBetween(syntax: DialectCall): Expression {
  const { position: at, translation } = syntax;
  const name = unit(syntax, 0);
  const times = [1, 2].map((index) => filledIn('CAST($1 AS TIMESTAMP)', [argument(syntax, index)], at));
  const size = MICROSECONDS[name];
  if (size !== undefined) return filledIn(`(epoch_us($2) - epoch_us($1)) / ${size}`, times, at);
  const months = MONTHS[name];
  if (months === undefined) throw untranslatable(`the unit ${name}`, at);
  const [reached, wanted] = translation.dialect.name === 'trino' || translation.dialect.name === 'athena' ? BY_ADDING : BY_DAY;
  const correction = `CASE WHEN $2 >= $1 AND ${reached} < ${wanted} THEN 1 WHEN $2 < $1 AND ${reached} > ${wanted} THEN -1 ELSE 0 END`;
  return filledIn(`(${MONTH_STARTS} - ${correction}) / ${months}`, times, at);
}

export function bigqueryBoundaries(syntax: DialectCall): Expression {
  const { trees } = syntax;
  return boundariesBetween({ ...syntax, trees: [trees[2], trees[1], trees[0]] });
}

export function bigqueryWholeUnits(syntax: DialectCall): Expression {
  const { trees } = syntax;
  return wholeUnitsBetween({ ...syntax, trees: [trees[2], trees[1], trees[0]] });
}

/** date_trunc with the unit at `unitIndex` and the time at `timeIndex`. */
export function truncateTo(unitIndex: number, timeIndex: number): (syntax: DialectCall) => Expression {
  return (syntax) => {
    const name = unit(syntax, unitIndex);
    const isSundayWeek = ['bigquery', 'transactsql'].includes(syntax.translation.dialect.name);
    if (name === 'week' && isSundayWeek) throw untranslatable('truncation to weeks that start on Sunday', syntax.position);
    return call('date_trunc', [text(name, syntax.position), asTime(argument(syntax, timeIndex))], syntax.position);
  };
}

/** DATEPART(unit, time). */
export function partOf(syntax: DialectCall): Expression {
  const word = wordOf(syntax, 0).toLowerCase();
  const { position: at, translation } = syntax;
  const operand = asTime(argument(syntax, 1));
  const { name } = translation.dialect;
  if (word === 'weekday' || word === 'dw')
    return filledIn(name === 'transactsql' ? 'extract(dow FROM $1) + 1' : 'extract(dow FROM $1)', [operand], at);
  if (word === 'iso_week' || word === 'isowk' || word === 'isoww') return filledIn('extract(week FROM $1)', [operand], at);
  if (word === 'dayofyear' || word === 'dy') return filledIn('extract(doy FROM $1)', [operand], at);
  if (word === 'epoch' || word === 'epoch_second') return filledIn('CAST(floor(epoch($1)) AS BIGINT)', [operand], at);
  return extractField(unitOf(word, at), operand, at, translation);
}

/** DATE_FORMAT(time, format). */
export function dateFormat(syntax: DialectCall): Expression {
  return formatted(asTime(argument(syntax, 0)), argument(syntax, 1), syntax, 'mysql');
}

/** FORMAT_DATE(format, time). */
export function formatFirst(syntax: DialectCall): Expression {
  return formatted(asTime(argument(syntax, 1)), argument(syntax, 0), syntax, 'c');
}

/** strftime(format, time). */
export function sqliteFormat(syntax: DialectCall): Expression {
  const [format, time] = [argument(syntax, 0), argument(syntax, 1)];
  const isNow = time.kind === 'string' && time.value === 'now';
  return formatted(isNow ? filledIn('CAST(now() AS TIMESTAMP)', [], syntax.position) : asTime(time), format, syntax, 'sqlite');
}

function formatted(time: Expression, format: Expression, syntax: DialectCall, family: 'mysql' | 'c' | 'sqlite'): Expression {
  if (format.kind !== 'string') throw untranslatable(`${syntax.name} with a format that is not a constant`, syntax.position);
  return call('strftime', [time, text(strftimeFormat(format.value, family, syntax.position), syntax.position)], syntax.position);
}

/** CONVERT(x, type). */
export function convertTo(syntax: DialectCall): Expression {
  const [, type] = syntax.trees;
  return cast(argument(syntax, 0), isTree(type) ? type : {}, false, syntax.position, syntax.translation);
}

/** CONVERT(type, x): the type looks like a column or a call. */
export function convertFrom(isTry: boolean): (syntax: DialectCall) => Expression {
  return (syntax) => {
    const [type] = syntax.trees;
    return cast(argument(syntax, 1), typeTree(isTree(type) ? type : {}), isTry, syntax.position, syntax.translation);
  };
}

function typeTree(tree: Tree): Tree {
  if (tree.type === 'column_ref') return { dataType: nameOf(tree.column) };
  const [name] = listOf(childOf(tree, 'name')?.name);
  const [length, scale] = listOf(childOf(tree, 'args')?.value).map((each) => (isTree(each) ? each.value : undefined));
  return { dataType: nameOf(name), length, scale };
}

export function castText(type: string): (syntax: DialectCall) => Expression {
  return (syntax) => {
    const operand = argument(syntax, 0);
    if (operand.kind === 'number') throw untranslatable(`${syntax.name} of a number`, syntax.position);
    return filledIn(`CAST($1 AS ${type})`, [operand], syntax.position);
  };
}

/** DECODE(x, a, 1, b, 2, otherwise): NULL equals NULL. */
export function decode(syntax: DialectCall): Expression {
  const { position: at } = syntax;
  const [operand, ...rest] = all(syntax);
  if (!operand || rest.length < 2) throw untranslatable('decode with these arguments', at);
  const pairs = Array.from({ length: Math.floor(rest.length / 2) }, (_, i) => rest.slice(2 * i, 2 * i + 2));
  const nothing: Expression = { kind: 'null', position: at, end: at };
  const branches = pairs.map(([value = nothing, then = nothing]) => ({
    when: filledIn('$1 IS NOT DISTINCT FROM $2', [operand, value], at),
    then,
  }));
  return { kind: 'case', position: at, end: at, operand: null, branches, otherwise: rest.length % 2 === 1 ? (rest.at(-1) ?? null) : null };
}
