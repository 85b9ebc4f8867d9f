// npm run bench -- tpch --data FOLDER --path FOLDER [--only 1,6] [--rounds N] [--warm-up N] [--threads N]
// TPC-H beside DuckDB: FOLDER holds the eight tables as parquet (tpchgen-cli parquet -s 1 --output-dir FOLDER, from PyPI); --path is the
// database's folder, which is loaded once and kept. Every answer is compared with DuckDB's before it is timed.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { install, root } from '../scripts/install.mjs';
import { preparePython } from '../scripts/python.mjs';
import { startServer } from './server.mjs';

const text = { type: 'string' };
const { values } = parseArgs({
  args: process.argv.slice(2),
  options: { data: text, path: text, only: text, rounds: text, 'warm-up': text, threads: { ...text, default: '2' } },
});
if (!values.data || !values.path) throw new Error('npm run bench -- tpch --data FOLDER-OF-PARQUET --path DATABASE-FOLDER');
install();
if (!process.env.FLETCH_BENCH_NO_BUILD) execFileSync(process.execPath, [join(root, 'scripts/build.mjs')], { cwd: root, stdio: 'inherit' });
const python = process.env.FLETCH_PYTHON ?? preparePython();
const server = await startServer(values.path, ['--threads', values.threads]);
try {
  const args = [join(root, 'bench/tpch/measure.py'), '--http', server.http, '--flight', server.flight];
  for (const [name, value] of Object.entries(values)) if (name !== 'path') args.push(`--${name}`, value);
  const child = spawn(python, args, { stdio: 'inherit' });
  const [code] = await once(child, 'close');
  process.exitCode = code;
} finally {
  await server.stop();
}
