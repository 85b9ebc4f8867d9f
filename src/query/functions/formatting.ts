/** format, printf, and PostgreSQL's patterns for numbers. Value by value. */
import type { Value } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { type DataType, isNumeric, isText, UTF8 } from '../../core/types.js';
import { valueToText } from '../expression/literals.js';
import type { ArgumentType, Overload, ScalarFunction } from './contract.js';
import { entriesOf } from './entry.js';
import { text } from './overloads.js';
import { each, rowByRow } from './row-by-row.js';
import { decimalType } from './types.js';

const entry = entriesOf({ category: 'text' });

/** An argument of a format: its value for numbers, and its text. */
interface Argument {
  readonly value: Value;
  readonly text: string | null;
}

function argumentAt(args: readonly Argument[], index: number, format: string): Argument {
  const found = args[index];
  if (!found) throw new DbError('invalid_value', `'${format}' asks for argument ${index + 1}, but there are ${args.length}`);
  return found;
}

/** Thousands separated. */
function grouped(digits: string): string {
  return digits.replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

interface Spec {
  readonly flags: string;
  readonly width: number;
  readonly precision: number | undefined;
  readonly type: string;
}

function padded(body: string, { flags, width }: Spec): string {
  if (flags.includes('-')) return body.padEnd(width);
  if (!flags.includes('0')) return body.padStart(width);
  const sign = /^[+-]/.exec(body)?.[0] ?? '';
  return sign + body.slice(sign.length).padStart(width - sign.length, '0');
}

/** One number or text in the way of C's printf. */
function written(argument: Argument, spec: Spec, format: string): string {
  const { flags, precision, type } = spec;
  if (type === 's') return padded((argument.text ?? '').slice(0, precision), { ...spec, flags: flags.replace('0', '') });
  if (type === 'c') return padded(String.fromCodePoint(Number(argument.value)), spec);
  const number = Number(argument.text);
  if (Number.isNaN(number) && argument.text?.toLowerCase() !== 'nan')
    throw new DbError('invalid_value', `'${format}': ${argument.text} is no number`);
  const signed = (body: string, negative: boolean) =>
    padded(`${negative ? '-' : flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : ''}${body}`, spec);
  if ('diuxXob'.includes(type)) {
    const whole = BigInt(/^-?\d+$/.test(argument.text ?? '') ? (argument.text ?? '0') : Math.trunc(number));
    const radix = { x: 16, X: 16, o: 8, b: 2 }[type] ?? 10;
    const magnitude = whole < 0n ? (radix === 10 ? -whole : BigInt.asUintN(64, whole)) : whole;
    const digits = magnitude.toString(radix);
    const body = type === 'X' ? digits.toUpperCase() : flags.includes(',') ? grouped(digits) : digits;
    return signed(body.padStart(precision ?? 0, '0'), whole < 0n && radix === 10);
  }
  if (!Number.isFinite(number)) return signed(String(Math.abs(number)).toLowerCase().slice(0, 3), number < 0);
  const magnitude = Math.abs(number);
  const exponent = (body: string) => body.replace(/e([+-])(\d)$/, 'e$10$2');
  const lower = type.toLowerCase();
  let body =
    lower === 'e'
      ? exponent(magnitude.toExponential(precision ?? 6))
      : lower === 'g'
        ? general(magnitude, precision ?? 6)
        : magnitude.toFixed(Math.min(100, precision ?? 6));
  if (flags.includes(',')) body = grouped(body.split('.')[0] ?? '') + (body.includes('.') ? `.${body.split('.')[1]}` : '');
  return signed(type === lower ? body : body.toUpperCase(), number < 0 || Object.is(number, -0));
}

function general(value: number, precision: number): string {
  const digits = Math.max(1, precision);
  if (value === 0) return '0';
  const power = Math.floor(Math.log10(value));
  if (power < -4 || power >= digits)
    return value
      .toExponential(digits - 1)
      .replace(/\.?0+e/, 'e')
      .replace(/e([+-])(\d)$/, 'e$10$2');
  const plain = value.toPrecision(digits);
  return plain.includes('.') ? plain.replace(/\.?0+$/, '') : plain;
}

const quotedName = (name: string) => (/^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`);

/** C's codes, and PostgreSQL's %I (a name), %L (a literal) and places %1$s. */
function printed(format: string, args: readonly Argument[]): string {
  let next = 0;
  return format.replace(
    /%(?:(\d+)\$)?([-+ 0,#]*)(\d+)?(?:\.(\d+))?(?:ll|l|h)?([A-Za-z%])/g,
    (whole, place: string | undefined, flags: string, width: string | undefined, precision: string | undefined, type: string) => {
      if (type === '%') return '%';
      const argument = argumentAt(args, place === undefined ? next++ : Number(place) - 1, format);
      const spec: Spec = { flags, width: Number(width ?? 0), precision: precision === undefined ? undefined : Number(precision), type };
      if (type === 'I') {
        if (argument.text === null) throw new DbError('invalid_value', 'format: a name (%I) must not be NULL');
        return padded(quotedName(argument.text), spec);
      }
      if (type === 'L') return padded(argument.text === null ? 'NULL' : `'${argument.text.replaceAll("'", "''")}'`, spec);
      if (!'sdiuxXobeEfFgGc'.includes(type)) throw new DbError('invalid_value', `'${whole}' is no code of a format`);
      return argument.text === null ? '' : written(argument, spec, format);
    },
  );
}

