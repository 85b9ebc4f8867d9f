// The Python side of the tests: a virtual environment with the real clients, made once under node_modules/.cache.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './install.mjs';

/** Path of the environment's interpreter; creates or completes the environment when test/requirements.txt has changed. */
export function preparePython() {
  const folder = join(root, 'node_modules/.cache/fletch/venv');
  const python = join(folder, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
  const requirements = join(root, 'test/requirements.txt');
  const marker = join(folder, 'requirements.txt');
  const wanted = readFileSync(requirements, 'utf8');
  if (existsSync(python) && existsSync(marker) && readFileSync(marker, 'utf8') === wanted) return python;
  console.error('fletchdb: preparing the Python clients for the tests (once)');
  execFileSync(process.env.FLETCH_BASE_PYTHON ?? 'python3', ['-m', 'venv', folder], { stdio: ['ignore', 2, 2] });
  execFileSync(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements], { stdio: ['ignore', 2, 2] });
  writeFileSync(marker, wanted);
  return python;
}
