/** The one routes table: the server registers it, /openapi.json and docs/http.md follow from it. */
import type { HTTPMethods } from 'fastify';
import { ERRORS } from '../../core/errors.js';
import { FORMATS } from '../../formats/encoders/formats.js';
import type { Handler } from '../context.js';
import { QUERY_OPTIONS } from '../statement-input.js';
import { INGEST_OPTIONS, postRows } from './ingest.js';
import { getQuery, postQuery } from './query.js';
import { deleteQuery, getHealth, getMetrics, getPing, getQueries, getReady, getWhoami } from './status.js';
import { getTable, getTables } from './tables.js';

export interface RouteRow {
  readonly method: HTTPMethods;
  /** Fastify's form: /tables/:name. */
  readonly path: string;
  readonly summary: string;
  readonly handler: Handler;
  /** Names of the query string, each with what it means. */
  readonly options?: Readonly<Record<string, string>>;
  /** Media types of the request body. */
  readonly body?: readonly string[];
  /** Media types of the answer; JSON when absent. */
  readonly answers?: readonly string[];
}

const RESULT_TYPES = Object.values(FORMATS).map((format) => format.contentType.split(';')[0] as string);

/** /openapi.json describes this very table. */
const getOpenApi: Handler = async (context) => openApi(context.engine.version);

export const ROUTES: readonly RouteRow[] = [
  {
    method: 'POST',
    path: '/',
    summary: 'Run SQL: the body is the text, or JSON {"query", "params", "settings", "format"}.',
    handler: postQuery,
    options: QUERY_OPTIONS,
    body: ['text/plain', 'application/json'],
    answers: RESULT_TYPES,
  },
  {
    method: 'GET',
    path: '/',
    summary: 'Run SQL that only reads, from ?query=; without it, say that the server is there.',
    handler: getQuery,
    options: QUERY_OPTIONS,
    answers: RESULT_TYPES,
  },
  {
    method: 'POST',
    path: '/tables/:name/rows',
    summary: 'Append the rows of the body, all of them or none.',
    handler: postRows,
    options: INGEST_OPTIONS,
    body: [
      'text/csv',
      'application/x-ndjson',
      'application/json',
      'application/vnd.apache.arrow.stream',
      'application/vnd.apache.arrow.file',
    ],
  },
  { method: 'GET', path: '/tables', summary: 'All tables with rows, bytes and segments.', handler: getTables },
  { method: 'GET', path: '/tables/:name', summary: 'One table: columns, rows, bytes, segments, time range.', handler: getTable },
  { method: 'GET', path: '/queries', summary: 'Queries that run or wait now, with their progress.', handler: getQueries },
  { method: 'DELETE', path: '/queries/:id', summary: 'Cancel a query.', handler: deleteQuery },
  { method: 'GET', path: '/ping', summary: 'Ok., always.', handler: getPing, answers: ['text/plain'] },
  { method: 'GET', path: '/health', summary: 'The process is alive.', handler: getHealth },
  {
    method: 'GET',
    path: '/ready',
    summary: 'The database is open and takes requests; 503 until then and while it drains.',
    handler: getReady,
  },
  { method: 'GET', path: '/metrics', summary: 'Metrics in the text format of Prometheus.', handler: getMetrics, answers: ['text/plain'] },
  { method: 'GET', path: '/whoami', summary: 'The principal of the request.', handler: getWhoami },
  { method: 'GET', path: '/openapi.json', summary: 'This interface as OpenAPI 3.1.', handler: getOpenApi },
];

function openApi(version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of ROUTES) {
    const path = route.path.replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [String(route.method).toLowerCase()]: operation(route) };
  }
  const properties = {
    error: { type: 'string' },
    code: { type: 'string', enum: Object.keys(ERRORS) },
    position: { type: 'integer' },
    line: { type: 'integer' },
    column: { type: 'integer' },
    hint: { type: 'string' },
    query_id: { type: 'string' },
  };
  return {
    openapi: '3.1.0',
    info: { title: 'FletchDB', version, license: { name: 'Apache-2.0' } },
    paths,
    components: { schemas: { Error: { type: 'object', required: ['error', 'code'], properties } } },
  };
}

function operation(route: RouteRow): object {
  const inPath = [...route.path.matchAll(/:(\w+)/g)].map((match) => ({
    name: match[1],
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const inQuery = Object.entries(route.options ?? {}).map(([name, description]) => ({
    name,
    in: 'query',
    description,
    schema: { type: 'string' },
  }));
  const content = (types: readonly string[]) => Object.fromEntries(types.map((type) => [type, {}]));
  return {
    summary: route.summary,
    ...(inPath.length + inQuery.length === 0 ? {} : { parameters: [...inPath, ...inQuery] }),
    ...(route.body ? { requestBody: { content: content(route.body) } } : {}),
    responses: {
      200: { description: 'Done.', content: content(route.answers ?? ['application/json']) },
      default: { description: 'An error.', content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } } },
    },
  };
}
