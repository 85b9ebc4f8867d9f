/**
 * A dialect's text before the package reads it: cut into statements, strings masked, `?` named.
 *
 * The package unescapes strings differently from dialect to dialect and loses where they stood, so a string that holds quotes, backslashes,
 * control or private-use characters travels as a mask of the same length, made of private-use characters, and is decoded here.
 */
import { DbError } from '../../core/errors.js';
import type { Dialect } from './dialect.js';
import { decodeString } from './strings.js';
import { untranslatable } from './tree.js';

export interface ScannedStatement {
  /** Offset of the first character that is neither space nor comment. */
  readonly start: number;
  readonly end: number;
  /** What the package reads. */
  readonly masked: string;
  /** In upper case. */
  readonly firstWord: string;
  /** How often each word stands in it outside of strings and quoted names; in upper case. */
  readonly words: ReadonlyMap<string, number>;
  /** Offset in `masked` → offset in the whole text. */
  originalOffset(offset: number): number;
}

export interface ScannedText {
  readonly statements: readonly ScannedStatement[];
  /** A string's value as it was meant. */
  unmasked(value: string): string;
  /** Names that were quoted somewhere in the text. */
  readonly quotedNames: ReadonlySet<string>;
}

const FIRST_MASK = 0xe000;
const MASKS = 0x1700;
const SINGLE_MASK = 0xf780;
const PADDING = '\uf8ff';
const NEEDS_MASK = /['"`\\\u0000-\u001f\u007f\ue000-\uf8ff]/;
const WORD = /[A-Za-z_0-9@$\u0080-\ud7ff]/;
/** `?` number 3 is read as `:fletch_parameter_3`. */
export const PARAMETER_PREFIX = 'fletch_parameter_';

export function scanText(sql: string, dialect: Dialect): ScannedText {
  return new Scanner(sql, dialect).scan();
}

interface Part {
  readonly text: string;
  readonly offset: number;
}

class Scanner {
  private readonly sql: string;
  private readonly dialect: Dialect;
  private readonly values: string[] = [];
  private readonly quotedNames = new Set<string>();
  private readonly statements: ScannedStatement[] = [];
  private parts: Part[] = [];
  private words = new Map<string, number>();
  private at = 0;
  private parameters = 0;
  private afterString = false;

  constructor(sql: string, dialect: Dialect) {
    this.sql = sql;
    this.dialect = dialect;
  }

  scan(): ScannedText {
    while (this.at < this.sql.length) this.step();
    this.finish();
    const { values, statements, quotedNames } = this;
    return { statements, quotedNames, unmasked: (value) => unmask(value, values) };
  }

  private step(): void {
    const { sql, at, dialect } = this;
    const char = sql.charAt(at);
    const comment = this.commentEnd();
    if (comment > at) {
      this.put(' '.repeat(comment - at), comment);
      return;
    }
    if (/\s/.test(char)) {
      this.put(' ', at + 1);
      return;
    }
    if (char === "'" || (char === '"' && dialect.doubleQuote === 'string')) {
      this.string(char, false);
      return;
    }
    this.afterString = false;
    if (char === ';') {
      this.finish();
      this.at++;
    } else if (char === '"' || char === '`') this.quotedName(char);
    else if (char === '[' && dialect.brackets) this.quotedName(']');
    else if (char === '?') this.put(`:${PARAMETER_PREFIX}${++this.parameters}`, at + 1);
    else if (WORD.test(char)) this.word();
    else this.put(char, at + 1);
  }

  /** End of the comment that starts here, or the present place. */
  private commentEnd(): number {
    const { sql, at, dialect } = this;
    if (sql.startsWith('/*', at)) {
      if (/^\/\*[!+]/.test(sql.slice(at, at + 3))) throw untranslatable('a comment that is an instruction (/*! or /*+)', at);
      const end = sql.indexOf('*/', at + 2);
      if (end < 0) throw new DbError('syntax_error', 'a comment has no end', { position: at });
      return end + 2;
    }
    if (!['--', ...dialect.lineComments].some((start) => sql.startsWith(start, at))) return at;
    const end = sql.indexOf('\n', at);
    return end < 0 ? sql.length : end;
  }

  private string(quote: string, raw: boolean): void {
    const { sql, at, dialect } = this;
    if (this.afterString) throw untranslatable('two strings side by side', at, 'put them together with an operator');
    if (sql.startsWith(quote.repeat(3), at) && dialect.name === 'bigquery') throw untranslatable('a triple-quoted string', at);
    let end = at + 1;
    for (;;) {
      const char = sql.charAt(end);
      if (char === '') throw new DbError('syntax_error', 'a string has no end', { position: at });
      if (char === '\\' && dialect.backslash) end += 2;
      else if (char === quote && sql.charAt(end + 1) === quote) end += 2;
      else if (char === quote) break;
      else end++;
    }
    const inner = sql.slice(at + 1, end);
    const value = raw ? inner : decodeString(inner, quote, dialect, at + 1);
    this.put(NEEDS_MASK.test(inner) ? `${quote}${this.mask(value, inner.length, at)}${quote}` : sql.slice(at, end + 1), end + 1);
    this.afterString = true;
  }

  private mask(value: string, length: number, position: number): string {
    if (length === 1) {
      if (value.charCodeAt(0) > 0x7f) throw untranslatable('a private-use character alone in a string', position);
      return String.fromCharCode(SINGLE_MASK + value.charCodeAt(0));
    }
    const index = this.values.push(value) - 1;
    return String.fromCharCode(FIRST_MASK + Math.floor(index / MASKS), FIRST_MASK + (index % MASKS)) + PADDING.repeat(length - 2);
  }

  private quotedName(closing: string): void {
    const { sql, at } = this;
    const end = sql.indexOf(closing, at + 1);
    if (end < 0) throw new DbError('syntax_error', 'a quoted name has no end', { position: at });
    const name = sql.slice(at + 1, end);
    if (sql.charAt(end + 1) === closing || /[\\\r\n]/.test(name))
      throw untranslatable('a quoted name with quotes or backslashes in it', at);
    this.quotedNames.add(name);
    // The package reads SQLite's brackets no more than those of others; double quotes mean the same.
    const isBracket = closing === ']' && this.dialect.name === 'sqlite';
    this.put(isBracket ? `"${name}"` : sql.slice(at, end + 1), end + 1);
  }

  private word(): void {
    const { sql, at, dialect } = this;
    let end = at;
    while (end < sql.length && WORD.test(sql.charAt(end))) end++;
    const word = sql.slice(at, end);
    const isNumber = /^[0-9]/.test(word);
    if (isNumber && !/^\d+([eE]\d*)?$/.test(word) && !(dialect.hex && /^0x[0-9a-f]+$/i.test(word)))
      throw new DbError('syntax_error', `${word} is neither a number nor a name`, {
        position: at,
        hint: 'quote names that start with a digit',
      });
    const next = sql.charAt(end);
    if (!isNumber && (next === "'" || (next === '"' && dialect.doubleQuote === 'string'))) {
      if (this.prefixedString(word.toLowerCase(), end)) return;
    }
    const upper = word.toUpperCase();
    this.words.set(upper, (this.words.get(upper) ?? 0) + 1);
    this.put(word, end);
  }

  /** `N'…'` is a plain string, `r'…'` a raw one; other letters before a quote are refused, type names are none. */
  private prefixedString(prefix: string, quoteAt: number): boolean {
    const { at, dialect } = this;
    if (prefix === 'n' || (prefix === 'r' && dialect.name === 'bigquery')) {
      this.put(' '.repeat(quoteAt - at), quoteAt);
      this.string(this.sql.charAt(quoteAt), prefix === 'r');
      return true;
    }
    if ((prefix === 'x' && dialect.hex) || TYPE_WORDS.has(prefix)) return false;
    throw untranslatable(`a string with the prefix ${prefix}`, at);
  }

  private put(text: string, next: number): void {
    if (this.parts.length > 0 || text.trim() !== '') this.parts.push({ text, offset: this.at });
    this.at = next;
  }

  private finish(): void {
    const { parts, words } = this;
    const [first] = parts;
    this.parts = [];
    this.words = new Map();
    if (!first) return;
    const masked = parts.map((part) => part.text).join('');
    this.statements.push({
      start: first.offset,
      end: this.at,
      masked,
      firstWord: (/^[A-Za-z]+/.exec(masked)?.[0] ?? '').toUpperCase(),
      words,
      originalOffset: (offset) => originalOffset(parts, offset),
    });
  }
}

const TYPE_WORDS = new Set([
  'date',
  'time',
  'timestamp',
  'datetime',
  'interval',
  'like',
  'in',
  'and',
  'or',
  'then',
  'else',
  'when',
  'as',
  'escape',
]);

function originalOffset(parts: readonly Part[], offset: number): number {
  let masked = 0;
  for (const part of parts) {
    if (masked + part.text.length > offset) return part.offset + Math.min(offset - masked, part.text.length);
    masked += part.text.length;
  }
  const last = parts.at(-1);
  return last ? last.offset + last.text.length : 0;
}

function unmask(value: string, values: readonly string[]): string {
  const first = value.charCodeAt(0);
  if (!(first >= FIRST_MASK && first <= 0xf8ff)) return value;
  if (value.length === 1) return String.fromCharCode(first - SINGLE_MASK);
  return values[(first - FIRST_MASK) * MASKS + value.charCodeAt(1) - FIRST_MASK] ?? value;
}
