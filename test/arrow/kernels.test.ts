import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { WireKernels } from '../../native-free/generated/wire.js';
import { KERNEL_MODULES } from '../../native-free/kernels.js';
import { wireOracle } from '../../native-free/oracle/wire.js';
import { kernelsOf } from '../../src/arrow/arena-kernels.js';
import { Arena } from '../../src/core/arena.js';

const arena = Arena.create(9, 1 << 18);
const kernels = kernelsOf(arena);
const SIZE = 4096;
const a = arena.allocate(SIZE);
const b = arena.allocate(SIZE);
const c = arena.allocate(SIZE);
const d = arena.allocate(SIZE);
const target = arena.allocate(4 * SIZE);
const FIRST = a;
const LAST = target + 4 * SIZE;

const bytes = (size: number) => fc.uint8Array({ minLength: size, maxLength: size });
const rows = fc.nat(120);

type Tested = ReturnType<typeof wireOracle>;

/** Runs kernel and twin over the same memory; result and memory must be the same. */
function same<Name extends keyof Tested>(name: Name, args: Parameters<Tested[Name]>, isExact = true): number | undefined {
  const before = arena.u8.slice(0, LAST + 64);
  const run = (table: Tested) => (table[name] as (...values: number[]) => number | undefined)(...(args as number[]));
  const want = run(wireOracle(before));
  const got = run(kernels);
  expect(got === undefined ? undefined : name === 'decode_lz4_block' || name === 'decode_snappy_block' ? got >>> 0 : got).toBe(want);
  if (isExact) expect(Buffer.compare(arena.u8.slice(FIRST, LAST), before.subarray(FIRST, LAST))).toBe(0);
  return want;
}

function load(address: number, values: Uint8Array): void {
  arena.u8.set(values, address);
}

/** Ascending offsets at an address. */
function offsets(address: number, lengths: readonly number[]): number {
  let end = 0;
  arena.i32[address / 4] = 0;
  for (const [i, length] of lengths.entries()) arena.i32[address / 4 + i + 1] = end += length;
  return end;
}

test('bit ranges are counted, copied and set at any offset', () => {
  fc.assert(
    fc.property(bytes(64), bytes(64), fc.nat(40), fc.nat(40), fc.nat(200), (source, filled, from, to, count) => {
      load(a, source);
      load(target, filled);
      same('count_bit_range', [a, from, count]);
      same('copy_bit_range', [target, to, a, from, count]);
      same('set_bit_range', [target, from, count]);
    }),
  );
});

test('constants repeat, offsets step and rebase', () => {
  fc.assert(
    fc.property(bytes(512), fc.nat(40), rows, fc.integer({ min: -1000, max: 1000 }), (source, width, count, delta) => {
      load(a, source);
      same('repeat_wire_bytes', [target, a, width, count]);
      same('step_wire_offsets', [target, delta, width, count]);
      same('rebase_wire_offsets', [target, a, count, delta]);
    }),
  );
});

test('codes are measured, gathered and renumbered', () => {
  const lengths = fc.array(fc.nat(40), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(
      lengths,
      bytes(1200),
      bytes(40),
      fc.nat(20),
      fc.array(fc.nat(1000), { maxLength: 120 }),
      (sizes, values, validity, bit, raw) => {
        offsets(a, sizes);
        load(b, values);
        load(c, validity);
        for (const [i, code] of raw.entries()) arena.i32[d / 4 + i] = code % sizes.length;
        const end = same('measure_code_bytes', [target, 3, d, c, bit, raw.length, a]) ?? 0;
        expect(end).toBeLessThan(SIZE * 4);
        same('gather_code_bytes', [target, d, c, bit, raw.length, a, b]);
        arena.u8.fill(0, target, target + SIZE);
        same('remap_seen_codes', [target + SIZE, d, c, bit, raw.length, target, target + 2 * SIZE, 0]);
        arena.u8.fill(0, target, target + 64);
        same('and_code_validity', [target, d, c, raw.length, b]);
        arena.u8.fill(0, target, target + 64);
        same('gather_code_bits', [target, d, b, raw.length]);
        for (const width of [1, 4, 8, 16]) same('gather_code_values', [target, d, b, width, raw.length]);
      },
    ),
  );
});

