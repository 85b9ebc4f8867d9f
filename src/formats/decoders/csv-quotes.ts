/**
 * CSV of other quotes and escapes, and lines to leave out at its beginning, as CSV of RFC 4180: quotes are ", and doubled inside. Cells that are not
 * quoted keep their bytes, so that NULLs are known by them; lines keep their numbers except for those that are left out.
 */
import { assert } from '../../core/assert.js';

export interface CsvQuotes {
  /** One ASCII character; empty = cells are never quoted. */
  readonly quote: string;
  /** What stands before a quote that belongs to the text: the quote itself, or another ASCII character. */
  readonly quoteEscape: string;
  readonly delimiter: string;
  /** Lines at the beginning that are no rows. */
  readonly skip: number;
}

const QUOTE = 0x22;
const NEWLINE = 0x0a;
const NONE = -1;

/** Where in a cell the last byte was. */
const START = 0;
const PLAIN = 1;
/** A plain cell that begins with ": it is quoted, so that it reads as text. */
const GUARDED = 2;
const QUOTED = 3;
/** Behind an escape inside of quotes. */
const ESCAPED = 4;
/** Behind the closing quote, or before a doubled one. */
const CLOSED = 5;

export function isPlain({ quote, quoteEscape, skip }: Omit<CsvQuotes, 'delimiter'>): boolean {
  return quote === '"' && quoteEscape === '"' && skip === 0;
}

export async function* withPlainQuotes(bytes: AsyncIterable<Uint8Array>, quotes: CsvQuotes): AsyncGenerator<Uint8Array> {
  const rewriter = new Rewriter(quotes);
  for await (const part of bytes) yield rewriter.rewritten(part);
  yield rewriter.end();
}

const codeOf = (text: string): number => (text === '' ? NONE : text.charCodeAt(0));

class Rewriter {
  private readonly quote: number;
  private readonly escape: number;
  private readonly delimiter: number;
  private linesToSkip: number;
  private state = START;
  private out = new Uint8Array(0);
  private length = 0;

  constructor({ quote, quoteEscape, delimiter, skip }: CsvQuotes) {
    this.quote = codeOf(quote);
    this.escape = codeOf(quoteEscape);
    this.delimiter = codeOf(delimiter);
    this.linesToSkip = skip;
  }

  rewritten(part: Uint8Array): Uint8Array {
    // A byte becomes at most three: a closing quote before the delimiter, or a quote doubled at the start of a guarded cell.
    this.out = new Uint8Array(3 * part.length + 4);
    this.length = 0;
    for (let at = 0; at < part.length; at++) this.take(part[at] as number);
    return this.out.subarray(0, this.length);
  }

  /** What is left to be said: the last cell may still be open. */
  end(): Uint8Array {
    this.out = new Uint8Array(4);
    this.length = 0;
    if (this.state === GUARDED || this.state === CLOSED) this.put(QUOTE);
    return this.out.subarray(0, this.length);
  }

  private put(byte: number): void {
    assert(this.length < this.out.length, 'there is room for what a byte becomes');
    this.out[this.length++] = byte;
  }

  private take(byte: number): void {
    if (this.linesToSkip > 0) {
      if (byte === NEWLINE) this.linesToSkip -= 1;
      return;
    }
    if (this.state === QUOTED) this.inQuotes(byte);
    else if (this.state === ESCAPED) this.afterEscape(byte);
    else if (this.state === CLOSED && this.escape === this.quote && byte === this.quote) {
      // Doubled: it belongs to the text.
      this.text(byte);
      this.state = QUOTED;
    } else this.outside(byte);
  }

  private inQuotes(byte: number): void {
    if (byte === this.escape && this.escape !== this.quote) this.state = ESCAPED;
    else if (byte === this.quote) this.state = CLOSED;
    else this.text(byte);
  }

  private afterEscape(byte: number): void {
    if (byte !== this.quote && byte !== this.escape) this.text(this.escape);
    this.text(byte);
    this.state = QUOTED;
  }

  /** A byte of a quoted cell's text. */
  private text(byte: number): void {
    if (byte === QUOTE) this.put(QUOTE);
    this.put(byte);
  }

  private outside(byte: number): void {
    const ends = byte === this.delimiter || byte === NEWLINE;
    if (this.state === CLOSED) {
      this.put(QUOTE);
      this.state = PLAIN;
    } else if (this.state === START && !ends) {
      this.state = byte === this.quote ? QUOTED : byte === QUOTE ? GUARDED : PLAIN;
      if (this.state === GUARDED) this.put(QUOTE);
      if (this.state === QUOTED) {
        this.put(QUOTE);
        return;
      }
    } else if (this.state === GUARDED && ends) this.put(QUOTE);
    if (this.state === GUARDED && !ends) this.text(byte);
    else this.put(byte);
    if (ends) this.state = START;
  }
}
