/** What the text of a token stands for, and back. */
import { DbError } from '../../core/errors.js';
import { isReserved, keywordOf } from './keywords.js';
import { T } from './token-kind.js';

/** The value of a string token: `'it''s'`, `E'\n'`, `$$…$$`, `U&'\0041'`. */
export function decodeString(token: string, kind: number, position: number): string {
  switch (kind) {
    case T.string: {
      const inner = token.slice(1, -1);
      return inner.includes("'") ? inner.replaceAll("''", "'") : inner;
    }
    case T.escapeString:
      return decodeEscapes(token.slice(2, -1), position + 2);
    case T.dollarString: {
      const tagLength = token.indexOf('$', 1) + 1;
      return token.slice(tagLength, -tagLength);
    }
    default:
      return decodeUnicodeEscapes(token.slice(3, -1).replaceAll("''", "'"), position + 3);
  }
}

export function decodeIdentifier(token: string, kind: number, position: number): string {
  if (kind === T.unicodeIdentifier) return decodeUnicodeEscapes(token.slice(3, -1).replaceAll('""', '"'), position + 3);
  const quote = token.charAt(0);
  return token.slice(1, -1).replaceAll(quote + quote, quote);
}

const SIMPLE_ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

/** `\n`, `\x41`, `\101`, `\u00e9`, `\U0001F600`; a backslash before any other character gives that character. */
function decodeEscapes(text: string, position: number): string {
  return text.replace(
    /''|\\(?:x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{1,3})|([\s\S]))/g,
    (match: string, hex?: string, short?: string, long?: string, octal?: string, other?: string, offset?: number) => {
      if (match === "''") return "'";
      if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8) & 0xff);
      const digits = hex ?? short ?? long;
      if (digits !== undefined) return codePoint(digits, position + (offset ?? 0));
      const character = other ?? '';
      if (character === 'u' || character === 'U' || character === 'x') {
        throw new DbError('syntax_error', 'invalid escape in a string', {
          position: position + (offset ?? 0),
          hint: 'write \\uXXXX or \\UXXXXXXXX',
        });
      }
      return SIMPLE_ESCAPES[character] ?? character;
    },
  );
}

/** `\0041` and `\+01F600`; `\\` is a backslash. */
function decodeUnicodeEscapes(text: string, position: number): string {
  return text.replace(
    /\\(?:([0-9a-fA-F]{4})|\+([0-9a-fA-F]{6})|(\\)|)/g,
    (_: string, short?: string, long?: string, backslash?: string, offset?: number) => {
      if (backslash !== undefined) return '\\';
      const digits = short ?? long;
      if (digits === undefined) {
        throw new DbError('syntax_error', 'invalid Unicode escape', {
          position: position + (offset ?? 0),
          hint: 'write \\XXXX or \\+XXXXXX',
        });
      }
      return codePoint(digits, position + (offset ?? 0));
    },
  );
}

function codePoint(hex: string, position: number): string {
  const code = Number.parseInt(hex, 16);
  if (code > 0x10ffff) throw new DbError('syntax_error', `\\${hex} is no Unicode character`, { position });
  return String.fromCodePoint(code);
}

/** Decimal text of a number token: no underscores, a digit on both sides of the point, radix prefixes converted. */
export function decodeNumber(token: string, kind: number): string {
  const text = token.includes('_') ? token.replaceAll('_', '') : token;
  if (kind === T.integer) return text;
  if (kind === T.radixInteger) return BigInt(text.toLowerCase()).toString();
  const lower = text.toLowerCase();
  const exponent = lower.indexOf('e');
  const mantissa = exponent === -1 ? lower : lower.slice(0, exponent);
  const whole = mantissa.startsWith('.') ? `0${mantissa}` : mantissa;
  return (whole.endsWith('.') ? `${whole}0` : whole) + (exponent === -1 ? '' : lower.slice(exponent));
}

// ---- the way back ----

export function quoteString(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

const BARE_NAME = /^[A-Za-z_\u0080-\uffff][A-Za-z0-9_$\u0080-\uffff]*$/;

/** The name as it must be written: bare when it was bare and still reads as a name. */
export function quoteIdentifier(name: string, quoted: boolean): string {
  const keyword = keywordOf(name);
  const isBare =
    !quoted && /^[A-Za-z_\u0080-\uffff][A-Za-z0-9_$\u0080-\uffff]*$/.test(name) && (keyword === undefined || !isReserved(keyword));
  return isBare ? name : `"${name.replaceAll('"', '""')}"`;
}

/** A name where any word may stand: after AS and after a dot. */
export function quoteLabel(name: string, quoted: boolean): string {
  return !quoted && BARE_NAME.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}
