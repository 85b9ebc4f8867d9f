/** Text functions. Positions and lengths count characters (code points) from 1. */
import { createHash } from 'node:crypto';
import { bitmapBytes, type Vector } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { BOOL, INT32, INT64, UTF8 } from '../../core/types.js';
import { valueAt } from '../../core/values.js';
import { boolVector } from '../expression/bitmaps.js';
import { constantVector } from '../expression/vector-values.js';
import type { EvaluationContext, Overload, ScalarFunction } from './contract.js';
import { entriesOf } from './entry.js';
import { listLength } from './list.js';
import { integer, kind, type Parameter, result, room, type Signature, step, text } from './overloads.js';
import { substringByPattern, substringSimilar } from './regular-functions.js';
import { each } from './row-by-row.js';
import { flatText, mappedText, measuredText, operand, textBytes, writtenText } from './text-operands.js';

const entry = entriesOf({ category: 'text', infallible: true });

const binary = kind('binary');

/** A signature of text → text by a kernel. */
function toText(params: readonly Parameter[], evaluate: Overload['evaluate']): Signature {
  return { params, type: UTF8, evaluate };
}

// ---- one text, one number ----

function measure(kernel: 'length_bytes', params: readonly Parameter[]): Signature {
  return {
    params,
    type: INT64,
    evaluate: (context, [arg], rowCount) => {
      const { offsets, values } = operand(arg, context);
      const out = room(INT64, rowCount, context);
      context.kernels[kernel](offsets, values, rowCount, out);
      return result(INT64, rowCount, out);
    },
  };
}

const octets: Overload['evaluate'] = (context, [arg], rowCount) => {
  const out = room(INT64, rowCount, context);
  context.kernels.octet_length_bytes(operand(arg, context).offsets, rowCount, out);
  return result(INT64, rowCount, out);
};

const CASE_MODES = { lower: 0, upper: 1, initcap: 2 } as const;

function titled(value: string): string {
  return value.toLowerCase().replace(/[\p{L}\p{N}]+/gu, (word) => (word[0] ?? '').toUpperCase() + word.slice(1));
}

/** ASCII by a kernel; text with other letters value by value. */
function changeCase(mode: keyof typeof CASE_MODES): Signature {
  return toText([text], (context, [arg], rowCount) => {
    const flat = flatText(arg as Vector, context);
    if (context.kernels.is_ascii(flat.offsets, flat.values, rowCount) === 0) {
      const map = { lower: (s: string) => s.toLowerCase(), upper: (s: string) => s.toUpperCase(), initcap: titled }[mode];
      return mappedText(flat, context, map);
    }
    const size = textBytes(operand(flat, context), rowCount, context);
    return writtenText(rowCount, size, context, (offsets, out) =>
      context.kernels.case_ascii(CASE_MODES[mode], flat.offsets, flat.values, rowCount, offsets, out),
    );
  });
}

// ---- cutting ----

const substring: Overload['evaluate'] = (context, [arg, start, length], rowCount, validity) => {
  const { kernels } = context;
  const source = operand(arg, context);
  const first = start as Vector;
  if (length) requireNotNegative(length, rowCount, validity, context);
  return writtenText(rowCount, textBytes(source, rowCount, context), context, (offsets, out) =>
    kernels.substring_bytes(
      source.offsets,
      source.values,
      source.step,
      first.values,
      step(first),
      length?.values ?? 0,
      length ? step(length) : 0,
      rowCount,
      offsets,
      out,
    ),
  );
};

function requireNotNegative(length: Vector, rowCount: number, validity: number, context: EvaluationContext): void {
  const { kernels } = context;
  const rows = length.encoding === 'constant' ? 1 : rowCount;
  const zero = constantVector(0n, INT64, 1, context);
  const negative = context.scratch.allocate(bitmapBytes(rows));
  kernels.compare_i64(2, length.values, zero.values, 0, rows, negative);
  if (rows === rowCount) kernels.bits_and(negative, validity, rows, negative);
  if (kernels.bits_count(negative, rows) > 0) throw new DbError('invalid_value', 'substring: the length must not be negative');
}

