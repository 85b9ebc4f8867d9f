/** POST /tables/:name/rows: a body of rows becomes one atomic append. */
import { DbError } from '../../core/errors.js';
import type { Handler } from '../context.js';

export const postRows: Handler = async () => {
  throw new DbError('unsupported', 'not yet');
};

export const INGEST_OPTIONS: Readonly<Record<string, string>> = {};
