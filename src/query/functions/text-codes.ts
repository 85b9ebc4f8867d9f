/** Text as bytes and numbers: encodings, hashes, quoting, URLs; and how alike two texts are. Value by value. */
import { createHash } from 'node:crypto';
import { crc32 as crc32Of } from 'node:zlib';
import type { Value } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { BINARY, BOOL, type DataType, FLOAT64, INT64, UTF8 } from '../../core/types.js';
import type { ScalarFunction } from './contract.js';
import { entriesOf } from './entry.js';
import { damerauLevenshtein, hamming, jaccard, jaro, jaroWinkler, type Likeness, levenshtein, soundex } from './likeness.js';
import { asText, integer, kind, text } from './overloads.js';
import { type Compute, each, eachWithNulls } from './row-by-row.js';

const entry = entriesOf({ category: 'text' });
const binary = kind('binary');
const utf8 = new TextEncoder();
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const bytesOf = (value: Value | undefined): Uint8Array => (value instanceof Uint8Array ? value : utf8.encode(String(value)));

function textOf(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes);
  } catch (cause) {
    throw new DbError('invalid_value', 'these bytes are not UTF-8', { cause });
  }
}

/** Of text and of bytes. */
const ofBytes = (type: DataType, compute: (bytes: Uint8Array) => Value) =>
  [text, binary].map((param) => each([param], type, ([value]) => compute(bytesOf(value))));

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

function fromHex(value: Value | undefined): Uint8Array {
  const digits = String(value).replace(/\s/g, '');
  if (!/^([0-9a-f]{2})*$/i.test(digits)) throw new DbError('invalid_value', `'${String(value)}' is not hexadecimal`);
  return Uint8Array.from(Buffer.from(digits, 'hex'));
}

function fromBase64(value: Value | undefined): Uint8Array {
  const source = String(value).replace(/\s/g, '');
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(source) || source.length % 4 !== 0)
    throw new DbError('invalid_value', `'${String(value)}' is not base64`);
  return Uint8Array.from(Buffer.from(source, 'base64'));
}

/** PostgreSQL's escape format: bytes that are not ASCII as \ooo, a backslash doubled. */
function escaped(bytes: Uint8Array): string {
  let out = '';
  for (const byte of bytes) {
    if (byte === 0x5c) out += '\\\\';
    else out += byte === 0 || byte > 127 ? `\\${byte.toString(8).padStart(3, '0')}` : String.fromCharCode(byte);
  }
  return out;
}

function fromEscaped(source: string): Uint8Array {
  const parts = source.split(/(\\\\|\\[0-3][0-7]{2})/);
  return Uint8Array.from(
    parts.flatMap((part) => (part === '\\\\' ? [0x5c] : /^\\\d/.test(part) ? [Number.parseInt(part.slice(1), 8)] : [...utf8.encode(part)])),
  );
}

const encoded: Compute = ([value, format]) => {
  const bytes = bytesOf(value);
  switch (String(format).toLowerCase()) {
    case 'hex':
      return hex(bytes);
    case 'base64':
      return Buffer.from(bytes).toString('base64');
    case 'escape':
      return escaped(bytes);
    default:
      throw unknownFormat(format);
  }
};

const decoded: Compute = ([value, format]) => {
  switch (String(format).toLowerCase()) {
    case 'hex':
      return fromHex(value);
    case 'base64':
      return fromBase64(value);
    case 'escape':
      return fromEscaped(String(value));
    default:
      throw unknownFormat(format);
  }
};

function unknownFormat(format: Value | undefined): DbError {
  return new DbError('invalid_argument', `'${String(format)}' is no encoding`, { hint: 'hex, base64 and escape are' });
}

function requireUtf8(name: Value | undefined): void {
  if (!/^utf-?8$/i.test(String(name))) throw new DbError('unsupported', `character set ${String(name)}: text is UTF-8`);
}

/** Digits of an integer; negative ones as their 64 bits. */
const inBase =
  (radix: number): Compute =>
  ([value]) =>
    BigInt.asUintN(64, value as bigint).toString(radix);

