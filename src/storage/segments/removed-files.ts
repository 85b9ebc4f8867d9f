/** Segment files that no record names any more. Another process may still read a commit that names them, so a file stays until none does. */
import type { Files } from '../../core/files.js';
import type { SharedCatalog } from '../catalog/catalog.js';
import { removeSegmentFile } from './segment-file.js';

const RETRY_MS = 500;

interface Removed {
  readonly name: string;
  /** Readers of this transaction, and later ones, do not know the file. */
  readonly since: number;
}

export class RemovedFiles {
  private readonly files: Files;
  private readonly folder: string;
  private readonly catalog: SharedCatalog;
  private readonly inBackground: (work: Promise<void>) => void;
  private waiting: readonly Removed[] = [];
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;

  constructor(files: Files, folder: string, catalog: SharedCatalog, inBackground: (work: Promise<void>) => void) {
    this.files = files;
    this.folder = folder;
    this.catalog = catalog;
    this.inBackground = inBackground;
  }

  /** After stop() files stay where they are: the next opening removes them. */
  add(name: string): void {
    if (this.isStopped) return;
    this.waiting = [...this.waiting, { name, since: this.catalog.lastTransaction() }];
    if (this.timer === undefined) this.look();
  }

  stop(): void {
    if (this.waiting.length > 0) this.look();
    this.isStopped = true;
    clearTimeout(this.timer);
  }

  private look(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const oldest = this.catalog.oldestReader() ?? Number.POSITIVE_INFINITY;
    const free = this.waiting.filter(({ since }) => oldest >= since);
    this.waiting = this.waiting.filter(({ since }) => oldest < since);
    for (const { name } of free) this.inBackground(removeSegmentFile(this.files, this.folder, name));
    if (this.waiting.length > 0) this.timer = setTimeout(() => this.look(), RETRY_MS).unref();
  }
}
