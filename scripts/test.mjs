// npm test: installs, builds, checks and runs everything. The last line is `N passed, N failed`.
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { install, root } from './install.mjs';
import { prepareJdbcDriver } from './java.mjs';
import { preparePython } from './python.mjs';

install();
execFileSync(process.execPath, [join(root, 'scripts/build.mjs')], { cwd: root, stdio: 'inherit' });
const python = preparePython();
const driver = process.env.FLETCH_JDBC_DRIVER ?? prepareJdbcDriver();

const checks = spawnSync(process.execPath, [join(root, 'scripts/check.mjs'), '--no-tests'], { cwd: root, stdio: 'inherit' });

const report = join(root, 'node_modules/.cache/fletch/tests.json');
spawnSync(
  process.execPath,
  [
    join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
    ...process.argv.slice(2),
  ],
  { cwd: root, stdio: 'inherit', env: { ...process.env, FLETCH_PYTHON: python, ...(driver && { FLETCH_JDBC_DRIVER: driver }) } },
);

const results = JSON.parse(readFileSync(report, 'utf8'));
const brokenFiles = results.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0).length;
const passed = results.numPassedTests + (checks.status === 0 ? 1 : 0);
const failed = results.numFailedTests + brokenFiles + (checks.status === 0 ? 0 : 1);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && results.success ? 0 : 1;
