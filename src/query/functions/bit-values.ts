/** Bits and bytes set, checksums, identifiers by their parts, sizes and escapes read; and how many arguments are NULL. Value by value. */
import type { Value } from '../../core/batch.js';
import { crc32c } from '../../core/crc32c.js';
import { DbError } from '../../core/errors.js';
import { BINARY, INT64, UTF8 } from '../../core/types.js';
import type { ScalarFunction } from './contract.js';
import { entriesOf } from './entry.js';
import { any, integer, kind, text } from './overloads.js';
import { each, eachWithNulls } from './row-by-row.js';

const entry = entriesOf({ category: 'text' });
const binary = kind('binary');
const uuid = kind('uuid');
const utf8 = new TextEncoder();
const bytesOf = (value: Value | undefined): Uint8Array => (value instanceof Uint8Array ? value : utf8.encode(String(value)));

/** A copy of the bytes whose byte at a place is changed. */
function withByte(bytes: Uint8Array, place: number, change: (byte: number) => number, what: string): Uint8Array {
  const byte = bytes[place];
  if (byte === undefined || place < 0) throw new DbError('invalid_value', `there is no ${what} of ${bytes.length} bytes`);
  const out = Uint8Array.from(bytes);
  out[place] = change(byte);
  return out;
}

function withBit([value, n, bit]: readonly Value[]): Value {
  const place = Number(n);
  if (bit !== 0n && bit !== 1n) throw new DbError('invalid_argument', 'a bit is 0 or 1');
  const mask = 1 << (place & 7);
  return withByte(bytesOf(value), Math.floor(place / 8), (byte) => (bit === 1n ? byte | mask : byte & ~mask), `bit ${place}`);
}

function fromBinary(digits: string): Uint8Array {
  if (!/^[01]*$/.test(digits)) throw new DbError('invalid_value', `'${digits}' is not binary`);
  const padded = digits.padStart(Math.ceil(digits.length / 8) * 8, '0');
  return Uint8Array.from(padded.match(/.{8}/g) ?? [], (byte) => Number.parseInt(byte, 2));
}

const digitsOf = (value: Value | undefined): string => String(value).replaceAll('-', '');

/** Version 7 holds milliseconds since 1970, version 1 units of 100 ns since 1582-10-15. Microseconds since the epoch; NULL for others. */
function uuidTime(digits: string): Value {
  const version = digits[12];
  if (version === '7') return BigInt(`0x${digits.slice(0, 12)}`) * 1000n;
  if (version !== '1') return null;
  const units = BigInt(`0x${digits.slice(13, 16)}${digits.slice(8, 12)}${digits.slice(0, 8)}`);
  return units / 10n - 12_219_292_800_000_000n;
}

const SIZE = /^\s*(\d+(?:\.\d+)?)\s*(?:(bytes?|b)|([kmgtpe])(i?)b?)?\s*$/i;

function parsedSize(source: string): bigint {
  const match = SIZE.exec(source);
  if (!match) throw new DbError('invalid_value', `'${source}' is not a size`, { hint: "write '512 MiB' or '1.5 GB'" });
  const power = match[3] === undefined ? 0 : 'kmgtpe'.indexOf(match[3].toLowerCase()) + 1;
  return BigInt(Math.round(Number(match[1]) * (match[4] ? 1024 : 1000) ** power));
}

function unescapedUnicode(source: string): string {
  return source.replaceAll(/\\(?:\\|u([0-9a-f]{4})|U([0-9a-f]{8})|\+([0-9a-f]{6})|([0-9a-f]{4}))/gi, (whole, ...codes) => {
    const code = codes.slice(0, 4).find((each) => each !== undefined) as string | undefined;
    if (code === undefined) return whole === '\\\\' ? '\\' : whole;
    const point = Number.parseInt(code, 16);
    if (point > 0x10ffff) throw new DbError('invalid_value', `${whole} is no character`);
    return String.fromCodePoint(point);
  });
}

