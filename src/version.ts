import { readFileSync } from 'node:fs';

/** package.json's version; the file lies one folder above src, two above dist/src. */
export const VERSION: string = (() => {
  const levels = import.meta.url.endsWith('.ts') ? '../package.json' : '../../package.json';
  return (JSON.parse(readFileSync(new URL(levels, import.meta.url), 'utf8')) as { version: string }).version;
})();
