/** regexp_… functions: replaced, extracted, counted, split. Patterns and options may differ from row to row; they are compiled once each. */
import type { Value } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { BOOL, type DataType, INT64, UTF8 } from '../../core/types.js';
import type { ArgumentType, Overload, ScalarFunction } from './contract.js';
import { entriesOf } from './entry.js';
import { integer, type Signature, text } from './overloads.js';
import { flagsOf, type Regex, regexOf, replacementOf } from './regular-expressions.js';
import { type Compute, each, listOf, rowByRow } from './row-by-row.js';

const entry = entriesOf({ category: 'text' });

function regex(pattern: Value | undefined, options: Value | undefined = '', more = ''): Regex {
  const flags = flagsOf(String(options).replaceAll('g', '') + more);
  return regexOf(String(pattern), flags);
}

/** f(text, pattern) and f(text, pattern, options). */
function matching(type: DataType, compute: (source: string, found: Regex) => Value, more = ''): Signature[] {
  const evaluate: Compute = ([source, pattern, options]) => compute(String(source), regex(pattern, options, more));
  return [each([text, text], type, evaluate), each([text, text, text], type, evaluate)];
}

const replaced: Compute = ([source, pattern, replacement, options = '']) => {
  const found = regex(pattern, options, String(options).includes('g') ? 'g' : '');
  const write = replacementOf(String(replacement));
  const from = String(source);
  return from.replace(found.for(from), (...match: unknown[]) => write(match as string[]));
};

/** regexp_replace(text, pattern, replacement, start, n[, options]): the n-th match from a place; n = 0 means all. */
const replacedNth: Compute = ([source, pattern, replacement, start = 1n, nth = 0n, options = '']) => {
  const from = [...String(source)];
  const head = from.slice(0, Math.max(0, Number(start) - 1)).join('');
  const tail = from.slice(Math.max(0, Number(start) - 1)).join('');
  const write = replacementOf(String(replacement));
  let count = 0;
  const result = tail.replace(regex(pattern, options, 'g').for(tail), (...match: unknown[]) => {
    count += 1;
    return nth === 0n || BigInt(count) === nth ? write(match as string[]) : String(match[0]);
  });
  return head + result;
};

function groupOf(match: RegExpExecArray | null, group: Value | undefined): string {
  return match?.[Number(group ?? 0)] ?? '';
}

function resolveExtract(args: readonly ArgumentType[]): Overload | undefined {
  const [source, pattern, group, options] = args;
  if (!source || !pattern || !text(source) || !text(pattern) || args.length > 4 || (options && !text(options))) return undefined;
  if (group && !integer(group)) return undefined;
  const evaluate = rowByRow(UTF8, ([from, found, index, flags]) => groupOf(regex(found, flags).exec(String(from)), index));
  return { args: [UTF8, UTF8, ...(group ? [INT64] : []), ...(options ? [UTF8] : [])], type: UTF8, evaluate };
}

const extractedAll: Compute = ([source, pattern, group, options]) =>
  regex(pattern, options, 'g')
    .all(String(source))
    .map((match) => groupOf(match, group));

function split(source: string, found: Regex): Value {
  const parts: string[] = [];
  let from = 0;
  for (const match of found.all(source)) {
    if (match[0] === '' && (match.index === 0 || match.index === source.length)) continue;
    parts.push(source.slice(from, match.index));
    from = match.index + match[0].length;
  }
  return [...parts, source.slice(from)];
}

/** The n-th match from a place, and where it begins (in characters). */
function nthMatch(
  source: Value | undefined,
  pattern: Value | undefined,
  start: Value | undefined,
  nth: Value | undefined,
  options: Value | undefined,
) {
  const characters = [...String(source)];
  const skipped = Math.max(0, Number(start ?? 1n) - 1);
  const tail = characters.slice(skipped).join('');
  const match = regex(pattern, options, 'g').all(tail)[Number(nth ?? 1n) - 1];
  return match && { match, place: skipped + [...tail.slice(0, match.index)].length + 1 };
}

const located: Compute = ([source, pattern, start, nth, end, options]) => {
  const found = nthMatch(source, pattern, start, nth, options);
  if (!found) return 0n;
  return BigInt(found.place + (end === 1n ? [...found.match[0]].length : 0));
};

/** PostgreSQL's substring(text FROM pattern): the first group when there is one, else the match. */
export const substringByPattern: Compute = ([source, pattern]) => {
  const match = regex(pattern).exec(String(source));
  return match ? (match.length > 1 ? (match[1] ?? null) : match[0]) : null;
};

/** SQL's substring(text FROM pattern FOR escape): what stands between the two escaped quotes. */
export const substringSimilar: Compute = ([source, pattern, escaping]) => {
  const parts = String(pattern).split(`${String(escaping)}"`);
  if (parts.length !== 3)
    throw new DbError('invalid_value', 'substring: the pattern has two marks of escape and double quote', {
      hint: "write '%#\"b%#\"%' FOR '#'",
    });
  const [before = '', middle = '', after = ''] = parts.map((part) => part.replace(/%/g, '.*').replace(/_/g, '.'));
  return regexOf(`^(?:${before})(${middle})(?:${after})$`, 's').exec(String(source))?.[1] ?? null;
};

