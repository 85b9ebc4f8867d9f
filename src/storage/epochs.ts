/**
 * When may memory and files that were replaced go? When every snapshot that was open at that moment has been released.
 * A holder is a number; later holders have larger ones. retire() costs O(1), and so does a snapshot.
 */
import { assert } from '../core/assert.js';

interface Retired {
  readonly before: number;
  readonly free: () => void;
}

export class Epochs {
  private next = 1;
  private readonly live = new Map<number, number>();
  private readonly retired: Retired[] = [];

  /** No snapshot is open. */
  get isIdle(): boolean {
    return this.live.size === 0;
  }

  /** A new holder: nothing that is reachable now is freed until leave(). */
  enter(): number {
    const holder = this.next++;
    this.live.set(holder, 1);
    return holder;
  }

  get isHeld(): boolean {
    return this.live.size > 0;
  }

  /** One more leave() is needed for this holder. */
  hold(holder: number): void {
    const count = this.live.get(holder);
    assert(count !== undefined, 'a released snapshot is not used');
    this.live.set(holder, count + 1);
  }

  leave(holder: number): void {
    const count = this.live.get(holder);
    assert(count !== undefined, 'a snapshot is released once');
    if (count > 1) {
      this.live.set(holder, count - 1);
      return;
    }
    this.live.delete(holder);
    this.collect();
  }

  /** Runs `free` as soon as no holder of now is left; at once when there is none. */
  retire(free: () => void): void {
    if (this.live.size === 0) free();
    else this.retired.push({ before: this.next, free });
  }

  private collect(): void {
    const oldest: number = this.live.keys().next().value ?? Number.POSITIVE_INFINITY;
    for (;;) {
      const first = this.retired[0];
      if (first === undefined || first.before > oldest) return;
      this.retired.shift();
      first.free();
    }
  }
}
