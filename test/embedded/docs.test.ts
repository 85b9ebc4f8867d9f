import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { sessionOf } from '../e2e/doc-blocks.js';
import { ROOT } from '../e2e/server.js';

// Inside of the package, so that `fletchdb` is the build of this checkout.
mkdirSync(join(ROOT, 'dist'), { recursive: true });
const folder = mkdtempSync(join(ROOT, 'dist', 'docs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('the TypeScript of docs/embedded.md type-checks and prints what docs/embedded.md shows', () => {
  const { program, output } = sessionOf('embedded', 'ts');
  writeFileSync(join(folder, 'main.ts'), program);
  const flags = ['--strict', '--skipLibCheck', '--target', 'es2022', '--module', 'nodenext', '--types', 'node', '--ignoreConfig'];
  execFileSync(process.execPath, [join(ROOT, 'node_modules/typescript/lib/tsc.js'), ...flags, 'main.ts'], {
    cwd: folder,
    stdio: 'inherit',
  });
  expect(execFileSync(process.execPath, ['main.js'], { cwd: folder, encoding: 'utf8' })).toBe(output);
});
