/** Where statements run: in a database folder opened by this process, or on a server. */

import { EMBEDDED } from '../core/principal.js';
import type { OpenEngine } from '../database.js';
import { formatNamed } from '../http/encoders/formats.js';
import { BufferPool, Output } from '../http/encoders/output.js';
import { encodeResult } from '../http/encoders/result-encoder.js';
import { DEFAULT_VALUE_OPTIONS } from '../http/encoders/value-text.js';
import type { CommandLine } from './config.js';
import { openRemote } from './remote-session.js';

export interface RunOptions {
  /** A result format of HTTP. */
  readonly format: string;
  readonly signal?: AbortSignal | undefined;
}

export interface SqlSession {
  /** Runs the text and writes its last statement's result. Fails as the statement fails. */
  run(sql: string, options: RunOptions, write: (bytes: Uint8Array) => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

/** --url means a server, otherwise --path (or its default) is opened here. */
export async function openSession(line: CommandLine): Promise<SqlSession> {
  const { url } = line.flags;
  if (typeof url === 'string') return openRemote(url);
  const { openDatabase } = await import('../database.js');
  return embeddedSession(await openDatabase(line.settings));
}

export function embeddedSession(engine: OpenEngine): SqlSession {
  const buffers = new BufferPool(engine.arena);
  return {
    run: async (sql, options, write) => {
      const { row, header } = formatNamed(options.format);
      const result = await engine.query.execute({ sql, principal: EMBEDDED, signal: options.signal });
      const encoder = row.make(engine.arena, result.schema, { values: DEFAULT_VALUE_OPTIONS, delimiter: ',', header });
      const destination = { write, end: (bytes: Buffer) => write(bytes) };
      await encodeResult(result, encoder, new Output(buffers, destination));
    },
    close: async () => {
      buffers.close();
      await engine.close();
    },
  };
}
