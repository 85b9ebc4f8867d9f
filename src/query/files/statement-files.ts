/**
 * The files that a statement reads. Binding needs a file's columns and cannot wait for them: it throws FilesNeeded, the files' first rows are
 * read, and the statement is bound again.
 */

import { basename } from 'node:path';
import type { Arena } from '../../core/arena.js';
import type { OwnedBatch } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { MemoryScope } from '../../core/memory-scope.js';
import type { Principal } from '../../core/principal.js';
import type { StopSignal } from '../../core/stop-signal.js';
import type { Field } from '../../core/types.js';
import { fileOptions, type GivenFileOptions } from '../../formats/files/file-options.js';
import { readFile } from '../../formats/files/read-file.js';
import type { FileRows } from '../plan/logical.js';
import { expandPattern } from './file-patterns.js';

export interface FileRequest {
  readonly path: string;
  readonly given: GivenFileOptions;
  /** Where the statement names it. */
  readonly position: number;
}

/** What the binder asks. */
export interface FileCatalog {
  /** Throws FilesNeeded while the columns of any are not known. Fails with `permission_denied`. */
  rowsOfAll(requests: readonly FileRequest[]): readonly FileRows[];
  /** The files that a pattern stands for. Throws FilesNeeded while they are not known. */
  pathsOf(pattern: string, position: number): readonly string[];
}

/** Files whose columns, or a pattern whose files, must be known first. */
class FilesNeeded extends Error {
  override readonly name = 'FilesNeeded';
  readonly requests: readonly FileRequest[];
  readonly pattern: { readonly text: string; readonly position: number } | null;

  constructor(requests: readonly FileRequest[], pattern: FilesNeeded['pattern'] = null) {
    super('the columns of files are not known yet');
    this.requests = requests;
    this.pattern = pattern;
  }
}

export interface FileAccess {
  readonly arena: Arena;
  readonly principal: Principal;
  readonly allowFileAccess: boolean;
  readonly maxBytes: number;
  readonly signal: StopSignal;
}

/** Fails with `permission_denied` for who may not name files of this machine. */
export function assertMayUseFiles(
  { principal, allowFileAccess }: Pick<FileAccess, 'principal' | 'allowFileAccess'>,
  position: number,
): void {
  if (principal.kind === 'embedded' || allowFileAccess) return;
  throw new DbError('permission_denied', 'statements may not read or write files of the server', {
    position,
    hint: 'start it with allow_file_access, or send the rows (POST /tables/…/rows)',
  });
}

/** Files that one statement names at most. */
const MOST_FILES = 10_000;

export class StatementFiles implements FileCatalog {
  private readonly access: FileAccess;
  private readonly known = new Map<string, FileRows>();
  private readonly patterns = new Map<string, readonly string[]>();

  constructor(access: FileAccess) {
    this.access = access;
  }

  rowsOfAll(requests: readonly FileRequest[]): readonly FileRows[] {
    for (const { position } of requests) assertMayUseFiles(this.access, position);
    const missing = requests.filter((request) => !this.known.has(keyOf(request)));
    if (missing.length > 0) throw new FilesNeeded(missing);
    return requests.map((request) => this.known.get(keyOf(request)) as FileRows);
  }

  pathsOf(pattern: string, position: number): readonly string[] {
    assertMayUseFiles(this.access, position);
    const paths = this.patterns.get(pattern);
    if (paths) return paths;
    throw new FilesNeeded([], { text: pattern, position });
  }

  /** Runs the work again, with the files known, each time it needs some. */
  async with<Result>(work: () => Result | Promise<Result>): Promise<Result> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof FilesNeeded)) throw error;
        await this.learn(error);
      }
    }
  }

  private async learn({ requests, pattern }: FilesNeeded): Promise<void> {
    if (pattern) this.patterns.set(pattern.text, await positioned(pattern.position, () => expandPattern(pattern.text)));
    for (const request of requests) {
      const { position } = request;
      if (this.known.size >= MOST_FILES) throw new DbError('unsupported', `a statement reads at most ${MOST_FILES} files`, { position });
      this.known.set(keyOf(request), await positioned(position, () => this.look(request)));
    }
  }

  private async look({ path, given, position }: FileRequest): Promise<FileRows> {
    const { arena, maxBytes, signal } = this.access;
    const name = basename(path);
    const options = fileOptions(path, given);
    const reading = { arena, signal, maxBytes, memory: () => new MemoryScope(arena) };
    const source = await readFile(path, options, { table: name, columns: undefined }, reading);
    await source.batches[Symbol.asyncIterator]().return?.();
    const { fields } = source.schema;
    return {
      name,
      fields,
      read: (columns, memory) => {
        const wanted = columns.map((index) => fields[index] as Field);
        const target = { table: name, columns: fields };
        const isParquet = options.format === 'parquet';
        const open = () => readFile(path, options, target, { ...reading, memory, columns: wanted.map((field) => field.name) });
        return batchesOf(open, isParquet ? null : columns, position);
      },
    };
  }
}

function keyOf({ path, given }: FileRequest): string {
  return JSON.stringify([path, given]);
}

/** `columns` null: the batches have those that are wanted already. */
async function* batchesOf(
  open: () => ReturnType<typeof readFile>,
  columns: readonly number[] | null,
  position: number,
): AsyncGenerator<OwnedBatch> {
  const source = await positioned(position, open);
  const iterator = source.batches[Symbol.asyncIterator]();
  try {
    for (;;) {
      const step = await positioned(position, () => iterator.next());
      if (step.done) return;
      const batch = step.value;
      if (columns === null) yield batch;
      else {
        const picked = columns.map((index) => batch.columns[index] as OwnedBatch['columns'][number]);
        yield { arena: batch.arena, rowCount: batch.rowCount, columns: picked, release: () => batch.release() };
      }
    }
  } finally {
    await iterator.return?.();
  }
}

/** Errors of a file point at its name in the statement. */
export async function positioned<Result>(position: number, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof DbError) || error.position !== undefined) throw error;
    throw new DbError(error.code, error.message, { position, hint: error.hint, cause: error });
  }
}
