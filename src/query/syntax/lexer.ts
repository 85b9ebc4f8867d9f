/**
 * Text → tokens in three parallel arrays: kind, start and end offset. Nothing is decoded here; the parser slices the few tokens
 * whose text it needs. Comments (`--` and nested block comments) and white space leave no token.
 */
import { DbError } from '../../core/errors.js';
import { findKeyword, hashStep } from './keywords.js';
import { SPELLINGS, T } from './token-kind.js';

export interface Tokens {
  readonly kinds: Uint16Array;
  /** Offset of the first character. */
  readonly starts: Int32Array;
  /** Offset after the last character. */
  readonly ends: Int32Array;
  /** Tokens before the final eof token, which stands at this index. */
  readonly count: number;
}

/** The answer is valid until the next call: short statements share one set of arrays. */
export function tokenize(text: string): Tokens {
  return new Lexer(text).run();
}

const START = 1;
const PART = 2;
const DIGIT = 4;
const SPACE = 8;

const CLASSES = buildClasses();

function buildClasses(): Uint8Array {
  const classes = new Uint8Array(128);
  for (let code = 48; code <= 57; code++) classes[code] = DIGIT | PART;
  for (let code = 65; code <= 90; code++) classes[code] = classes[code + 32] = START | PART;
  classes[95] = START | PART;
  classes[36] = PART;
  for (const code of [9, 10, 11, 12, 13, 32]) classes[code] = SPACE;
  return classes;
}

function classOf(code: number): number {
  if (!(code >= 128)) return CLASSES[code] ?? 0;
  if (code === 0xa0 || code === 0xfeff || code === 0x3000 || code === 0x2028 || code === 0x2029 || (code >= 0x2000 && code <= 0x200b))
    return SPACE;
  return START | PART;
}

/** Fixed tokens by first character, longest first. */
const BY_FIRST_CODE: readonly (readonly { readonly rest: string; readonly kind: number }[] | undefined)[] = (() => {
  const table: { rest: string; kind: number }[][] = [];
  for (const [spelling, kind] of SPELLINGS) {
    (table[spelling.charCodeAt(0)] ??= []).push({ rest: spelling.slice(1), kind });
  }
  for (const candidates of table) candidates?.sort((a, b) => b.rest.length - a.rest.length);
  return table;
})();

const SHARED_TOKENS = 16 * 1024;
const sharedKinds = new Uint16Array(SHARED_TOKENS);
const sharedStarts = new Int32Array(SHARED_TOKENS);
const sharedEnds = new Int32Array(SHARED_TOKENS);

class Lexer {
  private readonly text: string;
  private readonly length: number;
  private kinds = sharedKinds;
  private starts = sharedStarts;
  private ends = sharedEnds;
  private count = 0;

  constructor(text: string) {
    this.text = text;
    this.length = text.length;
  }

  run(): Tokens {
    let position = 0;
    while (position < this.length) {
      const code = this.text.charCodeAt(position);
      const kindOfCode = classOf(code);
      if (kindOfCode === SPACE) position++;
      else if (kindOfCode & START) position = this.word(position, code);
      else if (kindOfCode & DIGIT) position = this.number(position);
      else position = this.symbol(position, code);
    }
    this.push(T.eof, this.length, this.length);
    return { kinds: this.kinds, starts: this.starts, ends: this.ends, count: this.count - 1 };
  }

  private push(kind: number, start: number, end: number): number {
    if (this.count === this.kinds.length) this.grow();
    this.kinds[this.count] = kind;
    this.starts[this.count] = start;
    this.ends[this.count++] = end;
    return end;
  }

  private grow(): void {
    const capacity = this.kinds.length * 2;
    const kinds = new Uint16Array(capacity);
    const starts = new Int32Array(capacity);
    const ends = new Int32Array(capacity);
    kinds.set(this.kinds);
    starts.set(this.starts);
    ends.set(this.ends);
    this.kinds = kinds;
    this.starts = starts;
    this.ends = ends;
  }

