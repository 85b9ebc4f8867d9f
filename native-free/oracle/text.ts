/** Plain-TypeScript twins of the kernels in assembly/text. Hash functions have no twin: what is asked of them is tested as a property. */
import type { TextKernels } from '../generated/text.js';
import { OracleMemory, rows } from './memory.js';
import { daysInMonth, fromDays, toDays } from './vector-time.js';

type Twins = Omit<TextKernels, 'hash_bytes' | 'hash_words' | 'build_bytes_set' | 'in_bytes' | 'dedupe_bytes'>;

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const MAX_BYTES = 2 ** 31 - 1;

/** Twins that work on these bytes; addresses are offsets in them. */
export function textOracle(bytes: Uint8Array): Twins {
  const memory = new OracleMemory(bytes);
  return { ...comparing(memory), ...transforming(memory), ...measuring(memory), ...parsing(memory), ...formatting(memory) };
}

function stringAt(memory: OracleMemory, offsets: number, values: number, row: number): string {
  return decoder.decode(memory.text(offsets, values, row));
}

function comparing(memory: OracleMemory): Pick<Twins, 'compare_bytes' | 'match_bytes' | 'like_bytes'> {
  const holds = [
    (o: number) => o === 0,
    (o: number) => o !== 0,
    (o: number) => o < 0,
    (o: number) => o <= 0,
    (o: number) => o > 0,
    (o: number) => o >= 0,
  ];
  return {
    compare_bytes: (op, aOffsets, a, aStep, bOffsets, b, bStep, n, out) =>
      memory.writeBits(out, n, (row) => {
        const order = Buffer.compare(memory.text(aOffsets, a, row * aStep), memory.text(bOffsets, b, row * bStep));
        return holds[op]?.(order) ?? false;
      }),
    match_bytes: (kind, aOffsets, a, aStep, bOffsets, b, bStep, n, out) =>
      memory.writeBits(out, n, (row) => {
        const [x, y] = [stringAt(memory, aOffsets, a, row * aStep), stringAt(memory, bOffsets, b, row * bStep)];
        return kind === 0 ? x.startsWith(y) : kind === 1 ? x.endsWith(y) : x.includes(y);
      }),
    like_bytes: (offsets, values, n, tokens, tokenCount, fold, out) => {
      const pattern = rows(tokenCount).map((i) => memory.view.getUint16(tokens + 2 * i, true));
      memory.writeBits(out, n, (row) => {
        const text = memory.text(offsets, values, row);
        return likeMatches(fold ? text.map((byte) => (byte >= 65 && byte <= 90 ? byte + 32 : byte)) : text, pattern);
      });
    },
  };
}

/** All ways, by recursion. */
function likeMatches(text: Uint8Array, pattern: readonly number[]): boolean {
  const [token, ...rest] = pattern;
  if (token === undefined) return text.length === 0;
  if (token === 257) return rows(text.length + 1).some((at) => likeMatches(text.subarray(at), rest));
  const first = text[0];
  if (first === undefined) return false;
  if (token !== 256) return token === first && likeMatches(text.subarray(1), rest);
  const size = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  return likeMatches(text.subarray(size), rest);
}

