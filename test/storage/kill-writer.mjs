// Appends batches without end and prints the number of each once it is acknowledged; segments are merged all the time. Killed by kill.test.ts.
// Arguments: folder, first batch number, level of durability. A line is the batch's number and the number of its commit.
import { instantiateKernels } from '../../dist/native-free/kernels.js';
import { Arena } from '../../dist/src/core/arena.js';
import { systemEnvironment } from '../../dist/src/core/environment.js';
import { settingsWith } from '../../dist/src/core/settings.js';
import { openStorage } from '../../dist/src/storage/open.js';

const [, , path, first, durability] = process.argv;
const settings = settingsWith({ memory_limit: '256MB', segment_rows: 4096, compaction: true, durability, group_commit_ms: 20 });
const arena = Arena.create(0, settings.memory_limit);
const storage = await openStorage({ path, settings, environment: systemEnvironment, arena, kernels: instantiateKernels(arena.memory) });
const fields = [
  { name: 'ts', type: { kind: 'timestamp', unit: 'ns', timezone: null }, nullable: false },
  { name: 'batch', type: { kind: 'int64' }, nullable: false },
  { name: 'row', type: { kind: 'int64' }, nullable: false },
  { name: 'text', type: { kind: 'utf8' }, nullable: false },
];
const snapshot = storage.snapshot();
if (snapshot.table('t') === undefined) {
  const columns = fields.map((field, id) => ({ ...field, id, defaultSql: null, comment: null }));
  const definition = { name: 't', columns, timestampColumn: 0, partitionBy: 'day', clusterBy: [], dedupKeys: [], ttl: null, options: {} };
  await storage.createTable(definition);
}
snapshot.release();

const ROWS = 3000;
const flat = (type, values) => ({ type, encoding: 'flat', length: 0, validity: 0, values, offsets: 0, dictionary: null, children: [] });

/** Batch n has 1 + n * 37 % ROWS rows, every fifth four times as many, which is more than a segment takes; times are out of order, texts repeat or not by turns. */
async function write(n) {
  const rows = (1 + ((n * 37) % ROWS)) * (n % 5 === 0 ? 4 : 1);
  const [ts, batch, row] = [0, 1, 2].map(() => arena.allocate(rows * 8));
  const offsets = arena.allocate((rows + 1) * 4);
  const bytes = arena.allocate(rows * 16);
  let end = 0;
  arena.i32[offsets / 4] = 0;
  for (let i = 0; i < rows; i++) {
    arena.i64[ts / 8 + i] = BigInt((i * 7919) % 100_003);
    arena.i64[batch / 8 + i] = BigInt(n);
    arena.i64[row / 8 + i] = BigInt(i);
    const text = Buffer.from(`${n}/${i % (n % 2 ? 5 : ROWS)}`);
    arena.u8.set(text, bytes + end);
    end += text.length;
    arena.i32[offsets / 4 + i + 1] = end;
  }
  const columns = [
    flat(fields[0].type, ts),
    flat(fields[1].type, batch),
    flat(fields[2].type, row),
    { ...flat(fields[3].type, bytes), offsets },
  ];
  const session = storage.openAppend('t');
  await session.append({ arena: arena.id, rowCount: rows, columns: columns.map((c) => ({ ...c, length: rows })) }, { fields });
  for (const address of [ts, batch, row, offsets, bytes]) arena.free(address);
  const { sequence } = await session.commit();
  process.stdout.write(`${n} ${sequence}\n`);
}

process.stdout.write('open\n');
let next = Number(first);
const writer = async () => {
  for (;;) await write(next++);
};
const compactor = async () => {
  for (;;) {
    await storage.flush();
    await storage.compact();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};
await Promise.all([writer(), writer(), writer(), compactor()]);
