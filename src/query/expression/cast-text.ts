/** Casts from and to text. Plain forms go by kernels; what they leave is parsed or written value by value. */
import { bitmapBytes, flatVector, type Vector } from '../../core/batch.js';
import { writeValue } from '../../core/build-vector.js';
import { DbError } from '../../core/errors.js';
import { type DataType, FLOAT64, INT64, isInteger, physicalOf, type TimeUnit, UNITS_PER_SECOND, WIDTH_BYTES } from '../../core/types.js';
import { isValid, valueAt } from '../../core/values.js';
import { filledBitmap, restrict } from './bitmaps.js';
import { byValue } from './by-value.js';
import { castNumber } from './cast-number.js';
import type { MoveContext } from './gather.js';
import { floatText, valueFromText, valueToText } from './literals.js';

const encoder = new TextEncoder();
const FRACTION_DIGITS = { s: 0, ms: 3, us: 6, ns: 9 } as const satisfies Record<TimeUnit, number>;

// ---- to text ----

/** Room for the longest text of one value, where a kernel writes it. */
const MAX_INTEGER_BYTES = 20;
const MAX_DATE_BYTES = 24;
const MAX_TIME_BYTES = 48;
const MAX_FLOAT_BYTES = 32;

export function typeToText(vector: Vector, to: DataType, context: MoveContext): Vector {
  const { type, length, validity } = vector;
  const { kernels } = context;
  if (isInteger(type)) {
    const unsigned = type.kind === 'uint64';
    const wide = castNumber(vector, unsigned ? type : INT64, false, context);
    const kernel = unsigned ? kernels.format_u64 : kernels.format_i64;
    return written(length, to, validity, MAX_INTEGER_BYTES, context, (offsets, out) => kernel(wide.values, length, offsets, out));
  }
  switch (type.kind) {
    case 'float64':
    case 'float32':
      return floatsToText(vector, to, context);
    case 'date32':
      return written(length, to, validity, MAX_DATE_BYTES, context, (offsets, out) =>
        kernels.format_date32(vector.values, length, offsets, out),
      );
    case 'timestamp':
    case 'time64':
      return written(length, to, validity, MAX_TIME_BYTES, context, (offsets, out) =>
        kernels.format_time(type.kind === 'time64' ? 1 : 0, vector.values, length, FRACTION_DIGITS[type.unit], offsets, out),
      );
    default: {
      return byValue(to, [vector], length, ([value = null]) => valueToText(value, type), 'strict', context);
    }
  }
}

function written(
  length: number,
  to: DataType,
  validity: number,
  maxBytes: number,
  context: MoveContext,
  write: (offsets: number, out: number) => void,
): Vector {
  const offsets = context.scratch.allocate(4 * (length + 1));
  const values = context.scratch.allocate(maxBytes * length);
  write(offsets, values);
  return flatVector(to, length, values, validity, offsets);
}

function floatsToText(vector: Vector, to: DataType, context: MoveContext): Vector {
  const { arena, kernels } = context;
  const { length, values } = vector;
  const single = vector.type.kind === 'float32';
  return written(length, to, vector.validity, MAX_FLOAT_BYTES, context, (offsets, out) => {
    let at = out;
    for (let row = 0; row < length; row++) {
      arena.i32[offsets / 4 + row] = at - out;
      const value = (single ? arena.f32[values / 4 + row] : arena.f64[values / 8 + row]) as number;
      if (Number.isFinite(value)) at = (single ? kernels.write_f32(at, value) : kernels.write_f64(at, value)) >>> 0;
      else {
        const bytes = encoder.encode(floatText(value));
        arena.u8.set(bytes, at);
        at += bytes.length;
      }
    }
    arena.i32[offsets / 4 + length] = at - out;
  });
}

// ---- from text ----

