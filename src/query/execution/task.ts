/** Work for one thread: plain data over the arena. */
export interface Task {
  readonly kind: string;
}

export interface TaskResult {
  /** Allocations that now belong to whoever asked. */
  readonly owned: readonly number[];
}
