/** Patterns of file names: `*` and `?` inside a part, `[a-z]`, `{a,b}`, and `**` for any number of folders. */
import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DbError } from '../../core/errors.js';

/** Files that a pattern may stand for. */
const MOST_MATCHES = 10_000;

export function isPattern(path: string): boolean {
  return /[*?[{]/.test(path);
}

/** The files that a pattern stands for, in the order of their names. Fails with `not_found` when there is none. */
export async function expandPattern(pattern: string): Promise<readonly string[]> {
  // A file may be called so.
  if (await isFile(pattern)) return [pattern];
  const found = new Set<string>();
  for (const plain of alternatives(pattern)) {
    const isAbsolute = plain.startsWith('/');
    await match(
      isAbsolute ? '/' : '',
      plain.split('/').filter((part) => part !== ''),
      found,
    );
  }
  if (found.size === 0) throw new DbError('not_found', `no file matches ${pattern}`);
  return [...found].sort();
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(absent))?.isFile() === true;
}

/** What is not there, or may not be looked into, holds no files. */
function absent(error: NodeJS.ErrnoException): null {
  if (['ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP', 'ENAMETOOLONG'].includes(error.code ?? '')) return null;
  throw new DbError('io_error', error.message, { cause: error });
}

async function match(folder: string, parts: readonly string[], found: Set<string>): Promise<void> {
  const [part, ...rest] = parts;
  if (part === undefined) return;
  if (part === '**') {
    await match(folder, rest.length === 0 ? ['*'] : rest, found);
    for (const entry of await entriesOf(folder)) if (entry.isDirectory()) await match(join(folder, entry.name), parts, found);
    return;
  }
  if (!isPattern(part)) {
    await descend(join(folder, part), rest, found);
    return;
  }
  const expression = expressionOf(part);
  for (const entry of await entriesOf(folder)) {
    const hidden = entry.name.startsWith('.') && !part.startsWith('.');
    if (!hidden && expression.test(entry.name)) await descend(join(folder, entry.name), rest, found);
  }
}

async function descend(path: string, rest: readonly string[], found: Set<string>): Promise<void> {
  if (rest.length > 0) {
    await match(path, rest, found);
    return;
  }
  if (!(await isFile(path))) return;
  found.add(path);
  if (found.size > MOST_MATCHES) throw new DbError('unsupported', `a pattern stands for at most ${MOST_MATCHES} files`);
}

async function entriesOf(folder: string): Promise<readonly Dirent[]> {
  return (await readdir(folder === '' ? '.' : folder, { withFileTypes: true }).catch(absent)) ?? [];
}

/** `a{b,c}` as ab and ac. */
function alternatives(pattern: string): readonly string[] {
  const found = /^(.*?)\{([^{}]*)\}(.*)$/s.exec(pattern);
  if (!found) return [pattern];
  const [, before = '', inside = '', after = ''] = found;
  return inside.split(',').flatMap((choice) => alternatives(`${before}${choice}${after}`));
}

function expressionOf(part: string): RegExp {
  const source = part.replaceAll(/\*+|\?|\[(!?)([^\]]+)\]|[\s\S]/g, (token, negated: string | undefined, set: string | undefined) => {
    if (token.startsWith('*')) return '[^/]*';
    if (token === '?') return '[^/]';
    if (set !== undefined) return `[${negated ? '^' : ''}${set.replaceAll(/[\\\]^]/g, '\\$&')}]`;
    return token.replace(/[.*+?^${}()|[\]\\/]/, '\\$&');
  });
  return new RegExp(`^${source}$`, 's');
}
