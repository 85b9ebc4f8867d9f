/** The place in the token list, the depth limits, and the errors: what every part of the grammar stands on. */
import { DbError } from '../../../core/errors.js';
import { FIRST_KEYWORD, isReserved, keywordText, nearestKeyword, nearestMainWord } from '../keywords.js';
import type { Tokens } from '../lexer.js';
import { SPELLINGS, T } from '../token-kind.js';

const LONGEST_QUOTED_TOKEN = 40;

/** Chains such as `a + b + c` grow the tree without nesting; they may be this long. */
const MAX_TREE_HEIGHT = 1000;

export abstract class Cursor {
  protected readonly text: string;
  /** Kind of the current token. */
  protected kind: number;
  /** Parameters written `?` so far. */
  protected questionCount = 0;
  /** COLUMNS(…) and `* LIKE …` so far. */
  protected columnsCount = 0;
  private readonly tokens: Tokens;
  private readonly maxDepth: number;
  private readonly maxHeight: number;
  private index = 0;
  /** Weight of the calls of `enter` without their `leave`: bounds our own stack. */
  private depth = 0;
  /** Upper bound of the height of the trees finished in the current frame: bounds the stack of whoever walks the tree. */
  private height = 0;

  constructor(text: string, tokens: Tokens, maxDepth: number) {
    this.text = text;
    this.tokens = tokens;
    this.maxDepth = maxDepth;
    this.maxHeight = Math.max(maxDepth, MAX_TREE_HEIGHT);
    this.kind = tokens.kinds[0] as number;
  }

  // ---- tokens ----

  /** Start of the current token. */
  protected get position(): number {
    return this.tokens.starts[this.index] as number;
  }

  /** End of the current token. */
  protected get tokenEnd(): number {
    return this.tokens.ends[this.index] as number;
  }

  /** End of the token before the current one: where a finished node ends. */
  protected get end(): number {
    return this.index === 0 ? 0 : (this.tokens.ends[this.index - 1] as number);
  }

  protected advance(): void {
    if (this.index < this.tokens.count) this.kind = this.tokens.kinds[++this.index] as number;
  }

  /** Kind of the token `distance` after the current one. */
  /** The distance of the token behind the parentheses that begin here. */
  protected distanceBehindParentheses(): number {
    for (let distance = 1, depth = 1; ; distance++) {
      const kind = this.peek(distance);
      if (kind === T.eof) return distance;
      depth += kind === T.leftParenthesis ? 1 : kind === T.rightParenthesis ? -1 : 0;
      if (depth === 0) return distance + 1;
    }
  }

  protected peek(distance = 1): number {
    const at = this.index + distance;
    return at > this.tokens.count ? T.eof : (this.tokens.kinds[at] as number);
  }

  /** Whether no white space stands between the token at `distance` and the one before it. */
  protected isAdjacent(distance: number): boolean {
    const at = this.index + distance;
    return at <= this.tokens.count && this.tokens.starts[at] === this.tokens.ends[at - 1];
  }

  protected accept(kind: number): boolean {
    if (this.kind !== kind) return false;
    this.advance();
    return true;
  }

  protected acceptBoth(first: number, second: number): boolean {
    if (this.kind !== first || this.peek() !== second) return false;
    this.advance();
    this.advance();
    return true;
  }

  protected expect(kind: number): void {
    if (this.kind !== kind) throw this.unexpected(nameOfKind(kind), kind);
    this.advance();
  }

  protected tokenText(distance = 0): string {
    const at = Math.min(this.index + distance, this.tokens.count);
    return this.text.slice(this.tokens.starts[at], this.tokens.ends[at]);
  }

  /** Text of the token before the current one. */
  protected get previousText(): string {
    return this.index === 0 ? '' : this.tokenText(-1);
  }

  protected isWord(distance = 0): boolean {
    const kind = distance === 0 ? this.kind : this.peek(distance);
    return kind === T.identifier || kind >= FIRST_KEYWORD;
  }

  /** Whether the token is an unquoted word with this lower-case text; for words too rare to be keywords. */
  protected isText(word: string, distance = 0): boolean {
    return this.isWord(distance) && this.tokenText(distance).toLowerCase() === word;
  }

  protected acceptText(word: string): boolean {
    if (!this.isText(word)) return false;
    this.advance();
    return true;
  }

  protected expectText(word: string): void {
    if (!this.acceptText(word)) throw this.unexpected(word.toUpperCase());
  }

