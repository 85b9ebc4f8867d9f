/** The threads that run tasks. */
import type { Arena } from '../core/arena.js';
import { DbError } from '../core/errors.js';
import type { WorkerPool } from '../query/execution/worker-pool.js';

export interface WorkerPoolOptions {
  /** 0: tasks run on the calling thread. */
  readonly threads: number;
  readonly arena: Arena;
}

export function createWorkerPool(options: WorkerPoolOptions): WorkerPool {
  return {
    threads: options.threads,
    run: () => Promise.reject(new DbError('unsupported', 'tasks are not run yet')),
    close: () => Promise.resolve(),
  };
}
