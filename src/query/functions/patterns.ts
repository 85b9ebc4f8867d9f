/** LIKE, SIMILAR TO, GLOB and regular expressions. LIKE runs in kernels; the others are JavaScript regular expressions, value by value. */
import { bitmapBytes, type Vector } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { BOOL, UTF8 } from '../../core/types.js';
import { valueAt } from '../../core/values.js';
import { boolVector } from '../expression/bitmaps.js';
import { compareVectors } from '../expression/compare.js';
import { constantVector } from '../expression/vector-values.js';
import type { EvaluationContext, FunctionExample, Overload, ScalarFunction } from './contract.js';
import { oneOf, text } from './overloads.js';
import { type Regex, regexOf } from './regular-expressions.js';
import { rowByRow } from './row-by-row.js';
import { flatText } from './text-operands.js';

// ---- LIKE ----

const ANY_CHARACTER = 256;
const ANY_RUN = 257;
const encoder = new TextEncoder();

/** The pattern as the kernel's tokens. */
function likeTokens(pattern: string, escaping: string): number[] {
  if ([...escaping].length > 1) throw new DbError('invalid_value', 'the escape of LIKE is one character or none');
  const tokens: number[] = [];
  let escaped = false;
  for (const character of pattern) {
    if (escaped) {
      tokens.push(...encoder.encode(character));
      escaped = false;
    } else if (character === escaping) escaped = true;
    else if (character === '_') tokens.push(ANY_CHARACTER);
    else if (character !== '%') tokens.push(...encoder.encode(character));
    else if (tokens.at(-1) !== ANY_RUN) tokens.push(ANY_RUN);
  }
  if (escaped) throw new DbError('invalid_value', 'a pattern of LIKE must not end with its escape character');
  return tokens;
}

/** The kernel of the simplest patterns: 'abc', 'abc%', '%abc', '%abc%'; undefined for others. */
function plainPattern(tokens: readonly number[]): { readonly bytes: Uint8Array; readonly match: 'equal' | 0 | 1 | 2 } | undefined {
  const runFirst = tokens[0] === ANY_RUN;
  const runLast = tokens.length > 1 && tokens.at(-1) === ANY_RUN;
  const middle = tokens.slice(runFirst ? 1 : 0, runLast ? -1 : undefined);
  if (middle.some((token) => token >= ANY_CHARACTER)) return undefined;
  const match = runFirst && runLast ? 2 : runFirst ? 1 : runLast ? 0 : 'equal';
  return { bytes: Uint8Array.from(middle), match };
}

const isAscii = (value: string) => /^[\x00-\x7f]*$/.test(value);

function likeBitmap(
  vector: Vector,
  pattern: string,
  escaping: string,
  fold: boolean,
  rowCount: number,
  context: EvaluationContext,
): number {
  const { kernels, scratch, arena } = context;
  const flat = flatText(vector, context);
  if (fold && (!isAscii(pattern) || kernels.is_ascii(flat.offsets, flat.values, rowCount) === 0)) {
    return regexBitmap(vector, likeRegex(pattern, escaping, true), rowCount, context);
  }
  const tokens = likeTokens(fold ? pattern.toLowerCase() : pattern, escaping);
  const plain = fold ? undefined : plainPattern(tokens);
  if (plain) {
    const needle = constantVector(new TextDecoder().decode(plain.bytes), UTF8, rowCount, context);
    if (plain.match === 'equal') return compareVectors('eq', flat, needle, rowCount, context);
    const out = scratch.allocate(bitmapBytes(rowCount));
    kernels.match_bytes(plain.match, flat.offsets, flat.values, 1, needle.offsets, needle.values, 0, rowCount, out);
    return out;
  }
  const address = scratch.allocate(2 * tokens.length);
  arena.u16.set(tokens, address / 2);
  const out = scratch.allocate(bitmapBytes(rowCount));
  kernels.like_bytes(flat.offsets, flat.values, rowCount, address, tokens.length, fold ? 1 : 0, out);
  return out;
}

function likeRegex(pattern: string, escaping: string, fold: boolean): Regex {
  let source = '';
  let escaped = false;
  for (const character of pattern) {
    if (!escaped && character === escaping) {
      escaped = true;
      continue;
    }
    source += !escaped && character === '%' ? '[^]*' : !escaped && character === '_' ? '[^]' : quoted(character);
    escaped = false;
  }
  return regexOf(`^${source}$`, fold ? 'i' : '');
}

function quoted(character: string): string {
  return character.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}

function like(name: string, fold: boolean, negated: boolean, doc: string, examples: readonly FunctionExample[]): ScalarFunction {
  const evaluate: Overload['evaluate'] = (context, [value, pattern, escapeArg], rowCount) => {
    const vector = value as Vector;
    const constant = constantText(pattern, rowCount, context);
    const escapeText = escapeArg ? constantText(escapeArg, rowCount, context) : '\\';
    const bitmap =
      constant !== undefined && escapeText !== undefined
        ? likeBitmap(vector, constant, escapeText, fold, rowCount, context)
        : matchRows(vector, pattern as Vector, rowCount, context, (source) => likeRegex(source, escapeText ?? '\\', fold));
    if (negated) context.kernels.bits_not(bitmap, rowCount, bitmap);
    return boolVector(bitmap, rowCount);
  };
  const resolve = oneOf({ params: [text, text], type: BOOL, evaluate }, { params: [text, text, text], type: BOOL, evaluate });
  return { name, category: 'operator', nulls: 'strict', doc, examples, resolve };
}