  protected isNameToken(kind: number): boolean {
    return (
      kind === T.identifier || kind === T.quotedIdentifier || kind === T.unicodeIdentifier || (kind >= FIRST_KEYWORD && !isReserved(kind))
    );
  }

  protected isStringToken(kind: number): boolean {
    return kind >= T.string && kind <= T.unicodeString;
  }

  /** The items of a comma-separated list. */
  protected list<Item>(item: () => Item): Item[] {
    const items = [item()];
    while (this.accept(T.comma)) items.push(item());
    return items;
  }

  /** `( item, … )`, at least one item. */
  protected parenthesised<Item>(item: () => Item): Item[] {
    this.expect(T.leftParenthesis);
    const items = this.list(item);
    this.expect(T.rightParenthesis);
    return items;
  }

  // ---- depth ----

  /** Opens a frame; its answer goes to `leave`. `weight` is how many plain levels the frame's calls weigh on the stack. */
  protected enter(weight = 1): number {
    this.depth += weight;
    if (this.depth > this.maxDepth) throw this.tooDeep();
    const outer = this.height;
    this.height = 0;
    return outer;
  }

  protected leave(outer: number, weight = 1): void {
    this.depth -= weight;
    const height = this.height + 1;
    if (height > this.maxHeight) throw this.tooDeep();
    this.height = Math.max(height, outer);
  }

  /** Call when a node is wrapped around what the frame has read so far, as in `a + b + c`. */
  protected raise(): void {
    if (++this.height > this.maxHeight) throw this.tooDeep();
  }

  private tooDeep(): DbError {
    return nestedTooDeep(this.position);
  }

  // ---- errors ----

  /** The current token is not what the grammar wants here. `expected` reads well after "expected"; `kind` is its token, when it is one. */
  protected unexpected(expected: string, kind?: number): DbError {
    return this.error(`expected ${expected}, found ${this.describeToken()}`, this.position, this.hint(expected, kind));
  }

  protected error(message: string, position: number, hint?: string): DbError {
    return new DbError('syntax_error', message, { position, hint });
  }

  private describeToken(): string {
    if (this.kind === T.eof) return 'the end of the statement';
    const text = this.tokenText();
    const shown = text.length > LONGEST_QUOTED_TOKEN ? `${text.slice(0, LONGEST_QUOTED_TOKEN)}…` : text;
    if (this.kind >= FIRST_KEYWORD) return shown.toUpperCase();
    return this.isStringToken(this.kind) || this.kind === T.quotedIdentifier ? shown : `"${shown}"`;
  }

  private hint(expected: string, kind: number | undefined): string | undefined {
    const spelling = this.spellingHint(kind);
    const wantsName = /^an? /.test(expected) && !expected.includes('expression');
    if (spelling !== undefined || !wantsName || !isReserved(this.kind)) return spelling;
    return `${this.tokenText().toUpperCase()} is reserved; write "${this.tokenText()}" for a name`;
  }

  /** The offending word, or the name just before it, may be a keyword with a slip in it. */
  private spellingHint(kind: number | undefined): string | undefined {
    const wanted = kind === undefined ? undefined : keywordText(kind);
    if (wanted !== undefined && this.isWord()) {
      const guess =
        nearestKeyword(this.tokenText(), [wanted]) ?? (wanted.length < 3 && this.tokenText().length < 4 ? wanted.toUpperCase() : null);
      if (guess !== null) return `did you mean ${guess}?`;
    }
    if (this.kind === T.identifier) {
      const guess = nearestKeyword(this.tokenText());
      if (guess !== null) return `did you mean ${guess}?`;
    }
    for (let at = this.index - 1; at >= Math.max(0, this.index - 2); at--) {
      if (this.tokens.kinds[at] !== T.identifier) continue;
      const word = this.text.slice(this.tokens.starts[at], this.tokens.ends[at]);
      const guess = nearestMainWord(word);
      if (guess !== null) return `did you mean ${guess} instead of ${word}?`;
    }
    return undefined;
  }
}

const SPELLING_BY_KIND = new Map<number, string>([...SPELLINGS].reverse().map(([spelling, kind]) => [kind, spelling]));

function nameOfKind(kind: number): string {
  const spelling = SPELLING_BY_KIND.get(kind);
  return spelling === undefined ? (keywordText(kind)?.toUpperCase() ?? 'a token') : `"${spelling}"`;
}

export function nestedTooDeep(position: number): DbError {
  return new DbError('nesting_too_deep', 'the statement is nested too deeply, or chains too many operators', {
    position,
    hint: 'split it with WITH; long chains of AND and OR are fine',
  });
}
