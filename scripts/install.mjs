// Makes sure that node_modules is what package-lock.json says; does nothing (and costs nothing) when it is.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, utimesSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** True when every package of the lock file is installed in its version (optional ones for other platforms left out). */
function isInstalled() {
  const marker = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(marker)) return false;
  const lockFile = join(root, 'package-lock.json');
  if (statSync(marker).mtimeMs > statSync(lockFile).mtimeMs) return true;
  const wanted = JSON.parse(readFileSync(lockFile, 'utf8')).packages;
  const present = JSON.parse(readFileSync(marker, 'utf8')).packages;
  const complete = Object.entries(wanted).every(
    ([path, entry]) => path === '' || entry.optional || present[path]?.version === entry.version,
  );
  if (complete) utimesSync(marker, new Date(), new Date());
  return complete;
}

// npm install, not npm ci: ci refuses a lock file that names no packages for platforms which a registry does not carry.
export function install() {
  if (isInstalled()) return;
  console.error('fletchdb: installing packages (once)');
  execFileSync('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: root, stdio: ['ignore', 2, 2] });
}
