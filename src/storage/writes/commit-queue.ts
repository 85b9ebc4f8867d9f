/**
 * Group commit. Work that arrives while a transaction is being written waits and then shares the next one. Per group, in order of arrival:
 * plan() of every piece (changes what is invisible, collects writes), one catalog transaction, then apply() of every piece (makes it visible).
 * Nothing of the next group is planned before all of this one is applied, so plan() sees everything that was committed before it, and
 * what was planned before it in its own group.
 */
import type { Catalog, CatalogWrite } from '../catalog/catalog.js';
import type { DiskRoom } from '../disk-room.js';
import type { CatalogWriter } from './catalog-writer.js';

export interface CommitWork<Result> {
  /** Bytes that it will write; it is refused when the disk has no room for them. */
  readonly sizeBytes?: number;
  /** It only adds or deletes rows, so that at a lower level of durability it may be shown before it is on disk. */
  readonly mayWait?: boolean;
  /** Throws to refuse; it must then leave nothing behind, neither in memory nor in `writes`. */
  plan(sequence: number, writes: CatalogWrite[]): void;
  apply(sequence: number): Result;
}

interface Waiting {
  readonly work: CommitWork<unknown>;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

interface Planned {
  readonly waiting: Waiting;
  readonly sequence: number;
}

export class CommitQueue {
  /** Of the last commit that is visible. */
  sequence: number;
  commits = 0;
  private readonly catalog: Catalog;
  private readonly writer: CatalogWriter;
  private readonly room: DiskRoom;
  private readonly closeGroup: (writes: CatalogWrite[]) => void;
  private readonly onFailure: (error: unknown) => void;
  private waiting: Waiting[] = [];
  private running: Promise<void> | undefined;

  /** closeGroup adds what depends on the whole group; onFailure hears of a transaction that could not be written. */
  constructor(
    catalog: Catalog,
    writer: CatalogWriter,
    room: DiskRoom,
    closeGroup: (writes: CatalogWrite[]) => void,
    onFailure: (error: unknown) => void,
  ) {
    this.catalog = catalog;
    this.writer = writer;
    this.room = room;
    this.sequence = catalog.meta('sequence') ?? 0;
    this.closeGroup = closeGroup;
    this.onFailure = onFailure;
  }

  /** Resolves with apply()'s result when the work is durable and visible. */
  submit<Result>(work: CommitWork<Result>): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      this.waiting.push({ work, resolve: resolve as (result: unknown) => void, reject });
      this.running ??= this.run();
    });
  }

  /** Resolves when nothing is waiting or being written. */
  async drain(): Promise<void> {
    while (this.running !== undefined) await this.running;
  }

  private async run(): Promise<void> {
    await Promise.resolve();
    while (this.waiting.length > 0) {
      const group = this.waiting;
      this.waiting = [];
      await this.commitGroup(group);
    }
    this.running = undefined;
  }

  private async commitGroup(group: readonly Waiting[]): Promise<void> {
    const writes: CatalogWrite[] = [];
    const refused: (() => void)[] = [];
    const planned: Planned[] = [];
    let sequence = this.sequence;
    let sizeBytes = 0;
    for (const waiting of group) {
      try {
        sizeBytes += waiting.work.sizeBytes ?? 0;
        if (waiting.work.sizeBytes !== undefined || this.writer.waitingBytes > 0) this.room.assert(sizeBytes);
        waiting.work.plan(sequence + 1, writes);
        planned.push({ waiting, sequence: ++sequence });
      } catch (error) {
        refused.push(() => waiting.reject(error));
      }
    }
    const promise = this.room.promise(2 * sizeBytes);
    if (planned.length > 0) await this.write(planned, sequence, writes);
    promise.end();
    // What was refused may have been so because of what has become visible only now.
    for (const reject of refused) reject();
  }

  private async write(planned: readonly Planned[], sequence: number, writes: CatalogWrite[]): Promise<void> {
    try {
      this.closeGroup(writes);
      if (this.catalog.persistent) writes.push({ store: 'meta', key: 'sequence', value: sequence });
      await this.writer.commit(
        writes,
        planned.every(({ waiting }) => waiting.work.mayWait === true),
      );
    } catch (error) {
      this.onFailure(error);
      for (const { waiting } of planned) waiting.reject(error);
      return;
    }
    this.commits += 1;
    for (const { waiting, sequence: own } of planned) {
      this.sequence = own;
      try {
        waiting.resolve(waiting.work.apply(own));
      } catch (error) {
        waiting.reject(error);
      }
    }
  }
}
