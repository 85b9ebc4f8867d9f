// A FletchDB server in a process of its own, for measurements.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { root } from '../scripts/install.mjs';

/** Starts the built server over a folder; resolves when it answers. */
export async function startServer(folder, flags = []) {
  const main = join(root, 'dist/src/cli/main.js');
  const args = [...(process.env.FLETCH_NODE_FLAGS?.split(' ') ?? []), main, 'serve', '--path', folder];
  const server = spawn(process.execPath, [...args, '--http-port', '0', '--flight-port', '0', ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const urls = await new Promise((resolve, reject) => {
    let output = '';
    server.stdout.setEncoding('utf8').on('data', (text) => {
      output += text;
      const http = /^http +(\S+)$/m.exec(output)?.[1];
      const flight = /^flight +(\S+)$/m.exec(output)?.[1];
      if (http && flight) resolve({ http, flight });
    });
    server.once('exit', (code) => reject(new Error(`the server ended with ${code} before it answered`)));
  });
  const stop = async () => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    server.kill('SIGTERM');
    await once(server, 'exit');
  };
  return { ...urls, pid: server.pid, stop };
}
