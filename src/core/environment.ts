/** Everything that is not a function of its inputs: clock, randomness, process environment, files. A simulator replaces the object. */
import { randomUUID } from 'node:crypto';
import { type Files, systemFiles } from './files.js';

export interface Environment {
  /** Wall clock, nanoseconds since 1970-01-01T00:00:00Z (microsecond resolution). */
  nowNanoseconds(): bigint;
  /** Monotonic clock, microseconds. */
  monotonicMicroseconds(): number;
  uuid(): string;
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Of the database folder; the catalog's own file is LMDB's. */
  readonly files: Files;
}

export const systemEnvironment: Environment = {
  nowNanoseconds: () => BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n,
  monotonicMicroseconds: () => performance.now() * 1000,
  uuid: () => randomUUID(),
  variables: process.env,
  files: systemFiles,
};
