/** `fletch backup` and `fletch restore`: a database folder into a folder of backups, and back. A process that writes the folder may go on. */
import { resolve } from 'node:path';
import { systemEnvironment } from '../core/environment.js';
import { DbError } from '../core/errors.js';
import type { CommandLine, FlagTable } from './config.js';
import { errorText } from './error-text.js';
import { type Io, write } from './io.js';

export const BACKUP_FLAGS = {
  keep: { type: 'string', doc: 'Newest backups that stay in the target, this one included; older ones are removed.', value: 'N' },
} as const satisfies FlagTable;

export const RESTORE_FLAGS = {
  number: { type: 'string', doc: 'The backup to restore; by default the newest.', value: 'N' },
  check: { type: 'boolean', doc: 'Restore nothing: compare all files of all backups with their checksums.' },
} as const satisfies FlagTable;

export async function runBackup(line: CommandLine, io: Io): Promise<number> {
  const { backUpDatabase } = await import('../database.js');
  const target = targetOf(line, 'backup');
  const keep = wholeNumber(line.flags.keep, 'keep') ?? 0;
  const { manifest, copiedFiles, copiedBytes, removed } = await backUpDatabase(line.settings, target, keep);
  const { catalog, segments, number } = manifest;
  const bytes = segments.reduce((sum, file) => sum + file.sizeBytes, catalog.sizeBytes);
  await write(
    io.output,
    `backup ${number} in ${resolve(target)}: ${counted(manifest.tables, 'table')}, ${counted(segments.length, 'segment file')}, ${bytes} bytes; ` +
      `${counted(copiedFiles, 'segment file')} copied, ${copiedBytes} bytes\n`,
  );
  if (removed.length > 0) await write(io.output, `removed: ${removed.map((one) => `backup ${one}`).join(', ')}\n`);
  return 0;
}

export async function runRestore(line: CommandLine, io: Io): Promise<number> {
  const { findBackup, restoreBackup } = await import('../storage/backup/restore.js');
  const { files } = systemEnvironment;
  const target = targetOf(line, 'restore');
  if (line.flags.check === true) return checkBackups(target, io);
  const manifest = await findBackup(files, target, wholeNumber(line.flags.number, 'number'));
  if (!line.given.has('path')) throw new DbError('invalid_argument', 'restore needs --path DIR, the new folder');
  await restoreBackup(files, target, manifest, line.settings.path);
  await write(io.output, `backup ${manifest.number} of ${manifest.createdAt} is restored to ${resolve(line.settings.path)}\n`);
  return 0;
}

/** Exit code 1 when something is damaged. */
async function checkBackups(target: string, io: Io): Promise<number> {
  const { readManifests } = await import('../storage/backup/backup-manifest.js');
  const { backupFiles, checkFile } = await import('../storage/backup/restore.js');
  const { files } = systemEnvironment;
  const manifests = await readManifests(files, resolve(target));
  if (manifests.length === 0) throw new DbError('not_found', `there is no backup in ${target}`);
  // Backups share files.
  const damaged = new Map<string, boolean>();
  for (const manifest of manifests) {
    let bad = 0;
    for (const { path, file } of backupFiles(manifest)) {
      const key = `${path} ${file.crc32c}`;
      if (!damaged.has(key)) {
        const failure = await checkFile(files, target, path, file).then(
          () => undefined,
          (error: unknown) => error,
        );
        damaged.set(key, failure !== undefined);
        if (failure !== undefined) await write(io.errors, errorText(failure));
      }
      if (damaged.get(key) === true) bad += 1;
    }
    const { number, createdAt, tables, segments } = manifest;
    const state = bad === 0 ? 'sound' : `${bad} damaged`;
    await write(
      io.output,
      `backup ${number} of ${createdAt}: ${counted(tables, 'table')}, ${counted(segments.length, 'segment file')}, ${state}\n`,
    );
  }
  return [...damaged.values()].includes(true) ? 1 : 0;
}

function targetOf({ positionals }: CommandLine, command: string): string {
  const [target, ...more] = positionals;
  if (target === undefined || more.length > 0) throw new DbError('invalid_argument', `${command} needs one folder of backups`);
  return target;
}

function wholeNumber(given: string | boolean | undefined, name: string): number | undefined {
  if (given === undefined) return undefined;
  const number = Number(given);
  if (Number.isInteger(number) && number > 0) return number;
  throw new DbError('invalid_argument', `--${name} ${String(given)} is no whole number above 0`);
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
