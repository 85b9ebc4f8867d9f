/** Starts the real server as a user does (the built command in its own process) and says where it answers. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface ServerProcess {
  readonly httpUrl: string;
  readonly flightUrl: string;
  readonly process: ChildProcess;
  /** What it has printed on stderr so far. */
  errors(): string;
  /** Sends SIGTERM and resolves with the exit code. */
  stop(): Promise<number | null>;
}

export async function startServerProcess(flags: readonly string[]): Promise<ServerProcess> {
  const args = ['dist/bundle/fletch.js', 'serve', '--http-port', '0', '--flight-port', '0', ...flags];
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const urls = await new Promise<{ http: string; flight: string }>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      const http = /^http +(\S+)$/m.exec(output)?.[1];
      const flight = /^flight +(\S+)$/m.exec(output)?.[1];
      if (http && flight) resolve({ http, flight });
    });
    child.once('exit', (code) => reject(new Error(`server ended with ${code} before it answered:\n${output}${errors}`)));
  });
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    child.kill('SIGTERM');
    const [code] = await once(child, 'exit');
    return code as number | null;
  };
  return { httpUrl: urls.http, flightUrl: urls.flight, process: child, errors: () => errors, stop };
}

/** The interpreter of the tests' virtual environment. */
export function pythonPath(): string {
  const path = process.env.FLETCH_PYTHON;
  if (!path) throw new Error('FLETCH_PYTHON is not set: run `npm test`, which prepares the Python clients');
  return path;
}

/** Runs a Python script of this folder; resolves with its standard output, fails with its error output. */
export async function runPython(script: string, args: readonly string[]): Promise<string> {
  const child = spawn(pythonPath(), [fileURLToPath(new URL(script, import.meta.url)), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${script} ended with ${code}\n${output}\n${errors}`);
  return output;
}
