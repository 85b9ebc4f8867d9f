/** Rearranging rows: target row i = source row order[i]. */

@inline
function permute<T>(target: usize, source: usize, order: usize, n: usize): void {
  for (let i: usize = 0; i < n; i++) store<T>(target + i * sizeof<T>(), load<T>(source + (load<u32>(order + (i << 2)) as usize) * sizeof<T>()));
}

export function permute_8(target: usize, source: usize, order: usize, n: usize): void {
  permute<u8>(target, source, order, n);
}
export function permute_16(target: usize, source: usize, order: usize, n: usize): void {
  permute<u16>(target, source, order, n);
}
export function permute_32(target: usize, source: usize, order: usize, n: usize): void {
  permute<u32>(target, source, order, n);
}
export function permute_64(target: usize, source: usize, order: usize, n: usize): void {
  permute<u64>(target, source, order, n);
}
export function permute_128(target: usize, source: usize, order: usize, n: usize): void {
  for (let i: usize = 0; i < n; i++) v128.store(target + (i << 4), v128.load(source + ((load<u32>(order + (i << 2)) as usize) << 4)));
}

/** New offsets (n + 1 of them, from 0) of rows taken in order. Their sum is that of the source, so it fits. */
export function permute_offsets(target: usize, offsets: usize, order: usize, n: usize): void {
  let total: i32 = 0;
  for (let i: usize = 0; i < n; i++) {
    store<i32>(target + (i << 2), total);
    const row = offsets + ((load<u32>(order + (i << 2)) as usize) << 2);
    total += load<i32>(row, 4) - load<i32>(row);
  }
  store<i32>(target + (n << 2), total);
}

/** Moves the bytes of rows taken in order. */
export function permute_bytes(target: usize, offsets: usize, values: usize, order: usize, n: usize): void {
  for (let i: usize = 0; i < n; i++) {
    const row = offsets + ((load<u32>(order + (i << 2)) as usize) << 2);
    const first = load<i32>(row);
    const size = load<i32>(row, 4) - first;
    memory.copy(target, values + first, size);
    target += size;
  }
}

/** Indexes of the child rows of list rows taken in order. */
export function permute_ranges(target: usize, offsets: usize, order: usize, n: usize): void {
  for (let i: usize = 0; i < n; i++) {
    const row = offsets + ((load<u32>(order + (i << 2)) as usize) << 2);
    const end = load<i32>(row, 4);
    for (let child = load<i32>(row); child < end; child++) {
      store<i32>(target, child);
      target += 4;
    }
  }
}

/** Offsets moved by a constant: target[i] = source[i] + delta for i in [0, n). */
export function shift_offsets(target: usize, source: usize, delta: i32, n: usize): void {
  for (let i: usize = 0; i < n; i++) store<i32>(target + (i << 2), load<i32>(source + (i << 2)) + delta);
}

/** Offsets 0, step, 2 step, …: n + 1 of them. */
export function step_offsets(target: usize, step: i32, n: usize): void {
  for (let i: usize = 0; i <= n; i++) store<i32>(target + (i << 2), step * (i as i32));
}

/** Repeats a value of sizeBytes bytes n times. */
export function tile_bytes(target: usize, source: usize, sizeBytes: usize, n: usize): void {
  for (let i: usize = 0; i < n; i++) memory.copy(target + i * sizeBytes, source, sizeBytes);
}
