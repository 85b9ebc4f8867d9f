/** How many queries run at once; more wait in turn, and beyond that they are refused. */

import { DbError } from '../core/errors.js';
import type { StopSignal } from '../core/stop-signal.js';

interface Waiter {
  readonly admit: () => void;
}

export class Admission {
  private readonly most: number;
  private readonly mostWaiting: number;
  private running = 0;
  private readonly waiting: Waiter[] = [];

  constructor(most: number, mostWaiting: number) {
    this.most = most;
    this.mostWaiting = mostWaiting;
  }

  /** True: admitted at once, without a wait. */
  tryEnter(): boolean {
    if (this.running >= this.most) return false;
    this.running++;
    return true;
  }

  /** Resolves when there is a place. Fails with `overloaded`, or with the signal's reason. */
  enter(signal: StopSignal): Promise<void> {
    if (this.waiting.length >= this.mostWaiting) {
      return Promise.reject(
        new DbError('overloaded', `${this.running} queries run and ${this.waiting.length} wait`, {
          hint: 'raise max_concurrent_queries or max_queued_queries',
        }),
      );
    }
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        admit: () => {
          signal.removeEventListener('abort', abort);
          this.running++;
          resolve();
        },
      };
      const abort = () => {
        const index = this.waiting.indexOf(waiter);
        if (index >= 0) this.waiting.splice(index, 1);
        reject(signal.reason);
      };
      signal.addEventListener('abort', abort, { once: true });
      this.waiting.push(waiter);
    });
  }

  leave(): void {
    this.running--;
    this.waiting.shift()?.admit();
  }
}
