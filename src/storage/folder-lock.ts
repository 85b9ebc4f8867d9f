/**
 * One writer per folder: <path>/writer.lock names the process that writes. The file is made with link(), which fails when the name exists; a
 * file left by a process that is gone (same pid but another start time counts as gone) is taken over.
 */
import { linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { DbError } from '../core/errors.js';
import { ioError } from './io-error.js';

interface Holder {
  readonly pid: number;
  readonly host: string;
  /** Clock ticks since boot at which the process started; '' where the system does not tell. */
  readonly started: string;
  readonly boot: string;
}

const heldHere = new Set<string>();
const TRIES = 16;

/** Takes the lock and returns how to give it back. Fails with `locked`. */
export function lockFolder(folder: string): () => void {
  const lock = resolve(folder, 'writer.lock');
  if (heldHere.has(lock)) throw locked(folder, `this process (pid ${process.pid})`);
  try {
    mkdirSync(folder, { recursive: true });
    acquire(folder, lock);
  } catch (error) {
    throw ioError(error, `${lock} could not be made`);
  }
  heldHere.add(lock);
  return () => {
    heldHere.delete(lock);
    rmSync(lock, { force: true });
  };
}

function acquire(folder: string, lock: string): void {
  const own = join(folder, `writer.lock.${process.pid}`);
  writeFileSync(own, JSON.stringify(ourselves()));
  try {
    for (let attempt = 0; attempt < TRIES; attempt++) {
      if (tryLink(own, lock)) return;
      const text = readIfThere(lock);
      if (text === undefined) continue;
      const holder = parseHolder(text);
      if (holder !== undefined && isAlive(holder)) throw locked(folder, `process ${holder.pid} on ${holder.host}`);
      removeStale(lock, text);
    }
    throw locked(folder, 'another process');
  } finally {
    rmSync(own, { force: true });
  }
}

function locked(folder: string, who: string): DbError {
  return new DbError('locked', `${resolve(folder)} is being written by ${who}`, { hint: 'stop it, or open the folder with read_only' });
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Two takers may see the same stale file: whoever moves a fresh one away by mistake puts it back. */
function removeStale(lock: string, text: string): void {
  const aside = `${lock}.stale.${process.pid}`;
  try {
    renameSync(lock, aside);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw error;
  }
  if (readIfThere(aside) !== text) tryLink(aside, lock);
  rmSync(aside, { force: true });
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

function parseHolder(text: string): Holder | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && 'pid' in value ? (value as Holder) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function ourselves(): Holder {
  return { pid: process.pid, host: hostname(), started: startOf(process.pid), boot: bootId() };
}

function isAlive(holder: Holder): boolean {
  if (holder.boot !== bootId()) return false;
  if (holder.pid === process.pid) return false;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return false;
  }
  return holder.started === startOf(holder.pid) && !isEnded(holder.pid);
}

/** A process that was killed and that nobody has waited for yet (an init that reaps late or never) holds nothing any more. */
function isEnded(pid: number): boolean {
  if (statusFields(pid)[0] !== 'Z') return false;
  try {
    return readdirSync(`/proc/${pid}/task`).length <= 1;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return true;
    throw error;
  }
}

function bootId(): string {
  return readIfThere('/proc/sys/kernel/random/boot_id')?.trim() ?? '';
}

function startOf(pid: number): string {
  return statusFields(pid)[19] ?? '';
}

/** Fields 3 (state) to the last of /proc/<pid>/stat, counted after the command name, which may hold spaces. */
function statusFields(pid: number): readonly string[] {
  const stat = readIfThere(`/proc/${pid}/stat`) ?? '';
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}
