// Moving values: gather, select, fill, scatter. Only the width of a value matters.

// @ts-ignore: decorator
@inline
function gather<T>(values: usize, indices: usize, n: i32, out: usize): void {
  for (let i = 0; i < n; i++) {
    const index = <usize>load<u32>(indices + ((<usize>i) << 2));
    store<T>(out + (<usize>i) * sizeof<T>(), load<T>(values + index * sizeof<T>()));
  }
}

// @ts-ignore: decorator
@inline
function gatherOrZero<T>(values: usize, indices: usize, n: i32, out: usize): void {
  for (let i = 0; i < n; i++) {
    const index = load<u32>(indices + ((<usize>i) << 2));
    store<T>(out + (<usize>i) * sizeof<T>(), index == u32.MAX_VALUE ? <T>0 : load<T>(values + (<usize>index) * sizeof<T>()));
  }
}

export function gather_8(values: usize, indices: usize, n: i32, out: usize): void { gather<u8>(values, indices, n, out); }
export function gather_16(values: usize, indices: usize, n: i32, out: usize): void { gather<u16>(values, indices, n, out); }
export function gather_32(values: usize, indices: usize, n: i32, out: usize): void { gather<u32>(values, indices, n, out); }
export function gather_64(values: usize, indices: usize, n: i32, out: usize): void { gather<u64>(values, indices, n, out); }
export function gather_128(values: usize, indices: usize, n: i32, out: usize): void {
  for (let i = 0; i < n; i++) v128.store(out + ((<usize>i) << 4), v128.load(values + ((<usize>load<u32>(indices + ((<usize>i) << 2))) << 4)));
}

// Index 0xFFFFFFFF gives zero bytes.
export function gather_or_zero_8(values: usize, indices: usize, n: i32, out: usize): void { gatherOrZero<u8>(values, indices, n, out); }
export function gather_or_zero_16(values: usize, indices: usize, n: i32, out: usize): void { gatherOrZero<u16>(values, indices, n, out); }
export function gather_or_zero_32(values: usize, indices: usize, n: i32, out: usize): void { gatherOrZero<u32>(values, indices, n, out); }
export function gather_or_zero_64(values: usize, indices: usize, n: i32, out: usize): void { gatherOrZero<u64>(values, indices, n, out); }
export function gather_or_zero_128(values: usize, indices: usize, n: i32, out: usize): void {
  for (let i = 0; i < n; i++) {
    const index = load<u32>(indices + ((<usize>i) << 2));
    v128.store(out + ((<usize>i) << 4), index == u32.MAX_VALUE ? i64x2.splat(0) : v128.load(values + ((<usize>index) << 4)));
  }
}

// @ts-ignore: decorator
@inline
function fill<T>(value: usize, n: i32, out: usize): void {
  const x = load<T>(value);
  for (let i = 0; i < n; i++) store<T>(out + (<usize>i) * sizeof<T>(), x);
}

// n copies of the value at an address.
export function fill_8(value: usize, n: i32, out: usize): void { memory.fill(out, load<u8>(value), n); }
export function fill_16(value: usize, n: i32, out: usize): void { fill<u16>(value, n, out); }
export function fill_32(value: usize, n: i32, out: usize): void { fill<u32>(value, n, out); }
export function fill_64(value: usize, n: i32, out: usize): void { fill<u64>(value, n, out); }
export function fill_128(value: usize, n: i32, out: usize): void {
  const x = v128.load(value);
  for (let i = 0; i < n; i++) v128.store(out + ((<usize>i) << 4), x);
}

// @ts-ignore: decorator
@inline
function select_<T>(mask: usize, a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize): void {
  const am = (<usize>aStep) * sizeof<T>(), bm = (<usize>bStep) * sizeof<T>();
  for (let i = 0; i < n; i++) {
    const bit = (<u32>load<u8>(mask + (i >> 3)) >> (i & 7)) & 1;
    const x = load<T>(a + (<usize>i) * am);
    const y = load<T>(b + (<usize>i) * bm);
    store<T>(out + (<usize>i) * sizeof<T>(), select<T>(x, y, bit != 0));
  }
}

