// What comes from the wire is checked here before anything trusts it. Errors come back as the first bad index, -1 = none.

// @ts-ignore: decorator
@inline
function isSet(validity: usize, i: u32): bool {
  return validity == 0 || ((load<u8>(validity + (i >> 3)) >> <u8>(i & 7)) & 1) != 0;
}

/** int32 offsets [0, entries): not negative, ascending, the last at most limit. */
export function check_wire_offsets(offsets: usize, entries: u32, limit: u32): i32 {
  if (entries == 0) return -1;
  if (load<i32>(offsets) < 0) return 0;
  let i: u32 = 1;
  let bad = i32x4.splat(0);
  for (; i + 4 <= entries; i += 4) {
    const at = offsets + ((<usize>i) << 2);
    bad = v128.or(bad, i32x4.lt_s(v128.load(at), v128.load(at - 4)));
  }
  if (v128.any_true(bad)) i = 1;
  for (; i < entries; i++) if (load<i32>(offsets + ((<usize>i) << 2)) < load<i32>(offsets + ((<usize>i) << 2) - 4)) return i;
  return load<u32>(offsets + ((<usize>(entries - 1)) << 2)) > limit ? <i32>(entries - 1) : -1;
}

/** int64 offsets → int32 offsets, with the checks of check_wire_offsets. */
export function narrow_wire_offsets(target: usize, offsets: usize, entries: u32, limit: u32): i32 {
  let previous: i64 = 0;
  for (let i: u32 = 0; i < entries; i++) {
    const offset = load<i64>(offsets + ((<usize>i) << 3));
    if (offset < previous || offset > <i64>limit) return i;
    store<i32>(target + ((<usize>i) << 2), <i32>offset);
    previous = offset;
  }
  return -1;
}

/** 1 when the bytes are valid UTF-8 (no surrogates, no overlong forms, at most U+10FFFF), else 0. */
export function check_utf8_range(address: usize, sizeBytes: u32): u32 {
  const end = address + sizeBytes;
  while (address < end) {
    while (address + 16 <= end && !v128.any_true(v128.and(v128.load(address), i8x16.splat(-128)))) address += 16;
    const stop = min<usize>(address + 16, end);
    while (address < stop) {
      const lead = load<u8>(address);
      if (lead < 0x80) {
        address++;
        continue;
      }
      let more: u32 = 0;
      let low: u8 = 0x80;
      let high: u8 = 0xbf;
      if (lead >= 0xc2 && lead <= 0xdf) more = 1;
      else if (lead >= 0xe0 && lead <= 0xef) {
        more = 2;
        if (lead == 0xe0) low = 0xa0;
        if (lead == 0xed) high = 0x9f;
      } else if (lead >= 0xf0 && lead <= 0xf4) {
        more = 3;
        if (lead == 0xf0) low = 0x90;
        if (lead == 0xf4) high = 0x8f;
      } else return 0;
      if (address + more >= end) return 0;
      const second = load<u8>(address, 1);
      if (second < low || second > high) return 0;
      for (let i: u32 = 2; i <= more; i++) if ((load<u8>(address + i) & 0xc0) != 0x80) return 0;
      address += more + 1;
    }
  }
  return 1;
}

/** First of count rows that begins inside of a character, -1 = none. With a valid whole range this makes every row valid. */
export function check_utf8_starts(offsets: usize, values: usize, count: u32): i32 {
  const end = load<i32>(offsets + ((<usize>count) << 2));
  for (let i: u32 = 0; i < count; i++) {
    const first = load<i32>(offsets + ((<usize>i) << 2));
    if (first < end && (load<u8>(values + first) & 0xc0) == 0x80) return i;
  }
  return -1;
}

/** First row that is present and not valid UTF-8, -1 = none. */
export function check_utf8_rows(offsets: usize, values: usize, validity: usize, count: u32): i32 {
  for (let i: u32 = 0; i < count; i++) {
    if (!isSet(validity, i)) continue;
    const first = load<i32>(offsets + ((<usize>i) << 2));
    if (check_utf8_range(values + first, load<i32>(offsets + ((<usize>i) << 2), 4) - first) == 0) return i;
  }
  return -1;
}

/** First row that is present and whose code is not in [0, limit). */
function takeCodes<T extends number>(target: usize, source: usize, validity: usize, count: u32, limit: u32): i32 {
  for (let i: u32 = 0; i < count; i++) {
    const code = <i64>load<T>(source + <usize>i * sizeof<T>());
    if (<u64>code < <u64>limit) store<u32>(target + ((<usize>i) << 2), <u32>code);
    else if (isSet(validity, i)) return i;
    else store<u32>(target + ((<usize>i) << 2), 0);
  }
  return -1;
}

