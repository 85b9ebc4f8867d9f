/** The value of a string as a dialect writes it: doubled quotes, and backslash escapes where they are some. */
import { untranslatable } from './tree.js';

const ESCAPES: Readonly<Record<string, string>> = { '0': '\0', b: '\b', n: '\n', r: '\r', t: '\t' };
const BIGQUERY_ESCAPES: Readonly<Record<string, string>> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

/** `inner`: what stands between the quotes; `position`: where it starts. */
export function decodeString(
  inner: string,
  quote: string,
  dialect: { readonly name: string; readonly backslash: boolean },
  position: number,
): string {
  if (!dialect.backslash) return inner.replaceAll(quote + quote, quote);
  const escapes = dialect.name === 'bigquery' ? BIGQUERY_ESCAPES : ESCAPES;
  return inner.replace(/\\([\s\S])|''|""/g, (match: string, escaped: string | undefined, offset: number) => {
    if (escaped === undefined) return match.startsWith(quote) ? quote : match;
    if (dialect.name.startsWith('m')) return mysqlEscape(escaped);
    const known = escapes[escaped];
    if (known !== undefined) return known;
    if (/[A-Za-z0-9]/.test(escaped)) throw untranslatable(`the escape \\${escaped} in a string`, position + offset);
    return escaped;
  });
}

/** `\%` and `\_` keep their backslash, for LIKE; before any other character it is dropped. */
function mysqlEscape(escaped: string): string {
  if (escaped === '%' || escaped === '_') return `\\${escaped}`;
  return ESCAPES[escaped] ?? (escaped === 'Z' ? '\x1a' : escaped);
}
