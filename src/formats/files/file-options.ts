/** What is said of a file: its format, and how its text is written. */
import { extname } from 'node:path';
import { DbError } from '../../core/errors.js';
import { nearestName } from '../../core/nearest-name.js';

interface FileFormatRow {
  /** Of file names, without the point. */
  readonly extensions: readonly string[];
  readonly aliases: readonly string[];
  readonly delimiter?: string;
}

const FILE_FORMATS = {
  csv: { extensions: ['csv'], aliases: [], delimiter: ',' },
  tsv: { extensions: ['tsv', 'tab'], aliases: [], delimiter: '\t' },
  json: { extensions: ['json', 'ndjson', 'jsonl'], aliases: ['ndjson', 'jsonl', 'json_lines'] },
  arrow: { extensions: ['arrow', 'arrows', 'feather', 'ipc'], aliases: ['ipc', 'feather', 'arrows', 'arrow_stream'] },
  parquet: { extensions: ['parquet', 'pq'], aliases: [] },
} as const satisfies Record<string, FileFormatRow>;

export type FileFormat = keyof typeof FILE_FORMATS;

export interface FileOptions {
  readonly format: FileFormat;
  /** csv and tsv: one character of ASCII. */
  readonly delimiter: string;
  /** csv and tsv: the first row has the names of the columns. */
  readonly header: boolean;
  /** csv and tsv: what encloses cells, one ASCII character or none, and what stands before a quote inside of one. */
  readonly quote: string;
  readonly quoteEscape: string;
  /** csv and tsv, reading: lines before the header. */
  readonly skip: number;
  /** csv and tsv: the text of NULL; undefined = empty, when reading also \N. */
  readonly nullText: string | undefined;
  /** json: one array of objects instead of an object a line. Reading takes both. */
  readonly array: boolean;
  /** Of the whole file; for Parquet of its pages. `auto`: by the extension `.gz`. */
  readonly compression: 'auto' | 'none' | 'gzip' | 'snappy';
}

export type GivenFileOptions = { readonly [Name in keyof FileOptions]?: FileOptions[Name] | undefined };

const FORMATS = Object.entries(FILE_FORMATS) as readonly [FileFormat, FileFormatRow][];

/** Fails with `invalid_argument`. */
export function fileFormatNamed(name: string): FileFormat {
  const wanted = name.toLowerCase();
  const found = FORMATS.find(([format, row]) => format === wanted || row.aliases.includes(wanted));
  if (found) return found[0];
  const known = FORMATS.map(([format]) => format);
  const nearest = nearestName(name, known);
  throw new DbError('invalid_argument', `no file format is called ${name}`, {
    hint: nearest === undefined ? `known: ${known.join(', ')}` : `did you mean ${nearest}?`,
  });
}

function formatOfName(path: string): FileFormat | undefined {
  const extension = extname(isGzipName(path) ? path.slice(0, -'.gz'.length) : path)
    .slice(1)
    .toLowerCase();
  return FORMATS.find(([, row]) => row.extensions.includes(extension))?.[0];
}

export function isGzipName(path: string): boolean {
  return path.toLowerCase().endsWith('.gz');
}

/** All options of a file. Fails with `invalid_argument` when neither they nor its name say what format it has. */
export function fileOptions(path: string, given: GivenFileOptions): FileOptions {
  const format = given.format ?? formatOfName(path);
  if (format === undefined) {
    throw new DbError('invalid_argument', 'the name of the file does not tell its format', {
      hint: `say it: FORMAT csv in COPY, read_csv(…) in FROM (${FORMATS.map(([name]) => name).join(', ')})`,
    });
  }
  const row: FileFormatRow = FILE_FORMATS[format];
  const delimiter = given.delimiter ?? row.delimiter ?? ',';
  if (delimiter.length !== 1 || delimiter.charCodeAt(0) > 0x7f || '"\r\n'.includes(delimiter)) {
    throw new DbError('invalid_argument', `delimiter ${JSON.stringify(delimiter)}: it is one ASCII character, no quote and no line end`);
  }
  const compression = given.compression ?? 'auto';
  if (compression === 'snappy' && format !== 'parquet') {
    throw new DbError('invalid_argument', `compression snappy is for Parquet, not for ${format}`, { hint: 'gzip, none' });
  }
  const quote = given.quote ?? '"';
  const quoteEscape = given.quoteEscape ?? quote;
  for (const [name, text] of Object.entries({ quote, escape: quoteEscape })) {
    if (text.length > 1 || text > '\x7f' || '\r\n'.includes(text || ' ') || text === delimiter) {
      throw new DbError('invalid_argument', `${name} ${JSON.stringify(text)}: it is one ASCII character, no delimiter and no line end`);
    }
  }
  return {
    format,
    delimiter,
    header: given.header ?? true,
    quote,
    quoteEscape,
    skip: given.skip ?? 0,
    nullText: given.nullText,
    array: given.array ?? false,
    compression,
  };
}

/** True for a name that ends as files of a format do. */
export function isFileName(name: string): boolean {
  return formatOfName(name) !== undefined;
}
