/**
 * PostgreSQL's regular expressions as JavaScript ones. V8 is told to go over to its engine of linear time when a match backtracks too often;
 * that engine knows neither the flags u and i nor back-references, so patterns are compiled without those flags where that means the same.
 */
import { setFlagsFromString } from 'node:v8';
import { DbError } from '../../core/errors.js';
import { needWatchdog } from '../expression/watchdog.js';

setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');
// Only for the flag l, which tells what that engine can do.
setFlagsFromString('--enable-experimental-regexp-engine');

const MAX_KEPT = 500;
/** Texts that are short enough for any pattern. */
const HARMLESS_LENGTH = 20;
const compiled = new Map<string, Regex>();

/** A compiled pattern: for text of single UTF-16 units, and by code points for other text. */
export class Regex {
  private readonly units: RegExp;
  private readonly points: RegExp;
  /** The engine of linear time knows the pattern for single units. */
  private readonly isLinear: boolean;
  readonly groupNames: readonly string[];

  constructor(units: RegExp, points: RegExp, source: string) {
    this.units = units;
    this.points = points;
    this.isLinear = compiledBy(units.source, `${units.flags}l`) !== undefined;
    this.groupNames = [...source.matchAll(/\(\?<([A-Za-z_]\w*)>/g)].map((match) => match[1] ?? '');
  }

  /** With the flag g from the start; lastIndex is 0. Called by what rowByRow computes, which bounds the time of patterns that are not linear. */
  for(text: string): RegExp {
    const regex = /[\ud800-\udfff]/.test(text) ? this.points : this.units;
    if (text.length > HARMLESS_LENGTH && !(this.isLinear && regex === this.units)) needWatchdog();
    regex.lastIndex = 0;
    return regex;
  }

  test(text: string): boolean {
    return this.for(text).test(text);
  }

  /** The first match. */
  exec(text: string): RegExpExecArray | null {
    return this.for(text).exec(text);
  }

  /** Every match, when the flags hold g. */
  all(text: string): RegExpExecArray[] {
    return [...text.matchAll(this.for(text))];
  }
}

/** `flags` are JavaScript's. Fails with `invalid_value`. */
export function regexOf(source: string, flags: string): Regex {
  const key = `${flags}/${source}`;
  const known = compiled.get(key);
  if (known) return known;
  const { pattern, all } = embeddedOptions(translated(source), flags);
  const points = compiledBy(pattern, `${all}u`) ?? compiledBy(pattern, all);
  if (!points) throw new DbError('invalid_value', `'${source}' is not a regular expression`);
  const folded = all.includes('i') ? eitherCase(pattern) : pattern;
  const units = (folded === undefined ? undefined : compiledBy(folded, all.replace('i', ''))) ?? compiledBy(pattern, all) ?? points;
  // Escapes of code points and properties mean something only with the flag u.
  const regex = new Regex(/\\[pPu]/.test(pattern) ? points : units, points, pattern);
  if (compiled.size >= MAX_KEPT) compiled.clear();
  compiled.set(key, regex);
  return regex;
}

function compiledBy(pattern: string, flags: string): RegExp | undefined {
  try {
    return new RegExp(pattern, flags);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

const CLASSES: Readonly<Record<string, string>> = {
  alpha: 'A-Za-z',
  digit: '0-9',
  alnum: 'A-Za-z0-9',
  upper: 'A-Z',
  lower: 'a-z',
  space: '\\s',
  blank: ' \\t',
  xdigit: '0-9A-Fa-f',
  punct: '!-\\/:-@\\[-`{-~',
  word: '\\w',
};

/** Character classes [[:alpha:]], the word borders \y \m \M, the ends \A \Z, and (?P<name>…). */
function translated(source: string): string {
  return source
    .replace(/\[:(\w+):\]/g, (whole, name: string) => CLASSES[name] ?? whole)
    .replace(/\\\\|\\([ymM])/g, (whole, letter: string | undefined) => (letter === undefined ? whole : '\\b'))
    .replace(/\\\\|\\([AZz])/g, (whole, letter: string | undefined) => (letter === undefined ? whole : letter === 'A' ? '^' : '$'))
    .replaceAll('(?P<', '(?<');
}

/** `(?i)` and its like at the start. */
function embeddedOptions(source: string, flags: string): { readonly pattern: string; readonly all: string } {
  const match = /^\(\?([imnsc]+)\)/.exec(source);
  if (!match) return { pattern: source, all: flags };
  const more = flagsOf(match[1] ?? '');
  const all = [...new Set(more.includes('m') ? flags.replace('s', '') + more : flags + more)].join('');
  return { pattern: source.slice(match[0].length), all };
}

/** The pattern with both cases of each ASCII letter; undefined where that is not plain to see. */
function eitherCase(pattern: string): string | undefined {
  if (!/^[\x00-\x7f]*$/.test(pattern) || /\(\?|\\[^wWdDsSbB.\\()[\]{}+*?^$|/-]/.test(pattern)) return undefined;
  let inSet = false;
  let out = '';
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at] as string;
    if (character === '\\') out += character + (pattern[++at] ?? '');
    else if (inSet && pattern[at + 1] === '-' && pattern[at + 2] !== ']' && at + 2 < pattern.length) {
      const last = pattern[at + 2] as string;
      const letters = /^[a-z]{2}$|^[A-Z]{2}$/.test(character + last);
      if (!letters && /[A-Za-z]/.test(character + last)) return undefined;
      if (!letters && character < 'a' && last > 'A') return undefined;
      out += letters
        ? `${character.toLowerCase()}-${last.toLowerCase()}${character.toUpperCase()}-${last.toUpperCase()}`
        : `${character}-${last}`;
      at += 2;
    } else {
      if (character === '[') inSet = true;
      if (character === ']') inSet = false;
      const both = character.toLowerCase() + character.toUpperCase();
      out += !/[A-Za-z]/.test(character) ? character : inSet ? both : `[${both}]`;
    }
  }
  return out;
}

/** i ignore case, s dot matches newline, n/m lines have starts and ends, g all occurrences. */
export function flagsOf(options: string): string {
  let flags = 's';
  for (const option of options) {
    if (option === 'i') flags += 'i';
    else if (option === 'n' || option === 'm') flags = `${flags.replace('s', '')}m`;
    else if (option === 'g') flags += 'g';
    else if (option !== 'c' && option !== 's' && option !== 'l')
      throw new DbError('invalid_value', `'${option}' is no option of a regular expression`);
  }
  return [...new Set(flags)].join('');
}

/** A replacement with \1, \0 and \& as a function of the match: no other character is special. */
export function replacementOf(text: string): (match: readonly (string | undefined)[]) => string {
  if (!text.includes('\\')) return () => text;
  const parts = text.split(/(\\[0-9&\\])/);
  return (match) =>
    parts
      .map((part, i) => {
        if (i % 2 === 0) return part;
        if (part === '\\\\') return '\\';
        return match[part === '\\&' ? 0 : Number(part[1])] ?? '';
      })
      .join('');
}
