/** How alike two sequences of characters are. */
import { DbError } from '../../core/errors.js';

type Characters = readonly string[];

/** `check` is called now and then: long texts take the product of their lengths. */
export type Likeness = (a: Characters, b: Characters, check: () => void) => number;

/** Cells of a table of which all rows are kept. */
const MAX_CELLS = 1 << 25;

export const levenshtein: Likeness = (a, b, check) => {
  let previous = Uint32Array.from({ length: b.length + 1 }, (_, i) => i);
  let current = new Uint32Array(b.length + 1);
  for (let i = 1; i <= a.length; i++) {
    check();
    current[0] = i;
    for (let j = 1; j <= b.length; j++) {
      const change = (previous[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current[j] = Math.min(change, (previous[j] as number) + 1, (current[j - 1] as number) + 1);
    }
    [previous, current] = [current, previous];
  }
  return previous[b.length] ?? 0;
};

/** With neighbours that change places, and more edits between them allowed. */
export const damerauLevenshtein: Likeness = (a, b, check) => {
  const most = a.length + b.length;
  const width = b.length + 2;
  if (width * (a.length + 2) > MAX_CELLS) throw new DbError('query_memory_exceeded', 'the texts are too long to be compared in all ways');
  const lastRow = new Map<string, number>();
  const table = new Uint32Array(width * (a.length + 2));
  for (let i = 0; i <= a.length + 1; i++) {
    table[i * width] = most;
    table[i * width + 1] = Math.max(0, i - 1);
  }
  for (let j = 0; j <= b.length + 1; j++) {
    table[j] = most;
    if (j > 0) table[width + j] = j - 1;
  }
  for (let i = 1; i <= a.length; i++) {
    check();
    let lastColumn = 0;
    for (let j = 1; j <= b.length; j++) {
      const row = lastRow.get(b[j - 1] ?? '') ?? 0;
      const column = lastColumn;
      const same = a[i - 1] === b[j - 1];
      if (same) lastColumn = j;
      const at = i * width + j;
      const swapped = (table[row * width + column] as number) + (i - row - 1) + 1 + (j - column - 1);
      const changed = (table[at] as number) + (same ? 0 : 1);
      table[at + width + 1] = Math.min(changed, (table[at + width] as number) + 1, (table[at + 1] as number) + 1, swapped);
    }
    lastRow.set(a[i - 1] ?? '', i);
  }
  return table[(a.length + 1) * width + b.length + 1] ?? 0;
};

/** Fails with `invalid_value` for texts of different lengths. */
export function hamming(a: Characters, b: Characters): number {
  if (a.length !== b.length) throw new DbError('invalid_value', `hamming takes texts of one length, not ${a.length} and ${b.length}`);
  return a.filter((character, i) => character !== b[i]).length;
}

export const jaro: Likeness = (a, b, check) => {
  if (a.length === 0 && b.length === 0) return 1;
  const reach = Math.max(0, Math.floor(Math.max(a.length, b.length) / 2) - 1);
  const taken = new Array<boolean>(b.length).fill(false);
  const matches: string[] = [];
  a.forEach((character, i) => {
    if (i % 256 === 0) check();
    for (let j = Math.max(0, i - reach); j < Math.min(b.length, i + reach + 1); j++) {
      if (taken[j] || b[j] !== character) continue;
      taken[j] = true;
      matches.push(character);
      return;
    }
  });
  const other = b.filter((_, j) => taken[j]);
  const swapped = matches.filter((character, i) => character !== other[i]).length / 2;
  const m = matches.length;
  return m === 0 ? 0 : (m / a.length + m / b.length + (m - swapped) / m) / 3;
};

export const jaroWinkler: Likeness = (a, b, check) => {
  const similarity = jaro(a, b, check);
  if (similarity <= 0.7) return similarity;
  let prefix = 0;
  while (prefix < Math.min(4, a.length, b.length) && a[prefix] === b[prefix]) prefix += 1;
  return similarity + prefix * 0.1 * (1 - similarity);
};

export function jaccard(a: Characters, b: Characters): number {
  const [x, y] = [new Set(a), new Set(b)];
  if (x.size === 0 || y.size === 0) throw new DbError('invalid_value', 'jaccard takes texts that are not empty');
  const shared = [...x].filter((character) => y.has(character)).length;
  return shared / (x.size + y.size - shared);
}

const SOUNDS: Readonly<Record<string, string>> = Object.fromEntries(
  ['BFPV', 'CGJKQSXZ', 'DT', 'L', 'MN', 'R'].flatMap((letters, i) => [...letters].map((letter) => [letter, String(i + 1)] as const)),
);

export function soundex(text: string): string {
  const letters = text.toUpperCase().replace(/[^A-Z]/g, '');
  if (letters === '') return '';
  let code = letters[0] ?? '';
  let last = SOUNDS[code] ?? '';
  for (const letter of letters.slice(1)) {
    const sound = SOUNDS[letter] ?? '';
    if (sound !== '' && sound !== last) code += sound;
    if (letter !== 'H' && letter !== 'W') last = sound;
    if (code.length === 4) break;
  }
  return code.padEnd(4, '0');
}