export const REGULAR_FUNCTIONS: readonly ScalarFunction[] = [
  entry(
    'regexp_matches',
    'True when a regular expression matches somewhere; options i (ignore case), s, n (lines have starts and ends).',
    [
      { sql: "regexp_matches('abc', 'B', 'i')", result: 'true' },
      { sql: "regexp_matches('abc', '(?i)^B')", result: 'false' },
    ],
    matching(BOOL, (source, found) => found.test(source)),
    ['regexp_like'],
  ),
  entry(
    'regexp_full_match',
    'True when a regular expression matches the whole text.',
    [{ sql: "regexp_full_match('abc', 'a.c')", result: 'true' }],
    [
      each([text, text], BOOL, ([source, pattern]) => regexOf(`^(?:${String(pattern)})$`, 's').test(String(source))),
      each([text, text, text], BOOL, ([source, pattern, options]) =>
        regexOf(`^(?:${String(pattern)})$`, flagsOf(String(options).replaceAll('g', ''))).test(String(source)),
      ),
    ],
  ),
  entry(
    'regexp_replace',
    'regexp_replace(text, pattern, replacement[, options]): the first match (all with option g) becomes the replacement; \\1 is the first group, \\& the match. With numbers: (text, pattern, replacement, start, n[, options]), n = 0 for all.',
    [
      { sql: "regexp_replace('a1b22', '\\d+', '#')", result: 'a#b22' },
      { sql: "regexp_replace('a1b22', '(\\d+)', '<\\1>', 'g')", result: 'a<1>b<22>' },
      { sql: "regexp_replace('aXbX', 'x', '-', 1, 2, 'i')", result: 'aXb-' },
    ],
    [
      each([text, text, text], UTF8, replaced),
      each([text, text, text, text], UTF8, replaced),
      each([text, text, text, integer], UTF8, replacedNth),
      each([text, text, text, integer, integer], UTF8, replacedNth),
      each([text, text, text, integer, integer, text], UTF8, replacedNth),
    ],
  ),
  entry(
    'regexp_extract',
    'The first match, or a group of it; an empty text when nothing matches. A list of names instead of a group gives the first groups as a struct. Options as in regexp_matches.',
    [
      { sql: "regexp_extract('2026-01-31', '(\\d+)-(\\d+)', ['year', 'month'])", result: "{'year': 2026, 'month': 01}" },
      { sql: "regexp_extract('ab12', '[0-9]+')", result: '12' },
      { sql: "regexp_extract('ab12', '([a-z]+)(\\d+)', 2)", result: '12' },
    ],
    resolveExtract,
  ),
  entry(
    'regexp_extract_all',
    'All matches, or a group of each, as a list.',
    [{ sql: "regexp_extract_all('a1b22', '\\d+')", result: '[1, 22]' }],
    [
      each([text, text], listOf(UTF8), extractedAll),
      each([text, text, integer], listOf(UTF8), extractedAll),
      each([text, text, integer, text], listOf(UTF8), extractedAll),
    ],
  ),
  entry(
    'regexp_split_to_array',
    'The parts of a text between matches.',
    [{ sql: "regexp_split_to_array('a, b;c', '[,;]\\s*')", result: '[a, b, c]' }],
    matching(listOf(UTF8), split, 'g'),
    ['string_split_regex', 'str_split_regex'],
  ),
  entry(
    'regexp_count',
    'How often a regular expression matches, from a place on.',
    [{ sql: "regexp_count('banana', 'an')", result: '2' }],
    [
      each([text, text], INT64, ([source, pattern]) => BigInt(regex(pattern, '', 'g').all(String(source)).length)),
      each([text, text, integer], INT64, ([source, pattern, start]) =>
        BigInt(regex(pattern, '', 'g').all([...String(source)].slice(Number(start) - 1).join('')).length),
      ),
      each([text, text, integer, text], INT64, ([source, pattern, start, options]) =>
        BigInt(regex(pattern, options, 'g').all([...String(source)].slice(Number(start) - 1).join('')).length),
      ),
    ],
  ),
  entry(
    'regexp_substr',
    'regexp_substr(text, pattern[, start[, n[, options[, group]]]]): the n-th match, or NULL.',
    [
      { sql: "regexp_substr('a1b22', '\\d+', 1, 2)", result: '22' },
      { sql: "regexp_substr('abc', 'x')", result: 'NULL' },
    ],
    [2, 3, 4, 5, 6].map((count) =>
      each([text, text, integer, integer, text, integer].slice(0, count), UTF8, ([source, pattern, start, nth, options, group]) => {
        const found = nthMatch(source, pattern, start, nth, options);
        return found ? (found.match[Number(group ?? 0n)] ?? null) : null;
      }),
    ),
  ),
  entry(
    'regexp_instr',
    'regexp_instr(text, pattern[, start[, n[, end[, options]]]]): where the n-th match begins (ends, when end is 1), from 1; 0 when there is none.',
    [{ sql: "regexp_instr('abcabc', 'c', 1, 2)", result: '6' }],
    [2, 3, 4, 5, 6].map((count) => each([text, text, integer, integer, integer, text].slice(0, count), INT64, located)),
  ),
  entry(
    'regexp_escape',
    'The text as a pattern that matches it.',
    [{ sql: "regexp_escape('a.b')", result: 'a\\.b' }],
    [each([text], UTF8, ([source]) => String(source).replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'))],
  ),
];
