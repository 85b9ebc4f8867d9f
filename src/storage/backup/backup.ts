/**
 * Backups of a database folder, taken while another process may write it: a consistent copy of the catalog, which also holds the rows that no
 * segment has yet, and the segment files that it names. Those never change, so what the target has already is not copied again.
 *
 *   <target>/backup-<n>.json      the manifest (backup-manifest.ts), written last: without it there is no backup n
 *   <target>/catalog-<n>/data.mdb the catalog
 *   <target>/segments/…           segment files, shared by all backups of the target
 */
import { statfsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Kernels } from '../../../native-free/kernels.js';
import type { Arena } from '../../core/arena.js';
import { crc32c } from '../../core/crc32c.js';
import { DbError } from '../../core/errors.js';
import type { Files } from '../../core/files.js';
import type { SegmentRecord, SharedCatalog, StoredNode } from '../catalog/catalog.js';
import { openCatalog } from '../catalog/lmdb-catalog.js';
import { lockFolder } from '../folder-lock.js';
import { ioError } from '../io-error.js';
import { type BackupManifest, catalogFolder, type ManifestFile, readManifests, writeManifest } from './backup-manifest.js';
import { readWhole, sumOf, syncFile, writeFile } from './whole-files.js';

export interface BackupOptions {
  /** Folder of the database, and of the backups. */
  readonly source: string;
  readonly target: string;
  /** Newest backups that stay, this one included; 0 = all. */
  readonly keep: number;
  readonly files: Files;
  readonly arena: Arena;
  readonly kernels: Kernels;
  readonly createdAt: string;
}

export interface BackupResult {
  readonly manifest: BackupManifest;
  readonly copiedFiles: number;
  readonly copiedBytes: number;
  /** Numbers of older backups that were removed. */
  readonly removed: readonly number[];
}

/** How often a backup begins anew because a file that its catalog names was replaced before it was copied. */
const ATTEMPTS = 20;
const RESERVED_BYTES = 1 << 20;

/** Fails with `not_found`, `locked` (another backup into the target), `corrupt` (naming the file of the database), `read_only` (no room), `io_error`. */
export async function backUp(options: BackupOptions): Promise<BackupResult> {
  const { files, arena, kernels } = options;
  const source = resolve(options.source);
  const target = resolve(options.target);
  if (target === source || target.startsWith(join(source, '/'))) {
    throw new DbError('invalid_argument', 'a backup does not go into the folder of the database');
  }
  const catalog = await openCatalog(join(source, 'catalog'), arena, kernels, true);
  try {
    await files.makeFolder(join(target, 'segments'));
    const unlock = lockFolder(target);
    try {
      return await new BackupRun(options, source, target, catalog).run();
    } finally {
      unlock();
    }
  } catch (error) {
    throw targetError(error);
  } finally {
    await catalog.close();
  }
}

function targetError(thrown: unknown): DbError {
  const error = ioError(thrown, 'the backup could not be written');
  if (error.code !== 'read_only') return error;
  return new DbError('read_only', error.message, { cause: thrown, hint: 'make room for the backup and run it again' });
}

/** A file that the catalog names is gone: a newer catalog names others. */
class Replaced extends Error {}

class BackupRun {
  private readonly options: BackupOptions;
  private readonly source: string;
  private readonly target: string;
  private readonly catalog: SharedCatalog;
  /** Segment files that the target has, by name. */
  private readonly held = new Map<string, ManifestFile>();
  private readonly copied = new Map<string, ManifestFile>();

  constructor(options: BackupOptions, source: string, target: string, catalog: SharedCatalog) {
    this.options = options;
    this.source = source;
    this.target = target;
    this.catalog = catalog;
  }

  async run(): Promise<BackupResult> {
    const { files } = this.options;
    const before = await readManifests(files, this.target);
    const present = new Set(await files.names(join(this.target, 'segments')));
    for (const { segments } of before) for (const file of segments) if (present.has(file.name)) this.held.set(file.name, file);
    const number = (before.at(-1)?.number ?? 0) + 1;
    try {
      const manifest = await this.attempts(number);
      await files.syncFolder(join(this.target, 'segments'));
      await files.syncFolder(this.target);
      await writeManifest(files, this.target, manifest);
      const kept = this.options.keep === 0 ? before : before.slice(Math.max(0, before.length - this.options.keep + 1));
      const removed = await this.prune([...kept, manifest], before);
      const copiedBytes = [...this.copied.values()].reduce((sum, file) => sum + file.sizeBytes, 0);
      return { manifest, copiedFiles: this.copied.size, copiedBytes, removed };
    } catch (error) {
      await this.cleanUp(number);
      throw error;
    }
  }

  private async attempts(number: number): Promise<BackupManifest> {
    for (let left = ATTEMPTS; ; left--) {
      // As long as a commit is held, the process that writes keeps the files that it names (removed-files.ts); one that begins to write does not.
      const held = this.catalog.hold();
      try {
        return await this.attempt(number);
      } catch (error) {
        if (!(error instanceof Replaced) || left <= 1) throw error;
      } finally {
        held.release();
      }
    }
  }

