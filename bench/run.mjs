// npm run bench -- [--rows N] [--parquet FILE] [--only NAME,…]: starts a server on a fresh folder and measures it beside DuckDB in one run.
// npm run bench -- tpch …: TPC-H (bench/tpch.mjs). npm run bench -- time …: time-series queries (bench/time.mjs).
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { install, root } from '../scripts/install.mjs';
import { preparePython } from '../scripts/python.mjs';
import { startServer } from './server.mjs';

const suite = process.argv[2];
if (suite === 'tpch' || suite === 'time') {
  process.argv.splice(2, 1);
  await import(`./${suite}.mjs`);
} else {
  await measure();
}

async function measure() {
  install();
  execFileSync(process.execPath, [join(root, 'scripts/build.mjs')], { cwd: root, stdio: 'inherit' });
  const python = preparePython();
  const folder = mkdtempSync(join(tmpdir(), 'fletch-bench-'));
  const started = performance.now();
  const server = await startServer(folder);
  console.log(`ready after ${Math.round(performance.now() - started)} ms`);
  const args = [
    join(root, 'bench/measure.py'),
    '--http',
    server.http,
    '--flight',
    server.flight,
    '--pid',
    String(server.pid),
    ...process.argv.slice(2),
  ];
  const child = spawn(python, args, { stdio: 'inherit' });
  const [code] = await once(child, 'close');
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
  process.exitCode = code;
}