/** Braces: {}, {0}, {:>10}, {:05.2f}, {:,d}; {{ and }} are braces. */
function braced(format: string, args: readonly Argument[]): string {
  let next = 0;
  return format.replace(
    /\{\{|\}\}|\{(\d*)(?::(?:(.)?([<>^]))?([+ ]?)(#?)(0?)(\d+)?(,?)(?:\.(\d+))?([a-zA-Z]?))?\}/g,
    (whole: string, ...parts: (string | undefined)[]) => {
      if (whole === '{{' || whole === '}}') return whole[0] as string;
      const [place = '', fill = ' ', align, sign = '', , zero = '', width, comma = '', precision, type = ''] = parts;
      const argument = argumentAt(args, place === '' ? next++ : Number(place), format);
      const isText = typeof argument.value === 'string';
      const code =
        type !== ''
          ? type
          : comma !== ''
            ? typeof argument.value === 'number'
              ? 'f'
              : 'd'
            : precision !== undefined && !isText
              ? 'f'
              : 's';
      const flags = `${sign}${comma}${zero}`;
      const asIs = {
        flags: align === undefined ? flags : flags.replace('0', ''),
        width: align === undefined && (zero !== '' || code !== 's') ? Number(width ?? 0) : 0,
      };
      const body = written(argument, { ...asIs, precision: precision === undefined ? undefined : Number(precision), type: code }, format);
      const missing = Math.max(0, Number(width ?? 0) - [...body].length);
      if (align === '^') return (fill ?? ' ').repeat(Math.floor(missing / 2)) + body + (fill ?? ' ').repeat(Math.ceil(missing / 2));
      return align === '>' ? (fill ?? ' ').repeat(missing) + body : body + (fill ?? ' ').repeat(missing);
    },
  );
}

function formatting(write: (format: string, args: readonly Argument[]) => string): ScalarFunction['resolve'] {
  return (args): Overload | undefined => {
    const [format] = args;
    if (!format || !text(format)) return undefined;
    const types = args.map((arg): DataType => arg.type);
    const evaluate = rowByRow(
      UTF8,
      ([pattern = null, ...values]) =>
        pattern === null
          ? null
          : write(
              String(pattern),
              values.map((value, i) => ({ value, text: valueToText(value, types[i + 1] ?? UTF8) })),
            ),
      'seen',
    );
    return { args: types.map((type, i) => (i === 0 || isText(type) ? UTF8 : type)), type: UTF8, evaluate };
  };
}

// ---- numbers by PostgreSQL's patterns ----

interface NumberPattern {
  readonly whole: string;
  readonly fraction: string;
  readonly fill: boolean;
  readonly sign: 'MI' | 'PL' | 'SG' | 'S' | 'PR' | '';
  readonly scientific: boolean;
  readonly rest: string;
}

function numberPattern(format: string): NumberPattern {
  const fill = /FM/i.test(format);
  const sign = (/MI|PL|SG|PR|S/i.exec(format)?.[0]?.toUpperCase() ?? '') as NumberPattern['sign'];
  const scientific = /EEEE/i.test(format);
  const digits = format
    .replace(/FM|MI|PL|SG|PR|S|EEEE|TH/gi, '')
    .replaceAll(/[dD]/g, '.')
    .replaceAll(/[gG]/g, ',');
  const [whole = '', fraction = ''] = digits.split('.');
  return {
    whole: whole.replace(/[^09,]/g, ''),
    fraction: fraction.replace(/[^09]/g, ''),
    fill,
    sign,
    scientific,
    rest: digits.replace(/[09.,]/g, ''),
  };
}

/** Digits rounded half away from zero, as text. */
function rounded(digits: string, places: number): string {
  const [whole = '0', fraction = ''] = digits.split('.');
  const kept = BigInt(whole + fraction.slice(0, places).padEnd(places, '0')) + ((fraction[places] ?? '0') >= '5' ? 1n : 0n);
  const text = String(kept).padStart(places + 1, '0');
  return places === 0 ? text : `${text.slice(0, -places)}.${text.slice(-places)}`;
}

function numberByPattern(source: string, format: string): string {
  const pattern = numberPattern(format);
  const negative = source.startsWith('-');
  const plain = source.replace('-', '').includes('e') ? Number(source.replace('-', '')).toFixed(20) : source.replace('-', '');
  if (pattern.scientific)
    return `${negative ? '-' : ' '}${Number(plain)
      .toExponential(pattern.fraction.length)
      .replace(/e([+-])(\d)$/, 'e$10$2')}`;
  const [whole = '0', fraction = ''] = rounded(plain, pattern.fraction.length).split('.');
  const places = pattern.whole.replaceAll(',', '').length;
  const shown = whole === '0' && !/0/.test(pattern.whole) && pattern.fraction !== '' ? '' : whole;
  if (shown.length > places)
    return `${negative ? '-' : pattern.fill ? '' : ' '}${pattern.whole.replace(/[09]/g, '#')}${pattern.fraction === '' ? '' : `.${'#'.repeat(pattern.fraction.length)}`}`;
  const zeros = pattern.whole.replaceAll(',', '').indexOf('0');
  const least = zeros < 0 ? shown.length : Math.max(shown.length, places - zeros);
  const body = withSeparators(shown.padStart(least, '0'), pattern.whole);
  const used = pattern.fill ? fraction.replace(new RegExp(`0{0,${trailingNines(pattern.fraction)}}$`), '') : fraction;
  const number = used === '' && pattern.fill && pattern.fraction === '' ? body : pattern.fraction === '' ? body : `${body}.${used}`;
  return signed(
    pattern.fill ? number : number.padStart(pattern.whole.length + (pattern.fraction === '' ? 0 : pattern.fraction.length + 1)),
    negative,
    pattern,
  );
}

const trailingNines = (fraction: string) => /9*$/.exec(fraction)?.[0].length ?? 0;

/** Digits from the right into the pattern's places. */
function withSeparators(digits: string, pattern: string): string {
  let out = '';
  let at = digits.length - 1;
  for (let i = pattern.length - 1; i >= 0 && at >= 0; i--) {
    if (pattern[i] === ',') out = `,${out}`;
    else out = `${digits[at--]}${out}`;
  }
  return out;
}

function signed(number: string, negative: boolean, { sign, fill }: NumberPattern): string {
  const [, space = '', digits = ''] = /^(\s*)(.*)$/.exec(number) ?? [];
  switch (sign) {
    case 'MI':
      return number + (negative ? '-' : fill ? '' : ' ');
    case 'PL':
      return (negative ? '-' : '+') + number;
    case 'S':
    case 'SG':
      return `${space}${negative ? '-' : '+'}${digits}`;
    case 'PR':
      return negative ? `${space}<${digits}>` : fill ? number : ` ${number} `;
    default:
      return negative ? `${space}-${digits}` : fill ? number : ` ${number}`;
  }
}

/** to_char(number, pattern). */
export function resolveNumberPattern(args: readonly ArgumentType[]): Overload | undefined {
  const [number, format] = args;
  if (args.length !== 2 || !number || !isNumeric(number.type) || !format || !text(format)) return undefined;
  const { type } = number;
  return {
    args: [type, UTF8],
    type: UTF8,
    evaluate: rowByRow(UTF8, ([value = null, pattern]) => numberByPattern(valueToText(value, type) ?? '', String(pattern))),
  };
}

const NUMBER = decimalType(38, 10);

/** The number that a text of the pattern says: separators, spaces and currency signs are passed over. */
function readNumber(source: string): bigint {
  const negative = /-|<.*>|\(.*\)/.test(source);
  const digits = source.replace(/[^0-9.]/g, '');
  const match = /^(\d*)(?:\.(\d*))?$/.exec(digits);
  if (!match || digits === '' || digits === '.') throw new DbError('invalid_value', `'${source}' is not a number`);
  const unscaled = BigInt((match[1] ?? '') + (match[2] ?? '').slice(0, 10).padEnd(10, '0'));
  return negative ? -unscaled : unscaled;
}

export const FORMATTING_FUNCTIONS: readonly ScalarFunction[] = [
  entry(
    'format',
    "format(text, …): with braces as in {}, {0}, {:>8}, {:05.2f}, {:,d}; or, where the text has no braces, with PostgreSQL's %s, %I (name), %L (literal) and %1$s.",
    [
      { sql: "format('{} of {}', 3, 'ten')", result: '3 of ten' },
      { sql: "format('Hello %s, %1$s; %I %L', 'World', 'a b', 'it''s')", result: "Hello World, World; \"a b\" 'it''s'" },
      { sql: "format('{:,d}|{:.2f}|{:>5}', 1234567, 1.005, 'x')", result: '1,234,567|1.00|    x' },
    ],
    formatting((format, args) => (/\{[^%]*\}/.test(format) ? braced(format, args) : printed(format, args))),
    { nulls: 'custom' },
  ),
  entry(
    'printf',
    "printf(text, …): C's codes %d %s %f %e %g %x %o %c.",
    [{ sql: "printf('%05.1f|%-4s|%+d|%x', 3.14159, 'ab', 7, 255)", result: '003.1|ab  |+7|ff' }],
    formatting(printed),
    { nulls: 'custom' },
  ),
  entry(
    'to_number',
    'to_number(text, pattern): the number in a text; separators and currency signs are passed over.',
    [{ sql: "to_number('12,454.8-', '99G999D9S')", result: '-12454.8000000000' }],
    [each([text, text], NUMBER, ([source]) => readNumber(String(source)))],
  ),
];
