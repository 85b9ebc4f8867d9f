/** Work that its starter does not wait for. Closing does: nothing may touch the folder's files once the lock is given back. */
export class Background {
  private readonly running = new Set<Promise<void>>();
  private readonly onFailure: (error: unknown) => void;

  constructor(onFailure: (error: unknown) => void) {
    this.onFailure = onFailure;
  }

  add(work: Promise<unknown>): void {
    const ended: Promise<void> = work.then(
      () => void this.running.delete(ended),
      (error: unknown) => {
        this.running.delete(ended);
        this.onFailure(error);
      },
    );
    this.running.add(ended);
  }

  /** Resolves when nothing runs. */
  async settled(): Promise<void> {
    while (this.running.size > 0) await Promise.all(this.running);
  }
}
