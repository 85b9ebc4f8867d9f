/** What a command may touch outside of itself; tests give it other streams. */
import type { Readable, Writable } from 'node:stream';

export interface Io {
  readonly input: Readable & { readonly isTTY?: boolean };
  readonly output: Writable & { readonly isTTY?: boolean };
  readonly errors: Writable;
  readonly variables: Readonly<Record<string, string | undefined>>;
}

export function processIo(): Io {
  return { input: process.stdin, output: process.stdout, errors: process.stderr, variables: process.env };
}

/** Resolves when the stream has taken the bytes. A reader that has gone (`| head`) is no error. */
export function write(stream: Writable, bytes: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(bytes, (error) => {
      if (error && (error as NodeJS.ErrnoException).code !== 'EPIPE') reject(error);
      else resolve();
    });
  });
}
