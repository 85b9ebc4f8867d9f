/** Where statements run: in a database folder opened by this process, or on a server. */

import { EMBEDDED } from '../core/principal.js';
import type { OpenEngine } from '../database.js';
import { formatNamed } from '../formats/encoders/formats.js';
import { BufferPool, Output } from '../formats/encoders/output.js';
import { encodeResult } from '../formats/encoders/result-encoder.js';
import { DEFAULT_VALUE_OPTIONS } from '../formats/encoders/value-text.js';
import type { CommandLine } from './config.js';
import { openRemote } from './remote-session.js';
import type { SqlSession } from './sql-session.js';

/** --url means a server, otherwise --path (or its default) is opened here. */
export async function openSession(line: CommandLine): Promise<SqlSession> {
  const { url } = line.flags;
  if (typeof url === 'string') return openRemote(url);
  const { openDatabase } = await import('../database.js');
  return embeddedSession(await openDatabase(line.settings));
}

function embeddedSession(engine: OpenEngine): SqlSession {
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