function transforming(memory: OracleMemory) {
  const at = (address: number, row: number) => Number(memory.integer('i64', address, row));
  const text = (offsets: number, values: number, row: number) => stringAt(memory, offsets, values, row);
  const write = (n: number, outOffsets: number, out: number, of: (row: number) => string) => {
    memory.writeTexts(n, outOffsets, out, (row) => encoder.encode(of(row)));
  };
  /** With out = 0 the size only. */
  const measured = (n: number, outOffsets: number, out: number, of: (row: number) => string) => {
    const texts = rows(n).map(of);
    const size = texts.reduce((sum, each) => sum + encoder.encode(each).length, 0);
    if (out !== 0) write(n, outOffsets, out, (row) => texts[row] ?? '');
    return size > MAX_BYTES ? -1 : size;
  };
  const cased = (mode: number, value: string) =>
    mode === 0
      ? value.toLowerCase()
      : mode === 1
        ? value.toUpperCase()
        : value.toLowerCase().replace(/[a-z0-9]+/g, (word) => word.charAt(0).toUpperCase() + word.slice(1));
  const asciiOnly = (mode: number, value: string) => value.replace(/[\x00-\x7f]+/g, (run) => cased(mode, run));
  return {
    is_ascii: (offsets: number, values: number, n: number) =>
      Number(rows(n).every((row) => /^[\x00-\x7f]*$/.test(text(offsets, values, row)))),
    case_ascii: (mode: number, offsets: number, values: number, n: number, outOffsets: number, out: number) =>
      write(n, outOffsets, out, (row) => asciiOnly(mode, text(offsets, values, row))),
    substring_bytes: (
      offsets: number,
      values: number,
      step: number,
      start: number,
      startStep: number,
      length: number,
      lengthStep: number,
      n: number,
      outOffsets: number,
      out: number,
    ) =>
      write(n, outOffsets, out, (row) => {
        const first = at(start, row * startStep);
        const end = length === 0 ? Number.POSITIVE_INFINITY : first + at(length, row * lengthStep);
        return [...text(offsets, values, row * step)].filter((_, i) => i + 1 >= first && i + 1 < end).join('');
      }),
    side_bytes: (
      side: number,
      offsets: number,
      values: number,
      step: number,
      counts: number,
      countStep: number,
      n: number,
      outOffsets: number,
      out: number,
    ) =>
      write(n, outOffsets, out, (row) => {
        const characters = [...text(offsets, values, row * step)];
        const count = at(counts, row * countStep);
        const kept = Math.max(0, Math.min(characters.length, count >= 0 ? count : characters.length + count));
        return (side === 0 ? characters.slice(0, kept) : characters.slice(characters.length - kept)).join('');
      }),
    trim_bytes: (
      side: number,
      offsets: number,
      values: number,
      step: number,
      setOffsets: number,
      set: number,
      setStep: number,
      n: number,
      outOffsets: number,
      out: number,
    ) =>
      write(n, outOffsets, out, (row) => {
        const characters = [...text(offsets, values, row * step)];
        const unwanted = new Set(text(setOffsets, set, row * setStep));
        while (side & 1 && characters.length > 0 && unwanted.has(characters[0] ?? '')) characters.shift();
        while (side & 2 && characters.length > 0 && unwanted.has(characters.at(-1) ?? '')) characters.pop();
        return characters.join('');
      }),
    concat_bytes: (table: number, parts: number, separator: number, n: number, outOffsets: number, out: number) => {
      const part = (p: number, row: number) => {
        const [offsets, values, step, validity] = rows(4).map((i) => memory.view.getUint32(table + 16 * p + 4 * i, true)) as [
          number,
          number,
          number,
          number,
        ];
        return memory.bit(validity, row * step) ? text(offsets, values, row * step) : undefined;
      };
      return measured(n, outOffsets, out, (row) => {
        const pieces = rows(parts)
          .slice(separator)
          .map((p) => part(p, row))
          .filter((piece) => piece !== undefined);
        return pieces.join(separator ? text(memory.i32(table), memory.i32(table + 4), row * memory.i32(table + 8)) : '');
      });
    },
    replace_bytes: (
      aOffsets: number,
      a: number,
      aStep: number,
      bOffsets: number,
      b: number,
      bStep: number,
      cOffsets: number,
      c: number,
      cStep: number,
      n: number,
      outOffsets: number,
      out: number,
    ) =>
      measured(n, outOffsets, out, (row) => {
        const needle = text(bOffsets, b, row * bStep);
        const source = text(aOffsets, a, row * aStep);
        return needle === '' ? source : source.split(needle).join(text(cOffsets, c, row * cStep));
      }),
    split_part_bytes: (
      aOffsets: number,
      a: number,
      aStep: number,
      bOffsets: number,
      b: number,
      bStep: number,
      k: number,
      kStep: number,
      n: number,
      outOffsets: number,
      out: number,
    ) =>
      write(n, outOffsets, out, (row) => {
        const delimiter = text(bOffsets, b, row * bStep);
        const source = text(aOffsets, a, row * aStep);
        const fields = delimiter === '' ? [source] : source.split(delimiter);
        const wanted = at(k, row * kStep);
        return (wanted > 0 ? fields[wanted - 1] : wanted < 0 ? fields[fields.length + wanted] : undefined) ?? '';
      }),
    reverse_bytes: (offsets: number, values: number, n: number, outOffsets: number, out: number) =>
      write(n, outOffsets, out, (row) => [...text(offsets, values, row)].reverse().join('')),
    repeat_bytes: (
      offsets: number,
      values: number,
      step: number,
      counts: number,
      countStep: number,
      n: number,
      outOffsets: number,
      out: number,
    ) => measured(n, outOffsets, out, (row) => text(offsets, values, row * step).repeat(Math.max(0, at(counts, row * countStep)))),
    pad_bytes: (
      side: number,
      offsets: number,
      values: number,
      step: number,
      lengths: number,
      lengthStep: number,
      fillOffsets: number,
      fill: number,
      fillStep: number,
      n: number,
      outOffsets: number,
      out: number,
    ) =>
      measured(n, outOffsets, out, (row) => {
        const wanted = Math.max(0, at(lengths, row * lengthStep));
        const body = [...text(offsets, values, row * step)].slice(0, wanted);
        const filler = [...text(fillOffsets, fill, row * fillStep)];
        const missing = filler.length === 0 ? 0 : wanted - body.length;
        const padding = rows(missing).map((i) => filler[i % filler.length] ?? '');
        return (side === 0 ? [...padding, ...body] : [...body, ...padding]).join('');
      }),
    translate_bytes: (
      offsets: number,
      values: number,
      step: number,
      sOffsets: number,
      s: number,
      sStep: number,
      tOffsets: number,
      t: number,
      tStep: number,
      n: number,
      outOffsets: number,
      out: number,
    ) =>
      write(n, outOffsets, out, (row) => {
        const [from, to] = [[...text(sOffsets, s, row * sStep)], [...text(tOffsets, t, row * tStep)]];
        return [...text(offsets, values, row * step)].map((c) => (from.includes(c) ? (to[from.indexOf(c)] ?? '') : c)).join('');
      }),
  };
}

