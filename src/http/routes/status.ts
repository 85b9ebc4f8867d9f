/** Probes, running queries, who am I. */
import { DbError } from '../../core/errors.js';
import { type Handler, principalOf } from '../context.js';

export const getPing: Handler = async (_context, _request, reply) => reply.type('text/plain; charset=utf-8').send('Ok.\n');

export const getHealth: Handler = async (context) => ({ status: 'ok', version: context.engine.version });

export const getReady: Handler = async (context, _request, reply) => {
  if (context.ready()) return { status: 'ready' };
  return reply.code(503).header('retry-after', '1').send({ status: 'not ready' });
};

export const getMetrics: Handler = async (context, _request, reply) =>
  reply.type(context.metrics.contentType).send(await context.metrics.text());

export const getWhoami: Handler = async (_context, request) => principalOf(request);

export const getQueries: Handler = async (context) => ({
  queries: context.engine.query.running().map((query) => ({
    query_id: query.queryId,
    query: query.sql,
    principal: query.principal.name,
    state: query.state,
    started_at: new Date(Number(query.startedAt / 1_000_000n)).toISOString(),
    elapsed_us: Math.round(query.elapsedMicroseconds),
    rows_scanned: query.rowsScanned,
    rows_returned: query.rowsReturned,
  })),
});

export const deleteQuery: Handler = async (context, request) => {
  const { id } = request.params as { id: string };
  if (!context.engine.query.cancel(id)) throw new DbError('not_found', `no query with id ${id} is running`);
  return { query_id: id, cancelled: true };
};
