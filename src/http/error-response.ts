/** What a failure looks like over HTTP. */
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { asDbError, type DbError } from '../core/errors.js';

export interface ErrorBody {
  readonly error: string;
  readonly code: string;
  readonly position?: number;
  readonly line?: number;
  readonly column?: number;
  readonly hint?: string;
  readonly query_id?: string;
}

const RETRY_AFTER_SECONDS = 1;

/** 1-based line and column of a 0-based character offset. */
function lineAndColumn(text: string, position: number): { line: number; column: number } {
  const before = text.slice(0, position);
  const lineStart = before.lastIndexOf('\n') + 1;
  return { line: before.split('\n').length, column: position - lineStart + 1 };
}

function errorBody(error: DbError, sql: string | undefined, queryId: string | undefined): ErrorBody {
  const { position, hint } = error;
  return {
    error: error.message,
    code: error.code,
    ...(position === undefined ? {} : { position }),
    ...(position === undefined || sql === undefined ? {} : lineAndColumn(sql, position)),
    ...(hint === undefined ? {} : { hint }),
    ...(queryId === undefined ? {} : { query_id: queryId }),
  };
}

/**
 * Answers with the error, or, when a part of an answer has left, breaks the connection off so that no reader takes it for a whole one.
 * Returns what was thrown as a DbError.
 */
export function sendError(response: ServerResponse, thrown: unknown, sql?: string, queryId?: string, allow = 'POST'): DbError {
  const error = asDbError(thrown);
  if (response.headersSent) {
    if (!response.writableFinished) response.destroy();
    return error;
  }
  const body = Buffer.from(JSON.stringify(errorBody(error, sql, queryId)));
  const { http } = error.row;
  const headers: OutgoingHttpHeaders = {
    'content-type': 'application/json; charset=utf-8',
    'content-length': body.length,
    ...(http === 405 ? { allow } : {}),
    ...(http === 503 ? { 'retry-after': String(RETRY_AFTER_SECONDS) } : {}),
    ...(queryId === undefined ? {} : { 'x-request-id': queryId }),
  };
  response.writeHead(http, headers);
  response.end(body);
  return error;
}
