/**
 * Files in memory that fail when told to, and that lose in a crash what was not synced: bytes written since the last sync (any of the writes,
 * the last kept one perhaps torn), and names made or removed since their folder's last sync. What a failed sync was to keep is lost for good,
 * although it can still be read.
 */
import { dirname } from 'node:path';
import type { Files, OpenFile } from '../../src/core/files.js';

export type Fault = 'EIO' | 'ENOSPC' | 'short' | 'crash';

interface Write {
  readonly at: number;
  readonly bytes: Uint8Array;
}

class Inode {
  /** What is read. */
  bytes: Uint8Array = new Uint8Array(0);
  /** What a crash leaves for sure. */
  synced: Uint8Array = new Uint8Array(0);
  unsynced: Write[] = [];
  /** Emptied since the last sync: a crash may leave the old bytes or none. */
  isEmptied = false;
}

interface Folder {
  readonly names: Map<string, Inode | Folder>;
  /** Names as of the last sync. */
  synced: Map<string, Inode | Folder>;
}

type Random = () => number;

const folderOf = (names: Map<string, Inode | Folder> = new Map()): Folder => ({ names, synced: new Map(names) });

/** A generator of [0, 1) from a seed (mulberry32). */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class SimulatedFiles implements Files {
  /** Calls so far. */
  calls = 0;
  /** What was called, by number. */
  readonly log: string[] = [];
  openFiles = 0;
  private readonly root: Folder;
  private readonly fault: Fault | null;
  private readonly at: number;
  private isCrashed = false;

  /** The call number `at`, counted from 1, fails; after a crash all do. `root`: the folder that is there, an absolute path. */
  constructor(root: Folder = folderOf(), fault: Fault | null = null, at = 0) {
    this.root = root;
    this.fault = fault;
    this.at = at;
  }

  /** The files as the next process finds them, when the power fails now. */
  afterCrash(random: Random, fault: Fault | null = null, at = 0): SimulatedFiles {
    return new SimulatedFiles(survivors(this.root, random), fault, at);
  }

  /** The files as the next process finds them. */
  afterExit(fault: Fault | null = null, at = 0): SimulatedFiles {
    return new SimulatedFiles(this.root, fault, at);
  }

  async makeFolder(path: string): Promise<void> {
    this.call(`makeFolder ${path}`);
    let folder = this.root;
    for (const name of partsOf(path)) {
      let next = folder.names.get(name);
      if (next === undefined) folder.names.set(name, (next = folderOf()));
      if (next instanceof Inode) throw failure('ENOTDIR', path);
      folder = next;
    }
  }

  async open(path: string, use: 'read' | 'write'): Promise<OpenFile> {
    this.call(`open ${path} ${use}`);
    const folder = this.folder(dirname(path));
    const name = nameOf(path);
    let inode = folder?.names.get(name);
    if (folder === undefined || (inode === undefined && use === 'read')) throw failure('ENOENT', path);
    if (inode !== undefined && !(inode instanceof Inode)) throw failure('EISDIR', path);
    if (inode === undefined) folder.names.set(name, (inode = new Inode()));
    else if (use === 'write') {
      inode.bytes = new Uint8Array(0);
      inode.unsynced = [];
      inode.isEmptied = true;
    }
    this.openFiles += 1;
    return this.handle(inode, path);
  }

  async remove(path: string): Promise<void> {
    this.call(`remove ${path}`);
    this.folder(dirname(path))?.names.delete(nameOf(path));
  }

  async removeFolder(path: string): Promise<void> {
    this.call(`removeFolder ${path}`);
    this.folder(dirname(path))?.names.delete(nameOf(path));
  }

  async rename(from: string, to: string): Promise<void> {
    this.call(`rename ${from} ${to}`);
    const names = this.folder(dirname(from))?.names;
    const moved = names?.get(nameOf(from));
    const place = this.folder(dirname(to));
    if (moved === undefined || place === undefined) throw failure('ENOENT', from);
    names?.delete(nameOf(from));
    place.names.set(nameOf(to), moved);
  }

  async syncFolder(path: string): Promise<void> {
    this.call(`syncFolder ${path}`);
    const folder = this.folder(path);
    if (folder === undefined) throw failure('ENOENT', path);
    folder.synced = new Map(folder.names);
  }

  async names(path: string): Promise<readonly string[] | undefined> {
    this.call(`names ${path}`);
    const folder = this.folder(path);
    return folder && [...folder.names.keys()];
  }

  /** Names of the files in a folder, without a call. */
  namesIn(path: string): string[] {
    return [...(this.folder(path)?.names.keys() ?? [])];
  }

  /** The bytes of a file, to be changed behind everybody's back. */
  bytesOf(path: string): Uint8Array {
    const inode = this.folder(dirname(path))?.names.get(nameOf(path));
    if (!(inode instanceof Inode)) throw failure('ENOENT', path);
    return inode.bytes;
  }

  private handle(inode: Inode, path: string): OpenFile {
    let end = 0;
    let isOpen = true;
    return {
      read: async (into, at, count, position) => {
        const isShort = this.call(`read ${path}`);
        const found = inode.bytes.subarray(position, position + (isShort ? Math.ceil(count / 2) : count));
        into.set(found, at);
        return found.length;
      },
      write: async (from, at, count) => {
        const isShort = this.call(`write ${path}`, () => writeTo(inode, end, from.slice(at, at + (count >> 1))));
        const bytes = from.slice(at, at + (isShort ? Math.ceil(count / 2) : count));
        writeTo(inode, end, bytes);
        end += bytes.length;
        return bytes.length;
      },
      sync: async () => {
        // A failed sync marks the pages clean: nothing will write them again.
        this.call(`sync ${path}`, () => {
          if (this.isCrashed) return;
          inode.unsynced = [];
          inode.isEmptied = false;
        });
        inode.synced = inode.bytes.slice();
        inode.unsynced = [];
        inode.isEmptied = false;
      },
      close: async () => {
        if (isOpen) this.openFiles -= 1;
        isOpen = false;
        this.call(`close ${path}`);
      },
    };
  }

  /** Counts a call and fails when it is its turn; `half`: what is done all the same. Gives whether it does less than it is asked for. */
  private call(what: string, half: () => void = () => undefined): boolean {
    this.calls += 1;
    this.log.push(what);
    if (this.isCrashed) throw failure('EIO', `${what} after the crash`);
    if (this.calls !== this.at || this.fault === null) return false;
    if (this.fault === 'short') return true;
    this.isCrashed = this.fault === 'crash';
    half();
    throw failure(this.fault === 'crash' ? 'EIO' : this.fault, what);
  }

  private folder(path: string): Folder | undefined {
    let folder = this.root;
    for (const name of partsOf(path)) {
      const next = folder.names.get(name);
      if (next === undefined || next instanceof Inode) return undefined;
      folder = next;
    }
    return folder;
  }
}