function side(which: 0 | 1): Signature {
  return toText([text, integer], (context, [arg, count], rowCount) => {
    const source = operand(arg, context);
    const counts = count as Vector;
    return writtenText(rowCount, textBytes(source, rowCount, context), context, (offsets, out) =>
      context.kernels.side_bytes(which, source.offsets, source.values, source.step, counts.values, step(counts), rowCount, offsets, out),
    );
  });
}

/** sides: 1 left, 2 right, 3 both. Without a set, spaces. */
function trim(sides: number): readonly Signature[] {
  const evaluate: Overload['evaluate'] = (context, [arg, characters], rowCount) => {
    const source = operand(arg, context);
    const set = operand(characters ?? constantVector(' ', UTF8, rowCount, context), context);
    return writtenText(rowCount, textBytes(source, rowCount, context), context, (offsets, out) =>
      context.kernels.trim_bytes(
        sides,
        source.offsets,
        source.values,
        source.step,
        set.offsets,
        set.values,
        set.step,
        rowCount,
        offsets,
        out,
      ),
    );
  };
  return [toText([text], evaluate), toText([text, text], evaluate)];
}

const splitPart: Overload['evaluate'] = (context, [arg, delimiter, index], rowCount) => {
  const source = operand(arg, context);
  const cut = operand(delimiter, context);
  const field = index as Vector;
  return writtenText(rowCount, textBytes(source, rowCount, context), context, (offsets, out) =>
    context.kernels.split_part_bytes(
      source.offsets,
      source.values,
      source.step,
      cut.offsets,
      cut.values,
      cut.step,
      field.values,
      step(field),
      rowCount,
      offsets,
      out,
    ),
  );
};

// ---- replacing ----

const replace: Overload['evaluate'] = (context, args, rowCount) => {
  const [a, b, c] = args.map((arg) => operand(arg, context));
  if (!a || !b || !c) return constantVector(null, UTF8, rowCount, context);
  return measuredText(rowCount, context, (offsets, out) =>
    context.kernels.replace_bytes(
      a.offsets,
      a.values,
      a.step,
      b.offsets,
      b.values,
      b.step,
      c.offsets,
      c.values,
      c.step,
      rowCount,
      offsets,
      out,
    ),
  );
};

const repeat: Overload['evaluate'] = (context, [arg, count], rowCount) => {
  const source = operand(arg, context);
  const counts = count as Vector;
  return measuredText(rowCount, context, (offsets, out) =>
    context.kernels.repeat_bytes(source.offsets, source.values, source.step, counts.values, step(counts), rowCount, offsets, out),
  );
};

function pad(which: 0 | 1): readonly Signature[] {
  const evaluate: Overload['evaluate'] = (context, [arg, length, fill], rowCount) => {
    const source = operand(arg, context);
    const lengths = length as Vector;
    const filler = operand(fill ?? constantVector(' ', UTF8, rowCount, context), context);
    return measuredText(rowCount, context, (offsets, out) =>
      context.kernels.pad_bytes(
        which,
        source.offsets,
        source.values,
        source.step,
        lengths.values,
        step(lengths),
        filler.offsets,
        filler.values,
        filler.step,
        rowCount,
        offsets,
        out,
      ),
    );
  };
  return [toText([text, integer], evaluate), toText([text, integer, text], evaluate)];
}

const translate: Overload['evaluate'] = (context, args, rowCount) => {
  const [a, from, to] = args.map((arg) => operand(arg, context));
  if (!a || !from || !to) return constantVector(null, UTF8, rowCount, context);
  return writtenText(rowCount, 4 * textBytes(a, rowCount, context), context, (offsets, out) =>
    context.kernels.translate_bytes(
      a.offsets,
      a.values,
      a.step,
      from.offsets,
      from.values,
      from.step,
      to.offsets,
      to.values,
      to.step,
      rowCount,
      offsets,
      out,
    ),
  );
};

const reverse: Overload['evaluate'] = (context, [arg], rowCount) => {
  const source = operand(arg, context);
  return writtenText(rowCount, textBytes(source, rowCount, context), context, (offsets, out) =>
    context.kernels.reverse_bytes(source.offsets, source.values, rowCount, offsets, out),
  );
};

