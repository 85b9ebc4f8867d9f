/** Identities for dictionaries that queries make. */
import { threadId } from 'node:worker_threads';

let made = 0;

/** An id that no other dictionary of this process has: negative, unlike those of stored columns, and of this thread's own range. */
export function nextDictionaryId(): number {
  made += 1;
  return -(4e15 + threadId * 1e11 + made);
}
