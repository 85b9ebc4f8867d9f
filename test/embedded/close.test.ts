import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { open } from '../../src/index.js';

const LIBRARY = new URL('../../dist/src/index.js', import.meta.url).href;

test('a script that leaves a result unread closes its database and goes on', () => {
  const script = `
    import { open } from ${JSON.stringify(LIBRARY)};
    const db = await open({ threads: 1 });
    await db.query('SELECT * FROM range(1000000)');
    await db.close();
    console.log('closed');`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    encoding: 'utf8',
  });
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: 'closed\n', stderr: '' });
}, 60_000);

test('who reads a result on while the database is closed gets an error, not an early end', async () => {
  const db = await open({ threads: 0 });
  const result = await db.query('SELECT * FROM range(1000000)');
  const batches = result[Symbol.asyncIterator]();
  expect((await batches.next()).done).toBe(false);
  await db.close();
  await expect(batches.next()).rejects.toMatchObject({ code: 'closed' });
});

test('databases that are closed while their threads still load leave the process as it is', async () => {
  for (let milliseconds = 0; milliseconds <= 120; milliseconds += 30) {
    const db = await open({ threads: 2 });
    const rows = db.query('SELECT x % 7 AS k, count(*) FROM range(1000000) r(x) GROUP BY 1').then((result) => result.toRows());
    const ended = rows.then(
      (all) => all.length,
      (error) => error.code,
    );
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    await db.close();
    expect([7, 'closed', 'cancelled']).toContain(await ended);
  }
}, 60_000);
