/** Statements and bodies sent to a server over HTTP. */
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Readable } from 'node:stream';
import { DbError, ERRORS, type ErrorCode } from '../core/errors.js';
import type { SqlSession } from './sql-session.js';

export function openRemote(url: string): SqlSession {
  return {
    run: async (sql, options, write) => {
      const answer = await send(url, `/?format=${options.format}`, { 'content-type': 'text/plain; charset=utf-8' }, sql, options.signal);
      for await (const bytes of answer) await write(bytes as Buffer);
    },
    close: async () => undefined,
  };
}

/** Resolves with the body of a 200; anything else fails as the server says. */
export async function send(
  base: string,
  path: string,
  headers: Record<string, string>,
  body: string | Readable,
  signal?: AbortSignal,
): Promise<IncomingMessage> {
  const url = targetUrl(base, path);
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const make = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const call: ClientRequest = make(url, { method: 'POST', headers, ...(signal ? { signal } : {}) }, resolve);
    call.once('error', (error) => {
      const isAbort = error.name === 'AbortError';
      reject(
        isAbort
          ? new DbError('cancelled', 'cancelled')
          : new DbError('io_error', `${url.origin} does not answer: ${error.message}`, { cause: error }),
      );
    });
    if (typeof body === 'string') call.end(body);
    else body.once('error', (error) => call.destroy(error)).pipe(call);
  });
  if (answer.statusCode === 200) return answer;
  throw await failure(answer);
}

function targetUrl(base: string, path: string): URL {
  const text = /^https?:\/\//.test(base) ? base : `http://${base}`;
  if (!URL.canParse(text)) throw new DbError('invalid_argument', `--url ${base} is no URL`);
  return new URL(path, text);
}

async function failure(answer: IncomingMessage): Promise<DbError> {
  const parts: Buffer[] = [];
  for await (const part of answer) parts.push(part as Buffer);
  const text = Buffer.concat(parts).toString('utf8');
  try {
    const { error, code, position, hint } = JSON.parse(text) as { error: string; code: string; position?: number; hint?: string };
    if (Object.hasOwn(ERRORS, code)) return new DbError(code as ErrorCode, error, { position, hint });
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return new DbError('io_error', `the server answered ${answer.statusCode}: ${text.slice(0, 200)}`);
}