// ---- finding ----

const position: Overload['evaluate'] = (context, args, rowCount) => {
  const [a, b] = args.map((arg) => operand(arg, context));
  const out = room(INT64, rowCount, context);
  if (a && b) context.kernels.position_bytes(a.offsets, a.values, a.step, b.offsets, b.values, b.step, rowCount, out);
  return result(INT64, rowCount, out);
};

function matching(kindOfMatch: 0 | 1 | 2): Signature {
  return {
    params: [text, text],
    type: BOOL,
    evaluate: (context, args, rowCount) => {
      const [a, b] = args.map((arg) => operand(arg, context));
      const out = context.scratch.allocate(bitmapBytes(rowCount));
      if (a && b) context.kernels.match_bytes(kindOfMatch, a.offsets, a.values, a.step, b.offsets, b.values, b.step, rowCount, out);
      return boolVector(out, rowCount);
    },
  };
}

// ---- characters ----

const ascii: Overload['evaluate'] = (context, [arg], rowCount) => {
  const source = operand(arg, context);
  const out = room(INT32, rowCount, context);
  context.kernels.ascii_bytes(source.offsets, source.values, rowCount, out);
  return result(INT32, rowCount, out);
};

const chr: Overload['evaluate'] = (context, [arg], rowCount, validity) =>
  writtenText(rowCount, 4 * rowCount, context, (offsets, out) => {
    const bad = context.kernels.chr_bytes((arg as Vector).values, rowCount, offsets, out, validity);
    if (bad >= 0) throw new DbError('invalid_value', `chr: ${String(valueAt(context.arena, arg as Vector, bad))} is no character`);
  });

const md5: Overload['evaluate'] = (context, [arg]) =>
  mappedText(arg as Vector, context, (value) => createHash('md5').update(value).digest('hex'));

