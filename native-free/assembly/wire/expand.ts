// From our encodings to plain Arrow buffers: constants, dictionaries, slices whose offsets do not start at 0.

// @ts-ignore: decorator
@inline
function isSet(validity: usize, bit: u32): bool {
  return validity == 0 || ((load<u8>(validity + (bit >> 3)) >> <u8>(bit & 7)) & 1) != 0;
}

/** Repeats the sizeBytes bytes at source count times. */
export function repeat_wire_bytes(target: usize, source: usize, sizeBytes: u32, count: u32): void {
  if (count == 0 || sizeBytes == 0) return;
  memory.copy(target, source, sizeBytes);
  const total: usize = <usize>sizeBytes * <usize>count;
  let done: usize = sizeBytes;
  while (done < total) {
    const step = min<usize>(done, total - done);
    memory.copy(target + done, target, step);
    done += step;
  }
}

/** target[i] = base + i * step for i in [0, count). */
export function step_wire_offsets(target: usize, base: i32, step: i32, count: u32): void {
  for (let i: u32 = 0; i < count; i++) store<i32>(target + ((<usize>i) << 2), base + step * <i32>i);
}

/** target[i] = source[i] + delta for i in [0, count). */
export function rebase_wire_offsets(target: usize, source: usize, count: u32, delta: i32): void {
  const deltas = i32x4.splat(delta);
  let i: u32 = 0;
  for (; i + 4 <= count; i += 4) v128.store(target + ((<usize>i) << 2), i32x4.add(v128.load(source + ((<usize>i) << 2)), deltas));
  for (; i < count; i++) store<i32>(target + ((<usize>i) << 2), load<i32>(source + ((<usize>i) << 2)) + delta);
}

/**
 * Offsets of the values that codes name: offsets[0] = base, offsets[i + 1] = offsets[i] + length (0 for a null row). Bit i of validity is
 * bit + i. Returns the end offset as float64; when it is above 2^31 - 1 the offsets are void.
 */
export function measure_code_bytes(offsets: usize, base: i32, codes: usize, validity: usize, bit: u32, count: u32, dictionaryOffsets: usize): f64 {
  let end: i64 = base;
  store<i32>(offsets, base);
  for (let i: u32 = 0; i < count; i++) {
    if (isSet(validity, bit + i)) {
      const entry = dictionaryOffsets + ((<usize>load<u32>(codes + ((<usize>i) << 2))) << 2);
      end += <i64>(load<i32>(entry, 4) - load<i32>(entry));
    }
    store<i32>(offsets + ((<usize>i) << 2), <i32>end, 4);
  }
  return <f64>end;
}

/** Writes the bytes of the values that codes name, one after the other (null rows none). */
export function gather_code_bytes(target: usize, codes: usize, validity: usize, bit: u32, count: u32, dictionaryOffsets: usize, values: usize): void {
  for (let i: u32 = 0; i < count; i++) {
    if (!isSet(validity, bit + i)) continue;
    const entry = dictionaryOffsets + ((<usize>load<u32>(codes + ((<usize>i) << 2))) << 2);
    const first = load<i32>(entry);
    const size: usize = load<i32>(entry, 4) - first;
    let from: usize = values + first;
    if (size > 32) {
      memory.copy(target, from, size);
      target += size;
      continue;
    }
    const end = target + size;
    for (; target + 8 <= end; target += 8, from += 8) store<u64>(target, load<u64>(from));
    for (; target < end; target++, from++) store<u8>(target, load<u8>(from));
  }
}

/**
 * Codes of a large dictionary → codes of the few values seen so far. map[code] = new code + 1, 0 = unseen; a value seen for the first time
 * gets the next new code and its old code is put to seen[new code]. Null rows get code 0. Returns the number of values seen.
 */
export function remap_seen_codes(target: usize, codes: usize, validity: usize, bit: u32, count: u32, map: usize, seen: usize, seenCount: u32): u32 {
  for (let i: u32 = 0; i < count; i++) {
    let code: u32 = 0;
    if (isSet(validity, bit + i)) {
      const old = load<u32>(codes + ((<usize>i) << 2));
      code = load<u32>(map + ((<usize>old) << 2));
      if (code == 0) {
        store<u32>(seen + ((<usize>seenCount) << 2), old);
        code = ++seenCount;
        store<u32>(map + ((<usize>old) << 2), code);
      }
      code--;
    }
    store<u32>(target + ((<usize>i) << 2), code);
  }
  return seenCount;
}

/**
 * Plain text → codes of a dictionary that grows: entries lie in offsets (int32, offsets[0] = 0) and values; slots is a hash table of
 * slotCount (a power of two, > 2 × entries) words, each entry + 1 or 0. The caller has made room for count more entries and their bytes.
 * Null rows get code 0. Returns the number of entries.
 */
export function intern_wire_bytes(
  target: usize, sourceOffsets: usize, sourceValues: usize, validity: usize, bit: u32, count: u32,
  slots: usize, slotCount: u32, offsets: usize, values: usize, entries: u32,
): u32 {
  const mask = slotCount - 1;
  for (let i: u32 = 0; i < count; i++) {
    let code: u32 = 0;
    if (isSet(validity, bit + i)) {
      const first = load<i32>(sourceOffsets + ((<usize>i) << 2));
      const size = load<i32>(sourceOffsets + ((<usize>i) << 2), 4) - first;
      const from = sourceValues + first;
      let slot = hashBytes(from, size) & mask;
      while (true) {
        const entry = load<u32>(slots + ((<usize>slot) << 2));
        if (entry == 0) {
          const end = load<i32>(offsets + ((<usize>entries) << 2));
          memory.copy(values + end, from, size);
          store<i32>(offsets + ((<usize>entries) << 2), end + size, 4);
          code = entries++;
          store<u32>(slots + ((<usize>slot) << 2), entries);
          break;
        }
        const start = load<i32>(offsets + ((<usize>(entry - 1)) << 2));
        const length = load<i32>(offsets + ((<usize>(entry - 1)) << 2), 4) - start;
        if (length == size && memory.compare(values + start, from, size) == 0) {
          code = entry - 1;
          break;
        }
        slot = (slot + 1) & mask;
      }
    }
    store<u32>(target + ((<usize>i) << 2), code);
  }
  return entries;
}

/** Puts the entries [0, entries) of a dictionary into a zeroed hash table of slotCount words (after it has been made larger). */
export function rehash_wire_entries(slots: usize, slotCount: u32, offsets: usize, values: usize, entries: u32): void {
  const mask = slotCount - 1;
  for (let i: u32 = 0; i < entries; i++) {
    const first = load<i32>(offsets + ((<usize>i) << 2));
    let slot = hashBytes(values + first, load<i32>(offsets + ((<usize>i) << 2), 4) - first) & mask;
    while (load<u32>(slots + ((<usize>slot) << 2)) != 0) slot = (slot + 1) & mask;
    store<u32>(slots + ((<usize>slot) << 2), i + 1);
  }
}

function hashBytes(address: usize, size: i32): u32 {
  let hash: u64 = 0x9e3779b97f4a7c15 ^ <u64>size;
  const end = address + size;
  for (; address + 8 <= end; address += 8) hash = rotl<u64>((hash ^ load<u64>(address)) * 0xff51afd7ed558ccd, 29);
  for (; address < end; address++) hash = rotl<u64>((hash ^ <u64>load<u8>(address)) * 0xc4ceb9fe1a85ec53, 23);
  hash ^= hash >> 32;
  return <u32>(hash * 0x9e3779b97f4a7c15 >> 32);
}
