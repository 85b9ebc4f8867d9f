/** The HTTP response as the destination of an encoder: length when the result is small, else chunks, compressed as the client accepts. */
import type { ServerResponse } from 'node:http';
import type { Transform } from 'node:stream';
import zlib from 'node:zlib';
import { DbError } from '../core/errors.js';
import type { Destination } from '../formats/encoders/output.js';

/** Results up to this size are sent as they are. */
const COMPRESS_FROM_BYTES = 4096;
const BROTLI_QUALITY = 3;

type Coding = 'zstd' | 'gzip' | 'br';

/** node:zlib has zstd from Node 22.15. */
const zstd = zlib as unknown as { createZstdCompress?: () => Transform; createZstdDecompress?: () => Transform };

const COMPRESSORS: Readonly<Record<Coding, (() => Transform) | undefined>> = {
  zstd: zstd.createZstdCompress?.bind(zlib),
  gzip: () => zlib.createGzip({ level: 1 }),
  br: () => zlib.createBrotliCompress({ params: { [zlib.constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } }),
};

const DECOMPRESSORS: Readonly<Record<string, (() => Transform) | undefined>> = {
  zstd: zstd.createZstdDecompress?.bind(zlib),
  gzip: () => zlib.createGunzip(),
  'x-gzip': () => zlib.createGunzip(),
  deflate: () => zlib.createInflate(),
  br: () => zlib.createBrotliDecompress(),
};

/** The coding that the client likes best; among equals the one that costs least. */
function chooseCoding(acceptEncoding: string | undefined): Coding | undefined {
  if (acceptEncoding === undefined) return undefined;
  const qualities = new Map<string, number>();
  for (const part of acceptEncoding.toLowerCase().split(',')) {
    const [name, quality] = part.split(/;\s*q=/);
    qualities.set((name ?? '').trim(), quality === undefined ? 1 : Number(quality));
  }
  const qualityOf = (coding: Coding) => (COMPRESSORS[coding] ? (qualities.get(coding) ?? qualities.get('*') ?? 0) : 0);
  const best = (Object.keys(COMPRESSORS) as Coding[]).reduce((a, b) => (qualityOf(b) > qualityOf(a) ? b : a));
  return qualityOf(best) > 0 ? best : undefined;
}

/** A stream that undoes Content-Encoding; undefined for none. Fails with `unsupported_media_type`. */
export function decompressorFor(contentEncoding: string | undefined): Transform | undefined {
  if (contentEncoding === undefined || contentEncoding === '' || contentEncoding === 'identity') return undefined;
  const make = DECOMPRESSORS[contentEncoding.toLowerCase()];
  if (make) return make();
  const known = Object.keys(DECOMPRESSORS).filter((name) => DECOMPRESSORS[name]);
  throw new DbError('unsupported_media_type', `Content-Encoding ${contentEncoding} is not read`, { hint: `known: ${known.join(', ')}` });
}

export class ResponseStream implements Destination {
  private readonly response: ServerResponse;
  private readonly headers: Record<string, string>;
  private readonly acceptEncoding: string | undefined;
  private compressor: Transform | undefined;
  private started = false;
  /** Whoever waits for the client to take bytes must hear that it has gone. */
  private readonly waiting = new Set<(error: DbError) => void>();

  constructor(response: ServerResponse, headers: Record<string, string>, acceptEncoding: string | undefined) {
    this.response = response;
    this.headers = headers;
    this.acceptEncoding = acceptEncoding;
  }

  write(bytes: Buffer): Promise<void> {
    this.start(chooseCoding(this.acceptEncoding));
    return this.push(bytes);
  }

  async end(bytes: Buffer, whole: boolean): Promise<void> {
    if (!whole || bytes.length >= COMPRESS_FROM_BYTES) this.start(chooseCoding(this.acceptEncoding), whole ? bytes.length : undefined);
    if (!this.started) {
      this.headers['content-length'] = String(bytes.length);
      this.response.writeHead(200, this.headers);
      // Copied, because the socket may hold on to it after the buffer's next use; as a string, because node sends it with the head in one piece.
      this.response.end(bytes.toString('latin1'), 'latin1');
      return;
    }
    if (bytes.length > 0) await this.push(bytes);
    (this.compressor ?? this.response).end();
  }

  private start(coding: Coding | undefined, lengthBytes?: number): void {
    if (this.started) return;
    this.started = true;
    this.response.once('close', () => {
      this.compressor?.destroy();
      for (const reject of this.waiting) reject(new DbError('cancelled', 'the client closed the connection'));
    });
    this.headers.vary = 'accept-encoding';
    if (coding) this.headers['content-encoding'] = coding;
    else if (lengthBytes !== undefined) this.headers['content-length'] = String(lengthBytes);
    this.response.writeHead(200, this.headers);
    this.compressor = coding && COMPRESSORS[coding]?.();
    this.compressor?.pipe(this.response);
  }

  private push(bytes: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.response.destroyed) return reject(new DbError('cancelled', 'the client closed the connection'));
      this.waiting.add(reject);
      (this.compressor ?? this.response).write(bytes, (error) => {
        this.waiting.delete(reject);
        if (error) reject(error);
        else resolve();
      });
    });
  }
}