export const TEXT_FUNCTIONS: readonly ScalarFunction[] = [
  entry(
    'length',
    'Characters of a text, bytes of a binary, items of a list.',
    [
      { sql: "length('häuser')", result: '6' },
      { sql: "char_length('')", result: '0' },
    ],
    [measure('length_bytes', [text]), { params: [binary], type: INT64, evaluate: octets }, listLength],
    { aliases: ['char_length', 'character_length', 'len'] },
  ),
  entry(
    'octet_length',
    'Bytes of a text or binary.',
    [{ sql: "octet_length('ä')", result: '2' }],
    [
      { params: [text], type: INT64, evaluate: octets },
      { params: [binary], type: INT64, evaluate: octets },
    ],
    { aliases: ['strlen'] },
  ),
  entry('lower', 'In lower case.', [{ sql: "lower('ÄBC')", result: 'äbc' }], [changeCase('lower')], { aliases: ['lcase'] }),
  entry('upper', 'In upper case.', [{ sql: "upper('abc')", result: 'ABC' }], [changeCase('upper')], { aliases: ['ucase'] }),
  entry(
    'initcap',
    'First letter of every word in upper case, the others in lower.',
    [{ sql: "initcap('hELLO world')", result: 'Hello World' }],
    [changeCase('initcap')],
  ),
  entry(
    'substring',
    'substring(text, start[, length]), counted from 1; places before 1 count as characters that are not there. substring(text FROM pattern): what a regular expression, or its first group, matches.',
    [
      { sql: "substring('hello', 2, 3)", result: 'ell' },
      { sql: "substr('hello', -1, 4)", result: 'he' },
      { sql: "substring('hello', 4)", result: 'lo' },
      { sql: "substring('foobar' FROM 'o(.)b')", result: 'o' },
    ],
    [
      toText([text, integer], substring),
      toText([text, integer, integer], substring),
      each([text, text], UTF8, substringByPattern),
      each([text, text, text], UTF8, substringSimilar),
    ],
    { aliases: ['substr'], infallible: false },
  ),
  entry(
    'left',
    'First n characters; a negative n means all but the last |n|.',
    [
      { sql: "left('hello', 2)", result: 'he' },
      { sql: "left('hello', -2)", result: 'hel' },
    ],
    [side(0)],
  ),
  entry(
    'right',
    'Last n characters; a negative n means all but the first |n|.',
    [
      { sql: "right('hello', 2)", result: 'lo' },
      { sql: "right('hello', -2)", result: 'llo' },
    ],
    [side(1)],
  ),
  entry(
    'lpad',
    'Brought to n characters: filled from the left, or cut.',
    [
      { sql: "lpad('7', 3, '0')", result: '007' },
      { sql: "lpad('hello', 2)", result: 'he' },
    ],
    pad(0),
    { infallible: false },
  ),
  entry('rpad', 'Brought to n characters: filled from the right, or cut.', [{ sql: "rpad('ab', 5, 'xy')", result: 'abxyx' }], pad(1), {
    infallible: false,
  }),
  entry(
    'trim',
    'Without spaces, or without the characters of a set, at both ends.',
    [
      { sql: "trim('  a b ')", result: 'a b' },
      { sql: "btrim('xyaxy', 'yx')", result: 'a' },
    ],
    trim(3),
    { aliases: ['btrim'] },
  ),
  entry('ltrim', 'As trim, at the start only.', [{ sql: "ltrim('  a ')", result: 'a ' }], trim(1)),
  entry('rtrim', 'As trim, at the end only.', [{ sql: "rtrim('  a ')", result: '  a' }], trim(2)),
  entry(
    'replace',
    'Every occurrence of a text becomes another.',
    [{ sql: "replace('banana', 'an', '-')", result: 'b--a' }],
    [toText([text, text, text], replace)],
    { infallible: false },
  ),
  entry('reverse', 'Characters in reverse order.', [{ sql: "reverse('añb')", result: 'bña' }], [toText([text], reverse)]),
  entry('repeat', 'The text n times.', [{ sql: "repeat('ab', 3)", result: 'ababab' }], [toText([text, integer], repeat)], {
    infallible: false,
  }),
  entry(
    'position',
    'Place of the second text in the first, from 1; 0 when it is not there. The grammar has position(b IN a).',
    [
      { sql: "strpos('hello', 'l')", result: '3' },
      { sql: "instr('hello', 'z')", result: '0' },
    ],
    [{ params: [text, text], type: INT64, evaluate: position }],
    { aliases: ['strpos', 'instr'] },
  ),
  entry(
    'starts_with',
    'True when the first text starts with the second. Also a ^@ b.',
    [{ sql: "starts_with('hello', 'he')", result: 'true' }],
    [matching(0)],
    { aliases: ['prefix'] },
  ),
  entry(
    'ends_with',
    'True when the first text ends with the second.',
    [{ sql: "ends_with('hello', 'lo')", result: 'true' }],
    [matching(1)],
    { aliases: ['suffix'] },
  ),
  entry('contains', 'True when the second text occurs in the first.', [{ sql: "contains('hello', 'ell')", result: 'true' }], [matching(2)]),
  entry(
    'split_part',
    'The n-th field of a text cut at a delimiter; a negative n counts from the end.',
    [
      { sql: "split_part('a,b,c', ',', 2)", result: 'b' },
      { sql: "split_part('a,b,c', ',', -1)", result: 'c' },
      { sql: "split_part('a,b,c', ',', 9)", result: '' },
    ],
    [toText([text, text, integer], splitPart)],
  ),
  entry(
    'ascii',
    'Code point of the first character.',
    [{ sql: "ascii('A')", result: '65' }],
    [{ params: [text], type: INT32, evaluate: ascii }],
    { aliases: ['unicode', 'ord'] },
  ),
  entry('chr', 'The character of a code point.', [{ sql: 'chr(228)', result: 'ä' }], [toText([integer], chr)], { infallible: false }),
  entry(
    'translate',
    'Characters of the second text become those of the third at the same place, or vanish.',
    [{ sql: "translate('12345', '143', 'ax')", result: 'a2x5' }],
    [toText([text, text, text], translate)],
  ),
  entry(
    'md5',
    'MD5 of the bytes, as hexadecimal text.',
    [{ sql: "md5('abc')", result: '900150983cd24fb0d6963f7d28e17f72' }],
    [toText([text], md5)],
    { category: 'hash' },
  ),
];