export function textToType(vector: Vector, to: DataType, safe: boolean, context: MoveContext): Vector {
  const { length, validity, offsets, values } = vector;
  const { kernels, scratch } = context;
  if (isInteger(to) && to.kind !== 'uint64') {
    const wide = parsed(vector, INT64, to, safe, context, (out, ok) => kernels.parse_i64(offsets, values, length, out, validity, ok));
    return castNumber(wide, to, safe, context);
  }
  switch (to.kind) {
    case 'uint64':
      return parsed(vector, to, to, safe, context, (out, ok) => {
        kernels.parse_i64(offsets, values, length, out, validity, ok);
        const positive = scratch.allocate(bitmapBytes(length));
        const zero = scratch.allocate(8);
        context.arena.i64[zero / 8] = 0n;
        kernels.compare_i64(5, out, zero, 0, length, positive);
        kernels.bits_and(ok, positive, length, ok);
        return length - kernels.bits_count(ok, length);
      });
    case 'float64':
    case 'float32': {
      const wide = parsed(vector, FLOAT64, to, safe, context, (out, ok) => kernels.parse_f64(offsets, values, length, out, validity, ok));
      return castNumber(wide, to, safe, context);
    }
    case 'date32':
      return parsed(vector, to, to, safe, context, (out, ok) => kernels.parse_date32(offsets, values, length, out, validity, ok));
    case 'timestamp': {
      // A zoned timestamp's plain text is wall time of the zone, which the kernel does not know.
      if (to.timezone !== null && to.timezone !== 'UTC') return parseRows(vector, to, safe, context);
      const perSecond = scratch.allocate(8);
      context.arena.i64[perSecond / 8] = UNITS_PER_SECOND[to.unit];
      return parsed(vector, to, to, safe, context, (out, ok) =>
        kernels.parse_timestamp(offsets, values, length, perSecond, out, validity, ok),
      );
    }
    case 'binary':
    case 'bool':
    case 'list':
    case 'struct':
      return parseRows(vector, to, safe, context);
    default:
      return parsed(vector, to, to, safe, context, (out, ok) => {
        kernels.bits_fill(length, 0, ok);
        context.arena.u8.fill(0, out, out + WIDTH_BYTES[physicalOf(to)] * length);
        return length;
      });
  }
}

/** Runs a parsing kernel, then parses the rows that it left. `to` is the type that is written, `asked` the one that decides what fits. */
function parsed(
  vector: Vector,
  to: DataType,
  asked: DataType,
  safe: boolean,
  context: MoveContext,
  kernel: (out: number, ok: number) => number,
): Vector {
  const { length, validity } = vector;
  const width = WIDTH_BYTES[physicalOf(to)];
  const out = context.scratch.allocate(width * length);
  const ok = filledBitmap(true, length, context);
  if (kernel(out, ok) === 0) return flatVector(to, length, out, validity);
  const { arena } = context;
  for (let row = 0; row < length; row++) {
    const bit = 1 << (row & 7);
    if (((arena.u8[ok + (row >> 3)] as number) & bit) !== 0 || !isValid(arena, vector, row)) continue;
    const value = parseOne(String(valueAt(arena, vector, row)), asked, safe);
    if (value === undefined) continue;
    writeValue(arena, to, out + width * row, value);
    arena.u8[ok + (row >> 3)] = (arena.u8[ok + (row >> 3)] as number) | bit;
  }
  return restrict(flatVector(to, length, out, validity), ok, length, context);
}

/** undefined: the text is no value of the type, and the cast is safe. */
function parseOne(text: string, to: DataType, safe: boolean): ReturnType<typeof valueFromText> | undefined {
  try {
    return valueFromText(text, to);
  } catch (error) {
    // TRY_CAST turns what cannot be read into NULL.
    if (safe && error instanceof DbError && (error.code === 'invalid_value' || error.code === 'numeric_overflow')) return undefined;
    throw error;
  }
}

function parseRows(vector: Vector, to: DataType, safe: boolean, context: MoveContext): Vector {
  return byValue(to, [vector], vector.length, ([text]) => parseOne(String(text), to, safe) ?? null, 'strict', context);
}
