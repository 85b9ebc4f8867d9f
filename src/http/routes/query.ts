/** SQL in, results out. */

import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { StatementKind } from '../../core/contracts.js';
import { systemEnvironment } from '../../core/environment.js';
import { DbError } from '../../core/errors.js';
import { StopController } from '../../core/stop-signal.js';
import { Output } from '../../formats/encoders/output.js';
import { encodeResult } from '../../formats/encoders/result-encoder.js';
import type { Handler, HttpContext } from '../context.js';
import { principalOf } from '../context.js';
import { sendError } from '../error-response.js';
import { bodyText, restOfBody } from '../request-body.js';
import { ResponseStream } from '../response-stream.js';
import { chosenQueryId, type QueryString, type StatementInput, statementFromJson, statementFromText } from '../statement-input.js';
import { LANDING_PAGE } from './landing-page.js';

/** POST /: the body is the statement. */
export const postQuery: Handler = async (context, request, reply) => {
  reply.hijack();
  await answer(context, request, reply.raw, false, async () => {
    const query = request.query as QueryString;
    const { accept } = request.headers;
    const text = await bodyText(request.raw, context.settings.max_statement_bytes);
    const input = isJson(request.headers['content-type']) ? statementFromJson(text, query, accept) : statementFromText(text, query, accept);
    if (!input) throw new DbError('invalid_argument', 'the request has no SQL', { hint: 'send it as the body, or as {"query": "…"}' });
    return input;
  });
};

/** GET /: reads only; without ?query= it says who is there. */
export const getQuery: Handler = async (context, request, reply) => {
  const query = request.query as QueryString;
  if (query.query === undefined) return status(context, request, reply);
  reply.hijack();
  await answer(context, request, reply.raw, true, () => {
    const input = statementFromText(undefined, query, request.headers.accept);
    if (!input || input.sql.trim() === '') throw new DbError('invalid_argument', '?query= is empty');
    if (Buffer.byteLength(input.sql) > context.settings.max_statement_bytes)
      throw new DbError(
        'statement_too_large',
        `the statement is longer than max_statement_bytes = ${context.settings.max_statement_bytes}`,
      );
    return input;
  });
};

function status(context: HttpContext, request: FastifyRequest, reply: FastifyReply): unknown {
  if (request.headers.accept?.includes('text/html')) return reply.type('text/html; charset=utf-8').send(LANDING_PAGE);
  return reply.send({ status: 'ok', engine: 'FletchDB', version: context.engine.version });
}

function isJson(contentType: string | undefined): boolean {
  return contentType !== undefined && /^application\/(?:[\w.+-]+\+)?json\b/i.test(contentType);
}

/** Runs one statement for one response, and counts it. */
async function answer(
  context: HttpContext,
  request: FastifyRequest,
  response: ServerResponse,
  readOnly: boolean,
  read: () => StatementInput | Promise<StatementInput>,
): Promise<void> {
  const { engine, metrics } = context;
  const started = performance.now();
  const abort = new StopController();
  response.once('close', () => {
    if (!response.writableFinished) abort.abort();
  });
  let sql: string | undefined;
  let queryId: string | undefined;
  let kind: StatementKind | 'unknown' = 'unknown';
  let code = 'ok';
  try {
    queryId = chosenQueryId(request.query as QueryString, request.headers['x-request-id']) ?? systemEnvironment.uuid();
    const input = await read();
    sql = input.sql;
    const { parameters, settings } = input;
    const principal = principalOf(request);
    const result = await engine.query.execute({ sql, parameters, settings, principal, readOnly, signal: abort, queryId });
    queryId = result.queryId;
    kind = result.kind;
    const encoder = input.format.row.make(engine.arena, result.schema, input.encoding);
    const headers = { 'content-type': input.format.row.contentType, 'x-request-id': queryId };
    const output = new Output(context.buffers, new ResponseStream(response, headers, request.headers['accept-encoding']));
    const rows = await encodeResult(result, encoder, output);
    metrics.count('fletchdb_rows_returned_total', rows);
    metrics.count('fletchdb_bytes_returned_total', output.bytesOut);
  } catch (error) {
    await restOfBody(request.raw);
    code = sendError(response, error, sql, queryId).code;
  }
  metrics.count('fletchdb_queries_total', 1, { kind, code });
  metrics.observe('fletchdb_query_seconds', (performance.now() - started) / 1000);
}
