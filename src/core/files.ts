/** Files of the database folder. A simulator replaces the object to make them fail. Paths are absolute; errors are those of the system, with `code`. */
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';

export interface Files {
  /** Makes the folder and those above it; nothing happens to one that is there. */
  makeFolder(path: string): Promise<void>;
  /** `write`: the file is made, or emptied. */
  open(path: string, use: 'read' | 'write'): Promise<OpenFile>;
  /** Removes a file. That it is not there is no error. */
  remove(path: string): Promise<void>;
  /** Removes a folder and everything in it. That it is not there is no error. */
  removeFolder(path: string): Promise<void>;
  /** Gives a file or folder another name; a file of that name, or an empty folder, is replaced. */
  rename(from: string, to: string): Promise<void>;
  /** Makes names that were made or removed in the folder durable. */
  syncFolder(path: string): Promise<void>;
  /** Names in the folder; undefined: there is no such folder. */
  names(folder: string): Promise<readonly string[] | undefined>;
}

export interface OpenFile {
  /** Bytes read to into[at…], fewer than `count` when the file ends or the system likes; 0 at the end. */
  read(into: Uint8Array, at: number, count: number, position: number): Promise<number>;
  /** Bytes written from from[at…] behind those written before, at most `count`. */
  write(from: Uint8Array, at: number, count: number): Promise<number>;
  /** Resolves when what was written survives a loss of power. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** Writes all bytes behind those written before, however many the system takes at once. */
export async function writeAll(file: OpenFile, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) done += await file.write(bytes, done, bytes.length - done);
}

export const systemFiles: Files = {
  makeFolder: async (path) => {
    await mkdir(path, { recursive: true });
  },
  open: async (path, use) => {
    const handle = await open(path, use === 'read' ? 'r' : 'w');
    return {
      read: async (into, at, count, position) => (await handle.read(into, at, count, position)).bytesRead,
      write: async (from, at, count) => (await handle.write(from, at, count)).bytesWritten,
      sync: () => handle.sync(),
      close: () => handle.close(),
    };
  },
  remove: (path) => rm(path, { force: true }),
  removeFolder: (path) => rm(path, { force: true, recursive: true }),
  rename: (from, to) => rename(from, to),
  syncFolder: async (path) => {
    const handle = await open(path, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
  names: async (folder) => {
    try {
      return await readdir(folder);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
  },
};