export const BIT_VALUE_FUNCTIONS: readonly ScalarFunction[] = [
  entry(
    'set_bit',
    'set_bit(binary, n, bit): the bytes with bit n, from 0, set to 0 or 1; the lowest of a byte first.',
    [{ sql: "set_bit('\\x01'::bytea, 3, 1)::text", result: '\\x09' }],
    [each([binary, integer, integer], BINARY, withBit)],
    { category: 'math' },
  ),
  entry(
    'set_byte',
    'set_byte(binary, n, byte): the bytes with byte n, from 0, replaced.',
    [{ sql: "set_byte('\\x0102'::bytea, 1, 255)::text", result: '\\x01ff' }],
    [
      each([binary, integer, integer], BINARY, ([value, n, byte]) =>
        withByte(bytesOf(value), Number(n), () => Number(byte) & 255, `byte ${String(n)}`),
      ),
    ],
    { category: 'math' },
  ),
  entry(
    'from_binary',
    'The bytes that binary digits write.',
    [{ sql: "from_binary('0110')::text", result: '\\x06' }],
    [each([text], BINARY, ([value]) => fromBinary(String(value)))],
    ['unbin'],
  ),
  entry(
    'crc32c',
    'Checksum CRC-32C (Castagnoli).',
    [{ sql: "crc32c('123456789')", result: '3808858755' }],
    [each([text], INT64, ([value]) => BigInt(crc32c(bytesOf(value)))), each([binary], INT64, ([value]) => BigInt(crc32c(bytesOf(value))))],
    { category: 'hash', infallible: true },
  ),
  entry(
    'uuid_extract_version',
    'The version of a UUID.',
    [{ sql: "uuid_extract_version('019535d9-3df7-79fb-b466-fa907fa17f9e'::uuid)", result: '7' }],
    [each([uuid], INT64, ([value]) => BigInt(Number.parseInt(digitsOf(value)[12] ?? '0', 16)))],
    { infallible: true },
  ),
  entry(
    'uuid_extract_timestamp',
    'When a UUID of version 1 or 7 was made; NULL of others.',
    [{ sql: "uuid_extract_timestamp('019535d9-3df7-79fb-b466-fa907fa17f9e'::uuid)", result: '2025-02-24T02:46:24.503000Z' }],
    [each([uuid], { kind: 'timestamp', unit: 'us', timezone: null }, ([value]) => uuidTime(digitsOf(value)))],
  ),
  entry(
    'parse_formatted_bytes',
    "A size such as '1.5 GB' or '64 MiB' in bytes.",
    [{ sql: "parse_formatted_bytes('2 KiB')", result: '2048' }],
    [each([text], INT64, ([value]) => parsedSize(String(value)))],
  ),
  entry(
    'unistr',
    'The text with \\XXXX, \\+XXXXXX, \\uXXXX and \\UXXXXXXXX replaced by the characters that they mean.',
    [{ sql: "unistr('d\\0061t\\+000061')", result: 'data' }],
    [each([text], UTF8, ([value]) => unescapedUnicode(String(value)))],
  ),
  entry(
    'casefold',
    'For comparisons without regard to case: in lower case, with ß as ss.',
    [{ sql: "casefold('Straße')", result: 'strasse' }],
    [each([text], UTF8, ([value]) => String(value).toUpperCase().toLowerCase())],
    { infallible: true },
  ),
  entry(
    'num_nulls',
    'How many of the arguments are NULL.',
    [{ sql: "num_nulls(1, NULL, 'a')", result: '1' }],
    [eachWithNulls([any], INT64, (values) => BigInt(values.filter((value) => value === null).length), any)],
    { category: 'conditional', nulls: 'custom', infallible: true },
  ),
  entry(
    'num_nonnulls',
    'How many of the arguments are not NULL.',
    [{ sql: "num_nonnulls(1, NULL, 'a')", result: '2' }],
    [eachWithNulls([any], INT64, (values) => BigInt(values.filter((value) => value !== null).length), any)],
    { category: 'conditional', nulls: 'custom', infallible: true },
  ),
];