/** Dictionary indexes of any width → int32 codes; out of range is an error in a present row (returned) and 0 in a null one. */
export function take_codes_i8(target: usize, source: usize, validity: usize, count: u32, limit: u32): i32 {
  return takeCodes<i8>(target, source, validity, count, limit);
}
export function take_codes_u8(target: usize, source: usize, validity: usize, count: u32, limit: u32): i32 {
  return takeCodes<u8>(target, source, validity, count, limit);
}
export function take_codes_i16(target: usize, source: usize, validity: usize, count: u32, limit: u32): i32 {
  return takeCodes<i16>(target, source, validity, count, limit);
}
export function take_codes_u16(target: usize, source: usize, validity: usize, count: u32, limit: u32): i32 {
  return takeCodes<u16>(target, source, validity, count, limit);
}
export function take_codes_i32(target: usize, source: usize, validity: usize, count: u32, limit: u32): i32 {
  return takeCodes<i32>(target, source, validity, count, limit);
}
export function take_codes_u32(target: usize, source: usize, validity: usize, count: u32, limit: u32): i32 {
  return takeCodes<u32>(target, source, validity, count, limit);
}
export function take_codes_i64(target: usize, source: usize, validity: usize, count: u32, limit: u32): i32 {
  return takeCodes<i64>(target, source, validity, count, limit);
}
export function take_codes_u64(target: usize, source: usize, validity: usize, count: u32, limit: u32): i32 {
  return takeCodes<u64>(target, source, validity, count, limit);
}

/** The lower bytes of int32 codes. */
export function narrow_codes_8(target: usize, source: usize, count: u32): void {
  for (let i: usize = 0; i < <usize>count; i++) store<u8>(target + i, load<u8>(source + (i << 2)));
}
export function narrow_codes_16(target: usize, source: usize, count: u32): void {
  for (let i: usize = 0; i < <usize>count; i++) store<u16>(target + (i << 1), load<u16>(source + (i << 2)));
}

/** 1 when all count int32 codes are in [0, limit), null rows included. */
export function check_codes_i32(codes: usize, count: u32, limit: u32): u32 {
  const limits = i32x4.splat(<i32>limit);
  let i: u32 = 0;
  let good = i32x4.splat(-1);
  for (; i + 4 <= count; i += 4) good = v128.and(good, i32x4.lt_u(v128.load(codes + ((<usize>i) << 2)), limits));
  if (!i32x4.all_true(good)) return 0;
  for (; i < count; i++) if (load<u32>(codes + ((<usize>i) << 2)) >= limit) return 0;
  return 1;
}

/** Validity of rows that name dictionary entries of which some are null. target: a zeroed bitmap. */
export function and_code_validity(target: usize, codes: usize, validity: usize, count: u32, dictionaryValidity: usize): void {
  for (let i: u32 = 0; i < count; i++) {
    if (!isSet(validity, i) || !isSet(dictionaryValidity, load<u32>(codes + ((<usize>i) << 2)))) continue;
    const at = target + (i >> 3);
    store<u8>(at, load<u8>(at) | (<u8>1 << <u8>(i & 7)));
  }
}

/** Values of a dictionary of fixed-width values, written out. */
export function gather_code_values(target: usize, codes: usize, source: usize, widthBytes: u32, count: u32): void {
  if (widthBytes == 8) {
    for (let i: u32 = 0; i < count; i++) store<u64>(target + ((<usize>i) << 3), load<u64>(source + ((<usize>load<u32>(codes + ((<usize>i) << 2))) << 3)));
  } else if (widthBytes == 4) {
    for (let i: u32 = 0; i < count; i++) store<u32>(target + ((<usize>i) << 2), load<u32>(source + ((<usize>load<u32>(codes + ((<usize>i) << 2))) << 2)));
  } else {
    for (let i: u32 = 0; i < count; i++) {
      memory.copy(target + <usize>i * widthBytes, source + <usize>load<u32>(codes + ((<usize>i) << 2)) * widthBytes, widthBytes);
    }
  }
}

/** The same for a dictionary of booleans. target: a zeroed bitmap. */
export function gather_code_bits(target: usize, codes: usize, source: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    if (!isSet(source, load<u32>(codes + ((<usize>i) << 2)))) continue;
    const at = target + (i >> 3);
    store<u8>(at, load<u8>(at) | (<u8>1 << <u8>(i & 7)));
  }
}
