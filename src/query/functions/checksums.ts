/** Hashes of bytes that other systems know by the same numbers. Value by value. */
import { createHash } from 'node:crypto';
import type { Value } from '../../core/batch.js';
import { type DataType, UINT64 } from '../../core/types.js';
import type { ScalarFunction } from './contract.js';
import { entriesOf } from './entry.js';
import { kind, type Signature, text } from './overloads.js';
import { each } from './row-by-row.js';

const entry = entriesOf({ category: 'hash', infallible: true });
const utf8 = new TextEncoder();
const bytesOf = (value: Value | undefined): Uint8Array => (value instanceof Uint8Array ? value : utf8.encode(String(value)));

/** A function of the bytes of text and of binary. */
function ofBytes(type: DataType, compute: (bytes: Uint8Array) => Value): readonly Signature[] {
  return [text, kind('binary')].map((parameter) => each([parameter], type, ([value]) => compute(bytesOf(value))));
}

// ---- XXH64 ----

const WORD = (1n << 64n) - 1n;
const PRIME_1 = 0x9e3779b185ebca87n;
const PRIME_2 = 0xc2b2ae3d27d4eb4fn;
const PRIME_3 = 0x165667b19e3779f9n;
const PRIME_4 = 0x85ebca77c2b2ae63n;
const PRIME_5 = 0x27d4eb2f165667c5n;
const STRIPE_BYTES = 32;

const rotated = (word: bigint, bits: bigint): bigint => ((word << bits) | (word >> (64n - bits))) & WORD;
const round = (state: bigint, lane: bigint): bigint => (rotated((state + lane * PRIME_2) & WORD, 31n) * PRIME_1) & WORD;
const merged = (hash: bigint, state: bigint): bigint => ((hash ^ round(0n, state)) * PRIME_1 + PRIME_4) & WORD;

/** XXH64 with the seed 0. */
function xxhash64(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const lane = (at: number) => view.getBigUint64(at, true);
  let at = 0;
  let hash = PRIME_5;
  if (bytes.length >= STRIPE_BYTES) {
    let a = (PRIME_1 + PRIME_2) & WORD;
    let b = PRIME_2;
    let c = 0n;
    let d = -PRIME_1 & WORD;
    for (; at + STRIPE_BYTES <= bytes.length; at += STRIPE_BYTES) {
      a = round(a, lane(at));
      b = round(b, lane(at + 8));
      c = round(c, lane(at + 16));
      d = round(d, lane(at + 24));
    }
    hash = (rotated(a, 1n) + rotated(b, 7n) + rotated(c, 12n) + rotated(d, 18n)) & WORD;
    for (const state of [a, b, c, d]) hash = merged(hash, state);
  }
  hash = (hash + BigInt(bytes.length)) & WORD;
  for (; at + 8 <= bytes.length; at += 8) hash = (rotated(hash ^ round(0n, lane(at)), 27n) * PRIME_1 + PRIME_4) & WORD;
  if (at + 4 <= bytes.length) {
    hash = (rotated(hash ^ ((BigInt(view.getUint32(at, true)) * PRIME_1) & WORD), 23n) * PRIME_2 + PRIME_3) & WORD;
    at += 4;
  }
  for (; at < bytes.length; at++) hash = (rotated(hash ^ ((BigInt(view.getUint8(at)) * PRIME_5) & WORD), 11n) * PRIME_1) & WORD;
  hash = ((hash ^ (hash >> 33n)) * PRIME_2) & WORD;
  hash = ((hash ^ (hash >> 29n)) * PRIME_3) & WORD;
  return hash ^ (hash >> 32n);
}

function md5Word(bytes: Uint8Array, at: 0 | 8): bigint {
  return createHash('md5').update(bytes).digest().readBigUInt64LE(at);
}

export const CHECKSUM_FUNCTIONS: readonly ScalarFunction[] = [
  entry(
    'xxhash64',
    'XXH64 of a text or bytes, with the seed 0.',
    [
      { sql: "xxhash64('abc')", result: '4952883123889572249' },
      { sql: "xxhash64('Nobody inspects the spammish repetition')", result: '18144624926692707313' },
    ],
    ofBytes(UINT64, xxhash64),
    ['xxh64'],
  ),
  entry(
    'md5_number_upper',
    'The first eight bytes of the MD5 as a number, the lowest byte first.',
    [{ sql: "md5_number_upper('abc')", result: '12704604231530709392' }],
    ofBytes(UINT64, (bytes) => md5Word(bytes, 0)),
  ),
  entry(
    'md5_number_lower',
    'The last eight bytes of the MD5 as a number, the lowest byte first.',
    [{ sql: "md5_number_lower('abc')", result: '8250560606382298838' }],
    ofBytes(UINT64, (bytes) => md5Word(bytes, 8)),
  ),
];
