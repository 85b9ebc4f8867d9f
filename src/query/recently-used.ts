/**
 * Entries that were used lately: between `size` and twice as many. They live in two generations, and the older one is dropped as a whole: in a
 * map that entries leave one by one, V8 keeps what has left until all of the old memory is collected, which costs more than what it was kept for.
 */
export class RecentlyUsed<Key, Value> {
  private young = new Map<Key, Value>();
  private old = new Map<Key, Value>();
  private readonly size: number;
  private readonly onDrop: ((key: Key) => void) | undefined;

  /** onDrop: called for the keys of the generation that is dropped. */
  constructor(size: number, onDrop?: (key: Key) => void) {
    this.size = size;
    this.onDrop = onDrop;
  }

  get(key: Key): Value | undefined {
    const known = this.young.get(key);
    if (known !== undefined) return known;
    const older = this.old.get(key);
    if (older !== undefined) this.set(key, older);
    return older;
  }

  set(key: Key, value: Value): void {
    this.young.set(key, value);
    if (this.young.size < this.size) return;
    const dropped = this.old;
    this.old = this.young;
    this.young = new Map();
    if (this.onDrop) for (const each of dropped.keys()) if (!this.old.has(each)) this.onDrop(each);
  }
}

/** Of keys that come twice: entries used once are soon let go, so that what dies young costs the garbage collector little; others stay long. */
export class UsedAgain<Key, Value> {
  private readonly once: RecentlyUsed<Key, Value>;
  private readonly again: RecentlyUsed<Key, Value>;

  constructor(mostOnce: number, mostAgain: number, onDrop?: (key: Key) => void) {
    this.once = new RecentlyUsed(mostOnce, onDrop);
    this.again = new RecentlyUsed(mostAgain);
  }

  get(key: Key): Value | undefined {
    const known = this.again.get(key);
    if (known !== undefined) return known;
    const first = this.once.get(key);
    if (first !== undefined) this.again.set(key, first);
    return first;
  }

  /** An entry for a key that has none. */
  set(key: Key, value: Value, isAgain = false): void {
    (isAgain ? this.again : this.once).set(key, value);
  }
}
