/** Backups (backup.ts) read back: verified, or made into a database folder again. */
import { dirname, join, resolve } from 'node:path';
import { DbError } from '../../core/errors.js';
import type { Files } from '../../core/files.js';
import { ioError } from '../io-error.js';
import { type BackupManifest, type ManifestFile, readManifests } from './backup-manifest.js';
import { copyFile, type FileSum, sumOf } from './whole-files.js';

/** The newest backup of a target, or the one of that number. Fails with `not_found`, `corrupt`. */
export async function findBackup(files: Files, target: string, number?: number): Promise<BackupManifest> {
  const manifests = await readManifests(files, resolve(target));
  const found = number === undefined ? manifests.at(-1) : manifests.find((manifest) => manifest.number === number);
  if (found !== undefined) return found;
  if (manifests.length === 0) throw new DbError('not_found', `there is no backup in ${target}`);
  throw new DbError('not_found', `there is no backup ${number} in ${target}`, {
    hint: `there are ${manifests.map((manifest) => manifest.number).join(', ')}`,
  });
}

export function backupFiles(manifest: BackupManifest): { readonly path: string; readonly file: ManifestFile }[] {
  return [
    { path: manifest.catalog.name, file: manifest.catalog },
    ...manifest.segments.map((file) => ({ path: join('segments', file.name), file })),
  ];
}

/** Compares one file of a backup with its checksum. Fails with `corrupt` naming the file. */
export function checkFile(files: Files, target: string, path: string, file: ManifestFile): Promise<void> {
  return asInManifest(path, file, () => sumOf(files, join(resolve(target), path)));
}

async function asInManifest(path: string, file: ManifestFile, work: () => Promise<FileSum>): Promise<void> {
  let sum: FileSum;
  try {
    sum = await work();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw ioError(error, `${path} could not be copied`);
    throw new DbError('corrupt', `file ${path} of the backup is missing`, { cause: error });
  }
  if (sum.sizeBytes === file.sizeBytes && sum.crc32c === file.crc32c) return;
  throw new DbError('corrupt', `file ${path} of the backup is damaged`, { hint: 'restore an older backup, or from another copy' });
}

/**
 * Makes `folder`, which must be absent or empty, the database that was backed up. It appears when every file has been compared with its checksum
 * and is on disk; until then all is in <folder>.restoring.
 */
export async function restoreBackup(files: Files, target: string, manifest: BackupManifest, folder: string): Promise<void> {
  const place = resolve(folder);
  const there = await files.names(place);
  if (there !== undefined && there.length > 0) {
    throw new DbError('invalid_argument', `${place} is not empty; a backup is restored to a new folder`);
  }
  const temporary = `${place}.restoring`;
  try {
    await files.removeFolder(temporary);
    await files.makeFolder(join(temporary, 'catalog'));
    await files.makeFolder(join(temporary, 'segments'));
    for (const { path, file } of backupFiles(manifest)) {
      const to = join(temporary, file === manifest.catalog ? join('catalog', 'data.mdb') : path);
      await asInManifest(path, file, () => copyFile(files, join(resolve(target), path), to));
    }
    for (const made of [join(temporary, 'catalog'), join(temporary, 'segments'), temporary]) await files.syncFolder(made);
    await files.rename(temporary, place);
    await files.syncFolder(dirname(place));
  } catch (error) {
    await files.removeFolder(temporary).catch((failure: unknown) => {
      process.emitWarning(`${temporary} could not be removed: ${String(failure)}`);
    });
    throw ioError(error, `the backup could not be restored to ${place}`);
  }
}
