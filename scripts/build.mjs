// Builds what has changed: every kernel module (AssemblyScript → dist/native-free/*.wasm), the TypeScript (→ dist), and of that the few
// files that the command and its threads start from (→ dist/bundle: hundreds of modules take a quarter of a second to load).
// Flags: --kernels builds the kernels only; --clean builds everything anew.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const out = join(root, 'dist');
// Low memory of every arena: one 64 KiB slot of static data per kernel module, in this order (see native-free/kernels.ts).
const KERNEL_MODULES = ['vector', 'text', 'relation', 'store', 'wire', 'format', 'window', 'series', 'asof', 'match', 'parquet'];

function newestChange(path) {
  const status = statSync(path, { throwIfNoEntry: false });
  if (!status) return 0;
  if (!status.isDirectory()) return status.mtimeMs;
  return Math.max(status.mtimeMs, ...readdirSync(path).map((name) => newestChange(join(path, name))));
}

function run(tool, args) {
  execFileSync(process.execPath, [tool, ...args], { cwd: root, stdio: ['ignore', 2, 2] });
}

function buildKernels() {
  const folder = join(out, 'native-free');
  mkdirSync(folder, { recursive: true });
  const shared = newestChange(join(root, 'native-free', 'assembly', 'shared'));
  KERNEL_MODULES.forEach((name, slot) => {
    const source = join(root, 'native-free', 'assembly', name);
    const target = join(folder, `${name}.wasm`);
    if (!existsSync(join(source, 'index.ts'))) return;
    const newest = Math.max(newestChange(source), shared, newestChange(fileURLToPath(import.meta.url)));
    if (newestChange(target) >= newest && existsSync(join(root, 'native-free', 'generated', `${name}.ts`))) return;
    const temporary = join(folder, `${name}.${process.pid}.tmp.wasm`);
    run(join(root, 'node_modules/assemblyscript/bin/asc.js'), [
      join('native-free/assembly', name, 'index.ts'),
      '--outFile',
      temporary,
      '--bindings',
      'raw',
      '-O3',
      '--noAssert',
      '--runtime',
      'stub',
      '--importMemory',
      '--sharedMemory',
      '--initialMemory',
      '16',
      '--maximumMemory',
      '65536',
      '--memoryBase',
      String(4096 + slot * 65536),
      '--enable',
      'simd',
      '--enable',
      'threads',
    ]);
    const types = temporary.replace('.wasm', '.d.ts');
    mkdirSync(join(root, 'native-free', 'generated'), { recursive: true });
    writeFileSync(join(root, 'native-free', 'generated', `${name}.ts`), asInterface(name, readFileSync(types, 'utf8')));
    rmSync(types);
    rmSync(temporary.replace('.wasm', '.js'), { force: true });
    renameSync(temporary, target);
  });
}

/** Turns asc's declarations into one interface per module, so that the kernel table is typed by its own source. */
function asInterface(name, declarations) {
  const title = `${name[0].toUpperCase()}${name.slice(1)}Kernels`;
  const methods = [...declarations.matchAll(/export function (\w+)\(([^)]*)\): ([\w<>| ]+);/g)].map(
    ([, fn, args, result]) => `  ${fn}(${args}): ${result};`,
  );
  return `// Written by scripts/build.mjs from native-free/assembly/${name}; do not edit.\nexport interface ${title} {\n${methods.join('\n')}\n}\n`;
}

function buildTypeScript() {
  const stamp = join(out, '.built');
  const newest = Math.max(
    newestChange(join(root, 'src')),
    newestChange(join(root, 'native-free')),
    newestChange(join(root, 'tsconfig.build.json')),
  );
  if (newestChange(stamp) >= newest) return;
  // What tsc remembers to have written may be gone with dist.
  if (!existsSync(stamp)) rmSync(join(root, 'node_modules/.cache/fletch/tsbuildinfo'), { force: true });
  try {
    run(join(root, 'node_modules/typescript/lib/tsc.js'), ['-p', 'tsconfig.build.json']);
  } catch (error) {
    if (process.env.FLETCH_BUILD_LENIENT !== '1') throw error;
  }
  writeFileSync(stamp, '');
}

async function buildBundle() {
  const folder = join(out, 'bundle');
  const command = join(folder, 'fletch.js');
  if (newestChange(command) >= newestChange(join(out, '.built'))) return;
  const { rolldown } = await import('rolldown');
  const bundle = await rolldown({
    input: { fletch: join(out, 'src/cli/main.js'), thread: join(out, 'src/workers/thread.js') },
    platform: 'node',
    external: (id) => !id.startsWith('.') && !isAbsolute(id),
    plugins: [{ name: 'module-addresses', transform: (code, id) => withOwnAddress(code, id, folder) }],
  });
  rmSync(folder, { recursive: true, force: true });
  await bundle.write({ dir: folder, format: 'esm', chunkFileNames: '[name]-[hash].js' });
  const now = new Date();
  utimesSync(command, now, now);
}

/** In the bundle, a module keeps the address that it had: files are found beside it. The threads' file alone is in the bundle itself. */
function withOwnAddress(code, id, folder) {
  if (!code.includes('import.meta.url') || id.endsWith(join('src', 'workers', 'pool.js'))) return null;
  const address = relative(folder, id).split(sep).join('/');
  return code.replaceAll('import.meta.url', `new URL(${JSON.stringify(address)}, import.meta.url).href`);
}

/** Brings dist up to date. Flags as above. */
export async function build(flags = []) {
  if (flags.includes('--clean')) {
    rmSync(out, { recursive: true, force: true });
    rmSync(join(root, 'node_modules/.cache/fletch/tsbuildinfo'), { force: true });
  }
  mkdirSync(out, { recursive: true });
  buildKernels();
  if (flags.includes('--kernels')) return;
  buildTypeScript();
  await buildBundle();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await build(process.argv.slice(2));
