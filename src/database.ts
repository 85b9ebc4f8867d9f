/** Composition root: settings → arena, storage, worker pool, query service. Every door gets the Engine that is made here. */
import { availableParallelism } from 'node:os';
import { instantiateKernels } from '../native-free/kernels.js';
import { Arena } from './core/arena.js';
import type { Engine } from './core/contracts.js';
import { type Environment, systemEnvironment } from './core/environment.js';
import type { Settings } from './core/settings.js';
import { createQueryService } from './query/query-service.js';
import { openSpillSpace } from './query/spill/spill-space.js';
import { type BackupResult, backUp } from './storage/backup/backup.js';
import { openStorage } from './storage/open.js';
import { type RepairReport, repairDatabase } from './storage/repair/repair.js';
import { VERSION } from './version.js';
import { createWorkerPool } from './workers/pool.js';

export interface OpenEngine extends Engine {
  readonly settings: Settings;
  /** Starts the worker threads now instead of with the first large query. */
  warmUp(): void;
  /** Ends running queries, waits for commits under way, closes files. */
  close(): Promise<void>;
}

export interface OpenOptions {
  readonly environment?: Environment;
  /** Worker threads; 0 runs everything on the calling thread. Default: settings.threads, where 0 means one per core. */
  readonly workerThreads?: number;
}

/** Opens the database that settings.path names. Fails with `locked`, `corrupt`, `io_error`, `invalid_argument`. */
export async function openDatabase(settings: Settings, options: OpenOptions = {}): Promise<OpenEngine> {
  const environment = options.environment ?? systemEnvironment;
  const arena = Arena.create(0, settings.memory_limit);
  const kernels = instantiateKernels(arena.memory);
  const storage = await openStorage({ path: settings.path, settings, environment, arena, kernels });
  const spill = await openSpillSpace(settings, environment.files).catch(async (error: unknown) => {
    await storage.close();
    throw error;
  });
  const threads = options.workerThreads ?? (settings.threads === 0 ? availableParallelism() : settings.threads);
  const pool = createWorkerPool({ threads, arena, kernels });
  const query = createQueryService({ storage, ingest: storage.ingest, pool, kernels, settings, environment, spill, version: VERSION });
  const close = async () => {
    await query.close();
    await pool.close();
    await storage.close();
  };
  return { version: VERSION, settings, arena, storage, query, ingest: query.ingest, warmUp: () => pool.start(), close };
}

/** Finds what is damaged in the folder of settings.path and, with `apply`, leaves it out (storage/repair/repair.ts). Nobody else may be writing it. */
export async function repairDatabaseFolder(
  settings: Settings,
  apply: boolean,
  environment: Environment = systemEnvironment,
): Promise<RepairReport> {
  const arena = Arena.create(0, settings.memory_limit);
  const kernels = instantiateKernels(arena.memory);
  const now = new Date(Number(environment.nowNanoseconds() / 1_000_000n)).toISOString();
  const label = now.replaceAll(/[:.]/g, '-');
  return repairDatabase({ path: settings.path, files: environment.files, arena, kernels, apply, label });
}

/** Backs the folder of settings.path up into `target` (storage/backup.ts); another process may be writing it. `keep`: newest backups that stay, 0 = all. */
export async function backUpDatabase(
  settings: Settings,
  target: string,
  keep = 0,
  environment: Environment = systemEnvironment,
): Promise<BackupResult> {
  const arena = Arena.create(0, settings.memory_limit);
  const kernels = instantiateKernels(arena.memory);
  const createdAt = new Date(Number(environment.nowNanoseconds() / 1_000_000n)).toISOString();
  return backUp({ source: settings.path, target, keep, files: environment.files, arena, kernels, createdAt });
}
