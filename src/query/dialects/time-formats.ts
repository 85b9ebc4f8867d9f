/** Formats of times: the letters of a dialect → those of our strftime. */
import { untranslatable } from './tree.js';

/** The same in C, in our strftime and in all of the dialects. */
const SAME = new Set(['%Y', '%m', '%d', '%H', '%y', '%%', '%j']);

const MYSQL: Readonly<Record<string, string>> = {
  '%i': '%M',
  '%s': '%S',
  '%S': '%S',
  '%f': '%f',
  '%T': '%H:%M:%S',
  '%M': '%B',
  '%b': '%b',
  '%W': '%A',
  '%a': '%a',
  '%p': '%p',
  '%h': '%I',
  '%I': '%I',
  '%r': '%I:%M:%S %p',
};
const C: Readonly<Record<string, string>> = {
  '%M': '%M',
  '%S': '%S',
  '%F': '%Y-%m-%d',
  '%T': '%H:%M:%S',
  '%B': '%B',
  '%b': '%b',
  '%A': '%A',
  '%a': '%a',
  '%I': '%I',
  '%p': '%p',
};
const SQLITE: Readonly<Record<string, string>> = { '%M': '%M', '%S': '%S', '%F': '%Y-%m-%d', '%T': '%H:%M:%S' };
const FAMILIES = { mysql: MYSQL, c: C, sqlite: SQLITE } as const;

export function strftimeFormat(format: string, family: keyof typeof FAMILIES, position: number): string {
  return format.replace(/%./g, (letter) => {
    const own = FAMILIES[family][letter] ?? (SAME.has(letter) ? letter : undefined);
    if (own === undefined) throw untranslatable(`${letter} in a format of times`, position);
    return own;
  });
}