/** The text of a constant argument; undefined when it is a column. */
function constantText(vector: Vector | undefined, rowCount: number, context: EvaluationContext): string | undefined {
  if (!vector || (vector.encoding !== 'constant' && rowCount !== 1)) return undefined;
  const value = valueAt(context.arena, vector, 0);
  return typeof value === 'string' ? value : undefined;
}

// ---- regular expressions ----

function regexBitmap(vector: Vector, regex: Regex, rowCount: number, context: EvaluationContext): number {
  return rowByRow(BOOL, ([value]) => regex.test(String(value)))(context, [vector], rowCount, 0).values;
}

/** The pattern is a column too. */
function matchRows(
  vector: Vector,
  pattern: Vector,
  rowCount: number,
  context: EvaluationContext,
  compile: (source: string) => Regex,
): number {
  const match = rowByRow(BOOL, ([value, source]) => compile(String(source)).test(String(value)));
  return match(context, [vector, pattern], rowCount, 0).values;
}

function matcher(
  name: string,
  compile: (source: string) => Regex,
  doc: string,
  examples: readonly FunctionExample[],
  category: ScalarFunction['category'] = 'operator',
): ScalarFunction {
  const evaluate: Overload['evaluate'] = (context, [value, pattern], rowCount) => {
    const constant = constantText(pattern, rowCount, context);
    const vector = value as Vector;
    const bitmap =
      constant === undefined
        ? matchRows(vector, pattern as Vector, rowCount, context, compile)
        : regexBitmap(vector, compile(constant), rowCount, context);
    return boolVector(bitmap, rowCount);
  };
  return { name, category, nulls: 'strict', doc, examples, resolve: oneOf({ params: [text, text], type: BOOL, evaluate }) };
}

/** SQL's own pattern: % and _ as in LIKE, | * + ? {} () [] as in regular expressions. */
function similarRegex(pattern: string): Regex {
  let source = '';
  let escaped = false;
  for (const character of pattern) {
    if (escaped) source += character === '-' ? '\\-' : quoted(character);
    else if (character === '%') source += '[^]*';
    else if (character === '_') source += '[^]';
    else if (character !== '\\') source += '.^$/'.includes(character) ? `\\${character}` : character;
    escaped = !escaped && character === '\\';
  }
  return regexOf(`^(?:${source})$`, 's');
}

/** Shell patterns: * any run, ? one character, [...] a set. */
function globRegex(pattern: string): Regex {
  let source = '';
  let inSet = false;
  for (const character of pattern) {
    if (inSet) source += character === '!' && source.endsWith('[') ? '^' : character;
    else if (character === '*') source += '[^]*';
    else if (character === '?') source += '[^]';
    else source += character === '[' ? character : quoted(character);
    if (character === '[') inSet = true;
    else if (character === ']') inSet = false;
  }
  return regexOf(`^${source}$`, 's');
}

export const PATTERN_FUNCTIONS: readonly ScalarFunction[] = [
  like('like', false, false, 'a LIKE pattern [ESCAPE c]: % is any run of characters, _ one character.', [
    { sql: "'hello' LIKE 'h_ll%'", result: 'true' },
    { sql: "'50%' LIKE '50\\%'", result: 'true' },
    { sql: "'a_b' LIKE 'a!_b' ESCAPE '!'", result: 'true' },
  ]),
  like('ilike', true, false, 'As LIKE, whatever the case of letters.', [{ sql: "'HELLO' ILIKE 'h%O'", result: 'true' }]),
  like('not_like', false, true, 'a NOT LIKE pattern.', [{ sql: "'hello' NOT LIKE 'x%'", result: 'true' }]),
  like('not_ilike', true, true, 'a NOT ILIKE pattern.', [{ sql: "'HELLO' NOT ILIKE 'hello'", result: 'false' }]),
  matcher('similar_to', similarRegex, 'a SIMILAR TO pattern: the whole text matches; %, _ and regular expression operators.', [
    { sql: "'abc' SIMILAR TO '(a|b)%'", result: 'true' },
    { sql: "'a.c' SIMILAR TO 'a.b'", result: 'false' },
  ]),
  matcher('glob', globRegex, 'a GLOB pattern: *, ? and [...] as in a shell.', [{ sql: "'ab.csv' GLOB '*.csv'", result: 'true' }]),
  matcher('regexp_match', (source) => regexOf(source, 's'), 'a ~ pattern: a regular expression matches somewhere.', [
    { sql: "'hello' ~ 'l+'", result: 'true' },
  ]),
  matcher('regexp_imatch', (source) => regexOf(source, 'is'), 'a ~* pattern: the same, whatever the case of letters.', [
    { sql: "'HELLO' ~* 'l+'", result: 'true' },
  ]),
];
