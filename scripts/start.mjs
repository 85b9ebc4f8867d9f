// npm start -- [flags]: installs and builds what is missing or stale, then runs `fletch serve [flags]` in this process.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { install, root } from './install.mjs';

install();
execFileSync(process.execPath, [join(root, 'scripts/build.mjs')], { cwd: root, stdio: ['ignore', 2, 2] });
process.argv.splice(2, 0, 'serve');
await import(pathToFileURL(join(root, 'dist/src/cli/main.js')).href);
