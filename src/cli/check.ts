/** `fletch check`: compares everything that is stored with its checksums. Nothing is changed, and a process that writes the folder may go on. */
import type { CommandLine } from './config.js';
import { errorText } from './error-text.js';
import { type Io, write } from './io.js';

interface Sum {
  files: number;
  bytes: number;
  damaged: number;
}

/** Exit code 1 when something is damaged. */
export async function runCheck(line: CommandLine, io: Io): Promise<number> {
  const { openDatabase } = await import('../database.js');
  const engine = await openDatabase({ ...line.settings, read_only: true }, { workerThreads: 0 });
  const sums = new Map<string, Sum>();
  try {
    for await (const { table, file, sizeBytes, error } of engine.storage.verify()) {
      const sum = sums.get(table) ?? { files: 0, bytes: 0, damaged: 0 };
      sums.set(table, sum);
      sum.files += file === null ? 0 : 1;
      sum.bytes += sizeBytes;
      if (error === null) continue;
      sum.damaged += 1;
      await write(io.errors, `${table}: ${errorText(error)}`);
    }
  } finally {
    await engine.close();
  }
  let damaged = 0;
  for (const [table, sum] of sums) {
    damaged += sum.damaged;
    const state = sum.damaged === 0 ? 'sound' : `${sum.damaged} damaged`;
    await write(io.output, `${table}: ${sum.files} ${sum.files === 1 ? 'file' : 'files'}, ${sum.bytes} bytes, ${state}\n`);
  }
  await write(io.output, damaged === 0 ? 'all is sound\n' : `${damaged} damaged\n`);
  return damaged === 0 ? 0 : 1;
}
