// npm run bench -- time [--rows N | --data FOLDER] [--only NAME,…] [--peers duckdb,polars]: time-series queries over Flight (bench/time/measure.py).
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { install, root } from '../scripts/install.mjs';
import { preparePython } from '../scripts/python.mjs';
import { startServer } from './server.mjs';

install();
execFileSync(process.execPath, [join(root, 'scripts/build.mjs')], { cwd: root, stdio: 'inherit' });
const python = preparePython();
const folder = mkdtempSync(join(tmpdir(), 'fletch-bench-'));
const server = await startServer(folder);
const args = [join(root, 'bench/time/measure.py'), '--flight', server.flight, ...process.argv.slice(2)];
const child = spawn(python, args, { stdio: 'inherit' });
const [code] = await once(child, 'close');
await server.stop();
rmSync(folder, { recursive: true, force: true });
process.exitCode = code;
