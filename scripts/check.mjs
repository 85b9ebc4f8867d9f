// npm run check: format and lint, types, layers, unused code, then the tests of what has changed. Flag: --no-tests.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { install, root } from './install.mjs';

install();
const steps = [
  ['kernels', 'scripts/build.mjs', ['--kernels']],
  ['format and lint', 'node_modules/@biomejs/biome/bin/biome', ['check', '--error-on-warnings', '.']],
  [
    'types',
    'node_modules/typescript/lib/tsc.js',
    ['--noEmit', '-p', 'tsconfig.json', '--incremental', '--tsBuildInfoFile', 'node_modules/.cache/fletch/check'],
  ],
  ['layers', 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs', ['--config', '.dependency-cruiser.cjs', 'src', 'native-free']],
  ['unused code', 'node_modules/knip/bin/knip.js', ['--no-progress']],
];
if (!process.argv.includes('--no-tests')) steps.push(['changed tests', 'node_modules/vitest/vitest.mjs', ['run', '--changed']]);

let failures = 0;
for (const [title, tool, args] of steps) {
  const start = performance.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, tool), ...args], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  const good = status === 0;
  console.log(`${good ? 'ok  ' : 'FAIL'}  ${title}  (${((performance.now() - start) / 1000).toFixed(1)} s)`);
  if (!good) {
    failures++;
    console.log(`${stdout}${stderr}`);
  }
}
process.exitCode = failures === 0 ? 0 : 1;