function measuring(memory: OracleMemory) {
  const put = (out: number, row: number, value: number) => memory.setInteger('i64', out, row, BigInt(value));
  return {
    length_bytes: (offsets: number, values: number, n: number, out: number) => {
      for (const row of rows(n)) put(out, row, [...stringAt(memory, offsets, values, row)].length);
    },
    octet_length_bytes: (offsets: number, n: number, out: number) => {
      for (const row of rows(n)) put(out, row, memory.i32(offsets, row + 1) - memory.i32(offsets, row));
    },
    position_bytes: (aOffsets: number, a: number, aStep: number, bOffsets: number, b: number, bStep: number, n: number, out: number) => {
      for (const row of rows(n)) {
        const source = stringAt(memory, aOffsets, a, row * aStep);
        const found = source.indexOf(stringAt(memory, bOffsets, b, row * bStep));
        put(out, row, found < 0 ? 0 : [...source.slice(0, found)].length + 1);
      }
    },
    ascii_bytes: (offsets: number, values: number, n: number, out: number) => {
      for (const row of rows(n)) memory.setI32(out, row, stringAt(memory, offsets, values, row).codePointAt(0) ?? 0);
    },
    chr_bytes: (a: number, n: number, outOffsets: number, out: number, validity: number) => {
      const points = rows(n).map((row) => Number(memory.integer('i64', a, row)));
      const isCharacter = (point: number) => point >= 1 && point <= 0x10ffff && (point < 0xd800 || point >= 0xe000);
      memory.writeTexts(n, outOffsets, out, (row) =>
        encoder.encode(isCharacter(points[row] ?? 0) ? String.fromCodePoint(points[row] ?? 0) : ''),
      );
      return points.findIndex((point, row) => !isCharacter(point) && memory.bit(validity, row));
    },
  };
}

