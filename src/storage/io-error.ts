/** What the operating system and LMDB refuse, as errors of ours. */
import { DbError } from '../core/errors.js';

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'EROFS']);

/** A sync that failed. What it was to keep may be lost although it can still be read, so it is not tried again. */
export class SyncFailure extends DbError {}

/** `read_only` when there is no room to write, `corrupt` when LMDB does not know its own file, else `io_error`; errors of ours stay. */
export function ioError(thrown: unknown, what: string): DbError {
  if (thrown instanceof DbError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
  const isFull = FULL.has(code) || /no space left|MDB_MAP_FULL|file too large|read-only file system/i.test(message);
  if (isFull) {
    return new DbError('read_only', `${what}: ${message}`, {
      cause: thrown,
      hint: 'make room on the disk; reads go on',
    });
  }
  if (/MDB_(INVALID|CORRUPTED|VERSION_MISMATCH|PAGE_NOTFOUND)/.test(message))
    return new DbError('corrupt', `${what}: ${message}`, { cause: thrown });
  return new DbError('io_error', `${what}: ${message}`, { cause: thrown });
}
