/**
 * The one error table. A row gives what each door answers: HTTP status, gRPC status (numbers of the gRPC specification), whether the same
 * call may succeed later, and what the reader of the docs is told.
 */
export interface ErrorRow {
  readonly http: number;
  readonly grpc: number;
  readonly retryable: boolean;
  readonly doc: string;
}

export const ERRORS = {
  syntax_error: { http: 400, grpc: 3, retryable: false, doc: 'The statement is not of the grammar.' },
  statement_too_large: { http: 413, grpc: 3, retryable: false, doc: 'The statement is longer than max_statement_bytes.' },
  nesting_too_deep: { http: 400, grpc: 3, retryable: false, doc: 'Expressions or subqueries are nested deeper than max_nesting.' },
  type_mismatch: { http: 400, grpc: 3, retryable: false, doc: 'An operand, argument or column has a type that does not fit.' },
  invalid_value: { http: 400, grpc: 3, retryable: false, doc: 'A value cannot be read as the type that is asked for.' },
  numeric_overflow: { http: 400, grpc: 3, retryable: false, doc: 'A result does not fit its type.' },
  division_by_zero: { http: 400, grpc: 3, retryable: false, doc: 'A number was divided by zero.' },
  invalid_argument: { http: 400, grpc: 3, retryable: false, doc: 'A request, flag, option or argument is not as documented.' },
  invalid_data: { http: 400, grpc: 3, retryable: false, doc: 'Ingested bytes (CSV, JSON, Arrow, …) are malformed.' },
  ambiguous_column: { http: 400, grpc: 3, retryable: false, doc: 'A name fits several columns.' },
  invalid_grouping: {
    http: 400,
    grpc: 3,
    retryable: false,
    doc: 'A column is neither grouped nor aggregated, or an aggregate stands where none may.',
  },
  parameter_missing: { http: 400, grpc: 3, retryable: false, doc: 'A parameter of the statement has no value.' },
  column_not_found: { http: 400, grpc: 3, retryable: false, doc: 'No column has this name.' },
  function_not_found: { http: 400, grpc: 3, retryable: false, doc: 'No function has this name and these arguments.' },
  constraint_violation: { http: 400, grpc: 3, retryable: false, doc: 'A row breaks NOT NULL, CHECK or a key.' },
  cardinality_violation: { http: 400, grpc: 3, retryable: false, doc: 'A scalar subquery gave more than one row.' },
  unauthenticated: { http: 401, grpc: 16, retryable: false, doc: 'Credentials are missing or wrong.' },
  permission_denied: { http: 403, grpc: 7, retryable: false, doc: 'The principal may not do this.' },
  table_not_found: { http: 404, grpc: 5, retryable: false, doc: 'No table has this name.' },
  not_found: { http: 404, grpc: 5, retryable: false, doc: 'No such route, query or object.' },
  method_not_allowed: { http: 405, grpc: 12, retryable: false, doc: 'The route does not do this; writing needs POST.' },
  table_exists: { http: 409, grpc: 6, retryable: false, doc: 'A table of this name exists.' },
  column_exists: { http: 409, grpc: 6, retryable: false, doc: 'The table has a column of this name.' },
  conflict: { http: 409, grpc: 14, retryable: true, doc: 'Another transaction changed the same rows; run it again.' },
  transaction_state: {
    http: 400,
    grpc: 9,
    retryable: false,
    doc: 'The statement does not fit the state of the transaction: COMMIT without BEGIN, BEGIN twice, an unknown savepoint.',
  },
  transaction_aborted: { http: 409, grpc: 9, retryable: false, doc: 'A statement of the transaction failed before; only ROLLBACK helps.' },
  request_too_large: { http: 413, grpc: 3, retryable: false, doc: 'The body is larger than max_body_bytes.' },
  unsupported_media_type: { http: 415, grpc: 3, retryable: false, doc: 'The body is of a type or encoding that is not read.' },
  query_memory_exceeded: { http: 422, grpc: 3, retryable: false, doc: 'The query needs more memory than it may take.' },
  cancelled: { http: 499, grpc: 1, retryable: false, doc: 'The client or CANCEL QUERY stopped it.' },
  unsupported: { http: 501, grpc: 12, retryable: false, doc: 'The construct is known but not executed by this version.' },
  overloaded: { http: 503, grpc: 14, retryable: true, doc: 'A queue is full; try again after Retry-After.' },
  read_only: { http: 503, grpc: 14, retryable: true, doc: 'The database takes no writes now (read-only open, disk full, failed fsync).' },
  closed: { http: 503, grpc: 14, retryable: true, doc: 'The database is closing or closed.' },
  locked: { http: 503, grpc: 14, retryable: true, doc: 'Another process writes to this folder.' },
  timeout: { http: 504, grpc: 4, retryable: false, doc: 'The statement ran longer than timeout_ms.' },
  corrupt: { http: 500, grpc: 15, retryable: false, doc: 'Stored bytes do not match their checksum.' },
  io_error: { http: 500, grpc: 13, retryable: false, doc: 'The operating system refused a file operation.' },
  internal: { http: 500, grpc: 13, retryable: false, doc: 'A defect of ours.' },
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERRORS;

export interface ErrorDetails {
  /** 0-based character offset in the statement. */
  readonly position?: number | undefined;
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/** An expected failure. Its code is stable; its message is for people. */
export class DbError extends Error {
  override readonly name = 'DbError';
  readonly code: ErrorCode;
  readonly position: number | undefined;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.position = details.position;
    this.hint = details.hint;
  }

  get row(): ErrorRow {
    return ERRORS[this.code];
  }
}

/** What any thrown thing is for a client: itself when it is a DbError, `cancelled` for an abort, else `internal`. */
export function asDbError(thrown: unknown): DbError {
  if (thrown instanceof DbError) return thrown;
  if (thrown instanceof Error && thrown.name === 'AbortError')
    return new DbError('cancelled', 'the query was cancelled', { cause: thrown });
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new DbError('internal', message, { cause: thrown });
}

/** The form in which an error crosses a thread boundary; class identity does not survive structured clone. */
export interface ErrorMessage {
  readonly code: ErrorCode;
  readonly message: string;
  readonly position?: number | undefined;
  readonly hint?: string | undefined;
  readonly stack?: string | undefined;
}

export function errorToMessage(thrown: unknown): ErrorMessage {
  const error = asDbError(thrown);
  const stack = error.code === 'internal' && error.cause instanceof Error ? error.cause.stack : undefined;
  return { code: error.code, message: error.message, position: error.position, hint: error.hint, stack };
}

export function errorFromMessage(message: ErrorMessage): DbError {
  const error = new DbError(message.code, message.message, { position: message.position, hint: message.hint });
  if (message.stack !== undefined) error.stack = message.stack;
  return error;
}
