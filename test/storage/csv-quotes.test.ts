/** CSV of any quote and escape, cut into pieces anywhere, against a reader that goes character by character. */
import { expect, test } from 'vitest';
import { type CsvQuotes, withPlainQuotes } from '../../src/formats/decoders/csv-quotes.js';

const ALPHABET = ['a', ',', '\n', '"', "'", '\\', 'é'];

/** Cells of a text of any quotes; what stands behind a closing quote is kept as it is. */
function cellsOf(
  text: string,
  { quote, quoteEscape, delimiter }: Pick<CsvQuotes, 'quote' | 'quoteEscape' | 'delimiter'>,
): string[] | undefined {
  const cells: string[] = [];
  for (let at = 0; at <= text.length; at++) {
    let cell = '';
    if (quote !== '' && text[at] === quote) {
      for (at++; ; at++) {
        const character = text[at];
        if (character === undefined) return undefined;
        const next = text[at + 1];
        if (
          quoteEscape === quote
            ? character === quote && next === quote
            : character === quoteEscape && (next === quote || next === quoteEscape)
        ) {
          cell += next;
          at++;
        } else if (character === quote) break;
        else cell += character;
      }
      at++;
      if (text[at] !== undefined && text[at] !== delimiter && text[at] !== '\n') return undefined;
    } else for (; at < text.length && text[at] !== delimiter && text[at] !== '\n'; at++) cell += text[at];
    cells.push(`${cell}${text[at] === '\n' ? '$' : ''}`);
  }
  return cells;
}

async function rewritten(bytes: Uint8Array, quotes: CsvQuotes, pieceBytes: number): Promise<string> {
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
  }
  const parts: Uint8Array[] = [];
  for await (const part of withPlainQuotes(pieces(), quotes)) parts.push(part);
  return Buffer.concat(parts).toString();
}

test('cells of any quotes are the same cells in quotes of RFC 4180', async () => {
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((seed / 2_147_483_648) * below);
  };
  let compared = 0;
  for (let round = 0; round < 4000; round++) {
    const text = Array.from({ length: random(14) }, () => ALPHABET[random(ALPHABET.length)]).join('');
    const quote = ['"', "'", ''][random(3)] ?? '"';
    const quoteEscape = [quote, '\\'][random(2)] ?? quote;
    const quotes: CsvQuotes = { quote, quoteEscape, delimiter: ',', skip: 0 };
    const wanted = cellsOf(text, quotes);
    if (!wanted) continue;
    const plain = await rewritten(Buffer.from(text), quotes, 1 + random(5));
    expect(cellsOf(plain, { quote: '"', quoteEscape: '"', delimiter: ',' }), JSON.stringify({ text, quotes, plain })).toEqual(wanted);
    compared += 1;
  }
  expect(compared).toBeGreaterThan(1000);
});
