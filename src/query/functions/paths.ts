/** Names of files in parts. Both kinds of slash separate. */
import { UTF8 } from '../../core/types.js';
import type { ScalarFunction } from './contract.js';
import { entriesOf } from './entry.js';
import { text } from './overloads.js';
import { each, listOf } from './row-by-row.js';

const entry = entriesOf({ category: 'text', infallible: true });

const SLASH = /[/\\]/;

const partsOf = (path: string): readonly string[] => path.split(SLASH).filter((part) => part !== '');

function fileName(path: string): string {
  return path.split(SLASH).at(-1) ?? '';
}

function folder(path: string): string {
  const end = Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\'));
  return end < 0 ? '' : path.slice(0, Math.max(end, 1));
}

function joinedPath(parts: readonly string[]): string {
  let path = '';
  for (const part of parts) {
    if (part === '') continue;
    if (/^[/\\]/.test(part) || path === '') path = part;
    else path += SLASH.test(path.at(-1) ?? '') ? part : `/${part}`;
  }
  return path;
}

export const PATH_FUNCTIONS: readonly ScalarFunction[] = [
  entry(
    'parse_filename',
    'The last part of a path; with true as second argument without what follows its last point.',
    [
      { sql: "parse_filename('data/trades.csv')", result: 'trades.csv' },
      { sql: "parse_filename('data/trades.csv', true)", result: 'trades' },
    ],
    [
      each([text], UTF8, ([path]) => fileName(String(path))),
      each([text, (arg) => (arg.type.kind === 'bool' ? arg.type : undefined)], UTF8, ([path, bare]) => {
        const name = fileName(String(path));
        return bare === true && name.lastIndexOf('.') > 0 ? name.slice(0, name.lastIndexOf('.')) : name;
      }),
    ],
  ),
  entry(
    'parse_dirpath',
    'The path without its last part.',
    [{ sql: "parse_dirpath('a/b/c.csv')", result: 'a/b' }],
    [each([text], UTF8, ([path]) => folder(String(path)))],
  ),
  entry(
    'parse_dirname',
    'The first part of a path that has several; else an empty text.',
    [{ sql: "parse_dirname('a/b/c.csv')", result: 'a' }],
    [each([text], UTF8, ([path]) => (SLASH.test(String(path)) ? (partsOf(String(path))[0] ?? '') : ''))],
  ),
  entry(
    'parse_path',
    'The parts of a path as a list.',
    [{ sql: "parse_path('a/b/c.csv')", result: '[a, b, c.csv]' }],
    [each([text], listOf(UTF8), ([path]) => [...(String(path).startsWith('/') ? ['/'] : []), ...partsOf(String(path))])],
  ),
  entry(
    'path_join',
    'Parts joined to a path; one that begins with a slash starts anew.',
    [{ sql: "path_join('a', 'b', 'c.csv')", result: 'a/b/c.csv' }],
    [each([text], UTF8, (parts) => joinedPath(parts.map(String)), text)],
  ),
];