  private async attempt(number: number): Promise<BackupManifest> {
    const { files } = this.options;
    const folder = join(this.target, catalogFolder(number));
    await files.makeFolder(folder);
    await files.remove(join(folder, 'data.mdb'));
    assertRoom(this.target, this.catalog.sizeBytes());
    await this.catalog.copyTo(folder);
    const { tables, records } = await this.recordsOf(folder);
    const missing = records.filter((record) => !this.known(record));
    assertRoom(
      this.target,
      missing.reduce((sum, record) => sum + record.sizeBytes, 0),
    );
    for (const record of missing) this.copied.set(record.file, await this.copySegment(record));
    const path = join(folder, 'data.mdb');
    await syncFile(files, path);
    await files.syncFolder(folder);
    const segments = records.map((record) => this.known(record) as ManifestFile);
    const catalog = { name: `${catalogFolder(number)}/data.mdb`, ...(await sumOf(files, path)), content: 0 };
    return { format: 1, number, createdAt: this.options.createdAt, tables, catalog, segments };
  }

  /** The file as the target has it already. */
  private known(record: SegmentRecord): ManifestFile | undefined {
    const file = this.copied.get(record.file) ?? this.held.get(record.file);
    return file !== undefined && file.content === contentOf(record) ? file : undefined;
  }

  /** What the copy of the catalog says. Reading everything in it compares it with its checksums. */
  private async recordsOf(folder: string): Promise<{ tables: number; records: SegmentRecord[] }> {
    const { arena, kernels, files } = this.options;
    const copy = await openCatalog(folder, arena, kernels, true);
    try {
      const tables = copy.tables();
      copy.views();
      copy.schemas();
      for (const table of tables) {
        for (const record of copy.tail(table.id)) void record;
        for (const column of [...table.definition.columns, ...(table.retired ?? [])]) {
          for (const record of copy.dictionary(table.id, column.id)) void record;
        }
      }
      const records = tables.flatMap((table) => copy.segments(table.id)).filter((record) => record.file !== '');
      return { tables: tables.length, records };
    } finally {
      await copy.close();
      await files.remove(join(folder, 'lock.mdb'));
    }
  }

  /** Copies a segment file, and compares what it copies with the checksums of the catalog. */
  private async copySegment(record: SegmentRecord): Promise<ManifestFile> {
    const { files } = this.options;
    let bytes: Buffer;
    try {
      bytes = await readWhole(files, join(this.source, 'segments', record.file));
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') throw this.gone(record, error);
      throw error;
    }
    const damaged = record.columns.some(({ node }) => !matches(bytes, node));
    if (damaged || bytes.length !== record.sizeBytes) {
      throw new DbError('corrupt', `segment file ${record.file} of the database is damaged; it is not backed up`, {
        hint: 'fletch check tells what is damaged',
      });
    }
    const sum = await writeFile(files, join(this.target, 'segments', record.file), [bytes]);
    return { name: record.file, ...sum, content: contentOf(record) };
  }

  /** The file was replaced, unless the newest catalog still names it: then it is lost. */
  private gone(record: SegmentRecord, cause: Error): Error {
    const isNamed = this.catalog.tables().some((table) => this.catalog.segments(table.id).some(({ file }) => file === record.file));
    return isNamed
      ? new DbError('corrupt', `segment file ${record.file} of the database is missing`, {
          cause,
          hint: 'fletch check tells what is damaged',
        })
      : new Replaced();
  }

  /** Removes the backups that are not kept, and files that belong to none. */
  private async prune(kept: readonly BackupManifest[], before: readonly BackupManifest[]): Promise<number[]> {
    const { files } = this.options;
    const removed = before.map(({ number }) => number).filter((number) => !kept.some((one) => one.number === number));
    for (const number of removed) await files.remove(join(this.target, `backup-${number}.json`));
    await files.syncFolder(this.target);
    for (const number of removed) await files.removeFolder(join(this.target, catalogFolder(number)));
    const named = new Set(kept.flatMap(({ segments }) => segments.map(({ name }) => name)));
    for (const name of (await files.names(join(this.target, 'segments'))) ?? []) {
      if (!named.has(name)) await files.remove(join(this.target, 'segments', name));
    }
    return removed;
  }

  /** After a failure: the room that was taken is given back as far as that works. */
  private async cleanUp(number: number): Promise<void> {
    const { files } = this.options;
    try {
      await files.removeFolder(join(this.target, catalogFolder(number)));
      for (const name of this.copied.keys()) await files.remove(join(this.target, 'segments', name));
    } catch (error) {
      process.emitWarning(`what a failed backup has written could not be removed: ${String(error)}`);
    }
  }
}

/** Where the bytes of a segment are, and their checksums: equal for equal files. */
function contentOf(record: SegmentRecord): number {
  return crc32c(Buffer.from(JSON.stringify([record.rows, record.sizeBytes, record.columns.map(({ id, node }) => [id, node])])));
}

function matches(bytes: Buffer, node: StoredNode): boolean {
  const isSound = node.buffers.every((buffer) => {
    if (buffer === null) return true;
    const [offset, sizeBytes, checksum] = buffer;
    return sizeBytes === 0 || crc32c(bytes.subarray(offset, offset + sizeBytes)) === checksum;
  });
  return isSound && node.children.every((child) => matches(bytes, child));
}

/** LMDB does not survive a full disk, and an early refusal is better than a late one. */
function assertRoom(folder: string, sizeBytes: number): void {
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize >= sizeBytes + RESERVED_BYTES) return;
  throw new DbError('read_only', `there is no room for ${sizeBytes} bytes in ${folder}: ${bavail * bsize} are free`);
}
