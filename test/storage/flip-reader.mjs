// Flips one bit of a file at a time and says what the database answers then. A native crash ends the process; flipped-catalog.test.ts goes on behind it.
// Arguments: folder of the database, file, first byte, step, the right answer's hash. A line is a byte's place and what came of it.
import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { instantiateKernels } from '../../dist/native-free/kernels.js';
import { Arena } from '../../dist/src/core/arena.js';
import { systemEnvironment } from '../../dist/src/core/environment.js';
import { settingsWith } from '../../dist/src/core/settings.js';
import { valueAt } from '../../dist/src/core/values.js';
import { openStorage } from '../../dist/src/storage/open.js';

const [, , path, file, from, step, right] = process.argv;

async function answer() {
  const settings = settingsWith({ memory_limit: '16MB', read_only: true });
  const arena = Arena.create(0, settings.memory_limit);
  const hash = createHash('sha256');
  const storage = await openStorage({ path, settings, environment: systemEnvironment, arena, kernels: instantiateKernels(arena.memory) });
  try {
    const snapshot = storage.snapshot();
    for (const { definition } of snapshot.tables()) {
      const view = snapshot.table(definition.name);
      hash.update(`${definition.name} ${definition.columns.map(({ name }) => name)}`);
      for (const segment of view.segments) {
        const pinned = await view.pin(
          segment,
          definition.columns.map((_, i) => i),
        );
        for (let row = 0; row < segment.rowCount; row++) {
          const isAlive = pinned.alive === 0 || ((arena.u8[pinned.alive + (row >> 3)] >> (row & 7)) & 1) === 1;
          if (isAlive) hash.update(pinned.columns.map((column) => String(valueAt(arena, column, row))).join('|'));
        }
        pinned.release();
      }
    }
    snapshot.release();
  } finally {
    await storage.close();
  }
  return hash.digest('hex');
}

async function outcome() {
  try {
    const given = await answer();
    return given === right ? 'right' : right === undefined ? given : 'wrong';
  } catch (error) {
    return error.name === 'DbError' && error.code !== 'internal'
      ? error.code
      : `thrown ${error.name} ${error.message}`.slice(0, 100).replaceAll('\n', ' ');
  }
}

if (right === undefined) process.stdout.write(`${await answer()}\n`);
else {
  const bytes = readFileSync(file);
  const put = (at, value) => {
    const descriptor = openSync(file, 'r+');
    writeSync(descriptor, Buffer.of(value), 0, 1, at);
    closeSync(descriptor);
  };
  for (let at = Number(from); at < bytes.length; at += Number(step)) {
    process.stdout.write(`${at} `);
    put(at, bytes[at] ^ (1 << (at % 8)));
    const result = await outcome();
    put(at, bytes[at]);
    process.stdout.write(`${result}\n`);
  }
}