const toBase: Compute = ([value, radix, length = 0n]) => {
  const base = Number(radix);
  if (base < 2 || base > 36) throw new DbError('invalid_value', 'a radix is 2 to 36');
  if ((value as bigint) < 0n) throw new DbError('invalid_value', 'to_base takes numbers from 0');
  return (value as bigint).toString(base).toUpperCase().padStart(Number(length), '0');
};

const digest = (algorithm: string) => ofBytes(UTF8, (bytes) => createHash(algorithm).update(bytes).digest('hex'));

function hashEntry(name: string, algorithm: string, result: string): ScalarFunction {
  return entry(
    name,
    `${algorithm.toUpperCase()} of a text or binary, in hexadecimal.`,
    [{ sql: `left(${name}('a'), 8)`, result }],
    digest(algorithm),
    { category: 'hash', infallible: true },
  );
}

/** An identifier as SQL reads it back. */
function quotedName(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

function quotedLiteral(value: string): string {
  const plain = `'${value.replaceAll("'", "''")}'`;
  return value.includes('\\') ? `E${plain.replaceAll('\\', '\\\\')}` : plain;
}

const withoutMarks = (source: string) => source.normalize('NFD').replace(/\p{M}/gu, '').normalize('NFC');

const FORMS = ['NFC', 'NFD', 'NFKC', 'NFKD'] as const;

function normalForm(name: Value | undefined): (typeof FORMS)[number] {
  const form = FORMS.find((each) => each === String(name).toUpperCase());
  if (!form) throw new DbError('invalid_argument', `'${String(name)}' is no normal form`, { hint: 'NFC, NFD, NFKC and NFKD are' });
  return form;
}

function decodeUrl(source: string): string {
  try {
    return decodeURIComponent(source.replaceAll('+', ' '));
  } catch (cause) {
    throw new DbError('invalid_value', `'${source}' is not URL-encoded text`, { cause });
  }
}

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
const clusters = (source: Value | undefined) => [...graphemes.segment(String(source))].map((each) => each.segment);

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];
const DECIMAL_UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'];

function sized(bytes: number, per: number, units: readonly string[]): string {
  let size = Math.abs(bytes);
  let unit = 0;
  while (size >= per && unit < units.length - 1) {
    size /= per;
    unit += 1;
  }
  return `${bytes < 0 ? '-' : ''}${unit === 0 ? size : size.toFixed(1)} ${units[unit]}`;
}

const likenesses = (type: DataType, compute: Likeness) => [
  each([text, text], type, ([a, b], context) => {
    const value = compute([...String(a)], [...String(b)], () => context.check?.());
    return type.kind === 'int64' ? BigInt(value) : value;
  }),
];

function bitsOf(value: bigint): bigint {
  let count = 0n;
  for (let rest = BigInt.asUintN(64, value); rest > 0n; rest &= rest - 1n) count += 1n;
  return count;
}

const bitAt: Compute = ([bytes, n]) => {
  const place = Number(n);
  const byte = (bytes as Uint8Array)[place >> 3];
  if (place < 0 || byte === undefined)
    throw new DbError('invalid_value', `there is no bit ${place} of ${(bytes as Uint8Array).length} bytes`);
  return BigInt((byte >> (place & 7)) & 1);
};

const overlaid: Compute = ([source, replacement, start, length]) => {
  const from = [...String(source)];
  const added = [...String(replacement)];
  const first = Number(start) - 1;
  const count = length === undefined ? added.length : Number(length);
  if (first < 0) throw new DbError('invalid_value', 'overlay: places count from 1');
  return [...from.slice(0, first), ...added, ...from.slice(first + count)].join('');
};

