/**
 * Room on the disk of the database. Whatever writes much asks first, and says how much it is going to write: what others have been promised is not
 * free any more. A full disk is so met before it is: lmdb-js 3.5 corrupts its heap when a write of its own meets it.
 */
import { statfsSync } from 'node:fs';
import { DbError } from '../core/errors.js';

const LEAST_RESERVE_BYTES = 1 << 20;
const MOST_RESERVE_BYTES = 32 << 20;
const RESERVED_SHARE = 1 / 64;

export class DiskRoom {
  private readonly folder: string | null;
  private promisedBytes = 0;

  /** null: nothing is written. */
  constructor(folder: string | null) {
    this.folder = folder;
  }

  /** Fails with `read_only` when there is no room for so many bytes twice, and some: a catalog that grows needs more than its records. */
  assert(sizeBytes: number): void {
    if (this.folder === null) return;
    const { bavail, blocks, bsize } = statfsSync(this.folder);
    const reserve = Math.max(LEAST_RESERVE_BYTES, Math.min(MOST_RESERVE_BYTES, blocks * bsize * RESERVED_SHARE));
    const free = bavail * bsize - this.promisedBytes;
    if (free >= 2 * sizeBytes + reserve) return;
    throw new DbError(
      'read_only',
      `the disk of ${this.folder} is full: ${Math.max(0, free)} bytes are free, ${sizeBytes} are to be written`,
      {
        hint: 'make room on the disk; reads go on, and writes will too',
      },
    );
  }

  /** Sets room aside for what is being written, until the promise is kept or given up. */
  promise(sizeBytes: number): RoomPromise {
    this.promisedBytes += sizeBytes;
    let left = sizeBytes;
    const end = () => {
      this.promisedBytes -= left;
      left = 0;
    };
    return { end };
  }
}

export interface RoomPromise {
  end(): void;
}
