/** Leaves of the package's trees: numbers, strings, times, names and parameters. */
import type { DurationUnit } from '../syntax/ast/node.js';
import type { Expression } from '../syntax/ast/query.js';
import { column, number, text } from './build.js';
import { PARAMETER_PREFIX } from './scan.js';
import type { Translation } from './translation.js';
import { expectKeys, isTree, listOf, nameOf, offsetOf, type Tree, textOf, untranslatable } from './tree.js';

/** Words that the package sometimes takes for names when it has misread what stands around them. */
const NEVER_NAMES = new Set(
  `select from where group having order limit offset union intersect except join inner left right full outer cross natural on using as and or not
   in is between like case when then else end interval distinct all any exists into values set insert update delete create drop with qualify
   window fetch top for returning default null`.split(/\s+/),
);

/** A name that was not quoted must be one: the package puts `a::int`, `1e5` and misplaced keywords into names. */
export function checkName(name: string, translation: Translation, position: number): string {
  if (translation.quotedNames.has(name)) return name;
  if (!/^[\p{L}_@#][\p{L}\p{N}_$#@-]*$/u.test(name)) throw untranslatable(`the name ${name}`, position, 'quote it');
  if (NEVER_NAMES.has(name.toLowerCase())) throw untranslatable(`${name} at this place`, position, 'quote it when it is a name');
  return name;
}

export function columnReference(tree: Tree, position: number, translation: Translation): Expression {
  expectKeys(tree, 'a column', ['type', 'db', 'schema', 'table', 'column', 'notations', 'subFields'], position);
  const { column: own } = tree;
  if (isTree(own)) expectKeys(own, 'a column', ['expr', 'offset', 'type', 'value'], position);
  if (isTree(own) && listOf(own.offset).length > 0) throw untranslatable('an element of an array', position);
  const notations = listOf(tree.notations).map(textOf);
  if (notations.some((each) => each !== '.')) throw untranslatable('a path into a value (:)', position);
  const parts = [tree.db, tree.schema, tree.table, own, ...listOf(tree.subFields)].map(nameOf).filter((part) => part !== '');
  const [only] = parts;
  if (parts.length === 1 && only !== undefined && /^\d+[eE]\d+$/.test(only)) return number(only, position);
  if (parts.length === 1 && only?.startsWith('@') && !translation.quotedNames.has(only)) return parameter(only.slice(1), position);
  const last = parts.at(-1) ?? '';
  if (last === '*') {
    return {
      kind: 'star',
      position,
      end: position,
      qualifier: parts.slice(0, -1).map((name) => ({ name, quoted: false, position })),
      exclude: [],
      replace: [],
      rename: [],
    };
  }
  const place = offsetOf(tree) ? position : translation.placeOfName(last, position);
  return column(
    parts.map((part) => checkName(part, translation, place)),
    place,
  );
}

function numberLiteral(tree: Tree, position: number): Expression {
  expectKeys(tree, 'a number', ['type', 'value'], position);
  const written = tree.value;
  const value = typeof written === 'number' ? plainNumber(written) : textOf(written).toLowerCase();
  if (value.startsWith('-')) {
    const operand = numberLiteral({ ...tree, value: value.slice(1) }, position);
    return { kind: 'unary', position, end: position, operator: '-', operand };
  }
  if (!/^\d*\.?\d*(e[+-]?\d+)?$/.test(value) || !/\d/.test(value)) throw untranslatable(`the number ${textOf(written)}`, position);
  return number(value.startsWith('.') ? `0${value}` : value.endsWith('.') ? `${value}0` : value, position);
}

/** JavaScript writes 1e21 and above with an exponent; the package hands larger numbers over as text. */
function plainNumber(value: number): string {
  return String(value).replace('e+', 'e');
}

const TIME_TYPES: Readonly<Record<string, string>> = { date: 'date', time: 'time', timestamp: 'timestamp', datetime: 'timestamp' };

export function literal(tree: Tree, position: number, translation: Translation): Expression | undefined {
  const type = textOf(tree.type);
  const base = { position, end: position };
  const known = ['type', 'value'];
  switch (type) {
    case 'number':
    case 'bigint':
      return numberLiteral(tree, position);
    case 'double_quote_string':
    case 'backticks_quote_string':
      if (type === 'backticks_quote_string' || translation.dialect.doubleQuote === 'identifier')
        return column([textOf(tree.value)], position);
      break;
    case 'bool':
    case 'boolean':
      expectKeys(tree, 'a truth value', known, position);
      return { kind: 'boolean', ...base, value: tree.value === true };
    case 'null':
      return { kind: 'null', ...base };
    case 'hex_string':
    case 'full_hex_string':
      expectKeys(tree, 'a binary value', known, position);
      return { kind: 'blob', ...base, hex: evenHex(textOf(tree.value).toLowerCase()) };
    case 'param':
      return parameter(textOf(tree.value), position);
    case 'var':
      return variable(tree, position);
    default:
      break;
  }
  const timeType = TIME_TYPES[type];
  if (timeType !== undefined) {
    expectKeys(tree, `a ${type}`, known, position);
    const name = translation.dialect.name === 'bigquery' && type === 'timestamp' ? 'timestamptz' : timeType;
    return {
      kind: 'typedLiteral',
      ...base,
      type: { kind: 'namedType', ...base, name, schema: null, arguments: [] },
      value: translation.unmasked(textOf(tree.value)),
    };
  }
  if (!['single_quote_string', 'double_quote_string', 'string', 'natural_string', 'regex_string', 'var_string'].includes(type))
    return undefined;
  expectKeys(tree, 'a string', known, position);
  return text(translation.unmasked(textOf(tree.value)), position);
}

function evenHex(hex: string): string {
  return hex.length % 2 === 0 ? hex : `0${hex}`;
}

function parameter(name: string, position: number): Expression {
  const index = name.startsWith(PARAMETER_PREFIX) ? Number(name.slice(PARAMETER_PREFIX.length)) : null;
  return { kind: 'parameter', position, end: position, index, name: index === null ? name : null, type: null };
}

/** `@name` and `$1`. */
function variable(tree: Tree, position: number): Expression {
  expectKeys(tree, 'a variable', ['type', 'name', 'prefix'], position);
  const name = textOf(tree.name);
  if (tree.prefix === '$' && /^\d+$/.test(name))
    return { kind: 'parameter', position, end: position, index: Number(name), name: null, type: null };
  if (tree.prefix !== '@' && tree.prefix !== '$') throw untranslatable(`the variable ${name}`, position);
  return parameter(name, position);
}

const UNITS: Readonly<Record<string, DurationUnit>> = {
  nanosecond: 'nanosecond',
  microsecond: 'microsecond',
  millisecond: 'millisecond',
  second: 'second',
  minute: 'minute',
  hour: 'hour',
  day: 'day',
  week: 'week',
  month: 'month',
  quarter: 'quarter',
  year: 'year',
};
const UNIT_SYNONYMS: Readonly<Record<string, DurationUnit>> = {
  yy: 'year',
  yyyy: 'year',
  years: 'year',
  qq: 'quarter',
  q: 'quarter',
  quarters: 'quarter',
  mm: 'month',
  m: 'month',
  mon: 'month',
  months: 'month',
  dd: 'day',
  d: 'day',
  days: 'day',
  dayofmonth: 'day',
  wk: 'week',
  ww: 'week',
  weeks: 'week',
  hh: 'hour',
  h: 'hour',
  hours: 'hour',
  mi: 'minute',
  n: 'minute',
  minutes: 'minute',
  ss: 'second',
  s: 'second',
  sec: 'second',
  seconds: 'second',
  ms: 'millisecond',
  milliseconds: 'millisecond',
  mcs: 'microsecond',
  us: 'microsecond',
  microseconds: 'microsecond',
  ns: 'nanosecond',
  nanoseconds: 'nanosecond',
};

/** A unit's name, whether the dialect writes it bare or as a string. */
export function unitOf(name: string, position: number): DurationUnit {
  const lower = name.toLowerCase();
  const unit = UNITS[lower] ?? UNIT_SYNONYMS[lower];
  if (unit === undefined) throw untranslatable(`the unit ${name}`, position);
  return unit;
}

/** `INTERVAL 1 DAY`, `INTERVAL '1 day'`. */
export function intervalLiteral(tree: Tree, position: number, translation: Translation): Expression {
  expectKeys(tree, 'an interval', ['type', 'expr', 'unit'], position);
  const unit = textOf(tree.unit);
  const quantity = translation.expression(tree.expr, position);
  return { kind: 'interval', position, end: position, quantity, unit: unit === '' ? null : unitOf(unit, position), toUnit: null };
}
