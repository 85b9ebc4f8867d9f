/** What goes between the calling thread and the pool's threads. */
import type { CompiledKernels } from '../../native-free/kernels.js';
import type { ArenaHandle } from '../core/arena.js';
import type { ErrorMessage } from '../core/errors.js';
import type { TaskResult } from '../query/execution/task.js';

/** Given to a thread at its start. */
export interface ThreadData {
  readonly arena: ArenaHandle;
  readonly modules: CompiledKernels;
}

/** Errors go as data: the class of a thrown error does not survive the way. */
export type TaskReply = { readonly kind: 'result'; readonly result: TaskResult } | { readonly kind: 'error'; readonly error: ErrorMessage };
