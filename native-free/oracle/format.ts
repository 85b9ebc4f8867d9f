/** What the kernels of assembly/format compute, in plain TypeScript: slow, obvious, and over JavaScript values instead of addresses. */

/** Shortest text of a finite float64, as JavaScript writes it; −0 keeps its sign. */
export function write_f64(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

/** Every text with the fewest digits that reads back as the same float32 and is as close to it as any of that length. */
export function write_f32(value: number): string[] {
  if (Object.is(value, -0)) return ['-0'];
  for (let digits = 1; digits <= 9; digits++) {
    const rounded = Number(value.toPrecision(digits));
    const step = 10 ** (Math.floor(Math.log10(Math.abs(value))) + 1 - digits);
    const candidates = [rounded, rounded - step, rounded + step].map((candidate) => Number(candidate.toPrecision(digits)));
    const same = candidates.filter((candidate) => Math.fround(candidate) === value);
    if (same.length === 0) continue;
    const nearest = Math.min(...same.map((candidate) => Math.abs(candidate - value)));
    return same.filter((candidate) => Math.abs(candidate - value) === nearest).map(String);
  }
  return [String(value)];
}

/** Entry k of the table of powers: ceil(10^k * 2^(127 − floor(log2(10^k)))). */
export function power_of_ten(k: number): bigint {
  const top = 1n << 127n;
  let numerator = k >= 0 ? 10n ** BigInt(k) : 1n;
  let denominator = k >= 0 ? 1n : 10n ** BigInt(-k);
  while (numerator / denominator >= top * 2n) denominator *= 2n;
  while (numerator / denominator < top) numerator *= 2n;
  return (numerator + denominator - 1n) / denominator;
}

export interface CsvCell {
  readonly text: string;
  readonly isQuoted: boolean;
}

/** Rows of a CSV text, character by character; `undefined` when it is malformed. */
export function csv_cells(text: string, delimiter: string): CsvCell[][] | undefined {
  const rows: CsvCell[][] = [];
  let row: CsvCell[] = [];
  let at = 0;
  while (at < text.length) {
    let cell = '';
    const isQuoted = text[at] === '"';
    if (isQuoted) {
      at++;
      while (text[at] !== '"' || text[at + 1] === '"') {
        if (at >= text.length) return undefined;
        cell += text[at];
        at += text[at] === '"' ? 2 : 1;
      }
      at++;
      if (text[at] === '\r') at++;
      if (at < text.length && text[at] !== delimiter && text[at] !== '\n') return undefined;
    } else {
      while (at < text.length && text[at] !== delimiter && text[at] !== '\n') cell += text[at++];
      if (text[at] !== delimiter) cell = cell.replace(/\r$/, '');
    }
    row.push({ text: cell, isQuoted });
    const endsRow = at >= text.length || text[at] === '\n';
    // A delimiter at the very end opens one more, empty, cell.
    if (!endsRow && at + 1 === text.length) row.push({ text: '', isQuoted: false });
    at++;
    if (endsRow || at >= text.length) {
      const isBlank = row.length === 1 && row[0]?.text === '' && !row[0].isQuoted;
      if (!isBlank) rows.push(row);
      row = [];
    }
  }
  return rows;
}

/** True when the bytes are UTF-8. */
export function check_utf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}
