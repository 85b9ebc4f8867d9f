/** `fletch sql`: one statement and out, statements from a pipe, or the shell. */
import type { Readable } from 'node:stream';
import { VERSION } from '../version.js';
import type { CommandLine, FlagTable } from './config.js';
import { errorText } from './error-text.js';
import { type Io, write } from './io.js';
import { openSession } from './session.js';
import { Shell } from './shell.js';
import type { SqlSession } from './sql-session.js';

export const SQL_FLAGS = {
  url: { type: 'string', doc: 'A running server instead of a folder.', value: 'URL' },
  format: { type: 'string', doc: 'pretty (default), csv, tsv, json, ndjson, markdown, arrow.', value: 'NAME' },
} as const satisfies FlagTable;

export async function runSql(line: CommandLine, io: Io): Promise<number> {
  const session = await openSession(line);
  try {
    const format = String(line.flags.format ?? 'pretty');
    if (line.positionals.length > 0) return await once(session, line.positionals.join(' '), format, io);
    if (io.input.isTTY !== true) return await once(session, await readAll(io.input), format, io);
    const place = line.flags.url ?? line.settings.path;
    await new Shell(io, session).run(`FletchDB ${VERSION}, ${String(place)}; .help for help\n`);
    return 0;
  } finally {
    await session.close();
  }
}

async function once(session: SqlSession, sql: string, format: string, io: Io): Promise<number> {
  try {
    let last = 0x0a;
    await session.run(sql, { format }, async (bytes) => {
      last = bytes.at(-1) ?? last;
      await write(io.output, bytes);
    });
    if (last !== 0x0a && format !== 'arrow') await write(io.output, '\n');
    return 0;
  } catch (error) {
    await write(io.errors, errorText(error, sql));
    return 1;
  }
}

async function readAll(input: Readable): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of input) parts.push(Buffer.from(part as Buffer | string));
  return Buffer.concat(parts).toString('utf8');
}
