/** The threads that run tasks: a piscina pool whose workers share the arena, or no thread at all. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import { compileKernels, instantiateKernels, type Kernels } from '../../native-free/kernels.js';
import type { Arena } from '../core/arena.js';
import { assert } from '../core/assert.js';
import { asDbError, DbError, errorFromMessage } from '../core/errors.js';
import { runTaskInSlices } from '../query/execution/run-task.js';
import type { Task, TaskResult } from '../query/execution/task.js';
import type { WorkerPool } from '../query/execution/worker-pool.js';
import type { TaskReply, ThreadData } from './messages.js';

export interface WorkerPoolOptions {
  /** 0: tasks run on the calling thread. */
  readonly threads: number;
  readonly arena: Arena;
  /** Used when tasks run on the calling thread. */
  readonly kernels?: Kernels | undefined;
}

export function createWorkerPool(options: WorkerPoolOptions): WorkerPool {
  return options.threads === 0 ? new CallingThread(options) : new ThreadPool(options);
}

class CallingThread implements WorkerPool {
  readonly threads = 0;
  private readonly arena: Arena;
  private readonly kernels: Kernels;

  constructor({ arena, kernels }: WorkerPoolOptions) {
    this.arena = arena;
    this.kernels = kernels ?? instantiateKernels(arena.memory);
  }

  start(): void {
    // There is no thread to start.
  }

  run(task: Task): Promise<TaskResult> {
    return runTaskInSlices(task, { arena: this.arena, kernels: this.kernels });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Built code lies in dist; sources run by a test tool find it there too. */
function threadFile(): string {
  const here = import.meta.url;
  const url = here.endsWith('.ts') ? new URL('../../dist/src/workers/thread.js', here) : new URL('./thread.js', here);
  const path = fileURLToPath(url);
  assert(existsSync(path), `${path} is not built`);
  return path;
}

/**
 * Threads load their code with import(): where Node loads it with require(), a thread that is ended in the midst of it ends the whole process
 * (Node 20 and 22: "IsGraphAsync must be used on an instantiated module").
 */
function threadEnvironment(): Record<string, string | undefined> | undefined {
  const isKnown = process.allowedNodeEnvironmentFlags.has('--experimental-require-module');
  if (!isKnown) return undefined;
  return { ...process.env, NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --no-experimental-require-module` };
}

class ThreadPool implements WorkerPool {
  readonly threads: number;
  private readonly arena: Arena;
  private pool: Piscina<Task, TaskReply> | undefined;
  private closed = false;

  constructor({ threads, arena }: WorkerPoolOptions) {
    this.threads = threads;
    this.arena = arena;
  }

  start(): void {
    this.startedPool();
  }

  private startedPool(): Piscina<Task, TaskReply> {
    this.pool ??= this.openPool();
    return this.pool;
  }

  private openPool(): Piscina<Task, TaskReply> {
    const workerData: ThreadData = { arena: this.arena.handle, modules: compileKernels() };
    const env = threadEnvironment();
    return new Piscina<Task, TaskReply>({
      filename: threadFile(),
      name: 'answer',
      minThreads: this.threads,
      maxThreads: this.threads,
      idleTimeout: Number.POSITIVE_INFINITY,
      concurrentTasksPerWorker: 1,
      maxQueue: Number.POSITIVE_INFINITY,
      recordTiming: false,
      trackUnmanagedFds: false,
      workerData,
      ...(env && { env }),
    });
  }

  async run(task: Task): Promise<TaskResult> {
    if (this.closed) throw new DbError('closed', 'the database is closed');
    let reply: TaskReply;
    try {
      reply = await this.startedPool().run(task);
    } catch (error) {
      throw this.closed ? new DbError('closed', 'the database was closed', { cause: error }) : asDbError(error);
    }
    if (reply.kind === 'error') throw errorFromMessage(reply.error);
    return reply.result;
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.pool?.close({ force: true });
  }
}
