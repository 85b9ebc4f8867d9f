/** ZSTD frames that our kernels write: our decoder and libzstd (through pyarrow) read them back, and they are as small as they should be. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { kernelsOf } from '../../src/arrow/arena-kernels.js';
import { Arena } from '../../src/core/arena.js';
import { python } from '../flight/python.js';

const BLOCK = 131_072;
const ROOM = 1 << 20;
const arena = Arena.create(1, 16 << 20);
const kernels = kernelsOf(arena);
const encoderWork = arena.allocate(1_062_144);
const decoderWork = arena.allocate(152_064);
const source = arena.allocate(ROOM);
const frame = arena.allocate(ROOM + 1024);
const target = arena.allocate(ROOM);
const GUARD = 0x5a;

/** undefined: it does not fit in room bytes. */
function encode(plain: Uint8Array, width: number, room = ROOM + 1024): Buffer | undefined {
  arena.u8.set(plain, source);
  arena.u8.fill(GUARD, frame, frame + ROOM + 1024);
  let end = kernels.begin_zstd_frame(frame, plain.length, encoderWork) >>> 0;
  for (let at = 0; at < plain.length; at += BLOCK) {
    const stop = Math.min(plain.length, at + BLOCK);
    const isLast = stop === plain.length;
    end = kernels.encode_zstd_block(end, frame + room, source, source + at, source + stop, width, isLast, encoderWork) >>> 0;
    if (end === 0) break;
  }
  expect(arena.u8.subarray(frame + Math.max(room, 9), frame + ROOM + 1024).every((byte) => byte === GUARD)).toBe(true);
  return end === 0 ? undefined : Buffer.from(arena.u8.slice(frame, end));
}

function decode(bytes: Uint8Array, plainBytes: number): Buffer | undefined {
  arena.u8.set(bytes, frame);
  const end = kernels.decode_zstd_frames(target, target + plainBytes, frame, frame + bytes.length, decoderWork) >>> 0;
  return end === target + plainBytes ? Buffer.from(arena.u8.slice(target, end)) : undefined;
}

function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state >>> 8) / 2 ** 24;
  };
}

const bytesOf = (values: Float64Array | BigInt64Array | Int32Array | Int16Array) => Buffer.from(values.buffer);

/** Columns as they come: name, bytes of a value, bytes of a row at most. */
function columns(rows: number, seed: number): readonly (readonly [string, Uint8Array, number, number])[] {
  const next = random(seed);
  const price = { now: 100 };
  let time = 1_700_000_000_000_000_000n;
  const times = BigInt64Array.from({ length: rows }, () => (time += BigInt(Math.floor(next() * 2e7))));
  const prices = Float64Array.from({ length: rows }, () => (price.now = Math.round((price.now + (next() - 0.5) / 5) * 100) / 100));
  const sizes = BigInt64Array.from({ length: rows }, () => BigInt(1 + Math.floor(Math.exp(next() * 7))));
  const signed = BigInt64Array.from({ length: rows }, () => BigInt(Math.floor((next() - 0.5) * 1000)));
  const codes = Int32Array.from({ length: rows }, () => Math.floor(next() ** 3 * 300));
  const words = Buffer.from(Array.from({ length: rows }, () => ['alpha ', 'beta ', 'gamma-delta ', ''][Math.floor(next() * 4)]).join(''));
  return [
    ['times', bytesOf(times), 8, 4.6],
    ['prices', bytesOf(prices), 8, 3],
    ['sizes', bytesOf(sizes), 8, 2.1],
    ['signed', bytesOf(signed), 8, 2.6],
    ['codes', bytesOf(codes), 4, 1.6],
    ['narrow codes', Uint8Array.from({ length: rows }, () => Math.floor(next() * 4)), 1, 0.3],
    ['constant', new Uint8Array(rows).fill(255), 1, 0.02],
    ['noise', Uint8Array.from({ length: rows }, () => next() * 256), 1, 1.01],
    ['one noisy value', bytesOf(new Float64Array(rows).fill(0.1)), 8, 0.1],
    ['decimals', bytesOf(BigInt64Array.from({ length: rows * 2 }, (_, i) => (i % 2 === 0 ? BigInt(i * 7) : 0n))), 16, 4],
    ['text', words, 1, 2],
    ['int16', bytesOf(Int16Array.from({ length: rows }, () => next() * 40)), 2, 1.2],
  ];
}

test('columns come back, and take as many bytes as they should', () => {
  for (const [name, plain, width, most] of columns(50_000, 7)) {
    const bytes = encode(plain, width);
    expect(bytes, name).toBeDefined();
    expect(decode(bytes ?? plain, plain.length)?.equals(plain), name).toBe(true);
    expect((bytes ?? plain).length / 50_000, name).toBeLessThan(most);
  }
});

test('libzstd reads what the kernels write', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fletch-zstd-'));
  try {
    let files = 0;
    for (const rows of [1, 2, 3, 5, 8, 13, 100, 1000, 4096, 16_384, 16_385, 60_000]) {
      for (const [name, plain, width] of columns(rows, rows)) {
        if (plain.length === 0) continue;
        writeFileSync(join(folder, `${name}-${rows}.plain`), plain);
        writeFileSync(join(folder, `${name}-${rows}.zst`), encode(plain, width) ?? Buffer.alloc(0));
        files += 1;
      }
    }
    expect((await python('arrow/unzstd.py', folder)).trim()).toBe(String(files));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('any bytes of any width come back, and nothing is written beyond the room', () => {
  const pieces = fc.array(
    fc.record({ kind: fc.nat(3), count: fc.integer({ min: 1, max: 60_000 }), of: fc.integer({ min: 1, max: 256 }), seed: fc.nat() }),
    { minLength: 1, maxLength: 5 },
  );
  fc.assert(
    fc.property(pieces, fc.constantFrom(1, 2, 4, 8, 16), fc.double({ min: 0, max: 1.1, noNaN: true }), (parts, width, share) => {
      const plain = Buffer.concat(
        parts.map(({ kind, count, of, seed }) => {
          const next = random(seed);
          const value = Array.from({ length: width }, () => next() * 256);
          return Uint8Array.from({ length: count * (width === 16 ? 1 : 2) }, (_, i) => {
            if (kind === 0) return next() * of;
            if (kind === 1) return value[i % width] as number;
            return i % width < width / 2 ? next() * of : (value[i % width] as number) + (next() < 0.01 ? 1 : 0);
          });
        }),
      );
      const whole = plain.subarray(0, plain.length - (plain.length % width));
      if (whole.length === 0) return;
      const bytes = encode(whole, width);
      expect(bytes).toBeDefined();
      expect(decode(bytes ?? plain, whole.length)?.equals(whole)).toBe(true);
      encode(whole, width, Math.max(9, Math.floor((bytes?.length ?? 0) * share)));
    }),
    { numRuns: 150 },
  );
});