test('interned text gets the codes of its first appearance', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 12 }), { maxLength: 60 }), bytes(16), (texts, validity) => {
      const parts = texts.map((text) => Buffer.from(text));
      offsets(
        a,
        parts.map((part) => part.length),
      );
      load(b, Buffer.concat(parts));
      load(c, validity);
      arena.u8.fill(0, d, d + SIZE);
      arena.i32[target / 4] = 0;
      const args: Parameters<WireKernels['intern_wire_bytes']> = [
        target + SIZE,
        a,
        b,
        c,
        3,
        texts.length,
        d,
        1024,
        target,
        target + 2 * SIZE,
        0,
      ];
      const entries = same('intern_wire_bytes', args, false) ?? 0;
      const before = arena.u8.slice(target + SIZE, target + SIZE + texts.length * 4);
      arena.u8.fill(0, d, d + SIZE);
      kernels.rehash_wire_entries(d, 1024, target, target + 2 * SIZE, entries);
      args[10] = entries;
      expect(kernels.intern_wire_bytes(...args)).toBe(entries);
      expect(arena.u8.slice(target + SIZE, target + SIZE + texts.length * 4)).toEqual(before);
    }),
  );
});

test('offsets that fall, leave the values or are negative are found', () => {
  const entry = fc.oneof(fc.nat(50), fc.integer());
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 60 }), fc.boolean(), fc.nat(60), (raw, sorted, limit) => {
      const values = sorted ? raw.map((value) => Math.abs(value) % 50).sort((x, y) => x - y) : raw;
      for (const [i, value] of values.entries()) {
        arena.i32[a / 4 + i] = value;
        arena.i64[b / 8 + i] = BigInt(value) * (value > 1000 ? 2n ** 20n : 1n);
      }
      same('check_wire_offsets', [a, values.length, limit]);
      same('narrow_wire_offsets', [target, b, values.length, limit]);
    }),
  );
});

test('invalid UTF-8 is found, wherever it lies', () => {
  const text = fc.array(
    fc.oneof({ weight: 6, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }) }, { weight: 1, arbitrary: bytes(3) }),
    { maxLength: 8 },
  );
  fc.assert(
    fc.property(text, bytes(2), (raw, validity) => {
      const parts = raw.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part)));
      const end = offsets(
        a,
        parts.map((part) => part.length),
      );
      load(b, Buffer.concat(parts));
      load(c, validity);
      same('check_utf8_range', [b, end]);
      same('check_utf8_starts', [a, b, parts.length]);
      same('check_utf8_rows', [a, b, c, parts.length]);
    }),
    { numRuns: 500 },
  );
  const oracle = wireOracle(new Uint8Array(arena.buffer));
  for (let lead = 0x80; lead < 0x100; lead++) {
    for (let second = 0x7f; second < 0xc1; second++) {
      load(b, Uint8Array.of(0x61, lead, second, 0x80, 0x80, 0x61));
      for (const size of [3, 4, 5, 6])
        if (kernels.check_utf8_range(b, size) !== oracle.check_utf8_range(b, size)) expect([lead, second, size]).toEqual([]);
    }
  }
});

test('dictionary indexes of every width become codes in range', () => {
  fc.assert(
    fc.property(
      bytes(SIZE),
      bytes(16),
      fc.constantFrom(0, 1, 100, 200, 70_000, 2 ** 31),
      fc.boolean(),
      rows,
      (raw, validity, limit, small, count) => {
        load(c, validity);
        for (const [kind, width] of [
          ['i8', 1],
          ['u8', 1],
          ['i16', 2],
          ['u16', 2],
          ['i32', 4],
          ['u32', 4],
          ['i64', 8],
          ['u64', 8],
        ] as const) {
          load(a, small ? raw.map((value, i) => (i % width === 0 ? value : 0)) : raw);
          same(`take_codes_${kind}`, [target, a, c, count, limit]);
        }
        same('narrow_codes_8', [target, a, count]);
        same('narrow_codes_16', [target, a, count]);
        same('check_codes_i32', [a, count, limit]);
      },
    ),
  );
});

test('types that we do not keep become those that we keep', () => {
  fc.assert(
    fc.property(bytes(SIZE), bytes(16), fc.boolean(), rows, (raw, validity, small, count) => {
      load(a, small ? raw.map((value, i) => (i % 32 < 8 ? value : 0)) : raw);
      load(c, validity);
      same('widen_f16_f32', [target, a, count]);
      same('scale_i32_i64', [target, a, count, 1_000_000]);
      same('narrow_i256_i128', [target, a, c, count]);
      same('widen_i32_i128', [target, a, count]);
      same('widen_i64_i128', [target, a, count]);
      same('widen_months_interval', [target, a, count]);
      same('widen_days_interval', [target, a, count]);
      same('widen_duration_interval', [target, a, c, count, 1000]);
      for (let i = 0; small && i < count; i++) arena.i64[a / 8 + i] = BigInt(i - 20) * 86_400_000n;
      same('narrow_date64_date32', [target, a, c, count]);
    }),
  );
});

