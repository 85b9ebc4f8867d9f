/** Runs a script with real Flight clients. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Output of test/<script>; `npm test` prepares the interpreter and names it in FLETCH_PYTHON. */
export async function python(script: string, ...args: readonly string[]): Promise<string> {
  const interpreter = process.env.FLETCH_PYTHON;
  if (!interpreter)
    throw new Error('FLETCH_PYTHON is not set: run the tests by `npm test`, or set it to a Python with test/requirements.txt installed');
  const { stdout } = await run(interpreter, [join(import.meta.dirname, '..', script), ...args], { maxBuffer: 1 << 28, timeout: 50_000 });
  return stdout;
}
