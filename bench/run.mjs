// npm run bench -- [--rows N] [--parquet FILE] [--only NAME,…]: starts a server on a fresh folder and measures it beside DuckDB in one run.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { install, root } from '../scripts/install.mjs';
import { preparePython } from '../scripts/python.mjs';

install();
execFileSync(process.execPath, [join(root, 'scripts/build.mjs')], { cwd: root, stdio: 'inherit' });
const python = preparePython();
const folder = mkdtempSync(join(tmpdir(), 'fletch-bench-'));
const main = join(root, 'dist/bundle/fletch.js');
const started = performance.now();
const server = spawn(process.execPath, [main, 'serve', '--path', folder, '--http-port', '0', '--flight-port', '0'], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
const urls = await new Promise((resolve) => {
  let output = '';
  server.stdout.setEncoding('utf8').on('data', (text) => {
    output += text;
    const http = /^http +(\S+)$/m.exec(output)?.[1];
    const flight = /^flight +(\S+)$/m.exec(output)?.[1];
    if (http && flight) resolve({ http, flight });
  });
});
console.log(`ready after ${Math.round(performance.now() - started)} ms`);
const args = [
  join(root, 'bench/measure.py'),
  '--http',
  urls.http,
  '--flight',
  urls.flight,
  '--pid',
  String(server.pid),
  ...process.argv.slice(2),
];
const child = spawn(python, args, { stdio: 'inherit' });
const [code] = await once(child, 'close');
server.kill('SIGTERM');
await once(server, 'exit');
rmSync(folder, { recursive: true, force: true });
process.exitCode = code;
