import { execFileSync } from 'node:child_process';

/** Worker threads load compiled code, so tests start from a fresh build (a no-op when nothing has changed). */
export function setup(): void {
  if (process.env.FLETCH_TEST_NO_BUILD === '1') return;
  execFileSync(process.execPath, ['scripts/build.mjs'], { stdio: 'inherit' });
}
