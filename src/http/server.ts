/** The HTTP door. */
import type { AddressInfo } from 'node:net';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Engine } from '../core/contracts.js';
import { DbError } from '../core/errors.js';
import type { Settings } from '../core/settings.js';
import { BufferPool } from '../formats/encoders/output.js';
import { assertMayListen, assertOwnSite } from './access-guard.js';
import type { HttpContext } from './context.js';
import { sendError } from './error-response.js';
import { Metrics } from './metrics.js';
import { ROUTES, type RouteRow } from './routes/table.js';

export interface HttpOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly settings: Settings;
  /** What GET /ready answers, while the server is not draining. */
  readonly ready?: () => boolean;
}

export interface HttpServer {
  readonly port: number;
  /** Takes no new requests, lets running ones end for up to drainMs, then cuts them off. */
  close(drainMs?: number): Promise<void>;
}

const KEEP_ALIVE_MS = 72_000;
const DRAIN_STEP_MS = 20;
/** Room for a long ?query= in the request line. */
const MAX_HEADER_BYTES = 1024 * 1024;

/** Resolves when the server answers. Fails with `invalid_argument` (address not allowed) or `io_error` (port taken). */
export async function startHttp(engine: Engine, options: HttpOptions): Promise<HttpServer> {
  const { host, settings } = options;
  assertMayListen(host, settings.insecure);
  let draining = false;
  const context: HttpContext = {
    engine,
    settings,
    metrics: new Metrics(engine),
    buffers: new BufferPool(engine.arena),
    ready: () => !draining && (options.ready?.() ?? true),
  };
  const app = fastify({
    http: { noDelay: true, maxHeaderSize: MAX_HEADER_BYTES },
    keepAliveTimeout: KEEP_ALIVE_MS,
    // A long upload is no attack: the limits are max_body_bytes and the header timeout of node.
    requestTimeout: 0,
    routerOptions: { maxParamLength: 1024, ignoreTrailingSlash: true },
    exposeHeadRoutes: false,
    // No route has a schema: without these, loading and compiling fastify's own compilers costs a tenth of the start.
    schemaController: { compilersFactory: { buildValidator: noSchema, buildSerializer: noSchema } },
    // Refused below, in the form of every other error.
    return503OnClosing: false,
  });
  const running = new Set<Promise<unknown>>();
  register(app, context, running, () => draining);
  await listen(app, host, options.port);
  const close = async (drainMs = settings.drain_timeout_ms) => {
    draining = true;
    await drain(app, running, drainMs);
    context.buffers.close();
  };
  return { port: (app.server.address() as AddressInfo).port, close };
}

function noSchema(): () => never {
  return () => {
    throw new Error('routes have no schema');
  };
}

/** Stops listening; connections end as their requests do, at the latest after drainMs. Resolves when the last handler has ended. */
async function drain(app: FastifyInstance, running: ReadonlySet<Promise<unknown>>, drainMs: number): Promise<void> {
  const deadline = performance.now() + drainMs;
  const closed = app.close();
  const timer = setInterval(() => {
    if (performance.now() < deadline) app.server.closeIdleConnections();
    else app.server.closeAllConnections();
  }, DRAIN_STEP_MS);
  await closed;
  clearInterval(timer);
  await Promise.allSettled(running);
}

function register(app: FastifyInstance, context: HttpContext, running: Set<Promise<unknown>>, isDraining: () => boolean): void {
  // Handlers read bodies themselves, as streams.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));
  const guarded = !context.settings.insecure;
  for (const { method, path, handler } of ROUTES) {
    const run = (request: FastifyRequest, reply: FastifyReply) => {
      if (isDraining()) throw new DbError('closed', 'the server is shutting down');
      if (guarded) assertOwnSite(request.headers);
      const work = handler(context, request, reply);
      const forget = () => running.delete(work);
      running.add(work);
      work.then(forget, forget);
      return work;
    };
    app.route({ method: method === 'GET' ? ['GET', 'HEAD'] : method, url: path, handler: run, bodyLimit: Number.MAX_SAFE_INTEGER });
  }
  app.setErrorHandler((error, _request, reply) => {
    reply.hijack();
    sendError(reply.raw, asRequestError(error));
  });
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0] as string;
    const methods = ROUTES.filter((route) => matches(route, path)).map((route) => String(route.method));
    reply.hijack();
    if (methods.length === 0) sendError(reply.raw, new DbError('not_found', `no route ${request.method} ${path}`));
    else
      sendError(
        reply.raw,
        new DbError('method_not_allowed', `${path} does not do ${request.method}`),
        undefined,
        undefined,
        methods.join(', '),
      );
  });
}

function matches(route: RouteRow, path: string): boolean {
  return new RegExp(`^${route.path.replace(/:\w+/g, '[^/]+')}/?$`).test(path);
}

/** What fastify refuses by itself is the client's fault. */
function asRequestError(error: unknown): unknown {
  const { statusCode, message } = error as { statusCode?: number; message?: string };
  if (error instanceof DbError || statusCode === undefined || statusCode >= 500) return error;
  return new DbError('invalid_argument', message ?? 'the request is malformed', { cause: error });
}

async function listen(app: FastifyInstance, host: string, port: number): Promise<void> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    await app.close();
    throw new DbError('io_error', `cannot listen on ${host}:${port}: ${(error as Error).message}`, { cause: error });
  }
}
