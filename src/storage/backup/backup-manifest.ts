/**
 * What a backup consists of: <target>/backup-<n>.json, two lines.
 *
 *   the manifest as JSON
 *   {"crc32c": checksum of the line before}
 *
 * It appears whole or not at all, after everything that it names is on disk.
 */
import { join } from 'node:path';
import { crc32c } from '../../core/crc32c.js';
import { DbError } from '../../core/errors.js';
import type { Files } from '../../core/files.js';
import { readWhole, writeFile } from './whole-files.js';

export interface ManifestFile {
  /** Of the catalog: below the target; of a segment: below its folder `segments`. */
  readonly name: string;
  readonly sizeBytes: number;
  readonly crc32c: number;
  /** Of a segment: checksum of what the catalog says about its bytes, by which it is known to be there without being read. */
  readonly content: number;
}

export interface BackupManifest {
  readonly format: 1;
  readonly number: number;
  readonly createdAt: string;
  readonly tables: number;
  readonly catalog: ManifestFile;
  readonly segments: readonly ManifestFile[];
}

const MANIFEST_NAME = /^backup-(\d+)\.json$/;

export function catalogFolder(number: number): string {
  return `catalog-${number}`;
}

/** The backups of a target, oldest first. Fails with `corrupt` naming the manifest that is damaged. */
export async function readManifests(files: Files, target: string): Promise<BackupManifest[]> {
  const names = (await files.names(target)) ?? [];
  const manifests: BackupManifest[] = [];
  for (const name of names) {
    if (!MANIFEST_NAME.test(name)) continue;
    manifests.push(parsed(name, (await readWhole(files, join(target, name))).toString('utf8')));
  }
  return manifests.sort((a, b) => a.number - b.number);
}

function parsed(name: string, text: string): BackupManifest {
  const [line = ''] = text.split('\n');
  if (text !== withSum(line)) throw new DbError('corrupt', `manifest ${name} of the backup is damaged`);
  const manifest = JSON.parse(line) as BackupManifest;
  if (manifest.format === 1) return manifest;
  throw new DbError('unsupported', `backup ${name} is of format ${String(manifest.format)}; this version reads format 1`, {
    hint: 'use a newer version of FletchDB',
  });
}

function withSum(line: string): string {
  return `${line}\n${JSON.stringify({ crc32c: crc32c(Buffer.from(line)) })}\n`;
}

export async function writeManifest(files: Files, target: string, manifest: BackupManifest): Promise<void> {
  const line = JSON.stringify(manifest);
  const path = join(target, `backup-${manifest.number}.json`);
  const temporary = `${path}.tmp`;
  await writeFile(files, temporary, [Buffer.from(withSum(line))]);
  await files.rename(temporary, path);
  await files.syncFolder(target);
}
