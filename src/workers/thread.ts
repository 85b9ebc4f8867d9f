/** Entry of a pool thread: attaches to the arena once, then runs tasks. */
import { workerData } from 'piscina';
import { instantiateKernels } from '../../native-free/kernels.js';
import { Arena } from '../core/arena.js';
import { errorToMessage } from '../core/errors.js';
import { runTask } from '../query/execution/run-task.js';
import type { Task } from '../query/execution/task.js';
import type { TaskReply, ThreadData } from './messages.js';

const data = workerData as ThreadData;
const arena = Arena.attach(data.arena);
const kernels = instantiateKernels(data.arena.memory, data.modules);

/** The function that the pool calls by name. */
export function answer(task: Task): TaskReply {
  try {
    return { kind: 'result', result: runTask(task, { arena, kernels }) };
  } catch (error) {
    return { kind: 'error', error: errorToMessage(error) };
  }
}
