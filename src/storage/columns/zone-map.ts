/** Zone maps: null count, minimum and maximum of a column in a segment, found by kernels; and their form in the catalog. */
import type { ZoneMap } from '../../core/contracts.js';
import { isText, physicalOf } from '../../core/types.js';
import type { StorageMemory } from '../memory.js';
import type { ColumnBuffers } from './column-buffers.js';
import type { ColumnDictionary } from './column-dictionary.js';

const TEXT_BYTES = 64;
const OUT_BYTES = 64;

export function zoneMapOf(memory: StorageMemory, column: ColumnBuffers, dictionary: ColumnDictionary | null): ZoneMap {
  const { kernels } = memory;
  const { length, validity } = column;
  if (column.type.kind === 'null') return { nullCount: length, min: undefined, max: undefined };
  const nullCount = validity === 0 ? 0 : length - kernels.tally_bits(validity, 0, length);
  if (nullCount === length) return { nullCount, min: undefined, max: undefined };
  return memory.scratch((allocate) => {
    const out = allocate(OUT_BYTES);
    const range = isText(column.type) ? textRange(memory, column, dictionary, out) : fixedRange(memory, column, out);
    return { nullCount, min: range?.[0], max: range?.[1] };
  });
}

type Range = readonly [ZoneMap['min'], ZoneMap['max']];

function fixedRange(memory: StorageMemory, column: ColumnBuffers, out: number): Range | undefined {
  const { kernels: k, arena } = memory;
  const { i8, i16, i32, i64, u8, u16, u32, u64, f32, f64 } = arena;
  const zones = {
    i8: [k.zone_i8, i8, 1],
    i16: [k.zone_i16, i16, 2],
    i32: [k.zone_i32, i32, 4],
    i64: [k.zone_i64, i64, 8],
    u8: [k.zone_u8, u8, 1],
    u16: [k.zone_u16, u16, 2],
    u32: [k.zone_u32, u32, 4],
    u64: [k.zone_u64, u64, 8],
    f32: [k.zone_f32, f32, 4],
    f64: [k.zone_f64, f64, 8],
  } as const;
  const physical = physicalOf(column.type);
  if (physical === 'i128') {
    k.zone_i128(column.values, column.validity, column.length, out);
    const wide = (word: number) => ((i64[word + 1] as bigint) << 64n) | (u64[word] as bigint);
    return [wide(out / 8), wide(out / 8 + 2)];
  }
  if (!(physical in zones)) return undefined;
  const [zone, view, width] = zones[physical as keyof typeof zones];
  zone(column.values, column.validity, column.length, out);
  return [view[out / width], view[out / width + 1]];
}

function textRange(memory: StorageMemory, column: ColumnBuffers, dictionary: ColumnDictionary | null, out: number): Range | undefined {
  const { kernels, arena } = memory;
  if (!column.dictionary || dictionary === null) {
    kernels.zone_bytes(column.offsets, column.values, column.validity, column.length, out);
    return [arena.i32[out / 4], arena.i32[out / 4 + 1]].map((row, i) =>
      boundText(memory, column.offsets, column.values, row as number, i === 1),
    ) as unknown as Range;
  }
  const view = dictionary.view();
  return memory.scratch((allocate) => {
    const bytes = Math.ceil(view.count / 64) * 8;
    const used = allocate(bytes);
    kernels.fill_bytes(used, 0, bytes);
    kernels.mark_codes(used, column.values, column.validity, column.length);
    kernels.zone_bytes(view.offsets, view.values, used, view.count, out);
    return [arena.i32[out / 4], arena.i32[out / 4 + 1]].map((code, i) =>
      boundText(memory, view.offsets, view.values, code as number, i === 1),
    ) as unknown as Range;
  });
}

/** The first 64 bytes, cut between characters; the upper bound is rounded up, and undefined when that is impossible. */
function boundText(memory: StorageMemory, offsets: number, values: number, row: number, isUpper: boolean): string | undefined {
  const { arena } = memory;
  const first = arena.i32[offsets / 4 + row] as number;
  const size = (arena.i32[offsets / 4 + row + 1] as number) - first;
  let end = Math.min(size, TEXT_BYTES);
  const byteAt = (index: number) => arena.u8[values + first + index] as number;
  if (end < size) while (end > 0 && (byteAt(end) & 0xc0) === 0x80) end--;
  const text = decodeText(Uint8Array.from(arena.u8.subarray(values + first, values + first + end)));
  return end === size || !isUpper || text === undefined ? text : nextText(text);
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Bytes that are not UTF-8 have no bound: a replacement character would be greater than they are. */
function decodeText(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/** The least text greater than all that begin with `text`. */
function nextText(text: string): string | undefined {
  const characters = [...text];
  for (let last = characters.pop(); last !== undefined; last = characters.pop()) {
    const next = (last.codePointAt(0) as number) + 1;
    if (next <= 0x10ffff) return characters.join('') + String.fromCodePoint(next === 0xd800 ? 0xe000 : next);
  }
  return undefined;
}

/** JSON form: numbers that JSON lacks and bigints are strings with a letter in front. */
export type StoredBound = number | string | null;

export function storeBound(bound: ZoneMap['min']): StoredBound {
  if (bound === undefined) return null;
  if (typeof bound === 'bigint') return `i${bound}`;
  if (typeof bound === 'string') return `t${bound}`;
  return Number.isFinite(bound) && !Object.is(bound, -0) ? bound : `f${Object.is(bound, -0) ? '-0' : bound}`;
}

export function loadBound(stored: StoredBound): ZoneMap['min'] {
  if (stored === null) return undefined;
  if (typeof stored === 'number') return stored;
  const rest = stored.slice(1);
  if (stored.startsWith('i')) return BigInt(rest);
  return stored.startsWith('t') ? rest : Number(rest);
}