export const TEXT_CODE_FUNCTIONS: readonly ScalarFunction[] = [
  entry(
    'overlay',
    'overlay(text PLACING new FROM start [FOR length]): a part of the text replaced.',
    [
      { sql: "overlay('Txxxxas' PLACING 'hom' FROM 2 FOR 4)", result: 'Thomas' },
      { sql: "overlay('abcdef', 'XY', 3)", result: 'abXYef' },
    ],
    [each([text, text, integer], UTF8, overlaid), each([text, text, integer, integer], UTF8, overlaid)],
  ),
  entry(
    'encode',
    "encode(binary, 'hex' | 'base64' | 'escape') as text; encode(text): its UTF-8 bytes.",
    [
      { sql: "encode('\\x0aff'::bytea, 'hex')", result: '0aff' },
      { sql: "encode('ä')", result: '\\xc3a4' },
    ],
    [each([binary, text], UTF8, encoded), each([text, text], UTF8, encoded), each([text], BINARY, ([value]) => bytesOf(value))],
  ),
  entry(
    'decode',
    "decode(text, 'hex' | 'base64' | 'escape') as binary; decode(binary): the text that its UTF-8 bytes are.",
    [
      { sql: "decode('YWI=', 'base64')", result: '\\x6162' },
      { sql: "decode(encode('ä'))", result: 'ä' },
    ],
    [each([binary], UTF8, ([value]) => textOf(bytesOf(value))), each([text, text], BINARY, decoded)],
  ),
  entry(
    'convert_from',
    "convert_from(binary, 'UTF8'): text of bytes.",
    [{ sql: "convert_from('\\x6162'::bytea, 'UTF8')", result: 'ab' }],
    [
      each([binary, text], UTF8, ([value, name]) => {
        requireUtf8(name);
        return textOf(bytesOf(value));
      }),
    ],
  ),
  entry(
    'convert_to',
    "convert_to(text, 'UTF8'): bytes of text.",
    [{ sql: "convert_to('ab', 'UTF8')", result: '\\x6162' }],
    [
      each([text, text], BINARY, ([value, name]) => {
        requireUtf8(name);
        return bytesOf(value);
      }),
    ],
  ),
  entry(
    'to_base64',
    'Base64 of a text or binary.',
    [{ sql: "to_base64('ab')", result: 'YWI=' }],
    ofBytes(UTF8, (bytes) => Buffer.from(bytes).toString('base64')),
    ['base64'],
  ),
  entry(
    'from_base64',
    'The bytes that base64 stands for.',
    [{ sql: "from_base64('YWI=')", result: '\\x6162' }],
    [each([text], BINARY, ([value]) => fromBase64(value))],
  ),
  entry(
    'to_hex',
    'Hexadecimal digits of an integer (negative ones as 64 bits), or of the bytes of a text or binary.',
    [
      { sql: 'to_hex(255)', result: 'ff' },
      { sql: "to_hex('ab')", result: '6162' },
    ],
    [each([integer], UTF8, inBase(16)), ...ofBytes(UTF8, hex)],
  ),
  entry(
    'hex',
    'As to_hex, in capitals.',
    [{ sql: "hex('jk')", result: '6A6B' }],
    [
      each([integer], UTF8, (args, context) => String(inBase(16)(args, context)).toUpperCase()),
      ...ofBytes(UTF8, (bytes) => hex(bytes).toUpperCase()),
    ],
  ),
  entry(
    'from_hex',
    'The bytes that hexadecimal digits stand for.',
    [{ sql: "from_hex('6162')", result: '\\x6162' }],
    [each([text], BINARY, ([value]) => fromHex(value))],
    ['unhex'],
  ),
  entry(
    'to_bin',
    'Binary digits of an integer, or of the bytes of a text.',
    [{ sql: 'bin(5)', result: '101' }],
    [each([integer], UTF8, inBase(2)), ...ofBytes(UTF8, (bytes) => [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join(''))],
    ['bin', 'to_binary'],
  ),
  entry('to_oct', 'Octal digits of an integer.', [{ sql: 'to_oct(64)', result: '100' }], [each([integer], UTF8, inBase(8))], ['oct']),
  entry(
    'to_base',
    'to_base(n, radix[, digits]): digits of a number in a radix of 2 to 36.',
    [{ sql: 'to_base(35, 36, 3)', result: '00Z' }],
    [each([integer, integer], UTF8, toBase), each([integer, integer, integer], UTF8, toBase)],
  ),
  hashEntry('sha1', 'sha1', '86f7e437'),
  hashEntry('sha224', 'sha224', 'abd37534'),
  hashEntry('sha256', 'sha256', 'ca978112'),
  hashEntry('sha384', 'sha384', '54a59b9f'),
  hashEntry('sha512', 'sha512', '1f40fc92'),
  entry(
    'crc32',
    'CRC-32 of a text or binary.',
    [{ sql: "crc32('a')", result: '3904355907' }],
    ofBytes(INT64, (bytes) => BigInt(crc32Of(bytes))),
    { category: 'hash', infallible: true },
  ),
  entry(
    'url_encode',
    'Percent-encoded for use in a URL.',
    [{ sql: "url_encode('a b&c')", result: 'a%20b%26c' }],
    [
      each([asText], UTF8, ([value]) =>
        encodeURIComponent(String(value)).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`),
      ),
    ],
  ),
  entry(
    'url_decode',
    'The text that percent-encoding stands for.',
    [{ sql: "url_decode('a%20b%26c')", result: 'a b&c' }],
    [each([text], UTF8, ([value]) => decodeUrl(String(value)))],
  ),
  entry(
    'quote_ident',
    'The name as SQL reads it: in double quotes where it must be.',
    [
      { sql: "quote_ident('a b')", result: '"a b"' },
      { sql: "quote_ident('ab')", result: 'ab' },
    ],
    [each([text], UTF8, ([value]) => quotedName(String(value)))],
  ),
  entry(
    'quote_literal',
    'The value as an SQL literal.',
    [{ sql: "quote_literal('it''s')", result: "'it''s'" }],
    [each([asText], UTF8, ([value]) => quotedLiteral(String(value)))],
  ),
  entry(
    'quote_nullable',
    'As quote_literal; NULL becomes the word NULL.',
    [{ sql: 'quote_nullable(NULL)', result: 'NULL' }],
    [eachWithNulls([asText], UTF8, ([value = null]) => (value === null ? 'NULL' : quotedLiteral(String(value))))],
    { nulls: 'custom' },
  ),
  entry(
    'strip_accents',
    'Letters without accents.',
    [{ sql: "strip_accents('mühleisén')", result: 'muhleisen' }],
    [each([text], UTF8, ([value]) => withoutMarks(String(value)))],
    ['unaccent'],
  ),
  entry(
    'normalize',
    'normalize(text[, form]): in a Unicode normal form, NFC unless another is named.',
    [{ sql: "length(normalize('é', 'NFD'))", result: '2' }],
    [
      each([text], UTF8, ([value]) => String(value).normalize('NFC')),
      each([text, text], UTF8, ([value, form]) => String(value).normalize(normalForm(form))),
    ],
    ['nfc_normalize'],
  ),
  entry(
    'is_normalized',
    'True for text in a Unicode normal form.',
    [{ sql: "is_normalized('é')", result: 'true' }],
    [
      each([text], BOOL, ([value]) => String(value) === String(value).normalize('NFC')),
      each([text, text], BOOL, ([value, form]) => String(value) === String(value).normalize(normalForm(form))),
    ],
  ),
  entry(
    'bit_length',
    'Bits of a text or binary.',
    [{ sql: "bit_length('ab')", result: '16' }],
    ofBytes(INT64, (bytes) => BigInt(8 * bytes.length)),
  ),
  entry(
    'length_grapheme',
    'Characters as a reader counts them.',
    [{ sql: "length_grapheme('e\u0301a')", result: '2' }],
    [each([text], INT64, ([value]) => BigInt(clusters(value).length))],
  ),
  entry(
    'left_grapheme',
    'The first n characters as a reader counts them.',
    [{ sql: "left_grapheme('abc', 2)", result: 'ab' }],
    [each([text, integer], UTF8, ([value, n]) => clusters(value).slice(0, Number(n)).join(''))],
  ),
  entry(
    'right_grapheme',
    'The last n characters as a reader counts them.',
    [{ sql: "right_grapheme('abc', 2)", result: 'bc' }],
    [
      each([text, integer], UTF8, ([value, n]) =>
        n === 0n
          ? ''
          : clusters(value)
              .slice(n === undefined ? 0 : -Number(n))
              .join(''),
      ),
    ],
  ),
  entry(
    'format_bytes',
    'A number of bytes as text, in units of 1024.',
    [{ sql: 'format_bytes(16384)', result: '16.0 KiB' }],
    [each([integer], UTF8, ([value]) => sized(Number(value), 1024, UNITS))],
    ['formatreadablesize', 'pg_size_pretty'],
  ),
  entry(
    'formatreadabledecimalsize',
    'A number of bytes as text, in units of 1000.',
    [{ sql: 'formatreadabledecimalsize(16000)', result: '16.0 kB' }],
    [each([integer], UTF8, ([value]) => sized(Number(value), 1000, DECIMAL_UNITS))],
  ),
  entry(
    'levenshtein',
    'How many characters must be changed, added or removed to make one text the other.',
    [{ sql: "levenshtein('duck', 'db')", result: '3' }],
    likenesses(INT64, levenshtein),
    ['editdist3'],
  ),
  entry(
    'damerau_levenshtein',
    'As levenshtein; two neighbours that change places count as one.',
    [{ sql: "damerau_levenshtein('ab', 'ba')", result: '1' }],
    likenesses(INT64, damerauLevenshtein),
  ),
  entry(
    'hamming',
    'Characters that differ between texts of one length.',
    [{ sql: "hamming('duck', 'luck')", result: '1' }],
    likenesses(INT64, hamming),
    ['mismatches'],
  ),
  entry(
    'jaro_similarity',
    'Jaro similarity, 0 to 1.',
    [{ sql: "jaro_similarity('duck', 'duck')", result: '1' }],
    likenesses(FLOAT64, jaro),
  ),
  entry(
    'jaro_winkler_similarity',
    'Jaro-Winkler similarity, 0 to 1.',
    [{ sql: "round(jaro_winkler_similarity('MARTHA', 'MARHTA'), 4)", result: '0.9611' }],
    likenesses(FLOAT64, jaroWinkler),
  ),
  entry(
    'jaccard',
    'Share of the characters that both texts have among those that either has.',
    [{ sql: "jaccard('duck', 'luck')", result: '0.6' }],
    likenesses(FLOAT64, jaccard),
  ),
  entry(
    'soundex',
    'Soundex code of a word.',
    [{ sql: "soundex('Robert')", result: 'R163' }],
    [each([text], UTF8, ([value]) => soundex(String(value)))],
  ),
  entry(
    'bit_count',
    'Bits that are set.',
    [{ sql: 'bit_count(255)', result: '8' }],
    [
      each([integer], INT64, ([value]) => bitsOf(value as bigint)),
      each([binary], INT64, ([value]) => [...(value as Uint8Array)].reduce((sum, byte) => sum + bitsOf(BigInt(byte)), 0n)),
    ],
    { category: 'math' },
  ),
  entry(
    'get_bit',
    'get_bit(binary, n): bit n, from 0, of the bytes; the lowest of a byte first.',
    [{ sql: "get_bit('\\x05'::bytea, 2)", result: '1' }],
    [each([binary, integer], INT64, bitAt)],
    { category: 'math' },
  ),
  entry(
    'get_byte',
    'get_byte(binary, n): byte n, from 0.',
    [{ sql: "get_byte('\\x0510'::bytea, 1)", result: '16' }],
    [
      each([binary, integer], INT64, ([bytes, n]) => {
        const byte = (bytes as Uint8Array)[Number(n)];
        if (byte === undefined) throw new DbError('invalid_value', `there is no byte ${String(n)} of ${(bytes as Uint8Array).length}`);
        return BigInt(byte);
      }),
    ],
  ),
];