function writeTo(inode: Inode, at: number, bytes: Uint8Array): void {
  inode.bytes = withWrite(inode.bytes, { at, bytes });
  inode.unsynced.push({ at, bytes });
}

function withWrite(content: Uint8Array, { at, bytes }: Write): Uint8Array {
  const next = new Uint8Array(Math.max(content.length, at + bytes.length));
  next.set(content);
  next.set(bytes, at);
  return next;
}

function survivors(folder: Folder, random: Random): Folder {
  const names = new Map<string, Inode | Folder>();
  for (const name of new Set([...folder.synced.keys(), ...folder.names.keys()])) {
    const now = folder.names.get(name);
    const before = folder.synced.get(name);
    const kept = now === before || random() < 0.5 ? now : before;
    if (kept !== undefined) names.set(name, kept instanceof Inode ? survivor(kept, random) : survivors(kept, random));
  }
  return folderOf(names);
}

function survivor(inode: Inode, random: Random): Inode {
  const kept = new Inode();
  let bytes = inode.isEmptied && random() < 0.5 ? new Uint8Array(0) : inode.synced;
  for (const write of inode.unsynced) {
    const share = random();
    if (share < 0.4) continue;
    const isTorn = share > 0.8;
    bytes = withWrite(bytes, isTorn ? { at: write.at, bytes: write.bytes.subarray(0, Math.floor(random() * write.bytes.length)) } : write);
  }
  kept.bytes = kept.synced = bytes.slice();
  return kept;
}

const partsOf = (path: string): string[] => path.split('/').filter((name) => name !== '');
const nameOf = (path: string): string => partsOf(path).at(-1) ?? '';

function failure(code: string, what: string): Error {
  return Object.assign(new Error(`${code}: ${what}`), { code });
}
