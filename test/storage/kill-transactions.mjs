// Commits transactions over several tables without end and prints the number of each once it is acknowledged. Killed by kill-transactions.test.ts.
// Arguments: folder, first transaction number. Transaction n appends batch n to `log`, puts it in place of batch n − 1 in `last`, and makes
// table `made_n` in place of `made_n−1`; every fourth alters `log`.
import { instantiateKernels } from '../../dist/native-free/kernels.js';
import { Arena } from '../../dist/src/core/arena.js';
import { systemEnvironment } from '../../dist/src/core/environment.js';
import { settingsWith } from '../../dist/src/core/settings.js';
import { openStorage } from '../../dist/src/storage/open.js';

const [, , path, first] = process.argv;
const settings = settingsWith({ memory_limit: '256MB', segment_rows: 2048 });
const arena = Arena.create(0, settings.memory_limit);
const storage = await openStorage({ path, settings, environment: systemEnvironment, arena, kernels: instantiateKernels(arena.memory) });
const fields = [
  { name: 'batch', type: { kind: 'int64' }, nullable: false },
  { name: 'row', type: { kind: 'int64' }, nullable: false },
];
const define = (name) => ({
  name,
  columns: fields.map((field, id) => ({ ...field, id, defaultSql: null, comment: null })),
  timestampColumn: null,
  partitionBy: 'none',
  clusterBy: [],
  dedupKeys: [],
  ttl: null,
  options: {},
});
const snapshot = storage.snapshot();
if (snapshot.table('log') === undefined) {
  const transaction = storage.begin();
  await transaction.createTable(define('log'));
  await transaction.createTable(define('last'));
  await transaction.commit();
}
snapshot.release();

const flat = (values, length) => ({
  type: { kind: 'int64' },
  encoding: 'flat',
  length,
  validity: 0,
  values,
  offsets: 0,
  dictionary: null,
  children: [],
});

async function append(writer, table, n, rows) {
  const [batch, row] = [arena.allocate(rows * 8), arena.allocate(rows * 8)];
  for (let i = 0; i < rows; i++) {
    arena.i64[batch / 8 + i] = BigInt(n);
    arena.i64[row / 8 + i] = BigInt(i);
  }
  const session = writer.openAppend(table);
  await session.append({ arena: arena.id, rowCount: rows, columns: [flat(batch, rows), flat(row, rows)] }, { fields });
  for (const address of [batch, row]) arena.free(address);
  await session.commit();
}

/** All rows that are there, segment by segment. */
async function removeAll(writer, table) {
  const now = writer.snapshot();
  const view = now.table(table);
  const deletions = view.segments.map((segment) => {
    const bytes = Math.ceil(segment.rowCount / 64) * 8;
    const rows = arena.allocate(Math.max(8, bytes));
    arena.u8.fill(255, rows, rows + bytes);
    return { segmentId: segment.id, rows };
  });
  await writer.deleteRows(table, deletions);
  for (const { rows } of deletions) arena.free(rows);
  now.release();
}

process.stdout.write('open\n');
for (let n = Number(first); ; n++) {
  const rows = (1 + ((n * 37) % 1500)) * (n % 5 === 0 ? 4 : 1);
  const transaction = storage.begin();
  await append(transaction, 'log', n, rows);
  await removeAll(transaction, 'last');
  await append(transaction, 'last', n, rows);
  const tables = transaction.snapshot();
  for (const { definition } of tables.tables()) if (definition.name.startsWith('made_')) await transaction.dropTable(definition.name);
  tables.release();
  await transaction.createTable(define(`made_${n}`));
  if (n % 4 === 0) {
    const column = { name: `c${n}`, type: { kind: 'int64' }, nullable: true, defaultSql: null, comment: null };
    await transaction.alterTable('log', [{ kind: 'add_column', column, fill: BigInt(n) }]);
  }
  await transaction.commit();
  process.stdout.write(`${n}\n`);
}
