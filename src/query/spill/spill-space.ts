/**
 * Where queries put rows that do not fit in memory: a folder for each query that needs one, with files that are written once, read where they
 * are wanted, and removed when the query ends. What a crash leaves is removed at the next opening.
 */
import { join, resolve } from 'node:path';
import { DbError } from '../../core/errors.js';
import { type Files, type OpenFile, writeAll } from '../../core/files.js';
import type { Settings } from '../../core/settings.js';

/** The folder below `spill_folder` that is this database's alone. */
const OWN_FOLDER = 'fletch-spill';

/** Where queries may spill; undefined: they may not, because nothing says where, or nothing may be written. */
function spillFolderOf({ path, spill_folder: chosen, read_only: readOnly }: Settings): string | undefined {
  if (chosen !== '') return join(resolve(chosen), OWN_FOLDER);
  return path === ':memory:' || readOnly ? undefined : join(resolve(path), 'tmp');
}

/** Fails with `io_error` when what a crash has left cannot be removed. */
export async function openSpillSpace(settings: Settings, files: Files): Promise<SpillSpace | undefined> {
  const folder = spillFolderOf(settings);
  if (folder === undefined) return undefined;
  try {
    await files.removeFolder(folder);
  } catch (error) {
    throw spillError(error, `the folder for spilled rows, ${folder}, could not be emptied`);
  }
  return new SpillSpace(files, folder, settings.spill_limit);
}

/** More room on disk is wanted than there may be: no other way of doing the same takes less. */
export class SpillLimit extends DbError {}

export class SpillSpace {
  readonly files: Files;
  readonly folder: string;
  private readonly limitBytes: number;
  private bytes = 0;
  private folders = 0;

  /** limitBytes: of all queries together; 0 = what the disk has. */
  constructor(files: Files, folder: string, limitBytes: number) {
    this.files = files;
    this.folder = folder;
    this.limitBytes = limitBytes;
  }

  get usedBytes(): number {
    return this.bytes;
  }

  openFolder(): SpillFolder {
    this.folders += 1;
    return new SpillFolder(this, join(this.folder, String(this.folders)));
  }

  take(sizeBytes: number): void {
    if (this.limitBytes > 0 && this.bytes + sizeBytes > this.limitBytes) {
      throw new SpillLimit('query_memory_exceeded', `spilled rows would take more than spill_limit = ${this.limitBytes} bytes`, {
        hint: 'raise spill_limit or max_memory, or read less at once',
      });
    }
    this.bytes += sizeBytes;
  }

  giveBack(sizeBytes: number): void {
    this.bytes -= sizeBytes;
  }
}

/** The files of one query. */
export class SpillFolder {
  private readonly space: SpillSpace;
  private readonly path: string;
  private readonly files: SpillFile[] = [];
  private made: Promise<void> | null = null;

  constructor(space: SpillSpace, path: string) {
    this.space = space;
    this.path = path;
  }

  async create(): Promise<SpillFile> {
    const { files } = this.space;
    const path = join(this.path, String(this.files.length));
    try {
      this.made ??= files.makeFolder(this.path);
      await this.made;
      const output = await files.open(path, 'write');
      const file = new SpillFile(this.space, path, output);
      this.files.push(file);
      return file;
    } catch (error) {
      throw spillError(error, `a file for spilled rows, ${path}, could not be made`);
    }
  }

  /** Closes and removes everything. Where that fails, the next opening of the database does it. */
  async remove(): Promise<void> {
    if (this.made === null) return;
    for (const file of this.files) await file.close();
    try {
      await this.space.files.removeFolder(this.path);
    } catch (error) {
      process.emitWarning(`the folder of spilled rows ${this.path} could not be removed: ${String(error)}`);
    }
  }
}

export class SpillFile {
  private readonly space: SpillSpace;
  private readonly path: string;
  private readonly output: OpenFile;
  private input: Promise<OpenFile> | null = null;
  private size = 0;
  /** The write that is under way: they come one after the other. */
  private last: Promise<unknown> = Promise.resolve();

  constructor(space: SpillSpace, path: string, output: OpenFile) {
    this.space = space;
    this.path = path;
    this.output = output;
  }

  /** Where the bytes lie then. */
  append(bytes: Uint8Array): Promise<number> {
    const written = this.last.then(() => this.write(bytes));
    this.last = written.catch(() => undefined);
    return written;
  }

  private async write(bytes: Uint8Array): Promise<number> {
    this.space.take(bytes.length);
    const position = this.size;
    this.size += bytes.length;
    try {
      await writeAll(this.output, bytes);
    } catch (error) {
      throw spillError(error, `spilled rows could not be written to ${this.path}`);
    }
    return position;
  }

  async read(into: Uint8Array, position: number): Promise<void> {
    try {
      this.input ??= this.space.files.open(this.path, 'read');
      const input = await this.input;
      for (let done = 0; done < into.length; ) {
        const count = await input.read(into, done, into.length - done, position + done);
        if (count === 0) throw new DbError('corrupt', `the spilled rows in ${this.path} end too early`);
        done += count;
      }
    } catch (error) {
      throw spillError(error, `spilled rows could not be read from ${this.path}`);
    }
  }

  async close(): Promise<void> {
    await this.last;
    this.space.giveBack(this.size);
    this.size = 0;
    const opened = this.input === null ? [] : [this.input];
    for (const file of await Promise.allSettled([this.output, ...opened])) {
      if (file.status === 'rejected') continue;
      try {
        await file.value.close();
      } catch (error) {
        process.emitWarning(`the file of spilled rows ${this.path} could not be closed: ${String(error)}`);
      }
    }
  }
}

function spillError(thrown: unknown, what: string): DbError {
  if (thrown instanceof DbError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new DbError('io_error', `${what}: ${message}`, {
    cause: thrown,
    hint: 'a query that needs more than its memory writes to spill_folder; make room there, or raise memory_limit',
  });
}
