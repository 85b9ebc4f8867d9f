/** How execution hands work to threads. Implemented by src/workers; query knows only this. */
import type { Task, TaskResult } from './task.js';

export interface WorkerPool {
  /** Threads that run tasks at once; 0: run() works on the calling thread. */
  readonly threads: number;
  /** Starts the threads now instead of with the first task. */
  start(): void;
  /** Rejects with the DbError that the task failed with; the task has then freed its memory. */
  run(task: Task): Promise<TaskResult>;
  close(): Promise<void>;
}
