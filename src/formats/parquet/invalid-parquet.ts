/** What is wrong with a file's bytes. */
import { asDbError, DbError } from '../../core/errors.js';

export function invalidParquet(what: string): DbError {
  return new DbError('invalid_data', `the Parquet file cannot be read: ${what}`);
}

/** Work of a library that throws whatever it throws of malformed bytes. */
export async function guarded<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const known = asDbError(error);
    if (known.code !== 'internal') throw known;
    throw new DbError('invalid_data', `the Parquet file cannot be read: ${known.message}`, { cause: error });
  }
}
