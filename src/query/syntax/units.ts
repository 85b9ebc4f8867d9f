/** The units of time, as words and as the letters of a duration. */
import { DbError } from '../../core/errors.js';
import type { DurationPart, DurationUnit } from './ast/node.js';

/** Word forms besides the plain plural. */
const ABBREVIATIONS: Readonly<Record<DurationUnit, readonly string[]>> = {
  nanosecond: ['ns', 'nsec', 'nanos'],
  microsecond: ['us', 'usec', 'micros'],
  millisecond: ['ms', 'msec', 'millis'],
  second: ['sec', 'secs'],
  minute: ['min', 'mins'],
  hour: ['hr', 'hrs'],
  day: [],
  week: [],
  month: ['mon', 'mons'],
  quarter: [],
  year: ['yr', 'yrs'],
  decade: [],
  century: ['centuries'],
  millennium: ['millennia', 'mil'],
};

const BY_WORD = new Map<string, DurationUnit>();
for (const [unit, words] of Object.entries(ABBREVIATIONS) as [DurationUnit, readonly string[]][]) {
  for (const word of [unit, `${unit}s`, ...words]) BY_WORD.set(word, unit);
}

export function unitOfWord(word: string): DurationUnit | null {
  return BY_WORD.get(word.toLowerCase()) ?? null;
}

/** Letters are case-sensitive where case tells units apart: `m` is minutes, `M` months, `T` milliseconds (QuestDB). */
const DURATION_LETTERS: Readonly<Record<string, DurationUnit>> = {
  ns: 'nanosecond',
  n: 'nanosecond',
  us: 'microsecond',
  u: 'microsecond',
  U: 'microsecond',
  µs: 'microsecond',
  μs: 'microsecond',
  ms: 'millisecond',
  T: 'millisecond',
  s: 'second',
  S: 'second',
  m: 'minute',
  min: 'minute',
  h: 'hour',
  H: 'hour',
  d: 'day',
  D: 'day',
  w: 'week',
  W: 'week',
  M: 'month',
  mo: 'month',
  q: 'quarter',
  Q: 'quarter',
  y: 'year',
  Y: 'year',
};

/** The letters to print for each unit. */
export const LETTERS_OF_UNIT: Readonly<Record<DurationUnit, string>> = {
  nanosecond: 'ns',
  microsecond: 'us',
  millisecond: 'ms',
  second: 's',
  minute: 'm',
  hour: 'h',
  day: 'd',
  week: 'w',
  month: 'M',
  quarter: 'q',
  year: 'y',
  decade: ' DECADES',
  century: ' CENTURIES',
  millennium: ' MILLENNIA',
};

/** `1h30m` → parts. `position` is for the error. */
export function parseDuration(text: string, position: number): DurationPart[] {
  const parts: DurationPart[] = [];
  let at = 0;
  while (at < text.length) {
    const amountStart = at;
    while (isAmount(text, at)) at++;
    const amount = Number(text.slice(amountStart, at).replaceAll('_', ''));
    const lettersStart = at;
    while (at < text.length && !isAmount(text, at)) at++;
    const letters = text.slice(lettersStart, at);
    const unit = Object.hasOwn(DURATION_LETTERS, letters) ? DURATION_LETTERS[letters] : undefined;
    if (unit === undefined || !Number.isSafeInteger(amount)) throw badDuration(text, letters, position);
    parts.push({ amount, unit });
  }
  return parts;
}

function isAmount(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return (code >= 48 && code <= 57) || code === 95;
}

function badDuration(text: string, letters: string, position: number): DbError {
  const shown = text.slice(0, 40);
  return new DbError('syntax_error', `"${shown}" is neither a number nor a duration`, {
    position,
    hint: `${letters === '' ? 'the last number has no unit' : `"${letters.slice(0, 20)}" is no unit`}; units are ns, us, ms, s, m, h, d, w, M (month), q, y`,
  });
}
