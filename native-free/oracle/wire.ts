/** Plain-TypeScript twins of the kernels in assembly/wire, over any bytes: what the kernels must do, written to be read. */
import type { WireKernels } from '../generated/wire.js';

/** Twins that work on these bytes; addresses are offsets in them. the ZSTD kernels have other programs as their oracle. */
export function wireOracle(bytes: Uint8Array): Omit<WireKernels, 'decode_zstd_frames' | 'begin_zstd_frame' | 'encode_zstd_block'> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const i32 = (at: number) => view.getInt32(at, true);
  const bit = (address: number, index: number) => ((bytes[address + (index >> 3)] as number) >> (index & 7)) & 1;
  const isSet = (validity: number, index: number) => validity === 0 || bit(validity, index) === 1;
  const put = (address: number, index: number, value: number) => {
    const at = address + (index >> 3);
    bytes[at] = ((bytes[at] as number) & ~(1 << (index & 7))) | (value << (index & 7));
  };
  const rows = (count: number) => Array.from({ length: count }, (_, i) => i);
  const text = (offsets: number, values: number, entry: number) =>
    bytes.slice(values + i32(offsets + 4 * entry), values + i32(offsets + 4 * entry + 4));
  const isUtf8 = (part: Uint8Array) => {
    try {
      new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(part);
      return true;
    } catch (error) {
      if (error instanceof TypeError) return false;
      throw error;
    }
  };
  const copy = (target: number, source: number, size: number) => void bytes.copyWithin(target, source, source + size);
  const i128 = (at: number, value: bigint) => {
    view.setBigInt64(at, BigInt.asIntN(64, value), true);
    view.setBigInt64(at + 8, BigInt.asIntN(64, value >> 64n), true);
  };
  const interval = (at: number, months: number, days: number, nanoseconds: bigint) => {
    view.setInt32(at, months, true);
    view.setInt32(at + 4, days, true);
    view.setBigInt64(at + 8, BigInt.asIntN(64, nanoseconds), true);
  };
  const takeCodes =
    (width: number, read: (at: number) => bigint) => (target: number, source: number, validity: number, count: number, limit: number) => {
      for (const i of rows(count)) {
        const code = read(source + i * width);
        if (code >= 0n && code < BigInt(limit)) view.setUint32(target + 4 * i, Number(code), true);
        else if (isSet(validity, i)) return i;
        else view.setUint32(target + 4 * i, 0, true);
      }
      return -1;
    };

  return {
    count_bit_range: (address, first, count) => rows(count).reduce((sum, i) => sum + bit(address, first + i), 0),
    copy_bit_range: (target, targetBit, source, sourceBit, count) => {
      const bits = rows(count).map((i) => bit(source, sourceBit + i));
      for (const i of rows(count)) put(target, targetBit + i, bits[i] as number);
    },
    set_bit_range: (target, first, count) => {
      for (const i of rows(count)) put(target, first + i, 1);
    },
    repeat_wire_bytes: (target, source, sizeBytes, count) => {
      const value = bytes.slice(source, source + sizeBytes);
      for (const i of rows(count)) bytes.set(value, target + i * sizeBytes);
    },
    step_wire_offsets: (target, base, step, count) => {
      for (const i of rows(count)) view.setInt32(target + 4 * i, base + step * i, true);
    },
    rebase_wire_offsets: (target, source, count, delta) => {
      for (const i of rows(count)) view.setInt32(target + 4 * i, i32(source + 4 * i) + delta, true);
    },
    measure_code_bytes: (offsets, base, codes, validity, first, count, dictionaryOffsets) => {
      let end = base;
      view.setInt32(offsets, base, true);
      for (const i of rows(count)) {
        if (isSet(validity, first + i)) end += text(dictionaryOffsets, 0, i32(codes + 4 * i)).length;
        view.setInt32(offsets + 4 * i + 4, end, true);
      }
      return end;
    },
    gather_code_bytes: (target, codes, validity, first, count, dictionaryOffsets, values) => {
      const parts = rows(count).map((i) => (isSet(validity, first + i) ? text(dictionaryOffsets, values, i32(codes + 4 * i)) : []));
      let at = target;
      for (const part of parts) {
        bytes.set(part, at);
        at += part.length;
      }
    },
    remap_seen_codes: (target, codes, validity, first, count, map, seen, seenCount) => {
      let known = seenCount;
      for (const i of rows(count)) {
        if (!isSet(validity, first + i)) {
          view.setUint32(target + 4 * i, 0, true);
          continue;
        }
        const old = i32(codes + 4 * i);
        if (i32(map + 4 * old) === 0) {
          view.setUint32(seen + 4 * known, old, true);
          view.setUint32(map + 4 * old, ++known, true);
        }
        view.setUint32(target + 4 * i, i32(map + 4 * old) - 1, true);
      }
      return known;
    },
    intern_wire_bytes: (target, sourceOffsets, sourceValues, validity, first, count, _slots, _slotCount, offsets, values, entries) => {
      const known = rows(entries).map((entry) => Buffer.from(text(offsets, values, entry)).toString('hex'));
      for (const i of rows(count)) {
        let code = 0;
        if (isSet(validity, first + i)) {
          const value = text(sourceOffsets, sourceValues, i);
          const key = Buffer.from(value).toString('hex');
          code = known.indexOf(key);
          if (code < 0) {
            code = known.push(key) - 1;
            const end = i32(offsets + 4 * code);
            bytes.set(value, values + end);
            view.setInt32(offsets + 4 * code + 4, end + value.length, true);
          }
        }
        view.setUint32(target + 4 * i, code, true);
      }
      return known.length;
    },
    rehash_wire_entries: () => undefined,
    check_wire_offsets: (offsets, entries, limit) => {
      const bad = rows(entries).find((i) => i32(offsets + 4 * i) < (i === 0 ? 0 : i32(offsets + 4 * i - 4)));
      if (bad !== undefined) return bad;
      return entries > 0 && i32(offsets + 4 * (entries - 1)) > limit ? entries - 1 : -1;
    },
    narrow_wire_offsets: (target, offsets, entries, limit) => {
      let previous = 0n;
      for (const i of rows(entries)) {
        const offset = view.getBigInt64(offsets + 8 * i, true);
        if (offset < previous || offset > BigInt(limit)) return i;
        view.setInt32(target + 4 * i, Number(offset), true);
        previous = offset;
      }
      return -1;
    },
    check_utf8_range: (address, sizeBytes) => (isUtf8(bytes.slice(address, address + sizeBytes)) ? 1 : 0),
    check_utf8_starts: (offsets, values, count) => {
      const end = i32(offsets + 4 * count);
      return rows(count).findIndex((i) => i32(offsets + 4 * i) < end && ((bytes[values + i32(offsets + 4 * i)] as number) & 0xc0) === 0x80);
    },
    check_utf8_rows: (offsets, values, validity, count) =>
      rows(count).findIndex((i) => isSet(validity, i) && !isUtf8(text(offsets, values, i))),
    take_codes_i8: takeCodes(1, (at) => BigInt(view.getInt8(at))),
    take_codes_u8: takeCodes(1, (at) => BigInt(view.getUint8(at))),
    take_codes_i16: takeCodes(2, (at) => BigInt(view.getInt16(at, true))),
    take_codes_u16: takeCodes(2, (at) => BigInt(view.getUint16(at, true))),
    take_codes_i32: takeCodes(4, (at) => BigInt(view.getInt32(at, true))),
    take_codes_u32: takeCodes(4, (at) => BigInt(view.getUint32(at, true))),
    take_codes_i64: takeCodes(8, (at) => view.getBigInt64(at, true)),
    take_codes_u64: takeCodes(8, (at) => view.getBigUint64(at, true)),
    narrow_codes_8: (target, source, count) => {
      for (const i of rows(count)) view.setUint8(target + i, view.getUint8(source + 4 * i));
    },
    narrow_codes_16: (target, source, count) => {
      for (const i of rows(count)) view.setUint16(target + 2 * i, view.getUint16(source + 4 * i, true), true);
    },
    check_codes_i32: (codes, count, limit) => (rows(count).every((i) => view.getUint32(codes + 4 * i, true) < limit) ? 1 : 0),
    and_code_validity: (target, codes, validity, count, dictionaryValidity) => {
      for (const i of rows(count)) if (isSet(validity, i) && isSet(dictionaryValidity, i32(codes + 4 * i))) put(target, i, 1);
    },
    gather_code_values: (target, codes, source, widthBytes, count) => {
      for (const i of rows(count)) copy(target + i * widthBytes, source + i32(codes + 4 * i) * widthBytes, widthBytes);
    },
    gather_code_bits: (target, codes, source, count) => {
      for (const i of rows(count)) if (bit(source, i32(codes + 4 * i)) === 1) put(target, i, 1);
    },
    widen_f16_f32: (target, source, count) => {
      for (const i of rows(count)) {
        const half = view.getUint16(source + 2 * i, true);
        const exponent = (half >> 10) & 31;
        const fraction = half & 0x3ff;
        const sign = half >> 15 === 1 ? -1 : 1;
        const magnitude = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
        if (exponent === 31) view.setUint32(target + 4 * i, ((half & 0x8000) << 16) | 0x7f800000 | (fraction << 13), true);
        else view.setFloat32(target + 4 * i, sign * magnitude, true);
      }
    },
    scale_i32_i64: (target, source, count, factor) => {
      for (const i of rows(count)) view.setBigInt64(target + 8 * i, BigInt(i32(source + 4 * i)) * BigInt(factor), true);
    },
    narrow_date64_date32: (target, source, validity, count) => {
      for (const i of rows(count)) {
        const ms = view.getBigInt64(source + 8 * i, true);
        const days = ms / 86_400_000n;
        if ((days * 86_400_000n !== ms || BigInt.asIntN(32, days) !== days) && isSet(validity, i)) return i;
        view.setInt32(target + 4 * i, Number(BigInt.asIntN(32, days)), true);
      }
      return -1;
    },
    widen_i32_i128: (target, source, count) => {
      for (const i of rows(count)) i128(target + 16 * i, BigInt(i32(source + 4 * i)));
    },
    widen_i64_i128: (target, source, count) => {
      for (const i of rows(count)) i128(target + 16 * i, view.getBigInt64(source + 8 * i, true));
    },
    narrow_i256_i128: (target, source, validity, count) => {
      for (const i of rows(count)) {
        const words = [0, 1, 2, 3].map((word) => view.getBigUint64(source + 32 * i + 8 * word, true));
        const value = BigInt.asIntN(
          256,
          words.reduce((sum, word, k) => sum | (word << BigInt(64 * k)), 0n),
        );
        if (BigInt.asIntN(128, value) !== value && isSet(validity, i)) return i;
        i128(target + 16 * i, value);
      }
      return -1;
    },
    widen_months_interval: (target, source, count) => {
      for (const i of rows(count)) interval(target + 16 * i, i32(source + 4 * i), 0, 0n);
    },
    widen_days_interval: (target, source, count) => {
      for (const i of rows(count)) interval(target + 16 * i, 0, i32(source + 8 * i), BigInt(i32(source + 8 * i + 4)) * 1_000_000n);
    },
    widen_duration_interval: (target, source, validity, count, factor) => {
      const limit = (2n ** 63n - 1n) / BigInt(factor);
      for (const i of rows(count)) {
        const ticks = view.getBigInt64(source + 8 * i, true);
        if ((ticks > limit || ticks < -limit) && isSet(validity, i)) return i;
        interval(target + 16 * i, 0, 0, ticks * BigInt(factor));
      }
      return -1;
    },
    measure_views: (offsets, views, validity, count, buffers, bufferCount) => {
      let end = 0;
      view.setInt32(offsets, 0, true);
      for (const i of rows(count)) {
        if (isSet(validity, i)) {
          const at = views + 16 * i;
          const size = i32(at);
          if (size < 0) return -(i + 1);
          if (size > 12) {
            const buffer = view.getUint32(at + 8, true);
            if (buffer >= bufferCount || i32(at + 12) < 0) return -(i + 1);
            if (i32(at + 12) + size > view.getUint32(buffers + 8 * buffer + 4, true)) return -(i + 1);
          }
          end += size;
        }
        view.setInt32(offsets + 4 * i + 4, end, true);
      }
      return end;
    },
    gather_views: (target, views, validity, count, buffers) => {
      let at = target;
      for (const i of rows(count)) {
        if (!isSet(validity, i)) continue;
        const row = views + 16 * i;
        const size = i32(row);
        copy(at, size > 12 ? view.getUint32(buffers + 8 * i32(row + 8), true) + i32(row + 12) : row + 4, size);
        at += size;
      }
    },
    decode_snappy_block: (target, targetEnd, source, sourceEnd) => {
      const number = (at: number, size: number) => bytes.slice(at, at + size).reduceRight((sum, byte) => sum * 256 + byte, 0);
      const out: number[] = [];
      let at = source;
      let plain = 0;
      for (let scale = 1; ; scale *= 128) {
        if (at >= sourceEnd || scale > 128 ** 4) return 0;
        const byte = bytes[at++] as number;
        plain += (byte % 128) * scale;
        if (byte < 128) break;
      }
      if (plain !== targetEnd - target) return 0;
      while (at < sourceEnd) {
        const tag = bytes[at++] as number;
        const kind = tag % 4;
        const extra = kind === 0 ? Math.max(0, (tag >> 2) - 59) : ([0, 1, 2, 4][kind] as number);
        if (at + extra > sourceEnd) return 0;
        const more = number(at, extra);
        at += extra;
        const length = kind === 0 ? (extra > 0 ? more : tag >> 2) + 1 : kind === 1 ? 4 + ((tag >> 2) % 8) : (tag >> 2) + 1;
        const distance = kind === 1 ? (tag >> 5) * 256 + more : more;
        if (out.length + length > plain) return 0;
        if (kind === 0 && at + length > sourceEnd) return 0;
        if (kind !== 0 && (distance === 0 || distance > out.length)) return 0;
        for (let i = 0; i < length; i++) out.push((kind === 0 ? bytes[at++] : out[out.length - distance]) as number);
        bytes.set(out.slice(-length), target + out.length - length);
      }
      return out.length === plain ? targetEnd : 0;
    },
    decode_lz4_block: (target, targetEnd, history, source, sourceEnd) => {
      let from = source;
      let to = target;
      const length = (start: number): number => {
        let sum = start;
        for (let more = 255; start === 15 && more === 255; sum += more) {
          if (from >= sourceEnd) return Number.NaN;
          more = bytes[from++] as number;
        }
        return sum;
      };
      while (from < sourceEnd) {
        const token = bytes[from++] as number;
        const literals = length(token >> 4);
        if (!(literals <= sourceEnd - from && literals <= targetEnd - to)) return 0;
        copy(to, from, literals);
        from += literals;
        to += literals;
        if (from === sourceEnd) return to;
        if (sourceEnd - from < 2) return 0;
        const distance = view.getUint16(from, true);
        from += 2;
        const match = length(token & 15) + 4;
        if (distance === 0 || distance > to - history || !(match <= targetEnd - to)) return 0;
        for (const i of rows(match)) bytes[to + i] = bytes[to + i - distance] as number;
        to += match;
      }
      return to;
    },
  };
}
