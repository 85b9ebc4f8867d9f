/** Plain-TypeScript twins of the kernels in assembly/vector, over any bytes: what the kernels must do, written to be read. */
import type { VectorKernels } from '../generated/vector.js';
import { FLOAT_TYPES, INTEGER_TYPES, type NumberType, OracleMemory, rows } from './memory.js';
import { numberOracle } from './vector-numbers.js';
import { timeOracle } from './vector-time.js';

/** Order of two floats: NaN equals NaN and is the greatest; −0 equals 0. */
function orderFloats(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return a < b ? -1 : a > b ? 1 : 0;
}

const orderIntegers = (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0);

const HOLDS = [
  (order: number) => order === 0,
  (order: number) => order !== 0,
  (order: number) => order < 0,
  (order: number) => order <= 0,
  (order: number) => order > 0,
  (order: number) => order >= 0,
] as const;

/** Twins that work on these bytes; addresses are offsets in them. */
export function vectorOracle(bytes: Uint8Array): VectorKernels {
  const memory = new OracleMemory(bytes);
  return {
    ...(bitOracle(memory) as VectorKernels),
    ...(compareOracle(memory) as Partial<VectorKernels> as VectorKernels),
    ...(gatherOracle(memory) as VectorKernels),
    ...(numberOracle(memory) as VectorKernels),
    ...(timeOracle(memory) as VectorKernels),
  };
}

function bitOracle(memory: OracleMemory): Partial<VectorKernels> {
  const bit = (bitmap: number, row: number) => memory.bit(bitmap, row);
  const write = (out: number, n: number, value: (row: number) => boolean) => memory.writeBits(out, n, value);
  return {
    bits_fill: (n, value, out) => write(out, n, () => value !== 0),
    bits_copy: (a, n, out) => write(out, n, (row) => bit(a, row)),
    bits_and: (a, b, n, out) => write(out, n, (row) => bit(a, row) && bit(b, row)),
    bits_or: (a, b, n, out) => write(out, n, (row) => bit(a, row) || bit(b, row)),
    bits_xor: (a, b, n, out) => write(out, n, (row) => bit(a, row) !== bit(b, row)),
    bits_and_not: (a, b, n, out) => write(out, n, (row) => bit(a, row) && !bit(b, row)),
    bits_not: (a, n, out) => write(out, n, (row) => !bit(a, row)),
    bits_count: (a, n) => rows(n).filter((row) => bit(a, row)).length,
    bits_first: (a, n) => rows(n).find((row) => bit(a, row)) ?? -1,
    kleene_and: (a, aValid, b, bValid, n, out, outValid) => {
      const isFalse = (x: number, valid: number, row: number) => bit(valid, row) && !memory.bit(x, row);
      const known = (row: number) => bit(aValid, row) && bit(bValid, row);
      write(out, n, (row) => known(row) && bit(a, row) && bit(b, row));
      write(outValid, n, (row) => known(row) || isFalse(a, aValid, row) || isFalse(b, bValid, row));
    },
    kleene_or: (a, aValid, b, bValid, n, out, outValid) => {
      const isTrue = (row: number) => (bit(aValid, row) && bit(a, row)) || (bit(bValid, row) && bit(b, row));
      write(out, n, isTrue);
      write(outValid, n, (row) => isTrue(row) || (bit(aValid, row) && bit(bValid, row)));
    },
    bits_to_indices: (bitmap, n, out) => {
      const set = rows(n).filter((row) => bit(bitmap, row));
      for (const [i, row] of set.entries()) memory.setI32(out, i, row);
      return set.length;
    },
    append_bits: (target, targetBit, source, n) => {
      for (const row of rows(n)) memory.putBit(target, targetBit + row, bit(source, row));
      for (let at = targetBit + n; (at & 7) !== 0; at++) memory.putBit(target, at, false);
    },
    gather_bits: (bitmap, indices, n, out) =>
      write(out, n, (row) => memory.i32(indices, row) !== -1 && bit(bitmap, memory.i32(indices, row))),
    lookup_bits: (codes, lut, n, out) => write(out, n, (row) => memory.bytes[lut + memory.i32(codes, row)] === 1),
    bits_to_bytes: (bitmap, n, out) => {
      for (const row of rows(n)) memory.bytes[out + row] = Number(bit(bitmap, row));
    },
    bytes_to_bits: (source, n, out) => write(out, n, (row) => memory.bytes[source + row] !== 0),
  };
}

type Kernel = (...args: number[]) => number | undefined;

