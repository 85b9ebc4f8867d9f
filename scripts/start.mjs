// npm start -- [flags]: installs and builds what is missing or stale, then runs `fletch serve [flags]` in this process.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from './build.mjs';
import { install, root } from './install.mjs';

install();
await build();
process.argv.splice(2, 0, 'serve');
await import(pathToFileURL(join(root, 'dist/bundle/fletch.js')).href);
