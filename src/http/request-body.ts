/** Reading request bodies, decompressed and bounded. */
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { DbError, type ErrorCode } from '../core/errors.js';
import { decompressorFor } from './response-stream.js';

/** The body without its Content-Encoding, as a stream that fails once more than limitBytes have come out of it. */
export async function* bodyBytes(
  request: IncomingMessage,
  limitBytes: number,
  code: ErrorCode = 'request_too_large',
): AsyncGenerator<Buffer> {
  const declared = Number(request.headers['content-length'] ?? 0);
  const coding = decompressorFor(request.headers['content-encoding']);
  if (coding === undefined && declared > limitBytes) throw tooLarge(code, limitBytes);
  const source: Readable = coding ? request.pipe(coding) : request;
  if (coding)
    request.once('error', (error) => coding.destroy(error)).once('aborted', () => coding.destroy(new Error('the client went away')));
  let total = 0;
  try {
    // A destroyed request would take the connection with it, and with that the answer that says what was wrong.
    for await (const bytes of source.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      total += bytes.length;
      if (total > limitBytes) throw tooLarge(code, limitBytes);
      yield bytes;
    }
  } catch (error) {
    throw error instanceof DbError ? error : brokenBody(error as NodeJS.ErrnoException, request);
  } finally {
    // What the client still sends is thrown away, so that it gets to read the answer.
    if (coding) request.unpipe(coding);
    request.resume();
  }
}

function tooLarge(code: ErrorCode, limitBytes: number): DbError {
  const setting = code === 'statement_too_large' ? 'max_statement_bytes' : 'max_body_bytes';
  return new DbError(code, `the body is larger than ${setting} = ${limitBytes} bytes`, { hint: `send less at once, or raise ${setting}` });
}

function brokenBody(error: NodeJS.ErrnoException, request: IncomingMessage): DbError {
  if (request.destroyed && !request.complete) return new DbError('cancelled', 'the client closed the connection', { cause: error });
  return new DbError('invalid_data', `the body cannot be decompressed: ${error.message}`, { cause: error });
}

const LINGER_MS = 10_000;

/**
 * Resolves when the client has sent its body, which is thrown away. Many clients read no answer before that, and one that closes its
 * connection after this request would find it broken instead of answered. Waits for LINGER_MS at most.
 */
export function restOfBody(request: IncomingMessage): Promise<void> {
  if (request.complete || request.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, LINGER_MS);
    const end = () => {
      clearTimeout(timer);
      resolve();
    };
    request.once('end', end).once('close', end).once('error', end).resume();
  });
}

/** A whole body as text. Plain ones, nearly all of them, are collected without the cost of iterators. */
export async function bodyText(request: IncomingMessage, limitBytes: number): Promise<string> {
  if (request.headers['content-encoding'] === undefined) return plainText(request, limitBytes);
  const parts: Buffer[] = [];
  for await (const bytes of bodyBytes(request, limitBytes, 'statement_too_large')) parts.push(bytes);
  return Buffer.concat(parts).toString('utf8');
}

function plainText(request: IncomingMessage, limitBytes: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let total = 0;
    request.on('data', (bytes: Buffer) => {
      total += bytes.length;
      if (total <= limitBytes) parts.push(bytes);
      else {
        // The rest flows by unread, so that the client gets to read the answer.
        parts.length = 0;
        reject(tooLarge('statement_too_large', limitBytes));
      }
    });
    request.once('end', () => {
      const [first] = parts;
      resolve(parts.length === 1 && first ? first.toString('utf8') : Buffer.concat(parts).toString('utf8'));
    });
    request.once('error', (error) => reject(brokenBody(error, request)));
    request.once('close', () => {
      if (!request.complete) reject(brokenBody(new Error('the body ended early'), request));
    });
  });
}