function compareOracle(memory: OracleMemory): Record<string, Kernel> {
  const kernels: Record<string, Kernel> = {};
  const compare = (order: (a: number, aRow: number, b: number, bRow: number) => number): Kernel => {
    return (op = 0, a = 0, b = 0, bStep = 0, n = 0, out = 0) => {
      memory.writeBits(out, n, (row) => HOLDS[op as 0]?.(order(a, row, b, row * bStep)) ?? false);
      return undefined;
    };
  };
  const search = (order: (a: number, aRow: number, b: number, bRow: number) => number): Kernel => {
    return (a = 0, n = 0, set = 0, count = 0, out = 0) => {
      memory.writeBits(out, n, (row) => rows(count).some((i) => order(a, row, set, i) === 0));
      return undefined;
    };
  };
  const integers = (type: NumberType) => (a: number, aRow: number, b: number, bRow: number) =>
    orderIntegers(memory.integer(type, a, aRow), memory.integer(type, b, bRow));
  for (const type of [...INTEGER_TYPES, 'i128'] as const) kernels[`compare_${type}`] = compare(integers(type));
  for (const type of ['i32', 'i64', 'u32', 'u64'] as const) kernels[`in_sorted_${type}`] = search(integers(type));
  for (const type of FLOAT_TYPES) {
    const floats = (a: number, aRow: number, b: number, bRow: number) =>
      orderFloats(memory.float(type, a, aRow), memory.float(type, b, bRow));
    kernels[`compare_${type}`] = compare(floats);
    kernels[`in_sorted_${type}`] = search(floats);
  }
  const sixteen = (a: number, row: number) => memory.bytes.subarray(a + 16 * row, a + 16 * row + 16);
  kernels.compare_fixed16 = compare((a, aRow, b, bRow) => Buffer.compare(sixteen(a, aRow), sixteen(b, bRow)));
  const span = (a: number, row: number) => {
    const at = a + 16 * row;
    return (
      BigInt(memory.i32(at)) * 30n * 86_400_000_000_000n + BigInt(memory.i32(at + 4)) * 86_400_000_000_000n + memory.integer('i64', at + 8)
    );
  };
  kernels.compare_interval = compare((a, aRow, b, bRow) => orderIntegers(span(a, aRow), span(b, bRow)));
  return kernels;
}

function gatherOracle(memory: OracleMemory): Partial<VectorKernels> {
  const kernels: Record<string, Kernel> = {};
  const index = (indices: number, row: number) => memory.view.getUint32(indices + 4 * row, true);
  const missing = (indices: number, row: number) => memory.i32(indices, row) === -1;
  for (const bits of [8, 16, 32, 64, 128]) {
    const width = bits / 8;
    kernels[`gather_${bits}`] = (values = 0, indices = 0, n = 0, out = 0) => {
      for (const row of rows(n)) memory.copy(out + width * row, values + width * index(indices, row), width);
      return undefined;
    };
    kernels[`gather_or_zero_${bits}`] = (values = 0, indices = 0, n = 0, out = 0) => {
      for (const row of rows(n)) {
        if (missing(indices, row)) memory.bytes.fill(0, out + width * row, out + width * (row + 1));
        else memory.copy(out + width * row, values + width * index(indices, row), width);
      }
      return undefined;
    };
    kernels[`fill_${bits}`] = (value = 0, n = 0, out = 0) => {
      for (const row of rows(n)) memory.copy(out + width * row, value, width);
      return undefined;
    };
    kernels[`select_${bits}`] = (mask = 0, a = 0, aStep = 0, b = 0, bStep = 0, n = 0, out = 0) => {
      for (const row of rows(n)) {
        const source = memory.bit(mask, row) ? a + width * row * aStep : b + width * row * bStep;
        memory.copy(out + width * row, source, width);
      }
      return undefined;
    };
  }
  const listBounds = (offsets: number, i: number) => [memory.i32(offsets, i), memory.i32(offsets, i + 1)] as const;
  const chosen = (indices: number, n: number) => rows(n).map((row) => (missing(indices, row) ? undefined : index(indices, row)));
  const bytesSize = (offsets: number, indices: number, n: number) =>
    chosen(indices, n).reduce<number>((sum, i) => sum + (i === undefined ? 0 : listBounds(offsets, i)[1] - listBounds(offsets, i)[0]), 0);
  return {
    ...(kernels as Partial<VectorKernels>),
    scatter_sequence: (indices, n, base, step, out) => {
      for (const row of rows(n)) memory.setI32(out, index(indices, row), base + row * step);
    },
    sequence_u32: (base, n, out) => {
      for (const row of rows(n)) memory.setI32(out, row, base + row);
    },
    mask_indices: (indices, validity, n, absent, out) => {
      for (const row of rows(n)) memory.setI32(out, row, memory.bit(validity, row) ? memory.i32(indices, row) : absent);
    },
    gather_bytes_size: (offsets, indices, n) => bytesSize(offsets, indices, n),
    gather_bytes: (offsets, values, indices, n, outOffsets, outValues) => {
      const picks = chosen(indices, n);
      memory.writeTexts(n, outOffsets, outValues, (row) => {
        const i = picks[row];
        return i === undefined ? new Uint8Array(0) : memory.text(offsets, values, i);
      });
    },
    append_offsets: (offsets, n, delta, out) => {
      for (const row of rows(n)) memory.setI32(out, row, memory.i32(offsets, row) + delta);
    },
    gather_lists: (offsets, indices, n, outOffsets, outIndices) => {
      let end = 0;
      for (const [row, i] of chosen(indices, n).entries()) {
        if (outOffsets !== 0) memory.setI32(outOffsets, row, end);
        if (i === undefined) continue;
        const [first, last] = listBounds(offsets, i);
        for (let element = first; element < last; element++, end++) if (outIndices !== 0) memory.setI32(outIndices, end, element);
      }
      if (outOffsets !== 0) memory.setI32(outOffsets, n, end);
      return end;
    },
  };
}
