// A database in a process of its own, run by follow.test.ts: answers each message { sql }, { flush: table } or { compact: table } with { rows } or { error }.
// Arguments: folder, 'write' or 'read'.
import { open } from '../../dist/src/index.js';

const [, , path, mode] = process.argv;
const db = await open({ path, threads: 0, segment_rows: 512, read_only: mode === 'read' });
process.on('message', async ({ sql, flush, compact }) => {
  try {
    if (flush) await db.engine.storage.flush(flush);
    if (compact) await db.engine.storage.compact(compact);
    const rows = sql === undefined ? [] : await (await db.query(sql)).toRows();
    process.send({ rows: JSON.parse(JSON.stringify(rows, (_key, value) => (typeof value === 'bigint' ? Number(value) : value))) });
  } catch (error) {
    process.send({ error: error.code ?? String(error) });
  }
});
process.send('ready');