// Value of a where the mask's bit is set, else of b; a step of 0 means a constant.
export function select_8(mask: usize, a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize): void { select_<u8>(mask, a, aStep, b, bStep, n, out); }
export function select_16(mask: usize, a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize): void { select_<u16>(mask, a, aStep, b, bStep, n, out); }
export function select_32(mask: usize, a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize): void { select_<u32>(mask, a, aStep, b, bStep, n, out); }
export function select_64(mask: usize, a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize): void { select_<u64>(mask, a, aStep, b, bStep, n, out); }
export function select_128(mask: usize, a: usize, aStep: i32, b: usize, bStep: i32, n: i32, out: usize): void {
  for (let i = 0; i < n; i++) {
    const bit = (<u32>load<u8>(mask + (i >> 3)) >> (i & 7)) & 1;
    v128.store(out + ((<usize>i) << 4), v128.load(bit ? a + ((<usize>(i * aStep)) << 4) : b + ((<usize>(i * bStep)) << 4)));
  }
}

/** out[indices[j]] = base + j · step for j < n. */
export function scatter_sequence(indices: usize, n: i32, base: i32, step: i32, out: usize): void {
  for (let j = 0; j < n; j++) store<i32>(out + ((<usize>load<u32>(indices + ((<usize>j) << 2))) << 2), base + j * step);
}

/** u32 0, 1, 2, … from base. */
export function sequence_u32(base: i32, n: i32, out: usize): void {
  for (let i = 0; i < n; i++) store<i32>(out + ((<usize>i) << 2), base + i);
}

/** Where the validity bit is clear, the index becomes `missing`. */
export function mask_indices(indices: usize, validity: usize, n: i32, missing: i32, out: usize): void {
  for (let i = 0; i < n; i++) {
    const bit = (<u32>load<u8>(validity + (i >> 3)) >> (i & 7)) & 1;
    store<i32>(out + ((<usize>i) << 2), bit ? load<i32>(indices + ((<usize>i) << 2)) : missing);
  }
}

/** Total bytes of the chosen values of a text column; index 0xFFFFFFFF counts nothing. −1 when they exceed 2³¹−1. */
export function gather_bytes_size(offsets: usize, indices: usize, n: i32): i32 {
  let total: i64 = 0;
  for (let i = 0; i < n; i++) {
    const index = load<u32>(indices + ((<usize>i) << 2));
    if (index == u32.MAX_VALUE) continue;
    const at = offsets + ((<usize>index) << 2);
    total += <i64>(load<i32>(at, 4) - load<i32>(at));
  }
  return total > <i64>i32.MAX_VALUE ? -1 : <i32>total;
}

/** The chosen values: n + 1 offsets from 0 to outOffsets, bytes to outValues. */
export function gather_bytes(offsets: usize, values: usize, indices: usize, n: i32, outOffsets: usize, outValues: usize): void {
  let end = 0;
  for (let i = 0; i < n; i++) {
    store<i32>(outOffsets + ((<usize>i) << 2), end);
    const index = load<u32>(indices + ((<usize>i) << 2));
    if (index == u32.MAX_VALUE) continue;
    const at = offsets + ((<usize>index) << 2);
    const first = load<i32>(at);
    const size = load<i32>(at, 4) - first;
    copySmall(outValues + end, values + first, size);
    end += size;
  }
  store<i32>(outOffsets + ((<usize>n) << 2), end);
}

/** Most text is short, and a loop of its own beats a call of memory.copy. */
// @ts-ignore: decorator
@inline
function copySmall(target: usize, source: usize, size: i32): void {
  if (size > 32) {
    memory.copy(target, source, size);
    return;
  }
  let k = 0;
  for (; k + 8 <= size; k += 8) store<u64>(target + k, load<u64>(source + k));
  for (; k < size; k++) store<u8>(target + k, load<u8>(source + k));
}

/** out[i] = offsets[i] + delta for n values: appending offsets to a column. */
export function append_offsets(offsets: usize, n: i32, delta: i32, out: usize): void {
  for (let i = 0; i < n; i++) store<i32>(out + ((<usize>i) << 2), load<i32>(offsets + ((<usize>i) << 2)) + delta);
}

/** Elements of the chosen lists: counts them; with outIndices ≠ 0 also writes n + 1 offsets and the elements' indices. */
export function gather_lists(offsets: usize, indices: usize, n: i32, outOffsets: usize, outIndices: usize): i32 {
  if (!outOffsets) return gather_bytes_size(offsets, indices, n);
  let end = 0;
  for (let i = 0; i < n; i++) {
    store<i32>(outOffsets + ((<usize>i) << 2), end);
    const index = load<u32>(indices + ((<usize>i) << 2));
    if (index == u32.MAX_VALUE) continue;
    const at = offsets + ((<usize>index) << 2);
    const last = load<i32>(at, 4);
    for (let j = load<i32>(at); j < last; j++, end++) store<i32>(outIndices + ((<usize>end) << 2), j);
  }
  store<i32>(outOffsets + ((<usize>n) << 2), end);
  return end;
}