function parsing(memory: OracleMemory) {
  /** `read` gives undefined for what is left to the caller. */
  const parse = (
    offsets: number,
    values: number,
    n: number,
    validity: number,
    ok: number,
    read: (text: string) => unknown,
    put: (row: number, value: unknown) => void,
  ): number => {
    let refused = 0;
    for (const row of rows(n)) {
      put(row, 0n);
      if (!memory.bit(validity, row)) continue;
      const value = read(stringAt(memory, offsets, values, row));
      if (value !== undefined) put(row, value);
      else {
        memory.putBit(ok, row, false);
        refused++;
      }
    }
    return refused;
  };
  const day = (match: RegExpExecArray): bigint | undefined => {
    const [year = 0, month = 0, date = 0] = match.slice(1, 4).map(Number);
    return month < 1 || month > 12 || date < 1 || date > daysInMonth(year, month) ? undefined : BigInt(toDays(year, month, date));
  };
  return {
    parse_i64: (offsets: number, values: number, n: number, out: number, validity: number, ok: number) =>
      parse(
        offsets,
        values,
        n,
        validity,
        ok,
        (text) => (/^-?\d{1,18}$/.test(text) ? BigInt(text) : undefined),
        (row, value) => memory.setInteger('i64', out, row, value as bigint),
      ),
    parse_f64: (offsets: number, values: number, n: number, out: number, validity: number, ok: number) =>
      parse(
        offsets,
        values,
        n,
        validity,
        ok,
        (text) => (/^-?(\d+\.?\d*|\.\d+)$/.test(text) && text.replace(/\D/g, '').length <= 15 ? Number(text) : undefined),
        (row, value) => memory.setFloat('f64', out, row, Number(value)),
      ),
    parse_date32: (offsets: number, values: number, n: number, out: number, validity: number, ok: number) =>
      parse(
        offsets,
        values,
        n,
        validity,
        ok,
        (text) => {
          const match = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text);
          return match ? day(match) : undefined;
        },
        (row, value) => memory.setI32(out, row, Number(value)),
      ),
    parse_timestamp: (offsets: number, values: number, n: number, ticksPerSecond: number, out: number, validity: number, ok: number) => {
      const perSecond = memory.integer('i64', ticksPerSecond);
      const places = String(perSecond).length - 1;
      return parse(
        offsets,
        values,
        n,
        validity,
        ok,
        (text) => {
          const match = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d):(\d\d)(?:\.(\d*))?)?Z?$/.exec(text);
          const days = match ? day(match) : undefined;
          if (!match || days === undefined) return undefined;
          const [hour = 0, minute = 0, second = 0] = match.slice(4, 7).map((part) => Number(part ?? 0));
          const fraction = match[7] ?? '';
          if (hour > 23 || minute > 59 || second > 59 || /[1-9]/.test(fraction.slice(places))) return undefined;
          const seconds = days * 86_400n + BigInt(hour * 3600 + minute * 60 + second);
          if (seconds > 9_223_372_035n || seconds < -9_223_372_035n) return undefined;
          return seconds * perSecond + BigInt(fraction.slice(0, places).padEnd(places, '0') || '0');
        },
        (row, value) => memory.setInteger('i64', out, row, value as bigint),
      );
    },
  };
}

function formatting(memory: OracleMemory) {
  const write = (n: number, outOffsets: number, out: number, of: (row: number) => string) => {
    memory.writeTexts(n, outOffsets, out, (row) => encoder.encode(of(row)));
  };
  const two = (value: number) => String(value).padStart(2, '0');
  const date = (days: number) => {
    const [year, month, day] = fromDays(days);
    return `${year < 0 ? '-' : ''}${String(Math.abs(year)).padStart(4, '0')}-${two(month)}-${two(day)}`;
  };
  return {
    format_i64: (a: number, n: number, outOffsets: number, out: number) =>
      write(n, outOffsets, out, (row) => String(memory.integer('i64', a, row))),
    format_u64: (a: number, n: number, outOffsets: number, out: number) =>
      write(n, outOffsets, out, (row) => String(memory.integer('u64', a, row))),
    format_date32: (a: number, n: number, outOffsets: number, out: number) => write(n, outOffsets, out, (row) => date(memory.i32(a, row))),
    format_time: (kind: number, a: number, n: number, places: number, outOffsets: number, out: number) => {
      const perSecond = 10n ** BigInt(places);
      write(n, outOffsets, out, (row) => {
        const value = memory.integer('i64', a, row);
        const ticks = kind === 1 && value < 0n ? 0n : value;
        const perDay = perSecond * 86_400n;
        const days = kind === 1 ? 0n : (ticks - (((ticks % perDay) + perDay) % perDay)) / perDay;
        const rest = ticks - days * perDay;
        const seconds = Number(rest / perSecond);
        const fraction = places === 0 ? '' : `.${String(rest % perSecond).padStart(places, '0')}`;
        const clock = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}${fraction}`;
        return kind === 1 ? clock : `${date(Number(days))}T${clock}Z`;
      });
    },
  };
}