  private word(start: number, firstCode: number): number {
    const { text, length } = this;
    if (text.charCodeAt(start + 1) === 39) {
      if (firstCode === 69 || firstCode === 101) return this.escapeString(start);
      if (firstCode === 88 || firstCode === 120) return this.push(T.blob, start, this.closing(start + 1, "'", 'blob literal'));
    }
    if ((firstCode === 85 || firstCode === 117) && text.charCodeAt(start + 1) === 38) {
      const quote = text.charCodeAt(start + 2);
      if (quote === 39) return this.push(T.unicodeString, start, this.closing(start + 2, "'", 'string'));
      if (quote === 34) return this.push(T.unicodeIdentifier, start, this.closing(start + 2, '"', 'quoted identifier'));
    }
    let hash = 0;
    let isAscii = true;
    let end = start;
    for (; end < length; end++) {
      const code = text.charCodeAt(end);
      if (code < 128) {
        if (((CLASSES[code] as number) & PART) === 0) break;
        hash = hashStep(hash, code >= 65 && code <= 90 ? code | 32 : code);
      } else if (classOf(code) & PART) isAscii = false;
      else break;
    }
    const keyword = isAscii ? findKeyword(text, start, end, hash) : 0;
    return this.push(keyword === 0 ? T.identifier : keyword, start, end);
  }

  /** `123`, `1_000`, `1.5`, `.5`, `1e-3`, `0xff`, and durations: digits directly followed by a unit. */
  private number(start: number): number {
    const { text } = this;
    if (text.charCodeAt(start) === 48) {
      const radix = text.charCodeAt(start + 1) | 32;
      if (radix === 120 || radix === 111 || radix === 98) return this.radixInteger(start);
    }
    let end = this.digits(start);
    let kind: number = T.integer;
    if (text.charCodeAt(end) === 46 && text.charCodeAt(end + 1) !== 46) {
      kind = T.decimal;
      end = this.digits(end + 1);
    }
    if ((text.charCodeAt(end) | 32) === 101) {
      const sign = text.charCodeAt(end + 1);
      const digitsStart = sign === 43 || sign === 45 ? end + 2 : end + 1;
      if (classOf(text.charCodeAt(digitsStart)) & DIGIT) {
        kind = T.decimal;
        end = this.digits(digitsStart);
      }
    }
    if (end >= this.length || (classOf(text.charCodeAt(end)) & START) === 0) return this.push(kind, start, end);
    return this.duration(start, end, kind);
  }

  private duration(start: number, digitsEnd: number, kind: number): number {
    let end = digitsEnd;
    while (end < this.length && classOf(this.text.charCodeAt(end)) & PART) end++;
    if (kind === T.integer) return this.push(T.duration, start, end);
    throw new DbError('syntax_error', `"${this.text.slice(start, Math.min(end, start + 40))}" is neither a number nor a duration`, {
      position: start,
      hint: 'a duration is made of whole numbers and units, such as 90s, 1h30m or 250ms',
    });
  }

  private radixInteger(start: number): number {
    let end = start + 2;
    while (end < this.length && classOf(this.text.charCodeAt(end)) & PART) end++;
    const digits = this.text.slice(start + 2, end);
    const radix = this.text.charCodeAt(start + 1) | 32;
    const pattern = radix === 120 ? /^_?[0-9a-f]+(?:_[0-9a-f]+)*$/i : radix === 111 ? /^_?[0-7]+(?:_[0-7]+)*$/ : /^_?[01]+(?:_[01]+)*$/;
    if (!pattern.test(digits)) throw new DbError('syntax_error', `"${this.text.slice(start, end)}" is not a number`, { position: start });
    return this.push(T.radixInteger, start, end);
  }

  /** End of a run of digits and single underscores between digits. */
  private digits(start: number): number {
    const { text } = this;
    let end = start;
    for (;;) {
      const code = text.charCodeAt(end);
      if (code >= 48 && code <= 57) end++;
      else if (code === 95 && end > start && classOf(text.charCodeAt(end + 1)) & DIGIT) end++;
      else return end;
    }
  }

