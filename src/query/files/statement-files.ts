/**
 * The files that a statement reads. Binding needs a file's columns and cannot wait for them: it throws FileNeeded, the file's first rows are
 * read, and the statement is bound again.
 */
import { basename } from 'node:path';
import type { Arena } from '../../core/arena.js';
import type { OwnedBatch } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { MemoryScope } from '../../core/memory-scope.js';
import type { Principal } from '../../core/principal.js';
import type { Field } from '../../core/types.js';
import { fileOptions, type GivenFileOptions } from '../../formats/files/file-options.js';
import { readFile } from '../../formats/files/read-file.js';
import type { FileRows } from '../plan/logical.js';

export interface FileRequest {
  readonly path: string;
  readonly given: GivenFileOptions;
  /** Where the statement names it. */
  readonly position: number;
}

/** What the binder asks. */
export interface FileCatalog {
  /** Throws FileNeeded while the file's columns are not known. Fails with `permission_denied`. */
  rowsOf(request: FileRequest): FileRows;
}

class FileNeeded extends Error {
  override readonly name = 'FileNeeded';
  readonly request: FileRequest;

  constructor(request: FileRequest) {
    super('the columns of a file are not known yet');
    this.request = request;
  }
}

export interface FileAccess {
  readonly arena: Arena;
  readonly principal: Principal;
  readonly allowFileAccess: boolean;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
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
const MOST_FILES = 100;

export class StatementFiles implements FileCatalog {
  private readonly access: FileAccess;
  private readonly known = new Map<string, FileRows>();

  constructor(access: FileAccess) {
    this.access = access;
  }

  rowsOf(request: FileRequest): FileRows {
    assertMayUseFiles(this.access, request.position);
    const rows = this.known.get(keyOf(request));
    if (rows) return rows;
    throw new FileNeeded(request);
  }

  /** Runs the work again, with the file known, each time it needs one. */
  async with<Result>(work: () => Result | Promise<Result>): Promise<Result> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof FileNeeded)) throw error;
        const { request } = error;
        if (this.known.size >= MOST_FILES) {
          throw new DbError('unsupported', `a statement reads at most ${MOST_FILES} files`, { position: request.position });
        }
        this.known.set(keyOf(request), await positioned(request.position, () => this.look(request)));
      }
    }
  }

  private async look({ path, given, position }: FileRequest): Promise<FileRows> {
    const { arena, signal, maxBytes } = this.access;
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
