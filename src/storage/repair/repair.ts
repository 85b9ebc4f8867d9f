/**
 * `fletch repair`: leaves of a damaged database what is sound. Nothing is destroyed: files that go are moved into a folder of their own, and
 * so is a copy of the catalog as it was. Order: copy the catalog, move the files, then one transaction of the catalog; whatever is interrupted can
 * be begun anew.
 */
import { join, resolve } from 'node:path';
import type { Kernels } from '../../../native-free/kernels.js';
import type { Arena } from '../../core/arena.js';
import { DbError } from '../../core/errors.js';
import { type Files, writeAll } from '../../core/files.js';
import type { SegmentRecord, TableRecord } from '../catalog/catalog.js';
import { openCatalog } from '../catalog/lmdb-catalog.js';
import { addressesOf } from '../columns/column-buffers.js';
import { lockFolder } from '../folder-lock.js';
import { StorageMemory } from '../memory.js';
import { readSegmentColumn } from '../segments/segment-file.js';
import { type Damage, damageText } from './damage.js';
import { type Survey, surveyOf } from './survey.js';

export interface RepairOptions {
  /** Folder of the database; nobody else may write it. */
  readonly path: string;
  readonly files: Files;
  readonly arena: Arena;
  readonly kernels: Kernels;
  /** false: nothing is changed. */
  readonly apply: boolean;
  /** Part of the name of the folder that takes what is set aside. */
  readonly label: string;
}

export interface RepairReport {
  readonly damages: readonly Damage[];
  /** Files that are, or would be, set aside, and where to. */
  readonly setAside: readonly string[];
  readonly folder: string;
}

/** Fails with `locked`, `not_found`, or `corrupt` when the catalog cannot be read at all. */
export async function repairDatabase(options: RepairOptions): Promise<RepairReport> {
  const path = resolve(options.path);
  if ((await options.files.names(join(path, 'catalog'))) === undefined) throw new DbError('not_found', `no database in ${path}`);
  const unlock = lockFolder(path);
  try {
    const catalog = await openCatalog(join(path, 'catalog'), options.arena, options.kernels, !options.apply);
    try {
      const segments = join(path, 'segments');
      const names = (await options.files.names(segments)) ?? [];
      const survey = await surveyOf(catalog, names.filter(isSegmentFile), (table, record) => failureOf(options, segments, table, record));
      const folder = join(path, `quarantine-${options.label}`);
      const setAside = [...survey.setAside].filter((name) => names.includes(name)).sort();
      if (options.apply && survey.damages.length > 0) {
        await setFilesAside(options.files, segments, folder, setAside, survey, (to) => catalog.copyTo(to));
        await catalog.commit(survey.writes);
      }
      return { damages: survey.damages, setAside, folder };
    } finally {
      await catalog.close();
    }
  } finally {
    unlock();
  }
}

const isSegmentFile = (name: string) => name.endsWith('.arrow');

async function setFilesAside(
  files: Files,
  segments: string,
  folder: string,
  names: readonly string[],
  survey: Survey,
  copyCatalog: (to: string) => Promise<void>,
): Promise<void> {
  const catalogFolder = join(folder, 'catalog');
  await files.makeFolder(catalogFolder);
  await copyCatalog(catalogFolder);
  const report = await files.open(join(folder, 'report.txt'), 'write');
  await writeAll(report, Buffer.from(`${survey.damages.map(damageText).join('\n')}\n`));
  await report.sync();
  await report.close();
  for (const name of names) await files.rename(join(segments, name), join(folder, name));
  for (const changed of [catalogFolder, folder, segments, join(folder, '..')]) await files.syncFolder(changed);
}

/** What keeps a column of the segment from being read. Damage in what no query reads is none. */
async function failureOf(
  { arena, kernels, files }: RepairOptions,
  folder: string,
  table: TableRecord,
  record: SegmentRecord,
): Promise<string | undefined> {
  const memory = new StorageMemory(arena, kernels);
  const definitions = [...table.definition.columns, ...(table.retired ?? [])];
  for (const { id, dictionary, node } of record.columns) {
    const definition = definitions.find((column) => column.id === id);
    if (definition === undefined) return `segment ${table.id}-${record.id} has a column that the table never had`;
    const { name, type } = definition;
    try {
      const column = await readSegmentColumn(memory, files, folder, record.file, { name, type, dictionary, node });
      for (const address of addressesOf(column)) memory.free(address);
    } catch (error) {
      if (error instanceof DbError && (error.code === 'corrupt' || error.code === 'io_error')) return error.message;
      throw error;
    }
  }
  return undefined;
}