  private symbol(position: number, code: number): number {
    const { text } = this;
    switch (code) {
      case 39:
        return this.push(T.string, position, this.closing(position, "'", 'string'));
      case 34:
        return this.quotedIdentifier(position, '"');
      case 96:
        return this.quotedIdentifier(position, '`');
      case 36:
        return this.dollar(position);
      case 45:
        if (text.charCodeAt(position + 1) === 45) return this.lineComment(position);
        break;
      case 47:
        if (text.charCodeAt(position + 1) === 42) return this.comment(position);
        break;
      case 46:
        if (classOf(text.charCodeAt(position + 1)) & DIGIT && !this.followsName(position)) return this.number(position);
        break;
      default:
    }
    for (const { rest, kind } of BY_FIRST_CODE[code] ?? []) {
      if (rest === '' || text.startsWith(rest, position + 1)) return this.push(kind, position, position + 1 + rest.length);
    }
    throw new DbError('syntax_error', `unexpected character ${JSON.stringify(String.fromCodePoint(text.codePointAt(position) ?? 0))}`, {
      position,
    });
  }

  /** Whether the dot at `position` stands directly after a name or a closing bracket: then it is no decimal point. */
  private followsName(position: number): boolean {
    if (this.count === 0 || this.ends[this.count - 1] !== position) return false;
    const kind = this.kinds[this.count - 1] as number;
    return kind <= T.unicodeIdentifier || kind >= 128 || kind === T.rightParenthesis || kind === T.rightBracket;
  }

  private quotedIdentifier(position: number, quote: string): number {
    const end = this.closing(position, quote, 'quoted identifier');
    if (end === position + 2) throw new DbError('syntax_error', 'a quoted identifier cannot be empty', { position });
    return this.push(T.quotedIdentifier, position, end);
  }

  /** Offset after the quote that closes the one at `open`; a doubled quote is part of the text. */
  private closing(open: number, quote: string, what: string): number {
    let position = open + 1;
    for (;;) {
      const found = this.text.indexOf(quote, position);
      if (found === -1) throw unterminated(what, open);
      if (this.text.charCodeAt(found + 1) !== quote.charCodeAt(0)) return found + 1;
      position = found + 2;
    }
  }

  private escapeString(start: number): number {
    const { text, length } = this;
    for (let position = start + 2; position < length; position++) {
      const code = text.charCodeAt(position);
      if (code === 92) position++;
      else if (code === 39) {
        if (text.charCodeAt(position + 1) !== 39) return this.push(T.escapeString, start, position + 1);
        position++;
      }
    }
    throw unterminated('string', start);
  }

  /** `$1`, `$name`, `$$ … $$`, `$tag$ … $tag$`. */
  private dollar(start: number): number {
    const { text } = this;
    let end = start + 1;
    while (classOf(text.charCodeAt(end)) & DIGIT) end++;
    if (end > start + 1) return this.push(T.numberedParameter, start, end);
    while (end < this.length && text.charCodeAt(end) !== 36 && classOf(text.charCodeAt(end)) & PART) end++;
    if (text.charCodeAt(end) === 36) {
      const tag = text.slice(start, end + 1);
      const found = text.indexOf(tag, end + 1);
      if (found === -1) throw unterminated('dollar-quoted string', start);
      return this.push(T.dollarString, start, found + tag.length);
    }
    if (end === start + 1)
      throw new DbError('syntax_error', 'unexpected character "$"', { position: start, hint: 'parameters are $1, $2, … or $name' });
    return this.push(T.namedParameter, start, end);
  }

  private lineComment(position: number): number {
    const end = this.text.indexOf('\n', position);
    return end === -1 ? this.length : end + 1;
  }

  private comment(start: number): number {
    const { text } = this;
    let depth = 1;
    let position = start + 2;
    let open = text.indexOf('/*', position);
    while (depth > 0) {
      const close = text.indexOf('*/', position);
      if (close === -1) throw unterminated('comment', start);
      if (open !== -1 && open < position) open = text.indexOf('/*', position);
      if (open !== -1 && open < close) {
        depth++;
        position = open + 2;
      } else {
        depth--;
        position = close + 2;
      }
    }
    return position;
  }
}

function unterminated(what: string, position: number): DbError {
  return new DbError('syntax_error', `unterminated ${what}`, { position, hint: `the ${what} that starts here is never closed` });
}
