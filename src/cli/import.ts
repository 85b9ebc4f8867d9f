/** `fletch import FILE… --table T`: files into a table, each file one atomic append. */
import { createReadStream, existsSync } from 'node:fs';
import { DbError } from '../core/errors.js';
import type { CommandLine, FlagTable } from './config.js';
import { type Io, write } from './io.js';
import { serverFor } from './local-server.js';
import { send } from './remote-session.js';

export const IMPORT_FLAGS = {
  table: { type: 'string', doc: 'The table that takes the rows; created when it is absent.', value: 'NAME' },
  url: { type: 'string', doc: 'A running server instead of a folder.', value: 'URL' },
  format: { type: 'string', doc: 'csv, tsv, ndjson, json, arrow; by default what the file is called.', value: 'NAME' },
  mode: { type: 'string', doc: 'append (default) or replace.', value: 'MODE' },
  delimiter: { type: 'string', doc: 'One character between CSV cells.', value: 'C' },
  'no-header': { type: 'boolean', doc: 'The first row of CSV has no names.' },
  'no-create': { type: 'boolean', doc: 'Fail when the table is absent.' },
} as const satisfies FlagTable;

const FORMAT_OF_EXTENSION: Readonly<Record<string, string>> = {
  csv: 'csv',
  tsv: 'tsv',
  ndjson: 'ndjson',
  jsonl: 'ndjson',
  json: 'json',
  arrow: 'arrow',
  arrows: 'arrow',
  ipc: 'arrow',
  feather: 'arrow',
  parquet: 'parquet',
};
const CODING_OF_EXTENSION: Readonly<Record<string, string>> = { gz: 'gzip', br: 'br', zst: 'zstd' };

export async function runImport(line: CommandLine, io: Io): Promise<number> {
  const { table, url } = line.flags;
  if (typeof table !== 'string') throw new DbError('invalid_argument', 'import needs --table NAME');
  if (line.positionals.length === 0) throw new DbError('invalid_argument', 'import needs a file');
  for (const file of line.positionals) if (!existsSync(file)) throw new DbError('invalid_argument', `no file ${file}`);
  const server = await serverFor(url, line.settings);
  try {
    for (const [index, file] of line.positionals.entries()) {
      const { format, coding } = kindOf(file, line.flags.format);
      const path = `/tables/${encodeURIComponent(table)}/rows?${options(line, format, index)}`;
      const answer = await send(server.url, path, coding === undefined ? {} : { 'content-encoding': coding }, createReadStream(file));
      const parts: Buffer[] = [];
      for await (const part of answer) parts.push(part as Buffer);
      const { rows, duration_us } = JSON.parse(Buffer.concat(parts).toString('utf8')) as { rows: number; duration_us: number };
      await write(io.output, `${file}: ${rows} rows into ${table} in ${(duration_us / 1000).toFixed(1)} ms\n`);
    }
    return 0;
  } finally {
    await server.close();
  }
}

function options(line: CommandLine, format: string, index: number): string {
  const { flags } = line;
  const search = new URLSearchParams({ format, create: flags['no-create'] === true ? 'false' : 'true' });
  // With several files, only the first takes the place of the old rows.
  if (flags.mode !== undefined) search.set('mode', index === 0 ? String(flags.mode) : 'append');
  if (flags.delimiter !== undefined) search.set('delimiter', String(flags.delimiter));
  if (flags['no-header'] === true) search.set('header', 'false');
  return search.toString();
}

function kindOf(file: string, named: string | boolean | undefined): { format: string; coding: string | undefined } {
  const extensions = file.toLowerCase().split('.').slice(1);
  const coding = CODING_OF_EXTENSION[extensions.at(-1) ?? ''];
  if (coding !== undefined) extensions.pop();
  const format = typeof named === 'string' ? named : FORMAT_OF_EXTENSION[extensions.at(-1) ?? ''];
  if (format === undefined)
    throw new DbError('invalid_argument', `${file}: the name does not tell the format`, { hint: 'say --format csv' });
  return { format, coding };
}
