/** `fletch export`: tables, or the rows of a query, into files. A folder that another process writes is read beside it. */
import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { DbError } from '../core/errors.js';
import type { CommandLine, FlagTable } from './config.js';
import { type Io, write } from './io.js';
import { serverFor } from './local-server.js';
import { send } from './remote-session.js';

export const EXPORT_FLAGS = {
  output: { type: 'string', doc: 'Folder of the files, one for each table; made when it is absent.', value: 'DIR' },
  format: { type: 'string', doc: 'parquet (default), csv, tsv, ndjson, json, arrow.', value: 'NAME' },
  query: { type: 'string', doc: 'The rows of this query, into one file named by --name.', value: 'SQL' },
  name: { type: 'string', doc: 'Name of the file of --query, without extension (default: query).', value: 'NAME' },
  url: { type: 'string', doc: 'A running server instead of a folder.', value: 'URL' },
} as const satisfies FlagTable;

const EXTENSIONS = { parquet: 'parquet', csv: 'csv', tsv: 'tsv', ndjson: 'ndjson', json: 'json', arrow: 'arrows' } as const;

export async function runExport(line: CommandLine, io: Io): Promise<number> {
  const { output, format = 'parquet', query, name = 'query', url } = line.flags;
  if (typeof output !== 'string') throw new DbError('invalid_argument', 'export needs --output DIR');
  if (!Object.hasOwn(EXTENSIONS, String(format))) {
    throw new DbError('invalid_argument', `no format of export is called ${String(format)}`, { hint: Object.keys(EXTENSIONS).join(', ') });
  }
  const extension = EXTENSIONS[format as keyof typeof EXTENSIONS];
  const server = await serverFor(url, { ...line.settings, read_only: true });
  try {
    await mkdir(output, { recursive: true });
    const sources = typeof query === 'string' ? [{ sql: query, name: String(name) }] : await tableSources(server.url, line.positionals);
    const twice = sources.find(({ name }, i) => sources.findIndex((other) => other.name === name) < i);
    if (twice)
      throw new DbError('invalid_argument', `two tables would become the file ${twice.name}.${extension}`, {
        hint: 'export them one by one',
      });
    for (const source of sources) {
      const path = join(output, `${source.name}.${extension}`);
      await download(server.url, source.sql, String(format), path);
      await write(io.output, `${path}\n`);
    }
    return 0;
  } finally {
    await server.close();
  }
}

interface Source {
  readonly sql: string;
  /** Of the file. */
  readonly name: string;
}

/** All tables, or the named ones. */
async function tableSources(url: string, wanted: readonly string[]): Promise<Source[]> {
  if (wanted.length > 0)
    return wanted.map((table) => ({ sql: `SELECT * FROM ${table.split('.').map(quoted).join('.')}`, name: fileName(table) }));
  const sql = "SELECT table_schema, table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE' ORDER BY 1, 2";
  const parts: Buffer[] = [];
  for await (const part of await send(url, '/?format=json', TEXT, sql)) parts.push(part as Buffer);
  const { data } = JSON.parse(Buffer.concat(parts).toString('utf8')) as { data: [string, string][] };
  return data.map(([schema, table]) => ({
    sql: `SELECT * FROM ${quoted(schema)}.${quoted(table)}`,
    name: fileName(schema === 'public' ? table : `${schema}.${table}`),
  }));
}

const TEXT = { 'content-type': 'text/plain; charset=utf-8' };

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Names of tables may have any characters. */
function fileName(table: string): string {
  return table.replace(/[/\\\0]/g, '_');
}

/** The file appears whole or not at all. */
async function download(url: string, sql: string, format: string, path: string): Promise<void> {
  const temporary = `${path}.tmp`;
  try {
    await pipeline(await send(url, `/?format=${format}`, TEXT, sql), createWriteStream(temporary, { flush: true }));
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    if (error instanceof DbError) throw error;
    throw new DbError('io_error', `${path} could not be written: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}
