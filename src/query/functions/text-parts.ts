/** Texts taken apart at delimiters, names taken apart, and bars drawn. Value by value. */
import type { Value } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { BOOL, UTF8 } from '../../core/types.js';
import type { ScalarFunction } from './contract.js';
import { entriesOf } from './entry.js';
import { float, integer, text } from './overloads.js';
import { type Compute, each, listOf } from './row-by-row.js';

const entry = entriesOf({ category: 'text' });

/** Before the n-th delimiter from the left, or behind the n-th from the right. */
const upToDelimiter: Compute = ([source, delimiter, count]) => {
  const [from, cut, n] = [String(source), String(delimiter), Number(count)];
  if (cut === '' || n === 0) return '';
  const parts = from.split(cut);
  return (n > 0 ? parts.slice(0, n) : parts.slice(Math.max(0, parts.length + n))).join(cut);
};

/** The parts of a name with points; a part in quotes keeps its case. Fails with `invalid_value`. */
const nameParts: Compute = ([source]) => {
  const parts: string[] = [];
  let rest = String(source).trim();
  for (;;) {
    const match = /^(?:"((?:[^"]|"")+)"|([\p{L}_][\p{L}\p{N}_$]*))\s*/u.exec(rest);
    if (!match) throw new DbError('invalid_value', `'${String(source)}' is no name`);
    parts.push(match[1] === undefined ? (match[2] ?? '').toLowerCase() : match[1].replaceAll('""', '"'));
    rest = rest.slice(match[0].length);
    if (rest === '') return parts;
    if (!rest.startsWith('.')) throw new DbError('invalid_value', `'${String(source)}' is no name`);
    rest = rest.slice(1).trimStart();
  }
};

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
const USUAL_WIDTH = 80;
const MAX_WIDTH = 1000;

const bar = ([value, low, high, width = USUAL_WIDTH]: readonly Value[]): Value => {
  const cells = Number(width);
  if (!(cells >= 1 && cells <= MAX_WIDTH))
    throw new DbError('invalid_argument', `a bar has between 1 and ${MAX_WIDTH} characters, not ${cells}`);
  const [x, from, to] = [Number(value), Number(low), Number(high)];
  if (!(to > from) || !Number.isFinite(to - from)) throw new DbError('invalid_argument', 'the end of a bar lies above its beginning');
  const share = Number.isNaN(x) ? 0 : Math.min(1, Math.max(0, (x - from) / (to - from)));
  const eighths = Math.floor(share * cells * 8 + 1e-9);
  const drawn = '█'.repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? '');
  return drawn.padEnd(cells, ' ');
};

export const TEXT_PART_FUNCTIONS: readonly ScalarFunction[] = [
  entry(
    'substring_index',
    'substring_index(text, delimiter, n): what stands before the n-th delimiter; with a negative n, behind the n-th from the end.',
    [
      { sql: "substring_index('www.example.org', '.', 2)", result: 'www.example' },
      { sql: "substring_index('www.example.org', '.', -1)", result: 'org' },
    ],
    [each([text, text, integer], UTF8, upToDelimiter)],
    { infallible: true },
  ),
  entry(
    'parse_ident',
    'The parts of a name; those without quotes in lower case.',
    [{ sql: `parse_ident('"Some".Table')`, result: '[Some, table]' }],
    [each([text], listOf(UTF8), nameParts)],
  ),
  entry(
    'unicode_assigned',
    'True when every character is assigned in Unicode.',
    [{ sql: "unicode_assigned('é日')", result: 'true' }],
    [each([text], BOOL, ([source]) => !/\p{Cn}/u.test(String(source)))],
    { infallible: true },
  ),
  entry(
    'pg_client_encoding',
    'The encoding of texts for clients: always UTF8.',
    [{ sql: 'pg_client_encoding()', result: 'UTF8' }],
    [each([], UTF8, () => 'UTF8')],
    { infallible: true },
  ),
  entry(
    'bar',
    'bar(x, low, high[, width = 80]): a bar of that many characters, filled as far as x lies between low and high.',
    [{ sql: "bar(7.3, 0, 20, 10) || '|'", result: '███▋      |' }],
    [each([float, float, float], UTF8, bar), each([float, float, float, integer], UTF8, bar)],
  ),
];
