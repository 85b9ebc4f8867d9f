/** Statements that check keys of one table run one after the other, so that they do not meet each other's conflicts again and again. */
export class KeyQueue {
  private readonly tails = new Map<string, Promise<unknown>>();

  async run<Result>(table: string, work: () => Promise<Result>): Promise<Result> {
    const key = table.toLowerCase();
    const before = this.tails.get(key) ?? Promise.resolve();
    const own = before.then(work, work);
    // The next one starts however this one ends.
    const tail = own.catch(() => undefined);
    this.tails.set(key, tail);
    try {
      return await own;
    } finally {
      if (this.tails.get(key) === tail) this.tails.delete(key);
    }
  }
}
