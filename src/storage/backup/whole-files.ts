/** Files that are read, copied and compared as a whole. Errors are those of the system. */
import { crc32c } from '../../core/crc32c.js';
import { type Files, writeAll } from '../../core/files.js';

const PIECE_BYTES = 1 << 22;

export interface FileSum {
  readonly sizeBytes: number;
  readonly crc32c: number;
}

/** Gives all bytes of a file, piece by piece; each is used before the next is read. */
async function* piecesOf(files: Files, path: string): AsyncGenerator<Uint8Array> {
  const handle = await files.open(path, 'read');
  try {
    const piece = new Uint8Array(PIECE_BYTES);
    for (let position = 0; ; ) {
      const count = await handle.read(piece, 0, PIECE_BYTES, position);
      if (count === 0) return;
      yield piece.subarray(0, count);
      position += count;
    }
  } finally {
    await handle.close();
  }
}

export async function readWhole(files: Files, path: string): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const piece of piecesOf(files, path)) parts.push(Buffer.from(piece));
  return Buffer.concat(parts);
}

export async function sumOf(files: Files, path: string): Promise<FileSum> {
  let sum: FileSum = { sizeBytes: 0, crc32c: 0 };
  for await (const piece of piecesOf(files, path)) sum = withPiece(sum, piece);
  return sum;
}

/** Makes bytes that another has written durable. */
export async function syncFile(files: Files, path: string): Promise<void> {
  const handle = await files.open(path, 'read');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Copies a file, durable but for its name; gives what was copied. */
export async function copyFile(files: Files, from: string, to: string): Promise<FileSum> {
  return writeFile(files, to, piecesOf(files, from));
}

/** Writes a file, durable but for its name. */
export async function writeFile(files: Files, path: string, pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<FileSum> {
  const handle = await files.open(path, 'write');
  try {
    let sum: FileSum = { sizeBytes: 0, crc32c: 0 };
    for await (const piece of pieces) {
      await writeAll(handle, piece);
      sum = withPiece(sum, piece);
    }
    await handle.sync();
    return sum;
  } finally {
    await handle.close();
  }
}

function withPiece(sum: FileSum, piece: Uint8Array): FileSum {
  return { sizeBytes: sum.sizeBytes + piece.length, crc32c: crc32c(piece, sum.crc32c) };
}
