/** The one table of result formats: names, the names other servers give them, media types. */
import { DbError } from '../../core/errors.js';
import { parquetEncoder } from '../parquet/write-parquet.js';
import { arrowEncoder } from './arrow.js';
import { csvEncoder, tsvEncoder } from './delimited.js';
import { jsonEncoder, ndjsonEncoder } from './json.js';
import type { MakeEncoder } from './result-encoder.js';
import { markdownEncoder, prettyEncoder } from './text-table.js';

export interface FormatRow {
  readonly contentType: string;
  /** Media types of an Accept header that ask for this format. */
  readonly accepts: readonly string[];
  /** ClickHouse's names, compared without case. */
  readonly aliases: readonly string[];
  readonly make: MakeEncoder;
  readonly doc: string;
  /** Names ending in one of these aliases write no header row. */
  readonly headless?: readonly string[];
}

export const FORMATS = {
  json: {
    contentType: 'application/json; charset=utf-8',
    accepts: ['application/json'],
    aliases: ['JSON', 'JSONCompact'],
    make: jsonEncoder,
    doc: 'One document with columns, types and rows.',
  },
  ndjson: {
    contentType: 'application/x-ndjson; charset=utf-8',
    accepts: ['application/x-ndjson', 'application/ndjson', 'application/jsonl'],
    aliases: ['JSONEachRow', 'JSONLines', 'jsonl'],
    make: ndjsonEncoder,
    doc: 'One object per row and line.',
  },
  csv: {
    contentType: 'text/csv; charset=utf-8; header=present',
    accepts: ['text/csv'],
    aliases: ['CSVWithNames', 'CSV'],
    make: csvEncoder,
    doc: 'RFC 4180 with a header row.',
  },
  tsv: {
    contentType: 'text/tab-separated-values; charset=utf-8',
    accepts: ['text/tab-separated-values'],
    aliases: ['TabSeparatedWithNames', 'TSVWithNames', 'TabSeparated', 'TSV'],
    headless: ['TabSeparated'],
    make: tsvEncoder,
    doc: 'Tabs between cells, backslash escapes, a header row.',
  },
  arrow: {
    contentType: 'application/vnd.apache.arrow.stream',
    accepts: ['application/vnd.apache.arrow.stream'],
    aliases: ['ArrowStream', 'Arrow'],
    make: arrowEncoder,
    doc: 'An Arrow IPC stream.',
  },
  markdown: {
    contentType: 'text/markdown; charset=utf-8',
    accepts: ['text/markdown'],
    aliases: ['Markdown'],
    make: markdownEncoder,
    doc: 'A Markdown table.',
  },
  pretty: {
    contentType: 'text/plain; charset=utf-8',
    accepts: ['text/plain'],
    aliases: ['Pretty', 'PrettyCompact', 'PrettyCompactMonoBlock', 'table'],
    make: prettyEncoder,
    doc: 'A table of boxes for a terminal.',
  },
  parquet: {
    contentType: 'application/vnd.apache.parquet',
    accepts: ['application/vnd.apache.parquet'],
    aliases: ['Parquet'],
    make: parquetEncoder,
    doc: 'A Parquet file, compressed with Snappy.',
  },
} as const satisfies Record<string, FormatRow>;

export type FormatName = keyof typeof FORMATS;

export interface ChosenFormat {
  readonly name: FormatName;
  readonly row: FormatRow;
  readonly header: boolean;
}

const BY_NAME = new Map<string, ChosenFormat>();
const BY_MEDIA_TYPE = new Map<string, ChosenFormat>();
for (const [name, row] of Object.entries(FORMATS) as [FormatName, FormatRow][]) {
  const chosen = { name, row, header: true };
  for (const alias of [name, ...row.aliases]) BY_NAME.set(alias.toLowerCase(), { ...chosen, header: !row.headless?.includes(alias) });
  for (const type of row.accepts) BY_MEDIA_TYPE.set(type, chosen);
}

const DEFAULT_FORMAT: ChosenFormat = { name: 'json', row: FORMATS.json, header: true };

/** A format by its name or an alias. Fails with `invalid_argument`. */
export function formatNamed(name: string): ChosenFormat {
  const chosen = BY_NAME.get(name.toLowerCase());
  if (!chosen)
    throw new DbError('invalid_argument', `no result format is called "${name}"`, { hint: `known: ${Object.keys(FORMATS).join(', ')}` });
  return chosen;
}

/** The format that an Accept header prefers; json when it names none of ours. */
export function formatAccepted(accept: string | undefined): ChosenFormat {
  if (accept === undefined || accept === '*/*') return DEFAULT_FORMAT;
  let best = DEFAULT_FORMAT;
  let bestQuality = 0;
  for (const part of accept.split(',')) {
    const [type, ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    const chosen = BY_MEDIA_TYPE.get(type ?? '');
    const quality = Number(parameters.find((text) => text.startsWith('q='))?.slice(2) ?? 1);
    if (chosen && quality > bestQuality) {
      best = chosen;
      bestQuality = quality;
    }
  }
  return best;
}