test('string views are measured, refused when they lie, and gathered', () => {
  const view = fc.record({ size: fc.integer({ min: -1, max: 40 }), buffer: fc.nat(2), offset: fc.integer({ min: -1, max: 70 }) });
  fc.assert(
    fc.property(fc.array(view, { maxLength: 60 }), bytes(16), bytes(200), fc.boolean(), (views, validity, values, isHonest) => {
      load(b, values);
      load(c, validity);
      arena.u32.set([b, 100, b + 100, 100], d / 4);
      for (const [i, { size, buffer, offset }] of views.entries()) {
        const honest = [Math.abs(size), 0, buffer % 2, Math.min(60, Math.abs(offset))];
        arena.i32.set(isHonest ? honest : [size, 0, buffer, offset], a / 4 + 4 * i);
      }
      const end = same('measure_views', [target, a, c, views.length, d, 2]) ?? -1;
      if (end >= 0) same('gather_views', [target + SIZE, a, c, views.length, d]);
    }),
  );
});

test('LZ4 blocks decode, and malformed ones are refused without writing outside', () => {
  const block = fc.array(fc.oneof(fc.nat(255), fc.constantFrom(0x1f, 0xf0, 0, 1, 255)), { maxLength: 60 });
  fc.assert(
    fc.property(block, fc.nat(400), (raw, room) => {
      load(a, Uint8Array.from(raw));
      same('decode_lz4_block', [target + 16, target + 16 + room, target, a, a + raw.length]);
    }),
    { numRuns: 2000 },
  );
});

test('Snappy blocks decode, and malformed ones are refused without writing outside', () => {
  const element = fc.oneof(
    fc
      .uint8Array({ minLength: 1, maxLength: 70 })
      .map((raw) => (raw.length > 60 ? [60 << 2, raw.length - 1, ...raw] : [(raw.length - 1) << 2, ...raw])),
    fc.tuple(fc.integer({ min: 4, max: 11 }), fc.nat(300)).map(([size, back]) => [((back >> 8) << 5) | ((size - 4) << 2) | 1, back & 255]),
    fc.tuple(fc.integer({ min: 1, max: 64 }), fc.nat(300)).map(([size, back]) => [((size - 1) << 2) | 2, back & 255, back >> 8]),
    fc.tuple(fc.integer({ min: 1, max: 64 }), fc.nat(300)).map(([size, back]) => [((size - 1) << 2) | 3, back & 255, back >> 8, 0, 0]),
    fc.uint8Array({ maxLength: 3 }).map((raw) => [...raw]),
  );
  const sizeOf = ([tag = 0, next = 0]: readonly number[]) =>
    (tag & 3) === 0 ? (tag >> 2 === 60 ? next : tag >> 2) + 1 : (tag & 3) === 1 ? 4 + ((tag >> 2) & 7) : (tag >> 2) + 1;
  let whole = 0;
  fc.assert(
    fc.property(fc.array(element, { maxLength: 12 }), fc.constantFrom(0, 0, 0, 1, -1), (elements, off) => {
      const plain = Math.max(0, elements.reduce((sum, each) => sum + sizeOf(each), 0) + off);
      const raw = [...(plain > 127 ? [(plain & 127) | 128, plain >> 7] : [plain]), ...elements.flat()];
      load(a, Uint8Array.from(raw));
      // What a block that is refused has written is open.
      const isWhole = same('decode_snappy_block', [target, target + plain, a, a + raw.length], false) !== 0;
      if (isWhole) same('decode_snappy_block', [target, target + plain, a, a + raw.length]);
      whole += Number(isWhole);
    }),
    { numRuns: 3000 },
  );
  expect(whole).toBeGreaterThan(200);
});

test('kernels of two modules that share a name share their signature', () => {
  const signatures = new Map<string, string>();
  for (const module of KERNEL_MODULES) {
    const source = readFileSync(new URL(`../../native-free/generated/${module}.ts`, import.meta.url), 'utf8');
    for (const [line, name = ''] of source.matchAll(/^ {2}(\w+)\(.*$/gm)) {
      expect(signatures.get(name) ?? line).toBe(line);
      signatures.set(name, line);
    }
  }
});
