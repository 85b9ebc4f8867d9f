/** Cancellation inside the engine: what an AbortSignal says and does, without its price, which a small query would feel. */

import { DbError } from './errors.js';

/** Every AbortSignal is one. */
export interface StopSignal {
  readonly aborted: boolean;
  /** What abort() was called with. */
  readonly reason: unknown;
  throwIfAborted(): void;
  addEventListener(type: 'abort', listener: () => void, options?: { readonly once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** Controller and signal in one. Listeners are called once. */
export class StopController implements StopSignal {
  private isAborted = false;
  private why: unknown;
  private readonly listeners = new Set<() => void>();

  get aborted(): boolean {
    return this.isAborted;
  }

  get reason(): unknown {
    return this.why;
  }

  throwIfAborted(): void {
    if (this.isAborted) throw this.why;
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    if (!this.isAborted) this.listeners.add(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.listeners.delete(listener);
  }

  abort(reason: unknown = new DbError('cancelled', 'the query was cancelled')): void {
    if (this.isAborted) return;
    this.isAborted = true;
    this.why = reason;
    const listeners = [...this.listeners];
    this.listeners.clear();
    for (const listener of listeners) listener();
  }
}
